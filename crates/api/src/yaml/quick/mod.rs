//! A reader for the YAML that people mostly write, several times as fast as a full parser:
//! block maps and lists, flow collections, scalars on one line, literal blocks.
//!
//! It gives up at the first thing it doesn't know, errors included, and the full parser reads the
//! text instead. So it need not know much; but what it takes, it must read exactly as that one
//! does, which a test holds against all examples and against made-up texts.

mod block;
mod flow;
mod scalar;

use super::Limits;
use super::build::{Builder, Fault};
use super::tree::Tree;

/// Reading stops: something is unusual or wrong.
pub(super) struct GiveUp;

impl From<Fault> for GiveUp {
    fn from(_: Fault) -> Self {
        Self
    }
}

type Step<T = ()> = Result<T, GiveUp>;

/// Where the next value on a fresh line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// At this column.
    Column(usize),
    /// In another document, or nowhere.
    End,
}

struct Quick<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    line_start: usize,
    /// Where the last scalar ended, and so where a value that isn't written stands.
    last_end: usize,
    builder: Builder<'a>,
    /// For scalars that don't stand in the source as they are.
    scratch: String,
}

/// The trees of a text's documents and the faults that don't keep it from being read;
/// `None` if it takes the full parser to read it.
pub(super) fn read(source: &str, limits: &Limits) -> Option<(Vec<Tree>, Vec<Fault>)> {
    if source.contains('\r') || source.starts_with('\u{feff}') {
        return None;
    }
    let mut quick = Quick {
        source,
        bytes: source.as_bytes(),
        at: 0,
        line_start: 0,
        last_end: 0,
        builder: Builder::new(source, limits),
        scratch: String::new(),
    };
    let trees = quick.stream().ok()?;
    Some((trees, quick.builder.faults.finish()))
}

impl Quick<'_> {
    fn stream(&mut self) -> Step<Vec<Tree>> {
        let mut trees = Vec::new();
        loop {
            let next = self.next_line()?;
            if let Next::Column(column) = next {
                let next = self.root(column)?;
                if next != Next::End {
                    return Err(GiveUp);
                }
            }
            let tree = self.builder.take();
            if !tree.is_empty() {
                trees.push(tree);
            }
            if self.at >= self.bytes.len() {
                return Ok(trees);
            }
            self.marker()?;
        }
    }

    /// The document's value; scalars alone are left to the full parser.
    fn root(&mut self, column: usize) -> Step<Next> {
        match self.bytes[self.at] {
            b'{' | b'[' => {
                self.flow()?;
                self.end_line()
            }
            b'%' => Err(GiveUp),
            _ => match self.block(column, None)? {
                (next, true) => Ok(next),
                (_, false) => Err(GiveUp),
            },
        }
    }

    /// Steps over `---`, which has its line to itself.
    fn marker(&mut self) -> Step {
        if !self.bytes[self.at..].starts_with(b"---") {
            return Err(GiveUp);
        }
        self.at += 3;
        match self.peek(0) {
            Some(b' ') => self.skip_spaces(),
            Some(b'\n') | None => {}
            Some(_) => return Err(GiveUp),
        }
        match self.peek(0) {
            Some(b'\n' | b'#') | None => Ok(()),
            Some(_) => Err(GiveUp),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Whether a blank or the end comes this far ahead.
    fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), None | Some(b' ' | b'\n'))
    }

    fn skip_spaces(&mut self) {
        while self.peek(0) == Some(b' ') {
            self.at += 1;
        }
    }

    /// Ends a line on which nothing but a comment may follow, and goes to the next value.
    fn end_line(&mut self) -> Step<Next> {
        let before = self.at;
        self.skip_spaces();
        match self.peek(0) {
            Some(b'#') if self.at > before => self.next_line(),
            Some(b'\n') | None => self.next_line(),
            Some(_) => Err(GiveUp),
        }
    }

    /// From the rest of a line that is blank or a comment to the next value on a fresh line.
    fn next_line(&mut self) -> Step<Next> {
        loop {
            self.skip_spaces();
            match self.peek(0) {
                None => return Ok(Next::End),
                Some(b'\n') => {
                    self.at += 1;
                    self.line_start = self.at;
                }
                Some(b'#') => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest
                        .iter()
                        .position(|byte| *byte == b'\n')
                        .unwrap_or(rest.len());
                }
                Some(b'\t') => return Err(GiveUp),
                Some(_) => break,
            }
        }
        let column = self.at - self.line_start;
        if column == 0 && self.is_marker() {
            return Ok(Next::End);
        }
        Ok(Next::Column(column))
    }

    /// Whether `---` or `...` starts here.
    fn is_marker(&self) -> bool {
        let rest = &self.bytes[self.at..];
        (rest.starts_with(b"---") || rest.starts_with(b"...")) && self.is_blank(3)
    }
}
