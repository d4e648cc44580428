//! What is wrong with an object, and where.

use std::fmt;
use std::sync::Arc;

use crate::FieldPath;

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The object can be used, though perhaps not as its author thinks.
    Warning,
    /// The object can't be used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A stretch of a source's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Byte offset of the first byte.
    pub start: u32,
    /// Byte offset after the last byte.
    pub end: u32,
    /// Line of the start, from 1.
    pub line: u32,
    /// Column of the start in characters, from 1.
    pub column: u32,
}

/// A part of a value's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part as it is written.
    pub text: String,
    /// What of it is in question, in bytes.
    pub spot: std::ops::Range<usize>,
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        let spot = 0..text.len();
        Self { text, spot }
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// One fault or doubt about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the object can still be used.
    pub severity: Severity,
    /// What kind of fault it is, a stable word such as `unknown-field`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The value in question.
    pub path: FieldPath,
    /// What of the value's text is in question, if it is not the whole: `{{inputs.parameters.x}}`.
    pub part: Option<Part>,
    /// The text in question, once it is known.
    pub span: Option<Span>,
    /// Name of the source that the object came from, once it is known.
    pub source: Option<Arc<str>>,
}

impl Diagnostic {
    /// A fault that keeps the object from being used.
    pub fn error(code: &'static str, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            help: None,
            path,
            part: None,
            span: None,
            source: None,
        }
    }

    /// A doubt that does not keep the object from being used.
    pub fn warning(code: &'static str, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, path, message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the place in a source.
    #[must_use]
    pub fn with_span(mut self, source: Arc<str>, span: Span) -> Self {
        self.source = Some(source);
        self.span = Some(span);
        self
    }

    /// Whether the object can't be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
        }
        if let Some(span) = &self.span {
            write!(f, "{}:{}:", span.line, span.column)?;
        }
        if self.source.is_some() || self.span.is_some() {
            f.write_str(" ")?;
        }
        write!(f, "{}: ", self.severity)?;
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}
