//! Regular expressions as Go writes them, for Rust's engine. Both take time linear in the text.
//! They read nearly the same; what differs is rewritten: Go's `\d`, `\w`, `\s` and `\b` know only
//! ASCII, a `[` within brackets is itself, and `\Q…\E` quotes.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// How much memory a compiled pattern may take.
const MAX_SIZE: usize = 4 << 20;

/// How often Go lets something be repeated.
const MAX_COUNT: u32 = 1_000;

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let refuse = |reason: &str| format!("error parsing regexp: {reason}: `{pattern}`");
    let translated = translate(pattern).map_err(refuse)?;
    RegexBuilder::new(&translated)
        .size_limit(MAX_SIZE)
        .nest_limit(100)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim();
            refuse(reason.strip_prefix("error: ").unwrap_or(reason))
        })
}

fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escaped(&mut chars, Place::Outside, &mut out),
            '[' => class(&mut chars, &mut out),
            '*' | '+' | '?' | '{' => repetition(c, &mut chars, &mut out)?,
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// The letters of a pattern that are still to be read.
type Letters<'p> = Peekable<Chars<'p>>;

/// Where in a pattern something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Within brackets.
    InClass,
    Outside,
}

/// What follows a backslash.
fn escaped(chars: &mut Letters<'_>, place: Place, out: &mut String) {
    match chars.next() {
        Some('Q') if place == Place::Outside => quote(chars, out),
        Some(letter @ ('p' | 'P' | 'x')) => {
            out.push('\\');
            out.push(letter);
            // What stands in braces here is a name or a number.
            if chars.next_if_eq(&'{').is_some() {
                out.push('{');
                let name = chars.by_ref().take_while(|c| *c != '}');
                out.extend(name);
                out.push('}');
            }
        }
        Some(letter) => escape(letter, place, out),
        None => out.push('\\'),
    }
}

/// What follows an opening bracket, to its end.
fn class(chars: &mut Letters<'_>, out: &mut String) {
    out.push('[');
    out.extend(chars.next_if_eq(&'^'));
    // The first letter is no end.
    if chars.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(c) = chars.next() {
        match c {
            '\\' => escaped(chars, Place::InClass, out),
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' => out.push_str("\\["),
            ']' => {
                out.push(']');
                return;
            }
            '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if chars.peek() == Some(&'-') => out.push_str("\\-"),
            _ => out.push(c),
        }
    }
}

/// What says how often something is repeated.
fn repetition(sign: char, chars: &mut Letters<'_>, out: &mut String) -> Result<(), &'static str> {
    let length = match sign {
        '{' => count(chars.clone())?,
        _ => Some(0),
    };
    let Some(length) = length else {
        // What is no count of repetitions is a brace.
        out.push_str("\\{");
        return Ok(());
    };
    out.push(sign);
    out.extend(chars.by_ref().take(length));
    out.extend(chars.next_if_eq(&'?'));
    let repeats_again = match chars.peek() {
        Some('*' | '+' | '?') => true,
        Some('{') => count(chars.clone().skip(1))?.is_some(),
        _ => false,
    };
    match repeats_again {
        true => Err("invalid nested repetition operator"),
        false => Ok(()),
    }
}

/// The length of the `2}`, `2,}` or `2,5}` that follows; `None` if nothing of the kind does.
fn count(rest: impl Iterator<Item = char>) -> Result<Option<usize>, &'static str> {
    let mut numbers = [None, None];
    let mut part = 0;
    for (at, c) in rest.enumerate() {
        match (c, c.to_digit(10)) {
            (_, Some(digit)) => {
                let number: u32 = numbers[part].unwrap_or(0);
                numbers[part] = Some(number.saturating_mul(10).saturating_add(digit));
            }
            (',', _) if part == 0 => part = 1,
            ('}', _) => {
                let [Some(least), most] = numbers else {
                    return Ok(None);
                };
                if least > MAX_COUNT || most.is_some_and(|most| most > MAX_COUNT || most < least) {
                    return Err("invalid repeat count");
                }
                return Ok(Some(at + 1));
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
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

fn escape(letter: char, place: Place, out: &mut String) {
    let class = match letter {
        'd' | 'D' => "0-9",
        'w' | 'W' => "0-9A-Za-z_",
        's' | 'S' => "\\t\\n\\x0C\\r ",
        'b' if place == Place::Outside => {
            out.push_str("(?-u:\\b)");
            return;
        }
        // To Rust these are the ends of words.
        '<' | '>' => {
            out.push(letter);
            return;
        }
        _ => {
            out.push('\\');
            out.push(letter);
            return;
        }
    };
    match (letter.is_ascii_uppercase(), place) {
        (false, Place::InClass) => out.push_str(class),
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
