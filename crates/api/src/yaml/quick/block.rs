//! Maps and lists by indentation, and literal blocks of text.

use std::borrow::Cow;

use super::super::build::Style;
use super::{GiveUp, Next, Quick, Step};

impl Quick<'_> {
    /// Reads the value at the cursor, whose column is given, and goes to the next one. A scalar
    /// must not go on beyond `parent`'s column on the next lines. Says whether it was a container.
    pub(super) fn block(&mut self, column: usize, parent: Option<usize>) -> Step<(Next, bool)> {
        if self.bytes[self.at] == b'-' && self.is_blank(1) {
            return Ok((self.list(column)?, true));
        }
        let (start, line_start, last_end) = (self.at, self.line_start, self.last_end);
        if self.skip_key().is_some() {
            (self.at, self.line_start, self.last_end) = (start, line_start, last_end);
            return Ok((self.map(column)?, true));
        }
        (self.at, self.line_start, self.last_end) = (start, line_start, last_end);
        let parent = parent.ok_or(GiveUp)?;
        Ok((self.line_value(parent)?, false))
    }

    fn list(&mut self, column: usize) -> Step<Next> {
        self.builder.open(false, false, 0, self.at)?;
        let next = loop {
            self.at += 1;
            self.skip_spaces();
            let next = match self.peek(0) {
                Some(b'\n' | b'#') | None => match self.next_line()? {
                    Next::Column(inner) if inner > column => self.block(inner, Some(column))?.0,
                    next => {
                        self.null()?;
                        next
                    }
                },
                Some(_) => self.block(self.at - self.line_start, Some(column))?.0,
            };
            match next {
                Next::Column(inner) if inner > column => return Err(GiveUp),
                Next::Column(inner)
                    if inner == column && self.bytes[self.at] == b'-' && self.is_blank(1) => {}
                next => break next,
            }
        };
        self.builder.close(self.at)?;
        Ok(next)
    }

    fn map(&mut self, column: usize) -> Step<Next> {
        self.builder.open(true, false, 0, self.at)?;
        let next = loop {
            self.key()?;
            self.skip_spaces();
            let next = match self.peek(0) {
                Some(b'\n') | None => self.nested_value(column)?,
                Some(b'#') if self.bytes[self.at - 1] == b' ' => self.nested_value(column)?,
                Some(_) => self.line_value(column)?,
            };
            match next {
                Next::Column(inner) if inner > column => return Err(GiveUp),
                Next::Column(inner) if inner == column => {}
                next => break next,
            }
            if self.bytes[self.at] == b'-' && self.is_blank(1) {
                return Err(GiveUp);
            }
        };
        self.builder.close(self.at)?;
        Ok(next)
    }

    /// The value of a key that has its line to itself.
    fn nested_value(&mut self, column: usize) -> Step<Next> {
        match self.next_line()? {
            Next::Column(inner) if inner > column => Ok(self.block(inner, Some(column))?.0),
            Next::Column(inner)
                if inner == column && self.bytes[self.at] == b'-' && self.is_blank(1) =>
            {
                self.list(column)
            }
            next => {
                self.null()?;
                Ok(next)
            }
        }
    }

    /// A value that begins on the line of its key or dash, and is neither a map nor a list in
    /// block style.
    fn line_value(&mut self, parent: usize) -> Step<Next> {
        match self.bytes[self.at] {
            b'[' | b'{' => self.flow()?,
            b'|' => return self.literal(parent),
            b'"' | b'\'' => self.quoted()?,
            _ => {
                let end = self.plain_end()?;
                self.plain(end)?;
            }
        }
        match self.end_line()? {
            // A text that goes on, or a fault.
            Next::Column(inner) if inner > parent => Err(GiveUp),
            next => Ok(next),
        }
    }

    fn literal(&mut self, parent: usize) -> Step<Next> {
        self.at += 1;
        let keep = match self.peek(0) {
            Some(b'-') => Some(false),
            Some(b'+') => Some(true),
            _ => None,
        };
        self.at += usize::from(keep.is_some());
        if self.peek(0) != Some(b'\n') {
            return Err(GiveUp);
        }
        self.at += 1;
        self.scratch.clear();
        let (start, end) = self.literal_lines(parent)?;
        let content = self.scratch.trim_end_matches('\n').len();
        if content == 0 {
            return Err(GiveUp);
        }
        match keep {
            Some(true) => {}
            Some(false) => self.scratch.truncate(content),
            None => self.scratch.truncate(self.scratch.len().min(content + 1)),
        }
        let text = std::mem::take(&mut self.scratch);
        self.last_end = end;
        self.builder
            .scalar(Cow::Borrowed(&text), Style::Quoted, 0, start, end)?;
        self.scratch = text;
        self.line_start = self.at;
        self.next_line()
    }

    /// Collects the lines of a literal block, and says where its text starts and ends.
    fn literal_lines(&mut self, parent: usize) -> Step<(usize, usize)> {
        let mut indent = None;
        let (mut start, mut end) = (self.at, self.at);
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let length = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
            let line = &self.source[self.at..self.at + length];
            let spaces = line.len() - line.trim_start_matches(' ').len();
            if spaces == line.len() {
                // A blank line that sticks out of the block holds spaces of the text's own.
                if spaces > indent.unwrap_or(0) {
                    return Err(GiveUp);
                }
            } else {
                if indent.is_none() {
                    start = self.at + spaces;
                }
                let indent = *indent.get_or_insert(spaces);
                if spaces < indent || spaces <= parent {
                    return if spaces <= parent {
                        Ok((start, end))
                    } else {
                        Err(GiveUp)
                    };
                }
                if line.as_bytes()[spaces] == b'\t' {
                    return Err(GiveUp);
                }
                self.scratch.push_str(&line[indent..]);
                end = self.at + line.trim_end().len();
            }
            self.at += length;
            if self.at < self.bytes.len() {
                self.scratch.push('\n');
                self.at += 1;
            }
        }
        Ok((start, end))
    }
}
