//! The locks of a run: asking, holding, giving back. `status.synchronization` is a projection of it:
//! see `synchronization`. Argo: `workflow/sync/sync_manager.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{NodePhase, WorkflowPhase};
use serde::{Deserialize, Serialize};

use super::Run;
use super::body::{Body, Gate, WaitsForLocks};
use super::commands::stopped;
use super::node::Flags;
use super::workflow::DEADLINE;
use crate::effect::Effect;
use crate::ids::{NodeIndex, Seconds};
use crate::locks::{LockHolder, LockKind, LockName, LockRequest, LockSeen, lock_names};
use crate::plan::{LocksPlan, PlannedTemplate};
use crate::timestamp;

/// What a run knows of locks beyond what its nodes say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LockNotes {
    /// The semaphores that have been held, once one was asked for: Argo shows them for good.
    pub semaphores: Option<Vec<Arc<str>>>,
    /// A mutex was asked for.
    pub mutexes: bool,
    /// What the workflow itself holds.
    pub held: Option<Arc<[LockName]>>,
    /// What the workflow itself waits for.
    pub waits: Option<Arc<[LockName]>>,
    /// Locks that are waited for, and other workflows and their nodes that hold them.
    pub others: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

/// What nodes have in common, most often.
#[derive(Default)]
pub(super) struct SharedLocks {
    asked: Option<Arc<WaitsForLocks>>,
    told: Option<Arc<WaitsForLocks>>,
    message: Option<Arc<str>>,
    /// How many nodes wait for each lock.
    waiters: BTreeMap<Arc<str>, u32>,
}

impl SharedLocks {
    pub fn waits(&mut self, waits: WaitsForLocks) -> Arc<WaitsForLocks> {
        let known = match waits.at {
            None => &mut self.asked,
            Some(_) => &mut self.told,
        };
        match known {
            Some(known) if **known == waits => known.clone(),
            _ => known.insert(Arc::new(waits)).clone(),
        }
    }

    fn message(&mut self, message: &str) -> Arc<str> {
        match &self.message {
            Some(known) if **known == *message => known.clone(),
            _ => self.message.insert(Arc::from(message)).clone(),
        }
    }
}

