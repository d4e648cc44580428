//! Scalars on one line, keys among them.

use std::borrow::Cow;

use super::super::build::Style;
use super::{GiveUp, Quick, Step};

/// Longer keys are left to the full parser, which has a limit of its own.
const MAX_KEY: usize = 256;

impl Quick<'_> {
    /// A value that isn't written.
    pub(super) fn null(&mut self) -> Step {
        Ok(self.builder.scalar(
            Cow::Borrowed("~"),
            Style::Plain,
            0,
            self.last_end,
            self.last_end,
        )?)
    }

    /// Steps over a key of a block map with its colon, if one stands here.
    pub(super) fn skip_key(&mut self) -> Option<()> {
        let start = self.at;
        match self.bytes[self.at] {
            b'"' | b'\'' => {
                self.at = self.quote_end().ok()? + 1;
            }
            b'[' | b'{' | b'|' => return None,
            _ => self.at = self.plain_end().ok()?,
        }
        let is_short = self.at - start <= MAX_KEY;
        self.skip_spaces();
        (is_short && self.peek(0) == Some(b':') && self.is_blank(1)).then_some(())
    }

    /// Reads a key of a block map and its colon.
    pub(super) fn key(&mut self) -> Step {
        let start = self.at;
        match self.bytes[self.at] {
            b'"' | b'\'' => self.quoted()?,
            _ => {
                let end = self.plain_end()?;
                if &self.bytes[start..end] == b"<<" {
                    return Err(GiveUp);
                }
                self.plain(end)?;
            }
        }
        let is_short = self.at - start <= MAX_KEY;
        self.skip_spaces();
        if !is_short || self.peek(0) != Some(b':') || !self.is_blank(1) {
            return Err(GiveUp);
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the plain text from the cursor to `end`.
    pub(super) fn plain(&mut self, end: usize) -> Step {
        let start = self.at;
        let text = &self.source[start..end];
        self.at = end;
        self.last_end = end;
        Ok(self
            .builder
            .scalar(Cow::Borrowed(text), Style::Plain, 0, start, end)?)
    }

    /// Where the plain text at the cursor ends, in block style.
    pub(super) fn plain_end(&self) -> Step<usize> {
        self.refuse_indicator(|quick| quick.is_blank(1))?;
        let mut end = self.at;
        for (offset, byte) in self.bytes[self.at..].iter().enumerate() {
            match byte {
                b'\n' => break,
                b'\t' => return Err(GiveUp),
                b':' if self.is_blank(offset + 1) => break,
                b'#' if offset > 0 && self.bytes[self.at + offset - 1] == b' ' => break,
                b' ' => {}
                _ => end = self.at + offset + 1,
            }
        }
        Ok(end)
    }

    /// Where the plain text at the cursor ends, in a flow collection.
    pub(super) fn flow_plain_end(&self) -> Step<usize> {
        self.refuse_indicator(|quick| quick.is_flow_blank(1))?;
        let mut end = self.at;
        for (offset, byte) in self.bytes[self.at..].iter().enumerate() {
            match byte {
                b'\n' | b',' | b'[' | b']' | b'{' | b'}' => break,
                b'\t' => return Err(GiveUp),
                b':' if self.is_flow_blank(offset + 1) => break,
                b'#' if offset > 0 && self.bytes[self.at + offset - 1] == b' ' => {
                    return Err(GiveUp);
                }
                b' ' => {}
                _ => end = self.at + offset + 1,
            }
        }
        if &self.bytes[self.at..end] == b"<<" {
            return Err(GiveUp);
        }
        Ok(end)
    }

    /// A plain text must not begin with a character that means something.
    fn refuse_indicator(&self, is_alone: impl Fn(&Self) -> bool) -> Step {
        match self.peek(0) {
            None => Err(GiveUp),
            Some(
                b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'#' | b',' | b'[' | b']' | b'{' | b'}'
                | b'|' | b'>' | b'"' | b'\'' | b'\t' | b'\n' | b' ',
            ) => Err(GiveUp),
            Some(b'-' | b'?' | b':') if is_alone(self) => Err(GiveUp),
            Some(_) => Ok(()),
        }
    }

    /// Where the quote that opens at the cursor closes, on the same line.
    fn quote_end(&self) -> Step<usize> {
        let quote = self.bytes[self.at];
        let mut at = self.at + 1;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\n' => return Err(GiveUp),
                b'\\' if quote == b'"' => at += 1,
                byte if *byte == quote => {
                    if quote == b'"' || self.bytes.get(at + 1) != Some(&quote) {
                        return Ok(at);
                    }
                    at += 1;
                }
                _ => {}
            }
            at += 1;
        }
        Err(GiveUp)
    }

    pub(super) fn quoted(&mut self) -> Step {
        let start = self.at;
        let close = self.quote_end()?;
        let body = &self.source[start + 1..close];
        let text = if self.bytes[start] == b'\'' {
            if body.contains('\'') {
                Cow::Owned(body.replace("''", "'"))
            } else {
                Cow::Borrowed(body)
            }
        } else if body.contains('\\') {
            Cow::Owned(unescape(body).ok_or(GiveUp)?)
        } else {
            Cow::Borrowed(body)
        };
        self.at = close + 1;
        self.last_end = self.at;
        Ok(self
            .builder
            .scalar(text, Style::Quoted, 0, start, self.at)?)
    }
}

/// The escapes that are common; `None` for others.
fn unescape(body: &str) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        text.push(match rest.as_bytes().get(at + 1)? {
            b'n' => '\n',
            b't' => '\t',
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            _ => return None,
        });
        rest = &rest[at + 2..];
    }
    text.push_str(rest);
    Some(text)
}
