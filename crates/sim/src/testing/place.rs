//! Where something stands.

use std::fmt;

use argosy_api::{Document, FieldPath};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl Place {
    /// The line of the value at a path.
    pub fn of(document: &Document, path: &FieldPath) -> Self {
        Self {
            file: document.source_name().to_string(),
            line: document.locate_key(path).line,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
