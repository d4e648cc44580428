//! sprig's functions that change the case of letters and how words are joined.

use crate::casing::{lower, lower_char, upper_char};
use crate::expr::functions::{Entry, entry};

pub(super) const TABLE: &[Entry] = &[
    entry("title", 1, 1, |_, a| {
        let mut inside = false;
        Ok(map_chars(a.string(0)?, |c| {
            let was_inside = std::mem::replace(&mut inside, is_inside_word(c));
            if was_inside { Case::Kept } else { Case::Upper }
        })
        .into())
    }),
    entry("untitle", 1, 1, |_, a| {
        let mut inside = false;
        Ok(map_chars(a.string(0)?, |c| {
            let was_inside = std::mem::replace(&mut inside, !c.is_whitespace());
            if was_inside { Case::Kept } else { Case::Lower }
        })
        .into())
    }),
    entry("swapcase", 1, 1, |_, a| {
        Ok(map_chars(a.string(0)?, |c| {
            if c.is_uppercase() {
                Case::Lower
            } else {
                Case::Upper
            }
        })
        .into())
    }),
    entry("snakecase", 1, 1, |_, a| {
        Ok(joined_words(a.string(0)?, '_').into())
    }),
    entry("kebabcase", 1, 1, |_, a| {
        Ok(joined_words(a.string(0)?, '-').into())
    }),
    entry("camelcase", 1, 1, |_, a| {
        Ok(pascal_case(a.string(0)?).into())
    }),
];

enum Case {
    Upper,
    Lower,
    Kept,
}

fn map_chars(text: &str, mut case: impl FnMut(char) -> Case) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match case(c) {
            Case::Upper => out.push(upper_char(c)),
            Case::Lower => out.push(lower_char(c)),
            Case::Kept => out.push(c),
        }
    }
    out
}

fn is_inside_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || c == '_'
    } else {
        !c.is_whitespace()
    }
}

/// `some_words` to `SomeWords`, `GO_PATH` to `GoPath`. Connectors at the beginning stay, and all
/// but one of several in a row. Capitals that follow a capital at the beginning of a word become
/// small; those after a small letter stay.
fn pascal_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let rest = text.trim_start_matches(is_connector);
    out.push_str(&text[..text.len() - rest.len()]);
    let mut chars = rest.chars();
    let Some(first) = chars.next() else {
        return out;
    };
    let mut in_capitals = first.is_uppercase();
    let mut before = upper_char(first);
    for c in chars {
        match (is_connector(before), is_connector(c)) {
            (true, true) => {
                out.push(before);
                before = c;
            }
            (true, false) => {
                in_capitals = c.is_uppercase();
                before = upper_char(c);
            }
            (false, _) => {
                out.push(before);
                in_capitals &= c.is_uppercase();
                before = if in_capitals { lower_char(c) } else { c };
            }
        }
    }
    out.push(before);
    out
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// What a piece of a name consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Connector,
    Punctuation,
    Capital,
    Lower,
    Number,
    Other,
}

fn kind_of(c: char) -> Kind {
    if is_connector(c) {
        Kind::Connector
    } else if c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c) {
        Kind::Punctuation
    } else if c.is_uppercase() {
        Kind::Capital
    } else if c.is_numeric() {
        Kind::Number
    } else if c.is_alphabetic() && u32::from(c) < 0x3000 {
        Kind::Lower
    } else {
        Kind::Other
    }
}

/// Cuts a name where its words begin: `HTTPStatus` into `HTTP` and `Status`.
fn words(text: &str) -> Vec<(Kind, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = kind_of(first);
        let run = |wanted: Kind| rest.find(|c| kind_of(c) != wanted).unwrap_or(rest.len());
        let mut end = run(kind);
        if kind == Kind::Capital {
            let lower_follows = rest[end..].starts_with(|c| kind_of(c) == Kind::Lower);
            let capitals = rest[..end].chars().count();
            if lower_follows && capitals > 1 {
                end -= rest[..end].chars().next_back().map_or(0, char::len_utf8);
            } else if lower_follows {
                end += rest[end..]
                    .find(|c| kind_of(c) != Kind::Lower)
                    .unwrap_or(rest.len() - end);
            }
        }
        words.push((kind, &rest[..end]));
        rest = &rest[end..];
    }
    words
}

/// The words of a name in small letters with a connector between them. A number belongs to the
/// word before it (`Bld4Floor` to `bld4_floor`), unless small letters follow (`HTTP2xx` to
/// `http_2xx`).
fn joined_words(text: &str, connector: char) -> String {
    let words = words(text);
    let mut out = String::with_capacity(text.len() + 8);
    let is_open = |kind: Kind| matches!(kind, Kind::Connector | Kind::Punctuation);
    for (at, (kind, word)) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| words[before].0);
        let after = words.get(at + 1).map(|word| word.0);
        let joins = match (before, *kind) {
            (None, _) => false,
            (Some(before), kind) if is_open(before) || is_open(kind) => false,
            (Some(Kind::Number), Kind::Lower) => false,
            (Some(_), Kind::Number) => after == Some(Kind::Lower),
            _ => true,
        };
        if joins {
            out.push(connector);
        }
        if *kind == Kind::Connector {
            out.extend(word.chars().map(|_| connector));
        } else {
            out.push_str(&lower(word));
        }
    }
    out
}
