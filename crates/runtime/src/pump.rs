//! The one loop: facts in, turns, commits, effects out.
//!
//! A turn's commit is handed to the store at once; its effects, and the pods that were lowered
//! after it, are carried out when the store has answered. So nobody is told of what a crash could
//! take back, and turns go on while commits are under way.

mod handle;
mod inbox;
mod observer;
mod perform;
mod take_over;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_engine::commit::Commit;
use argosy_engine::controller::Controller;
use argosy_engine::effect::{Effect, PodRequest};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::locks::LockHolder;
use argosy_engine::outbox;
use argosy_engine::settings::Settings;
use argosy_store::{Claim, CommandId, Durability, Epoch, Store, StoreError};

use crate::backend::Backend;
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
    /// How a run is to be carried out can't be read.
    #[error("the options of run {0} can't be read: {1}")]
    Options(u64, String),
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
    /// Those of its runs that another process has granted locks to.
    granted: BTreeSet<LockHolder>,
    claims: BTreeMap<RunId, Claim>,
    /// Runs each of whose transitions is synced before anybody is told of it.
    synced: BTreeSet<RunId>,
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
            granted: BTreeSet::new(),
            claims: BTreeMap::new(),
            synced: BTreeSet::new(),
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
                if limits_read.elapsed() >= LIMITS {
                    self.look_at_locks()?;
                    limits_read = Instant::now();
                }
                if matches!(until, Until::IdleFor(_)) {
                    let claims = &self.claims;
                    let are_ours = |run| claims.contains_key(&run);
                    for run in self.store.unowned_runs_besides(&are_ours)? {
                        self.adopt(run, backend)?;
                    }
                }
                polled = Instant::now();
            }
            self.take_granted()?;
            self.perform(backend, observer)?;
            self.take_turns();
            for id in self.ending.clone() {
                self.release(id, backend, observer);
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

    /// The run is another's, or nobody's, from now on.
    fn let_go(&mut self, id: RunId) {
        self.claims.remove(&id);
        self.synced.remove(&id);
        // Were it to come back, what was not consumed is to be read again.
        self.taken.remove(&id);
        self.consumed.remove(&id);
    }

    fn tell_locks(&mut self, facts: LockFacts) {
        for (run, fact) in facts {
            self.controller.tell(now(), run, fact);
        }
    }

    /// Looks again at what runs wait for.
    fn look_at_locks(&mut self) -> Result<(), StoreError> {
        if self.locks.has_waiters() {
            let claims = &self.claims;
            let is_ours = |run| claims.contains_key(&run);
            let facts = self.locks.look_again(&*self.store, &is_ours)?;
            self.tell_locks(facts);
        }
        Ok(())
    }

    /// Takes up what other processes have granted.
    fn take_granted(&mut self) -> Result<(), StoreError> {
        let granted = std::mem::take(&mut self.granted);
        let facts = self.locks.told_granted(&*self.store, granted)?;
        self.tell_locks(facts);
        Ok(())
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
        let durability = match self.synced.contains(&id) {
            true => Durability::Power,
            false => Durability::Process,
        };
        let handle = self.handle.clone();
        self.store.submit(
            epoch,
            commit,
            durability,
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
