//! The workflow as a whole: its beginning, its exit handler, its end. Argo: `operate`.

use std::sync::Arc;

use argosy_api::{NodePhase, ShutdownStrategy, WorkflowPhase};
use serde::Serialize;

use super::commands::stopped;
use super::node::{Flags, NO_ITEM, Role};
use super::start::{Begun, Place};
use super::{Run, Undone};
use crate::commit::RunSummary;
use crate::go_json;
use crate::ids::{NodeIndex, Seconds};
use crate::plan::{ArgumentPlan, CallPlan, Text};
use crate::timestamp;

/// What Argo says of a node that the workflow's deadline has ended.
pub(super) const DEADLINE: &str = "Step exceeded its deadline";

/// One entry of `workflow.failures`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure<'a> {
    display_name: String,
    message: &'a str,
    template_name: &'a str,
    phase: &'a str,
    pod_name: String,
    finished_at: Option<String>,
}

impl Run {
    /// The workflow begins, or asks for its locks first.
    pub(super) fn begin(&mut self) {
        if !self.awaits_start() {
            return;
        }
        self.status_changed = true;
        if let Some((phase, message)) = self.plan.refusal.clone() {
            self.end_workflow(phase, &message);
            return;
        }
        if let Some(fault) = self.globals.fault.clone() {
            self.end_workflow(
                WorkflowPhase::Failed,
                &format!("failed to set global parameters: {fault}"),
            );
            return;
        }
        if let Err(error) = self.evaluate_labels() {
            self.end_workflow(WorkflowPhase::Error, &error);
            return;
        }
        if !self.ask_for_workflow_locks() {
            self.start_running();
        }
    }

    /// Whether the workflow has not begun: nobody said so yet, or it waits for its locks or for
    /// the controller's `parallelism`.
    pub fn awaits_start(&self) -> bool {
        match self.status.phase {
            None => true,
            Some(phase) => phase == WorkflowPhase::Pending && self.status.started_at.is_none(),
        }
    }

    /// Whether nothing is begun or ended for now: the workflow is suspended, or has not begun, or, once
    /// a retry has opened it again, waits for its locks.
    pub(super) fn is_held_up(&self) -> bool {
        self.status.suspended || self.awaits_start() || self.awaits_own_locks()
    }

    /// The controller holds the workflow back.
    pub(super) fn postponed(&mut self, reason: &str) {
        if self.status.phase.is_none() {
            self.status.phase = Some(WorkflowPhase::Pending);
            self.status.message = Arc::from(reason);
            self.status_changed = true;
        }
    }

    pub(super) fn start_running(&mut self) {
        self.status.phase = Some(WorkflowPhase::Running);
        self.status.message = Arc::from("");
        self.status.started_at = Some(self.now);
        self.has_begun = true;
        self.tell_workflow_phase(WorkflowPhase::Running, "");
        self.make_budget();
        self.tell_workflow_metrics();
        let spec = &self.plan.workflow.spec;
        self.status.suspended |= spec.suspend == Some(true) && self.status.shutdown.is_none();
        self.status.shutdown = self.status.shutdown.or(spec.shutdown);
        self.status_changed = true;
        if let Some(deadline) = self.deadline() {
            self.due.insert((deadline, NodeIndex::NONE));
        }
        // A resubmitted workflow has nodes before it begins.
        self.mark_all_dirty();
    }

    /// Begins a workflow anew whose end is undone, once it has its own locks. Argo: `operate`, for a
    /// workflow without a phase.
    pub(super) fn go_on_undone(&mut self) {
        let known = self.status.undone;
        let next = match known {
            Undone::Never | Undone::Seen => return,
            Undone::Unseen(None) if self.status.phase.is_none() => return,
            Undone::Unseen(None) => Undone::Seen,
            Undone::Unseen(Some(_)) | Undone::Waiting if self.awaits_own_locks() => Undone::Waiting,
            Undone::Unseen(Some(_)) | Undone::Waiting => Undone::Seen,
        };
        if next == known {
            return;
        }
        if next == Undone::Seen
            && self.status.phase == Some(WorkflowPhase::Running)
            && known != Undone::Unseen(None)
        {
            self.tell_workflow_phase(WorkflowPhase::Running, "");
            self.make_budget();
        }
        self.status.undone = next;
        self.status_changed = true;
    }

