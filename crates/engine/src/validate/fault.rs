//! What is found wrong, and where.

use std::fmt;

use argosy_api::{Diagnostic, FieldPath, Part, Severity};

/// One fault of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of fault it is; does not change between versions.
    pub code: &'static str,
    /// The field, from the object's root: `spec.templates[2].dag.tasks[0].template`. What is wrong
    /// inside another object stands at the reference to that object.
    pub path: FieldPath,
    /// What of the field's text is at fault, if it is not the whole.
    pub part: Option<Part>,
    /// What is wrong. For what Argo refuses too, its words.
    pub message: String,
    /// How Argo came to the place: what it puts before the message.
    pub via: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Fault {
    /// The whole sentence as Argo prints it.
    pub fn text(&self) -> String {
        match self.via.as_str() {
            "" => self.message.clone(),
            via => format!("{via} {}", self.message),
        }
    }

    /// Whether the object is refused for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        Self {
            severity: fault.severity,
            code: fault.code,
            message: fault.text(),
            help: fault.help,
            path: fault.path,
            part: fault.part,
            span: None,
            source: None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}[{}] {}: {}",
            self.severity,
            self.code,
            self.path,
            self.text()
        )?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Reads a path as it prints.
pub(super) fn field_path(text: &str) -> FieldPath {
    let mut path = FieldPath::root();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            match inner[..end].parse() {
                Ok(index) => path.push_index(index),
                Err(_) => path.push_field(inner[..end].to_owned()),
            }
            rest = inner.get(end + 1..).unwrap_or_default();
        } else {
            let field = rest.strip_prefix('.').unwrap_or(rest);
            let end = field.find(['.', '[']).unwrap_or(field.len());
            path.push_field(field[..end].to_owned());
            rest = &field[end..];
        }
    }
    path
}

/// A fault before its place in the object is known.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub severity: Severity,
    pub code: &'static str,
    /// From the template, argument list or spec that was looked at.
    pub path: String,
    /// What of the field's text is at fault, if it is not the whole.
    pub part: Option<Part>,
    pub message: String,
    pub help: Option<String>,
    /// Holds only if nothing produces this global output.
    pub unless_produced: Option<GlobalOutput>,
}

/// An output with a `globalName`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum GlobalOutput {
    Parameter(String),
    Artifact(String),
}

impl Finding {
    pub fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            path: path.into(),
            part: None,
            message: message.into(),
            help: None,
            unless_produced: None,
        }
    }

    pub fn warning(
        code: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, path, message)
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Of a part of the field's text.
    pub fn part(mut self, part: impl Into<Part>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// With a proposal, if there is one.
    pub fn propose(mut self, near: Option<&str>) -> Self {
        if let Some(near) = near {
            self.help = Some(format!("did you mean '{near}'?"));
        }
        self
    }
}

/// `base.rest`, `base[0]` or only one of both.
pub(super) fn join(base: &str, rest: &str) -> String {
    match (base.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (_, true) => base.to_owned(),
        _ if rest.starts_with('[') => format!("{base}{rest}"),
        _ => format!("{base}.{rest}"),
    }
}
