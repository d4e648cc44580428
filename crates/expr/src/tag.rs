//! Texts with tags: `{{name}}` and `{{=expression}}`.
//!
//! As in Argo, a tag ends at the first `}}` after its `{{`, whatever stands between: another `{{`
//! (then the inner variable is filled in first, and a later pass sees the outer tag), or the two
//! closing braces of a map within a map (then the expression is cut short; a space helps).

use std::ops::Range;

use crate::error::{ExprError, TagError};
use crate::expr::Program;

/// A piece of a [`Template`].
#[derive(Clone, Debug)]
pub enum Segment {
    /// Text that stays.
    Text(Range<usize>),
    /// `{{name}}`.
    Tag {
        /// What stands between the braces.
        raw: Range<usize>,
        /// The same without the white space around it.
        name: Range<usize>,
        /// In `{{a-{{b}}`, the `b`.
        nested: Option<Range<usize>>,
    },
    /// `{{=expression}}`.
    Expression {
        /// What stands between the braces, with the `=`.
        raw: Range<usize>,
        /// The expression as written, after the `=`.
        source: Range<usize>,
        /// The expression, or why it isn't one.
        program: Box<Result<Program, ExprError>>,
    },
}

impl Segment {
    /// Where it begins in the text, in bytes: for a tag, at its `{{`.
    pub fn offset(&self) -> usize {
        match self {
            Self::Text(range) => range.start,
            Self::Tag { raw, .. } | Self::Expression { raw, .. } => raw.start - 2,
        }
    }
}

/// A text, cut at its tags.
#[derive(Clone, Debug)]
pub struct Template {
    source: String,
    segments: Vec<Segment>,
}

impl Template {
    /// Cuts a text at its tags. An expression that can't be read is no error here but when the
    /// text is rendered; see [`errors`](Template::errors).
    ///
    /// # Errors
    /// If a `{{` has no `}}`.
    pub fn parse(text: &str) -> Result<Self, TagError> {
        let mut segments = Vec::new();
        let mut position = 0;
        while let Some(found) = text[position..].find("{{") {
            let open = position + found;
            let start = open + 2;
            let Some(length) = text[start..].find("}}") else {
                return Err(TagError::Unclosed {
                    template: text.to_owned(),
                    rest: text[start..].to_owned(),
                    offset: open,
                });
            };
            if open > position {
                segments.push(Segment::Text(position..open));
            }
            segments.push(segment(text, start..start + length));
            position = start + length + 2;
        }
        if position > 0 && position < text.len() {
            segments.push(Segment::Text(position..text.len()));
        }
        Ok(Self {
            source: text.to_owned(),
            segments,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it has no tags at all.
    pub fn is_literal(&self) -> bool {
        self.segments.is_empty()
    }

    /// Its pieces; none if it [is literal](Template::is_literal).
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The part of the text that a segment speaks of.
    pub fn slice(&self, range: &Range<usize>) -> &str {
        &self.source[range.clone()]
    }

    /// The variables that it uses: names of tags, and the dotted paths that expressions read.
    /// A path may go on below a variable (`item.name`) or stop above it (`inputs.parameters`).
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(move |segment| {
            let (tag, paths) = match segment {
                Segment::Text(_) => (None, None),
                Segment::Tag { name, nested, .. } => {
                    (Some(self.slice(nested.as_ref().unwrap_or(name))), None)
                }
                Segment::Expression { program, .. } => (
                    None,
                    program.as_ref().as_ref().ok().map(Program::references),
                ),
            };
            tag.into_iter().chain(paths.into_iter().flatten())
        })
    }

    /// The expressions that can't be read, with the offset at which the expression begins.
    pub fn errors(&self) -> impl Iterator<Item = (usize, &ExprError)> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Expression {
                source, program, ..
            } => program
                .as_ref()
                .as_ref()
                .err()
                .map(|error| (source.start, error)),
            Segment::Text(_) | Segment::Tag { .. } => None,
        })
    }
}

fn segment(text: &str, raw: Range<usize>) -> Segment {
    let tag = &text[raw.clone()];
    if let Some(expression) = tag.strip_prefix('=') {
        return Segment::Expression {
            source: raw.start + 1..raw.end,
            raw,
            program: Box::new(Program::compile(expression)),
        };
    }
    let trimmed = tag.trim();
    let start = raw.start + (tag.len() - tag.trim_start().len());
    let nested = tag
        .rfind("{{")
        .filter(|&at| at > 0)
        .map(|at| raw.start + at + 2..raw.end);
    Segment::Tag {
        name: start..start + trimmed.len(),
        raw,
        nested,
    }
}
