//! What there is to look at, in the form in which expectations are written.

use argosy_api::{Inputs, NodeStatus, Outputs, Parameter, WorkflowStatus};
use argosy_engine::effect::Layout;
use argosy_engine::ids::Seconds;
use argosy_engine::timestamp;
use k8s_openapi::api::core::v1::{Container, EnvVar};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value, json};

use crate::pods::SimPod;

/// What can be seen of a node.
pub(super) const NODE_FIELDS: [&str; 16] = [
    "name",
    "displayName",
    "type",
    "template",
    "phase",
    "message",
    "inputs",
    "outputs",
    "began",
    "ended",
    "duration",
    "boundary",
    "children",
    "cached",
    "progress",
    "resourcesDuration",
];

/// What can be seen of a pod.
pub(super) const POD_FIELDS: [&str; 12] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "image",
    "command",
    "args",
    "env",
    "source",
    "containers",
    "initContainers",
    "pod",
];

/// What can be seen of a lock.
pub(super) const LOCK_FIELDS: [&str; 6] = ["name", "limit", "holders", "held", "waited", "most"];

/// What can be seen of outputs.
pub(super) const OUTPUT_FIELDS: [&str; 4] = ["parameters", "artifacts", "result", "exitCode"];

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

/// A workflow whose nodes are looked at.
pub(super) struct Nodes<'a> {
    pub status: &'a WorkflowStatus,
    /// When it was submitted.
    pub began: Seconds,
}

impl Nodes<'_> {
    /// A node, with all that can be expected of it.
    pub fn node(&self, node: &NodeStatus) -> Value {
        let mut value = node_itself(node);
        let since = |time: &Option<Time>| {
            let time = time.as_ref()?;
            Some(timestamp::seconds(time).since(self.began))
        };
        let (began, ended) = (since(&node.started_at), since(&node.finished_at));
        let name = |id: &String| self.status.nodes.get(id).map(|node| node.name.as_str());
        let children: Vec<&str> = node.children.iter().filter_map(name).collect();
        let cached = node.memoization_status.as_ref().map(|cache| cache.hit);
        for (key, more) in [
            ("began", json!(began)),
            ("ended", json!(ended)),
            (
                "duration",
                json!(ended.zip(began).map(|(ended, began)| ended - began)),
            ),
            ("boundary", json!(name(&node.boundary_id))),
            ("children", json!(children)),
            ("cached", json!(cached)),
            ("progress", json!(node.progress)),
            ("resourcesDuration", json!(node.resources_duration)),
        ] {
            value[key] = more;
        }
        value
    }
}

/// A node without what ties it to others and to the clock.
pub(super) fn node_itself(node: &NodeStatus) -> Value {
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

/// A pod: its main container's fields, those of all containers by their names, its labels and
/// annotations, and the whole.
pub(super) fn pod(pod: &SimPod) -> Value {
    let spec = pod.pod().spec.clone().unwrap_or_default();
    let inits = spec.init_containers.unwrap_or_default();
    let named = |containers: &[Container]| -> Map<String, Value> {
        let containers = containers.iter();
        containers
            .map(|container| (container.name.clone(), self::container(container)))
            .collect()
    };
    let containers = named(&spec.containers);
    let mut value = match containers.get("main") {
        Some(Value::Object(main)) => main.clone(),
        _ => Map::new(),
    };
    if let Layout::Supervised(supervision) = &pod.request.layout
        && let Some(script) = &supervision.script
    {
        value.insert("source".to_owned(), json!(script.source));
    }
    let metadata = &pod.pod().metadata;
    for (key, more) in [
        ("containers", Value::Object(containers)),
        ("initContainers", Value::Object(named(&inits))),
        ("name", json!(metadata.name)),
        ("namespace", json!(metadata.namespace)),
        ("labels", json!(metadata.labels)),
        ("annotations", json!(metadata.annotations)),
        ("pod", json!(pod.pod())),
    ] {
        value.insert(key.to_owned(), more);
    }
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
    use argosy_api::{NodeStatus, Outputs, WorkflowStatus};
    use argosy_engine::ids::Seconds;
    use serde_json::Value;

    use super::{NODE_FIELDS, Nodes, OUTPUT_FIELDS, base_name};

    #[test]
    fn what_can_be_expected_can_be_seen() {
        let nodes = Nodes {
            status: &WorkflowStatus::default(),
            began: Seconds(0),
        };
        for (seen, mut known) in [
            (nodes.node(&NodeStatus::default()), NODE_FIELDS.to_vec()),
            (super::outputs(&Outputs::default()), OUTPUT_FIELDS.to_vec()),
        ] {
            let mut seen: Vec<&str> = match &seen {
                Value::Object(fields) => fields.keys().map(String::as_str).collect(),
                _ => Vec::new(),
            };
            seen.sort_unstable();
            known.sort_unstable();
            assert_eq!(seen, known);
        }
    }

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
