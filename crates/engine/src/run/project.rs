//! The run as Argo shows it: `status`. Made when asked for, never kept.
//! Argo: `addChildNode`, `getOutboundNodes`, `workflow/progress`, `util/resource`.

use std::collections::BTreeMap;

use argosy_api::{
    AnyString, ArtifactRepositoryRefStatus, Condition, Inputs, MemoizationStatus, NodeFlag,
    NodePhase, NodeStatus, NodeSynchronizationStatus, NodeType, Outputs, Parameter, Progress,
    Template, TemplateRef, ValueFrom, Workflow, WorkflowPhase, WorkflowSpec, WorkflowStatus,
};

use super::Run;
use super::body::{Body, StepState};
use super::node::{Flags, NodeOutputs, Role};
use super::suspend::show_choices;
use super::usage::{Sums, own_progress, tells_progress};
use crate::ids::NodeIndex;
use crate::plan::{Origin, PlannedTemplate};
use crate::timestamp;

impl Run {
    /// The workflow with its status, as Argo's clients read it.
    pub fn workflow(&self) -> Workflow {
        let mut workflow = self.definition.workflow.clone();
        workflow.status = self.workflow_status();
        self.show_metadata(&mut workflow);
        self.show_control(&mut workflow.spec);
        workflow
    }

