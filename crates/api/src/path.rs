//! Where in an object a value stands.

use std::borrow::Cow;
use std::fmt;

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Into a map, by key.
    Field(Cow<'static, str>),
    /// Into a list, by position from 0.
    Index(usize),
}

/// The way from an object's root to one of its values. It prints as Kubernetes prints it:
/// `spec.templates[2].steps[0][1].when`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The path of the root itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// This path, then the value under a key.
    #[must_use]
    pub fn field(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.push_field(name);
        self
    }

    /// This path, then the element at a position.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.push_index(index);
        self
    }

    /// Goes on to the value under a key.
    pub fn push_field(&mut self, name: impl Into<Cow<'static, str>>) {
        self.0.push(Segment::Field(name.into()));
    }

    /// Goes on to the element at a position.
    pub fn push_index(&mut self, index: usize) {
        self.0.push(Segment::Index(index));
    }

    /// Goes back one step; `None` at the root.
    pub fn pop(&mut self) -> Option<Segment> {
        self.0.pop()
    }

    /// The steps, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path, then another one that starts here.
    #[must_use]
    pub fn join(mut self, rest: &FieldPath) -> Self {
        self.0.extend(rest.0.iter().cloned());
        self
    }
}

impl FromIterator<Segment> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Field(name) if !is_plain(name) => write!(f, "[{name}]")?,
                Segment::Field(name) if position == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// Whether a key can stand in a path without brackets.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_kubernetes_prints_them() {
        let path = FieldPath::root().field("spec").field("templates").index(2);
        let cases = [
            (FieldPath::root(), ""),
            (path.clone(), "spec.templates[2]"),
            (
                path.field("steps").index(0).index(1).field("when"),
                "spec.templates[2].steps[0][1].when",
            ),
            (
                FieldPath::root()
                    .field("metadata")
                    .field("labels")
                    .field("a.b/c"),
                "metadata.labels[a.b/c]",
            ),
            (FieldPath::root().index(3), "[3]"),
        ];
        for (path, expected) in cases {
            assert_eq!(path.to_string(), expected);
        }
    }
}
