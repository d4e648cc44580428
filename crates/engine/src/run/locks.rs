//! The locks of a run: asking, holding, giving back, and `status.synchronization`.
//! Argo: `workflow/sync/sync_manager.go`, `SemaphoreStatus`, `MutexStatus`.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{
    MutexHolding, MutexStatus, NodePhase, SemaphoreHolding, SemaphoreStatus, Synchronization,
    SynchronizationStatus, WorkflowPhase,
};

use super::Run;
use super::body::{Body, Gate};
use super::node::Flags;
use crate::effect::Effect;
use crate::ids::{NodeIndex, Seconds};
use crate::locks::{LockHolder, LockKind, LockName, LockRequest, LockSeen, lock_names};
use crate::plan::PlannedTemplate;
use crate::timestamp;

impl Run {
    /// Asks for the locks of a node's template.
    pub(super) fn ask_for_locks(
        &mut self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        synchronization: &Synchronization,
    ) -> Result<(), String> {
        self.ask_again(index, planned, synchronization)?;
        if let Some(at) = self.pending_until(index, planned) {
            self.due.insert((at, index));
        }
        self.wait_at(index, planned, Gate::Locks(None));
        Ok(())
    }

    pub(super) fn ask_again(
        &mut self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        synchronization: &Synchronization,
    ) -> Result<(), String> {
        let filled = self.filled_part(index, planned, synchronization, "synchronization")?;
        let locks = lock_names(&filled, self.definition.namespace())?;
        self.ask_locks(index, locks);
        Ok(())
    }

    fn ask_locks(&mut self, node: NodeIndex, locks: Vec<LockName>) {
        let request = self.lock_request(node, locks);
        self.effects.push(Effect::AskLocks(Box::new(request)));
    }

