//! What is wrong with a request that can't be read: which key, and what was probably meant.

use argosy_api::{FieldPath, nearest};
use serde_json::{Map, Value};

use super::Request;

/// The operations there are.
const OPERATIONS: [&str; 16] = [
    "config",
    "apply",
    "submit",
    "settle",
    "advance",
    "now",
    "pods",
    "pod",
    "delete_pod",
    "evict_pod",
    "act",
    "get",
    "list",
    "facts",
    "why",
    "crash",
];

/// Reads a line, or says what is wrong with it.
pub(super) fn read(line: &str) -> Result<Request, String> {
    // Some programs begin a file with a byte order mark.
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Err("the line is empty: each line is a request".to_owned());
    }
    match serde_json::from_str(line) {
        Ok(request) => Ok(request),
        Err(error) => Err(explain(line, &error)),
    }
}

fn explain(line: &str, error: &serde_json::Error) -> String {
    let Ok(value) = serde_json::from_str::<Value>(line) else {
        return error.to_string();
    };
    let Value::Object(fields) = value else {
        return "a request is an object with `op`".to_owned();
    };
    match fields.get("op") {
        Some(Value::String(op)) if OPERATIONS.contains(&op.as_str()) => {}
        Some(Value::String(op)) => {
            let meant = did_you_mean(op, OPERATIONS);
            let all = OPERATIONS.join(", ");
            return format!("there is no op {op:?}{meant}, expected one of {all}");
        }
        Some(other) => return format!("op: expected a text, not {other}"),
        None => return "missing field `op`".to_owned(),
    }
    // Without its place, which is that of the line's end.
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let path = culprit(&fields);
    match (path.is_root(), unknown_field(text)) {
        (_, Some((name, known))) => {
            let meant = did_you_mean(name, known.iter().copied());
            let place = match path.is_root() {
                true => name.to_owned(),
                false => path.to_string(),
            };
            match known.as_slice() {
                [] => format!("{place}: unknown field, there are none"),
                known => {
                    let all = known.join(", ");
                    format!("{place}: unknown field{meant}, expected one of {all}")
                }
            }
        }
        (true, None) => in_words(text),
        (false, None) => format!("{path}: {}", in_words(text)),
    }
}

/// The field without which the request could be read, if it is one alone.
fn culprit(fields: &Map<String, Value>) -> FieldPath {
    let mut path = FieldPath::default();
    let mut whole = Value::Object(fields.clone());
    let mut pointer = String::new();
    loop {
        let here = whole.pointer(&pointer).cloned().unwrap_or_default();
        let keys: Vec<String> = match &here {
            Value::Object(fields) => fields.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let guilty = keys.into_iter().filter(|key| key != "op").find(|key| {
            let mut without = whole.clone();
            if let Some(Value::Object(fields)) = without.pointer_mut(&pointer) {
                fields.remove(key);
            }
            let error = serde_json::from_value::<Request>(without).err();
            error.is_none_or(|error| error.to_string().starts_with("missing field"))
        });
        let Some(key) = guilty else {
            return path;
        };
        // One that is guilty for itself is not looked into.
        pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        path.push_field(key);
        if let Some(inner) = whole.pointer_mut(&pointer)
            && !inner.is_object()
        {
            return path;
        }
    }
}

/// What is wrong with a value's type, without the words of the program's own types: where something
/// else than what is there was expected.
pub(super) fn in_words(text: &str) -> String {
    let Some((before, rest)) = text.split_once("invalid type: ") else {
        return text.to_owned();
    };
    let Some((found, expected)) = rest.split_once(", expected ") else {
        return text.to_owned();
    };
    let found = match found.split_once(' ') {
        Some(("integer" | "boolean", value)) => value.trim_matches('`'),
        Some(("floating", value)) => value.trim_start_matches("point ").trim_matches('`'),
        Some(("string", value)) => value,
        _ if found == "map" => "a map",
        _ if found == "sequence" => "a list",
        _ => found,
    };
    let expected = match expected {
        "a string" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "i32" | "i64" | "u32" | "u64" | "usize" => "a whole number",
        other if other.starts_with("struct ") => "a map",
        other => other,
    };
    format!("{before}expected {expected}, not {found}")
}

/// The name and those that are known, if the fault is a field that there is not.
fn unknown_field(text: &str) -> Option<(&str, Vec<&str>)> {
    let mut quoted = text
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let name = quoted.next()?;
    Some((name, quoted.collect()))
}

/// `, did you mean …?`, where a name is near.
pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let meant = nearest(name, known);
    meant.map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"))
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn types_in_words() {
        for (text, words) in [
            (
                "invalid type: integer `3`, expected a string",
                "expected a text, not 3",
            ),
            (
                "invalid type: sequence, expected struct Condition",
                "expected a map, not a list",
            ),
            (
                "cannot read a: invalid type: string \"x\", expected i64",
                "cannot read a: expected a whole number, not \"x\"",
            ),
            (
                "invalid type: floating point `1.5`, expected u32",
                "expected a whole number, not 1.5",
            ),
            (
                "invalid type: boolean `true`, expected a map",
                "expected a map, not true",
            ),
            ("missing field `op`", "missing field `op`"),
        ] {
            assert_eq!(in_words(text), words);
        }
    }
}
