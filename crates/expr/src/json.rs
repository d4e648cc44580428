//! JSON in and out the way Go's `encoding/json` does it, and Go's other ways to print a value.

mod fault;

use std::fmt::Write as _;
use std::sync::Arc;

use crate::time;
use crate::value::{Oversized, Value};

impl Value {
    /// The value of a JSON document. All numbers become floats, as in Go.
    ///
    /// # Errors
    /// If it nests too deep.
    pub fn from_json(json: &serde_json::Value) -> Result<Value, Oversized> {
        Self::from_json_at(json, 0)
    }

    fn from_json_at(json: &serde_json::Value, depth: u16) -> Result<Value, Oversized> {
        if depth > crate::value::MAX_DEPTH {
            return Err(Oversized);
        }
        match json {
            serde_json::Value::Null => Ok(Value::Nil),
            serde_json::Value::Bool(b) => Ok(Value::Bool(*b)),
            serde_json::Value::Number(n) => Ok(Value::Float(n.as_f64().unwrap_or(f64::NAN))),
            serde_json::Value::String(s) => Ok(Value::from(s.as_str())),
            serde_json::Value::Array(items) => Value::list(
                items
                    .iter()
                    .map(|item| Self::from_json_at(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            serde_json::Value::Object(entries) => Value::map(
                entries
                    .iter()
                    .map(|(k, v)| Ok((Arc::from(k.as_str()), Self::from_json_at(v, depth + 1)?)))
                    .collect::<Result<_, _>>()?,
            ),
        }
    }

    /// The value as a JSON document; what JSON doesn't have (a zone, a NaN) becomes null.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Nil | Value::Zone(_) => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Int(n) | Value::Duration(n) => (*n).into(),
            Value::Float(f) => (*f).into(),
            Value::String(s) => (**s).into(),
            Value::Bytes(bytes) => base64_text(bytes).into(),
            Value::Time(time) => time::rfc3339(time).into(),
            Value::Version(version) => version.to_string().into(),
            Value::List(list) => list.items().iter().map(Value::to_json).collect(),
            Value::Map(map) => map
                .entries()
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_json()))
                .chain(
                    map.others()
                        .iter()
                        .map(|(key, value)| (go_text(key), value.to_json())),
                )
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

fn base64_text(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Without any space.
    Compact,
    /// Two spaces deeper at each level.
    Indented,
}

/// Whether `<`, `>` and `&` are written as escapes, as Go does unless told not to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Html {
    /// Escaped.
    Escaped,
    /// As they are.
    Raw,
}

/// The value as JSON text.
pub(crate) fn marshal(value: &Value, layout: Layout, html: Html) -> Result<String, String> {
    let mut writer = Writer {
        out: String::new(),
        layout,
        html,
        indent: 0,
    };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    layout: Layout,
    html: Html,
    indent: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Int(n) | Value::Duration(n) => write_display(&mut self.out, n),
            Value::Float(f) => {
                if !f.is_finite() {
                    return Err(format!("json: unsupported value: {}", go_float(*f)));
                }
                self.out.push_str(&json_float(*f));
            }
            Value::String(s) => self.string(s),
            Value::Bytes(bytes) => self.string(&base64_text(bytes)),
            Value::Time(time) => self.string(&time::rfc3339(time)),
            Value::Zone(_) => self.out.push_str("{}"),
            Value::Version(version) => self.string(&version.to_string()),
            Value::List(list) => {
                self.sequence('[', ']', list.items(), |writer, item| writer.value(item))?;
            }
            Value::Map(map) => {
                if !map.others().is_empty() {
                    return Err("json: unsupported type: map[interface {}]interface {}".into());
                }
                self.sequence('{', '}', map.entries(), |writer, (key, value)| {
                    writer.string(key);
                    writer.out.push(':');
                    if writer.layout == Layout::Indented {
                        writer.out.push(' ');
                    }
                    writer.value(value)
                })?;
            }
        }
        Ok(())
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        self.indent += 1;
        let mut empty = true;
        for item in items {
            if !empty {
                self.out.push(',');
            }
            empty = false;
            self.newline();
            write(self, item)?;
        }
        self.indent -= 1;
        if !empty {
            self.newline();
        }
        self.out.push(close);
        Ok(())
    }

    fn newline(&mut self) {
        if self.layout == Layout::Indented {
            self.out.push('\n');
            for _ in 0..self.indent {
                self.out.push_str("  ");
            }
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '<' | '>' | '&' if self.html == Html::Escaped => unicode_escape(&mut self.out, c),
                '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => unicode_escape(&mut self.out, c),
                _ => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

fn unicode_escape(out: &mut String, c: char) {
    write_display(out, format_args!("\\u{:04x}", u32::from(c)));
}

fn write_display(out: &mut String, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("writing to a String can't fail");
}

/// A float as Go's `encoding/json` writes it: shortest, with an exponent only from 1e21 and below 1e-6.
pub(crate) fn json_float(f: f64) -> String {
    let size = f.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        exponent_form(f, 1)
    } else {
        plain(f)
    }
}

/// A float as Go's `%v` writes it: shortest, with an exponent from 1e6 and below 1e-4.
pub(crate) fn go_float(f: f64) -> String {
    if f.is_nan() {
        return "NaN".into();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let size = f.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        exponent_form(f, 2)
    } else {
        plain(f)
    }
}

fn plain(f: f64) -> String {
    // Rust prints floats shortest and without exponent.
    format!("{f}")
}

fn exponent_form(f: f64, digits: usize) -> String {
    let text = format!("{f:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{exponent:0>digits$}")
}

/// The order in which Go prints keys that are no texts: numbers by their value, false before true.
fn compare_keys(left: &Value, right: &Value) -> std::cmp::Ordering {
    let rank = |value: &Value| match value {
        Value::Nil => (0, 0.0),
        Value::Bool(value) => (1, f64::from(u8::from(*value))),
        Value::Int(n) => (2, *n as f64),
        Value::Float(f) => (3, *f),
        _ => (4, 0.0),
    };
    let ((left_kind, left), (right_kind, right)) = (rank(left), rank(right));
    left_kind
        .cmp(&right_kind)
        .then_with(|| left.total_cmp(&right))
}

/// The value as Go's `%v` prints it.
pub(crate) fn go_text(value: &Value) -> String {
    let mut out = String::new();
    write_go_text(&mut out, value);
    out
}

fn write_go_text(out: &mut String, value: &Value) {
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(b) => write_display(out, b),
        Value::Int(n) => write_display(out, n),
        Value::Float(f) => out.push_str(&go_float(*f)),
        Value::String(s) => out.push_str(s),
        Value::Bytes(bytes) => {
            out.push('[');
            for (i, byte) in bytes.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write_display(out, byte);
            }
            out.push(']');
        }
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.items().iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write_go_text(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            let mut first = true;
            let mut separate = |out: &mut String| {
                if !first {
                    out.push(' ');
                }
                first = false;
            };
            let mut others: Vec<&(Value, Value)> = map.others().iter().collect();
            others.sort_by(|(left, _), (right, _)| compare_keys(left, right));
            for (key, value) in others {
                separate(out);
                write_go_text(out, key);
                out.push(':');
                write_go_text(out, value);
            }
            for (key, value) in map.entries() {
                separate(out);
                out.push_str(key);
                out.push(':');
                write_go_text(out, value);
            }
            out.push(']');
        }
        Value::Duration(nanoseconds) => out.push_str(&time::duration_text(*nanoseconds)),
        Value::Time(time) => out.push_str(&time::go_text(time)),
        Value::Zone(zone) => out.push_str(&time::zone_name(zone)),
        Value::Version(version) => write_display(out, version),
    }
}

