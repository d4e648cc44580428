//! sprig's functions on texts. Lengths and places are bytes, as in Go; where a cut falls into a
//! character, that character is replaced.

use super::text;
use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, MANY, Outcome, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("hello", 0, 0, |_, _| Ok("Hello!".into())),
    entry("abbrev", 2, 2, |_, a| {
        let (width, s) = (a.int(0)?, a.string(1)?);
        Ok(if width < 4 {
            s.into()
        } else {
            abbreviate(s, 0, a.count(0)?).into()
        })
    }),
    entry("abbrevboth", 3, 3, |_, a| {
        let (left, right, s) = (a.int(0)?, a.int(1)?, a.string(2)?);
        Ok(if right < 4 || (left > 0 && right < 7) {
            s.into()
        } else {
            abbreviate(s, usize::try_from(left).unwrap_or(0), a.count(1)?).into()
        })
    }),
    entry("trunc", 2, 2, |_, a| {
        let (count, s) = (a.int(0)?, a.string(1)?);
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(if size >= s.len() {
            s.into()
        } else if count < 0 {
            cut(s, s.len() - size..s.len()).into()
        } else {
            cut(s, 0..size).into()
        })
    }),
    entry("trim", 1, 1, |_, a| Ok(a.string(0)?.trim().into())),
    entry("upper", 1, 1, |_, a| {
        Ok(crate::casing::upper(a.string(0)?).into())
    }),
    entry("lower", 1, 1, |_, a| {
        Ok(crate::casing::lower(a.string(0)?).into())
    }),
    entry("substr", 3, 3, |_, a| {
        let (start, end, s) = (a.int(0)?, a.int(1)?, a.string(2)?);
        let place = |n: i64| usize::try_from(n).ok().filter(|at| *at <= s.len());
        let range = match (place(start), place(end)) {
            (None, Some(end)) if start < 0 => Some(0..end),
            (Some(start), None) => Some(start..s.len()),
            (Some(start), Some(end)) if start <= end => Some(start..end),
            _ => None,
        };
        match range {
            Some(range) => Ok(cut(s, range).into()),
            None => Err(Failure::Message(format!(
                "slice bounds out of range [{start}:{end}] with length {}",
                s.len()
            ))),
        }
    }),
    entry("repeat", 2, 2, |tools, a| {
        let (_, s) = (a.int(0)?, a.string(1)?);
        let count = a.count(0)?;
        tools.grow_by(count, s.len())?;
        Ok(s.repeat(count).into())
    }),
    entry("trimall", 2, 2, trim_all),
    entry("trimAll", 2, 2, trim_all),
    entry("trimSuffix", 2, 2, |_, a| {
        let s = a.string(1)?;
        Ok(s.strip_suffix(a.string(0)?).unwrap_or(s).into())
    }),
    entry("trimPrefix", 2, 2, |_, a| {
        let s = a.string(1)?;
        Ok(s.strip_prefix(a.string(0)?).unwrap_or(s).into())
    }),
    entry("nospace", 1, 1, |_, a| {
        let kept: String = a
            .string(0)?
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        Ok(kept.into())
    }),
    entry("initials", 1, 1, |_, a| {
        let first = |word: &str| word.chars().next();
        let initials: String = a.string(0)?.split_whitespace().filter_map(first).collect();
        Ok(initials.into())
    }),
    entry("wrap", 2, 2, |tools, a| {
        wrap(tools, a.string(1)?, a.int(0)?, "\n", LongWords::Kept)
    }),
    entry("wrapWith", 3, 3, |tools, a| {
        let separator = match a.string(1)? {
            "" => "\n",
            separator => separator,
        };
        wrap(tools, a.string(2)?, a.int(0)?, separator, LongWords::Cut)
    }),
    entry("contains", 2, 2, |_, a| {
        Ok(a.string(1)?.contains(a.string(0)?).into())
    }),
    entry("hasPrefix", 2, 2, |_, a| {
        Ok(a.string(1)?.starts_with(a.string(0)?).into())
    }),
    entry("hasSuffix", 2, 2, |_, a| {
        Ok(a.string(1)?.ends_with(a.string(0)?).into())
    }),
    entry("quote", 0, MANY, |_, a| {
        Ok(spaced(a, |value| crate::json::go_quoted(&text(value))).into())
    }),
    entry("squote", 0, MANY, |_, a| {
        Ok(spaced(a, |value| format!("'{}'", crate::json::go_text(value))).into())
    }),
    entry("cat", 0, MANY, |_, a| {
        Ok(spaced(a, crate::json::go_text).into())
    }),
    entry("indent", 2, 2, |tools, a| {
        Ok(indent(tools, a.count(0)?, a.string(1)?)?.into())
    }),
    entry("nindent", 2, 2, |tools, a| {
        let indented = indent(tools, a.count(0)?, a.string(1)?)?;
        Ok(format!("\n{indented}").into())
    }),
    entry("replace", 3, 3, |tools, a| {
        let (old, new, s) = (a.string(0)?, a.string(1)?, a.string(2)?);
        let found = if old.is_empty() {
            s.len() + 1
        } else {
            s.matches(old).count()
        };
        tools.grow_by(found, new.len())?;
        Ok(s.replace(old, new).into())
    }),
    entry("plural", 3, 3, |_, a| {
        let (one, many) = (a.string(0)?, a.string(1)?);
        Ok(if a.int(2)? == 1 { one } else { many }.into())
    }),
    entry("toString", 1, 1, |_, a| Ok(text(a.get(0)).into())),
];

