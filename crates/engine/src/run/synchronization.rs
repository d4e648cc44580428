//! `status.synchronization`, as Argo shows it: made when asked for from what the nodes say of the
//! locks that they hold and wait for. Argo: `SemaphoreStatus`, `MutexStatus`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{
    MutexHolding, MutexStatus, NodeSynchronizationStatus, SemaphoreHolding, SemaphoreStatus,
    SynchronizationStatus,
};

use super::Run;
use super::body::{Body, Gate, WaitsForLocks};
use super::locks::LockNotes;
use super::rebuild::LoadError;
use crate::ids::NodeIndex;
use crate::locks::{LockKind, LockName};

impl Run {
    /// The locks that are held and waited for; `None` if none was asked for.
    pub(super) fn synchronization_status(&self) -> Option<SynchronizationStatus> {
        let notes = self.status.locks.as_deref()?;
        if notes.semaphores.is_none() && !notes.mutexes {
            return None;
        }
        let whole = notes.held.iter().map(|held| (NodeIndex::NONE, held));
        let mut holders: BTreeMap<&LockName, Vec<String>> = BTreeMap::new();
        let mut mutexes = Vec::new();
        for (index, held) in whole.chain(self.holding_nodes()) {
            let key = self.holder_key(index);
            for lock in held.iter() {
                holders.entry(lock).or_default().push(key.to_string());
                if lock.kind == LockKind::Mutex {
                    mutexes.push(MutexHolding {
                        mutex: lock.name.to_string(),
                        holder: key.to_string(),
                    });
                }
            }
        }
        let waited = self.waited_locks(notes);
        let of = |lock: &LockName| -> Vec<String> {
            let others = notes.others.get(&lock.name).into_iter().flatten();
            let own = holders.get(lock).into_iter().flatten().cloned();
            others.map(|key| key.to_string()).chain(own).collect()
        };
        let semaphore = notes.semaphores.as_ref().map(|names| SemaphoreStatus {
            holding: names
                .iter()
                .map(|name| {
                    let lock = LockName {
                        kind: LockKind::Semaphore,
                        name: name.clone(),
                    };
                    SemaphoreHolding {
                        semaphore: name.to_string(),
                        holders: holders.get(&lock).cloned().unwrap_or_default(),
                    }
                })
                .collect(),
            waiting: waited
                .iter()
                .filter(|lock| lock.kind == LockKind::Semaphore)
                .map(|lock| SemaphoreHolding {
                    semaphore: lock.name.to_string(),
                    holders: of(lock),
                })
                .collect(),
        });
        let waiting = waited.iter().filter(|lock| lock.kind == LockKind::Mutex);
        let waiting = waiting.filter_map(|lock| {
            // One that is free, and kept for whoever goes before, is not shown.
            let holder = of(lock).into_iter().next()?;
            Some(MutexHolding {
                mutex: lock.name.to_string(),
                holder,
            })
        });
        let mutex = notes.mutexes.then(|| MutexStatus {
            waiting: waiting.collect(),
            holding: mutexes,
        });
        Some(SynchronizationStatus { semaphore, mutex })
    }

    /// The locks that are waited for, by the first who waits.
    fn waited_locks<'a>(&'a self, notes: &'a LockNotes) -> Vec<&'a LockName> {
        let mut seen = BTreeSet::new();
        let mut waited = Vec::new();
        let nodes = self.all_nodes().filter_map(|index| {
            let waits = self.waits_of(index).filter(|waits| waits.at.is_some());
            waits.map(|waits| &waits.locks)
        });
        let mut before: Option<&Arc<[LockName]>> = None;
        for locks in notes.waits.iter().chain(nodes) {
            // Most wait for the same.
            if before.is_some_and(|before| Arc::ptr_eq(before, locks)) {
                continue;
            }
            before = Some(locks);
            waited.extend(locks.iter().filter(|lock| seen.insert(*lock)));
        }
        waited
    }

