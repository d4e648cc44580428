//! The one loop: facts in, turns, commits, effects out.
//!
//! A turn's commit is handed to the store at once; its effects, and the pods that were lowered
//! after it, are carried out when the store has answered. So nobody is told of what a crash could
//! take back, and turns go on while commits are under way.

mod handle;
mod observer;
mod perform;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_engine::commit::Commit;
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::effect::{Effect, PodRequest};
use argosy_engine::fact::{Fact, Letter};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::locks::LockSeen;
use argosy_engine::outbox;
use argosy_engine::run::Run;
use argosy_engine::settings::Settings;
use argosy_store::{Claim, CommandId, CommandRow, Durability, Epoch, Store, StoreError};

use crate::backend::{Backend, BackendEvent};
use crate::locks::{LockFacts, LockOrder, Locks};

use handle::Message;

pub use handle::Handle;
pub use observer::{NoObserver, Observer};

/// How long at most until another process's command is seen.
const POLL: Duration = Duration::from_millis(100);

/// How long at most until a changed limit of a semaphore is seen by who waits for it.
const LIMITS: Duration = Duration::from_secs(1);

/// Commits that may be under way before turns wait for them.
const MOST_COMMITS: usize = 64;

/// Why a pump ended.
#[derive(Debug, thiserror::Error)]
pub enum PumpError {
    /// The store can't be written or read.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// A run's definition can't be read.
    #[error("the definition of run {0} can't be read: {1}")]
    Definition(u64, String),
    /// A run can't be loaded.
    #[error("run {0} can't be loaded: {1}")]
    Load(u64, argosy_engine::run::LoadError),
    /// What a run had still to have done can't be read.
    #[error("the outbox of run {0} can't be read: {1}")]
    Outbox(u64, outbox::OutboxError),
    /// The backend can't go on.
    #[error("the backend failed: {0}")]
    Backend(String),
}

/// What waits for a commit to be answered.
#[derive(Default)]
struct Pending {
    commit: u64,
    run: Option<RunId>,
    effects: Vec<Effect>,
    /// The number under which what must not be lost of them stands in the run's outbox.
    outbox: Option<u64>,
    requests: Vec<PodRequest>,
    changed: Vec<u32>,
    /// The table of metrics may have refused what the turn told.
    told_metrics: bool,
    /// The run is let go.
    ended: bool,
}

impl Pending {
    fn after(commit: u64) -> Self {
        Self {
            commit,
            ..Self::default()
        }
    }
}

/// Why [`Pump::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// No run is left.
    Idle,
    /// It was told to.
    Stopped,
}

/// When a pump comes back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// As soon as it owns no run.
    NoRuns,
    /// When it has owned no run for this long; meanwhile it takes over runs that nobody owns.
    IdleFor(Duration),
}

/// The loop around the core.
pub struct Pump {
    store: Arc<dyn Store>,
    settings: Arc<Settings>,
    controller: Controller,
    locks: Locks,
    /// Another process has granted a lock to one of the runs.
    was_granted: bool,
    claims: BTreeMap<RunId, Claim>,
    inbox: Receiver<Message>,
    handle: Handle,
    pending: VecDeque<Pending>,
    next_commit: u64,
    committed: u64,
    slots: u32,
    last_command: CommandId,
    /// The last letter of each run that was taken in.
    taken: BTreeMap<RunId, CommandId>,
    consumed: BTreeMap<RunId, Vec<u64>>,
    /// Runs that have ended and had more to be told.
    ending: BTreeSet<RunId>,
    /// Runs that were taken over and whose pods have not been told yet, with those that they have
    /// asked for meanwhile.
    awaiting_pods: BTreeMap<RunId, Vec<PodKey>>,
    stopping: bool,
}

