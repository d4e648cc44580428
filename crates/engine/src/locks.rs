//! Mutexes and semaphores: who holds them and who waits, in one pure table.
//!
//! Whoever asks for several locks gets all of them at once or none. Waiters go by priority, then by
//! the creation of their workflow; nodes of the workflow in front pass each other, so that one
//! that waits for another lock too does not keep its siblings.
//!
//! Those of one workflow who need the same locks are a group: what one of them can't have, none of
//! them can. A group stands with the one lock that holds it up, and is looked at when that changes;
//! so what a change costs does not grow with those who wait.
//! Argo: `workflow/sync/{sync_manager,semaphore,lock_name}.go`.

mod group;
mod lock;
mod names;
mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{NodeIndex, RunId};

use group::Groups;
use lock::{Front, Lock, Needs};

pub use names::lock_names;
pub use request::{
    LockAnswer, LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen, LockView,
    OtherHolders,
};

/// All locks of one owner.
#[derive(Default)]
pub struct LockTable {
    locks: BTreeMap<Arc<str>, Lock>,
    requests: BTreeMap<LockHolder, Request>,
    groups: Groups,
    limits: BTreeMap<Arc<str>, i64>,
}

/// A request, and how far it is.
struct Request {
    asked: LockRequest,
    /// What it waits for; `None` if it holds all that it asked for.
    needs: Option<Needs>,
    /// The lock that it was told to wait for last, with what of it was free, and the limit.
    told: Option<(Arc<str>, i64, i64)>,
}

impl LockTable {
    /// Says how many may hold a semaphore: the value of its ConfigMap's key, or the database's.
    /// `None`, when the source is gone, leaves what was known. Argo: `cached_limit.go`.
    pub fn set_limit(&mut self, name: &str, limit: Option<i64>) -> Vec<LockAnswer> {
        let Some(limit) = limit else {
            return Vec::new();
        };
        if self.limits.get(name) != Some(&limit) {
            self.limits.insert(Arc::from(name), limit);
        }
        match self.locks.get_mut(name) {
            Some(lock) if lock.kind == LockKind::Semaphore && lock.limit != limit => {
                lock.limit = limit;
            }
            _ => return Vec::new(),
        }
        self.wake([Arc::from(name)].into())
    }

    /// Asks for locks. Asking again for what is held grants it again.
    pub fn ask(&mut self, request: LockRequest) -> Vec<LockAnswer> {
        self.ask_all(vec![request])
    }

    /// Asks for locks for several at once: all stand in their queues before the first is granted.
    pub fn ask_all(&mut self, requests: Vec<LockRequest>) -> Vec<LockAnswer> {
        let (mut answers, mut changed) = (Vec::new(), BTreeSet::new());
        let mut asked = Vec::with_capacity(requests.len());
        for request in requests {
            let (front, holder) = (Front::of(&request), request.holder);
            match self.line_up(request, &mut changed) {
                Ok(()) => asked.push((front, holder)),
                Err(error) => answers.push((holder, LockSeen::Refused(error.into()))),
            }
        }
        asked.sort_unstable();
        let mut waiting = Vec::with_capacity(asked.len());
        for (_, holder) in asked {
            match self.attempt(holder) {
                Some(granted) => {
                    changed.extend(granted.iter().map(|lock| lock.name.clone()));
                    answers.push((holder, LockSeen::Granted(granted)));
                }
                None => waiting.push(holder),
            }
        }
        answers.extend(self.wake(changed));
        for holder in waiting {
            answers.extend(self.waiting(holder));
        }
        answers
    }

    /// Has a request stand in the queues of the locks that its holder does not have. What its holder
    /// has or waits for beyond it is given up.
    fn line_up(
        &mut self,
        request: LockRequest,
        changed: &mut BTreeSet<Arc<str>>,
    ) -> Result<(), String> {
        let holder = request.holder;
        for lock in request.locks.iter() {
            self.ensure(lock)?;
        }
        if let Some(before) = self.requests.remove(&holder) {
            self.leave_queues(&before, changed);
            let gone = |name: &&LockName| !request.locks.contains(name);
            for name in before.asked.locks.iter().filter(gone) {
                self.give_up(holder, name, changed);
            }
        }
        self.enter(request);
        Ok(())
    }

    fn give_up(&mut self, holder: LockHolder, name: &LockName, changed: &mut BTreeSet<Arc<str>>) {
        if let Some(lock) = self.locks.get_mut(&name.name)
            && lock.holders.remove(&holder).is_some()
        {
            changed.insert(name.name.clone());
        }
    }

