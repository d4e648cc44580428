//! What a slip in YAML's syntax is told as: in which line it is, what is wrong there, and how to
//! write it right. The parser says what it expected; what an author needs is mostly in the lines
//! above.

use granit_parser::ErrorKind;

use super::build::Fault;

/// How many lines above a fault are looked at.
const MOST_LINES: usize = 5_000;

/// The fault that the parser came upon.
pub(super) fn syntax_fault(source: &str, error: &granit_parser::ScanError) -> Fault {
    let at = error.marker().byte_offset().unwrap_or(0).min(source.len());
    let here = Here::new(source, at);
    let kind = error.kind();
    let found = match kind {
        ErrorKind::RecursionLimitExceeded => Some(Told {
            code: "too-deep",
            ..here.told(
                "lists and maps stand deeper in one another than is read",
                "flatten it: no workflow needs lists and maps in one another so deep",
            )
        }),
        // Several kinds of faults are about tabs.
        kind if kind.to_string().contains("tab") => Some(here.tab()),
        ErrorKind::UnknownAnchor => Some(Told {
            code: "unknown-alias",
            ..here.told(
                "no anchor of this name stands above",
                "put a text that begins with '*' in quotes",
            )
        }),
        ErrorKind::UnexpectedCharacter { .. } => Some(here.told(
            &kind.to_string(),
            "put a text that starts with this character in quotes",
        )),
        ErrorKind::UnclosedFlowCollection { open } => Some(here.not_closed(at, *open)),
        ErrorKind::UnclosedQuotedScalar => Some(here.told(
            "this quote is not closed",
            "close it; within '…' a single quote is written twice, within \"…\" a double one as \\\"",
        )),
        _ => (here.unclosed())
            .or_else(|| here.cut_block())
            .or_else(|| here.deeper())
            .or_else(|| here.fits_nothing())
            .or_else(|| here.no_space())
            .or_else(|| here.no_key(kind))
            .or_else(|| here.two_colons(kind)),
    };
    let told = found.unwrap_or_else(|| Told {
        help: None,
        ..here.told(&kind.to_string(), "")
    });
    let mut fault = Fault::error(told.code, told.start, told.end, told.message);
    fault.help = told.help;
    fault
}

/// The same in the parser's words, at no cost.
pub(super) fn plain_fault(source: &str, error: &granit_parser::ScanError) -> Fault {
    let at = error.marker().byte_offset().unwrap_or(0).min(source.len());
    Fault::error("yaml-syntax", at, at, error.kind().to_string())
}

/// A fault put into words.
struct Told {
    code: &'static str,
    message: String,
    help: Option<String>,
    start: usize,
    end: usize,
}

/// A line of the text that is not empty and no comment.
#[derive(Clone, Copy)]
struct Line<'a> {
    /// From 1.
    number: usize,
    /// Where it begins in the text.
    start: usize,
    indent: usize,
    /// Without indentation, comment and blanks at its end.
    code: &'a str,
}

impl<'a> Line<'a> {
    fn new(number: usize, start: usize, line: &'a str) -> Self {
        let line = line.trim_start_matches('\u{feff}');
        let rest = line.trim_start_matches(' ');
        let code = match rest.split_once(" #") {
            Some((code, _)) if !code.contains(['"', '\'']) => code,
            _ => rest,
        };
        Self {
            number,
            start,
            indent: line.len() - rest.len(),
            code: code.trim_end(),
        }
    }

    fn says_something(&self) -> bool {
        !self.code.is_empty() && !self.code.starts_with('#') && !self.code.starts_with("---")
    }

    /// The places in which others can stand beside what is in this line: the dashes that it begins
    /// with, then the key or the item.
    fn places(&self) -> Vec<(usize, &'a str)> {
        let (mut indent, mut code) = (self.indent, self.code);
        let mut places = Vec::new();
        loop {
            places.push((indent, code));
            let Some(rest) = code.strip_prefix("- ") else {
                break;
            };
            let rest = rest.trim_start();
            indent += code.len() - rest.len();
            code = rest;
        }
        places
    }

    /// What stands behind all dashes.
    fn body(&self) -> (usize, &'a str) {
        self.places().pop().unwrap_or((self.indent, self.code))
    }

    /// Whether the lines below it, if they are indented, are one text.
    fn opens_block(&self) -> bool {
        let last = self.code.split_whitespace().next_back().unwrap_or_default();
        last.starts_with(['|', '>'])
            && last[1..].chars().all(|c| "+-123456789".contains(c))
            && self.code.len() > last.len()
    }
}

/// The line of a fault and those above it, the nearest first.
struct Here<'a> {
    source: &'a str,
    at: usize,
    line: Line<'a>,
    above: Vec<Line<'a>>,
}

