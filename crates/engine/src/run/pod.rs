//! Nodes that are pods: what is seen of the pod, and what that makes of the node.
//! Argo: `assessNodeStatus`, `inferFailedReason`, `podReconciliation`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::body::{Body, Gate};
use super::node::{Flags, NodeOutputs, OutputParameter, Role};
use super::workflow::DEADLINE;
use crate::duration;
use crate::effect::Effect;
use crate::fact::{ContainerKind, ContainerSeen, ContainerState, PodPhase, PodSeen, ResultSeen};
use crate::ids::{NodeIndex, PodKey, Seconds};
use crate::plan::PlannedTemplate;

/// Seconds that a container has between SIGTERM and SIGKILL. Argo: `terminationGracePeriodSeconds`.
const GRACE_SECONDS: u32 = 30;

/// The exit code of a command that the supervisor never let begin.
const SUPERVISOR_FAILED: i32 = 65;

/// Why a node fails that has waited for too long, and the group of a step that has.
pub(super) const TIMEOUT: &str = "timeout";

impl Run {
    /// Begins a node that is a pod: it waits until the backend has a slot.
    pub(super) fn begin_pod(&mut self, index: NodeIndex, planned: &Arc<PlannedTemplate>) {
        self.set_kind(index, NodeType::Pod, NodePhase::Pending);
        let wants_result = self.node(index).flags.has(Flags::WANTS_RESULT);
        if self.is_supervised(planned, wants_result) {
            self.change(index).flags.set(Flags::SUPERVISED);
        }
        if self.is_shut_down(index)
            && let Some(strategy) = self.status.shutdown
        {
            let message = format!("workflow shutdown with strategy: {strategy}");
            self.end(index, NodePhase::Failed, Some(&message));
            return;
        }
        if !self.node(index).flags.has(Flags::EXIT_HANDLER) && self.deadline_passed() {
            self.end(index, NodePhase::Failed, Some(DEADLINE));
            return;
        }
        if let Some(at) = self.pending_until(index, planned) {
            self.due.insert((at, index));
        }
        self.make_container_nodes(index, planned);
        self.want_pod(index);
    }

    pub(super) fn want_pod(&mut self, index: NodeIndex) {
        self.wanted_pods.insert(index);
    }

