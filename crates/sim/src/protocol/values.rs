//! Values of requests, in the forms in which they may be written.

use argosy_api::Artifact;
use argosy_engine::duration;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value};

/// Objects as YAML or JSON in a text, or as JSON outright: one, or a list.
#[derive(Clone, Debug)]
pub struct Manifest(pub String);

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            object @ Value::Object(_) => Ok(Self(object.to_string())),
            Value::Array(list) => {
                let documents: Vec<String> = list
                    .iter()
                    .map(|item| match item {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    })
                    .collect();
                Ok(Self(documents.join("\n---\n")))
            }
            _ => Err(D::Error::custom("expected objects, as YAML in a text")),
        }
    }
}

/// Names with values: a map, a list of `NAME=VALUE`, or a list of `{name, value}`; or one
/// `NAME=VALUE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = match Value::deserialize(deserializer)? {
            Value::Null => Vec::new(),
            Value::Object(map) => map
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, scalar(&value)))
                .collect(),
            Value::Array(list) => list
                .iter()
                .map(pair)
                .collect::<Option<_>>()
                .ok_or_else(|| D::Error::custom("expected NAME=VALUE, or {name, value}"))?,
            one @ Value::String(_) => {
                vec![pair(&one).ok_or_else(|| D::Error::custom("expected NAME=VALUE"))?]
            }
            _ => return Err(D::Error::custom("expected names with values")),
        };
        Ok(Self(pairs))
    }
}

fn pair(item: &Value) -> Option<(String, String)> {
    if let Some(text) = item.as_str() {
        let (name, value) = text.split_once('=')?;
        return Some((name.to_owned(), value.to_owned()));
    }
    let name = item.get("name")?.as_str()?;
    Some((name.to_owned(), scalar(item.get("value")?)))
}

/// A value as the text that stands for it.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text, or a number or truth value that stands for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(scalar(&Value::deserialize(deserializer)?)))
    }
}

/// A time: RFC 3339, or seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub i64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = scalar(&value);
        if let Ok(seconds) = text.trim().parse() {
            return Ok(Self(seconds));
        }
        let time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time =
            serde_json::from_value(value).map_err(D::Error::custom)?;
        Ok(Self(argosy_engine::timestamp::seconds(&time).0))
    }
}

/// A span of time in seconds: a number, or a text such as `90` or `1h30m`.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub f64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = scalar(&Value::deserialize(deserializer)?);
        if let Ok(seconds) = text.trim().parse() {
            return Ok(Self(seconds));
        }
        duration::parse_seconds(&text)
            .map(|seconds| Self(seconds as f64))
            .map_err(D::Error::custom)
    }
}

/// Artifacts: a list of them or of their names, or a map from names to where they are.
#[derive(Clone, Debug, Default)]
pub struct Artifacts(pub Vec<Artifact>);

impl<'de> Deserialize<'de> for Artifacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let artifact = |name: Option<String>, value: Value| {
            let value = match value {
                Value::String(name) => serde_json::json!({"name": name}),
                Value::Null => serde_json::json!({}),
                other => other,
            };
            let mut artifact: Artifact = serde_json::from_value(value).map_err(D::Error::custom)?;
            if let Some(name) = name {
                artifact.name = name;
            }
            Ok(artifact)
        };
        let list: Result<Vec<Artifact>, D::Error> = match Value::deserialize(deserializer)? {
            Value::Null => Ok(Vec::new()),
            Value::Array(list) => list.into_iter().map(|item| artifact(None, item)).collect(),
            Value::Object(map) => map
                .into_iter()
                .map(|(name, item)| artifact(Some(name), item))
                .collect(),
            _ => Err(D::Error::custom("expected artifacts")),
        };
        Ok(Self(list?))
    }
}

/// A truth value, or a text that says one; `null` is false.
pub(super) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(false),
        Value::Bool(truth) => Ok(truth),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        other => Err(D::Error::custom(format!(
            "expected true or false, not {other}"
        ))),
    }
}

/// A whole number, which may be written as a text.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() {
        return Ok(None);
    }
    let text = scalar(&value);
    let number = text.trim().parse();
    number
        .map(Some)
        .map_err(|_| D::Error::custom(format!("expected a number from 0, not {text:?}")))
}

/// The keys of a map, as JSON or as YAML in a text.
pub(super) fn keys<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::String(text) => crate::objects::read_yaml(&text).map_err(D::Error::custom)?,
        other => other,
    };
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(D::Error::custom("expected keys with values")),
    }
}

/// What is to hold of fields, as `--node-field-selector` says it, or a map of equalities.
pub(super) fn selector<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Object(map) => {
            let parts: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}={}", scalar(value)))
                .collect();
            Ok(Some(parts.join(",")))
        }
        other => Err(D::Error::custom(format!("expected KEY=VALUE, not {other}"))),
    }
}

/// Labels with their values: names with values, or all of them in a text, with commas between.
#[derive(Clone, Debug, Default)]
pub struct Labels(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = match Value::deserialize(deserializer)? {
            Value::String(text) => {
                let parts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                parts.map(Value::from).collect()
            }
            other => other,
        };
        serde_json::from_value(value)
            .map(|Pairs(pairs)| Self(pairs))
            .map_err(D::Error::custom)
    }
}