impl<'a> Here<'a> {
    fn new(source: &'a str, at: usize) -> Self {
        let at = (0..=at).rev().find(|&at| source.is_char_boundary(at));
        let at = at.unwrap_or_default();
        let start = source[..at].rfind('\n').map_or(0, |before| before + 1);
        let number = source[..start].matches('\n').count() + 1;
        let whole = source[start..].lines().next().unwrap_or_default();
        let mut above = Vec::new();
        let mut place = start;
        let lines = source[..start].split_inclusive('\n').rev();
        for (line, number) in lines.zip((1..number).rev()).take(MOST_LINES) {
            place -= line.len();
            if line.starts_with("---") {
                break;
            }
            let line = Line::new(number, place, line);
            if line.says_something() {
                above.push(line);
            }
        }
        Self {
            source,
            at,
            line: Line::new(number, start, whole),
            above,
        }
    }

    /// A fault at the place that the parser names.
    fn told(&self, message: &str, help: &str) -> Told {
        Told {
            code: "yaml-syntax",
            message: message.to_owned(),
            help: Some(help.to_owned()),
            start: self.at,
            end: (self.at + 1).min(self.source.len()),
        }
    }

    /// A fault of the whole line.
    fn told_of_line(&self, message: String, help: String) -> Told {
        let start = self.line.start + self.line.indent;
        Told {
            code: "yaml-syntax",
            message,
            help: Some(help),
            start,
            end: start + self.line.code.len(),
        }
    }

    /// Tabs before the text of a line: this one's, or the next, where the parser stopped before it.
    fn tab(&self) -> Told {
        let rest = &self.source[self.line.start..];
        let mut start = self.line.start;
        for line in rest.split_inclusive('\n').take(2) {
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            if let Some(at) = line[..blanks].find('\t') {
                let tabs = line[at..blanks].len();
                return Told {
                    start: start + at,
                    end: start + at + tabs,
                    ..self.told(
                        "this line is indented with a tab",
                        "indent with spaces: YAML allows no tabs there",
                    )
                };
            }
            start += line.len();
        }
        self.told("a tab can't stand here", "write a space in its place")
    }

    /// A bracket that was opened in a line above, or in this one, and not closed.
    fn unclosed(&self) -> Option<Told> {
        const FEW: usize = 20;
        let mut first = self.line;
        for line in self.above.iter().take(FEW) {
            first = *line;
            // A list in brackets goes on in lines that begin no key of their own.
            if line.body().1.contains(": ") || line.body().1.ends_with(':') {
                break;
            }
        }
        let (mut open, mut quote) = (Vec::new(), None);
        let mut before = ' ';
        for (offset, letter) in self.source[first.start..self.at].char_indices() {
            match quote {
                Some(end) if letter == end && before != '\\' => quote = None,
                Some(_) => {}
                None => match letter {
                    '"' | '\'' if " [{,:(".contains(before) => quote = Some(letter),
                    '[' | '{' if " [{,\n".contains(before) => {
                        open.push((first.start + offset, letter));
                    }
                    ']' | '}' => {
                        open.pop();
                    }
                    _ => {}
                },
            }
            before = letter;
        }
        let (start, bracket) = open.pop()?;
        // The line of the fault begins anew: whatever stands in it is not meant for the brackets.
        let is_above = start < self.line.start;
        let begins_anew = self.line.body().1.contains(':') || self.line.code.starts_with("- ");
        (is_above && begins_anew).then(|| self.not_closed(start, bracket))
    }

    fn not_closed(&self, start: usize, bracket: char) -> Told {
        let close = if bracket == '[' { ']' } else { '}' };
        Told {
            start,
            end: (start + 1).min(self.source.len()),
            ..self.told(
                &format!("this '{bracket}' is not closed"),
                &format!("close it by '{close}'; a text that begins with it must be in quotes"),
            )
        }
    }

    /// A line of a text (`key: |`) that is indented less than its first.
    fn cut_block(&self) -> Option<Told> {
        let mut first = None;
        // A line right below the key is the next key, if it is one.
        let is_key = self.line.body().1.contains(": ") || self.line.body().1.ends_with(':');
        let outer = self.line.indent + usize::from(!is_key);
        for line in &self.above {
            if line.opens_block() && line.indent < outer {
                let first: Line<'_> = first?;
                let head = line.body().1;
                return (self.line.indent < first.indent).then(|| {
                    self.told_of_line(
                        format!(
                            "this line is indented less than the text that begins in line {}",
                            first.number
                        ),
                        format!(
                            "indent it by {} or more to have it in the text of `{}` (line {})",
                            spaces(first.indent),
                            label(head),
                            line.number
                        ),
                    )
                });
            }
            if line.indent < self.line.indent {
                return None;
            }
            first = Some(*line);
        }
        None
    }

