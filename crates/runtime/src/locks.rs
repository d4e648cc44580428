//! Locks that all runners of one data directory share. What runs ask for and give back is done in
//! transactions of the store; who waits looks again each second, so that no grant is missed when
//! another process dies or deletes a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_engine::fact::{Fact, Letter};
use argosy_engine::ids::{NodeIndex, RunId};
use argosy_engine::locks::{LockAnswer, LockHolder, LockRequest, LockSeed, LockSeen, LockTable};
use argosy_engine::run::Run;
use argosy_store::{ObjectKind, Store, StoreError};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::sync_limit::add_database_limits;

/// What is to be done with locks, in order.
#[derive(Debug)]
pub(crate) enum LockOrder {
    Ask(LockRequest),
    Release(LockHolder),
}

/// What this process's runs wait for.
#[derive(Default)]
pub(crate) struct Locks {
    waiting: BTreeMap<LockHolder, LockRequest>,
}

/// What became of requests: facts for runs of this process. Others are told through the store.
pub(crate) type LockFacts = Vec<(RunId, Fact)>;

impl Locks {
    /// Whether a run of this process waits for a lock.
    pub fn has_waiters(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Another process has said what became of a request.
    pub fn answered(&mut self, run: RunId, node: NodeIndex) {
        self.waiting.remove(&LockHolder { run, node });
    }

    /// Asks for locks and gives locks back.
    pub fn work(
        &mut self,
        store: &dyn Store,
        orders: Vec<LockOrder>,
        is_ours: &dyn Fn(RunId) -> bool,
    ) -> Result<LockFacts, StoreError> {
        let mut seeds = BTreeSet::new();
        for order in &orders {
            match order {
                LockOrder::Ask(request) => {
                    seeds.extend(
                        request
                            .locks
                            .iter()
                            .map(|lock| LockSeed::Lock(lock.name.clone())),
                    );
                    seeds.insert(LockSeed::Holder(request.holder));
                    self.waiting.insert(request.holder, request.clone());
                }
                LockOrder::Release(holder) => {
                    self.waiting.remove(holder);
                    seeds.insert(LockSeed::Holder(*holder));
                }
            }
        }
        let limits = limits(store)?;
        let answers = store.with_locks(&seeds, &mut |table| {
            let mut answers = set_limits(table, &limits);
            for order in &orders {
                match order {
                    LockOrder::Ask(request) => {
                        // A semaphore that nobody asked for before is not in the table yet.
                        for lock in &request.locks {
                            let limit = limits.get(&*lock.name).copied();
                            answers.extend(table.set_limit(&lock.name, limit));
                        }
                        answers.extend(table.ask(request.clone()));
                    }
                    LockOrder::Release(holder) => answers.extend(table.release(*holder)),
                }
            }
            answers
        })?;
        self.deliver(store, answers, is_ours)
    }

    /// Looks again at all that is waited for.
    pub fn look_again(
        &mut self,
        store: &dyn Store,
        is_ours: &dyn Fn(RunId) -> bool,
    ) -> Result<LockFacts, StoreError> {
        let seeds: BTreeSet<LockSeed> = self
            .waiting
            .values()
            .flat_map(|request| &request.locks)
            .map(|lock| LockSeed::Lock(lock.name.clone()))
            .collect();
        let limits = limits(store)?;
        let answers = store.with_locks(&seeds, &mut |table| {
            let mut answers = set_limits(table, &limits);
            answers.extend(table.wake_all());
            answers
        })?;
        self.deliver(store, answers, is_ours)
    }

    /// Enters what a run that was taken over holds.
    pub fn take_over(&self, store: &dyn Store, run: &Run) -> Result<(), StoreError> {
        let held = run.held_locks();
        if held.is_empty() {
            return Ok(());
        }
        let seeds = held
            .iter()
            .flat_map(|request| &request.locks)
            .map(|lock| LockSeed::Lock(lock.name.clone()))
            .chain([LockSeed::Run(run.id())])
            .collect();
        store.with_locks(&seeds, &mut |table| {
            for request in &held {
                table.hold(request.clone());
            }
            Vec::new()
        })?;
        Ok(())
    }

    fn deliver(
        &mut self,
        store: &dyn Store,
        answers: Vec<LockAnswer>,
        is_ours: &dyn Fn(RunId) -> bool,
    ) -> Result<LockFacts, StoreError> {
        let mut facts = Vec::new();
        for (holder, seen) in answers {
            let waits = matches!(seen, LockSeen::Waiting { .. });
            if is_ours(holder.run) {
                if !waits {
                    self.waiting.remove(&holder);
                }
                facts.push((holder.run, Fact::LockSeen(holder.node, seen)));
            } else if !waits {
                let letter = Letter::Lock {
                    node: holder.node,
                    lock_seen: seen,
                };
                let letter = serde_json::to_vec(&letter).unwrap_or_default();
                store.push_command(holder.run, letter)?;
            }
        }
        Ok(facts)
    }
}

/// What the ConfigMaps say of semaphores now, by the locks' names.
fn limits(store: &dyn Store) -> Result<BTreeMap<Arc<str>, i64>, StoreError> {
    let mut limits = BTreeMap::new();
    store.objects(ObjectKind::ConfigMap, None, &mut |object| {
        let Ok(map) = serde_json::from_slice::<ConfigMap>(&object.json) else {
            return;
        };
        for (key, value) in map.data.unwrap_or_default() {
            if let Ok(limit) = value.trim().parse() {
                let lock = format!("{}/ConfigMap/{}/{key}", object.namespace, object.name);
                limits.insert(Arc::from(lock), limit);
            }
        }
    })?;
    add_database_limits(store, &mut limits)?;
    Ok(limits)
}

fn set_limits(table: &mut LockTable, limits: &BTreeMap<Arc<str>, i64>) -> Vec<LockAnswer> {
    let mut answers = Vec::new();
    for name in table.semaphores() {
        answers.extend(table.set_limit(&name, limits.get(&name).copied()));
    }
    answers
}
