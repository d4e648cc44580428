//! expr-lang's functions on texts, and to and from texts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::{Arguments, Entry, Outcome, entry};
use crate::expr::budget::{Failure, Tools};
use crate::json::{Html, Layout, go_text, marshal, unmarshal};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("string", 1, 1, |_, a| Ok(Value::from(go_text(a.get(0))))),
    entry("type", 1, 1, |_, a| Ok(Value::from(type_name(a.get(0))))),
    entry("trim", 1, 2, |_, a| {
        let text = a.string(0)?;
        Ok(Value::from(match a.len() {
            1 => text.trim(),
            _ => {
                let cut = a.string(1)?;
                text.trim_matches(|c| cut.contains(c))
            }
        }))
    }),
    entry("trimPrefix", 1, 2, |_, a| {
        let text = a.string(0)?;
        let prefix = if a.len() == 2 { a.string(1)? } else { " " };
        Ok(Value::from(text.strip_prefix(prefix).unwrap_or(text)))
    }),
    entry("trimSuffix", 1, 2, |_, a| {
        let text = a.string(0)?;
        let suffix = if a.len() == 2 { a.string(1)? } else { " " };
        Ok(Value::from(text.strip_suffix(suffix).unwrap_or(text)))
    }),
    entry("upper", 1, 1, |_, a| {
        Ok(Value::from(crate::casing::upper(a.string(0)?)))
    }),
    entry("lower", 1, 1, |_, a| {
        Ok(Value::from(crate::casing::lower(a.string(0)?)))
    }),
    entry("split", 2, 3, |tools, a| split(tools, a, Cut::Before)),
    entry("splitAfter", 2, 3, |tools, a| split(tools, a, Cut::After)),
    entry("replace", 3, 4, |tools, a| {
        let limit = if a.len() == 4 { a.int(3)? } else { -1 };
        replace(tools, a.string(0)?, a.string(1)?, a.string(2)?, limit)
    }),
    entry("repeat", 2, 2, |tools, a| {
        let count = a.count(1)?;
        if count > 1_000_000 {
            return Err(Failure::Budget("memory budget exceeded"));
        }
        repeat(tools, a.string(0)?, count)
    }),
    entry("join", 1, 2, |tools, a| {
        let glue = if a.len() == 2 { a.string(1)? } else { "" };
        let mut parts = Vec::new();
        for item in a.list(0)?.items() {
            parts.push(item.as_str().ok_or_else(|| {
                Failure::Message(format!(
                    "invalid argument for join (an element of type {})",
                    item.go_type()
                ))
            })?);
        }
        join(tools, &parts, glue)
    }),
    entry("indexOf", 2, 2, |_, a| {
        Ok(place(a.string(0)?.find(a.string(1)?)))
    }),
    entry("lastIndexOf", 2, 2, |_, a| {
        Ok(place(a.string(0)?.rfind(a.string(1)?)))
    }),
    entry("hasPrefix", 2, 2, |_, a| {
        Ok(a.string(0)?.starts_with(a.string(1)?).into())
    }),
    entry("hasSuffix", 2, 2, |_, a| {
        Ok(a.string(0)?.ends_with(a.string(1)?).into())
    }),
    entry("toJSON", 1, 1, |_, a| {
        Ok(Value::from(marshal(
            a.get(0),
            Layout::Indented,
            Html::Escaped,
        )?))
    }),
    entry("fromJSON", 1, 1, |_, a| Ok(unmarshal(a.string(0)?)?)),
    entry("toBase64", 1, 1, |_, a| match a.get(0) {
        Value::Bytes(bytes) => Ok(Value::from(STANDARD.encode(bytes))),
        _ => Ok(Value::from(STANDARD.encode(a.string(0)?))),
    }),
    entry("fromBase64", 1, 1, |_, a| {
        let bytes = decode_base64(a.string(0)?)?;
        Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
    }),
];

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::String(_) => "string",
        Value::List(_) | Value::Bytes(_) => "array",
        Value::Map(_) => "map",
        Value::Duration(_) => "time.Duration",
        Value::Time(_) => "time.Time",
        Value::Zone(_) | Value::Version(_) => "unknown",
    }
}

/// Go does not look at the bits of the last letter that stand for nothing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Base64 as Go's `StdEncoding` reads it: line breaks are skipped.
pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, Failure> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    LENIENT.decode(&text).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                text.len() / 4 * 4
            }
        };
        Failure::Message(format!("illegal base64 data at input byte {at}"))
    })
}

fn place(found: Option<usize>) -> Value {
    Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

/// Whether the separator is left out or stays with what stands before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Before,
    After,
}

fn split(tools: &Tools<'_>, a: &Arguments<'_>, cut: Cut) -> Outcome {
    let (text, separator) = (a.string(0)?, a.string(1)?);
    let limit = if a.len() == 3 { a.int(2)? } else { -1 };
    let parts = split_parts(text, separator, limit);
    tools.grow_by(parts.len(), size_of::<Value>() + 16)?;
    if cut == Cut::Before || separator.is_empty() {
        return Ok(Value::strings(parts)?);
    }
    let last = parts.len().saturating_sub(1);
    let parts = parts.iter().enumerate().map(|(at, part)| {
        if at < last {
            [part, separator].concat()
        } else {
            (*part).to_owned()
        }
    });
    Ok(Value::strings(parts)?)
}

/// As Go's `strings.SplitN`: at most `limit` parts, none for 0, all for less; an empty separator
/// cuts after each character.
pub(crate) fn split_parts<'a>(text: &'a str, separator: &str, limit: i64) -> Vec<&'a str> {
    let Ok(limit) = usize::try_from(limit) else {
        return if separator.is_empty() {
            characters(text, usize::MAX)
        } else {
            text.split(separator).collect()
        };
    };
    if limit == 0 {
        Vec::new()
    } else if separator.is_empty() {
        characters(text, limit)
    } else {
        text.splitn(limit, separator).collect()
    }
}

fn characters(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if parts.len() + 1 == limit {
            parts.push(rest);
            break;
        }
        let (first, tail) = rest.split_at(c.len_utf8());
        parts.push(first);
        rest = tail;
    }
    parts
}

pub(crate) fn repeat(tools: &Tools<'_>, text: &str, count: usize) -> Outcome {
    tools.grow_by(count, text.len())?;
    Ok(Value::from(text.repeat(count)))
}

pub(crate) fn join(tools: &Tools<'_>, parts: &[&str], glue: &str) -> Outcome {
    let length: usize = parts.iter().map(|part| part.len() + glue.len()).sum();
    tools.grow_by(1, length)?;
    Ok(Value::String(Arc::from(parts.join(glue))))
}

/// As Go's `strings.Replace`: a negative limit replaces all.
pub(crate) fn replace(tools: &Tools<'_>, text: &str, old: &str, new: &str, limit: i64) -> Outcome {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(old).count()
    };
    tools.grow_by(found.min(limit), new.len())?;
    tools.grow_by(1, text.len())?;
    Ok(Value::from(text.replacen(old, new, limit)))
}