    /// Until when a pod may wait to begin: `timeout` and `pendingTimeout`.
    pub(super) fn pending_until(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Option<Seconds> {
        [&planned.template.timeout, &planned.template.pending_timeout]
            .into_iter()
            .filter(|text| !text.is_empty())
            .filter_map(|text| self.node_seconds(index, text).ok())
            .min()
            .map(|seconds| self.node(index).started_at().plus(seconds))
    }

    /// A duration of a template, with its tags filled in, in seconds.
    pub(super) fn node_seconds(&self, index: NodeIndex, text: &str) -> Result<i64, String> {
        let text = crate::plan::Text::parse(text).map_err(|error| error.to_string())?;
        let template = self.template_of(index);
        let mut variables = self.variables(index, template.as_deref(), None, &[]);
        variables.siblings = None;
        let context = self.eval_context("", 0, "timeout");
        let text = super::scope::fill(&text, &variables, &context);
        duration::parse_seconds(&text.map_err(|error| error.to_string())?)
    }

    /// A pod has waited as long as it may. Argo: `checkTemplateTimeouts`, `ErrTimeout`.
    pub(super) fn pod_timeout(&mut self, index: NodeIndex) {
        if self.node(index).phase != NodePhase::Pending {
            return;
        }
        self.stop_pod(index);
        self.end(index, NodePhase::Failed, Some(TIMEOUT));
        let node = self.node(index);
        match node.role {
            Role::Step => self.doom(node.parent, TIMEOUT),
            role @ (Role::Root | Role::OnExit) if node.owner == NodeIndex::NONE => {
                self.doom_workflow(role, TIMEOUT);
            }
            _ => {}
        }
    }

    /// Has a node's pod ended, if there is one.
    pub(super) fn stop_pod(&mut self, index: NodeIndex) {
        self.wanted_pods.remove(&index);
        let flags = self.node(index).flags;
        if flags.has(Flags::POD_SUCCEEDED) {
            // Only its outputs were waited for.
            self.collect_pod(index, true);
            let pod = self.pod_key(index);
            self.effects.push(Effect::ForgetPod { pod });
        } else if flags.has(Flags::POD_ASKED) {
            self.effects.push(Effect::StopPod {
                pod: self.pod_key(index),
                grace_seconds: GRACE_SECONDS,
            });
        }
    }

    /// The node whose present pod this is.
    fn node_of_present_pod(&self, key: PodKey) -> Option<NodeIndex> {
        self.node_of_pod(key)
            .filter(|&index| self.node(index).kind == NodeType::Pod)
    }

    /// A pod stands in this state.
    pub(super) fn pod_seen(&mut self, key: PodKey, seen: &PodSeen) {
        let over = matches!(seen.phase, PodPhase::Succeeded | PodPhase::Failed) || seen.deleted;
        let Some(index) = self.node_of_present_pod(key) else {
            self.effects.push(if over {
                Effect::ForgetPod { pod: key }
            } else {
                Effect::StopPod {
                    pod: key,
                    grace_seconds: GRACE_SECONDS,
                }
            });
            return;
        };
        self.pod_exists(index);
        let asked = self.node(index).flags.has(Flags::POD_ASKED);
        if !over && self.node(index).flags.has(Flags::POD_ENDED) {
            // Told late: a pod that was seen to end does not begin again.
            return;
        }
        match (asked, over) {
            (false, false) => {
                // After a restart: the pod is there, so it need not be asked for again.
                self.nodes[index.offset()].flags.set(Flags::POD_ASKED);
                self.counts.asked_pods += 1;
                self.wanted_pods.remove(&index);
            }
            (true, true) => {
                self.nodes[index.offset()].flags.clear(Flags::POD_ASKED);
                self.counts.asked_pods -= 1;
            }
            (true, false) | (false, true) => {}
        }
        if over && self.node(index).phase.is_fulfilled() {
            self.collect_pod(index, seen.phase == PodPhase::Succeeded);
        }
        if self.node(index).phase.is_fulfilled() {
            if over {
                self.effects.push(Effect::ForgetPod { pod: key });
            } else if !asked {
                // A node that was ended while its pod lived on.
                self.effects.push(Effect::StopPod {
                    pod: key,
                    grace_seconds: GRACE_SECONDS,
                });
            }
            return;
        }
        self.note_details(index, seen);
        if self.restart_pod(index, seen) {
            self.effects.push(Effect::ForgetPod { pod: key });
            return;
        }
        if !seen.deleted {
            self.containers_seen(index, seen);
        }
        match seen.phase {
            _ if seen.deleted => self.pod_vanished(index),
            PodPhase::Pending if self.node(index).phase == NodePhase::Pending => {
                let reason = pending_reason(seen);
                // Why there is another pod stays to be read until that one says something.
                if reason.is_some() || self.pod_restarts(index) == 0 {
                    self.set_message(index, reason.as_deref());
                }
            }
            PodPhase::Pending => {}
            PodPhase::Unknown => {
                let pod = self.pod_name(index);
                let word = seen.reason.as_deref().unwrap_or_default();
                self.stop_pod(index);
                let message = format!("Unexpected pod phase for {pod}: {word}");
                self.end(index, NodePhase::Error, Some(&message));
            }
            PodPhase::Running => self.pod_runs(index, seen),
            PodPhase::Succeeded => self.pod_succeeded(index, seen),
            PodPhase::Failed => {
                let namespace = self.definition.namespace();
                let pod = format!("{} namespace {namespace}", self.pod_name(index));
                let is_main = |name: &str| self.is_main(index, name);
                let (phase, message) = failed_reason(seen, &pod, &is_main);
                self.note_exit_code(index, seen);
                self.end_pod(index, seen, phase, &message);
            }
        }
        // Of a pod whose outputs have not come yet a restart must still be told.
        let node = self.node(index);
        if over && (node.phase.is_fulfilled() || !node.flags.has(Flags::POD_SUCCEEDED)) {
            self.effects.push(Effect::ForgetPod { pod: key });
        }
    }

    pub(super) fn is_main(&self, index: NodeIndex, name: &str) -> bool {
        name == "main"
            || self.template_of(index).is_some_and(|template| {
                template.template.container_set.as_ref().is_some_and(|set| {
                    set.containers
                        .iter()
                        .any(|container| container.name == name)
                })
            })
    }

    fn note_details(&mut self, index: NodeIndex, seen: &PodSeen) {
        let known = self.node(index).details.as_ref();
        let host_known = known.is_some_and(|details| details.host == seen.host_node_name);
        if let (Some(host), false) = (&seen.host_node_name, host_known) {
            self.change(index).details_mut().host = Some(host.clone());
        }
    }

    fn note_exit_code(&mut self, index: NodeIndex, seen: &PodSeen) {
        let Some(code) = main_exit_code(seen) else {
            return;
        };
        let outputs = match &self.node(index).outputs {
            None if code == 0 => self.exit_zero.clone(),
            None => Arc::new(NodeOutputs {
                exit_code: Some(code),
                ..NodeOutputs::default()
            }),
            Some(outputs) => Arc::new(NodeOutputs {
                exit_code: Some(code),
                ..(**outputs).clone()
            }),
        };
        self.change(index).outputs = Some(outputs);
    }

    fn pod_runs(&mut self, index: NodeIndex, seen: &PodSeen) {
        let daemon = self
            .template_of(index)
            .is_some_and(|template| template.is_daemon());
        if daemon {
            let ready = seen
                .containers
                .iter()
                .filter(|container| container.kind == ContainerKind::Regular)
                .all(|container| container.ready);
            if !ready || self.node(index).flags.has(Flags::DAEMONED) {
                return;
            }
            let node = self.change(index);
            node.flags.set(Flags::DAEMONED);
            node.details_mut().ip = seen.ip.clone();
            let boundary = node.boundary;
            self.register_daemon(boundary, index);
            // A daemon that is up counts as ended, for its locks too.
            if self.node(index).flags.has(Flags::HOLDS_LOCKS) {
                self.release_locks(index);
            }
        }
        if self.node(index).phase == NodePhase::Pending {
            self.set_message(index, None);
            self.set_phase(index, NodePhase::Running);
            self.phase_changed(index);
        }
    }

    fn pod_succeeded(&mut self, index: NodeIndex, seen: &PodSeen) {
        if self.node(index).flags.has(Flags::POD_SUCCEEDED) {
            // Told again; the result is what is waited for.
            return;
        }
        self.note_exit_code(index, seen);
        let flags = self.node(index).flags;
        let daemon = self
            .template_of(index)
            .is_some_and(|template| template.is_daemon());
        if daemon {
            // A daemon serves until it is ended: one that ends by itself has failed.
            self.end_pod(index, seen, NodePhase::Failed, "");
            return;
        }
        if flags.has(Flags::SUPERVISED) && !flags.has(Flags::RESULT_COMPLETE) {
            // The executor has yet to say what the step put out.
            self.note_usage(index, seen);
            self.change(index).flags.set(Flags::POD_SUCCEEDED);
            if self.node(index).phase == NodePhase::Pending {
                self.set_phase(index, NodePhase::Running);
                self.phase_changed(index);
            }
            return;
        }
        self.end_pod(index, seen, NodePhase::Succeeded, "");
    }

    fn end_pod(&mut self, index: NodeIndex, seen: &PodSeen, phase: NodePhase, message: &str) {
        self.note_usage(index, seen);
        let outputs = self.node(index).outputs.clone();
        if let Some(outputs) = outputs {
            self.export_outputs(index, &outputs);
        }
        let message = (!message.is_empty()).then_some(message);
        if message.is_none() && self.node(index).message.is_some() {
            self.set_message(index, None);
        }
        self.end(index, phase, message);
        if !seen.deleted {
            self.collect_pod(index, seen.phase == PodPhase::Succeeded);
        }
        if let Some(finished) = finished_at(seen) {
            let started = self.node(index).started_at();
            self.change(index)
                .set_finished_at(Some(finished.max(started)));
        }
    }

    /// A pod is gone although its node has not ended.
    fn pod_vanished(&mut self, index: NodeIndex) {
        if self.node(index).flags.has(Flags::POD_ASKED) {
            self.nodes[index.offset()].flags.clear(Flags::POD_ASKED);
            self.counts.asked_pods -= 1;
        }
        if self.node(index).phase == NodePhase::Pending {
            // It had not begun, so it can be asked for again. The next one may wait for nothing.
            self.set_message(index, None);
            let node = self.change(index);
            node.incarnation += 1;
            node.flags.clear(Flags::POD_ENDED);
            self.want_pod(index);
            return;
        }
        self.containers_deleted(index);
        self.end(index, NodePhase::Error, Some("pod deleted"));
    }

    /// The executor of a pod reports.
    pub(super) fn result_seen(&mut self, key: PodKey, seen: &ResultSeen) {
        let Some(index) = self.node_of_present_pod(key) else {
            return;
        };
        if self.node(index).phase.is_fulfilled() {
            self.late_result_seen(index, seen);
            return;
        }
        if let Some(progress) = seen.progress {
            self.count(index, false);
            self.change(index).details_mut().progress = Some(progress);
            self.count(index, true);
        }
        if !seen.parameters.is_empty() || !seen.artifacts.is_empty() || seen.result.is_some() {
            self.add_outputs(index, seen);
        }
        if let Some(error) = &seen.error {
            self.set_message(index, Some(error));
        }
        if !seen.complete {
            return;
        }
        self.change(index).flags.set(Flags::RESULT_COMPLETE);
        if self.node(index).flags.has(Flags::POD_SUCCEEDED) {
            let outputs = self.node(index).outputs.clone();
            if let Some(outputs) = outputs {
                self.export_outputs(index, &outputs);
            }
            let phase = match seen.error {
                Some(_) => NodePhase::Error,
                None => NodePhase::Succeeded,
            };
            self.end(index, phase, None);
            self.collect_pod(index, true);
            self.effects.push(Effect::ForgetPod { pod: key });
        }
    }

    /// The executor of a pod that has failed reports after its end was seen: what it put out is
    /// shown, for as long as the workflow goes on. Argo: `taskResultReconciliation`.
    fn late_result_seen(&mut self, index: NodeIndex, seen: &ResultSeen) {
        let node = self.node(index);
        let failed = node.phase.is_failed_or_error() && node.flags.has(Flags::POD_ENDED);
        let over = self.status.phase.is_none_or(|phase| phase.is_completed());
        let nothing =
            seen.parameters.is_empty() && seen.artifacts.is_empty() && seen.result.is_none();
        let complete = node.flags.has(Flags::RESULT_COMPLETE);
        if !failed || over || nothing || complete {
            return;
        }
        self.add_outputs(index, seen);
        if seen.complete {
            self.change(index).flags.set(Flags::RESULT_COMPLETE);
        }
    }

    fn add_outputs(&mut self, index: NodeIndex, seen: &ResultSeen) {
        let mut outputs = self
            .node(index)
            .outputs
            .as_deref()
            .cloned()
            .unwrap_or_default();
        if !seen.parameters.is_empty() {
            let template = self.template_of(index);
            let declared = template
                .as_ref()
                .map(|template| &template.template.outputs.parameters);
            let mut parameters = Vec::with_capacity(seen.parameters.len());
            for (name, value) in &seen.parameters {
                debug_assert!(declared.is_some());
                parameters.push(OutputParameter {
                    name: self.shared_name(name),
                    value: Some(Arc::from(&**value)),
                });
            }
            outputs.parameters = parameters.into();
        }
        if !seen.artifacts.is_empty() {
            outputs.artifacts = seen.artifacts.clone().into();
        }
        if let Some(result) = &seen.result {
            outputs.result = Some(Arc::from(&**result));
        }
        self.change(index).outputs = Some(Arc::new(outputs));
    }

    /// One string for a name that many nodes have.
    pub(super) fn shared_name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.shared_names.get(name) {
            return known.clone();
        }
        let shared: Arc<str> = Arc::from(name);
        self.shared_names.insert(shared.clone());
        shared
    }

