//! Cutting an expression into tokens.

mod quoted;

use std::borrow::Cow;

use crate::error::{ExprError, ExprErrorKind};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind<'a> {
    Identifier(&'a str),
    Number(&'a str),
    String(Cow<'a, str>),
    Bytes(Vec<u8>),
    /// An operator, a bracket, or a word that is an operator (`not`, `in`, `let`…).
    Sign(&'a str),
    End,
}

/// As expr-lang's `lexer.Token` prints it.
impl std::fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, text) = match self {
            Self::Identifier(name) => ("Identifier", Cow::Borrowed(*name)),
            Self::Number(digits) => ("Number", Cow::Borrowed(*digits)),
            Self::String(text) => ("String", text.clone()),
            Self::Bytes(bytes) => ("Bytes", String::from_utf8_lossy(bytes)),
            Self::Sign(sign) if "()[]{}".contains(sign) => ("Bracket", Cow::Borrowed(*sign)),
            Self::Sign(sign) => ("Operator", Cow::Borrowed(*sign)),
            Self::End => ("EOF", Cow::Borrowed("")),
        };
        if text.is_empty() {
            return f.write_str(name);
        }
        write!(f, "{name}({})", crate::json::go_quoted(&text))
    }
}

/// A token and its place.
#[derive(Clone, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

const WORDS: [&str; 11] = [
    "not",
    "in",
    "or",
    "and",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "let",
    "if",
    "else",
];

/// Longer signs before those that they begin with.
const SIGNS: [&str; 35] = [
    "??", "?.", "?", "||", "|", "::", ":", "&&", "!=", "!", "==", "=", "**", "*", "<=", "<", ">=",
    ">", "..", ".", "(", ")", "[", "]", "{", "}", ",", ";", "%", "+", "-", "^", "/", "#", "&",
];

/// The next token at or after `position`.
pub(crate) fn next_token(text: &str, position: usize) -> Result<Token<'_>, ExprError> {
    let offset = skip_space(text, position)?;
    let rest = &text[offset..];
    let Some(first) = rest.chars().next() else {
        return Ok(Token {
            kind: Kind::End,
            offset,
            length: 0,
        });
    };
    let token = |kind, length| Token {
        kind,
        offset,
        length,
    };
    let second = rest[first.len_utf8()..].chars().next();
    match first {
        '\'' | '"' | '`' => quoted::text(text, offset),
        'b' | 'B' if matches!(second, Some('\'' | '"')) => quoted::bytes(text, offset),
        '0'..='9' => number(text, offset),
        '.' if second.is_some_and(|c| c.is_ascii_digit()) => number(text, offset),
        _ if is_word(first) => {
            let length = word_length(rest);
            let word = &rest[..length];
            let kind = if WORDS.contains(&word) {
                Kind::Sign(word)
            } else {
                Kind::Identifier(word)
            };
            Ok(token(kind, length))
        }
        // expr-lang takes these together, whether they mean something or not.
        '&' | '!' | '=' | '*' | '<' | '>' if matches!(second, Some('&' | '=' | '*')) => {
            Ok(token(Kind::Sign(&rest[..2]), 2))
        }
        '#' if second == Some('#') => Ok(token(Kind::Sign(&rest[..2]), 2)),
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => Ok(token(Kind::Sign(sign), sign.len())),
            None => {
                let shown = match first.is_control() {
                    true => String::new(),
                    false => format!(" '{first}'"),
                };
                let code = u32::from(first);
                let message = format!("unrecognized character: U+{code:04X}{shown}");
                Err(syntax(message, offset, first.len_utf8()))
            }
        },
    }
}

/// How long the word at the beginning of the text is.
pub(crate) fn word_length(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

pub(super) fn is_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

fn syntax(message: impl Into<String>, offset: usize, length: usize) -> ExprError {
    ExprError::new(ExprErrorKind::Syntax, message, offset, length)
}

/// Where the next thing after white space and comments begins.
fn skip_space(text: &str, mut position: usize) -> Result<usize, ExprError> {
    loop {
        let rest = &text[position..];
        let trimmed = rest.trim_start();
        position += rest.len() - trimmed.len();
        if trimmed.starts_with("//") {
            position += trimmed.find('\n').unwrap_or(trimmed.len());
        } else if let Some(comment) = trimmed.strip_prefix("/*") {
            let end = comment
                .find("*/")
                .ok_or_else(|| syntax("unclosed comment", text.len(), 0))?;
            position += end + 4;
        } else {
            return Ok(position);
        }
    }
}

fn number(text: &str, offset: usize) -> Result<Token<'_>, ExprError> {
    let bytes = text.as_bytes();
    let run = |mut at: usize, allowed: fn(u8) -> bool| {
        while bytes.get(at).is_some_and(|b| allowed(*b) || *b == b'_') {
            at += 1;
        }
        at
    };
    let mut end = offset;
    let special: Option<fn(u8) -> bool> = match (bytes[end], bytes.get(end + 1)) {
        (b'0', Some(b'x' | b'X')) => Some(|b| b.is_ascii_hexdigit()),
        (b'0', Some(b'o' | b'O')) => Some(|b| (b'0'..=b'7').contains(&b)),
        (b'0', Some(b'b' | b'B')) => Some(|b| b == b'0' || b == b'1'),
        _ => None,
    };
    if special.is_some() {
        end += 2;
    }
    let digits = special.unwrap_or(|b| b.is_ascii_digit());
    end = run(end, digits);
    let is_range = bytes.get(end) == Some(&b'.') && bytes.get(end + 1) == Some(&b'.');
    if !is_range {
        if bytes.get(end) == Some(&b'.') {
            end = run(end + 1, digits);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1;
            if matches!(bytes.get(end), Some(b'+' | b'-')) {
                end += 1;
            }
            end = run(end, digits);
        }
        if let Some(c) = text[end..].chars().next().filter(|c| is_word(*c)) {
            let length = end - offset + c.len_utf8();
            return Err(syntax(
                format!("bad number syntax: {:?}", &text[offset..offset + length]),
                end,
                c.len_utf8(),
            ));
        }
    }
    Ok(Token {
        kind: Kind::Number(&text[offset..end]),
        offset,
        length: end - offset,
    })
}