impl Run {
    /// Asks for the locks of a node's template.
    pub(super) fn ask_for_locks(
        &mut self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<(), String> {
        let locks = self.locks_of(index, planned)?;
        let waits = self.shared_locks.waits(WaitsForLocks { locks, at: None });
        self.ask_locks(index, waits.locks.clone());
        if let Some(at) = self.pending_until(index, planned) {
            self.due.insert((at, index));
        }
        self.wait_at(index, planned, Gate::Locks(waits));
        self.count_waiter(index);
        Ok(())
    }

    /// The locks that a node's template names.
    pub(super) fn locks_of(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<Arc<[LockName]>, String> {
        match &planned.gates.locks {
            LocksPlan::None => Ok(Arc::from([])),
            LocksPlan::Known(locks) => Ok(locks.clone()),
            LocksPlan::Tagged(synchronization) => {
                let filled =
                    self.filled_part(index, planned, &**synchronization, "synchronization")?;
                lock_names(&filled, self.definition.namespace()).map(Arc::from)
            }
            LocksPlan::Wrong(error) => Err(error.to_string()),
        }
    }

    pub(super) fn ask_locks(&mut self, node: NodeIndex, locks: Arc<[LockName]>) {
        let request = self.lock_request(node, locks);
        self.effects.push(Effect::AskLocks(Box::new(request)));
    }

    fn lock_request(&self, node: NodeIndex, locks: Arc<[LockName]>) -> LockRequest {
        let metadata = &self.definition.workflow.metadata;
        LockRequest {
            holder: self.holder(node),
            key: self.holder_key(node),
            locks,
            // The priority of the Workflow itself counts, not that of its WorkflowTemplate.
            priority: self.definition.workflow.spec.priority.unwrap_or(0),
            created_at: metadata
                .creation_timestamp
                .as_ref()
                .map_or(Seconds(0), timestamp::seconds),
        }
    }

    fn holder(&self, node: NodeIndex) -> LockHolder {
        LockHolder { run: self.id, node }
    }

    /// Argo: `getHolderKey`.
    pub(super) fn holder_key(&self, node: NodeIndex) -> Arc<str> {
        let (namespace, name) = (self.definition.namespace(), self.definition.name());
        Arc::from(match node.some() {
            None => format!("{namespace}/{name}"),
            Some(node) => format!("{namespace}/{name}/{}", self.node_id(node)),
        })
    }

    /// Asks for the locks of the workflow itself. `false` if it has none.
    pub(super) fn ask_for_workflow_locks(&mut self) -> bool {
        let Some(synchronization) = &self.plan.workflow.spec.synchronization else {
            return false;
        };
        let json = serde_json::to_value(synchronization).map_err(|error| error.to_string());
        let locks = json
            .and_then(|json| {
                let variables = super::scope::Variables::global(self);
                let context = self.eval_context(NodeIndex::NONE, 0, &["synchronization"]);
                super::filling::fill_json(&json, &variables, &context, 0)
            })
            .and_then(|json| serde_json::from_value(json).map_err(|error| error.to_string()))
            .and_then(|filled| lock_names(&filled, self.definition.namespace()));
        match locks {
            Ok(locks) => {
                let locks: Arc<[LockName]> = locks.into();
                self.lock_notes().waits = Some(locks.clone());
                self.ask_locks(NodeIndex::NONE, locks);
            }
            Err(error) => self.workflow_lock_refused(&error),
        }
        true
    }

    fn workflow_lock_refused(&mut self, error: &str) {
        let message = format!("Failed to acquire the synchronization lock. {error}");
        self.end_workflow(WorkflowPhase::Failed, &message);
    }

    /// Whether the workflow goes on once it has its own locks again: it has given them back when it
    /// ended, and a retry has opened it. Argo asks for them at every pass.
    pub(super) fn awaits_own_locks(&self) -> bool {
        let runs = self.status.phase == Some(WorkflowPhase::Running);
        let notes = self.status.locks.as_deref();
        runs && notes.is_some_and(|notes| notes.waits.is_some() && notes.held.is_none())
    }

    /// Asks again for what the workflow waited for when it was stored.
    pub(super) fn ask_for_own_locks_again(&mut self) {
        let waits = self
            .status
            .locks
            .as_ref()
            .and_then(|notes| notes.waits.clone());
        if let Some(waits) = waits.filter(|_| self.awaits_own_locks()) {
            self.ask_locks(NodeIndex::NONE, waits);
        }
    }

    /// Nothing of the workflow will run any more, so it does not wait for its locks.
    pub(super) fn forgo_own_locks(&mut self) {
        if self.awaits_own_locks() {
            self.lock_notes().waits = None;
            let holder = self.holder(NodeIndex::NONE);
            self.effects.push(Effect::ReleaseLocks(holder));
        }
    }

    /// What has become of locks that were asked for.
    pub(super) fn lock_seen(&mut self, node: NodeIndex, seen: &LockSeen) {
        if node == NodeIndex::NONE {
            self.workflow_lock_seen(seen);
            return;
        }
        // Otherwise it has ended meanwhile, and has given back what it was about to get.
        let Some(waits) = self.waits_of(node).cloned() else {
            return;
        };
        let anew = self.relocks.contains_key(&node);
        match seen {
            LockSeen::Granted(locks) => {
                self.note_granted(locks);
                match anew {
                    true => self.wait_no_more(node, Forget::Granted),
                    false => self.forget_waiter(node, Forget::Granted),
                }
                // An answer may have been read from a store; what was asked for is shared.
                let locks = match **locks == *waits.locks {
                    true => waits.locks.clone(),
                    false => locks.clone(),
                };
                let granted = self.change(node);
                granted.flags.set(Flags::HOLDS_LOCKS);
                granted.details_mut().locks = Some(locks);
                self.set_message(node, None);
                if !anew {
                    self.go_on(node);
                }
            }
            LockSeen::Waiting {
                lock,
                message,
                holders,
            } => {
                if let Some(message) = self.wait_in_vain(node) {
                    match anew {
                        true => self.forgo_locks(|_, index| index == node),
                        false => self.end(node, NodePhase::Failed, Some(&message)),
                    }
                    return;
                }
                self.note_waiting(&waits.locks, holders);
                if self.node(node).message.as_deref() != Some(message) {
                    let message = self.shared_locks.message(message);
                    self.change(node).message = Some(message);
                }
                let place = waits.locks.iter().position(|known| known.name == *lock);
                let at = Some(place.unwrap_or(0) as u32);
                if waits.at != at {
                    let locks = waits.locks.clone();
                    let waits = self.shared_locks.waits(WaitsForLocks { locks, at });
                    match anew {
                        true => self.change(node).details_mut().waits = Some(waits),
                        false => self.change(node).body = Body::Gate(Gate::Locks(waits)),
                    }
                }
            }
            LockSeen::Refused(error) => self.refuse_late(node, error),
        }
    }

    /// Why a node that was made after a stop or past the deadline waits for no lock: what waited then
    /// was ended. Argo: `failNodesWithoutCreatedPodsAfterDeadlineOrShutdown`.
    fn wait_in_vain(&self, node: NodeIndex) -> Option<String> {
        if self.is_shut_down(node) {
            let strategy = self.status.shutdown?;
            return Some(stopped(strategy));
        }
        let bound = !self.node(node).flags.has(Flags::EXIT_HANDLER);
        (bound && self.deadline_passed()).then(|| DEADLINE.to_owned())
    }

    fn workflow_lock_seen(&mut self, seen: &LockSeen) {
        let begins = self.awaits_start();
        if !begins && !self.awaits_own_locks() {
            return;
        }
        match seen {
            LockSeen::Granted(locks) => {
                self.note_granted(locks);
                let notes = self.lock_notes();
                notes.held = Some(locks.clone());
                notes.waits = None;
                notes.others.clear();
                if begins {
                    self.start_running();
                } else {
                    self.status.message = Arc::from("");
                }
            }
            LockSeen::Waiting {
                message, holders, ..
            } => {
                let waits = self.lock_notes().waits.clone();
                self.note_waiting(waits.as_deref().unwrap_or_default(), holders);
                if begins {
                    self.status.phase = Some(WorkflowPhase::Pending);
                }
                self.status.message = Arc::from(&**message);
                self.status_changed = true;
            }
            LockSeen::Refused(error) => self.workflow_lock_refused(error),
        }
    }

    /// Gives a node's locks back, and its places in queues.
    pub(super) fn release_locks(&mut self, index: NodeIndex) {
        self.effects.push(Effect::ReleaseLocks(self.holder(index)));
        if self.node(index).flags.has(Flags::HOLDS_LOCKS) {
            self.change(index).let_go_of_locks();
        }
    }

    /// The workflow has ended: nothing of it holds or waits for a lock. Argo: `ReleaseAll`.
    pub(super) fn release_all_locks(&mut self) {
        if self.status.locks.take().is_some() {
            self.status_changed = true;
        }
        if self.plan.workflow.spec.synchronization.is_some() {
            self.effects
                .push(Effect::ReleaseLocks(self.holder(NodeIndex::NONE)));
        }
    }

    /// What the run holds by its own account: to be entered into the table of an owner that does
    /// not know it yet.
    pub fn held_locks(&self) -> Vec<LockRequest> {
        let whole = self.status.locks.iter().filter_map(|notes| {
            let held = notes.held.clone()?;
            Some(self.lock_request(NodeIndex::NONE, held))
        });
        self.holding_nodes()
            .map(|(index, locks)| self.lock_request(index, locks.clone()))
            .chain(whole)
            .collect()
    }

    /// The nodes that hold locks, with these.
    pub(super) fn holding_nodes(&self) -> impl Iterator<Item = (NodeIndex, &Arc<[LockName]>)> {
        let nodes = (0u32..).map(NodeIndex).zip(self.nodes.iter());
        nodes.filter_map(|(index, node)| {
            let held = node.details.as_ref()?.locks.as_ref()?;
            Some((index, held))
        })
    }

    fn lock_notes(&mut self) -> &mut LockNotes {
        self.status_changed = true;
        self.status.locks.get_or_insert_default()
    }

    fn note_kind(&mut self, kind: LockKind) {
        let notes = self.status.locks.get_or_insert_default();
        match kind {
            LockKind::Semaphore if notes.semaphores.is_none() => {
                notes.semaphores = Some(Vec::new());
                self.status_changed = true;
            }
            LockKind::Mutex if !notes.mutexes => {
                notes.mutexes = true;
                self.status_changed = true;
            }
            LockKind::Semaphore | LockKind::Mutex => {}
        }
    }

    fn note_granted(&mut self, locks: &[LockName]) {
        for lock in locks {
            self.note_kind(lock.kind);
            let notes = self.status.locks.get_or_insert_default();
            if let (Some(held), LockKind::Semaphore) = (&mut notes.semaphores, lock.kind)
                && !held.contains(&lock.name)
            {
                held.push(lock.name.clone());
                self.status_changed = true;
            }
        }
    }

    fn note_waiting(&mut self, locks: &[LockName], holders: &[(LockName, Vec<Arc<str>>)]) {
        for lock in locks {
            self.note_kind(lock.kind);
        }
        for (lock, holders) in holders {
            let others = &mut self.status.locks.get_or_insert_default().others;
            if others.get(&lock.name).map_or(&[][..], Vec::as_slice) == holders.as_slice() {
                continue;
            }
            match holders.is_empty() {
                true => others.remove(&lock.name),
                false => others.insert(lock.name.clone(), holders.clone()),
            };
            self.status_changed = true;
        }
    }

    /// Counts a node among those that wait for its locks.
    pub(super) fn count_waiter(&mut self, index: NodeIndex) {
        if let Some(waits) = self.waits_of(index).cloned() {
            for lock in waits.locks.iter() {
                let waiters = &mut self.shared_locks.waiters;
                match waiters.get_mut(&lock.name) {
                    Some(count) => *count += 1,
                    None => drop(waiters.insert(lock.name.clone(), 1)),
                }
            }
        }
    }

    /// A node that has waited for locks does so no more: if at all, it waits for a place.
    pub(super) fn forget_waiter(&mut self, index: NodeIndex, forget: Forget) {
        let Some(waits) = self.waits_of(index).cloned() else {
            return;
        };
        for lock in waits.locks.iter() {
            let Some(count) = self.shared_locks.waiters.get_mut(&lock.name) else {
                continue;
            };
            *count -= 1;
            if *count > 0 {
                continue;
            }
            self.shared_locks.waiters.remove(&lock.name);
            // Where a waiter leaves before its turn, the table may not know yet that nobody waits,
            // and would not tell the next one again.
            if matches!(forget, Forget::Granted)
                && let Some(notes) = &mut self.status.locks
                && notes.others.remove(&lock.name).is_some()
            {
                self.status_changed = true;
            }
        }
        if matches!(self.node(index).body, Body::Gate(_)) {
            self.change(index).body = Body::Gate(Gate::Place);
        }
    }

    /// No node waits for locks, as long as none is counted anew.
    pub(super) fn forget_all_waiters(&mut self) {
        self.shared_locks.waiters.clear();
    }

    /// Whether a node waits for a lock: the lock.
    pub(super) fn waiting_lock(&self, index: NodeIndex) -> Option<&Arc<str>> {
        let pending = self.node(index).phase == NodePhase::Pending;
        let waits = self.waits_of(index)?;
        let lock = waits.locks.get(waits.at? as usize)?;
        (pending || self.relocks.contains_key(&index)).then_some(&lock.name)
    }
}

/// Why a node waits no more.
#[derive(Clone, Copy)]
pub(super) enum Forget {
    /// It has its locks.
    Granted,
    /// It has left before.
    Left,
}