    /// A line that is indented below one that has a value already.
    fn deeper(&self) -> Option<Told> {
        let above = self.above.first()?;
        let (indent, body) = above.body();
        let (key, value) = body.split_once(": ")?;
        let value = value.trim();
        let is_plain =
            !value.is_empty() && !value.starts_with(['|', '>', '[', '{', '&', '!', '"', '\'']);
        let is_key = self.line.body().1.ends_with(':') || self.line.body().1.contains(": ");
        (self.line.indent > indent && is_plain && is_key).then(|| {
            self.told_of_line(
                format!(
                    "this line is indented by {}, deeper than `{}` above it, which has a value already",
                    spaces(self.line.indent),
                    label(body)
                ),
                format!("indent it by {} to have it beside `{}`", spaces(indent), label(key)),
            )
        })
    }

    /// A line whose indentation is that of nothing above.
    fn fits_nothing(&self) -> Option<Told> {
        let mut limit = usize::MAX;
        let mut open: Vec<(usize, &str, usize)> = Vec::new();
        for line in &self.above {
            if line.indent >= limit {
                continue;
            }
            if line.opens_block() {
                // What has been seen so far is its text.
                open.clear();
            }
            let places = line.places().into_iter().rev();
            open.extend(
                places
                    .filter(|(indent, _)| *indent < limit)
                    .map(|(indent, code)| (indent, code, line.number)),
            );
            limit = line.indent;
            if limit == 0 {
                break;
            }
        }
        let own = self.line.indent;
        if open.is_empty() || open.iter().any(|(indent, ..)| *indent == own) {
            return None;
        }
        // Deeper than all above is the inside of the last: no fault of the indentation.
        let deeper = open.iter().rev().find(|(indent, ..)| *indent > own)?;
        let beside = |(indent, code, number): &(usize, &str, usize)| {
            format!(
                "by {} to have it beside `{}` (line {number})",
                spaces(*indent),
                label(code)
            )
        };
        let shallower = open.iter().find(|(indent, ..)| *indent < own);
        let mut help = format!("indent it {}", beside(deeper));
        if let Some(shallower) = shallower {
            help = format!("{help}, or {}", beside(shallower));
        }
        Some(self.told_of_line(
            format!(
                "this line is indented by {}, as nothing above it is",
                spaces(own)
            ),
            help,
        ))
    }

    /// `key:value`, where YAML wants a space.
    fn no_space(&self) -> Option<Told> {
        let (_, body) = self.line.body();
        let (key, value) = body.split_once(':')?;
        let is_key =
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        (is_key && !value.is_empty() && !value.starts_with(' ')).then(|| {
            self.told_of_line(
                format!("there is no space behind `{}:`", label(key)),
                "write `key: value`, with a space".to_owned(),
            )
        })
    }

    /// A line that is no `key: value`, where one is wanted.
    fn no_key(&self, kind: &ErrorKind) -> Option<Told> {
        let wanted = matches!(
            kind,
            ErrorKind::SimpleKeyExpected
                | ErrorKind::ExpectedBlockMappingKey
                | ErrorKind::InvalidSimpleKey
        );
        let (_, body) = self.line.body();
        (wanted && !body.contains(": ") && !body.ends_with(':')).then(|| {
            self.told_of_line(
                format!("`{}` is no `key: value`", label(body)),
                "a text of several lines begins with `key: |`, and all its lines are indented alike; an element of a list begins with `- `"
                    .to_owned(),
            )
        })
    }

    /// `key: some: text`.
    fn two_colons(&self, kind: &ErrorKind) -> Option<Told> {
        let (_, body) = self.line.body();
        let (key, value) = body.split_once(": ")?;
        let nested = matches!(kind, ErrorKind::MappingValueNotAllowed);
        (nested && (value.contains(": ") || value.ends_with(':'))).then(|| {
            self.told(
                &format!("the value of `{}` holds a colon and a space", label(key)),
                "put the value in quotes if it is one text",
            )
        })
    }
}

/// The beginning of a line: its key, or what fits.
fn label(code: &str) -> String {
    const LONGEST: usize = 40;
    let code: String = code.chars().take(LONGEST + 1).collect();
    match code.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &code[..end]),
        None => code,
    }
}

fn spaces(count: usize) -> String {
    match count {
        0 => "no space".to_owned(),
        1 => "1 space".to_owned(),
        count => format!("{count} spaces"),
    }
}
