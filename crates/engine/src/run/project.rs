//! The run as Argo shows it: `status`. Made when asked for, never kept.
//! Argo: `WorkflowStatus`, `overrideParameters`.

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{
    AnyString, ArtifactRepositoryRefStatus, Condition, NodePhase, NodeStatus, NodeType, Outputs,
    Parameter, Progress, Template, Workflow, WorkflowPhase, WorkflowSpec, WorkflowStatus,
};

use super::node::Flags;
use super::node_status::Edges;
use super::{Run, Undone};
use crate::ids::NodeIndex;
use crate::plan::{Origin, TemplateIndex};
use crate::timestamp;

impl Run {
    /// The workflow with its status, as Argo's clients read it.
    pub fn workflow(&self) -> Workflow {
        self.workflow_with(&|_| true)
    }

    /// The same with the nodes for which this holds, and no others in their edges.
    pub fn workflow_with(&self, is_shown: &dyn Fn(u32) -> bool) -> Workflow {
        let mut workflow = self.definition.workflow.clone();
        workflow.status = self.status_with(is_shown);
        self.show_metadata(&mut workflow);
        self.show_control(&mut workflow.spec);
        workflow
    }

    /// The workflow's `status`.
    pub fn workflow_status(&self) -> WorkflowStatus {
        self.status_with(&|_| true)
    }

    fn status_with(&self, is_shown: &dyn Fn(u32) -> bool) -> WorkflowStatus {
        let edges = Edges {
            children: self.children(),
            sums: self.sums(),
            names: self.names(is_shown),
            is_shown,
        };
        let shown = self.all_nodes().filter(|index| is_shown(index.0));
        let nodes = shown.map(|index| {
            let status = self.node_status(index, &edges);
            (status.id.clone(), status)
        });
        let mut nodes: BTreeMap<String, NodeStatus> = nodes.collect();
        self.show_strangers(&mut nodes);
        let outputs = &self.globals.outputs;
        let has_outputs = !outputs.parameters.is_empty() || !outputs.artifacts.is_empty();
        let shown_end = self.status.shown_end;
        WorkflowStatus {
            phase: self.shown_phase(),
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

    /// The phase as it is shown.
    fn shown_phase(&self) -> Option<WorkflowPhase> {
        match (self.status.undone, self.status.shown_end) {
            (Undone::Unseen(_), _) => None,
            (_, Some((phase, _))) => Some(phase),
            (_, None) => self.own_phase(),
        }
    }

    /// The phase, whatever was shown when the run was taken up.
    pub(super) fn own_phase(&self) -> Option<WorkflowPhase> {
        match (self.status.undone, self.status.phase) {
            (Undone::Waiting, Some(WorkflowPhase::Running)) => Some(WorkflowPhase::Pending),
            (_, phase) => phase,
        }
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
        } else if self.status.undone != Undone::Never {
            conditions.push(condition("Completed", false));
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
        if spec.active_deadline_seconds == Some(0) && self.zero_deadline_is_gone() {
            spec.active_deadline_seconds = None;
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
            let complete = node.flags.has(Flags::RESULT_COMPLETE);
            let told = complete || node.flags.has(Flags::RESULT_AWAITED);
            if node.kind == NodeType::Pod && told {
                results.insert(self.node_id(NodeIndex(place)), complete);
            }
        }
        results
    }

    /// How long a node, or the workflow, took in an earlier run like this one.
    pub(super) fn estimate(&self, index: Option<NodeIndex>) -> i64 {
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
        let used: BTreeSet<TemplateIndex> = self.nodes.iter().map(|node| node.template).collect();
        for template in &self.plan.templates {
            let scope = match &template.origin {
                Origin::Local => continue,
                Origin::Namespaced(name) => format!("namespaced/{name}"),
                Origin::Cluster(name) => format!("cluster/{name}"),
            };
            if used.contains(&template.index) && !template.name.is_empty() {
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