/// The value as Go's `%s` prints it, which is at a loss with all that is no text.
pub(crate) fn go_verb_s(value: &Value) -> String {
    let odd = |kind: &str, text: String| format!("%!s({kind}={text})");
    match value {
        Value::Nil => "%!s(<nil>)".to_owned(),
        Value::Bool(b) => odd("bool", b.to_string()),
        Value::Int(n) => odd("int", n.to_string()),
        Value::Float(f) => odd("float64", go_float(*f)),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::List(list) => {
            let items: Vec<String> = list.items().iter().map(go_verb_s).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) if map.others().is_empty() => {
            let entries = map.entries().iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{key}:{}", go_verb_s(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::String(_)
        | Value::Map(_)
        | Value::Duration(_)
        | Value::Time(_)
        | Value::Zone(_)
        | Value::Version(_) => go_text(value),
    }
}

/// Reads JSON as Go does.
pub(crate) fn unmarshal(text: &str) -> Result<Value, String> {
    let json: serde_json::Value = serde_json::from_str(text).or_else(|error| {
        if let Some(fault) = fault::fault(text) {
            return Err(fault);
        }
        serde_json::from_str(&fault::with_whole_letters(text))
            .map_err(|_| format!("invalid JSON: {error}"))
    })?;
    Value::from_json(&json).map_err(|Oversized| "JSON nests too deep".into())
}

/// The text as Go's `%q` writes it.
pub(crate) fn go_quoted(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\0'..='\u{7f}' if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            _ if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
