//! Writing a text as a YAML scalar: plain, quoted or as a block.

use std::fmt::Write;

use crate::yaml::{Scalar, resolve_plain};

/// Beyond this column a line is broken at the next space.
const WIDTH: usize = 80;

/// Where a scalar stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Key,
    Value,
}

/// Writes a text; `indent` is that of the map or list that holds it.
pub(super) fn write_text(text: &str, place: Place, indent: usize, out: &mut String) {
    let shape = Shape::of(text);
    if shape.has_special || shape.space_then_break {
        return write_double_quoted(text, place, indent, out);
    }
    if text.contains('\n') {
        return if place == Place::Value && !text.ends_with(' ') {
            write_block(text, indent, out)
        } else {
            write_double_quoted(text, place, indent, out)
        };
    }
    if reads_otherwise(text) {
        return write_double_quoted(text, place, indent, out);
    }
    if shape.is_plain {
        fold(text, place, indent, out, |c, out| out.push(c));
    } else {
        out.push('\'');
        fold(text, place, indent, out, |c, out| {
            if c == '\'' {
                out.push('\'');
            }
            out.push(c);
        });
        out.push('\'');
    }
}

/// Whether a plain text would be read as something else than a text.
fn reads_otherwise(text: &str) -> bool {
    !matches!(resolve_plain(text), Scalar::Text | Scalar::Merge)
        || is_time(text)
        || is_base_sixty(text)
}

/// Dates and times, which YAML 1.1 has as a type: `2001-01-01`, `2001-01-01T12:00:00Z`.
fn is_time(text: &str) -> bool {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let are_digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let [year, month, day] = parts[..] else {
        return false;
    };
    let is_date =
        year.len() == 4 && month.len() <= 2 && day.len() <= 2 && parts.iter().all(are_digits);
    is_date
        && rest
            .is_none_or(|rest| rest.contains(':') && rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Numbers to the base 60, which YAML 1.1 has: `12:30:45`.
fn is_base_sixty(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let is_first = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut count = 0;
    let mut holds = is_first;
    for part in parts {
        count += 1;
        let whole = part.split('.').next().unwrap_or_default();
        holds &= matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'.' || b == b'_');
    }
    holds && count > 0
}

/// What a text's characters allow.
struct Shape {
    /// It can stand without quotes.
    is_plain: bool,
    /// It has characters that only escapes can write.
    has_special: bool,
    /// A space stands before a line break, where it would get lost.
    space_then_break: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let is_marker = text.starts_with("---") || text.starts_with("...");
        let mut shape = Self {
            is_plain: !text.is_empty() && !is_marker,
            has_special: false,
            space_then_break: false,
        };
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let blank_follows = chars
                .peek()
                .is_none_or(|next| matches!(next, ' ' | '\n' | '\t' | '\r'));
            let indicates = match (before, c) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                    | '%' | '@' | '`',
                ) => true,
                (None, '-' | '?') => blank_follows,
                (_, ':') => blank_follows,
                (Some(before), '#') => matches!(before, ' ' | '\n'),
                _ => false,
            };
            let is_edge_blank = c == ' ' && (before.is_none() || chars.peek().is_none());
            let breaks = c == '\n';
            shape.is_plain &= !indicates && !is_edge_blank && !breaks;
            shape.has_special |= !breaks && !is_printable(c);
            shape.space_then_break |= breaks && before == Some(' ');
            before = Some(c);
        }
        shape
    }
}

/// What may stand unescaped, in Go's view.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Writes a text, broken at single spaces where the line has got long.
fn fold(
    text: &str,
    place: Place,
    indent: usize,
    out: &mut String,
    mut write: impl FnMut(char, &mut String),
) {
    let mut column = column_of(out);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_single = c == ' ' && before != ' ' && chars.peek().is_some_and(|next| *next != ' ');
        if is_single && place == Place::Value && column > WIDTH {
            column = break_line(indent, out);
        } else {
            write(c, out);
            column += 1;
        }
        before = c;
    }
}

fn column_of(out: &str) -> usize {
    out.rsplit('\n').next().unwrap_or_default().chars().count()
}

fn break_line(indent: usize, out: &mut String) -> usize {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent + 2));
    indent + 2
}

fn write_block(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent + 2));
            out.push_str(line);
        }
    }
    if text.ends_with('\n') {
        out.push('\n');
    }
}

fn write_double_quoted(text: &str, place: Place, indent: usize, out: &mut String) {
    out.push('"');
    let mut column = column_of(out);
    let mut before = ' ';
    let mut chars = text.chars().enumerate().peekable();
    while let Some((position, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if c == ' '
            && place == Place::Value
            && before != ' '
            && column > WIDTH
            && position > 0
            && next.is_some()
        {
            column = break_line(indent, out);
            if next == Some(' ') {
                out.push('\\');
            }
        } else {
            let start = out.len();
            write_escaped(c, out);
            column += out[start..].chars().count();
        }
        before = c;
    }
    out.push('"');
}

fn write_escaped(c: char, out: &mut String) {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        c if is_printable(c) => return out.push(c),
        c => {
            let code = u32::from(c);
            let written = match code {
                0..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return written.unwrap_or_default();
        }
    };
    out.push('\\');
    out.push(short);
}