    /// A node that was taken up as one that waits for its place has it: its pod is there.
    fn pod_exists(&mut self, index: NodeIndex) {
        if matches!(self.node(index).body, Body::Gate(Gate::Place)) {
            self.leave_gate(index);
            if let Some(planned) = self.template_of(index) {
                self.make_container_nodes(index, &planned);
            }
        }
    }

    /// These are all pods that there are. Pods that should be there and are not were deleted, or
    /// never made.
    pub(super) fn inventory(&mut self, pods: &[PodKey]) {
        let known: std::collections::BTreeSet<PodKey> = pods.iter().copied().collect();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let known = known.contains(&self.pod_key(index));
            if known {
                self.pod_exists(index);
            }
            let node = self.node(index);
            let (asked, over) = (node.flags.has(Flags::POD_ASKED), node.phase.is_fulfilled());
            if asked && over && !known {
                self.nodes[index.offset()].flags.clear(Flags::POD_ASKED);
                self.counts.asked_pods -= 1;
                continue;
            }
            let waits = matches!(node.body, Body::Gate(_));
            let alive = node.kind == NodeType::Pod && !node.phase.is_fulfilled() && !waits;
            if !alive || known || self.wanted_pods.contains(&index) {
                continue;
            }
            match node.phase {
                NodePhase::Pending if !asked => self.want_pod(index),
                _ => self.pod_vanished(index),
            }
        }
        self.bring_down_what_runs();
    }
}

