//! A turn: facts are taken in, what they touch is worked through, and out come a commit and effects.
//!
//! The order of work is fixed: nodes whose phase nobody has looked at first, by index, then children
//! that have settled, in the order in which they did, then composites with something to do, by
//! index. So the same facts give the same run.

use crate::commit::{Commit, NodeRow, OutboxRow};
use crate::effect::Effect;
use crate::fact::Fact;
use crate::ids::{NodeIndex, Seconds};
use crate::outbox;

use super::Run;
use super::body::Body;
use super::node::Flags;
use super::row;

/// How many nodes a turn may make or end before others get theirs.
pub(super) const TURN_BUDGET: usize = 1_000;

/// What a turn gives.
#[derive(Debug)]
pub struct Turn {
    /// What changed; to be committed.
    pub commit: Commit,
    /// What is to be done.
    pub effects: Vec<Effect>,
    /// The turn ended because its budget was spent, not because nothing was left.
    pub unfinished: bool,
}

impl Run {
    /// Works through what has been told, until nothing is left to do or the budget is spent.
    pub fn turn(&mut self, now: Seconds) -> Turn {
        self.spent = 0;
        self.take_in(now);
        self.reach_due_times();
        let unfinished = self.work();
        self.finish_turn(unfinished)
    }

    /// Takes in what has been told, and leaves what follows from it to the next turn: the state in
    /// which Argo's API server leaves a workflow that its controller has not looked at yet.
    pub fn hear(&mut self, now: Seconds) -> Turn {
        self.take_in(now);
        self.finish_turn(true)
    }

    fn take_in(&mut self, now: Seconds) {
        self.now = self.now.max(now);
        while let Some(fact) = self.facts.pop_front() {
            self.now = self.now.max(fact.at);
            self.learn(&fact.fact);
            self.spent += 1;
            self.log.push(fact);
            if self.spent >= TURN_BUDGET * 4 {
                break;
            }
        }
    }

    fn work(&mut self) -> bool {
        self.go_on_undone();
        loop {
            while !self.is_held_up() {
                if self.spent >= TURN_BUDGET {
                    return true;
                }
                if let Some(node) = self.unseen.pop_first() {
                    self.look_at_unseen(node);
                    continue;
                }
                if let Some(node) = self.settled.pop_front() {
                    self.child_settled(node);
                    continue;
                }
                // Who was woken for a place may not have taken it, and whoever comes next may not
                // be the first of those that wait for one.
                self.wake_next();
                match self.dirty.pop_first() {
                    Some(node) => self.advance(node),
                    None => break,
                }
            }
            if !self.advance_workflow() {
                return !self.facts.is_empty();
            }
        }
    }

    fn learn(&mut self, fact: &Fact) {
        let look = matches!(
            fact,
            Fact::PodSeen(..) | Fact::ResultSeen(..) | Fact::TaskSeen(..)
        );
        if look && !self.status.looked_twice && self.status.started_at.is_some() {
            self.status.looked_twice = true;
            self.status_changed = true;
        }
        match fact {
            Fact::Started => self.begin(),
            Fact::PodSeen(key, seen) => self.pod_seen(*key, seen),
            Fact::ResultSeen(key, seen) => self.result_seen(*key, seen),
            Fact::Inventory(pods) => self.inventory(pods),
            Fact::TimeReached => {}
            Fact::ClaimSeen(name, seen) => self.claim_seen(name, seen),
            Fact::MetricRefused(error) => self.metric_refused(error),
            Fact::Asked(command) => self.asked(command),
            Fact::Postponed(reason) => self.postponed(reason),
            Fact::LockSeen(node, seen) => self.lock_seen(*node, seen),
            Fact::CacheSeen(node, seen) => self.cache_seen(*node, seen),
            Fact::TaskSeen(key, seen) => self.task_seen(*key, seen),
        }
    }

    /// Lets a composite do what it can do now.
    fn advance(&mut self, index: NodeIndex) {
        if self.is_behind_locks(index) {
            return;
        }
        if self.node(index).phase.is_fulfilled() {
            self.advance_leaf(index);
            return;
        }
        if self.hooks_due.remove(&index) {
            self.run_hooks(index);
        }
        match &self.nodes[index.offset()].body {
            Body::Steps(_) => self.advance_steps(index),
            Body::Group(_) => self.advance_group(index),
            Body::Dag(_) => self.advance_dag(index),
            Body::Loop(_) => self.advance_task_group(index),
            Body::Retry(_) => self.advance_retry(index),
            Body::None => self.advance_leaf(index),
            Body::Gate(_) => self.advance_gate(index),
        }
        // It may have been woken for a place of its template that it does not need.
        self.wake_held_back(self.node(index).boundary);
    }

    /// Hands a settled node to whoever waits for it.
    fn child_settled(&mut self, child: NodeIndex) {
        let node = &self.nodes[child.offset()];
        let Some(parent) = node.parent.some() else {
            return;
        };
        if self.nodes[parent.offset()].phase.is_fulfilled() {
            return;
        }
        match &self.nodes[parent.offset()].body {
            Body::Steps(_) | Body::Retry(_) => {
                self.dirty.insert(parent);
            }
            Body::Group(_) => self.group_child_settled(parent, child),
            Body::Dag(_) => self.task_settled(parent, child),
            Body::Loop(_) => self.item_settled(parent, child),
            Body::None | Body::Gate(_) => {}
        }
    }

    fn finish_turn(&mut self, unfinished: bool) -> Turn {
        self.ask_for_tasks();
        if self.is_over() && !self.status.announced && !unfinished {
            self.status.announced = true;
            self.status_changed = true;
            self.sweep();
            self.effects.push(Effect::RunEnded);
        }
        self.tell_changes();
        let outbox = self.outbox();
        let mut nodes = Vec::with_capacity(self.changed.len());
        let mut values = Vec::new();
        for index in std::mem::take(&mut self.changed) {
            let node = &mut self.nodes[index.offset()];
            node.flags.clear(Flags::CHANGED);
            nodes.push(NodeRow {
                index: index.0,
                record: row::encode(node, &mut values),
            });
        }
        let something = !nodes.is_empty() || self.status_changed || !self.log.is_empty();
        let state = std::mem::take(&mut self.status_changed).then(|| self.encode_state());
        let labels = std::mem::take(&mut self.has_begun).then(|| self.new_labels());
        let log = std::mem::take(&mut self.log);
        Turn {
            commit: Commit {
                run: Some(self.id),
                summary: something.then(|| self.summary()),
                labels: labels.flatten(),
                state,
                nodes,
                removed_nodes: std::mem::take(&mut self.removed),
                values,
                log: crate::log::encode(&log),
                consumed_commands: Vec::new(),
                metrics: std::mem::take(&mut self.observations),
                outbox,
                delivered: Vec::new(),
            },
            effects: std::mem::take(&mut self.effects),
            unfinished,
        }
    }

    /// What this turn asks to be done at last.
    fn outbox(&mut self) -> Option<OutboxRow> {
        let entry = outbox::encode(&self.effects)?;
        self.status.outbox += 1;
        self.status_changed = true;
        Some(OutboxRow {
            number: self.status.outbox,
            entry,
        })
    }
}