impl Pump {
    /// A pump without runs.
    pub fn new(store: Arc<dyn Store>, settings: Arc<Settings>) -> Self {
        let (handle, inbox) = Handle::new();
        let mut pump = Self {
            store,
            settings,
            controller: Controller::with_shared_locks(),
            locks: Locks::default(),
            was_granted: false,
            claims: BTreeMap::new(),
            inbox,
            handle,
            pending: VecDeque::new(),
            next_commit: 1,
            committed: 0,
            slots: 0,
            last_command: CommandId(0),
            taken: BTreeMap::new(),
            consumed: BTreeMap::new(),
            ending: BTreeSet::new(),
            awaiting_pods: BTreeMap::new(),
            stopping: false,
        };
        pump.configure(pump.settings.clone());
        pump
    }

    fn configure(&mut self, settings: Arc<Settings>) {
        let (total, namespace) = settings.config.parallelism_limits();
        self.controller.set_parallelism(total, namespace);
        self.settings = settings;
    }

    /// Reaches the pump from elsewhere; also the sink of its backend's events.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes a run over, from where it stands in the store. `false` if another process owns it.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn adopt(&mut self, id: RunId, backend: &mut dyn Backend) -> Result<bool, PumpError> {
        if self.claims.contains_key(&id) {
            return Ok(true);
        }
        let Some(claim) = self.store.claim(id)? else {
            return Ok(false);
        };
        self.take(claim, backend)?;
        Ok(true)
    }

    /// Takes a run over that is this process's already, from where it stands in the store.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn take(&mut self, claim: Claim, backend: &mut dyn Backend) -> Result<(), PumpError> {
        let id = claim.run;
        let mut rows = Vec::new();
        let stored = self.store.load(id, &mut |row| rows.push(row))?;
        let definition: Definition = serde_json::from_slice(&stored.definition)
            .map_err(|error| PumpError::Definition(id.0, error.to_string()))?;
        let mut values = BTreeMap::new();
        self.store.values(id, &mut |hash, text| {
            values.insert(hash, Arc::<str>::from(text));
        })?;
        let fresh = rows.is_empty() && stored.state.is_none();
        let run = Run::load(
            id,
            Arc::new(definition),
            self.settings.clone(),
            stored.state.as_deref(),
            rows,
            &|hash| values.get(&hash).cloned(),
        )
        .map_err(|error| PumpError::Load(id.0, error))?;
        let over = run.is_over();
        let granted = self.locks.take_over(&*self.store, &run)?;
        self.controller.add(run);
        self.claims.insert(id, claim);
        self.tell_locks(granted);
        self.take_outbox(id)?;
        if over {
            // What it had still to have done is all that is left of it.
            self.ending.insert(id);
        }
        // What came while nobody owned the run.
        self.read_letters(id)?;
        if fresh {
            self.controller.tell(now(), id, Fact::Started);
        } else {
            self.awaiting_pods.insert(id, Vec::new());
            backend.inventory(id);
        }
        Ok(())
    }

    /// Has what the last owner of a run did not get to carried out, before all else.
    fn take_outbox(&mut self, id: RunId) -> Result<(), PumpError> {
        let mut entries = Vec::new();
        self.store
            .outbox(id, &mut |number, entry| entries.push((number, entry)))?;
        for (number, entry) in entries {
            let effects = outbox::decode(&entry).map_err(|error| PumpError::Outbox(id.0, error))?;
            self.pending.push_back(Pending {
                run: Some(id),
                effects,
                outbox: Some(number),
                ..Pending::after(self.next_commit - 1)
            });
        }
        Ok(())
    }

    /// Works until there is nothing left to do, as `until` says.
    ///
    /// # Errors
    /// If the store or the backend fails; what was committed stays.
    pub fn run(
        &mut self,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
        until: Until,
    ) -> Result<Finish, PumpError> {
        let mut idle_since = Instant::now();
        let mut polled = Instant::now() - POLL;
        let mut limits_read = Instant::now();
        loop {
            self.receive(backend, observer)?;
            if self.stopping {
                self.drain(backend, observer)?;
                return Ok(Finish::Stopped);
            }
            if polled.elapsed() >= POLL {
                self.read_commands()?;
                let is_due =
                    std::mem::take(&mut self.was_granted) || limits_read.elapsed() >= LIMITS;
                if self.locks.has_waiters() && is_due {
                    let claims = &self.claims;
                    let is_ours = |run| claims.contains_key(&run);
                    let facts = self.locks.look_again(&*self.store, &is_ours)?;
                    self.tell_locks(facts);
                    limits_read = Instant::now();
                }
                if matches!(until, Until::IdleFor(_)) {
                    for run in self.store.unowned_runs()? {
                        self.adopt(run, backend)?;
                    }
                }
                polled = Instant::now();
            }
            self.perform(backend, observer)?;
            self.take_turns();
            for id in self.ending.clone() {
                self.release(id, observer);
            }
            observer.pulse(&self.controller);
            if self.controller.is_empty() && self.pending.is_empty() {
                match until {
                    Until::NoRuns => return Ok(Finish::Idle),
                    Until::IdleFor(time) if idle_since.elapsed() >= time => {
                        return Ok(Finish::Idle);
                    }
                    Until::IdleFor(_) => {}
                }
            } else {
                idle_since = Instant::now();
            }
        }
    }

    /// Waits for the commits under way.
    fn drain(
        &mut self,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        loop {
            self.perform(backend, observer)?;
            if self.pending.is_empty() {
                return Ok(());
            }
            match self.inbox.recv() {
                Ok(message) => self.handle_message(message, backend, observer)?,
                Err(_) => return Ok(()),
            }
        }
    }

    fn receive(
        &mut self,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        let busy = self.controller.has_work() && self.pending.len() < MOST_COMMITS;
        let wait = if busy {
            Duration::ZERO
        } else {
            self.time_to_wait()
        };
        match self.inbox.recv_timeout(wait) {
            Ok(message) => self.handle_message(message, backend, observer)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
        while let Ok(message) = self.inbox.try_recv() {
            self.handle_message(message, backend, observer)?;
        }
        Ok(())
    }

    fn time_to_wait(&self) -> Duration {
        let due = self.controller.next_due().map_or(POLL, |due| {
            let due = UNIX_EPOCH + Duration::from_secs(due.0.max(0).unsigned_abs());
            due.duration_since(SystemTime::now()).unwrap_or_default()
        });
        due.min(POLL)
    }

    fn handle_message(
        &mut self,
        message: Message,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        match message {
            Message::Backend(events) => {
                for event in events {
                    self.backend_event(event, observer)?;
                }
            }
            Message::Committed(commit, result) => {
                self.committed(commit, result)?;
            }
            Message::Ask(run, command) => self.controller.tell(now(), run, Fact::Asked(command)),
            Message::Adopt(run) => {
                self.adopt(run, backend)?;
            }
            Message::Configure(settings) => self.configure(settings),
            Message::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn backend_event(
        &mut self,
        event: BackendEvent,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        match event {
            BackendEvent::PodSeen(pod, seen) => {
                self.controller
                    .tell(now(), pod.run, Fact::PodSeen(pod, seen));
            }
            BackendEvent::ResultSeen(pod, seen) => {
                self.controller
                    .tell(now(), pod.run, Fact::ResultSeen(pod, seen));
            }
            BackendEvent::TaskSeen(task, seen) => {
                self.controller
                    .tell(now(), task.run, Fact::TaskSeen(task, seen));
            }
            BackendEvent::Inventory(run, mut pods) => {
                // It may be older than what was asked for since.
                pods.extend(self.awaiting_pods.remove(&run).unwrap_or_default());
                self.controller.tell(now(), run, Fact::Inventory(pods));
            }
            BackendEvent::Slots(slots) => self.slots = slots,
            BackendEvent::Waiting(why) => observer.waiting(&why),
            BackendEvent::Broken(why) => return Err(PumpError::Backend(why)),
        }
        Ok(())
    }

    /// Reads what other processes ask.
    fn read_commands(&mut self) -> Result<(), PumpError> {
        if self.claims.is_empty() {
            return Ok(());
        }
        for row in self.store.commands(None, self.last_command)? {
            if !self.claims.contains_key(&row.run) {
                continue;
            }
            self.last_command = self.last_command.max(row.id);
            self.take_letter(row);
        }
        Ok(())
    }

    /// Reads what waits for one run.
    fn read_letters(&mut self, id: RunId) -> Result<(), StoreError> {
        for row in self.store.commands(Some(id), CommandId(0))? {
            self.take_letter(row);
        }
        Ok(())
    }

    fn take_letter(&mut self, row: CommandRow) {
        let taken = self.taken.entry(row.run).or_insert(CommandId(0));
        if row.id <= *taken {
            return;
        }
        *taken = row.id;
        self.consumed.entry(row.run).or_default().push(row.id.0);
        // A letter that can't be read was checked by who wrote it; it is consumed unread.
        let fact = match serde_json::from_slice(&row.command) {
            Ok(Letter::Asked(command)) => Fact::Asked(command),
            // It may be older than what became of the lock since: the table tells.
            Ok(Letter::Lock {
                lock_seen: LockSeen::Granted(_),
                ..
            }) => {
                self.was_granted = true;
                return;
            }
            Ok(Letter::Lock { node, lock_seen }) => {
                self.locks.answered(row.run, node);
                Fact::LockSeen(node, lock_seen)
            }
            Ok(Letter::Metric { metric_refused }) => Fact::MetricRefused(metric_refused),
            Err(_) => return,
        };
        self.controller.tell(now(), row.run, fact);
    }

    fn tell_locks(&mut self, facts: LockFacts) {
        for (run, fact) in facts {
            self.controller.tell(now(), run, fact);
        }
    }

    /// Does what runs want of the locks that all runners share.
    fn work_on_locks(&mut self, orders: Vec<LockOrder>) -> Result<(), StoreError> {
        let claims = &self.claims;
        let is_ours = |run| claims.contains_key(&run);
        let facts = self.locks.work(&*self.store, orders, &is_ours)?;
        self.tell_locks(facts);
        Ok(())
    }

    /// Gives runs their turns, and hands commits to the store.
    fn take_turns(&mut self) {
        while self.pending.len() < MOST_COMMITS {
            let Some((id, mut turn)) = self.controller.turn(now()) else {
                break;
            };
            if let Some(consumed) = self.consumed.remove(&id) {
                turn.commit.consumed_commands = consumed;
            }
            let nothing = turn.commit.summary.is_none()
                && turn.commit.state.is_none()
                && turn.commit.metrics.is_empty()
                && turn.commit.consumed_commands.is_empty();
            if nothing && turn.effects.is_empty() {
                continue;
            }
            let changed = turn.commit.nodes.iter().map(|row| row.index).collect();
            let outbox = turn.commit.outbox.as_ref().map(|row| row.number);
            let told_metrics = !turn.commit.metrics.is_empty();
            let commit = self.submit(id, turn.commit);
            self.pending.push_back(Pending {
                run: Some(id),
                effects: turn.effects,
                outbox,
                changed,
                told_metrics,
                ..Pending::after(commit)
            });
        }
        self.pull();
    }

    /// Hands a commit to the store and gives its number.
    fn submit(&mut self, id: RunId, commit: Commit) -> u64 {
        let number = self.next_commit;
        self.next_commit += 1;
        let epoch = self.claims.get(&id).map_or(Epoch(0), |claim| claim.epoch);
        let handle = self.handle.clone();
        self.store.submit(
            epoch,
            commit,
            Durability::Process,
            Box::new(move |result| handle.send(Message::Committed(number, result))),
        );
        number
    }

    /// Lowers pods for the backend's slots. They go out after the commits that asked for them.
    fn pull(&mut self) {
        if self.slots == 0 || self.controller.wanted_pods() == 0 {
            return;
        }
        let requests = self.controller.pull(self.slots as usize);
        self.slots -= requests.len() as u32;
        for request in &requests {
            if let Some(asked) = self.awaiting_pods.get_mut(&request.key.run) {
                asked.push(request.key);
            }
        }
        if !requests.is_empty() {
            self.pending.push_back(Pending {
                requests,
                ..Pending::after(self.next_commit - 1)
            });
        }
    }
}

/// The time, in whole seconds.
fn now() -> Seconds {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