    /// Enters a request, in the queues of what its holder does not have.
    fn enter(&mut self, request: LockRequest) {
        let (holder, front) = (request.holder, Front::of(&request));
        let lacks = |name: &LockName| {
            let lock = self.locks.get(&name.name);
            lock.is_some_and(|lock| !lock.holders.contains_key(&holder))
        };
        let needs = match request.locks.iter().filter(|name| lacks(name)).count() {
            0 => None,
            all if all == request.locks.len() => Some(request.locks.clone()),
            _ => Some((request.locks.iter().filter(|name| lacks(name)).cloned()).collect()),
        };
        if let Some(needs) = &needs {
            for name in needs.iter() {
                if let Some(lock) = self.locks.get_mut(&name.name) {
                    lock.line_up(holder, front);
                }
            }
            self.groups.join(&mut self.locks, front, holder.node, needs);
        }
        let request = Request {
            asked: request,
            needs,
            told: None,
        };
        self.requests.insert(holder, request);
    }

    /// Takes a request that waits out of its queues. Who is behind it is to be looked at.
    fn leave_queues(&mut self, request: &Request, changed: &mut BTreeSet<Arc<str>>) {
        let Some(needs) = &request.needs else {
            return;
        };
        let front = Front::of(&request.asked);
        for name in needs.iter() {
            if let Some(lock) = self.locks.get_mut(&name.name) {
                lock.leave(request.asked.holder, front);
                changed.insert(name.name.clone());
            }
        }
        let node = request.asked.holder.node;
        self.groups.leave(&mut self.locks, front, node, needs);
    }

    /// Gives up all that a holder holds or waits for.
    pub fn release(&mut self, holder: LockHolder) -> Vec<LockAnswer> {
        let Some(request) = self.requests.remove(&holder) else {
            return Vec::new();
        };
        let mut changed = BTreeSet::new();
        self.leave_queues(&request, &mut changed);
        for name in request.asked.locks.iter() {
            self.give_up(holder, name, &mut changed);
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
    pub fn hold(&mut self, mut request: LockRequest) {
        let holder = request.holder;
        for name in request.locks.iter() {
            self.known_lock(name)
                .holders
                .insert(holder, request.key.clone());
        }
        if let Some(known) = self.requests.remove(&holder) {
            self.leave_queues(&known, &mut BTreeSet::new());
            let more = |lock: &&LockName| !known.asked.locks.contains(lock);
            let more: Vec<LockName> = request.locks.iter().filter(more).cloned().collect();
            request = known.asked;
            if !more.is_empty() {
                request.locks = request.locks.iter().cloned().chain(more).collect();
            }
        }
        self.enter(request);
    }

    /// The table of requests as they are stored, each with whether it is held.
    pub fn stored<'a>(rows: impl IntoIterator<Item = &'a (LockRequest, bool)>) -> Self {
        Self::part(rows, Vec::new())
    }

    /// A part of the table, with what is known of those whose requests are not in it.
    pub fn part<'a>(
        rows: impl IntoIterator<Item = &'a (LockRequest, bool)>,
        others: Vec<OtherHolders>,
    ) -> Self {
        let mut table = Self::default();
        for other in others {
            let lock = table.known_lock(&other.lock);
            lock.holders.extend(other.first);
            lock.unseen = other.more;
        }
        let mut waiting = Vec::new();
        for (request, held) in rows {
            if *held {
                table.hold(request.clone());
            } else {
                // It waits, and nobody has tried yet whether it still must.
                for name in request.locks.iter() {
                    table.known_lock(name);
                }
                table.enter(request.clone());
                waiting.push(request.holder);
            }
        }
        for holder in waiting {
            table.find_hold_up(holder);
        }
        table
    }

    /// Parks a request that waits with what holds it up.
    fn find_hold_up(&mut self, holder: LockHolder) {
        if let Some(request) = self.requests.get(&holder)
            && let Some(needs) = &request.needs
            && let Some(at) = self.blocked(request)
        {
            let front = Front::of(&request.asked);
            self.groups
                .park(&mut self.locks, front, holder.node, needs, &at);
        }
    }

    /// A lock that is there, or has room for one as long as nobody says otherwise.
    fn known_lock(&mut self, name: &LockName) -> &mut Lock {
        let limit = self.limits.get(&name.name).copied();
        self.locks
            .entry(name.name.clone())
            .or_insert_with(|| Lock::new(name.kind, limit.unwrap_or(1)))
    }

