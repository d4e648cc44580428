//! An expression that says yes or no.

use std::sync::Arc;

use argosy_expr::Program;

use super::Text;

/// An expression in which tags are filled in before it is read: read once, if it holds none.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As it was written.
    pub source: Arc<str>,
    /// What is known of it.
    pub read: Read,
}

/// How far an expression is read.
#[derive(Clone, Debug)]
pub enum Read {
    /// Whole.
    Program(Arc<Program>),
    /// It has tags.
    Tagged(Text),
    /// It can't be: the reason.
    Wrong(Arc<str>),
}

impl Condition {
    /// Reads an expression.
    pub fn new(source: &str) -> Self {
        let read = match Text::parse(source) {
            Ok(text @ Text::Tagged(_)) => Read::Tagged(text),
            Ok(Text::Literal(_)) => match Program::compile(source) {
                Ok(program) => Read::Program(Arc::new(program)),
                Err(error) => Read::Wrong(error.to_string().into()),
            },
            Err(error) => Read::Wrong(error.to_string().into()),
        };
        Self {
            source: Arc::from(source),
            read,
        }
    }
}
