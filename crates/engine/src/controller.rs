//! Many runs: whose turn it is, what is due when, whose pods go next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use argosy_api::ShutdownStrategy;

use crate::effect::{Effect, PodRequest};
use crate::fact::Fact;
use crate::ids::{RunId, Seconds};
use crate::locks::{LockAnswer, LockHolder, LockRequest, LockTable, LockView};
use crate::run::{Run, Turn};
use crate::throttle::{POSTPONED, Throttle};

/// The runs that this process owns.
#[derive(Default)]
pub struct Controller {
    runs: BTreeMap<RunId, Run>,
    /// Runs that have something to do, in turn.
    ready: VecDeque<RunId>,
    queued: BTreeSet<RunId>,
    /// When a run has something to do.
    due: BTreeSet<(Seconds, RunId)>,
    due_of: BTreeMap<RunId, Seconds>,
    /// Runs whose pods wait for slots, in turn.
    wanting: VecDeque<RunId>,
    locks: LockTable,
    shares_locks: bool,
    throttle: Throttle,
    /// Runs that have not begun; they queue up once all are there.
    unstarted: Vec<RunId>,
    /// Runs that were loaded and have not had their first turn. Until they have, nobody is granted
    /// a lock: what they ask for may go before.
    returning: BTreeSet<RunId>,
    /// What was asked for in the meantime.
    asks: Vec<LockRequest>,
    /// The latest time that this controller was told.
    now: Seconds,
}

impl Controller {
    /// A controller whose locks belong to somebody else: effects that ask for them and give them
    /// back are handed out like others, and answers come as facts.
    pub fn with_shared_locks() -> Self {
        Self {
            shares_locks: true,
            ..Self::default()
        }
    }

    /// Takes a run over. Add all runs before the first turn: what they hold of locks is entered
    /// here.
    pub fn add(&mut self, run: Run) {
        let id = run.id();
        if !self.shares_locks {
            for request in run.held_locks() {
                self.locks.hold(request);
            }
        }
        let namespace = run.definition().namespace().to_owned();
        let waits = run.awaits_start();
        let returns = run.phase().is_some();
        let runs = !run.awaits_start() && !run.is_over();
        self.runs.insert(id, run);
        if runs {
            self.throttle.enter(id, &namespace);
        }
        if waits {
            self.unstarted.push(id);
        }
        if returns {
            self.returning.insert(id);
        }
        self.wake(id);
    }

    /// Gives a run up: it has ended, or another process owns it now.
    pub fn remove(&mut self, id: RunId) -> Option<Run> {
        if let Some(at) = self.due_of.remove(&id) {
            self.due.remove(&(at, id));
        }
        self.wanting.retain(|&wanting| wanting != id);
        let run = self.runs.remove(&id);
        self.returning.remove(&id);
        self.asks.retain(|request| request.holder.run != id);
        self.ended(id);
        self.grant_asked();
        run
    }

    /// Hands what was asked for to the table, once all runs that were loaded have asked.
    fn grant_asked(&mut self) {
        if self.returning.is_empty() && !self.asks.is_empty() {
            let asks = std::mem::take(&mut self.asks);
            let answers = self.locks.ask_all(asks);
            self.tell_locks(answers);
        }
    }

    /// One of the runs.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// All runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Tells a run a fact. A fact about a run that is not here is dropped.
    pub fn tell(&mut self, at: Seconds, id: RunId, fact: Fact) {
        self.now = self.now.max(at);
        if fact == Fact::Started {
            self.unstarted.retain(|&waiting| waiting != id);
        }
        let fact = match fact {
            Fact::Started if !self.admits(id) => Fact::Postponed(POSTPONED.into()),
            fact => fact,
        };
        if let Some(run) = self.runs.get_mut(&id) {
            run.tell(at, fact);
            self.wake(id);
        }
    }

    fn admits(&mut self, id: RunId) -> bool {
        let Some(run) = self.runs.get(&id) else {
            return true;
        };
        let definition = run.definition().clone();
        // What is to be terminated is let through to its end.
        if definition.workflow.spec.shutdown == Some(ShutdownStrategy::Terminate) {
            return true;
        }
        let metadata = &definition.workflow.metadata;
        let created_at = metadata
            .creation_timestamp
            .as_ref()
            .map_or(Seconds(0), crate::timestamp::seconds);
        let priority = definition.workflow.spec.priority.unwrap_or(0);
        self.throttle
            .admit(id, definition.namespace(), priority, created_at)
    }

    /// A holder needs its locks no more: [`Effect::ReleaseLocks`], once it is committed.
    pub fn release_locks(&mut self, holder: LockHolder) {
        // It may have asked after a restart, and ended before anyone was granted a lock.
        self.asks.retain(|request| request.holder != holder);
        let answers = self.locks.release(holder);
        self.tell_locks(answers);
    }

    fn tell_locks(&mut self, answers: Vec<LockAnswer>) {
        for (holder, seen) in answers {
            self.tell(self.now, holder.run, Fact::LockSeen(holder.node, seen));
        }
    }

    /// A run has ended and its end is committed: others may begin, and what it held is free.
    pub fn ended(&mut self, id: RunId) {
        let answers = self.locks.forget(id);
        self.tell_locks(answers);
        self.leave_throttle(id);
    }

    fn leave_throttle(&mut self, id: RunId) {
        self.throttle.leave(id);
        self.begin_admitted();
    }

