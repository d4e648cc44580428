//! Writing YAML as Kubernetes' tools write it, byte for byte in all but exotic cases:
//! keys sorted, lists at their key's own column, texts quoted only where they must be.

mod order;
mod text;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::yaml::{Scalar, shorten};
use text::{Place, write_text};

/// Keys beyond this many bytes are written with a question mark.
const MAX_SIMPLE_KEY: usize = 128;

/// An object as YAML, as `kubectl -o yaml` would print it.
///
/// # Errors
/// The object can't be JSON: one of its maps has keys that aren't texts.
pub fn convert_to_yaml(object: &impl Serialize) -> Result<String, serde_json::Error> {
    let value = serde_json::to_value(object)?;
    let mut out = String::new();
    match &value {
        Value::Object(map) if !map.is_empty() => write_map(map, 0, &mut out),
        Value::Array(list) if !list.is_empty() => write_list(list, 0, &mut out),
        other => write_scalar(other, 0, &mut out),
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

/// Writes a map whose first key starts right here; the other keys come at `indent`.
fn write_map(map: &Map<String, Value>, indent: usize, out: &mut String) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_by(|left, right| order::compare(left, right));
    for (position, key) in keys.into_iter().enumerate() {
        if position > 0 {
            start_line(indent, out);
        }
        let is_simple = key.len() <= MAX_SIMPLE_KEY && !key.contains('\n');
        if is_simple {
            write_text(key, Place::Key, indent, out);
        } else {
            out.push_str("? ");
            write_text(key, Place::Value, indent, out);
            start_line(indent, out);
        }
        out.push(':');
        match &map[key] {
            Value::Object(inner) if !inner.is_empty() => {
                start_line(indent + 2, out);
                write_map(inner, indent + 2, out);
            }
            Value::Array(list) if !list.is_empty() => {
                start_line(indent, out);
                write_list(list, indent, out);
            }
            scalar => {
                out.push(' ');
                write_scalar(scalar, indent, out);
            }
        }
    }
}

/// Writes a list whose first dash comes right here; the other dashes come at `indent`.
fn write_list(list: &[Value], indent: usize, out: &mut String) {
    for (position, item) in list.iter().enumerate() {
        if position > 0 {
            start_line(indent, out);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(map, indent + 2, out),
            Value::Array(inner) if !inner.is_empty() => write_list(inner, indent + 2, out),
            scalar => write_scalar(scalar, indent, out),
        }
    }
}

fn write_scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => write_text(text, Place::Value, indent, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// A number as Go's shortest general format: an exponent below 1e-4 and from 1e21 of JSON's on.
fn number_text(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    match shorten(value) {
        Scalar::Int(whole) => whole.to_string(),
        _ => general(value),
    }
}

fn general(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// Goes to a new line, unless a block of text has just ended one.
fn start_line(indent: usize, out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', indent));
}
