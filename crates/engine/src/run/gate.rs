//! What stands before a node whose inputs are known: locks, a place under the workflow's
//! `parallelism`, a look into the cache. Then it begins. Argo: `executeTemplate`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Run;
use super::body::{Body, Gate};
use super::filling::fill_json;
use super::limits::Held;
use super::locks::Forget;
use super::node::{Flags, Role};
use super::start::{Begun, TOO_DEEP};
use super::workflow::DEADLINE;
use crate::ids::NodeIndex;
use crate::plan::PlannedTemplate;

impl Run {
    /// Begins a node, or has it wait for what it needs first.
    pub(super) fn pass_gate(&mut self, index: NodeIndex, planned: &Arc<PlannedTemplate>) -> Begun {
        let template = &planned.template;
        if template.synchronization.is_some() && !self.node(index).flags.has(Flags::HOLDS_LOCKS) {
            return match self.ask_for_locks(index, planned) {
                Ok(()) => Begun::Made(index),
                Err(error) => self.refuse(index, &error),
            };
        }
        let known = self.node(index).details.as_ref();
        if template.memoize.is_some() && known.is_none_or(|details| details.memo.is_none()) {
            return match self.look_up_cache(index, planned) {
                Ok(()) => Begun::Made(index),
                Err(error) => self.refuse(index, &error),
            };
        }
        self.begin_open(index, planned)
    }

    /// Has a node wait before it begins. It is shown as what it will be, pending.
    pub(super) fn wait_at(&mut self, index: NodeIndex, planned: &PlannedTemplate, gate: Gate) {
        let kind = match planned.retry {
            Some(_) => NodeType::Retry,
            None => planned.node_type(),
        };
        if self.node(index).kind != kind {
            self.set_kind(index, kind, NodePhase::Pending);
        }
        // Who waits for a place does not take one.
        match gate {
            Gate::Locks(_) | Gate::Place => self.wait_for_lock(index),
            Gate::Cache => self.wait_for_lock_no_more(index),
        }
        self.change(index).body = Body::Gate(gate);
    }

    fn wait_for_lock(&mut self, index: NodeIndex) {
        if self.node(index).flags.has(Flags::WAITS_FOR_LOCK) {
            return;
        }
        self.recount(index, |node| node.flags.set(Flags::WAITS_FOR_LOCK));
        self.wake_held_back(NodeIndex::NONE);
    }

    fn wait_for_lock_no_more(&mut self, index: NodeIndex) {
        if self.node(index).flags.has(Flags::WAITS_FOR_LOCK) {
            self.recount(index, |node| node.flags.clear(Flags::WAITS_FOR_LOCK));
        }
    }

    /// A node that ended while it waited waits no more.
    pub(super) fn leave_gate(&mut self, index: NodeIndex) {
        if matches!(self.node(index).body, Body::Gate(_)) {
            self.forget_waiter(index, Forget::Left);
            self.wait_for_lock_no_more(index);
            self.change(index).body = Body::None;
        }
    }

    /// A place may have become free for a node that has its locks.
    pub(super) fn advance_gate(&mut self, index: NodeIndex) {
        if matches!(self.node(index).body, Body::Gate(Gate::Place)) {
            self.go_on(index);
        }
    }

    /// Takes a waiting node further.
    pub(super) fn go_on(&mut self, index: NodeIndex) {
        let Some(planned) = self.template_of(index) else {
            return;
        };
        // Of what was stopped a leaf ends as it begins, and needs no place for that.
        let leaf = matches!(
            self.node(index).kind,
            NodeType::Pod | NodeType::Suspend | NodeType::HTTP | NodeType::Plugin
        );
        let ends = leaf && self.is_shut_down(index);
        let held_up = self.is_held_up();
        if !held_up && (ends || self.held(NodeIndex::NONE).is_none()) {
            self.pass_on(index, &planned);
            return;
        }
        // What is pending past the workflow's deadline ends, whenever it was made.
        if self.deadline_passed() && !self.node(index).flags.has(Flags::EXIT_HANDLER) {
            self.end(index, NodePhase::Failed, Some(DEADLINE));
            return;
        }
        self.wait_at(index, &planned, Gate::Place);
        match held_up {
            true => drop(self.dirty.insert(index)),
            false => self.hold_back(index, NodeIndex::NONE, Held::Workflow),
        }
    }

    /// Takes a node further that has its place under the workflow's `parallelism`.
    pub(super) fn pass_on(&mut self, index: NodeIndex, planned: &Arc<PlannedTemplate>) {
        self.leave_gate(index);
        match self.pass_gate(index, planned) {
            Begun::Refused(_, error) => self.tell_refused(index, &error),
            // It may run from now on.
            Begun::Made(_) | Begun::Held(_) => {
                self.run_hooks(index);
                self.tell_watchers(index);
            }
        }
    }

    /// Ends a node that had been made, as one that can't begin.
    pub(super) fn refuse_late(&mut self, index: NodeIndex, error: &str) {
        self.leave_gate(index);
        self.end(index, NodePhase::Error, Some(error));
        self.tell_refused(index, error);
    }

    /// What a node that could not begin means to what stands above it.
    fn tell_refused(&mut self, index: NodeIndex, error: &str) {
        let node = self.node(index);
        let parent = node.parent;
        match node.role {
            Role::Task => self.wrap_task_error(index, error),
            Role::Step if error != TOO_DEEP => self.doom_by_child(parent, index, error),
            Role::Root => self.doom_workflow(Role::Root, error),
            Role::OnExit if node.owner == NodeIndex::NONE => {
                self.doom_workflow(Role::OnExit, error);
            }
            Role::Attempt => {
                if !self.node(parent).phase.is_fulfilled() && !self.retries_errors(parent) {
                    self.end(parent, NodePhase::Error, Some(error));
                    self.tell_refused(parent, error);
                }
            }
            Role::Step | Role::StepGroup | Role::OnExit | Role::Hook | Role::Container => {}
        }
    }

    /// After a run was loaded: what a node waits for is asked for anew.
    pub(super) fn link_gate(&mut self, index: NodeIndex) {
        let (Some(planned), Body::Gate(gate)) =
            (self.template_of(index), self.node(index).body.clone())
        else {
            return;
        };
        if let Some(at) = self.pending_until(index, &planned) {
            self.due.insert((at, index));
        }
        // What could be asked for once can be asked for again.
        match gate {
            Gate::Place => self.hold_back(index, NodeIndex::NONE, Held::Workflow),
            Gate::Locks(waits) => {
                if !self.is_behind_locks(index) {
                    self.ask_locks(index, waits.locks.clone());
                }
                self.count_waiter(index);
            }
            Gate::Cache => {
                let _ = self.look_up_cache(index, &planned);
            }
        }
    }

    /// A part of a node's template with its tags filled in.
    pub(super) fn filled_part<T: Serialize + DeserializeOwned + Clone>(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        part: &T,
        field: &str,
    ) -> Result<T, String> {
        let json = serde_json::to_value(part).map_err(|error| error.to_string())?;
        let mut variables = self.variables(index, Some(planned), None, &[]);
        variables.siblings = None;
        let context = self.eval_context(index, 0, &[field]);
        let filled = fill_json(&json, &variables, &context, 0)?;
        serde_json::from_value(filled).map_err(|error| error.to_string())
    }
}
