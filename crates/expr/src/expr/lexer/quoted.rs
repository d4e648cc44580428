//! Texts and bytes between quotes. expr-lang: `parser/lexer/lexer.go` finds where they end, and
//! `utils.go` undoes their escapes; what the one lets pass, the other may still refuse.

use std::borrow::Cow;

use super::{Kind, Token, syntax};
use crate::error::ExprError;

const BAD_ESCAPE: &str = "invalid char escape";
const NO_END: &str = "literal not terminated";
const NO_VALUE: &str = "unable to unescape string";

/// The text whose quote or backtick stands here.
pub(super) fn text(source: &str, offset: usize) -> Result<Token<'_>, ExprError> {
    let rest = &source[offset..];
    let (kind, length) = if rest.starts_with('`') {
        let length = raw_length(rest).ok_or_else(|| syntax(NO_END, source.len(), 0))?;
        let raw = &rest[1..length - 1];
        let text = match raw.contains('`') {
            true => Cow::Owned(raw.replace("``", "`")),
            false => Cow::Borrowed(raw),
        };
        (Kind::String(text), length)
    } else {
        let length =
            quoted_length(rest).map_err(|Fault { message, at }| syntax(message, offset + at, 1))?;
        let text = unescape(&rest[1..length - 1])
            .ok_or_else(|| syntax(NO_VALUE, offset + length - 1, 1))?;
        (Kind::String(text), length)
    };
    Ok(Token {
        kind,
        offset,
        length,
    })
}

/// The bytes whose `b` stands here.
pub(super) fn bytes(source: &str, offset: usize) -> Result<Token<'_>, ExprError> {
    let rest = &source[offset + 1..];
    let length =
        quoted_length(rest).map_err(|Fault { message, at }| syntax(message, offset + 1 + at, 1))?;
    let bytes =
        unescape_bytes(&rest[1..length - 1]).ok_or_else(|| syntax(NO_VALUE, offset + length, 1))?;
    Ok(Token {
        kind: Kind::Bytes(bytes),
        offset,
        length: length + 1,
    })
}

/// What is wrong with a quoted text, and how far from its quote.
struct Fault {
    message: &'static str,
    at: usize,
}

/// How long the quoted text at the beginning is, with its quotes.
fn quoted_length(text: &str) -> Result<usize, Fault> {
    let quote = text.chars().next();
    let mut at = 1;
    while let Some(letter) = text[at..].chars().next() {
        at += letter.len_utf8();
        match letter {
            '\n' => {
                return Err(Fault {
                    message: NO_END,
                    at: at - 1,
                });
            }
            '\\' => {
                at += escape_length(&text[at..], quote).map_err(|length| Fault {
                    message: BAD_ESCAPE,
                    at: at + length,
                })?;
            }
            _ if Some(letter) == quote => return Ok(at),
            _ => {}
        }
    }
    Err(Fault {
        message: NO_END,
        at: text.len(),
    })
}

/// How long the escape behind a backslash is; else how far expr-lang reads before it gives up.
fn escape_length(rest: &str, quote: Option<char>) -> Result<usize, usize> {
    let digits = |from: usize, base: u32, count: usize| -> Result<usize, usize> {
        for at in from..from + count {
            match rest.as_bytes().get(at) {
                Some(byte) if char::from(*byte).is_digit(base) => {}
                _ => return Err(at),
            }
        }
        Ok(from + count)
    };
    match rest.chars().next() {
        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => Ok(1),
        Some(letter) if Some(letter) == quote => Ok(1),
        Some('0'..='7') => digits(0, 8, 3),
        Some('x') => digits(1, 16, 2),
        Some('u') if rest[1..].starts_with('{') => {
            let inner = &rest[2..];
            let count = inner.bytes().take_while(u8::is_ascii_hexdigit).count();
            match (1..=6).contains(&count) && inner[count..].starts_with('}') {
                true => Ok(count + 3),
                false => Err(1 + count.min(6)),
            }
        }
        Some('u') => digits(1, 16, 4),
        Some('U') => digits(1, 16, 8),
        _ => Err(0),
    }
}

/// How long the text in backticks at the beginning is, with them. Two backticks stand for one.
fn raw_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'`' if bytes.get(at + 1) == Some(&b'`') => at += 2,
            b'`' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Undoes the escapes, whose form is known to be right.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['\\', '\r']) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                out.push('\n');
            }
            '\\' => {
                let (code, length) = escape(rest)?;
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = &rest[length..];
            }
            _ => out.push(letter),
        }
    }
    Some(Cow::Owned(out))
}

fn unescape_bytes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                out.push(b'\n');
            }
            '\\' if rest.starts_with(['u', 'U']) => return None,
            '\\' => {
                let (code, length) = escape(rest)?;
                out.push(u8::try_from(code).ok()?);
                rest = &rest[length..];
            }
            _ => out.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Some(out)
}

/// What the escape after a backslash stands for, and how long it is.
fn escape(rest: &str) -> Option<(u32, usize)> {
    let number = |digits: &str, base: u32, length: usize| {
        let code = u32::from_str_radix(digits, base).ok()?;
        (code <= 0x10_ffff).then_some((code, length))
    };
    let letter = rest.chars().next()?;
    let single = |code: char| Some((u32::from(code), 1));
    match letter {
        'a' => single('\u{7}'),
        'b' => single('\u{8}'),
        'f' => single('\u{c}'),
        'n' => single('\n'),
        'r' => single('\r'),
        't' => single('\t'),
        'v' => single('\u{b}'),
        '\\' | '\'' | '"' => single(letter),
        'x' => number(rest.get(1..3)?, 16, 3),
        'u' if rest[1..].starts_with('{') => {
            let end = rest.find('}')?;
            number(&rest[2..end], 16, end + 1)
        }
        'u' => number(rest.get(1..5)?, 16, 5),
        'U' => number(rest.get(1..9)?, 16, 9),
        '0'..='3' => number(rest.get(..3)?, 8, 3),
        _ => None,
    }
}
