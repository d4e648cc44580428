//! Locks that all runners of one data directory share. What runs ask for and give back is done in
//! transactions of the store, and so is telling other runners what that brings for theirs. Who waits
//! looks again each second, since limits change, and runs are deleted, without a word to anybody.

use std::collections::{BTreeMap, BTreeSet};

use argosy_engine::fact::{Fact, Letter};
use argosy_engine::ids::{NodeIndex, RunId};
use argosy_engine::locks::{LockAnswer, LockHolder, LockRequest, LockSeed, LockSeen, LockTable};
use argosy_engine::run::Run;
use argosy_store::{Store, StoreError};

use crate::limits::Limits;

/// How often in a row locks are handed out to those who wait: a part of the table has the first of
/// them, so a limit that is raised by much takes several times. The rest goes the next second.
const MOST_HANDOUTS: usize = 1_000;

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

/// What became of requests: facts for runs of this process. Others have been told by letters.
pub(crate) type LockFacts = Vec<(RunId, Fact)>;

impl Locks {
    /// Whether a run of this process waits for a lock.
    pub fn has_waiters(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Another process has refused a request.
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
        let answers = self.transact(store, &seeds, is_ours, &mut |table, limits| {
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
        Ok(self.facts(answers, is_ours))
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
            .flat_map(|request| request.locks.iter())
            .map(|lock| LockSeed::Lock(lock.name.clone()))
            .collect();
        self.limits.forget();
        let mut facts = Vec::new();
        for _ in 0..MOST_HANDOUTS {
            let answers =
                self.transact(store, &seeds, is_ours, &mut |table, _| table.wake_all())?;
            let is_grant = |(_, seen): &LockAnswer| matches!(seen, LockSeen::Granted(_));
            let is_last = !answers.iter().any(is_grant);
            facts.extend(self.facts(answers, is_ours));
            if is_last {
                break;
            }
        }
        Ok(facts)
    }

    /// Others have said that these have what they asked for. The table tells whether that is still
    /// so: the letter may be older than what became of it since.
    pub fn told_granted(
        &mut self,
        store: &dyn Store,
        holders: BTreeSet<LockHolder>,
    ) -> Result<LockFacts, StoreError> {
        let waiting = |holder: &LockHolder| self.waiting.contains_key(holder);
        let holders: BTreeSet<LockHolder> = holders.into_iter().filter(waiting).collect();
        if holders.is_empty() {
            return Ok(Vec::new());
        }
        let seeds = holders.iter().copied().map(LockSeed::Holder).collect();
        let is_ours = |run| holders.iter().any(|holder| holder.run == run);
        let answers = self.transact(store, &seeds, &is_ours, &mut |table, _| {
            let held = table.requests().filter(|(_, held)| *held);
            held.filter(|(request, _)| holders.contains(&request.holder))
                .map(|(request, _)| (request.holder, LockSeen::Granted(request.locks.clone())))
                .collect()
        })?;
        Ok(self.facts(answers, &is_ours))
    }

    /// Enters what a run that was taken over holds, and gives up what else the table says of it:
    /// its last owner may have died before it gave that back, and what it waits for it asks again.
    pub fn take_over(&mut self, store: &dyn Store, run: &Run) -> Result<(), StoreError> {
        let held = run.held_locks();
        let holders: BTreeSet<LockHolder> = held.iter().map(|request| request.holder).collect();
        let seeds = held
            .iter()
            .flat_map(|request| request.locks.iter())
            .map(|lock| LockSeed::Lock(lock.name.clone()))
            .chain([LockSeed::Run(run.id())])
            .collect();
        // What one of them gives back another one of them may get, which is given back in turn: the
        // run itself is told of none of this.
        let is_ours = |id| id == run.id();
        self.transact(store, &seeds, &is_ours, &mut |table, _| {
            for request in &held {
                table.hold(request.clone());
            }
            let left = table.holders_of(run.id());
            let stale = left.into_iter().filter(|holder| !holders.contains(holder));
            stale.flat_map(|holder| table.release(holder)).collect()
        })?;
        Ok(())
    }

    /// Works on the table with the limits of all semaphores that it comes upon.
    fn transact(
        &mut self,
        store: &dyn Store,
        seeds: &BTreeSet<LockSeed>,
        is_ours: &dyn Fn(RunId) -> bool,
        work: &mut dyn FnMut(&mut LockTable, &Limits) -> Vec<LockAnswer>,
    ) -> Result<Vec<LockAnswer>, StoreError> {
        let mut all = Vec::new();
        for round in 1..=MOST_ROUNDS {
            let mut unread = Vec::new();
            let limits = &self.limits;
            let mut attempt = |table: &mut LockTable| {
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
            };
            let to_others = |answer: &LockAnswer| {
                let is_other = !is_ours(answer.0.run);
                is_other.then(|| letter(answer)).flatten()
            };
            let answers = store.with_locks(seeds, &mut attempt, &to_others)?;
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

    /// What became of requests of this process's runs.
    fn facts(&mut self, answers: Vec<LockAnswer>, is_ours: &dyn Fn(RunId) -> bool) -> LockFacts {
        let ours = answers
            .into_iter()
            .filter(|(holder, _)| is_ours(holder.run));
        ours.map(|(holder, seen)| {
            if !matches!(seen, LockSeen::Waiting { .. }) {
                self.waiting.remove(&holder);
            }
            (holder.run, Fact::LockSeen(holder.node, seen))
        })
        .collect()
    }
}

/// What another process's run is told of a request: that it waits, it knows.
fn letter((holder, seen): &LockAnswer) -> Option<Vec<u8>> {
    if matches!(seen, LockSeen::Waiting { .. }) {
        return None;
    }
    let letter = Letter::Lock {
        node: holder.node,
        lock_seen: seen.clone(),
    };
    Some(serde_json::to_vec(&letter).expect("a letter is plain data"))
}
