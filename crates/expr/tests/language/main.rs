//! Expressions: the language, expr-lang's functions and sprig's.

mod as_expr_lang;
mod cases;
mod expressions;
mod functions;
mod names;
mod sprig;
mod sprig_texts;
mod sprig_values;
