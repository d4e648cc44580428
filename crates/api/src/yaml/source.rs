//! The text that objects are read from.

use std::sync::Arc;

use crate::{Diagnostic, FieldPath, Span};

/// A named text, such as a file's.
#[derive(Clone, Debug)]
pub struct Source {
    /// What to call it in messages: a path, or `-` for the standard input.
    pub name: String,
    /// What it holds.
    pub text: Arc<str>,
}

impl Source {
    /// A text with its name.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// A file's bytes with its name: UTF-8, or UTF-16 where it starts with a byte-order mark.
    ///
    /// # Errors
    /// The bytes are no such text; the diagnostic points at the first that is wrong.
    #[expect(clippy::result_large_err, reason = "made once a file")]
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, Diagnostic> {
        let name = name.into();
        match decode(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(valid) => {
                let before = String::from_utf8_lossy(&bytes[..valid]);
                let line = before.matches('\n').count() as u32 + 1;
                let column = before
                    .rsplit('\n')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .count() as u32
                    + 1;
                let start = u32::try_from(valid).unwrap_or(u32::MAX);
                let span = Span {
                    start,
                    end: start.saturating_add(1),
                    line,
                    column,
                };
                Err(
                    Diagnostic::error("invalid-text", FieldPath::root(), "this byte is not UTF-8")
                        .with_help("save the file as UTF-8")
                        .with_span(name.into(), span),
                )
            }
        }
    }
}

/// The text, or how many bytes of it are right.
fn decode(bytes: &[u8]) -> Result<String, usize> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks(2)
            .map(|pair| unit([pair[0], *pair.get(1).unwrap_or(&0)]))
            .collect();
        String::from_utf16(&units).map_err(|_| 0)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(error.valid_up_to()),
        },
    }
}

/// How much a text may hold. What goes beyond is refused before it costs memory.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Size of the text in bytes.
    pub bytes: u32,
    /// Containers within containers, aliases written out.
    pub depth: u32,
    /// Values in a document, aliases written out, keys counted too.
    pub nodes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            depth: 128,
            nodes: 4_000_000,
        }
    }
}
