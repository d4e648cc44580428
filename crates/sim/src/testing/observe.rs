//! What there is to look at, in the form in which expectations are written.

use argosy_api::{Inputs, NodeStatus, Outputs, Parameter};
use argosy_engine::effect::Layout;
use k8s_openapi::api::core::v1::{Container, EnvVar};
use serde_json::{Map, Value, json};

use crate::pods::SimPod;

/// A display name without the number of the attempt or the item of the loop: `map(0:a)(1)` is
/// `map`.
pub(super) fn base_name(display_name: &str) -> &str {
    match display_name.split_once('(') {
        Some((base, _)) if display_name.ends_with(')') && !base.is_empty() => base,
        _ => display_name,
    }
}

/// The name of a node's template.
pub(super) fn template_name(node: &NodeStatus) -> &str {
    match &node.template_ref {
        Some(reference) => &reference.template,
        None => &node.template_name,
    }
}

pub(super) fn node(node: &NodeStatus) -> Value {
    json!({
        "name": node.name,
        "displayName": node.display_name,
        "type": node.r#type.map(|kind| kind.as_str()),
        "template": template_name(node),
        "phase": node.phase.map(|phase| phase.as_str()),
        "message": node.message,
        "inputs": node.inputs.as_ref().map(inputs),
        "outputs": node.outputs.as_ref().map(outputs),
    })
}

pub(super) fn inputs(inputs: &Inputs) -> Value {
    json!({
        "parameters": parameters(&inputs.parameters),
        "artifacts": artifacts(&inputs.artifacts),
    })
}

pub(super) fn outputs(outputs: &Outputs) -> Value {
    json!({
        "parameters": parameters(&outputs.parameters),
        "artifacts": artifacts(&outputs.artifacts),
        "result": outputs.result,
        "exitCode": outputs.exit_code,
    })
}

fn parameters(parameters: &[Parameter]) -> Value {
    let pairs = parameters.iter().map(|parameter| {
        let value = parameter.value.as_ref().map(|value| value.as_str());
        (parameter.name.clone(), json!(value))
    });
    Value::Object(pairs.collect())
}

fn artifacts(artifacts: &[argosy_api::Artifact]) -> Value {
    let pairs = artifacts
        .iter()
        .map(|artifact| (artifact.name.clone(), json!(artifact)));
    Value::Object(pairs.collect())
}

/// A pod: its main container's fields, those of all containers by their names, and the whole.
pub(super) fn pod(pod: &SimPod) -> Value {
    let containers = pod
        .pod()
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .map(|container| (container.name.clone(), self::container(container)));
    let containers: Map<String, Value> = containers.collect();
    let mut value = match containers.get("main") {
        Some(Value::Object(main)) => main.clone(),
        _ => Map::new(),
    };
    value.insert("containers".to_owned(), Value::Object(containers));
    if let Layout::Supervised(supervision) = &pod.request.layout
        && let Some(script) = &supervision.script
    {
        value.insert("source".to_owned(), json!(script.source));
    }
    value.insert("pod".to_owned(), json!(pod.pod()));
    Value::Object(value)
}

fn container(container: &Container) -> Value {
    let env = container.env.iter().flatten().map(variable);
    json!({
        "image": container.image,
        "command": container.command,
        "args": container.args,
        "env": env.collect::<Map<String, Value>>(),
    })
}

fn variable(variable: &EnvVar) -> (String, Value) {
    let value = match &variable.value_from {
        Some(source) => json!({"valueFrom": source}),
        None => json!(variable.value.as_deref().unwrap_or_default()),
    };
    (variable.name.clone(), value)
}

#[cfg(test)]
mod tests {
    use super::base_name;

    #[test]
    fn base_names() {
        for (name, base) in [
            ("a", "a"),
            ("a(0)", "a"),
            ("map(0:x)(1)", "map"),
            ("(x)", "(x)"),
            ("a(b", "a(b"),
        ] {
            assert_eq!(base_name(name), base);
        }
    }
}
