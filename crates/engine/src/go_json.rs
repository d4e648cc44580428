//! JSON as Go's `encoding/json` writes it: `<`, `>`, `&` and the line separators escaped; and what
//! it says of a text that is none.

mod fault;

use serde::Serialize;

pub use fault::fault;

/// A value as Go would marshal it.
pub fn text<T: Serialize + ?Sized>(value: &T) -> String {
    // The types given here have string keys and no failing parts.
    let json = serde_json::to_string(value).unwrap_or_default();
    escape(json)
}

/// Escapes what Go escapes and serde does not. All of it can only stand inside strings.
pub fn escape(json: String) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        match letter {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            letter => out.push(letter),
        }
    }
    out
}
