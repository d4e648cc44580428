//! The errors of this crate, each with the place in the text that it is about.

use thiserror::Error;

/// What kind of thing went wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprErrorKind {
    /// The text is not an expression.
    Syntax,
    /// A name is used that the scope doesn't know.
    UnknownName,
    /// The expression was read, but evaluating it failed.
    Evaluation,
    /// The expression is too large, nests too deep, runs too long or produces too much.
    Budget,
}

/// An expression that can't be read or evaluated.
///
/// It prints as expr-lang's `file.Error` does: the message, the line and column, and the line of the
/// text with a mark below it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}{shown_place}")]
pub struct ExprError {
    /// What is wrong, without the position.
    pub message: String,
    /// The place as it is printed.
    shown_place: String,
    /// Whether it shows before anything is evaluated: expr-lang's `Compile` tells of it.
    pub before_evaluation: bool,
    /// Where it is in the expression's text, in bytes.
    pub offset: usize,
    /// How many bytes it covers.
    pub length: usize,
    /// What kind of thing went wrong.
    pub kind: ExprErrorKind,
}

impl ExprError {
    pub(crate) fn new(
        kind: ExprErrorKind,
        message: impl Into<String>,
        offset: usize,
        length: usize,
    ) -> Self {
        Self {
            message: message.into(),
            shown_place: String::new(),
            before_evaluation: false,
            offset,
            length,
            kind,
        }
    }

    pub(crate) fn before_evaluation(mut self) -> Self {
        self.before_evaluation = true;
        self
    }

    /// Shows the place in the expression's text. Budgets are ours, and texts that break them long.
    pub(crate) fn within(mut self, source: &str) -> Self {
        if self.kind != ExprErrorKind::Budget {
            self.shown_place = shown_place(source, self.offset);
        }
        self
    }
}

fn shown_place(source: &str, offset: usize) -> String {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[start..].chars().count();
    let text = source[start..].split('\n').next().unwrap_or_default();
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace('\t', " ");
    let dots = ".".repeat(column);
    format!(" ({line}:{})\n | {text}\n | {dots}^", column + 1)
}

/// A text whose tags can't be read or filled in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TagError {
    /// A `{{` without the `}}` that ends it.
    #[error("Cannot find end tag=\"}}}}\" in the template={template:?} starting from {rest:?}")]
    Unclosed {
        /// The whole text.
        template: String,
        /// What follows the `{{`.
        rest: String,
        /// Where the `{{` stands, in bytes.
        offset: usize,
    },
    /// A tag whose variable is not there. Argo's controller waits and tries again on this one.
    #[error("failed to resolve {{{{{tag}}}}}")]
    Unresolved {
        /// The tag as it was written, without the braces.
        tag: String,
        /// Where the tag begins, in bytes.
        offset: usize,
    },
    /// An expression that uses a variable that is not there. Argo's controller waits and tries again on this one.
    #[error("failed to evaluate expression: {name} is missing")]
    Missing {
        /// The variable.
        name: String,
        /// Where the tag begins, in bytes.
        offset: usize,
    },
    /// A tag whose variable is known to have no value: the output of a node that was skipped or omitted.
    #[error(
        "unable to substitute {{{{{tag}}}}}: output is an absent optional (skipped/omitted node with no default)"
    )]
    Absent {
        /// The tag as it was written, without the braces.
        tag: String,
        /// Where the tag begins, in bytes.
        offset: usize,
    },
    /// A tag within a tag, whose inner variable is known to have no value.
    #[error("unable to substitute nested tag {{{{{tag}}}}}: {name:?} is an absent optional")]
    AbsentNested {
        /// The whole tag as it was written, without the outer braces.
        tag: String,
        /// The inner variable.
        name: String,
        /// Where the tag begins, in bytes.
        offset: usize,
    },
    /// An expression that can't be read or evaluated.
    #[error("failed to evaluate expression: {error}")]
    Expression {
        /// What is wrong, with its place inside the expression.
        error: ExprError,
        /// Where the expression's text begins, in bytes.
        offset: usize,
    },
    /// An expression whose value JSON doesn't have.
    #[error("failed to marshal evaluated expression: {message}")]
    Marshal {
        /// What JSON doesn't have.
        message: String,
        /// Where the tag begins, in bytes.
        offset: usize,
    },
    /// An expression that gives nil, which is no text.
    #[error("failed to evaluate expression {expression:?}")]
    Nil {
        /// The expression.
        expression: String,
        /// Where the tag begins, in bytes.
        offset: usize,
    },
}

impl TagError {
    /// Where in the text the error is, in bytes.
    pub fn offset(&self) -> usize {
        match self {
            Self::Expression { error, offset } => offset + error.offset,
            Self::Unclosed { offset, .. }
            | Self::Unresolved { offset, .. }
            | Self::Missing { offset, .. }
            | Self::Absent { offset, .. }
            | Self::AbsentNested { offset, .. }
            | Self::Marshal { offset, .. }
            | Self::Nil { offset, .. } => *offset,
        }
    }
}

/// A `when` condition that can't be read or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WhenError {
    /// The condition is not one. `message` has the hint about quotes that Argo adds.
    #[error("Invalid 'when' expression '{when}': {message}")]
    Invalid {
        /// The condition.
        when: String,
        /// What is wrong.
        message: String,
    },
    /// The condition stops making sense once words without quotes are taken as texts: `!word`.
    #[error("Failed to parse 'when' expression '{when}': {message}")]
    Parse {
        /// The condition.
        when: String,
        /// What is wrong.
        message: String,
    },
    /// The condition was read, but its parts don't fit together.
    #[error("Failed to evaluate 'when' expresion '{when}': {message}")]
    Evaluation {
        /// The condition.
        when: String,
        /// What is wrong.
        message: String,
    },
    /// The condition gives something else than true or false.
    #[error("Expected boolean evaluation for '{when}'. Got {value}")]
    NotBoolean {
        /// The condition.
        when: String,
        /// What it gives.
        value: String,
    },
}

/// A `depends` logic that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct DependsError {
    /// What is wrong.
    pub message: String,
    /// Where it is, in bytes.
    pub offset: usize,
}

/// A JSONPath that can't be read, or that doesn't fit the document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct JsonPathError {
    /// What is wrong.
    pub message: String,
    /// Where it is in the path, in bytes.
    pub offset: usize,
}
