//! What a `status` tells beyond the nodes' course: claims, labels, conditions, what pods have used.

use argosy_api::{NodeStatus, NodeType, Progress, WorkflowPhase, WorkflowStatus};
use std::sync::Arc;

use super::body::Body;
use super::node::{Flags, Node};
use super::shown::{Found, Place, Shown};
use super::usage::tells_progress;
use super::{Run, Undone};
use crate::ids::NodeIndex;

impl Run {
    /// What is shown of the workflow as a whole.
    pub(super) fn adopt_rest(&mut self, status: &WorkflowStatus) {
        let definition = self.definition.clone();
        let claims = status.persistent_volume_claims.iter();
        self.status.claims = claims.map(|volume| volume.name.clone()).collect();
        let plan = self.plan.clone();
        let metadata = plan.workflow.spec.workflow_metadata.as_ref();
        for key in metadata.iter().flat_map(|more| more.labels_from.keys()) {
            let labels = definition.workflow.metadata.labels.as_ref();
            if let Some(value) = labels.and_then(|labels| labels.get(key)) {
                self.add_label(key, value);
            }
        }
        let mut conditions = status.conditions.iter();
        self.status.looked_twice = status.conditions.iter().any(|c| c.r#type == "PodRunning");
        if let Some(fault) = conditions.find(|condition| condition.r#type == "MetricsError") {
            self.status.metrics_error.clone_from(&fault.message);
        }
    }

    /// Whether an end is shown as undone.
    pub(super) fn shown_undone(&self, status: &WorkflowStatus) -> Undone {
        let mut conditions = status.conditions.iter();
        let undone = conditions.any(|it| it.r#type == "Completed" && it.status == "False");
        if !undone {
            return Undone::Never;
        }
        let labels = self.definition.workflow.metadata.labels.as_ref();
        let label = labels.and_then(|labels| labels.get(argosy_api::labels::PHASE));
        match status.phase {
            Some(WorkflowPhase::Pending) if status.started_at.is_some() => Undone::Waiting,
            Some(_) => Undone::Seen,
            None => Undone::Unseen(label.and_then(|label| WorkflowPhase::parse(label))),
        }
    }

    /// The nodes of a pod's containers, all of them or none.
    pub(super) fn find_containers<'a>(
        &mut self,
        shown: &Shown<'a>,
        found: &mut Vec<Found<'a>>,
        at: usize,
    ) {
        let status = found[at].status;
        let template = found[at].template.clone();
        let set = template
            .as_ref()
            .and_then(|planned| planned.template.container_set.as_ref());
        let Some(set) = set else {
            return;
        };
        let nodes: Option<Vec<&'a NodeStatus>> = set
            .containers
            .iter()
            .map(|container| shown.named(&format!("{}.{}", status.name, container.name)))
            .collect();
        for (slot, node) in (0u32..).zip(nodes.into_iter().flatten()) {
            let place = Place::container(at, slot);
            let place = self.enter(found, node, place, None);
            // They were made together, and stand together.
            found[place].began = found[at].began;
        }
    }

    /// Makes the nodes of containers that were not shown yet.
    pub(super) fn make_missing_containers(&mut self) {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            let begun = node.kind == NodeType::Pod && !matches!(node.body, Body::Gate(_));
            if begun
                && !node.phase.is_fulfilled()
                && let Some(planned) = self.template_of(index)
            {
                self.make_container_nodes(index, &planned);
            }
        }
    }
}

/// What is shown of a node's pod.
pub(super) fn adopt_pod(node: &mut Node, status: &NodeStatus) {
    let Progress { done, total } = status.progress;
    if tells_progress(node.kind) && total > 0 && total != 1 {
        node.details_mut().progress = Some((done, total));
    }
    if node.kind == NodeType::Pod && !status.resources_duration.is_empty() {
        node.flags.set(Flags::POD_ENDED);
        if status
            .resources_duration
            .values()
            .any(|seconds| *seconds > 0)
        {
            let used = status.resources_duration.iter();
            let used = used.map(|(name, seconds)| (Arc::from(name.as_str()), *seconds));
            node.details_mut().used = Some(used.collect());
        }
    }
    if status.failed_pod_restarts > 0 {
        node.details_mut().restarts = u16::try_from(status.failed_pod_restarts).unwrap_or(u16::MAX);
    }
    // Whoever ran it has told its metrics.
    if node.is_fulfilled() {
        node.flags.set(Flags::METRICS_TOLD);
    }
}
