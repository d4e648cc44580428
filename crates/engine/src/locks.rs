//! Mutexes and semaphores: who holds them and who waits, in one pure table.
//!
//! Whoever asks for several locks gets all of them at once or none. Waiters go by priority, then by
//! the creation of their workflow; nodes of the workflow in front pass each other, so that one
//! that waits for another lock too does not keep its siblings.
//! Argo: `workflow/sync/{sync_manager,semaphore,lock_name}.go`.

mod lock;
mod names;
mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{NodeIndex, RunId};

use lock::{Lock, Place};

pub use names::lock_names;
pub use request::{
    LockAnswer, LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen, LockView,
};

/// All locks of one owner.
#[derive(Default)]
pub struct LockTable {
    locks: BTreeMap<Arc<str>, Lock>,
    requests: BTreeMap<LockHolder, LockRequest>,
    limits: BTreeMap<Arc<str>, i64>,
}

/// What came of trying to take all locks of a request.
enum Attempt {
    Granted(Vec<LockName>),
    /// The first lock that can't be had, and what Argo says then.
    Blocked(Arc<str>, String),
}

impl LockTable {
    /// Says how many may hold a semaphore: the value of its ConfigMap's key, or the database's.
    /// `None`, when the source is gone, leaves what was known. Argo: `cached_limit.go`.
    pub fn set_limit(&mut self, name: &str, limit: Option<i64>) -> Vec<LockAnswer> {
        let Some(limit) = limit else {
            return Vec::new();
        };
        let name: Arc<str> = Arc::from(name);
        self.limits.insert(name.clone(), limit);
        match self.locks.get_mut(&name) {
            Some(lock) if lock.kind == LockKind::Semaphore => lock.limit = limit,
            _ => return Vec::new(),
        }
        self.wake([name].into())
    }

    /// Asks for locks. Asking again for what is held grants it again.
    pub fn ask(&mut self, request: LockRequest) -> Vec<LockAnswer> {
        let holder = request.holder;
        for lock in &request.locks {
            if let Err(error) = self.ensure(lock) {
                return vec![(holder, LockSeen::Refused(error.into()))];
            }
        }
        let names: BTreeSet<Arc<str>> =
            request.locks.iter().map(|lock| lock.name.clone()).collect();
        self.line_up(request);
        match self.attempt(holder) {
            Some(Attempt::Granted(granted)) => {
                let mut answers = vec![(holder, LockSeen::Granted(granted))];
                answers.extend(self.wake(names));
                answers
            }
            Some(Attempt::Blocked(lock, message)) => vec![self.waiting(holder, lock, message)],
            None => Vec::new(),
        }
    }

    /// Asks for locks for several at once: all stand in their queues before the first is granted.
    pub fn ask_all(&mut self, requests: Vec<LockRequest>) -> Vec<LockAnswer> {
        let [request] = &requests[..] else {
            return self.ask_together(requests);
        };
        self.ask(request.clone())
    }

    fn ask_together(&mut self, requests: Vec<LockRequest>) -> Vec<LockAnswer> {
        let mut answers = Vec::new();
        let mut asked = Vec::new();
        let mut names = BTreeSet::new();
        for request in requests {
            let refused = request
                .locks
                .iter()
                .find_map(|lock| self.ensure(lock).err());
            if let Some(error) = refused {
                answers.push((request.holder, LockSeen::Refused(error.into())));
                continue;
            }
            names.extend(request.locks.iter().map(|lock| lock.name.clone()));
            asked.push(request.holder);
            self.line_up(request);
        }
        answers.extend(self.wake(names));
        let granted: BTreeSet<LockHolder> = answers
            .iter()
            .filter(|(_, seen)| matches!(seen, LockSeen::Granted(_)))
            .map(|(holder, _)| *holder)
            .collect();
        for holder in asked.into_iter().filter(|holder| !granted.contains(holder)) {
            match self.attempt(holder) {
                Some(Attempt::Granted(granted)) => {
                    answers.push((holder, LockSeen::Granted(granted)));
                }
                Some(Attempt::Blocked(lock, message)) => {
                    let answer = self.waiting(holder, lock, message);
                    answers.push(answer);
                }
                None => {}
            }
        }
        answers
    }

