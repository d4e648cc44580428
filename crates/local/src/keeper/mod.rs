//! The keeper: one small process that is the parent of all steps of a runner.
//!
//! It is forked before the runner has threads and talks to it over a pair of sockets, starts pods as
//! slots become free, holds their exit statuses until the runner has committed them, and outlives a
//! killed runner: the next one connects to its socket and takes the runs over. When the keeper dies,
//! its steps are killed.

mod abandoned;
mod cgroups;
mod client;
mod handle;
mod inherited;
mod log_notes;
mod orphans;
mod pod;
mod signals;
mod steps;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use argosy_engine::ids::{PodKey, RunId};

use crate::StepLimits;
use crate::protocol::{Order, Report, Stage, pods_of};
use crate::spawn::{Base, Tee};
pub use cgroups::processes_can_be_limited;
use cgroups::{Cgroup, Cgroups};
use client::Client;
pub(crate) use handle::start_again;
pub use handle::{KeeperHandle, discard_run, fork, serve};
pub(crate) use handle::{address, name, sockets};
use orphans::Orphans;
use pod::Pod;
use signals::ChildSignals;

/// Reports are held back while at least so many pods wait.
const ENOUGH: usize = 24;

/// The runner that has forked the keeper.
const OWN_RUNNER: u64 = 0;

/// Seconds that what is bound to a runner has to end when that is gone.
const BOUND_GRACE_SECONDS: u32 = 5;

/// Seconds that what nobody wants any more has to end.
const UNWANTED_GRACE_SECONDS: u32 = 30;

/// How often it is looked whether the data directory is still there.
const LOOK: Duration = Duration::from_secs(1);

struct Keeper {
    data_dir: PathBuf,
    name: String,
    listener: UnixListener,
    socket: PathBuf,
    clients: BTreeMap<u64, Client>,
    next_client: u64,
    /// Who is told of a run's pods.
    told: BTreeMap<RunId, u64>,
    pods: BTreeMap<PodKey, Pod>,
    waiting: VecDeque<PodKey>,
    /// The running processes.
    processes: BTreeMap<u32, (PodKey, u16)>,
    outputs: BTreeMap<u32, Tee>,
    /// When a deadline or a grace ends.
    timers: BTreeSet<(Instant, PodKey)>,
    /// The lock that it shares with the runner: slots are held until both have let go of it.
    owner: Option<File>,
    limit: u32,
    used: u32,
    child_signals: ChildSignals,
    orphans: Orphans,
    /// `None` where this user can make none.
    cgroups: Option<Cgroups>,
    /// Those of processes that run.
    in_cgroups: BTreeMap<u32, Cgroup>,
    /// When it was last noted how far logs have come.
    logs_noted: Instant,
    /// How far those of processes had come that run for longer.
    log_sizes: BTreeMap<u32, u64>,
    looked: Instant,
    limits: StepLimits,
    /// The data directory has been deleted.
    is_homeless: bool,
}