    fn lock_request(&self, node: NodeIndex, locks: Vec<LockName>) -> LockRequest {
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
    fn holder_key(&self, node: NodeIndex) -> Arc<str> {
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
                let context = self.eval_context("", 0, "synchronization");
                super::filling::fill_json(&json, &variables, &context, 0)
            })
            .and_then(|json| serde_json::from_value(json).map_err(|error| error.to_string()))
            .and_then(|filled| lock_names(&filled, self.definition.namespace()));
        match locks {
            Ok(locks) => self.ask_locks(NodeIndex::NONE, locks),
            Err(error) => self.workflow_lock_refused(&error),
        }
        true
    }

    fn workflow_lock_refused(&mut self, error: &str) {
        let message = format!("Failed to acquire the synchronization lock. {error}");
        self.end_workflow(WorkflowPhase::Failed, &message);
    }

    /// What has become of locks that were asked for.
    pub(super) fn lock_seen(&mut self, node: NodeIndex, seen: &LockSeen) {
        if node == NodeIndex::NONE {
            self.workflow_lock_seen(seen);
            return;
        }
        let waits = self
            .nodes
            .get(node.offset())
            .is_some_and(|node| matches!(node.body, Body::Gate(Gate::Locks(_))));
        if !waits {
            // It has ended meanwhile, and has given back what it was about to get.
            return;
        }
        match seen {
            LockSeen::Granted(locks) => {
                self.note_granted(&self.holder_key(node), locks);
                self.change(node).flags.set(Flags::HOLDS_LOCKS);
                self.set_message(node, None);
                self.go_on(node);
            }
            LockSeen::Waiting {
                lock,
                message,
                holders,
            } => {
                self.note_waiting(holders);
                self.set_message(node, Some(message));
                self.change(node).body = Body::Gate(Gate::Locks(Some(lock.clone())));
            }
            LockSeen::Refused(error) => self.refuse_late(node, error),
        }
    }

    fn workflow_lock_seen(&mut self, seen: &LockSeen) {
        if !self.awaits_start() {
            return;
        }
        match seen {
            LockSeen::Granted(locks) => {
                self.note_granted(&self.holder_key(NodeIndex::NONE), locks);
                self.start_running();
            }
            LockSeen::Waiting {
                message, holders, ..
            } => {
                self.note_waiting(holders);
                self.status.phase = Some(WorkflowPhase::Pending);
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
            self.change(index).flags.clear(Flags::HOLDS_LOCKS);
            self.note_released(&self.holder_key(index));
        }
    }

    /// The workflow has ended: nothing of it holds or waits for a lock. Argo: `ReleaseAll`.
    pub(super) fn release_all_locks(&mut self) {
        if self.status.synchronization.take().is_some() {
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
        let Some(status) = self.status.synchronization.as_deref() else {
            return Vec::new();
        };
        let mut nodes: BTreeMap<Arc<str>, NodeIndex> = (0..self.nodes.len() as u32)
            .map(NodeIndex)
            .filter(|&index| self.node(index).flags.has(Flags::HOLDS_LOCKS))
            .map(|index| (self.holder_key(index), index))
            .collect();
        nodes.insert(self.holder_key(NodeIndex::NONE), NodeIndex::NONE);
        let mut held: BTreeMap<NodeIndex, Vec<LockName>> = BTreeMap::new();
        let semaphores = status.semaphore.iter().flat_map(|status| &status.holding);
        for holding in semaphores {
            for holder in &holding.holders {
                if let Some(&node) = nodes.get(&**holder) {
                    held.entry(node).or_default().push(LockName {
                        kind: LockKind::Semaphore,
                        name: Arc::from(holding.semaphore.as_str()),
                    });
                }
            }
        }
        for holding in status.mutex.iter().flat_map(|status| &status.holding) {
            if let Some(&node) = nodes.get(&*holding.holder) {
                held.entry(node).or_default().push(LockName {
                    kind: LockKind::Mutex,
                    name: Arc::from(holding.mutex.as_str()),
                });
            }
        }
        held.into_iter()
            .map(|(node, locks)| self.lock_request(node, locks))
            .collect()
    }

    fn synchronization(&mut self) -> &mut SynchronizationStatus {
        self.status_changed = true;
        self.status.synchronization.get_or_insert_default()
    }

    fn note_granted(&mut self, key: &str, locks: &[LockName]) {
        let status = self.synchronization();
        for lock in locks {
            match lock.kind {
                LockKind::Semaphore => {
                    semaphore_acquired(status.semaphore.get_or_insert_default(), &lock.name, key)
                }
                LockKind::Mutex => {
                    let mutexes = status.mutex.get_or_insert_default();
                    match mutexes
                        .holding
                        .iter_mut()
                        .find(|held| *held.mutex == *lock.name)
                    {
                        Some(held) => held.holder = key.to_owned(),
                        None => mutexes.holding.push(MutexHolding {
                            mutex: lock.name.to_string(),
                            holder: key.to_owned(),
                        }),
                    }
                }
            }
        }
    }

    fn note_waiting(&mut self, holders: &[(LockName, Vec<Arc<str>>)]) {
        let status = self.synchronization();
        for (lock, holders) in holders {
            match lock.kind {
                LockKind::Semaphore => {
                    let waiting = &mut status.semaphore.get_or_insert_default().waiting;
                    let holders = holders.iter().map(|key| key.to_string()).collect();
                    match waiting
                        .iter_mut()
                        .find(|entry| *entry.semaphore == *lock.name)
                    {
                        Some(entry) => entry.holders = holders,
                        None => waiting.push(SemaphoreHolding {
                            semaphore: lock.name.to_string(),
                            holders,
                        }),
                    }
                }
                LockKind::Mutex => {
                    let waiting = &mut status.mutex.get_or_insert_default().waiting;
                    let Some(holder) = holders.first() else {
                        continue;
                    };
                    match waiting.iter_mut().find(|entry| *entry.mutex == *lock.name) {
                        Some(entry) => entry.holder = holder.to_string(),
                        None => waiting.push(MutexHolding {
                            mutex: lock.name.to_string(),
                            holder: holder.to_string(),
                        }),
                    }
                }
            }
        }
    }

    fn note_released(&mut self, key: &str) {
        if self.status.synchronization.is_none() {
            return;
        }
        let status = self.synchronization();
        if let Some(SemaphoreStatus { holding, .. }) = &mut status.semaphore {
            for held in holding {
                held.holders.retain(|holder| holder != key);
            }
        }
        if let Some(MutexStatus { holding, .. }) = &mut status.mutex {
            holding.retain(|held| held.holder != key);
        }
    }

    /// Whether a node waits for a lock: the lock.
    pub(super) fn waiting_lock(&self, index: NodeIndex) -> Option<Arc<str>> {
        match &self.node(index).body {
            Body::Gate(Gate::Locks(lock)) if self.node(index).phase == NodePhase::Pending => {
                lock.clone()
            }
            _ => None,
        }
    }
}

fn semaphore_acquired(status: &mut SemaphoreStatus, lock: &str, key: &str) {
    match status
        .holding
        .iter_mut()
        .find(|held| held.semaphore == lock)
    {
        Some(held) if held.holders.iter().any(|holder| holder == key) => {}
        Some(held) => held.holders.push(key.to_owned()),
        None => status.holding.push(SemaphoreHolding {
            semaphore: lock.to_owned(),
            holders: vec![key.to_owned()],
        }),
    }
    if let Some(place) = status
        .waiting
        .iter()
        .position(|entry| entry.semaphore == lock)
    {
        let holders = &mut status.waiting[place].holders;
        holders.retain(|holder| holder != key);
        if holders.is_empty() {
            status.waiting.remove(place);
        }
    }
}
