//! Locks that are asked for anew: a retry opens groups again that gave their locks back when the
//! workflow ended, and a workflow that is taken up may have some. Nothing inside of one is looked at
//! until it has its locks. Argo asks at every pass: `executeTemplate`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Run;
use super::body::{Body, Gate, WaitsForLocks};
use super::locks::Forget;
use super::node::{Flags, Role};
use crate::effect::Effect;
use crate::ids::NodeIndex;
use crate::locks::{LockHolder, LockName};

/// What is kept of a node that has begun and has no locks yet.
#[derive(Debug, Default)]
pub(super) struct Relock {
    /// Its locks have been asked for since the run was loaded.
    asked: bool,
    /// What stands inside, and has something to do.
    behind: BTreeSet<NodeIndex>,
}

impl Run {
    /// Whether a node is one that runs what stands inside of it, under locks that it has not got.
    pub(super) fn lacks_locks(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        let composite = matches!(node.body, Body::Steps(_) | Body::Dag(_) | Body::Retry(_));
        composite
            && node.role != Role::Attempt
            && !node.is_fulfilled()
            && !node.flags.has(Flags::HOLDS_LOCKS)
            && self
                .template_of(index)
                .is_some_and(|planned| planned.template.synchronization.is_some())
    }

    /// Has all that was opened again wait for its locks.
    pub(super) fn want_locks_anew(&mut self) {
        for index in self.all_nodes() {
            if self.lacks_locks(index) && self.waits_of(index).is_none() {
                match self.note_locks_wanted(index, None) {
                    Ok(()) => self.link_relock(index),
                    Err(error) => self.refuse_late(index, &error),
                }
            }
        }
    }

    /// Notes that a node which has begun waits for its locks; `at` is the one that it is known to
    /// wait for.
    pub(super) fn note_locks_wanted(
        &mut self,
        index: NodeIndex,
        at: Option<&LockName>,
    ) -> Result<(), String> {
        let Some(planned) = self.template_of(index) else {
            return Ok(());
        };
        let locks = self.locks_of(index, &planned)?;
        let at = at.map(|at| {
            let place = locks.iter().position(|lock| lock.name == at.name);
            place.unwrap_or(0) as u32
        });
        let waits = self.shared_locks.waits(WaitsForLocks { locks, at });
        self.change(index).details_mut().waits = Some(waits);
        Ok(())
    }

    /// Enters a node that waits for locks anew in the tables by which it is found again.
    pub(super) fn link_relock(&mut self, index: NodeIndex) {
        self.relocks.insert(index, Relock::default());
        self.count_waiter(index);
    }

    /// Whether a node is not to be looked at, since it, or what it stands in, has no locks yet; they
    /// are asked for from the outside in.
    pub(super) fn is_behind_locks(&mut self, index: NodeIndex) -> bool {
        if self.relocks.is_empty() {
            return false;
        }
        let chain = std::iter::successors(Some(index), |&at| self.node(at).parent.some());
        let Some(outermost) = chain.filter(|at| self.relocks.contains_key(at)).last() else {
            return false;
        };
        let mut ask = false;
        if let Some(relock) = self.relocks.get_mut(&outermost) {
            relock.behind.insert(index);
            ask = !std::mem::replace(&mut relock.asked, true);
        }
        if let Some(waits) = self.waits_of(outermost).filter(|_| ask) {
            self.ask_locks(outermost, waits.locks.clone());
        }
        true
    }

    /// What a node waits for before it begins, or goes on.
    pub(super) fn waits_of(&self, index: NodeIndex) -> Option<&Arc<WaitsForLocks>> {
        let node = self.nodes.get(index.offset())?;
        match &node.body {
            Body::Gate(Gate::Locks(waits)) => Some(waits),
            _ => node.details.as_ref()?.waits.as_ref(),
        }
    }

    /// A node waits for its locks anew no more; what stands inside may go on.
    pub(super) fn wait_no_more(&mut self, index: NodeIndex, forget: Forget) {
        let Some(relock) = self.relocks.remove(&index) else {
            return;
        };
        self.forget_waiter(index, forget);
        self.change(index).forget_waits();
        for &node in &relock.behind {
            // Nobody has asked for the locks of what was to begin inside when the run was loaded.
            if let Body::Gate(Gate::Locks(waits)) = self.node(node).body.clone()
                && !self.is_behind_locks(node)
            {
                self.ask_locks(node, waits.locks.clone());
            }
        }
        self.dirty.extend(relock.behind);
    }

    /// What is brought down ends without its locks. Argo has it wait for them first.
    pub(super) fn forgo_locks(&mut self, is_ended: impl Fn(&Self, NodeIndex) -> bool) {
        let waiting: Vec<NodeIndex> = self.relocks.keys().copied().collect();
        for index in waiting {
            if is_ended(self, index) {
                self.wait_no_more(index, Forget::Left);
                let holder = LockHolder {
                    run: self.id,
                    node: index,
                };
                self.effects.push(Effect::ReleaseLocks(holder));
                self.set_message(index, None);
                self.dirty.insert(index);
            }
        }
    }
}
