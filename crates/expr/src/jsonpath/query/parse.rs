//! Reading a path of `jsonpath()`.

use super::script::{self, Script};
use super::{Element, Token};
use crate::expr::budget::Failure;

/// How many steps a path may have.
const MAX_TOKENS: usize = 64;

type Parsed<T> = Result<T, Failure>;

fn unexpected<T>(text: &str, what: &str) -> Parsed<T> {
    Err(Failure::Message(format!(
        "invalid JSONPath: {what} in {text:?}"
    )))
}

/// The steps of a path that begins with `$`.
pub(super) fn path(text: &str) -> Parsed<Vec<Token>> {
    match text.trim().strip_prefix('$') {
        Some(rest) => steps(rest, 0),
        None => unexpected(text, "expected '$' at the beginning"),
    }
}

/// The steps after a `$` or `@`.
pub(super) fn steps(text: &str, depth: usize) -> Parsed<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if tokens.len() >= MAX_TOKENS {
            return unexpected(text, "too many steps");
        }
        if let Some(after) = rest.strip_prefix("..") {
            tokens.push(Token::Recursive);
            rest = after;
            if rest.is_empty() || rest.starts_with('[') {
                continue;
            }
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            if rest.starts_with('[') {
                continue;
            }
        } else if rest.starts_with('[') {
            let end = closing(rest).map_or_else(|| unexpected(text, "a '[' without ']'"), Ok)?;
            tokens.push(subscript(rest[1..end].trim(), depth)?);
            rest = &rest[end + 1..];
            continue;
        } else {
            return unexpected(text, "expected '.' or '['");
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        tokens.push(match name {
            "" => return unexpected(text, "an empty name"),
            "*" => Token::Wildcard,
            "length" => Token::Length,
            _ => Token::Key(name.to_owned()),
        });
        rest = &rest[end..];
    }
    Ok(tokens)
}

/// Where the bracket that the text begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if let Some(sign) = quote {
            if !escaped && c == sign {
                quote = None;
            }
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '[' | '(' => open += 1,
            ']' | ')' => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn subscript(inside: &str, depth: usize) -> Parsed<Token> {
    if inside == "*" {
        return Ok(Token::Wildcard);
    }
    if let Some(filter) = inside.strip_prefix('?') {
        return match filter.strip_prefix('(').and_then(|f| f.strip_suffix(')')) {
            Some(filter) => Ok(Token::Filter(script::parse(filter, depth)?)),
            None => unexpected(inside, "a filter without parentheses"),
        };
    }
    let commas = split(inside, ',');
    if commas.len() > 1 {
        let elements = commas.iter().map(|part| element(part, depth));
        return Ok(Token::Union(elements.collect::<Parsed<_>>()?));
    }
    let colons = split(inside, ':');
    if colons.len() > 1 {
        if colons.len() > 3 {
            return unexpected(inside, "more than two colons");
        }
        let bound = |at: usize| match colons.get(at).map(|part| part.trim()) {
            None | Some("") => Ok(None),
            Some(part) => element(part, depth).map(Some),
        };
        return Ok(Token::Range {
            from: bound(0)?,
            to: bound(1)?,
            step: bound(2)?,
        });
    }
    Ok(match element(inside, depth)? {
        Element::Key(key) => Token::Key(key),
        Element::Index(index) => Token::Index(index),
        Element::Script(script) => Token::Script(script),
    })
}

/// The parts between separators that stand outside of quotes and parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut open = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(sign) => {
                if !escaped && c == sign {
                    quote = None;
                }
                escaped = !escaped && c == '\\';
            }
            None => match c {
                '\'' | '"' => quote = Some(c),
                '(' | '[' => open += 1,
                ')' | ']' => open = open.saturating_sub(1),
                _ if c == separator && open == 0 => {
                    parts.push(&text[start..at]);
                    start = at + c.len_utf8();
                }
                _ => {}
            },
        }
    }
    parts.push(&text[start..]);
    parts
}

fn element(text: &str, depth: usize) -> Parsed<Element> {
    let text = text.trim();
    if let Ok(index) = text.parse() {
        return Ok(Element::Index(index));
    }
    if let Some(key) = unquoted(text) {
        return Ok(Element::Key(key));
    }
    if let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        let script: Script = script::parse(inner, depth)?;
        return Ok(Element::Script(script));
    }
    unexpected(text, "expected an index, a quoted key or a script")
}

/// What stands in quotes, if the text is just that.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text[1..].strip_suffix(quote)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&quote) => out.extend(chars.next()),
            _ if c == quote => return None,
            _ => out.push(c),
        }
    }
    Some(out)
}