    /// A workflow that has not begun is terminated: one that waits for its lock ends at once, one
    /// that the controller holds back is let through to its end. Argo:
    /// `releaseLocksForPendingShuttingdownWfs`, `processNextItem`.
    pub(super) fn terminate_before_start(&mut self) {
        if self.plan.workflow.spec.synchronization.is_some() {
            let message = stopped(ShutdownStrategy::Terminate);
            // A resubmitted workflow has nodes before it begins.
            for index in self.all_nodes() {
                self.end(index, NodePhase::Failed, Some(&message));
            }
            self.end_workflow(WorkflowPhase::Failed, &message);
        } else {
            self.start_running();
        }
    }

    fn begin_root(&mut self) {
        let place = Place {
            role: Role::Root,
            parent: NodeIndex::NONE,
            boundary: NodeIndex::NONE,
            owner: NodeIndex::NONE,
            slot: 0,
            item: NO_ITEM,
            around: NodeIndex::NONE,
            flags: Flags::default(),
        };
        let call = self.with_workflow_arguments(&self.plan.entrypoint);
        match self.begin_call(&call, place, None, &[]) {
            Begun::Held(_) | Begun::Made(_) => {}
            Begun::Refused(_, error) => {
                self.doom_workflow(Role::Root, &error);
            }
        }
    }

    /// A call that is given the workflow's own arguments.
    pub(super) fn with_workflow_arguments(&self, call: &CallPlan) -> Arc<CallPlan> {
        let mut call = call.clone();
        for (name, value) in &self.globals.parameters {
            call.parameters.push(ArgumentPlan {
                name: name.clone(),
                value: Some(Text::Literal(value.clone())),
                value_from: None,
            });
        }
        call.artifacts = self.plan.workflow.spec.arguments.artifacts.clone();
        call.artifacts_tagged = true;
        Arc::new(call)
    }

    /// The call of an exit handler: one without arguments is given those of the workflow.
    /// Argo: `GetExitHook`.
    pub(super) fn exit_call(&self, call: &Arc<CallPlan>) -> Arc<CallPlan> {
        if call.parameters.is_empty() && call.artifacts.is_empty() {
            return self.with_workflow_arguments(call);
        }
        call.clone()
    }

    /// When the workflow's time is over.
    pub(super) fn deadline(&self) -> Option<Seconds> {
        let seconds = self.plan.workflow.spec.active_deadline_seconds?;
        if seconds == 0 && self.zero_deadline_is_gone() {
            return None;
        }
        Some(self.status.started_at?.plus(seconds))
    }

    /// Whether a deadline of no seconds, which once terminated workflows, is taken away: a retry
    /// does so. Argo: `createNewRetryWorkflow`.
    pub(super) fn zero_deadline_is_gone(&self) -> bool {
        self.status.undone != Undone::Never
    }

    pub(super) fn deadline_passed(&self) -> bool {
        self.deadline().is_some_and(|deadline| self.now >= deadline)
    }

    /// Whether a node may do nothing new because the workflow is being brought down.
    pub(super) fn is_shut_down(&self, index: NodeIndex) -> bool {
        match self.status.shutdown {
            None => false,
            Some(ShutdownStrategy::Terminate) => true,
            Some(ShutdownStrategy::Stop) => !self.node(index).flags.has(Flags::EXIT_HANDLER),
        }
    }

