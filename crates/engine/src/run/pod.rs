//! Nodes that are pods: what is seen of the pod, and what that makes of the node.
//! Argo: `assessNodeStatus`, `podReconciliation`.

use std::sync::Arc;

use argosy_api::{MAIN_CONTAINER, NodePhase, NodeType, ShutdownStrategy};

use super::Run;
use super::body::{Body, Gate};
use super::node::{Flags, NodeOutputs, Role};
use super::pod_reason::{failed_reason, finished_at, main_exit_code, pending_reason};
use super::workflow::DEADLINE;
use crate::collection::PodEnd;
use crate::duration;
use crate::effect::Effect;
use crate::fact::{ContainerKind, PodPhase, PodSeen};
use crate::ids::{NodeIndex, PodKey, Seconds};
use crate::plan::PlannedTemplate;

/// Seconds that a container has between SIGTERM and SIGKILL. Argo: `terminationGracePeriodSeconds`.
const GRACE_SECONDS: u32 = 30;

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
        let shut_down = |strategy| format!("workflow shutdown with strategy: {strategy}");
        if self.ends_before_it_begins(index, shut_down) {
            return;
        }
        if let Some(at) = self.pending_until(index, planned) {
            self.due.insert((at, index));
        }
        self.make_container_nodes(index, planned);
        self.want_pod(index);
    }

    /// Ends a leaf that is made after the workflow was shut down, in the words that Argo has for its
    /// kind, or after its deadline.
    pub(super) fn ends_before_it_begins(
        &mut self,
        index: NodeIndex,
        shut_down: impl Fn(ShutdownStrategy) -> String,
    ) -> bool {
        if let Some(strategy) = self.status.shutdown.filter(|_| self.is_shut_down(index)) {
            self.end(index, NodePhase::Failed, Some(&shut_down(strategy)));
            return true;
        }
        let late = !self.node(index).flags.has(Flags::EXIT_HANDLER) && self.deadline_passed();
        if late {
            self.end(index, NodePhase::Failed, Some(DEADLINE));
        }
        late
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
        let context = self.eval_context(NodeIndex::NONE, 0, &["timeout"]);
        let text = super::passes::fill(&text, &variables, &context);
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
            self.collect_pod(index, PodEnd::Good);
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
    pub(super) fn node_of_present_pod(&self, key: PodKey) -> Option<NodeIndex> {
        self.node_of_pod(key)
            .filter(|&index| self.node(index).kind == NodeType::Pod)
    }

    /// A pod stands in this state.
    pub(super) fn pod_seen(&mut self, key: PodKey, seen: &PodSeen) {
        let over = is_over(seen);
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
        if !over && self.node(index).flags.has(Flags::POD_ENDED) {
            // Told late: a pod that was seen to end does not begin again.
            return;
        }
        let asked = self.note_asked(index, seen);
        if self.node(index).phase.is_fulfilled() {
            if over {
                self.collect_pod(index, seen.phase.into());
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
        self.follow_pod(index, seen);
        // Of a pod whose outputs have not come yet a restart must still be told.
        let node = self.node(index);
        if over && (node.phase.is_fulfilled() || !node.flags.has(Flags::POD_SUCCEEDED)) {
            self.effects.push(Effect::ForgetPod { pod: key });
        }
    }

    /// Notes whether the backend has a living pod of a node, and gives whether it was known to.
    fn note_asked(&mut self, index: NodeIndex, seen: &PodSeen) -> bool {
        let asked = self.node(index).flags.has(Flags::POD_ASKED);
        let flags = &mut self.nodes[index.offset()].flags;
        match (asked, is_over(seen)) {
            (false, false) => {
                // After a restart: the pod is there, so it need not be asked for again.
                flags.set(Flags::POD_ASKED);
                self.counts.asked_pods += 1;
                self.wanted_pods.remove(&index);
            }
            (true, true) => {
                flags.clear(Flags::POD_ASKED);
                self.counts.asked_pods -= 1;
            }
            (true, false) | (false, true) => {}
        }
        asked
    }

    /// What the state of its pod makes of a node that has not ended. Argo: `assessNodeStatus`.
    fn follow_pod(&mut self, index: NodeIndex, seen: &PodSeen) {
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
    }

    /// Whether a container of a node's pod carries its template out.
    pub(super) fn is_main(&self, index: NodeIndex, name: &str) -> bool {
        match self.template_of(index) {
            Some(planned) => planned.template.is_main_container(name),
            None => name == MAIN_CONTAINER,
        }
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
            self.collect_pod(index, seen.phase.into());
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

fn is_over(seen: &PodSeen) -> bool {
    matches!(seen.phase, PodPhase::Succeeded | PodPhase::Failed) || seen.deleted
}
