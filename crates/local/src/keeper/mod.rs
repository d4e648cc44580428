//! The keeper: one small process that is the parent of all steps of a runner.
//!
//! It is forked before the runner has threads, starts pods as slots become free, holds their exit
//! statuses until the runner has committed them, and outlives a killed runner: the next one
//! connects to its socket and takes the runs over. When the keeper dies, its steps are killed.

mod client;
mod handle;
mod orphans;
mod pod;
mod signals;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_store::OwnerLock;

use crate::protocol::{End, Order, Progress, Report, Role, Stage};
use crate::spawn::{Tee, spawn};
use client::Client;
pub use handle::{KeeperHandle, fork};
pub(crate) use handle::{address, name, sockets};
use orphans::Orphans;
pub(crate) use orphans::sweep;
use pod::Pod;
use signals::ChildSignals;

/// How long a keeper waits for its runner to connect.
const LINGER: Duration = Duration::from_secs(5);

/// Reports are held back while at least so many pods wait.
const ENOUGH: usize = 24;

/// The first one that connects is the runner that has forked the keeper.
const OWN_RUNNER: u64 = 0;

/// Seconds that what is bound to a runner has to end when that is gone.
const BOUND_GRACE_SECONDS: u32 = 5;

/// How long processes have to end by themselves.
const GRACE: Duration = Duration::from_secs(30);

struct Keeper {
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
    /// Shared with the runner: slots are held until both have let go of it.
    owner: Option<OwnerLock>,
    limit: u32,
    used: u32,
    child_signals: ChildSignals,
    orphans: Orphans,
    began: Instant,
}