    fn begin_admitted(&mut self) {
        for id in self.throttle.admit_waiting() {
            self.tell(self.now, id, Fact::Started);
        }
    }

    /// Sets how many workflows may run at a time, in all and in each namespace; 0 for no limit.
    /// Argo: `parallelism`, `namespaceParallelism`.
    pub fn set_parallelism(&mut self, total: u32, namespace: u32) {
        self.throttle.set_limits(total, namespace);
        self.begin_admitted();
    }

    /// Sets how many workflows of one namespace may run at a time.
    pub fn set_namespace_parallelism(&mut self, namespace: &str, limit: Option<u32>) {
        self.throttle.set_namespace(namespace, limit);
        self.begin_admitted();
    }

    /// Says how many may hold a semaphore: see [`LockTable::set_limit`].
    pub fn set_semaphore_limit(&mut self, name: &str, limit: Option<i64>) {
        let answers = self.locks.set_limit(name, limit);
        self.tell_locks(answers);
    }

    /// The locks that have been asked for.
    pub fn locks(&self) -> Vec<LockView> {
        self.locks.list()
    }

    /// Has each run look at all of its nodes in its next turn; see [`Run::look_at_everything`].
    pub fn look_at_everything(&mut self) {
        for run in self.runs.values_mut() {
            run.look_at_everything();
        }
    }

    fn wake(&mut self, id: RunId) {
        if self.queued.insert(id) {
            self.ready.push_back(id);
        }
    }

    /// Gives the next run its turn; `None` if no run has anything to do by `now`.
    pub fn turn(&mut self, now: Seconds) -> Option<(RunId, Turn)> {
        for id in std::mem::take(&mut self.unstarted) {
            self.tell(now, id, Fact::Started);
        }
        while let Some(&(at, id)) = self.due.first() {
            if at > now {
                break;
            }
            self.due.pop_first();
            self.due_of.remove(&id);
            self.wake(id);
        }
        while let Some(id) = self.ready.pop_front() {
            self.queued.remove(&id);
            let Some(run) = self.runs.get_mut(&id) else {
                continue;
            };
            self.now = self.now.max(now);
            let turn = run.turn(now);
            let turn = self.after_turn(id, turn);
            self.returning.remove(&id);
            self.grant_asked();
            return Some((id, turn));
        }
        None
    }

    /// Gives one run its turn; `None` if it has nothing to do by `now`.
    pub fn turn_of(&mut self, now: Seconds, id: RunId) -> Option<Turn> {
        let due = self.due_of.get(&id).is_some_and(|&at| at <= now);
        if !due && !self.queued.contains(&id) {
            return None;
        }
        self.queued.insert(id);
        self.ready.retain(|&ready| ready != id);
        self.ready.push_front(id);
        // Whoever looks at one run does not wait for others.
        self.returning.clear();
        self.turn(now).map(|(_, turn)| turn)
    }

    /// Has one run take in a fact, with what it has been told before, and leave what follows from
    /// it to its next turn. `None`, and nothing is told, if the run has not begun. See
    /// [`Run::hear`].
    pub fn hear(&mut self, now: Seconds, id: RunId, fact: Fact) -> Option<Turn> {
        let run = self.runs.get_mut(&id).filter(|run| !run.awaits_start())?;
        self.now = self.now.max(now);
        run.tell(now, fact);
        let turn = run.hear(now);
        Some(self.after_turn(id, turn))
    }

    /// What a run wants next, and what is kept of a turn's effects.
    fn after_turn(&mut self, id: RunId, mut turn: Turn) -> Turn {
        let Some(run) = self.runs.get(&id) else {
            return turn;
        };
        let more = turn.unfinished || run.has_work();
        let next = run.next_due();
        let wants = run.wanted_pods() > 0;
        if more {
            self.wake(id);
        }
        self.set_due(id, next);
        if wants && !self.wanting.contains(&id) {
            self.wanting.push_back(id);
        }
        if !self.shares_locks {
            turn.effects.retain(|effect| match effect {
                Effect::AskLocks(request) => {
                    self.asks.push((**request).clone());
                    false
                }
                _ => true,
            });
        }
        turn
    }

    fn set_due(&mut self, id: RunId, next: Option<Seconds>) {
        if let Some(before) = self.due_of.remove(&id) {
            self.due.remove(&(before, id));
        }
        if let Some(at) = next {
            self.due.insert((at, id));
            self.due_of.insert(id, at);
        }
    }

    /// The next time at which a run has something to do.
    pub fn next_due(&self) -> Option<Seconds> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether a run has something to do at once.
    pub fn has_work(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Lowers up to `most` pods, going round the runs that want some.
    pub fn pull(&mut self, most: usize) -> Vec<PodRequest> {
        let mut requests = Vec::new();
        while requests.len() < most {
            let Some(id) = self.wanting.pop_front() else {
                break;
            };
            let Some(run) = self.runs.get_mut(&id) else {
                continue;
            };
            let others = !self.wanting.is_empty();
            let share = if others { 1 } else { most - requests.len() };
            requests.extend(run.pull(share));
            let (wants, work) = (run.wanted_pods() > 0, run.has_work());
            if wants {
                self.wanting.push_back(id);
            }
            if work {
                self.wake(id);
            }
        }
        requests
    }

    /// How many pods wait to be pulled.
    pub fn wanted_pods(&self) -> usize {
        self.wanting
            .iter()
            .filter_map(|id| self.runs.get(id))
            .map(Run::wanted_pods)
            .sum()
    }
}
