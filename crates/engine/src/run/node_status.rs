//! A node as Argo shows it: `status.nodes.*`.

use std::borrow::Cow;

use argosy_api::{
    AnyString, Inputs, MemoizationStatus, NodeFlag, NodePhase, NodeStatus,
    NodeSynchronizationStatus, NodeType, Outputs, Parameter, TemplateRef, TemplateType, ValueFrom,
};

use super::Run;
use super::names::Names;
use super::node::{Flags, NodeOutputs, Role};
use super::suspend::show_choices;
use super::usage::{Sums, own_progress, tells_progress};
use crate::ids::NodeIndex;
use crate::plan::{Origin, PlannedTemplate};
use crate::timestamp;

/// How the names and IDs of nodes are come by.
#[derive(Clone, Copy)]
struct Naming<'a> {
    name: &'a dyn Fn(NodeIndex) -> Cow<'a, str>,
    id: &'a dyn Fn(NodeIndex) -> String,
}

/// What nodes are to each other, and which are shown.
pub(super) struct Edges<'a> {
    pub children: Vec<Vec<NodeIndex>>,
    pub sums: Sums,
    pub names: Names,
    pub is_shown: &'a dyn Fn(u32) -> bool,
}

impl Run {
    /// One node as Argo shows it, without its edges; an empty one if there is no such node.
    pub fn node_status_at(&self, index: u32) -> NodeStatus {
        let index = NodeIndex(index);
        if index.offset() >= self.nodes.len() {
            return NodeStatus::default();
        }
        let naming = Naming {
            name: &|index| Cow::Owned(self.name(index)),
            id: &|index| self.node_id(index),
        };
        self.node_status_with(index, naming, &[])
    }

    pub(super) fn node_status(&self, index: NodeIndex, edges: &Edges<'_>) -> NodeStatus {
        let Edges {
            children,
            sums,
            names,
            is_shown,
        } = edges;
        let naming = Naming {
            name: &|index| Cow::Borrowed(&names.names[index.offset()]),
            id: &|index| names.ids[index.offset()].clone(),
        };
        let mut children = Cow::Borrowed(&children[index.offset()]);
        if !children.iter().all(|child| is_shown(child.0)) {
            children.to_mut().retain(|child| is_shown(child.0));
        }
        let mut status = self.node_status_with(index, naming, &children);
        let node = self.node(index);
        if !tells_progress(node.kind) {
            status.progress = sums.progress[index.offset()].clone();
            if node.phase.is_fulfilled() {
                status.resources_duration = sums.usage[index.offset()].clone();
            }
        }
        if node.phase.is_fulfilled() && matches!(node.kind, NodeType::Steps | NodeType::DAG) {
            let outbound = self.outbound(index);
            let outbound = outbound.iter().filter(|at| is_shown(at.0));
            status.outbound_nodes = outbound.map(|&at| (naming.id)(at)).collect();
        }
        status
    }

    fn node_status_with(
        &self,
        index: NodeIndex,
        naming: Naming<'_>,
        children: &[NodeIndex],
    ) -> NodeStatus {
        let node = self.node(index);
        let details = node.details.as_deref();
        let id_of = |index: &NodeIndex| (naming.id)(*index);
        let call = self.call_of(index);
        NodeStatus {
            id: id_of(&index),
            name: (naming.name)(index).into_owned(),
            display_name: self.display_name_of(index, naming.name),
            r#type: Some(node.kind),
            template_name: call
                .as_ref()
                .filter(|call| call.template_ref.is_none())
                .map_or_else(String::new, |_| match node.role {
                    Role::StepGroup => String::new(),
                    _ => self.template_name(index),
                }),
            template_ref: self.shown_reference(index),
            template_scope: self.scope_of(index).scope_text(self.definition.name()),
            phase: Some(node.phase),
            boundary_id: node.boundary.some().map_or_else(String::new, |b| id_of(&b)),
            message: node.message.as_deref().unwrap_or_default().to_owned(),
            started_at: Some(timestamp::kubernetes(node.started_at())),
            finished_at: node.finished_at().map(timestamp::kubernetes),
            progress: own_progress(node),
            resources_duration: self.usage_of(index),
            pod_ip: details
                .and_then(|details| details.ip.as_deref())
                .unwrap_or_default()
                .to_owned(),
            daemoned: (node.flags.has(Flags::DAEMONED) && !node.phase.is_fulfilled())
                .then_some(true),
            node_flag: self.node_flag(index),
            estimated_duration: self.estimate(Some(index)),
            task_result_synced: self.result_synced(index),
            failed_pod_restarts: i32::from(self.pod_restarts(index)),
            inputs: self.inputs_status(index),
            outputs: self.outputs_status(index),
            children: children.iter().map(id_of).collect(),
            host_node_name: details
                .and_then(|details| details.host.as_deref())
                .unwrap_or_default()
                .to_owned(),
            memoization_status: details
                .and_then(|details| details.memo.as_deref())
                .map(|memo| MemoizationStatus {
                    hit: memo.hit,
                    key: memo.key.to_string(),
                    cache_name: memo.cache.to_string(),
                }),
            synchronization_status: self.waiting_lock(index).map(|lock| {
                NodeSynchronizationStatus {
                    waiting: lock.to_string(),
                }
            }),
            ..NodeStatus::default()
        }
    }