    /// The workflow's `status`.
    pub fn workflow_status(&self) -> WorkflowStatus {
        let children = self.children();
        let sums = self.sums();
        let mut nodes = BTreeMap::new();
        let ids: Vec<String> = (0..self.nodes.len() as u32)
            .map(|place| self.node_id(NodeIndex(place)))
            .collect();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            nodes.insert(
                ids[index.offset()].clone(),
                self.node_status(index, &ids, &children, &sums),
            );
        }
        let outputs = &self.globals.outputs;
        let has_outputs = !outputs.parameters.is_empty() || !outputs.artifacts.is_empty();
        let shown_end = self.status.shown_end;
        WorkflowStatus {
            phase: shown_end.map(|(phase, _)| phase).or(self.status.phase),
            started_at: self.status.started_at.map(timestamp::kubernetes),
            finished_at: shown_end
                .map_or(self.status.finished_at, |(_, at)| at)
                .map(timestamp::kubernetes),
            progress: Progress {
                done: self.counts.progress.0,
                total: self.counts.progress.1,
            },
            message: self.status.message.to_string(),
            nodes,
            stored_templates: self.stored_templates(),
            outputs: has_outputs.then(|| Outputs {
                parameters: outputs.parameters.clone(),
                artifacts: outputs.artifacts.clone(),
                ..Outputs::default()
            }),
            conditions: self.conditions(),
            resources_duration: self.usage_of_all(),
            persistent_volume_claims: self.claim_volumes(),
            artifact_repository_ref: self.repository_status(),
            artifact_gc_status: self.artifact_gc_status(),
            task_results_completion_status: self.task_results(),
            estimated_duration: self.estimate(None),
            synchronization: self.synchronization_status(),
            stored_workflow_template_spec: self
                .definition
                .workflow
                .spec
                .workflow_template_ref
                .is_some()
                .then(|| {
                    let mut spec = self.plan.workflow.spec.clone();
                    self.show_control(&mut spec);
                    Box::new(spec)
                }),
            ..WorkflowStatus::default()
        }
    }

    /// The pod of a node, if it is one; the last one that was asked for.
    pub fn pod_key_at(&self, index: u32) -> Option<crate::ids::PodKey> {
        let node = self.nodes.get(index as usize)?;
        (node.kind == NodeType::Pod).then(|| self.pod_key(NodeIndex(index)))
    }

    /// The name of a node's pod.
    pub fn pod_name_at(&self, index: u32) -> String {
        self.pod_name(NodeIndex(index))
    }

    /// Leaves that are over, and all leaves.
    pub fn progress(&self) -> (u64, u64) {
        self.counts.progress
    }

    /// One node as Argo shows it, without its edges; an empty one if there is no such node.
    pub fn node_status_at(&self, index: u32) -> NodeStatus {
        let index = NodeIndex(index);
        if index.offset() >= self.nodes.len() {
            return NodeStatus::default();
        }
        self.node_status_with(index, &|index| self.node_id(index), &[])
    }

    fn conditions(&self) -> Vec<Condition> {
        let condition = |kind: &str, holds: bool| Condition {
            r#type: kind.to_owned(),
            status: if holds { "True" } else { "False" }.to_owned(),
            ..Condition::default()
        };
        let mut conditions = Vec::new();
        if self.status.looked_twice {
            let running = self
                .nodes
                .iter()
                .any(|node| node.kind == NodeType::Pod && node.phase == NodePhase::Running);
            conditions.push(condition("PodRunning", running));
        }
        if !self.status.metrics_error.is_empty() {
            conditions.push(Condition {
                message: self.status.metrics_error.clone(),
                ..condition("MetricsError", true)
            });
        }
        if self.status.phase.is_some_and(WorkflowPhase::is_completed) {
            conditions.push(condition("Completed", true));
        }
        conditions
    }

    /// Whether the workflow is suspended or being brought down, and what a retry has changed, where
    /// clients look for it. Argo: `overrideParameters`.
    fn show_control(&self, spec: &mut WorkflowSpec) {
        let changed = &self.globals.changed_parameters;
        if !changed.is_empty() {
            let given = changed.iter().map(|(name, value)| Parameter {
                name: name.to_string(),
                value: Some(AnyString::from(&**value)),
                ..Parameter::default()
            });
            let mut kept = std::mem::take(&mut spec.arguments.parameters);
            kept.retain(|parameter| !changed.contains_key(parameter.name.as_str()));
            spec.arguments.parameters = given.chain(kept).collect();
        }
        if self.status.started_at.is_some() || self.status.suspended {
            spec.suspend = self.status.suspended.then_some(true);
        }
        if self.status.shutdown.is_some() {
            spec.shutdown = self.status.shutdown;
        }
    }

    /// Where artifacts go, as `status` shows it.
    fn repository_status(&self) -> Option<ArtifactRepositoryRefStatus> {
        self.status.phase?;
        let own = self.definition.artifact_repository.clone();
        Some(own.unwrap_or_else(|| ArtifactRepositoryRefStatus {
            default: true,
            artifact_repository: Some(self.settings.config.artifact_repository.clone()),
            ..ArtifactRepositoryRefStatus::default()
        }))
    }

    /// Of which pods all results are in: `taskResultsCompletionStatus`. Only a workflow that an
    /// earlier version of Argo began has it; others say so of each node. Argo:
    /// `WorkflowStatus.MarkTaskResultComplete`.
    fn task_results(&self) -> BTreeMap<String, bool> {
        let mut results = (self.definition.workflow.status)
            .task_results_completion_status
            .clone();
        if results.is_empty() {
            return results;
        }
        for place in 0..self.nodes.len() as u32 {
            let node = self.node(NodeIndex(place));
            if node.kind == NodeType::Pod && node.flags.has(Flags::RESULT_COMPLETE) {
                results.insert(self.node_id(NodeIndex(place)), true);
            }
        }
        results
    }

    /// How long a node, or the workflow, took in an earlier run like this one.
    fn estimate(&self, index: Option<NodeIndex>) -> i64 {
        let Some(baseline) = &self.definition.baseline else {
            return 0;
        };
        match index {
            None if self.status.started_at.is_none() => 0,
            None => baseline.seconds,
            Some(index) => {
                let name = self.name(index);
                let rest = name.strip_prefix(self.definition.name()).unwrap_or(&name);
                baseline.nodes.get(rest).copied().unwrap_or(0)
            }
        }
    }

    /// Templates of other objects that the run has used, by Argo's key.
    fn stored_templates(&self) -> BTreeMap<String, Template> {
        let mut stored = BTreeMap::new();
        for template in &self.plan.templates {
            let scope = match &template.origin {
                Origin::Local => continue,
                Origin::Namespaced(name) => format!("namespaced/{name}"),
                Origin::Cluster(name) => format!("cluster/{name}"),
            };
            let used = self
                .nodes
                .iter()
                .any(|node| node.template == template.index);
            if used && !template.name.is_empty() {
                for (name, inline) in inline_templates(&template.template) {
                    stored
                        .entry(format!("{scope}/inline/{name}"))
                        .or_insert_with(|| inline.clone());
                }
                stored.insert(
                    format!("{scope}/{}", template.name),
                    (*template.template).clone(),
                );
            }
        }
        stored
    }

    fn node_status(
        &self,
        index: NodeIndex,
        ids: &[String],
        children: &[Vec<NodeIndex>],
        sums: &Sums,
    ) -> NodeStatus {
        let mut status = self.node_status_with(
            index,
            &|index| ids[index.offset()].clone(),
            &children[index.offset()],
        );
        let node = self.node(index);
        if !tells_progress(node.kind) {
            status.progress = sums.progress[index.offset()].clone();
            if node.phase.is_fulfilled() {
                status.resources_duration = sums.usage[index.offset()].clone();
            }
        }
        if node.phase.is_fulfilled() && matches!(node.kind, NodeType::Steps | NodeType::DAG) {
            let outbound = self.outbound(index);
            status.outbound_nodes = outbound.iter().map(|at| ids[at.offset()].clone()).collect();
        }
        status
    }

    fn node_status_with(
        &self,
        index: NodeIndex,
        id: &dyn Fn(NodeIndex) -> String,
        children: &[NodeIndex],
    ) -> NodeStatus {
        let node = self.node(index);
        let details = node.details.as_deref();
        let id_of = |index: &NodeIndex| id(*index);
        let call = self.call_of(index);
        NodeStatus {
            id: id(index),
            name: self.name(index),
            display_name: self.display_name(index),
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
            task_result_synced: (node.kind == NodeType::Pod).then_some(true),
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
            argosy_api::TemplateType::Steps | argosy_api::TemplateType::DAG));
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

    /// The edges of the graph that clients draw.
    pub(super) fn children(&self) -> Vec<Vec<NodeIndex>> {
        let mut children: Vec<Vec<NodeIndex>> = vec![Vec::new(); self.nodes.len()];
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            for above in self.drawn_below(index) {
                let list = &mut children[above.offset()];
                if list.last() != Some(&index) {
                    list.push(index);
                }
            }
        }
        children
    }

    /// The nodes below which a node is drawn.
    fn drawn_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let node = self.node(index);
        match node.role {
            Role::Root => Vec::new(),
            Role::OnExit | Role::Hook => match node.owner.some() {
                Some(owner) => vec![owner],
                None if node.role == Role::Hook => vec![NodeIndex::ROOT],
                None => Vec::new(),
            },
            Role::Container => match self.containers_before(index) {
                none if none.is_empty() => vec![node.parent],
                before => before,
            },
            Role::Attempt | Role::Step => vec![node.parent],
            Role::StepGroup => {
                let Body::Steps(body) = &self.node(node.parent).body else {
                    return vec![node.parent];
                };
                match node
                    .slot
                    .checked_sub(1)
                    .and_then(|before| body.groups.get(before as usize))
                {
                    None => vec![node.parent],
                    Some(&before) => {
                        let outbound = self.outbound(before);
                        if outbound.is_empty() {
                            vec![before]
                        } else {
                            outbound
                        }
                    }
                }
            }
            Role::Task => {
                if self.node(node.parent).kind == NodeType::TaskGroup {
                    return vec![node.parent];
                }
                let Body::Dag(body) = &self.node(node.parent).body else {
                    return vec![node.parent];
                };
                let template = self.template_of(node.parent);
                let dependencies = template
                    .as_deref()
                    .and_then(|template| template.dag())
                    .map_or(&[][..], |dag| &dag.tasks[node.slot as usize].dependencies);
                if dependencies.is_empty() {
                    return vec![node.parent];
                }
                dependencies
                    .iter()
                    .filter_map(|&dependency| body.tasks[dependency as usize].node.some())
                    .flat_map(|dependency| self.outbound(dependency))
                    .collect()
            }
        }
    }

    /// The leaves at the far end of a node. Argo: `getOutboundNodes`.
    fn outbound(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut found = Vec::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            let below = self.outbound_below(index);
            let is_end = !matches!(
                self.node(index).kind,
                NodeType::Steps | NodeType::DAG | NodeType::StepGroup
            );
            if below.is_empty() && (is_end || self.is_from_cache(index)) {
                // Several containers of a set may lead to the same last one.
                let seen = self.node(index).role == Role::Container && found.contains(&index);
                if !seen {
                    found.push(index);
                }
            }
            open.extend(below.into_iter().rev());
        }
        found
    }

    fn is_from_cache(&self, index: NodeIndex) -> bool {
        let details = self.node(index).details.as_deref();
        details
            .and_then(|details| details.memo.as_deref())
            .is_some_and(|memo| memo.hit)
    }

    fn outbound_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        match &self.node(index).body {
            Body::Gate(_) => Vec::new(),
            Body::None if self.container_nodes.is_empty() => Vec::new(),
            Body::None => self.containers_behind(index),
            Body::Steps(body) => body.groups.last().copied().into_iter().collect(),
            Body::Group(body) => {
                let mut nodes: Vec<NodeIndex> = body
                    .steps
                    .iter()
                    .flat_map(|step| match step {
                        StepState::Unmade => Vec::new(),
                        StepState::Single(node) => vec![*node],
                        StepState::Loop(state) => {
                            state.nodes.iter().filter_map(|node| node.some()).collect()
                        }
                    })
                    .collect();
                nodes.sort_unstable();
                nodes
            }
            Body::Loop(state) => state.nodes.iter().filter_map(|node| node.some()).collect(),
            Body::Retry(body) => body.attempts.last().copied().into_iter().collect(),
            Body::Dag(body) => {
                let template = self.template_of(index);
                let targets = template
                    .as_deref()
                    .and_then(|template| template.dag())
                    .map_or(&[][..], |dag| &dag.targets);
                targets
                    .iter()
                    .filter_map(|&target| body.tasks[target as usize].node.some())
                    .collect()
            }
        }
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

/// The templates that stand within a template's steps and tasks, by the names of these.
fn inline_templates(template: &Template) -> impl Iterator<Item = (&str, &Template)> {
    let steps = template.steps.iter().flat_map(|group| &group.0);
    let steps = steps.map(|step| (step.name.as_str(), step.inline.as_deref()));
    let tasks = template.dag.iter().flat_map(|dag| &dag.tasks);
    let tasks = tasks.map(|task| (task.name.as_str(), task.inline.as_deref()));
    steps
        .chain(tasks)
        .filter_map(|(name, inline)| Some((name, inline?)))
}
