//! Regular expressions as Go writes them, for Rust's engine. Both take time linear in the text.

mod translate;

use regex::{Regex, RegexBuilder};

/// How much memory a compiled pattern may take.
const MAX_SIZE: usize = 4 << 20;

/// How deep groups may nest.
const MAX_NESTING: u32 = 100;

/// Compiles a pattern.
///
/// # Errors
/// In the words of Go's package `regexp`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let refuse = |reason: &str, part: &str| format!("error parsing regexp: {reason}: `{part}`");
    let translated = translate::to_rust(pattern).map_err(|fault| {
        let translate::Fault { reason, part } = fault;
        refuse(reason, part)
    })?;
    let mut builder = RegexBuilder::new(&translated);
    builder.size_limit(MAX_SIZE).nest_limit(MAX_NESTING);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => refuse("expression too large", pattern),
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim();
            refuse(reason.strip_prefix("error: ").unwrap_or(reason), pattern)
        }
    })
}

/// How many steps of an evaluation it takes to compile a pattern, at most: what is repeated often, or a
/// class of Unicode's, makes much of little text.
pub(crate) fn cost(pattern: &str) -> u64 {
    const MOST: u64 = 50_000;
    let mut cost = 20 + 10 * pattern.len() as u64;
    cost += 1_000 * pattern.matches("\\p").chain(pattern.matches("\\P")).count() as u64;
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let second = rest[digits..].strip_prefix(',').unwrap_or_default();
        let end = second
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(second.len());
        let count = |digits: &str| digits.parse().unwrap_or(1).clamp(1, MOST);
        cost = cost.saturating_mul(count(&rest[..digits]).max(count(&second[..end])));
    }
    cost.min(MOST)
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
