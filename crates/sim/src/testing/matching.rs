//! Whether a value is as expected: of a map the named fields count, a list counts whole, `null`
//! means that there is nothing, `~text` a text that holds it, a word in place of a node is its
//! phase, and a map of one key that begins with `$` is asked of the value.

use argosy_api::{FieldPath, nearest};
use regex::Regex;
use serde_json::Value;

use super::span::{Span, seconds};

/// A value that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mismatch {
    /// Where in the expectation.
    pub path: FieldPath,
    pub expected: Value,
    pub actual: Value,
}

/// What can be asked of a value.
pub(super) const OPERATORS: [&str; 12] = [
    "$equals",
    "$not",
    "$anyOf",
    "$contains",
    "$matches",
    "$atLeast",
    "$atMost",
    "$near",
    "$json",
    "$length",
    "$each",
    "$unordered",
];

/// Compares all that is expected below `path`; adds what differs to `found`.
pub(super) fn compare(
    path: &FieldPath,
    expected: &Value,
    actual: &Value,
    found: &mut Vec<Mismatch>,
) {
    if let Some(questions) = questions(expected) {
        for (operator, asked) in questions {
            ask(path, operator, asked, actual, found);
        }
        return;
    }
    match (expected, actual) {
        (Value::Object(fields), Value::Object(actual)) => {
            for (key, expected) in fields {
                let inner = actual.get(key).unwrap_or(&Value::Null);
                compare(&path.clone().field(key.clone()), expected, inner, found);
            }
        }
        (Value::String(phase), Value::Object(node)) if node.contains_key("phase") => {
            compare(path, &Value::from(phase.as_str()), &node["phase"], found);
        }
        _ if is_as(expected, actual) => {}
        _ => found.push(Mismatch {
            path: path.clone(),
            expected: expected.clone(),
            actual: written_alike(expected, actual),
        }),
    }
}

/// Seconds, as a duration where one was expected.
fn written_alike(expected: &Value, actual: &Value) -> Value {
    let is_span = |text: &str| seconds(text).is_some() && text.parse::<u32>().is_err();
    match (expected.as_str(), actual.as_i64()) {
        (Some(text), Some(seconds)) if is_span(text) => Span(seconds).to_string().into(),
        _ => actual.clone(),
    }
}

/// Whether a value is as expected.
pub(super) fn agrees(expected: &Value, actual: &Value) -> bool {
    let mut found = Vec::new();
    compare(&FieldPath::default(), expected, actual, &mut found);
    found.is_empty()
}

/// What an expectation asks, if it is a map of operators.
fn questions(expected: &Value) -> Option<impl Iterator<Item = (&str, &Value)>> {
    let map = expected.as_object()?;
    let asks = !map.is_empty() && map.keys().all(|key| key.starts_with('$'));
    asks.then(|| map.iter().map(|(key, value)| (key.as_str(), value)))
}

fn ask(path: &FieldPath, operator: &str, asked: &Value, actual: &Value, found: &mut Vec<Mismatch>) {
    let holds = match operator {
        "$equals" => {
            asked == actual || (scalar(asked).is_some() && scalar(asked) == scalar(actual))
        }
        "$not" => !agrees(asked, actual),
        "$anyOf" => list(asked).iter().any(|one| agrees(one, actual)),
        "$contains" => match actual {
            Value::Array(items) => items.iter().any(|item| agrees(asked, item)),
            Value::Object(fields) => scalar(asked).is_some_and(|key| fields.contains_key(&key)),
            _ => scalar(actual)
                .zip(scalar(asked))
                .is_some_and(|(text, part)| text.contains(&part)),
        },
        "$matches" => scalar(actual)
            .zip(pattern(asked).ok())
            .is_some_and(|(text, pattern)| pattern.is_match(&text)),
        "$atLeast" => number(actual)
            .zip(number(asked))
            .is_some_and(|(is, least)| is >= least),
        "$atMost" => number(actual)
            .zip(number(asked))
            .is_some_and(|(is, most)| is <= most),
        "$near" => number(actual)
            .zip(near(asked))
            .is_some_and(|(is, (value, within))| (is - value).abs() <= within),
        "$json" => {
            let read = actual
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok());
            match read {
                Some(read) => return compare(path, asked, &read, found),
                None => false,
            }
        }
        "$length" => match length(actual) {
            Some(length) => agrees(asked, &Value::from(length)),
            None => false,
        },
        "$each" => match actual {
            Value::Array(items) => items.iter().all(|item| agrees(asked, item)),
            Value::Object(fields) => fields.values().all(|item| agrees(asked, item)),
            _ => false,
        },
        "$unordered" => actual
            .as_array()
            .is_some_and(|items| same_items(list(asked), items)),
        // Others were refused when the test was read.
        _ => false,
    };
    if !holds {
        found.push(Mismatch {
            path: path.clone(),
            expected: serde_json::json!({operator: asked}),
            actual: actual.clone(),
        });
    }
}

