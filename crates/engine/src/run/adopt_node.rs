//! What a `status` tells of one node by itself.

use std::sync::Arc;

use argosy_api::{NodeStatus, NodeType};

use super::node::{Memo, Node, NodeInputs, NodeOutputs, OutputParameter, Role};
use crate::lower::node_id;
use crate::plan::PlannedTemplate;

/// What it was given, in the order of its template's inputs.
pub(super) fn adopted_inputs(status: &NodeStatus, template: &PlannedTemplate) -> NodeInputs {
    let shown = status.inputs.as_ref();
    let value = |name: &str| {
        let parameters = shown.into_iter().flat_map(|inputs| &inputs.parameters);
        let mut named = parameters.filter(|parameter| parameter.name == name);
        let value = named.next()?.value.as_ref()?;
        Some(Arc::from(value.as_str()))
    };
    NodeInputs {
        parameters: template
            .inputs
            .iter()
            .map(|input| value(&input.name))
            .collect(),
        artifacts: shown.map_or_else(Box::default, |inputs| inputs.artifacts.clone().into()),
    }
}

/// What it has put out.
pub(super) fn adopted_outputs(status: &NodeStatus) -> Option<Arc<NodeOutputs>> {
    let outputs = status.outputs.as_ref()?;
    Some(Arc::new(NodeOutputs {
        parameters: outputs
            .parameters
            .iter()
            .map(|parameter| OutputParameter {
                name: Arc::from(parameter.name.as_str()),
                value: parameter
                    .value
                    .as_ref()
                    .map(|value| Arc::from(value.as_str())),
            })
            .collect(),
        artifacts: outputs.artifacts.clone().into(),
        result: outputs.result.as_deref().map(Arc::from),
        exit_code: outputs
            .exit_code
            .as_deref()
            .and_then(|code| code.parse().ok()),
    }))
}

/// The salt that makes an ID of a node's name: mostly 0, or another where the ID of a node before it
/// was the same. `None` if the ID is no node's of that name: it is by their IDs that Argo finds nodes.
pub(super) fn shown_salt(workflow: &str, name: &str, id: &str) -> Option<u8> {
    (0..=u8::MAX).find(|&salt| node_id(workflow, name, salt) == id)
}

/// What few nodes have: an address, a machine, what memoization did.
pub(super) fn adopt_details(node: &mut Node, status: &NodeStatus) {
    if !status.pod_ip.is_empty() {
        node.details_mut().ip = Some(status.pod_ip.as_str().into());
    }
    if let Some(memo) = &status.memoization_status {
        node.details_mut().memo = Some(Arc::new(Memo {
            hit: memo.hit,
            cache: Arc::from(memo.cache_name.as_str()),
            key: Arc::from(memo.key.as_str()),
        }));
    }
    if !status.host_node_name.is_empty() {
        node.details_mut().host = Some(Arc::from(status.host_node_name.as_str()));
    }
}

/// What a node without a type is, by its place and its template: Argo's controller does not ask for
/// it.
pub(super) fn untold_kind(role: Role, template: Option<&PlannedTemplate>) -> NodeType {
    match (role, template) {
        (Role::StepGroup, _) => NodeType::StepGroup,
        (Role::Container, _) => NodeType::Container,
        (Role::Task, None) => NodeType::TaskGroup,
        (Role::Attempt, Some(template)) => template.node_type(),
        (_, Some(template)) if template.retry.is_some() => NodeType::Retry,
        (_, Some(template)) => template.node_type(),
        (_, None) => NodeType::Skipped,
    }
}
