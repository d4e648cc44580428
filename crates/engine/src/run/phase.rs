//! How a node's phase changes, and who is told. Argo: `markNodePhase`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::body::Body;
use super::locks::Forget;
use super::node::{Flags, Node, Role};
use super::usage::own_progress;
use crate::ids::NodeIndex;

/// Whether a node counts for its template's `parallelism`. Argo: `getActiveChildrenCounter`.
fn is_counted(kind: NodeType) -> bool {
    matches!(kind, NodeType::Pod | NodeType::Steps | NodeType::DAG)
}

fn is_active(phase: NodePhase) -> bool {
    matches!(phase, NodePhase::Pending | NodePhase::Running)
}

/// The place of a phase in the counts.
pub(super) fn place(phase: NodePhase) -> usize {
    match phase {
        NodePhase::Pending => 0,
        NodePhase::Running => 1,
        NodePhase::Succeeded => 2,
        NodePhase::Skipped => 3,
        NodePhase::Failed => 4,
        NodePhase::Error => 5,
        NodePhase::Omitted => 6,
    }
}

/// Whether a node is added to the sums or taken out of them.
#[derive(Clone, Copy)]
enum Counting {
    In,
    Out,
}

impl Run {
    /// Adds a node to the arena.
    pub(super) fn add_node(&mut self, mut node: Node) -> NodeIndex {
        let index = NodeIndex(self.nodes.len() as u32);
        node.flags.set(Flags::CHANGED);
        node.incarnation = self.first_incarnation();
        self.nodes.push(node);
        self.changed.push(index);
        self.spent += 1;
        if self.node(index).role != Role::Root {
            let name = self.name(index);
            let salt = self.take_id(&name);
            if salt > 0 {
                self.nodes[index.offset()].details_mut().salt = salt;
            }
        }
        self.count_in(index);
        index
    }

    /// Adds a node to the sums that it belongs to.
    pub(super) fn count_in(&mut self, index: NodeIndex) {
        self.count(index, Counting::In);
    }

    /// Changes what a node is, or the phase that it is in, and the sums with it.
    pub(super) fn set_phase(&mut self, index: NodeIndex, phase: NodePhase) {
        if self.node(index).phase == phase {
            return;
        }
        let was_active = is_active(self.node(index).phase);
        self.recount(index, |node| node.phase = phase);
        self.spent += 1;
        let boundary = self.node(index).boundary;
        if was_active && !is_active(phase) {
            self.wake_held_back(boundary);
        }
        if phase.is_failed_or_error()
            && let Some(boundary) = boundary.some()
            && self.fails_fast(boundary)
        {
            // An attempt may have ended that its retried node has not told of.
            let open = match &self.node(boundary).body {
                Body::Steps(body) => body.groups.last().copied(),
                _ => Some(boundary),
            };
            self.dirty.extend(open);
            // Whoever was to make something there has nothing to wait for any more.
            let boundary = self.nodes[boundary.offset()].body.boundary_mut();
            let held = boundary.map(|boundary| std::mem::take(&mut boundary.held_back));
            self.dirty.extend(held.into_iter().flatten());
        }
    }

    /// Changes what a node is before it has begun.
    pub(super) fn set_kind(&mut self, index: NodeIndex, kind: NodeType, phase: NodePhase) {
        self.recount(index, |node| {
            node.kind = kind;
            node.phase = phase;
        });
    }

    /// Changes what the sums above a node count of it.
    pub(super) fn recount(&mut self, index: NodeIndex, change: impl FnOnce(&mut Node)) {
        self.count(index, Counting::Out);
        change(self.change(index));
        self.count(index, Counting::In);
    }

    fn count(&mut self, index: NodeIndex, counting: Counting) {
        let node = &self.nodes[index.offset()];
        let (kind, phase, boundary) = (node.kind, node.phase, node.boundary);
        let waits_for_lock = node.flags.has(Flags::WAITS_FOR_LOCK);
        let step = |value: &mut u32| match counting {
            Counting::In => *value += 1,
            Counting::Out => *value -= 1,
        };
        step(&mut self.counts.phases[place(phase)]);
        if kind == NodeType::Suspend && phase == NodePhase::Running {
            step(&mut self.counts.suspended_nodes);
        }
        let is_pod = kind == NodeType::Pod;
        if is_pod && is_active(phase) && !waits_for_lock {
            step(&mut self.counts.active_pods);
        }
        let progress = own_progress(node);
        let (done, total) = &mut self.counts.progress;
        match counting {
            Counting::In => {
                *done += progress.done;
                *total += progress.total;
            }
            Counting::Out => {
                *done -= progress.done;
                *total -= progress.total;
            }
        }
        if !is_counted(kind) || boundary == NodeIndex::NONE {
            return;
        }
        if let Some(boundary) = self.nodes[boundary.offset()].body.boundary_mut() {
            if is_active(phase) {
                step(&mut boundary.active);
                if is_pod {
                    step(&mut boundary.active_pods);
                }
            }
            if phase.is_failed_or_error() {
                step(&mut boundary.unsuccessful);
            }
        }
    }

    pub(super) fn set_message(&mut self, index: NodeIndex, message: Option<&str>) {
        if self.node(index).message.as_deref() != message {
            self.change(index).message = message.map(Arc::from);
        }
    }