/// What is wrong with the operators of an expectation.
pub(super) fn faults(path: &FieldPath, expected: &Value, found: &mut Vec<(FieldPath, String)>) {
    match expected {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                faults(&path.clone().index(place), item, found);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = path.clone().field(key.clone());
                if let Some(fault) = key.starts_with('$').then(|| fault(key, value)).flatten() {
                    found.push((path.clone(), fault));
                } else if key.starts_with('$') && !fields.keys().all(|key| key.starts_with('$')) {
                    let text = format!("{key} can't stand beside fields");
                    found.push((path.clone(), text));
                }
                faults(&path, value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fault(operator: &str, asked: &Value) -> Option<String> {
    let needs = |what: &str| Some(format!("{operator} takes {what}"));
    match operator {
        "$anyOf" | "$unordered" if !asked.is_array() => needs("a list"),
        "$atLeast" | "$atMost" if number(asked).is_none() => needs("a number or a duration"),
        "$near" if near(asked).is_none() => needs("{value: NUMBER, within: NUMBER}"),
        "$matches" => pattern(asked).err(),
        known if OPERATORS.contains(&known) => None,
        unknown => {
            let meant = nearest(unknown, OPERATORS);
            let meant = meant.map_or_else(String::new, |near| format!(", did you mean {near}?"));
            Some(format!("there is no {unknown}{meant}"))
        }
    }
}

fn pattern(asked: &Value) -> Result<Regex, String> {
    let text = asked
        .as_str()
        .ok_or("$matches takes a regular expression")?;
    Regex::new(text).map_err(|error| {
        // It draws the pattern, with marks below it, before it says what is wrong.
        let drawn = error.to_string();
        let why = drawn.lines().last().unwrap_or_default();
        format!(
            "{text:?} is no regular expression: {}",
            why.trim_start_matches("error: ")
        )
    })
}

fn near(asked: &Value) -> Option<(f64, f64)> {
    Some((number(&asked["value"])?, number(&asked["within"])?))
}

/// The number that a value is, or that its text says; a duration stands for its seconds.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => seconds(text).map(|seconds| seconds as f64),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text that a value is or stands for.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// How many there are in it: items, fields, or characters.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        Value::String(text) => Some(text.chars().count()),
        Value::Null => Some(0),
        Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The items of a list; none of what is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether each item expected is another one of those that there are.
fn same_items(expected: &[Value], actual: &[Value]) -> bool {
    let mut left: Vec<&Value> = actual.iter().collect();
    expected.len() == actual.len()
        && expected.iter().all(|wanted| {
            let place = left.iter().position(|item| agrees(wanted, item));
            place.map(|place| left.swap_remove(place)).is_some()
        })
}

fn is_as(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(expected, actual)| agrees(expected, actual))
        }
        (Value::String(text), Value::String(actual)) => match text.strip_prefix('~') {
            Some(part) => actual.contains(part),
            None => text == actual,
        },
        (Value::String(text), Value::Null) => text.is_empty(),
        (Value::Null, Value::String(text)) => text.is_empty(),
        // Spans of time are written in several ways.
        (Value::String(_), Value::Number(_)) => number(expected) == number(actual),
        // Parameters are texts, and YAML reads some of them as numbers.
        (Value::Number(number), Value::String(text)) => *text == number.to_string(),
        (Value::Bool(truth), Value::String(text)) => text.parse() == Ok(*truth),
        (Value::Number(_), Value::Number(_)) => number(expected) == number(actual),
        (expected, actual) => expected == actual,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{agrees, faults};

    #[test]
    fn what_agrees() {
        for (expected, actual, holds) in [
            (json!({"a": 1}), json!({"a": "1", "b": 2}), true),
            (json!([{"a": 1}]), json!([{"a": 1, "b": 2}]), true),
            (json!("~b"), json!("abc"), true),
            (json!({"$equals": "~b"}), json!("abc"), false),
            (json!({"$equals": "~b"}), json!("~b"), true),
            (json!({"$not": "a"}), json!("b"), true),
            (json!({"$not": null}), json!("b"), true),
            (json!({"$not": null}), json!(null), false),
            (json!({"$anyOf": ["a", "~x"]}), json!("xyz"), true),
            (json!({"$anyOf": ["a", "b"]}), json!("c"), false),
            (json!({"$contains": "b"}), json!(["a", "b"]), true),
            (
                json!({"$contains": {"k": "~v"}}),
                json!([{"k": "av", "l": 1}]),
                true,
            ),
            (json!({"$contains": "b"}), json!({"b": null}), true),
            (json!({"$contains": 5}), json!("a5"), true),
            (json!({"$matches": "^a.c$"}), json!("abc"), true),
            (json!({"$matches": "^b"}), json!("abc"), false),
            (json!({"$atLeast": 2, "$atMost": 3}), json!("2.5"), true),
            (json!({"$atLeast": 2, "$atMost": 3}), json!(4), false),
            (json!({"$atMost": "1m"}), json!(61), false),
            (
                json!({"$near": {"value": 0.3, "within": 0.01}}),
                json!("0.305"),
                true,
            ),
            (
                json!({"$near": {"value": 0.3, "within": 0.01}}),
                json!("x"),
                false,
            ),
            (
                json!({"$json": {"a": [1, {"$atLeast": 2}]}}),
                json!("{\"a\":[1,2],\"b\":0}"),
                true,
            ),
            (json!({"$json": [1]}), json!("no"), false),
            (json!({"$length": 2}), json!(["a", "b"]), true),
            (json!({"$length": {"$atLeast": 3}}), json!("ab"), false),
            (json!({"$each": {"$atMost": 3}}), json!([1, 2, 3]), true),
            (
                json!({"$each": "Succeeded"}),
                json!({"a": "Succeeded", "b": "Failed"}),
                false,
            ),
            (
                json!({"$unordered": ["a", "b", "a"]}),
                json!(["b", "a", "a"]),
                true,
            ),
            (
                json!({"$unordered": ["a", "b", "b"]}),
                json!(["b", "a", "a"]),
                false,
            ),
            (json!("1m5s"), json!(65), true),
            (json!(5.0), json!(5), true),
        ] {
            assert_eq!(agrees(&expected, &actual), holds, "{expected} and {actual}");
        }
    }

    #[test]
    fn operators_are_checked() {
        for (expected, wanted) in [
            (
                json!({"a": [{"$atMots": 1}]}),
                "a[0][$atMots]: there is no $atMots, did you mean $atMost?",
            ),
            (
                json!({"$matches": "("}),
                "[$matches]: \"(\" is no regular expression: unclosed group",
            ),
            (
                json!({"$atMost": "soon"}),
                "[$atMost]: $atMost takes a number or a duration",
            ),
            (
                json!({"$near": 3}),
                "[$near]: $near takes {value: NUMBER, within: NUMBER}",
            ),
            (json!({"$anyOf": "a"}), "[$anyOf]: $anyOf takes a list"),
            (
                json!({"$not": "a", "phase": "Failed"}),
                "[$not]: $not can't stand beside fields",
            ),
        ] {
            let mut found = Vec::new();
            faults(&Default::default(), &expected, &mut found);
            let found: Vec<String> = found
                .iter()
                .map(|(path, text)| format!("{path}: {text}"))
                .collect();
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(wanted), "{found:?}");
        }
    }
}