/// Why a pod waits: what its containers say, else what the pod does (that no machine has room for
/// it). Argo: `getPendingReason`.
fn pending_reason(seen: &PodSeen) -> Option<String> {
    let regular = seen
        .containers
        .iter()
        .filter(|container| container.kind == ContainerKind::Regular);
    let waits = regular
        .into_iter()
        .find_map(|container| match &container.state {
            ContainerState::Waiting { reason, message } => Some((&**reason, &**message)),
            ContainerState::Running { .. } | ContainerState::Terminated { .. } => None,
        });
    let pod = || {
        let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
        (text(&seen.reason), text(&seen.message))
    };
    let (reason, message) = waits.map_or_else(pod, |(reason, message)| {
        (reason.to_owned(), message.to_owned())
    });
    match (reason.is_empty(), message.is_empty()) {
        (true, true) => None,
        (false, true) => Some(reason),
        (true, false) => Some(message),
        (false, false) => Some(format!("{reason}: {message}")),
    }
}

fn main_exit_code(seen: &PodSeen) -> Option<i32> {
    seen.containers
        .iter()
        .find_map(|container| match container.state {
            ContainerState::Terminated { exit_code, .. } if &*container.name == "main" => {
                Some(exit_code)
            }
            _ => None,
        })
}

fn finished_at(seen: &PodSeen) -> Option<Seconds> {
    seen.containers
        .iter()
        .filter_map(|container| match container.state {
            ContainerState::Terminated { finished_at, .. } => Some(finished_at),
            ContainerState::Waiting { .. } | ContainerState::Running { .. } => None,
        })
        .max()
}

