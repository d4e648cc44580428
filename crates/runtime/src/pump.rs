//! The one loop: facts in, turns, commits, effects out.
//!
//! A turn's commit is handed to the store at once; its effects, and the pods that were lowered
//! after it, are carried out when the store has answered. So nobody is told of what a crash could
//! take back, and turns go on while commits are under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_api::NodePhase;
use argosy_engine::collection::ArtifactSweep;
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::effect::{Effect, PodRequest};
use argosy_engine::events::Event;
use argosy_engine::fact::{ClaimSeen, Command, Fact, Letter, ResultSeen, TaskSeen};
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::metrics::Table;
use argosy_engine::run::Run;
use argosy_engine::settings::Settings;
use argosy_store::{Claim, CommandId, CommandRow, Durability, Epoch, Store, StoreError};

use crate::backend::{Backend, BackendEvent, EventSink};
use crate::locks::{LockFacts, LockOrder, Locks};
use crate::objects::{load_cache, save_cache};

/// How long at most until another process's command is seen.
const POLL: Duration = Duration::from_millis(100);

/// How long at most until a changed limit of a semaphore is seen by who waits for it.
const LIMITS: Duration = Duration::from_secs(1);

/// Commits that may be under way before turns wait for them.
const MOST_COMMITS: usize = 64;

/// What reaches the pump.
#[derive(Debug)]
enum Message {
    Backend(Vec<BackendEvent>),
    Committed(u64, Result<(), StoreError>),
    Ask(RunId, Command),
    Adopt(RunId),
    Configure(Arc<Settings>),
    Stop,
}

/// Reaches a pump from other threads. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    // A sender is not Sync before it is put behind a lock; sends are short.
    sender: Arc<Mutex<Sender<Message>>>,
}

impl Handle {
    fn send(&self, message: Message) {
        let sender = self
            .sender
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // A pump that is gone needs no more messages.
        let _ = sender.send(message);
    }

    /// Asks something of a run that the pump owns.
    pub fn ask(&self, run: RunId, command: Command) {
        self.send(Message::Ask(run, command));
    }

    /// Has the pump take a run over.
    pub fn adopt(&self, run: RunId) {
        self.send(Message::Adopt(run));
    }

    /// Gives the pump other settings: limits hold at once, all else for runs that it takes over
    /// from now on.
    pub fn configure(&self, settings: Arc<Settings>) {
        self.send(Message::Configure(settings));
    }

    /// Has the pump end after what it is doing. Its runs stay as they are in the store.
    pub fn stop(&self) {
        self.send(Message::Stop);
    }
}

impl EventSink for Handle {
    fn send(&self, event: BackendEvent) {
        Handle::send(self, Message::Backend(vec![event]));
    }

    fn send_all(&self, events: Vec<BackendEvent>) {
        Handle::send(self, Message::Backend(events));
    }
}

/// Is told what has been committed.
pub trait Observer {
    /// Nodes of a run have changed.
    fn changed(&mut self, run: &Run, nodes: &[u32]);

    /// A run has ended, and no pod of it is left.
    fn ended(&mut self, run: &Run);

    /// Is called at each pass of the loop, at least ten times a second.
    fn pulse(&mut self, controller: &Controller) {
        let _ = controller;
    }

    /// Something went wrong that does not end a run.
    fn trouble(&mut self, what: &str) {
        let _ = what;
    }

    /// Something is told of a run's course.
    fn event(&mut self, event: &Event) {
        let _ = event;
    }

    /// What an ended run leaves behind is to be deleted. The pump deletes nothing itself: whoever
    /// keeps workflows and artifacts does.
    fn to_delete(&mut self, deletion: Deletion) {
        let _ = deletion;
    }

    /// Why pods wait; empty when none does.
    fn waiting(&mut self, why: &str) {
        let _ = why;
    }
}

/// What is to be deleted of an ended run.
#[derive(Clone, Debug, PartialEq)]
pub enum Deletion {
    /// Artifacts: `artifactGC`.
    Artifacts(ArtifactSweep),
    /// The run itself, at this time: `ttlStrategy`.
    Run(RunId, Seconds),
}

/// An observer that looks at nothing.
#[derive(Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn changed(&mut self, _run: &Run, _nodes: &[u32]) {}

    fn ended(&mut self, _run: &Run) {}
}

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
    /// The backend can't go on.
    #[error("the backend failed: {0}")]
    Backend(String),
}

