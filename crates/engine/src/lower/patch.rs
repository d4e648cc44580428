//! `podSpecPatch`.

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::{Map, Value};

use super::error::LowerError;
use crate::strategic::{Schema, strategic_merge};

/// Reads YAML into JSON, or says why it can't.
pub type ReadYaml = fn(&str) -> Result<Value, String>;

/// A patched spec.
pub(super) struct Patched {
    pub spec: PodSpec,
    /// What the patches say about the executor's own containers, which are not in the pod yet.
    pub executor: Option<Value>,
}

/// Applies patches one after the other.
///
/// Users patch the executor's containers too (`init` and `wait`: their resources, mostly). That
/// part is handed back.
pub(super) fn apply(
    spec: PodSpec,
    patches: &[String],
    read_yaml: ReadYaml,
) -> Result<Patched, LowerError> {
    let mut value = serde_json::to_value(spec).map_err(patched)?;
    let mut executor: Option<Value> = None;
    for text in patches {
        let mut patch = valid(text, read_yaml)?;
        if let Some(part) = take_executor_part(&mut patch) {
            executor = Some(match executor {
                None => part,
                Some(earlier) => merge(earlier, part)?,
            });
        }
        value = merge(value, patch)?;
    }
    Ok(Patched {
        spec: serde_json::from_value(value).map_err(patched)?,
        executor,
    })
}

/// Applies a patch to a pod that has the executor's containers already.
pub(super) fn apply_whole(
    spec: PodSpec,
    text: &str,
    read_yaml: ReadYaml,
) -> Result<PodSpec, LowerError> {
    let value = serde_json::to_value(spec).map_err(patched)?;
    let value = merge(value, valid(text, read_yaml)?)?;
    serde_json::from_value(value).map_err(patched)
}

/// A patch that is part of a pod's spec.
fn valid(text: &str, read_yaml: ReadYaml) -> Result<Value, LowerError> {
    let patch = parse(text, read_yaml)?;
    match argosy_api::from_value::<PodSpec>(patch.clone()) {
        Ok(_) => Ok(patch),
        Err(error) => Err(LowerError::PatchInvalid {
            patch: text.to_owned(),
            message: error.to_string(),
        }),
    }
}

fn merge(original: Value, patch: Value) -> Result<Value, LowerError> {
    strategic_merge(original, patch, Schema::PodSpec).map_err(LowerError::PatchMerge)
}

fn patched(error: serde_json::Error) -> LowerError {
    LowerError::Patched(error.to_string())
}

fn parse(text: &str, read_yaml: ReadYaml) -> Result<Value, LowerError> {
    // As Argo: what begins with a brace is JSON, or a mistake.
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| LowerError::PatchSyntax(error.to_string()));
    }
    read_yaml(text).map_err(LowerError::PatchSyntax)
}

/// Takes the executor's containers out of a patch.
fn take_executor_part(patch: &mut Value) -> Option<Value> {
    let mut part = Map::new();
    for list in ["containers", "initContainers"] {
        let Some(Value::Array(containers)) = patch.get_mut(list) else {
            continue;
        };
        let (executors, users) = std::mem::take(containers)
            .into_iter()
            .partition(is_executor);
        *containers = users;
        let executors: Vec<Value> = executors;
        if !executors.is_empty() {
            part.insert(list.to_owned(), Value::Array(executors));
        }
    }
    (!part.is_empty()).then_some(Value::Object(part))
}

fn is_executor(container: &Value) -> bool {
    let name = container.get("name").and_then(Value::as_str);
    name.is_some_and(is_executors)
}

/// Whether a container of this name is one of the executor's.
pub(super) fn is_executors(name: &str) -> bool {
    matches!(name, "init" | "wait" | "supervisor")
        || name.starts_with("artifact-plugin-")
        || name.starts_with("init-artifact-")
}
