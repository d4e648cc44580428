//! Whether a value is as expected: of a map the named fields count, a list counts whole, `null`
//! means that there is nothing, `~text` a text that holds it, and a word in place of a node is its
//! phase.

use argosy_api::FieldPath;
use serde_json::Value;

/// A value that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mismatch {
    /// Where in the expectation.
    pub path: FieldPath,
    pub expected: Value,
    pub actual: Value,
}

/// Compares all that is expected below `path`; adds what differs to `found`.
pub(super) fn compare(
    path: &FieldPath,
    expected: &Value,
    actual: &Value,
    found: &mut Vec<Mismatch>,
) {
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
            actual: actual.clone(),
        }),
    }
}

fn is_as(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(expected, actual)| is_as(expected, actual))
        }
        (Value::String(text), Value::String(actual)) => match text.strip_prefix('~') {
            Some(part) => actual.contains(part),
            None => text == actual,
        },
        (Value::String(text), Value::Null) => text.is_empty(),
        (Value::Null, Value::String(text)) => text.is_empty(),
        // Parameters are texts, and YAML reads some of them as numbers.
        (Value::Number(number), Value::String(text)) => *text == number.to_string(),
        (Value::Bool(truth), Value::String(text)) => text.parse() == Ok(*truth),
        (expected, actual) => expected == actual,
    }
}