    /// Does what is due by now.
    pub(super) fn reach_due_times(&mut self) {
        if !self.is_held_up() {
            for index in std::mem::take(&mut self.overdue) {
                self.node_due(index);
            }
        }
        while let Some(&(at, index)) = self.due.first() {
            if at > self.now {
                return;
            }
            self.due.pop_first();
            match index.some() {
                None => self.deadline_reached(),
                Some(index) => self.node_due(index),
            }
        }
    }

    fn node_due(&mut self, index: NodeIndex) {
        use argosy_api::NodeType;
        if self.is_held_up() {
            // Argo looks at the times of nodes where it goes on with them.
            self.overdue.insert(index);
            return;
        }
        if matches!(self.node(index).body, super::body::Body::Gate(_)) {
            self.pod_timeout(index);
            return;
        }
        match self.node(index).kind {
            NodeType::Suspend => self.suspension_over(index),
            NodeType::Pod | NodeType::HTTP | NodeType::Plugin => self.pod_timeout(index),
            _ if self.is_open_composite(index) => {
                self.dirty.insert(index);
            }
            _ => {}
        }
    }

    /// Looks at the workflow as a whole; `true` if that gave nodes something to do.
    pub(super) fn advance_workflow(&mut self) -> bool {
        let Some(phase) = self.status.phase else {
            return false;
        };
        if phase.is_completed() || self.is_held_up() {
            return false;
        }
        let before = (self.nodes.len(), self.dirty.len(), self.settled.len());
        if self.awaits_claims() {
            self.ask_for_claim();
            return false;
        }
        if self.nodes.is_empty() {
            if self.held(NodeIndex::NONE).is_none() {
                self.begin_root();
            }
        } else if self.dirty.is_empty() && self.settled.is_empty() {
            self.approach_end();
        }
        before != (self.nodes.len(), self.dirty.len(), self.settled.len())
    }

    fn approach_end(&mut self) {
        if self.ends_as_doomed() {
            return;
        }
        let root = self.node(NodeIndex::ROOT);
        let fulfilled = root.is_fulfilled();
        let hooks_over = self.run_workflow_hooks();
        if !hooks_over || !fulfilled {
            return;
        }
        if !self.exit_handler_over() || self.ends_as_doomed() {
            return;
        }
        self.end_root_daemons();
        self.conclude();
    }

    /// What the workflow's entry template, or its exit handler, is to be could not begin: the
    /// workflow ends as an error.
    pub(super) fn doom_workflow(&mut self, role: Role, error: &str) {
        let message = match role {
            Role::OnExit => format!("error in exit template execution : {error}"),
            _ => format!("error in entry template execution: {error}"),
        };
        self.status.fatal = Some(message.into());
        self.status_changed = true;
    }

    fn ends_as_doomed(&mut self) -> bool {
        let Some(message) = self.status.fatal.clone() else {
            return false;
        };
        self.end_root_daemons();
        // What its hooks have begun ends before it does, as all steps do.
        let mut hooks = self.attached_to(NodeIndex::NONE).iter();
        if hooks.all(|&hook| self.node(hook).is_fulfilled()) {
            self.end_workflow(WorkflowPhase::Error, &message);
        }
        true
    }

    fn end_root_daemons(&mut self) {
        for daemon in std::mem::take(&mut self.root_daemons) {
            self.end_daemon(daemon);
        }
    }

    /// Begins the workflow's exit handler when its time has come; `true` once there is nothing
    /// (more) to wait for.
    fn exit_handler_over(&mut self) -> bool {
        if let Some(exit) = self.status.exit_node {
            return self.node(exit).is_fulfilled();
        }
        let Some(hook) = self.plan.on_exit.clone() else {
            return true;
        };
        if self.status.shutdown == Some(ShutdownStrategy::Terminate) {
            return true;
        }
        // The workflow's exit hook ignores its expression.
        let made = self.begin_workflow_hook(&hook, Role::OnExit, 0);
        self.status.exit_node = made;
        self.status_changed = true;
        made.is_some_and(|exit| self.node(exit).is_fulfilled())
    }

