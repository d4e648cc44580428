//! Lists and maps in brackets, and so JSON.

use super::{GiveUp, Quick, Step};

impl Quick<'_> {
    /// Reads the collection that opens at the cursor, and stops behind it.
    pub(super) fn flow(&mut self) -> Step {
        let is_map = self.bytes[self.at] == b'{';
        let close = if is_map { b'}' } else { b']' };
        self.builder.open(is_map, true, 0, self.at)?;
        self.at += 1;
        loop {
            self.skip_flow_blanks()?;
            if self.peek(0) == Some(close) {
                break;
            }
            if is_map {
                self.flow_pair()?;
            } else {
                self.flow_value()?;
            }
            self.skip_flow_blanks()?;
            match self.peek(0) {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => break,
                _ => return Err(GiveUp),
            }
        }
        self.at += 1;
        self.builder.close(self.at)?;
        Ok(())
    }

    fn flow_pair(&mut self) -> Step {
        let is_quoted = matches!(self.peek(0), Some(b'"' | b'\''));
        let line_start = self.line_start;
        self.flow_scalar()?;
        self.skip_flow_blanks()?;
        if self.line_start != line_start {
            return Err(GiveUp);
        }
        match self.peek(0) {
            Some(b',' | b'}') => return self.null(),
            Some(b':') if is_quoted || self.is_flow_blank(1) => self.at += 1,
            _ => return Err(GiveUp),
        }
        self.skip_flow_blanks()?;
        match self.peek(0) {
            Some(b',' | b'}') => self.null(),
            _ => self.flow_value(),
        }
    }

    fn flow_value(&mut self) -> Step {
        match self.peek(0) {
            Some(b'{' | b'[') => self.flow(),
            _ => self.flow_scalar(),
        }
    }

    fn flow_scalar(&mut self) -> Step {
        match self.peek(0) {
            Some(b'"' | b'\'') => self.quoted(),
            _ => {
                let end = self.flow_plain_end()?;
                self.plain(end)
            }
        }
    }

    /// Whether what ends a plain text in a flow collection comes this far ahead.
    pub(super) fn is_flow_blank(&self, ahead: usize) -> bool {
        matches!(
            self.peek(ahead),
            None | Some(b' ' | b'\n' | b',' | b'[' | b']' | b'{' | b'}')
        )
    }

    /// Blanks and line breaks; comments in here are left to the full parser.
    fn skip_flow_blanks(&mut self) -> Step {
        loop {
            match self.peek(0) {
                Some(b' ') => self.at += 1,
                Some(b'\n') => {
                    self.at += 1;
                    self.line_start = self.at;
                    if self.at < self.bytes.len() && self.is_marker() {
                        return Err(GiveUp);
                    }
                }
                _ => return Ok(()),
            }
        }
    }
}
