//! Why a value can't be read as a type.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// A fault on the way from a tree to a type, and the node it is about once that is known.
#[derive(Debug)]
pub(crate) struct ReadError(pub Box<ReadFault>);

#[derive(Debug)]
pub(crate) struct ReadFault {
    pub node: Option<u32>,
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
}

impl ReadError {
    pub fn new(code: &'static str, message: String) -> Self {
        Self(Box::new(ReadFault {
            node: None,
            code,
            message,
            help: None,
        }))
    }

    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.0.help = help;
        self
    }

    /// Says which node it is about, unless a node further in has said so.
    pub fn at(mut self, node: u32) -> Self {
        self.0.node.get_or_insert(node);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ReadError {}

impl Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("invalid-value", message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(
            "wrong-type",
            format!("expected {}, found {}", wanted(expected), shown(found)),
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(
            "invalid-value",
            format!("expected {}, found {}", wanted(expected), shown(found)),
        )
    }

    fn unknown_variant(word: &str, words: &'static [&'static str]) -> Self {
        let help = match crate::nearest::nearest(word, words.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("one of {}", words.join(", ")),
        };
        Self::new(
            "unknown-word",
            format!("\"{word}\" is not one of the words allowed here"),
        )
        .with_help(Some(help))
    }
}

/// What a type calls itself, in words a user knows.
fn wanted(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "Quantity" => "a quantity such as 500m or 1Gi".to_owned(),
        "IntOrString" => "a whole number or a string".to_owned(),
        "Time" => "a time such as 2026-01-02T03:04:05Z".to_owned(),
        "i32" => "a whole number of at most 32 bits".to_owned(),
        "i64" | "u64" => "a whole number".to_owned(),
        "bool" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn shown(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("the boolean {value}"),
        Unexpected::Unsigned(value) => format!("the number {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Str(text) => format!("the string \"{text}\""),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}