fn cut(s: &str, range: std::ops::Range<usize>) -> String {
    String::from_utf8_lossy(&s.as_bytes()[range]).into_owned()
}

fn trim_all(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let signs = a.string(0)?;
    Ok(a.string(1)?.trim_matches(|c| signs.contains(c)).into())
}

/// The text without its beginning before `offset` and its end after `width`, each replaced by
/// three dots if that is shorter.
fn abbreviate(s: &str, offset: usize, width: usize) -> String {
    let length = s.len();
    if length <= width {
        return s.to_owned();
    }
    let inner = width - 3;
    let offset = offset.min(length).min(length - inner);
    if offset <= 4 {
        return cut(s, 0..inner) + "...";
    }
    if offset + inner < length {
        let rest = cut(s, offset..length);
        return format!("...{}", abbreviate(&rest, 0, inner));
    }
    format!("...{}", cut(s, length - inner..length))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LongWords {
    Kept,
    Cut,
}

fn wrap(tools: &Tools<'_>, s: &str, width: i64, separator: &str, long_words: LongWords) -> Outcome {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut start = 0;
    while s.len() - start > width {
        if s.as_bytes()[start] == b' ' {
            start += 1;
            continue;
        }
        tools.grow_by(1, separator.len() + size_of::<String>())?;
        let bytes = s.as_bytes();
        let (end, next) = match bytes[start..=start + width]
            .iter()
            .rposition(|b| *b == b' ')
        {
            Some(space) => (start + space, start + space + 1),
            None if long_words == LongWords::Cut => (start + width, start + width),
            None => match bytes[start + width..].iter().position(|b| *b == b' ') {
                Some(space) => (start + width + space, start + width + space + 1),
                None => break,
            },
        };
        lines.push(cut(s, start..end));
        start = next;
    }
    lines.push(cut(s, start..s.len()));
    Ok(lines.join(separator).into())
}

fn spaced(a: &Arguments<'_>, write: impl Fn(&Value) -> String) -> String {
    let parts: Vec<String> = a
        .values
        .iter()
        .filter(|value| **value != Value::Nil)
        .map(write)
        .collect();
    parts.join(" ")
}

fn indent(tools: &Tools<'_>, spaces: usize, s: &str) -> Result<String, Failure> {
    let lines = s.matches('\n').count() + 1;
    tools.grow_by(lines, spaces)?;
    let pad = " ".repeat(spaces);
    Ok(format!("{pad}{}", s.replace('\n', &format!("\n{pad}"))))
}