impl Keeper {
    fn new(
        data_dir: &Path,
        listener: UnixListener,
        socket: PathBuf,
        owner: File,
        runner: UnixStream,
        limits: StepLimits,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        runner.set_nonblocking(true)?;
        signals::leave_terminal()?;
        inherited::close_all_but(&[listener.as_fd(), owner.as_fd(), runner.as_fd()])?;
        Ok(Self {
            data_dir: data_dir.to_owned(),
            name: name(&socket),
            cgroups: Cgroups::new(&socket, limits.processes),
            in_cgroups: BTreeMap::new(),
            logs_noted: Instant::now(),
            log_sizes: BTreeMap::new(),
            listener,
            socket,
            clients: BTreeMap::from([(OWN_RUNNER, Client::new(runner))]),
            next_client: OWN_RUNNER + 1,
            told: BTreeMap::new(),
            pods: BTreeMap::new(),
            waiting: VecDeque::new(),
            processes: BTreeMap::new(),
            outputs: BTreeMap::new(),
            timers: BTreeSet::new(),
            owner: Some(owner),
            limit: 0,
            used: 0,
            child_signals: ChildSignals::new()?,
            orphans: Orphans::default(),
            looked: Instant::now(),
            limits,
            is_homeless: false,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        loop {
            self.wait()?;
            self.reap();
            self.enforce();
            self.look_for_home();
            self.start_next();
            self.look_for_orphans();
            self.note_logs();
            let now = Instant::now();
            let patient = self.waiting.len() >= ENOUGH;
            for client in self.clients.values_mut() {
                client.flush(patient, now);
            }
            if self.needs_no_slots() {
                self.owner = None;
            }
            if self.is_needless() {
                let _ = fs::remove_file(&self.socket);
                return Ok(());
            }
        }
    }

    /// The runner is gone, and nothing runs any more: what is left are ends that are to be told.
    fn needs_no_slots(&self) -> bool {
        let is_orphan = !self.clients.contains_key(&OWN_RUNNER);
        is_orphan && self.processes.is_empty() && self.waiting.is_empty()
    }

    /// Nobody is there, nothing runs, and nothing has to be told.
    fn is_needless(&self) -> bool {
        let nothing_told = self.is_homeless && self.processes.is_empty();
        let nothing_kept = self.pods.is_empty() || nothing_told;
        self.clients.is_empty() && nothing_kept && self.orphans.due().is_none()
    }

    /// Ends its steps where the data directory has been deleted: with the socket gone no runner can
    /// ever ask for them, and what they make has no place.
    fn look_for_home(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let gone = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
        self.is_homeless = fs::symlink_metadata(&self.socket).is_err_and(gone);
        if self.is_homeless {
            let keys: Vec<PodKey> = self.pods.keys().copied().collect();
            for key in keys {
                self.stop(key, 0);
            }
        }
    }

    /// Waits until there is something to do, and takes in what has arrived.
    fn wait(&mut self) -> io::Result<()> {
        let entry = |fd: RawFd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        let mut list = vec![
            entry(self.listener.as_raw_fd(), libc::POLLIN),
            entry(self.child_signals.as_raw_fd(), libc::POLLIN),
        ];
        for client in self.clients.values() {
            let events = if client.is_full {
                libc::POLLIN | libc::POLLOUT
            } else {
                libc::POLLIN
            };
            list.push(entry(client.stream.as_raw_fd(), events));
        }
        for output in self.outputs.values() {
            list.push(entry(output.from.as_raw_fd(), libc::POLLIN));
        }
        // SAFETY: the list lives through the call.
        let result = unsafe {
            libc::poll(
                list.as_mut_ptr(),
                list.len() as libc::nfds_t,
                self.milliseconds_to_wait(),
            )
        };
        if result < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            // A child has ended; the other side of its signal is read next time.
            return Ok(());
        }
        let first_new = self.next_client;
        let mut happened = list.iter().map(|entry| entry.revents);
        if happened.next().is_some_and(|events| events != 0) {
            self.accept();
        }
        if happened.next().is_some_and(|events| events != 0) {
            self.child_signals.drain();
        }
        let clients: Vec<u64> = self.clients.keys().copied().collect();
        let outputs: Vec<u32> = self.outputs.keys().copied().collect();
        let with_news: Vec<u64> = clients
            .into_iter()
            .filter(|id| {
                // Those that were accepted just now are not in the list.
                let is_old = *id < first_new;
                is_old && happened.next().is_some_and(|events| events != 0)
            })
            .collect();
        for pid in outputs {
            if happened.next().is_some_and(|events| events != 0)
                && let Some(output) = self.outputs.get_mut(&pid)
                && !output.copy()
            {
                self.outputs.remove(&pid);
            }
        }
        for id in with_news {
            self.read_orders(id);
        }
        Ok(())
    }

    fn milliseconds_to_wait(&self) -> libc::c_int {
        let times = self
            .clients
            .values()
            .filter(|client| !client.is_full)
            .filter_map(Client::due)
            .chain(self.timers.first().map(|(at, _)| *at))
            .chain(self.orphans.due())
            .chain(self.logs_due())
            .min();
        let second = Duration::from_secs(1);
        let wait = times.map_or(second, |at| at.saturating_duration_since(Instant::now()));
        // Rounded up, so that it is not woken just before the time.
        let milliseconds = wait.min(second).as_micros().div_ceil(1_000);
        libc::c_int::try_from(milliseconds).unwrap_or(1_000)
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.clients.insert(self.next_client, Client::new(stream));
                self.next_client += 1;
            }
        }
    }

    fn read_orders(&mut self, id: u64) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        client.is_full = false;
        match client.read() {
            Ok(orders) => {
                for order in orders {
                    self.obey(id, order);
                }
            }
            Err(_) => {
                self.clients.remove(&id);
                self.told.retain(|_, client| *client != id);
                if id == OWN_RUNNER {
                    // However it ended: what it has committed last is synced without its waiting.
                    // Where the disk fails, nobody is left who could be told.
                    let _ = argosy_store::sync_to_disk(&self.data_dir);
                }
                self.end_bound(id);
            }
        }
    }

    fn obey(&mut self, id: u64, order: Order) {
        match order {
            Order::Surroundings {
                run,
                variables,
                umask,
            } => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.know_base(run, Base::new(variables, umask));
                }
            }
            Order::Spawn(spawn) => {
                let key = spawn.key;
                let base = self.clients.get(&id).map(|client| client.base(key.run));
                self.told.insert(key.run, id);
                let needs_slots = spawn.slots > 0;
                if let Entry::Vacant(place) = self.pods.entry(key) {
                    place.insert(Pod::new(*spawn, base.unwrap_or_default(), id));
                    if needs_slots {
                        self.waiting.push_back(key);
                    } else {
                        self.advance(key);
                    }
                }
            }
            Order::Stop { key, grace_seconds } => self.stop(key, grace_seconds),
            Order::Acknowledge(keys) => {
                for key in keys {
                    if self.pods.get(&key).is_some_and(Pod::is_over) {
                        self.pods.remove(&key);
                    }
                }
            }
            Order::Take(run) => {
                self.told.insert(run, id);
                if id != OWN_RUNNER {
                    self.let_go(run);
                }
                for pod in self.pods_of(run) {
                    pod.is_unwanted = false;
                }
                self.tell_all(run);
            }
            Order::Leave => {
                for key in std::mem::take(&mut self.waiting) {
                    self.pods.remove(&key);
                }
            }
            Order::Discard(run) => self.discard(run),
            Order::List => {
                let runs: BTreeSet<RunId> = self.pods.keys().map(|key| key.run).collect();
                if let Some(client) = self.clients.get_mut(&id) {
                    let holds = Report::Holds(runs.into_iter().collect());
                    client.tell(&holds, Instant::now());
                }
            }
            // A runner that lives is the only one that says how many slots its keeper uses.
            Order::Slots(_) if id != OWN_RUNNER && self.clients.contains_key(&OWN_RUNNER) => {}
            Order::Slots(limit) => {
                self.limit = limit;
                let used = self.used;
                if let Some(client) = self.clients.get_mut(&id) {
                    client.tell(&Report::Slots { limit, used }, Instant::now());
                }
            }
            Order::Yield(key) => {
                if let Some(pod) = self.pods.get_mut(&key) {
                    self.used -= std::mem::take(&mut pod.holds);
                }
            }
        }
    }

    /// A runner is gone: what is bound to it ends, and nobody is to be told.
    fn end_bound(&mut self, client: u64) {
        let is_bound = |pod: &Pod| pod.spawn.is_bound && pod.client == client;
        self.pods.retain(|_, pod| !(is_bound(pod) && pod.is_over()));
        let bound: Vec<PodKey> = self
            .pods
            .iter()
            .filter(|(_, pod)| is_bound(pod))
            .map(|(key, _)| *key)
            .collect();
        for key in bound {
            self.stop(key, BOUND_GRACE_SECONDS);
        }
    }

    /// Another runner has taken a run over: what has not begun is its own keeper's to start, with
    /// slots of its own.
    fn let_go(&mut self, run: RunId) {
        let (gone, kept) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|key| key.run == run);
        self.waiting = kept;
        let gone: VecDeque<PodKey> = gone;
        for key in gone {
            self.pods.remove(&key);
        }
    }

    fn pods_of(&mut self, run: RunId) -> impl Iterator<Item = &mut Pod> {
        self.pods.range_mut(pods_of(run)).map(|(_, pod)| pod)
    }

    /// Nobody wants a run any more: what has not begun never does, what runs ends, and nobody is to
    /// be told. What is bound to a runner ends with that.
    fn discard(&mut self, run: RunId) {
        self.let_go(run);
        self.told.remove(&run);
        let mut keys = Vec::new();
        for pod in self.pods_of(run).filter(|pod| !pod.spawn.is_bound) {
            pod.is_unwanted = true;
            keys.push(pod.spawn.key);
        }
        for key in keys {
            if self.pods.get(&key).is_some_and(Pod::is_over) {
                self.pods.remove(&key);
            } else {
                self.stop(key, UNWANTED_GRACE_SECONDS);
            }
        }
    }

    fn stop(&mut self, key: PodKey, grace_seconds: u32) {
        if let Some(place) = self.waiting.iter().position(|waiting| *waiting == key) {
            self.waiting.remove(place);
            self.pods.remove(&key);
            self.tell(key.run, &Report::Dropped(key));
            return;
        }
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        pod.give_up();
        self.terminate(key, Duration::from_secs(u64::from(grace_seconds)), |_| true);
    }

    /// Tells of all pods of a run.
    fn tell_all(&mut self, run: RunId) {
        let mut keys = Vec::new();
        let mut reports = Vec::new();
        for pod in self.pods.values().filter(|pod| pod.spawn.key.run == run) {
            keys.push(pod.spawn.key);
            let state = pod.state();
            if state.stage > Stage::Preparing {
                reports.push(Report::Pod(state));
            }
        }
        reports.push(Report::Taken(run, keys));
        for report in &reports {
            self.tell(run, report);
        }
    }

    fn tell(&mut self, run: RunId, report: &Report) {
        let client = self.told.get(&run).and_then(|id| self.clients.get_mut(id));
        if let Some(client) = client {
            client.tell(report, Instant::now());
        }
    }
}

/// Sweeps up after all dead keepers of a data directory, whoever they were of. Gives connections to
/// those that live though their runners are dead.
///
/// # Errors
/// If the data directory can't be looked at.
pub(crate) fn sweep_all(data_dir: &Path) -> io::Result<Vec<UnixStream>> {
    let mut living = Vec::new();
    abandoned::sweep();
    for socket in handle::traces(data_dir)? {
        match handle::address(&socket).and_then(|(address, _folder)| UnixStream::connect(address)) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => sweep(&socket),
            // It was killed before it listened, or when it had all but ended.
            Err(error) if error.kind() == io::ErrorKind::NotFound => sweep(&socket),
            Ok(stream) => living.push(stream),
            // It may live, and whoever takes its runs over will ask it.
            Err(_) => {}
        }
    }
    Ok(living)
}

/// Kills all that a dead keeper's steps have left, waits until it is gone, and removes what stood for
/// the keeper. What a step holds is given to the next as soon as its end is told.
pub(crate) fn sweep(socket: &Path) {
    cgroups::sweep(socket);
    orphans::sweep(&name(socket));
    let _ = fs::remove_file(handle::unready(socket));
    let _ = fs::remove_file(socket);
}