    /// The reference by which a node's template was found, its tags filled in.
    fn shown_reference(&self, index: NodeIndex) -> Option<TemplateRef> {
        let reference = self.call_of(index)?.template_ref.clone()?;
        let tagged = reference.name.contains("{{") || reference.template.contains("{{");
        let found = self.template_of(index).filter(|_| tagged);
        let Some(template) = found else {
            return Some(reference);
        };
        let name = match &template.origin {
            Origin::Local => reference.name,
            Origin::Namespaced(name) | Origin::Cluster(name) => name.to_string(),
        };
        Some(TemplateRef {
            name,
            template: template.name.to_string(),
            ..reference
        })
    }

    /// Where the call of a node stands.
    fn scope_of(&self, index: NodeIndex) -> Origin {
        let around = match self.node(index).role {
            Role::StepGroup => self.node(index).parent,
            Role::Container => self.node(self.node(index).parent).boundary,
            _ => self.node(index).boundary,
        };
        around
            .some()
            .and_then(|around| self.template_of(around))
            .map_or(Origin::Local, |template| template.origin.clone())
    }

    fn inputs_status(&self, index: NodeIndex) -> Option<Inputs> {
        let template = self.template_of(index)?;
        let inputs = self.node(index).inputs.as_deref()?;
        let declared = &template.template.inputs;
        if declared.parameters.is_empty() && declared.artifacts.is_empty() {
            return None;
        }
        let mut parameters: Vec<Parameter> = declared
            .parameters
            .iter()
            .zip(&inputs.parameters)
            .map(|(declared, value)| Parameter {
                value: value.as_deref().map(AnyString::from),
                value_from: (declared.value_from.as_ref())
                    .and_then(|from| self.kept_source(index, &declared.name, from)),
                ..declared.clone()
            })
            .collect();
        if self.node(index).kind == NodeType::Suspend {
            parameters.iter_mut().for_each(show_choices);
        }
        Some(Inputs {
            parameters,
            artifacts: inputs.artifacts.to_vec(),
        })
    }

    /// The ConfigMap that an input was read from: it is shown unless an argument took its place.
    fn kept_source(&self, index: NodeIndex, name: &str, from: &ValueFrom) -> Option<ValueFrom> {
        from.config_map_key_ref.as_ref()?;
        let call = self.call_of(index)?;
        let role = match self.node(index).role {
            Role::Attempt => self.node(self.node(index).parent).role,
            role => role,
        };
        let takes_workflow_arguments = match role {
            Role::Root => true,
            Role::OnExit => call.parameters.is_empty() && call.artifacts.is_empty(),
            _ => false,
        };
        let of_call = call.parameters.iter().map(|given| &*given.name);
        let of_workflow = self.globals.parameters.keys().map(|name| &**name);
        let supplied = match takes_workflow_arguments {
            true => of_workflow.chain(of_call).any(|given| given == name),
            false => of_call.into_iter().any(|given| given == name),
        };
        if supplied {
            return None;
        }
        let planned = self.template_of(index)?;
        let filled = self.filled_part(index, &planned, from, "input source");
        Some(filled.unwrap_or_else(|_| from.clone()))
    }

    pub(super) fn outputs_status(&self, index: NodeIndex) -> Option<Outputs> {
        let outputs: &NodeOutputs = self.node(index).outputs.as_deref()?;
        let template = self.template_of(index)?;
        let declared = &template.template.outputs.parameters;
        let is_composite = matches!(template.kind, Some(kind) if matches!(kind,
            TemplateType::Steps | TemplateType::DAG));
        Some(Outputs {
            parameters: outputs
                .parameters
                .iter()
                .map(|output| {
                    let mut declared = declared
                        .iter()
                        .filter(|declared| *declared.name == *output.name);
                    let mut shown = declared
                        .next()
                        .map(|declared| self.filled_output(index, &template, declared))
                        .unwrap_or_default();
                    shown.name = output.name.to_string();
                    shown.value = output.value.as_deref().map(AnyString::from);
                    // Argo drops the source where the template around made the value.
                    if is_composite {
                        shown.value_from = None;
                    } else if self.node(index).kind == NodeType::Suspend {
                        self.show_supplied(index, &mut shown);
                    }
                    shown
                })
                .collect(),
            artifacts: outputs.artifacts.to_vec(),
            result: outputs.result.as_deref().map(str::to_owned),
            exit_code: outputs.exit_code.map(|code| code.to_string()),
        })
    }

    /// A declared output with the tags of its texts filled in, as the executor is given it.
    fn filled_output(
        &self,
        index: NodeIndex,
        template: &PlannedTemplate,
        declared: &Parameter,
    ) -> Parameter {
        let from = declared.value_from.as_ref();
        let texts = from.map(|from| [&from.path, &from.json_path, &from.jq_filter]);
        let has_tags = texts
            .into_iter()
            .flatten()
            .chain([&declared.global_name])
            .any(|text| text.contains("{{"));
        if !has_tags {
            return declared.clone();
        }
        self.filled_part(index, template, declared, "outputs")
            .unwrap_or_else(|_| declared.clone())
    }

    fn node_flag(&self, index: NodeIndex) -> Option<NodeFlag> {
        let node = self.node(index);
        // The nodes of a set's containers carry the flag of their pod.
        let flagged = match node.role {
            Role::Container => self.node(node.parent),
            _ => node,
        };
        let retried = flagged.role == Role::Attempt;
        let hooked = flagged.flags.has(Flags::HOOKED);
        // Argo's groups, and nodes of what is not run, carry an empty flag.
        let empty = matches!(node.kind, NodeType::StepGroup | NodeType::TaskGroup)
            || matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted);
        (retried || hooked || empty).then_some(NodeFlag { hooked, retried })
    }
}
