//! A string of a workflow that may hold tags.

use std::sync::Arc;

use argosy_expr::{TagError, Template};

/// A string, cut at its tags once.
#[derive(Clone, Debug)]
pub enum Text {
    /// A string without tags.
    Literal(Arc<str>),
    /// A string with tags.
    Tagged(Arc<Template>),
}

impl Text {
    /// Cuts a string at its tags.
    ///
    /// # Errors
    /// If a `{{` has no `}}`.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        if !text.contains("{{") {
            return Ok(Self::Literal(Arc::from(text)));
        }
        Ok(Self::Tagged(Arc::new(Template::parse(text)?)))
    }

    /// The string as it was written.
    pub fn source(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Tagged(template) => template.source(),
        }
    }

    /// The string, if it has no tags.
    pub fn literal(&self) -> Option<&Arc<str>> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Tagged(_) => None,
        }
    }

    /// The name of the variable, if the string is one simple tag and nothing else.
    pub fn pure_reference(&self) -> Option<&str> {
        pure_reference(self.source())
    }
}

/// Texts are the same if they were written the same.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

/// The name of the variable, if a string is one simple tag and nothing else.
pub fn pure_reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    (!name.contains("{{") && !name.contains("}}") && !name.starts_with('=')).then_some(name)
}
