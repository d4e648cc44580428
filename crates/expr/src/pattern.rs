//! Regular expressions as Go writes them, for Rust's engine. Both take time linear in the text.
//! They read nearly the same; what differs is rewritten: Go's `\d`, `\w`, `\s` and `\b` know only
//! ASCII, a `[` within brackets is itself, and `\Q…\E` quotes.

use regex::{Regex, RegexBuilder};

/// How much memory a compiled pattern may take.
const MAX_SIZE: usize = 4 << 20;

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&translate(pattern))
        .size_limit(MAX_SIZE)
        .nest_limit(100)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            format!("error parsing regexp: {reason}: `{pattern}`")
        })
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    let mut class_start = false;
    while let Some(c) = chars.next() {
        let at_start = std::mem::replace(&mut class_start, false);
        match c {
            '\\' => match chars.next() {
                Some('Q') if !in_class => quote(&mut chars, &mut out),
                Some('C') if !in_class => out.push_str("(?s:.)"),
                Some(letter) => escape(letter, in_class, &mut out),
                None => out.push('\\'),
            },
            '[' if in_class && chars.peek() == Some(&':') => {
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                class_start = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                    class_start = false;
                }
            }
            ']' if in_class && !at_start => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class && chars.peek() == Some(&'-') => out.push_str("\\-"),
            // What is no count of repetitions is a brace.
            '{' if !in_class && !is_count(chars.clone()) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether `2}`, `2,}` or `2,5}` follows.
fn is_count(mut rest: impl Iterator<Item = char>) -> bool {
    let mut digits = [0, 0];
    let mut part = 0;
    loop {
        match rest.next() {
            Some('0'..='9') => digits[part] += 1,
            Some(',') if part == 0 => part = 1,
            Some('}') => return digits[0] > 0,
            _ => return false,
        }
    }
}

fn quote(chars: &mut impl Iterator<Item = char>, out: &mut String) {
    let mut text = String::new();
    for c in chars {
        text.push(c);
        if text.ends_with("\\E") {
            text.truncate(text.len() - 2);
            break;
        }
    }
    out.push_str(&regex::escape(&text));
}

fn escape(letter: char, in_class: bool, out: &mut String) {
    let class = match letter {
        'd' | 'D' => "0-9",
        'w' | 'W' => "0-9A-Za-z_",
        's' | 'S' => "\\t\\n\\x0C\\r ",
        'b' if !in_class => {
            out.push_str("(?-u:\\b)");
            return;
        }
        _ => {
            out.push('\\');
            out.push(letter);
            return;
        }
    };
    match (letter.is_ascii_uppercase(), in_class) {
        (false, true) => out.push_str(class),
        (negated, _) => {
            out.push_str(if negated { "[^" } else { "[" });
            out.push_str(class);
            out.push(']');
        }
    }
}

/// The pattern that matches just this text, as Go's `regexp.QuoteMeta`.
pub(crate) fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