    /// Has a request stand in the queues of the locks that its holder does not have.
    fn line_up(&mut self, request: LockRequest) {
        let place = Place::of(&request);
        for lock in &request.locks {
            if let Some(lock) = self.locks.get_mut(&lock.name)
                && !lock.holders.contains_key(&request.holder)
            {
                lock.queue.insert(place);
            }
        }
        self.requests.insert(request.holder, request);
    }

    /// Gives up all that a holder holds or waits for.
    pub fn release(&mut self, holder: LockHolder) -> Vec<LockAnswer> {
        let Some(request) = self.requests.remove(&holder) else {
            return Vec::new();
        };
        let place = Place::of(&request);
        let mut changed = BTreeSet::new();
        for name in &request.locks {
            if let Some(lock) = self.locks.get_mut(&name.name) {
                lock.queue.remove(&place);
                if lock.holders.remove(&holder).is_some() {
                    lock.version += 1;
                }
                changed.insert(name.name.clone());
            }
        }
        self.wake(changed)
    }

    /// Gives up all that a run and its nodes hold or wait for.
    pub fn forget(&mut self, run: RunId) -> Vec<LockAnswer> {
        let mut answers = Vec::new();
        for holder in self.holders_of(run) {
            answers.extend(self.release(holder));
        }
        answers.retain(|(holder, _)| holder.run != run);
        answers
    }

    /// What of a run holds or waits for locks.
    pub fn holders_of(&self, run: RunId) -> Vec<LockHolder> {
        let first = LockHolder {
            run,
            node: NodeIndex(0),
        };
        let last = LockHolder {
            run,
            node: NodeIndex::NONE,
        };
        let holders = self.requests.range(first..=last);
        holders.map(|(holder, _)| *holder).collect()
    }

    /// Enters what a run that was loaded holds, whatever the limit says now.
    /// Argo: `prioritySemaphore.reacquire`.
    pub fn hold(&mut self, request: LockRequest) {
        for name in &request.locks {
            let limit = self.limits.get(&name.name).copied();
            let lock = self
                .locks
                .entry(name.name.clone())
                .or_insert_with(|| Lock::new(name.kind, limit.unwrap_or(1)));
            lock.holders.insert(request.holder, request.key.clone());
            lock.version += 1;
        }
        match self.requests.get_mut(&request.holder) {
            Some(known) => {
                for lock in request.locks {
                    if !known.locks.contains(&lock) {
                        known.locks.push(lock);
                    }
                }
            }
            None => {
                self.requests.insert(request.holder, request);
            }
        }
    }

