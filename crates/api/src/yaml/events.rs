//! From the YAML parser's events to trees.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::Limits;
use super::build::{Builder, Fault, Style};
use super::faults::MAX_OF_A_KIND;
use super::syntax::{plain_fault, syntax_fault};
use super::tree::Tree;

/// The trees of a text's documents (those that hold nothing are left out), and its faults.
pub(super) fn read(source: &str, limits: &Limits) -> (Vec<Tree>, Vec<Fault>) {
    let options = granit_parser::options! {
        emit_comments: false,
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: limits.depth as usize,
        block_nesting_limit: limits.depth as usize,
    };
    let mut parser = Parser::new_from_str_with_options(source, options);
    let mut reader = Reader {
        source,
        builder: Builder::new(source, limits),
        trees: Vec::new(),
        last_end: 0,
    };
    let mut broken = 0;
    loop {
        let fault = match parser.next_event() {
            None => break,
            Some(Ok((Event::StreamEnd, _))) => break,
            Some(Ok((event, span))) => match reader.event(event, span) {
                Ok(()) => continue,
                Err(fault) => fault,
            },
            Some(Err(error)) => {
                broken += 1;
                // What is not told of need not be put into words.
                match broken > MAX_OF_A_KIND {
                    true => plain_fault(source, &error),
                    false => syntax_fault(source, &error),
                }
            }
        };
        reader.builder.faults.push(fault);
        reader.builder.take();
        // The rest of a broken document is lost, the documents after it are not.
        if !matches!(parser.proceed_next_document(), Ok(true)) {
            break;
        }
    }
    (reader.trees, reader.builder.faults.finish())
}

struct Reader<'a> {
    source: &'a str,
    builder: Builder<'a>,
    trees: Vec<Tree>,
    last_end: usize,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let (start, end) = bytes(&span);
        match event {
            Event::DocumentEnd => {
                let tree = self.builder.take();
                if !tree.is_empty() {
                    self.trees.push(tree);
                }
                Ok(())
            }
            Event::MappingStart(style, anchor, _) => {
                self.builder
                    .open(true, style == StructureStyle::Flow, anchor, start)
            }
            Event::SequenceStart(style, anchor, _) => {
                let is_flow = style == StructureStyle::Flow;
                let start = if is_flow {
                    start
                } else {
                    self.first_dash(start)
                };
                self.builder.open(false, is_flow, anchor, start)
            }
            Event::MappingEnd | Event::SequenceEnd => self.builder.close(end),
            Event::Alias(anchor) => {
                self.last_end = end;
                self.builder.alias(anchor, start, end)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (start, end) = self.scalar_bytes(start, end);
                let quoted = style != ScalarStyle::Plain;
                let name = tag
                    .as_ref()
                    .map(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
                let style = match &name {
                    Some(name) => Style::Tagged {
                        tag: name.as_deref(),
                        quoted,
                    },
                    None if quoted => Style::Quoted,
                    None => Style::Plain,
                };
                self.builder.scalar(text, style, anchor, start, end)
            }
            _ => Ok(()),
        }
    }

    /// A list at its key's own column is said to start with its first item; its dash is better.
    /// Between the key and the item stand the colon, blanks, comments and the dash.
    fn first_dash(&self, start: usize) -> usize {
        if !self.builder.is_in_map() {
            return start;
        }
        let mut at = self.last_end;
        for line in self
            .source
            .get(at..start)
            .unwrap_or_default()
            .split_inclusive('\n')
        {
            let code = line.split(" #").next().unwrap_or_default();
            let text = code.trim_start();
            if text.starts_with('-') && !text.starts_with("--") {
                return at + code.len() - text.len();
            }
            at += line.len();
        }
        start
    }

    /// A value that isn't written at all stands where its key ends, and a block without the
    /// blank lines after it.
    fn scalar_bytes(&mut self, start: usize, end: usize) -> (usize, usize) {
        if start >= end {
            return (self.last_end, self.last_end);
        }
        let written = self.source.get(start..end).unwrap_or_default();
        let end = start + written.trim_end().len();
        self.last_end = end;
        (start, end)
    }
}

fn bytes(span: &Span) -> (usize, usize) {
    span.byte_range()
        .map_or((0, 0), |range| (range.start, range.end))
}
