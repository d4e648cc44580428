//! `when` conditions, after their tags are filled in: the language of the Go library govaluate.
//!
//! All numbers are floats. Words without quotes are texts, which Argo gets by turning variables to
//! strings after a first reading; so a condition is read twice, and what may follow what is
//! checked twice. Argo's errors are kept word for word, since they become a node's message.
//!
//! Operators of one rank are applied from left to right, also `**` and `? :`. A text in quotes that
//! looks like a time is one, and compares as its seconds since 1970.

mod evaluate;
mod lexer;
mod plan;
mod syntax;

use crate::error::WhenError;
use evaluate::{Value, evaluate};
use lexer::{Kind, Token};

/// How a word without quotes is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BareWords {
    Texts,
    Variables,
}

/// Whether the `when` of a step or task holds. An empty one does.
///
/// # Errors
/// If it is not a condition.
pub fn evaluate_when(when: &str) -> Result<bool, WhenError> {
    condition(when, BareWords::Texts)
}

/// Whether the `when` of a CronWorkflow holds. There a word without quotes is a variable, and
/// there are no variables.
///
/// # Errors
/// If it is not a condition.
pub fn evaluate_cron_when(when: &str) -> Result<bool, WhenError> {
    condition(when, BareWords::Variables)
}

fn condition(when: &str, bare_words: BareWords) -> Result<bool, WhenError> {
    if when.is_empty() {
        return Ok(true);
    }
    let invalid = |message: String| {
        let hint = if message.contains("Invalid token") {
            " (hint: try wrapping the affected expression in quotes (\"))"
        } else {
            ""
        };
        WhenError::Invalid {
            when: when.to_owned(),
            message: format!("{message}{hint}"),
        }
    };
    let mut tokens = lexer::tokens(when).map_err(invalid)?;
    let mut stage = prepared(&mut tokens).map_err(invalid)?;
    if bare_words == BareWords::Texts && tokens.iter().any(Token::is_variable) {
        for token in &mut tokens {
            if let Kind::Variable(name) = &token.kind {
                token.kind = Kind::Text(name.clone());
            }
        }
        stage = prepared(&mut tokens).map_err(|message| WhenError::Parse {
            when: when.to_owned(),
            message,
        })?;
    }
    let value = match &stage {
        Some(stage) => evaluate(stage),
        None => Ok(Value::Nil),
    };
    match value {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(value) => Err(WhenError::NotBoolean {
            when: when.to_owned(),
            value: value.to_string(),
        }),
        Err(message) => Err(WhenError::Evaluation {
            when: when.to_owned(),
            message,
        }),
    }
}

fn prepared(tokens: &mut [Token]) -> Result<Option<plan::Stage>, String> {
    syntax::check(tokens)?;
    syntax::compile_patterns(tokens)?;
    plan::plan(tokens)
}