/// The phase and message of a node whose pod failed. Argo: `inferFailedReason`.
fn failed_reason(seen: &PodSeen, pod: &str, is_main: &dyn Fn(&str) -> bool) -> (NodePhase, String) {
    if let Some(message) = seen
        .message
        .as_deref()
        .filter(|message| !message.is_empty())
    {
        return (NodePhase::Failed, message.to_owned());
    }
    let mut containers: Vec<&ContainerSeen> = seen.containers.iter().collect();
    if containers.is_empty() {
        return (
            NodePhase::Failed,
            format!("can't find failed message for pod {pod}"),
        );
    }
    // The supervisor failed before it let the command begin: what main says of it is a placeholder.
    let never_let = containers.iter().any(|container| {
        let code = match container.state {
            ContainerState::Terminated { exit_code, .. } => exit_code,
            ContainerState::Waiting { .. } | ContainerState::Running { .. } => 0,
        };
        is_main(&container.name) && code == SUPERVISOR_FAILED
    });
    containers.sort_by_key(|container| match (container.kind, &*container.name) {
        (ContainerKind::Init, _) => 0,
        (ContainerKind::Regular, "supervisor") if never_let => 0,
        (ContainerKind::Regular, name) if is_main(name) => 1,
        (ContainerKind::Regular, "wait" | "supervisor") => 2,
        (ContainerKind::Regular, _) => 3,
    });
    let (mut main_ok, mut wait_ok) = (false, false);
    for container in containers {
        let name = &*container.name;
        match &container.state {
            ContainerState::Waiting { reason, message } => {
                return (
                    NodePhase::Error,
                    format!("Pod failed before {name} container starts due to {reason}: {message}"),
                );
            }
            ContainerState::Running { .. } => {}
            ContainerState::Terminated { exit_code: 0, .. } => {
                main_ok |= is_main(name);
                wait_ok |= matches!(name, "wait" | "supervisor");
            }
            ContainerState::Terminated {
                exit_code,
                reason,
                message,
                ..
            } => {
                let mut text = format!("{name}: {reason} (exit code {exit_code})");
                if !message.is_empty() {
                    text.push_str(": ");
                    text.push_str(message);
                }
                match (container.kind, name) {
                    (ContainerKind::Init, "init") => return (NodePhase::Error, text),
                    (_, "wait" | "supervisor") => return (NodePhase::Error, text),
                    (_, name) if is_main(name) => return (NodePhase::Failed, text),
                    _ if !matches!(exit_code, 137 | 143) => return (NodePhase::Failed, text),
                    _ => {}
                }
            }
        }
    }
    match (main_ok, wait_ok) {
        (true, true) => (NodePhase::Succeeded, String::new()),
        (true, false) => (
            NodePhase::Failed,
            "pod failed: wait container did not complete successfully".to_owned(),
        ),
        (false, true) => (
            NodePhase::Failed,
            "pod failed: main container did not complete successfully".to_owned(),
        ),
        (false, false) => (
            NodePhase::Failed,
            "pod failed: neither main nor wait container completed successfully".to_owned(),
        ),
    }
}
