//! What is found wrong, and where.

use std::fmt;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Argo accepts it, but it is probably not what was meant, or fails when it runs.
    Warning,
    /// The object is refused.
    Error,
}

/// One fault of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of fault it is; does not change between versions.
    pub code: &'static str,
    /// The field, from the object's root: `spec.templates[2].dag.tasks[0].template`. What is wrong
    /// inside another object stands at the reference to that object.
    pub path: String,
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}] {}: ", self.code, self.path)?;
        f.write_str(&self.text())?;
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

/// A fault before its place in the object is known.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub severity: Severity,
    pub code: &'static str,
    /// From the template, argument list or spec that was looked at.
    pub path: String,
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
    pub fn error(
        code: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            code,
            path: path.into(),
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
