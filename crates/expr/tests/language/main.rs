//! Expressions: the language, expr-lang's functions and sprig's.

mod cases;
mod expressions;
mod functions;
mod names;
mod sprig;
mod sprig_texts;
mod sprig_values;
