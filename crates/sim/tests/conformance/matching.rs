//! Whether a value is as expected: a map's named fields are, a list's items are, one by one, and
//! anything else is equal. `null` expects nothing to be there. A word stands for a node's phase,
//! and `~text` for a text that holds it.

use serde_json::Value;

/// Where a value is not as expected.
pub struct Mismatch {
    pub path: String,
    pub text: String,
}

/// Whether `actual` is as `expected`.
pub fn matches(expected: &Value, actual: &Value) -> Result<(), Mismatch> {
    let differs = |text: String| {
        Err(Mismatch {
            path: String::new(),
            text,
        })
    };
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, expected) in expected {
                let found = actual.get(key).unwrap_or(&Value::Null);
                matches(expected, found)
                    .map_err(|mismatch| inside(&format!(".{key}"), mismatch))?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                let (wanted, found) = (expected.len(), actual.len());
                return differs(format!(
                    "{found} items instead of {wanted}: {}",
                    Value::from(actual.clone())
                ));
            }
            for (place, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                matches(expected, actual)
                    .map_err(|mismatch| inside(&format!("[{place}]"), mismatch))?;
            }
            Ok(())
        }
        (Value::String(phase), Value::Object(node)) if node.contains_key("phase") => {
            matches(&Value::from(phase.as_str()), &node["phase"])
                .map_err(|mismatch| inside(".phase", mismatch))
                .map_err(|mut mismatch| {
                    let message = node
                        .get("message")
                        .map(Value::to_string)
                        .unwrap_or_default();
                    mismatch.text.push_str(&format!(" with {message}"));
                    mismatch
                })
        }
        (Value::String(wanted), Value::String(found)) if wanted.starts_with('~') => {
            if found.contains(&wanted[1..]) {
                return Ok(());
            }
            differs(format!("{found:?} does not hold {:?}", &wanted[1..]))
        }
        (expected, actual) if expected == actual => Ok(()),
        (Value::String(text), Value::Null) if text.is_empty() => Ok(()),
        (expected, actual) => {
            let mut found = actual.to_string();
            if found.len() > 600 {
                found = format!("{} …", found.chars().take(600).collect::<String>());
            }
            differs(format!("{found} instead of {expected}"))
        }
    }
}

fn inside(step: &str, mismatch: Mismatch) -> Mismatch {
    Mismatch {
        path: format!("{step}{}", mismatch.path),
        text: mismatch.text,
    }
}
