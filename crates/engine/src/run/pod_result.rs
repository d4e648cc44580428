//! What the executor of a pod reports: outputs and progress. Argo: `taskResultReconciliation`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::node::{Flags, OutputParameter, Role};
use crate::collection::PodEnd;
use crate::effect::Effect;
use crate::fact::ResultSeen;
use crate::ids::{NodeIndex, PodKey};

impl Run {
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
            self.recount(index, |node| node.details_mut().progress = Some(progress));
        }
        if !seen.parameters.is_empty() || !seen.artifacts.is_empty() || seen.result.is_some() {
            self.add_outputs(index, seen);
        }
        if let Some(error) = &seen.error {
            self.set_message(index, Some(error));
        }
        if !seen.complete {
            if !self.node(index).flags.has(Flags::RESULT_COMPLETE) {
                self.change(index).flags.set(Flags::RESULT_AWAITED);
            }
            return;
        }
        self.result_complete(index);
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
            self.collect_pod(index, PodEnd::Good);
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
            self.result_complete(index);
        }
    }

    fn result_complete(&mut self, index: NodeIndex) {
        let flags = &mut self.change(index).flags;
        flags.set(Flags::RESULT_COMPLETE);
        flags.clear(Flags::RESULT_AWAITED);
    }

    /// `taskResultSynced`: whether all that the executor of a pod reports is in, as far as something
    /// has come. Daemons are not waited for. Argo: `initializeNode`, `MarkTaskResultIncomplete`.
    pub(super) fn result_synced(&self, index: NodeIndex) -> Option<bool> {
        let node = self.node(index);
        if node.kind != NodeType::Pod {
            return None;
        }
        let planned = self.template_of(index);
        let template = planned.as_deref().map(|planned| &planned.template);
        // What waits for a lock, or was looked up in a cache, gets its node before it is known for one.
        let is_daemon = template.is_some_and(|template| {
            template.daemon == Some(true)
                && template.container.is_some()
                && (node.role == Role::Attempt
                    || (template.synchronization.is_none() && template.memoize.is_none()))
        });
        let awaited = node.flags.has(Flags::RESULT_AWAITED) && !node.phase.is_fulfilled();
        (!is_daemon).then_some(!awaited || self.tells_results())
    }

    /// Whether the workflow says of each of its pods in one place whether its result is in, as those
    /// do that an earlier version of Argo began.
    pub(super) fn tells_results(&self) -> bool {
        let shown = &self.definition.workflow.status;
        !shown.task_results_completion_status.is_empty()
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
}
