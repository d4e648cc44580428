//! Locks that all runners of one data directory share. What runs ask for and give back is done in
//! transactions of the store; who waits looks again each second, so that no grant is missed when
//! another process dies or deletes a run.

use std::collections::{BTreeMap, BTreeSet};

use argosy_engine::fact::{Fact, Letter};
use argosy_engine::ids::{NodeIndex, RunId};
use argosy_engine::locks::{LockAnswer, LockHolder, LockRequest, LockSeed, LockSeen, LockTable};
use argosy_engine::run::Run;
use argosy_store::{Store, StoreError};

use crate::limits::Limits;

/// How often a transaction is begun anew because it has met semaphores whose limits were not read.
const MOST_ROUNDS: u32 = 4;

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
    limits: Limits,
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
        for order in &orders {
            if let LockOrder::Ask(request) = order {
                // A semaphore that nobody asked for before is not in the table yet.
                self.limits.read_of(store, &request.locks)?;
            }
        }
        let answers = self.transact(store, &seeds, &mut |table, limits| {
            let mut answers = Vec::new();
            for order in &orders {
                match order {
                    LockOrder::Ask(request) => {
                        for lock in request.locks.iter() {
                            answers.extend(table.set_limit(&lock.name, limits.get(&lock.name)));
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

    /// Looks again at all that is waited for. What the table says is held is granted, whoever has
    /// granted it: that process may have died before it told.
    pub fn look_again(
        &mut self,
        store: &dyn Store,
        is_ours: &dyn Fn(RunId) -> bool,
    ) -> Result<LockFacts, StoreError> {
        let seeds: BTreeSet<LockSeed> = self
            .waiting
            .values()
            .flat_map(|request| request.locks.iter())
            .map(|lock| LockSeed::Lock(lock.name.clone()))
            .collect();
        self.limits.forget();
        let waiting: BTreeSet<LockHolder> = self.waiting.keys().copied().collect();
        let answers = self.transact(store, &seeds, &mut |table, _| {
            let mut answers = table.wake_all();
            let told: BTreeSet<LockHolder> = answers.iter().map(|(holder, _)| *holder).collect();
            let is_untold = |holder| waiting.contains(holder) && !told.contains(holder);
            let held = table.requests().filter(|(_, held)| *held);
            answers
                .extend(held.filter(|(request, _)| is_untold(&request.holder)).map(
                    |(request, _)| (request.holder, LockSeen::Granted(request.locks.clone())),
                ));
            answers
        })?;
        self.deliver(store, answers, is_ours)
    }

    /// Enters what a run that was taken over holds, and gives up what else the table says of it:
    /// its last owner may have died before it gave that back, and what it waits for it asks again.
    pub fn take_over(&mut self, store: &dyn Store, run: &Run) -> Result<LockFacts, StoreError> {
        let held = run.held_locks();
        let holders: BTreeSet<LockHolder> = held.iter().map(|request| request.holder).collect();
        let seeds = held
            .iter()
            .flat_map(|request| request.locks.iter())
            .map(|lock| LockSeed::Lock(lock.name.clone()))
            .chain([LockSeed::Run(run.id())])
            .collect();
        let answers = self.transact(store, &seeds, &mut |table, _| {
            for request in &held {
                table.hold(request.clone());
            }
            let left = table.holders_of(run.id());
            let stale = left.into_iter().filter(|holder| !holders.contains(holder));
            stale.flat_map(|holder| table.release(holder)).collect()
        })?;
        self.deliver(store, answers, &|id| id == run.id())
    }

    /// Works on the table with the limits of all semaphores that it comes upon.
    fn transact(
        &mut self,
        store: &dyn Store,
        seeds: &BTreeSet<LockSeed>,
        work: &mut dyn FnMut(&mut LockTable, &Limits) -> Vec<LockAnswer>,
    ) -> Result<Vec<LockAnswer>, StoreError> {
        let mut all = Vec::new();
        for round in 1..=MOST_ROUNDS {
            let mut unread = Vec::new();
            let limits = &self.limits;
            let answers = store.with_locks(seeds, &mut |table| {
                let semaphores = table.semaphores();
                unread = limits.unread(&semaphores);
                // One that is still not known at last counts as having room for one.
                if !unread.is_empty() && round < MOST_ROUNDS {
                    return Vec::new();
                }
                let mut answers = Vec::new();
                for name in semaphores {
                    answers.extend(table.set_limit(&name, limits.get(&name)));
                }
                answers.extend(work(table, limits));
                answers
            })?;
            all.extend(answers);
            if unread.is_empty() {
                break;
            }
            for name in unread {
                self.limits.read(store, name)?;
            }
        }
        Ok(all)
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
                let letter = serde_json::to_vec(&letter).expect("a letter is plain data");
                store.push_command(holder.run, letter)?;
            }
        }
        Ok(facts)
    }
}