/// What waits for a commit to be answered.
struct Pending {
    commit: u64,
    run: Option<RunId>,
    effects: Vec<Effect>,
    requests: Vec<PodRequest>,
    changed: Vec<u32>,
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
    stopping: bool,
    metrics: Table,
}

impl Pump {
    /// A pump without runs.
    pub fn new(store: Arc<dyn Store>, settings: Arc<Settings>) -> Self {
        let (sender, inbox) = channel();
        let mut pump = Self {
            store,
            settings,
            controller: Controller::with_shared_locks(),
            locks: Locks::default(),
            claims: BTreeMap::new(),
            inbox,
            handle: Handle {
                sender: Arc::new(Mutex::new(sender)),
            },
            pending: VecDeque::new(),
            next_commit: 1,
            committed: 0,
            slots: 0,
            last_command: CommandId(0),
            taken: BTreeMap::new(),
            consumed: BTreeMap::new(),
            ending: BTreeSet::new(),
            stopping: false,
            metrics: Table::default(),
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
        self.locks.take_over(&*self.store, &run)?;
        self.controller.add(run);
        self.claims.insert(id, claim);
        // What came while nobody owned the run.
        for row in self.store.commands(Some(id), CommandId(0))? {
            self.take_letter(row);
        }
        if fresh {
            self.controller.tell(now(), id, Fact::Started);
        } else {
            backend.inventory(id);
        }
        Ok(true)
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
                if self.locks.has_waiters() && limits_read.elapsed() >= LIMITS {
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
        while !self.pending.is_empty() {
            match self.inbox.recv() {
                Ok(message) => self.handle_message(message, backend, observer)?,
                Err(_) => break,
            }
        }
        Ok(())
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
                self.committed(commit, result, backend, observer)?;
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
            BackendEvent::Inventory(run, pods) => {
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
            Ok(Letter::Lock { node, lock_seen }) => {
                self.locks.answered(row.run, node);
                Fact::LockSeen(node, lock_seen)
            }
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
                && turn.commit.consumed_commands.is_empty();
            if nothing && turn.effects.is_empty() {
                continue;
            }
            let changed = turn.commit.nodes.iter().map(|row| row.index).collect();
            let commit = self.next_commit;
            self.next_commit += 1;
            let epoch = self.claims.get(&id).map_or(Epoch(0), |claim| claim.epoch);
            let handle = self.handle.clone();
            self.store.submit(
                epoch,
                turn.commit,
                Durability::Process,
                Box::new(move |result| handle.send(Message::Committed(commit, result))),
            );
            self.pending.push_back(Pending {
                commit,
                run: Some(id),
                effects: turn.effects,
                requests: Vec::new(),
                changed,
            });
        }
        self.pull();
    }

    /// Lowers pods for the backend's slots. They go out after the commits that asked for them.
    fn pull(&mut self) {
        if self.slots == 0 || self.controller.wanted_pods() == 0 {
            return;
        }
        let requests = self.controller.pull(self.slots as usize);
        self.slots -= requests.len() as u32;
        if !requests.is_empty() {
            self.pending.push_back(Pending {
                commit: self.next_commit - 1,
                run: None,
                effects: Vec::new(),
                requests,
                changed: Vec::new(),
            });
        }
    }

    /// Carries out what waited for a commit.
    fn committed(
        &mut self,
        commit: u64,
        result: Result<(), StoreError>,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        if let Err(error) = result {
            return self.refused(commit, error);
        }
        self.committed = self.committed.max(commit);
        self.perform(backend, observer)?;
        Ok(())
    }

    fn perform(
        &mut self,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), StoreError> {
        while let Some(pending) = self.pending.front() {
            if pending.commit > self.committed {
                return Ok(());
            }
            let Some(pending) = self.pending.pop_front() else {
                return Ok(());
            };
            if !pending.requests.is_empty() {
                backend.create(pending.requests);
            }
            if let Some(run) = pending.run.and_then(|id| self.controller.run(id)) {
                observer.changed(run, &pending.changed);
            }
            let mut forgotten = Vec::new();
            let mut locks = Vec::new();
            for effect in pending.effects {
                match effect {
                    Effect::StopPod { pod, grace_seconds } => backend.stop(pod, grace_seconds),
                    Effect::ForgetPod { pod } => forgotten.push(pod),
                    Effect::RunEnded => {
                        if let Some(id) = pending.run {
                            self.release(id, observer);
                        }
                    }
                    Effect::AskLocks(request) => locks.push(LockOrder::Ask(*request)),
                    Effect::ReleaseLocks(holder) => locks.push(LockOrder::Release(holder)),
                    Effect::LoadCache {
                        run,
                        node,
                        cache,
                        key,
                    } => {
                        let namespace = self.namespace(run);
                        let at = now();
                        let seen = load_cache(&*self.store, &namespace, &cache, &key, at);
                        self.controller.tell(at, run, Fact::CacheSeen(node, seen));
                    }
                    Effect::SaveCache {
                        run,
                        cache,
                        key,
                        entry,
                    } => {
                        let namespace = self.namespace(run);
                        let saved = save_cache(&*self.store, &namespace, &cache, &key, &entry);
                        if let Err(error) = saved {
                            observer.trouble(&error);
                        }
                    }
                    Effect::RunTask(task) => {
                        let key = task.key;
                        if let Err(error) = backend.run_task(*task) {
                            let seen = TaskSeen {
                                phase: NodePhase::Error,
                                message: Some(error.into()),
                                outputs: ResultSeen::default(),
                            };
                            self.controller
                                .tell(now(), key.run, Fact::TaskSeen(key, seen));
                        }
                    }
                    Effect::StopTask { task } => backend.stop_task(task),
                    Effect::MakeClaim { run, claim } => {
                        let name = claim.metadata.name.clone().unwrap_or_default();
                        let seen = match backend.make_claim(*claim) {
                            Ok(()) => ClaimSeen::Made,
                            Err(error) => ClaimSeen::Refused(error.into()),
                        };
                        let fact = Fact::ClaimSeen(name.into(), seen);
                        self.controller.tell(now(), run, fact);
                    }
                    Effect::DropClaim { name, .. } => backend.drop_claim(&name),
                    Effect::Metric(told) => {
                        if let Err(error) = self.metrics.record(now(), &told) {
                            let fact = Fact::MetricRefused(error.into());
                            self.controller.tell(now(), told.run, fact);
                        }
                    }
                    Effect::Event(event) => observer.event(&event),
                    // Pods were forgotten when their ends were committed, and nothing here moves
                    // one elsewhere.
                    Effect::DeletePod { .. }
                    | Effect::MakeBudget { .. }
                    | Effect::DropBudget { .. } => {}
                    Effect::DeleteArtifacts(sweep) => {
                        observer.to_delete(Deletion::Artifacts(*sweep))
                    }
                    Effect::DeleteRun { run, at } => observer.to_delete(Deletion::Run(run, at)),
                }
            }
            if !forgotten.is_empty() {
                backend.forget(&forgotten);
            }
            if !locks.is_empty() {
                self.work_on_locks(locks)?;
            }
        }
        Ok(())
    }

    fn namespace(&self, run: RunId) -> String {
        self.controller
            .run(run)
            .map_or_else(String::new, |run| run.definition().namespace().to_owned())
    }

    /// Gives up a run that has ended. One that was told something more in the meantime has its turn
    /// first: it may have been asked to run again.
    fn release(&mut self, id: RunId, observer: &mut dyn Observer) {
        let Some(run) = self.controller.run(id) else {
            return;
        };
        if run.has_work() {
            self.ending.insert(id);
            return;
        }
        self.ending.remove(&id);
        if !run.is_over() {
            return;
        }
        if let Some(run) = self.controller.remove(id) {
            observer.ended(&run);
        }
        self.claims.remove(&id);
    }

    /// A commit was not stored. Another owner, or a deletion, takes the run from us; anything else
    /// is the store's failure.
    fn refused(&mut self, commit: u64, error: StoreError) -> Result<(), PumpError> {
        let lost = matches!(
            error,
            StoreError::Fenced { .. } | StoreError::RunMissing { .. }
        );
        if !lost {
            return Err(PumpError::Store(error));
        }
        self.committed = self.committed.max(commit);
        for pending in &mut self.pending {
            if pending.commit == commit {
                pending.effects.clear();
                pending.changed.clear();
                if let Some(run) = pending.run.take() {
                    self.controller.remove(run);
                    self.claims.remove(&run);
                }
            }
        }
        Ok(())
    }
}

/// The time, in whole seconds.
fn now() -> Seconds {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