    /// Finds all the locks that nodes wait for which were shown to wait for one.
    pub(super) fn complete_waits(&mut self) -> Result<(), LoadError> {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let Body::Gate(Gate::Locks(shown)) = &self.node(index).body else {
                self.complete_relock(index).map_err(LoadError::State)?;
                continue;
            };
            let shown = shown.at.and_then(|_| shown.locks.first()).cloned();
            let Some(planned) = self.template_of(index) else {
                continue;
            };
            let locks = self.locks_of(index, &planned).map_err(LoadError::State)?;
            let at = shown.map(|shown| {
                let place = locks.iter().position(|lock| lock.name == shown.name);
                place.unwrap_or(0) as u32
            });
            let waits = self.shared_locks.waits(WaitsForLocks { locks, at });
            self.nodes[index.offset()].body = Body::Gate(Gate::Locks(waits));
        }
        Ok(())
    }

    /// Argo asks anew for what is shown to run, and not to hold its locks.
    fn complete_relock(&mut self, index: NodeIndex) -> Result<(), String> {
        if !self.lacks_locks(index) {
            return Ok(());
        }
        let shown = self.waits_of(index).cloned();
        let shown = shown.and_then(|shown| shown.locks.first().cloned());
        self.note_locks_wanted(index, shown.as_ref())
    }

    /// What a shown status says of locks beyond the nodes'.
    pub(super) fn adopt_locks(&mut self, status: &SynchronizationStatus) {
        let whole = self.holder_key(NodeIndex::NONE);
        let is_own = |key: &str| {
            let rest = key.strip_prefix(&*whole);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut others = BTreeMap::new();
        let mut other = |lock: &str, holders: &[&String]| {
            let holders = holders.iter().filter(|key| !is_own(key));
            let holders: Vec<Arc<str>> = holders.map(|key| Arc::from(key.as_str())).collect();
            if !holders.is_empty() {
                others.insert(Arc::from(lock), holders);
            }
        };
        for waiting in status.semaphore.iter().flat_map(|status| &status.waiting) {
            let holders: Vec<&String> = waiting.holders.iter().collect();
            other(&waiting.semaphore, &holders);
        }
        for waiting in status.mutex.iter().flat_map(|status| &status.waiting) {
            other(&waiting.mutex, &[&waiting.holder]);
        }
        let held = shown_locks(status).remove(&ShownHolder::Workflow);
        self.status.locks = Some(Box::new(LockNotes {
            semaphores: status.semaphore.as_ref().map(|status| {
                let names = status.holding.iter().map(|held| held.semaphore.as_str());
                names.map(Arc::from).collect()
            }),
            mutexes: status.mutex.is_some(),
            held: held.map(Arc::from),
            waits: None,
            others,
        }));
    }
}

/// What a node is shown to wait for: one lock, with which others is not said.
pub(super) fn shown_wait(shown: Option<&NodeSynchronizationStatus>) -> WaitsForLocks {
    let shown = shown.filter(|shown| !shown.waiting.is_empty());
    let lock = shown.map(|shown| LockName {
        kind: LockKind::Mutex,
        name: Arc::from(shown.waiting.as_str()),
    });
    WaitsForLocks {
        at: lock.is_some().then_some(0),
        locks: lock.into_iter().collect(),
    }
}

/// Who holds a lock, as a status names them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ShownHolder<'a> {
    /// `<namespace>/<workflow>`.
    Workflow,
    /// `<namespace>/<workflow>/<node ID>`, or as Argo wrote once the ID alone.
    Node(&'a str),
}

/// The locks that a status shows as held, by their holders.
pub(super) fn shown_locks(
    status: &SynchronizationStatus,
) -> BTreeMap<ShownHolder<'_>, Vec<LockName>> {
    let mut shown: BTreeMap<ShownHolder<'_>, Vec<LockName>> = BTreeMap::new();
    let mut add = |holder, kind, lock: &str| {
        let name = Arc::from(lock);
        shown
            .entry(holder)
            .or_default()
            .push(LockName { kind, name });
    };
    for held in status.semaphore.iter().flat_map(|status| &status.holding) {
        for holder in &held.holders {
            add(shown_holder(holder), LockKind::Semaphore, &held.semaphore);
        }
    }
    for held in status.mutex.iter().flat_map(|status| &status.holding) {
        add(shown_holder(&held.holder), LockKind::Mutex, &held.mutex);
    }
    shown
}

fn shown_holder(key: &str) -> ShownHolder<'_> {
    let mut parts = key.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(id)) => ShownHolder::Node(id),
        (Some(_), Some(_), None) => ShownHolder::Workflow,
        (id, _, _) => ShownHolder::Node(id.unwrap_or_default()),
    }
}