    /// All requests, and whether each has what it asked for.
    pub fn requests(&self) -> impl Iterator<Item = (&LockRequest, bool)> {
        self.requests
            .values()
            .map(|request| (&request.asked, request.needs.is_none()))
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
        let mut waiting: BTreeMap<&str, BTreeMap<(Front, NodeIndex), Arc<str>>> = BTreeMap::new();
        for (holder, request) in &self.requests {
            for name in request.needs.iter().flat_map(|needs| needs.iter()) {
                let place = (Front::of(&request.asked), holder.node);
                let of_lock = waiting.entry(&name.name).or_default();
                of_lock.insert(place, request.asked.key.clone());
            }
        }
        self.locks
            .iter()
            .map(|(name, lock)| LockView {
                lock: LockName {
                    kind: lock.kind,
                    name: name.clone(),
                },
                limit: lock.limit,
                holders: lock.holders.values().cloned().collect(),
                waiting: waiting
                    .remove(&**name)
                    .map_or_else(Vec::new, |keys| keys.into_values().collect()),
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

    /// The first of the locks that a request needs and can't have.
    fn blocked(&self, request: &Request) -> Option<Arc<str>> {
        let front = Front::of(&request.asked);
        let mut needs = request.needs.iter().flat_map(|needs| needs.iter());
        let held_up = needs.find(|name| {
            let lock = self.locks.get(&name.name);
            lock.is_some_and(|lock| !lock.admits(front))
        });
        held_up.map(|name| name.name.clone())
    }

    /// Takes all locks of a request if each can be had: then, those.
    fn attempt(&mut self, holder: LockHolder) -> Option<Needs> {
        let request = self.requests.get(&holder)?;
        let front = Front::of(&request.asked);
        let all = request.asked.locks.clone();
        let Some(needs) = request.needs.clone() else {
            return Some(all);
        };
        if let Some(at) = self.blocked(request) {
            let locks = &mut self.locks;
            self.groups.park(locks, front, holder.node, &needs, &at);
            return None;
        }
        let request = self.requests.get_mut(&holder)?;
        request.needs = None;
        request.told = None;
        for name in needs.iter() {
            if let Some(lock) = self.locks.get_mut(&name.name) {
                lock.leave(holder, front);
                lock.holders.insert(holder, request.asked.key.clone());
            }
        }
        let locks = &mut self.locks;
        self.groups.leave(locks, front, holder.node, &needs);
        Some(all)
    }

    /// Tells one who waits how things stand, if that is news to it.
    fn waiting(&mut self, holder: LockHolder) -> Option<LockAnswer> {
        let at = self.blocked(self.requests.get(&holder)?)?;
        let request = self.requests.get_mut(&holder)?;
        let front = Front::of(&request.asked);
        let mut holders = Vec::new();
        for name in request.needs.iter().flat_map(|needs| needs.iter()) {
            let known = self.locks.get_mut(&name.name);
            if let Some(news) = known.and_then(|lock| lock.news_for(front)) {
                holders.push((name.clone(), news));
            }
        }
        let known = self.locks.get(&at)?;
        let told = Some((at.clone(), known.free(), known.limit));
        if holders.is_empty() && request.told == told {
            return None;
        }
        request.told = told;
        let message = known.message(&at).into();
        let seen = LockSeen::Waiting {
            lock: at,
            message,
            holders,
        };
        Some((holder, seen))
    }

    /// Grants what can be granted after these locks have changed, and tells the workflows that are
    /// in front how things stand now.
    fn wake(&mut self, changed: BTreeSet<Arc<str>>) -> Vec<LockAnswer> {
        let mut answers = Vec::new();
        let mut open = changed.clone();
        let mut touched = changed;
        // Each round grants a request, or moves a group to a lock that holds it up.
        while let Some(holder) = self.next_of(&mut open) {
            if let Some(granted) = self.attempt(holder) {
                for lock in granted.iter() {
                    touched.insert(lock.name.clone());
                    open.insert(lock.name.clone());
                }
                answers.push((holder, LockSeen::Granted(granted)));
            }
        }
        for name in touched {
            let Some(lock) = self.locks.get(&name) else {
                continue;
            };
            match lock.first_waiter() {
                Some(holder) => answers.extend(self.waiting(holder)),
                // Nobody will miss it; a semaphore keeps its limit.
                None if lock.held() == 0 && lock.kind == LockKind::Mutex => {
                    self.locks.remove(&name);
                }
                None => {}
            }
        }
        answers
    }

    /// Who is to try next whether one of these locks can be had. Those that nobody can have are taken
    /// out.
    fn next_of(&self, open: &mut BTreeSet<Arc<str>>) -> Option<LockHolder> {
        let mut first = None;
        open.retain(|name| {
            let lock = self.locks.get(name).filter(|lock| lock.free() > 0);
            let parked = lock.and_then(Lock::first_parked);
            first = [first, parked].into_iter().flatten().min();
            parked.is_some()
        });
        first.map(|(front, node)| front.holder(node))
    }
}

#[cfg(test)]
mod tests;