    fn conclude(&mut self) {
        let root = self.node(NodeIndex::ROOT);
        let message = match self.status.shutdown {
            Some(strategy) if root.phase.is_failed_or_error() => stopped(strategy),
            _ => root.message.as_deref().unwrap_or_default().to_owned(),
        };
        match root.phase {
            NodePhase::Failed => self.end_workflow(WorkflowPhase::Failed, &message),
            NodePhase::Error => self.end_workflow(WorkflowPhase::Error, &message),
            NodePhase::Pending
            | NodePhase::Running
            | NodePhase::Succeeded
            | NodePhase::Skipped
            | NodePhase::Omitted => {
                let exit = self.status.exit_node.map(|exit| self.node(exit));
                let (phase, message) = match exit {
                    Some(exit) if exit.phase.is_failed_or_error() => (
                        match exit.phase {
                            NodePhase::Failed => WorkflowPhase::Failed,
                            _ => WorkflowPhase::Error,
                        },
                        exit.message.as_deref().unwrap_or_default().to_owned(),
                    ),
                    _ => (WorkflowPhase::Succeeded, String::new()),
                };
                self.end_workflow(phase, &message);
            }
        }
        self.tell_workflow_metrics();
    }

    pub(super) fn end_workflow(&mut self, phase: WorkflowPhase, message: &str) {
        self.status.phase = Some(phase);
        self.status.shown_end = None;
        self.status.message = message.into();
        self.status.started_at.get_or_insert(self.now);
        self.status.finished_at = Some(self.now);
        self.status_changed = true;
        self.tell_workflow_phase(phase, message);
        self.drop_budget();
        self.drop_claims();
        self.release_all_locks();
    }

    /// `workflow.status`: what the entrypoint has come to, for exit handlers and hooks.
    pub(super) fn status_variable(&self) -> &'static str {
        let Some(root) = self.nodes.first() else {
            return self.status.phase.map_or("", WorkflowPhase::as_str);
        };
        match root.phase {
            NodePhase::Pending => "Pending",
            NodePhase::Running => "Running",
            NodePhase::Succeeded | NodePhase::Skipped | NodePhase::Omitted => "Succeeded",
            NodePhase::Failed => "Failed",
            NodePhase::Error => "Error",
        }
    }

    /// `workflow.failures`: there once the entrypoint is over.
    pub(super) fn failures(&self) -> Option<String> {
        let root = self.nodes.first()?;
        if !root.is_fulfilled() {
            return None;
        }
        let mut failures = Vec::new();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            if !node.phase.is_failed_or_error() {
                continue;
            }
            failures.push((index, node));
        }
        let templates: Vec<String> = failures
            .iter()
            .map(|(index, _)| self.template_name(*index))
            .collect();
        let list: Vec<Failure<'_>> = failures
            .iter()
            .zip(&templates)
            .map(|((index, node), template)| Failure {
                display_name: self.display_name(*index),
                message: node.message.as_deref().unwrap_or_default(),
                template_name: template,
                phase: node.phase.as_str(),
                pod_name: self.pod_name(*index),
                finished_at: node.finished_at().map(timestamp::rfc3339),
            })
            .collect();
        let json = if list.is_empty() {
            "null".to_owned()
        } else {
            go_json::text(&list)
        };
        // Argo quotes the text once, so that it can stand inside a quoted string.
        serde_json::to_string(&json).ok()
    }

    /// What lists show of the run.
    pub fn summary(&self) -> RunSummary {
        let (done, total) = self.counts.progress;
        RunSummary {
            phase: self.status.phase,
            message: (&*self.status.message).into(),
            started_at: self.status.started_at,
            finished_at: self.status.finished_at,
            progress_done: done,
            progress_total: total,
            counts: self.counts.phases,
            suspended: self.status.suspended || self.counts.suspended_nodes > 0,
            completed: self.status.announced,
            delete_at: self.delete_at(),
        }
    }
}
