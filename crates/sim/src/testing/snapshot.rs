//! All that a workflow did, as a file to compare the next time with.

use argosy_api::{FieldPath, Workflow};
use serde_json::{Map, Number, Value, json};

use super::matching::Mismatch;
use super::observe;
use super::play::Play;
use crate::protocol;

/// What a test saw, for the file that it is kept in.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The file's name as it stands in the test.
    pub file: String,
    /// What was seen.
    pub seen: Value,
    /// Whether the file says something else, or is not there.
    pub differs: bool,
}

/// All that a workflow did, what is empty left out.
pub(super) fn seen(play: &Play, workflow: &Workflow) -> Value {
    let status = &workflow.status;
    let nodes = status.nodes.values();
    let nodes: Map<String, Value> = nodes
        .map(|node| {
            let mut value = observe::node_itself(node);
            if let Some(fields) = value.as_object_mut() {
                fields.remove("name");
                fields.remove("displayName");
            }
            (node.name.clone(), value)
        })
        .collect();
    let mut ran = Vec::new();
    let mut pods = Map::new();
    for leaf in &play.leaves {
        ran.push(leaf.node.name.clone());
        if let Some(pod) = leaf.pod.and_then(|key| play.world.pods.get(&key)) {
            let mut value = observe::pod(pod);
            if let Some(fields) = value.as_object_mut() {
                for key in ["pod", "name", "namespace", "labels", "annotations"] {
                    fields.remove(key);
                }
                if fields.contains_key("image") {
                    fields.remove("containers");
                }
            }
            pods.insert(leaf.node.name.clone(), value);
        }
    }
    let metrics: Vec<Value> = protocol::metrics(&play.world)
        .into_iter()
        .map(|mut metric| {
            if let Some(fields) = metric.as_object_mut() {
                fields.remove("help");
            }
            filled(metric)
        })
        .collect();
    filled(json!({
        "phase": status.phase,
        "message": status.message,
        "outputs": status.outputs.as_ref().map(observe::outputs),
        "nodes": nodes,
        "ran": ran,
        "pods": pods,
        "duration": play.virtual_seconds(),
        "maxRunning": play.max_running,
        "metrics": metrics,
    }))
}

/// A value without what is empty in its maps, whole numbers written as such.
fn filled(value: Value) -> Value {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) => return items.into_iter().map(filled).collect(),
        Value::Number(number) => return whole(number),
        other => return other,
    };
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    fields
        .into_iter()
        .map(|(key, value)| (key, filled(value)))
        .filter(|(_, value)| !is_empty(value))
        .collect()
}

/// A number, as an integer if it is one.
fn whole(number: Number) -> Value {
    let float = number.as_f64().filter(|_| number.is_f64());
    match float {
        // Below this, each whole number is one of both kinds.
        Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
        _ => Value::Number(number),
    }
}

/// Where two values differ in anything; adds it to `found`.
pub(super) fn differences(
    path: &FieldPath,
    expected: &Value,
    actual: &Value,
    found: &mut Vec<Mismatch>,
) {
    let (Value::Object(one), Value::Object(other)) = (expected, actual) else {
        if expected != actual {
            found.push(Mismatch {
                path: path.clone(),
                expected: expected.clone(),
                actual: actual.clone(),
            });
        }
        return;
    };
    let added = other.keys().filter(|key| !one.contains_key(*key));
    for key in one.keys().chain(added) {
        let value = |fields: &Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
        let path = path.clone().field(key.clone());
        differences(&path, &value(one), &value(other), found);
    }
}