    /// The table of requests as they are stored, each with whether it is held.
    pub fn stored<'a>(rows: impl IntoIterator<Item = &'a (LockRequest, bool)>) -> Self {
        let mut table = Self::default();
        for (request, held) in rows {
            if *held {
                table.hold(request.clone());
            } else {
                table.enqueue(request.clone());
            }
        }
        table
    }

    /// Enters a request that waits, as it stands in a store, without trying to grant it.
    fn enqueue(&mut self, request: LockRequest) {
        let place = Place::of(&request);
        for name in &request.locks {
            let limit = self.limits.get(&name.name).copied();
            self.locks
                .entry(name.name.clone())
                .or_insert_with(|| Lock::new(name.kind, limit.unwrap_or(1)))
                .queue
                .insert(place);
        }
        self.requests.insert(request.holder, request);
    }

    /// All requests, and whether each has what it asked for.
    pub fn requests(&self) -> impl Iterator<Item = (&LockRequest, bool)> {
        self.requests.values().map(|request| {
            let holds = request.locks.iter().all(|name| {
                self.locks
                    .get(&name.name)
                    .is_some_and(|lock| lock.holders.contains_key(&request.holder))
            });
            (request, holds)
        })
    }

    /// Grants whatever can be granted.
    pub fn wake_all(&mut self) -> Vec<LockAnswer> {
        self.wake(self.locks.keys().cloned().collect())
    }

    /// The semaphores of the table.
    pub fn semaphores(&self) -> Vec<Arc<str>> {
        let semaphores = self
            .locks
            .iter()
            .filter(|(_, lock)| lock.kind == LockKind::Semaphore);
        semaphores.map(|(name, _)| name.clone()).collect()
    }

    /// All locks that have been asked for, by name.
    pub fn list(&self) -> Vec<LockView> {
        self.locks
            .iter()
            .map(|(name, lock)| LockView {
                lock: LockName {
                    kind: lock.kind,
                    name: name.clone(),
                },
                limit: lock.limit,
                holders: lock.holders.values().cloned().collect(),
                waiting: lock
                    .queue
                    .iter()
                    .filter_map(|place| self.requests.get(&place.holder()))
                    .map(|request| request.key.clone())
                    .collect(),
            })
            .collect()
    }

    fn ensure(&mut self, name: &LockName) -> Result<(), String> {
        if self.locks.contains_key(&name.name) {
            return Ok(());
        }
        let limit = match name.kind {
            LockKind::Mutex => 1,
            LockKind::Semaphore => match self.limits.get(&name.name) {
                Some(&limit) if limit != 0 => limit,
                _ => {
                    return Err(format!(
                        "failed to initialize semaphore {} with limit",
                        name.name
                    ));
                }
            },
        };
        self.locks
            .insert(name.name.clone(), Lock::new(name.kind, limit));
        Ok(())
    }

    /// Takes all locks of a request if each can be had; else the first that can't and why.
    fn attempt(&mut self, holder: LockHolder) -> Option<Attempt> {
        let request = self.requests.get(&holder)?;
        let place = Place::of(request);
        for name in &request.locks {
            let Some(lock) = self.locks.get(&name.name) else {
                continue;
            };
            if lock.holders.contains_key(&holder) {
                continue;
            }
            let behind = lock
                .queue
                .first()
                .is_some_and(|front| !front.same_front(place));
            if behind || lock.free() <= 0 {
                let message = lock.message(&name.name);
                return Some(Attempt::Blocked(name.name.clone(), message));
            }
        }
        let names = request.locks.clone();
        let key = request.key.clone();
        for name in &names {
            if let Some(lock) = self.locks.get_mut(&name.name) {
                lock.queue.remove(&place);
                if lock.holders.insert(holder, key.clone()).is_none() {
                    lock.version += 1;
                }
            }
        }
        Some(Attempt::Granted(names))
    }

    fn waiting(&mut self, holder: LockHolder, lock: Arc<str>, message: String) -> LockAnswer {
        let names = self
            .requests
            .get(&holder)
            .map_or_else(Vec::new, |request| request.locks.clone());
        let mut holders = Vec::new();
        for name in names {
            if let Some(lock) = self.locks.get_mut(&name.name) {
                let told = lock.told.insert(holder.run, lock.version);
                if told != Some(lock.version) {
                    holders.push((name, lock.holders.values().cloned().collect()));
                }
            }
        }
        let seen = LockSeen::Waiting {
            lock,
            message: message.into(),
            holders,
        };
        (holder, seen)
    }

    /// Grants what can be granted after these locks have changed, and tells the workflows that are
    /// in front how things stand now.
    fn wake(&mut self, changed: BTreeSet<Arc<str>>) -> Vec<LockAnswer> {
        let mut answers = Vec::new();
        let mut open = changed.clone();
        let mut touched = changed;
        while let Some(name) = open.pop_first() {
            while let Some((holder, granted)) = self.grant_next(&name) {
                for other in &granted {
                    touched.insert(other.name.clone());
                    if other.name != name {
                        open.insert(other.name.clone());
                    }
                }
                answers.push((holder, LockSeen::Granted(granted)));
            }
        }
        for name in touched {
            let Some(front) = self.locks.get(&name).and_then(|lock| lock.queue.first()) else {
                continue;
            };
            let holder = front.holder();
            let stale = self
                .locks
                .get(&name)
                .is_some_and(|lock| lock.told.get(&holder.run) != Some(&lock.version));
            if stale && let Some(Attempt::Blocked(lock, message)) = self.attempt(holder) {
                answers.push(self.waiting(holder, lock, message));
            }
        }
        answers
    }

    fn grant_next(&mut self, name: &Arc<str>) -> Option<(LockHolder, Vec<LockName>)> {
        let lock = self.locks.get(name)?;
        if lock.free() <= 0 {
            return None;
        }
        let front = *lock.queue.first()?;
        let mut next = Some(front);
        while let Some(place) = next.filter(|place| place.same_front(front)) {
            if let Some(Attempt::Granted(granted)) = self.attempt(place.holder()) {
                return Some((place.holder(), granted));
            }
            let behind = (std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded);
            next = self.locks.get(name)?.queue.range(behind).next().copied();
        }
        None
    }
}

#[cfg(test)]
mod tests;