    /// Ends a node. Its message stays as it was if none is given.
    pub(super) fn end(&mut self, index: NodeIndex, phase: NodePhase, message: Option<&str>) {
        debug_assert!(phase.is_fulfilled());
        if self.node(index).phase.is_fulfilled() {
            return;
        }
        if let Some(message) = message {
            self.set_message(index, Some(message));
        }
        let now = self.now;
        self.change(index).set_finished_at(Some(now));
        self.set_phase(index, phase);
        let served = self.node(index).flags.has(Flags::DAEMONED);
        self.change(index).flags.clear(Flags::DAEMONED);
        self.wanted_pods.remove(&index);
        if matches!(self.node(index).body, Body::Gate(_))
            || self.node(index).flags.has(Flags::HOLDS_LOCKS)
        {
            self.leave_gate(index);
            self.release_locks(index);
        } else if self.relocks.contains_key(&index) {
            self.wait_no_more(index, Forget::Left);
            self.release_locks(index);
        }
        self.end_task(index);
        self.memoize(index);
        if self.node(index).body.boundary().is_some() {
            self.end_daemons(index);
        }
        self.end_containers(index);
        if served && self.node(index).flags.has(Flags::SETTLED) {
            self.daemon_ended(index);
        }
        self.phase_changed(index);
    }

    /// Lets hooks and waiting nodes see that a node's phase has changed. While nothing begins in the
    /// workflow they see it when it goes on: Argo looks at hooks and exit handlers where it goes on
    /// with what they belong to.
    pub(super) fn phase_changed(&mut self, index: NodeIndex) {
        if self.is_held_up() {
            self.unseen.insert(index);
            return;
        }
        self.run_hooks(index);
        self.tell_watchers(index);
        self.settle(index);
    }

    /// Looks at the phase of a node that nobody has looked at. Hooks and exit handlers begin when
    /// the node's turn comes, behind what composites made before it begin: so does Argo, which makes
    /// the steps of a group before it looks at their hooks.
    pub(super) fn look_at_unseen(&mut self, index: NodeIndex) {
        if self.has_ended() {
            return;
        }
        match self.may_begin_hooks(index) {
            true => self.look_at_hooks_in_turn(index),
            false => self.settle(index),
        }
        for watcher in self.watchers_of(index) {
            self.look_at_hooks_in_turn(watcher);
        }
    }

    fn look_at_hooks_in_turn(&mut self, index: NodeIndex) {
        self.hooks_due.insert(index);
        self.dirty.insert(index);
    }

    /// Tells the parent that a node is over, once its hooks and its exit handler are over too.
    pub(super) fn settle(&mut self, index: NodeIndex) {
        // What waits for its locks anew goes on with nothing of what stands inside.
        if !self.node(index).is_fulfilled() || self.is_behind_locks(index) {
            return;
        }
        if matches!(self.node(index).role, Role::Step | Role::Task) && !self.decide_exit(index) {
            return;
        }
        // A limit may hold one of its hooks back, which is waited for like those that have begun.
        if self.node(index).flags.has(Flags::SETTLED) || self.hooks_held.contains(&index) {
            return;
        }
        self.change(index).flags.set(Flags::SETTLED);
        match self.node(index).role {
            Role::OnExit | Role::Hook => {
                if self.node(index).flags.has(Flags::HELD_OPEN) {
                    self.hold_open_no_more(index);
                }
                if let Some(owner) = self.node(index).owner.some() {
                    self.settle(owner);
                }
            }
            Role::Container => {}
            Role::Root | Role::StepGroup | Role::Step | Role::Task | Role::Attempt => {
                self.settled.push_back(index);
            }
        }
    }

    /// Ends the daemons of a template that is over. Argo: `killDaemonedChildren`.
    fn end_daemons(&mut self, boundary: NodeIndex) {
        let daemons = self.nodes[boundary.offset()]
            .body
            .boundary_mut()
            .map(|boundary| std::mem::take(&mut boundary.daemons))
            .unwrap_or_default();
        for daemon in daemons {
            self.end_daemon(daemon);
        }
    }

    /// Ends one daemon: it has done its work.
    pub(super) fn end_daemon(&mut self, daemon: NodeIndex) {
        if !self.node(daemon).flags.has(Flags::DAEMONED) {
            return;
        }
        // One that is just being begun anew.
        if let Some(&attempt) = self.attempts(daemon).last()
            && !self.node(attempt).phase.is_fulfilled()
        {
            self.stop_pod(attempt);
            self.end(attempt, NodePhase::Succeeded, None);
        }
        self.stop_pod(daemon);
        self.end(daemon, NodePhase::Succeeded, None);
    }

    /// A daemon that its parent has already counted as done has ended after all: a retried one is
    /// begun anew, and a bad end counts where the parent is not over.
    fn daemon_ended(&mut self, index: NodeIndex) {
        let node = self.node(index);
        let (phase, parent, slot, item) = (node.phase, node.parent, node.slot, node.item);
        let over = parent == NodeIndex::NONE || self.node(parent).phase.is_fulfilled();
        if over || (node.role != Role::Attempt && !phase.is_failed_or_error()) {
            return;
        }
        match &mut self.nodes[parent.offset()].body {
            Body::Group(_) => self.group_child_failed(parent, index),
            Body::Loop(state) => state.item_ended(item, phase),
            Body::Dag(body) => {
                if let Some(task) = body.tasks.get_mut(slot as usize)
                    && task.branch.is_some()
                {
                    task.branch = Some(phase);
                }
                // What was ready, and had no place yet, may depend on what it did not come to.
                body.unjudged.clone_from(&body.ready);
            }
            Body::Retry(_) | Body::Steps(_) | Body::None | Body::Gate(_) => {}
        }
        self.dirty.insert(parent);
    }
}