impl Keeper {
    fn new(listener: UnixListener, socket: PathBuf, owner: OwnerLock) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        signals::leave_terminal()?;
        Ok(Self {
            name: name(&socket),
            listener,
            socket,
            clients: BTreeMap::new(),
            next_client: 0,
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
            began: Instant::now(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        loop {
            self.wait()?;
            self.reap();
            self.enforce();
            self.start_next();
            self.look_for_orphans();
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
        let is_orphan = self.next_client > 0 && !self.clients.contains_key(&OWN_RUNNER);
        is_orphan && self.processes.is_empty() && self.waiting.is_empty()
    }

    /// Nobody is there, nothing runs, and nothing has to be told.
    fn is_needless(&self) -> bool {
        self.clients.is_empty()
            && self.pods.is_empty()
            && self.orphans.due().is_none()
            && (self.next_client > 0 || self.began.elapsed() >= LINGER)
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
                self.end_bound(id);
            }
        }
    }

    fn obey(&mut self, id: u64, order: Order) {
        match order {
            Order::Surroundings(run, variables) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.know_base(run, variables);
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
                self.tell_all(run);
            }
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

    /// Tells processes of a pod to end, and has them killed when the grace has passed.
    fn terminate(&mut self, key: PodKey, grace: Duration, meant: impl Fn(Role) -> bool) {
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        for (pid, _) in pod.running().filter(|(_, role)| meant(*role)) {
            signals::send_to_group(pid, libc::SIGTERM);
        }
        let at = Instant::now() + grace;
        let at = pod.kill_at.map_or(at, |before| before.min(at));
        pod.kill_at = Some(at);
        self.timers.insert((at, key));
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

    /// Starts what waits, as long as there are slots. One that is alone starts in any case, so that
    /// a pod which takes more than its share of the machine can't wait for ever.
    fn start_next(&mut self) {
        while let Some(&key) = self.waiting.front() {
            let Some(pod) = self.pods.get_mut(&key) else {
                self.waiting.pop_front();
                continue;
            };
            let slots = pod.spawn.slots;
            let fits = self.used == 0 || self.used + slots <= self.limit;
            if self.limit == 0 || !fits {
                return;
            }
            self.waiting.pop_front();
            pod.holds = slots;
            self.used += slots;
            if let Some(seconds) = pod.spawn.deadline_seconds {
                let at = Instant::now() + Duration::from_secs(seconds);
                pod.deadline = Some(at);
                self.timers.insert((at, key));
            }
            self.advance(key);
        }
    }

    /// Starts what may begin in a pod, and tells how it stands.
    fn advance(&mut self, key: PodKey) {
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        let mut cookie = None;
        let mut broken = false;
        while let Some(place) = pod.next() {
            let at = seconds_now();
            let cookie = cookie.get_or_insert_with(|| orphans::cookie(&self.name, key));
            pod.begins(place);
            let process = &pod.spawn.processes[usize::from(place)];
            pod.progress[usize::from(place)] = match spawn(process, &pod.base, cookie) {
                Ok(started) => {
                    self.processes.insert(started.pid, (key, place));
                    if let Some(output) = started.output {
                        self.outputs.insert(started.pid, output);
                    }
                    Progress::Running {
                        pid: started.pid,
                        started_at: at,
                    }
                }
                Err(error) => {
                    broken = true;
                    Progress::Ended(End {
                        exit_code: 128,
                        error: Some(error),
                        started_at: at,
                        finished_at: at,
                    })
                }
            };
            // A machine that lacks a command will not get it by waiting, as a cluster may get an
            // image: without one of its containers the pod ends.
            if broken {
                pod.give_up();
                break;
            }
        }
        if pod.is_over() {
            self.used -= std::mem::take(&mut pod.holds);
            for at in [pod.deadline.take(), pod.kill_at.take()]
                .into_iter()
                .flatten()
            {
                self.timers.remove(&(at, key));
            }
            self.orphans.step_ended();
        } else if broken {
            pod.dismissed = true;
            self.terminate(key, GRACE, |_| true);
        } else if pod.work_is_over() && !pod.dismissed {
            pod.dismissed = true;
            self.terminate(key, GRACE, |role| role == Role::Sidecar);
        }
        if let Some(pod) = self.pods.get(&key) {
            let report = Report::Pod(pod.state());
            if pod.is_over() && pod.spawn.is_bound && !self.clients.contains_key(&pod.client) {
                self.pods.remove(&key);
                return;
            }
            self.tell(key.run, &report);
        }
    }

    /// Takes in the processes that have ended, orphans of steps among them.
    fn reap(&mut self) {
        while let Some(pid) = signals::ended_child() {
            // Before it is reaped, so that the group's number can't be another's by now: what a
            // step leaves behind in its group ends with it.
            let known = self.processes.remove(&pid);
            if known.is_some() {
                signals::send_to_group(pid, libc::SIGKILL);
            }
            let exit_code = signals::reap(pid);
            let Some((key, place)) = known else {
                continue;
            };
            if let Some(mut output) = self.outputs.remove(&pid) {
                output.copy();
            }
            if let Some(pod) = self.pods.get_mut(&key) {
                if let Some(at) = pod.ended(place, exit_code, seconds_now()) {
                    self.timers.insert((at, key));
                }
                self.advance(key);
            }
        }
    }

    /// Ends what has run for as long as it may, and kills what does not end.
    fn enforce(&mut self) {
        let now = Instant::now();
        while let Some(&(at, key)) = self.timers.first() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            let Some(pod) = self.pods.get_mut(&key) else {
                continue;
            };
            if pod.kill_at.is_some_and(|at| at <= now) {
                pod.kill_at = None;
                for (pid, _) in pod.running() {
                    signals::send_to_group(pid, libc::SIGKILL);
                }
            }
            let wakes = pod.wake(now);
            if pod.deadline.is_some_and(|at| at <= now) {
                pod.deadline = None;
                pod.deadline_exceeded = true;
                pod.give_up();
                self.terminate(key, GRACE, |_| true);
            }
            if wakes {
                self.advance(key);
            }
        }
    }

    fn look_for_orphans(&mut self) {
        let (processes, pods, name) = (&self.processes, &self.pods, &self.name);
        let runs = |mark: &str| {
            let mut parts = mark.split('/');
            let mine = parts.next() == Some(name.as_str());
            let mut number = || parts.next()?.parse::<u64>().ok();
            let key = || {
                Some(PodKey {
                    run: RunId(number()?),
                    node: NodeIndex(u32::try_from(number()?).ok()?),
                    incarnation: u32::try_from(number()?).ok()?,
                })
            };
            let mut key = key;
            mine && key()
                .and_then(|key| pods.get(&key))
                .is_some_and(|pod| !pod.is_over())
        };
        self.orphans.look(
            Instant::now(),
            &|pid| processes.contains_key(&pid),
            &runs,
            processes.is_empty(),
        );
    }

    fn tell(&mut self, run: RunId, report: &Report) {
        let client = self.told.get(&run).and_then(|id| self.clients.get_mut(id));
        if let Some(client) = client {
            client.tell(report, Instant::now());
        }
    }
}

fn seconds_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}
