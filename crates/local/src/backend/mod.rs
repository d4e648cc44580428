//! The backend on this machine: pods become processes of the keeper.

mod agent;
mod arguments;
mod begun;
mod connection;
mod data;
mod finish;
mod jobs;
mod kept;
mod leavings;
mod lost;
mod prepare;
mod probe;
mod seen;
mod slots;
mod state;
mod watch;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use argosy_artifacts::Folder;
use argosy_engine::effect::{PodRequest, TaskRequest};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use crate::claims;
use crate::environment::host_name;
use crate::keeper::{self, KeeperHandle};
use crate::protocol::{Order, PodState, Report, Role, Stage};
use crate::{LocalConfig, RUNS, Surroundings, pod_dir};
use jobs::Work;
use kept::Kept;
use prepare::Prepared;
use state::{Known, State};
use workers::Workers;

/// Runs whose surroundings are kept in memory.
const MOST_SURROUNDINGS: usize = 64;

/// Runs pods as plain processes of this machine.
pub struct LocalBackend {
    shared: Arc<Shared>,
}

struct Shared {
    config: LocalConfig,
    owner: argosy_store::OwnerLock,
    sink: Arc<dyn EventSink>,
    folder: Folder,
    state: Mutex<State>,
    /// Something has happened that the slots depend on, or the end has come.
    demand_changed: Condvar,
    /// The end has come.
    closing: Condvar,
    jobs: Workers<Work>,
    host: Arc<str>,
    namespaces: OnceLock<Result<(), String>>,
    /// The machine's slots, as all runners share them.
    slots: AtomicU32,
    tasks: agent::Tasks,
    agents: agent::Agents,
}

impl LocalBackend {
    /// Runs pods by the keeper of this runner.
    ///
    /// # Errors
    /// If the store fails, or the system gives no thread.
    pub fn new(
        config: LocalConfig,
        keeper: KeeperHandle,
        sink: Arc<dyn EventSink>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            folder: Folder::new(config.data_dir.join("artifacts")),
            owner: keeper.owner,
            sink,
            state: Mutex::new(State::default()),
            demand_changed: Condvar::new(),
            closing: Condvar::new(),
            jobs: jobs::workers(),
            host: Arc::from(host_name()),
            namespaces: OnceLock::new(),
            slots: AtomicU32::new(config.slots),
            tasks: agent::Tasks::default(),
            agents: agent::Agents::default(),
            config,
        });
        shared.register().map_err(std::io::Error::other)?;
        for orphan in keeper::sweep_all(&shared.config.data_dir)? {
            // One that does not answer is asked by the next runner.
            let _ = shared.discard_over(orphan);
        }
        argosy_store::create_private(&shared.config.data_dir.join(RUNS))?;
        let own = shared.attach(&keeper.socket, keeper.stream)?;
        shared.lock().own = own;
        for body in [Shared::share_slots, Shared::watch] {
            let shared = shared.clone();
            thread::spawn(move || body(&shared));
        }
        if let Some(room) = shared.lock().room(shared.slots()) {
            shared.sink.send(room);
        }
        Ok(Self { shared })
    }
}

impl Drop for LocalBackend {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Backend for LocalBackend {
    fn create(&mut self, requests: Vec<PodRequest>) {
        let mut ready = Vec::new();
        let mut failed = Vec::new();
        let asked = u32::try_from(requests.len()).unwrap_or(u32::MAX);
        {
            let mut state = self.shared.lock();
            state.announced = state.announced.saturating_sub(asked);
        }
        for request in requests {
            let key = request.key;
            if self.shared.has_begun(&request) {
                failed.extend(self.shared.begun_and_gone(key));
                continue;
            }
            let slots = match self.shared.slots_of(&request.pod) {
                Ok(slots) => slots,
                Err(message) => {
                    failed.push(self.shared.never_began(key, &message));
                    continue;
                }
            };
            if !self.shared.lock().begin(key, slots) {
                continue;
            }
            if prepare::is_plain(&request) {
                // The hot path: nothing to be made on disk, so no other thread is needed.
                match self.shared.prepare(request, slots) {
                    Ok(prepared) => ready.push(prepared),
                    Err(message) => failed.push(self.shared.give_up(key, &message)),
                }
            } else {
                self.shared.stage_or_collect(Work::Start(Box::new(request)));
            }
        }
        self.shared.spawn(ready);
        if !failed.is_empty() {
            // They take no slots.
            failed.extend(self.shared.lock().room(self.shared.slots()));
            self.shared.sink.send_all(failed);
        }
    }

    fn stop(&mut self, pod: PodKey, grace_seconds: u32) {
        let keeper = self.shared.lock().pods.get(&pod).map(|known| known.keeper);
        match keeper {
            Some(keeper) => {
                let order = Order::Stop {
                    key: pod,
                    grace_seconds,
                };
                self.shared.lock().order(keeper, &order);
            }
            None => self.shared.sink.send(self.shared.deleted(pod)),
        }
    }

    fn run_task(&mut self, task: TaskRequest) -> Result<(), String> {
        self.shared.run_task(task);
        Ok(())
    }

    fn stop_task(&mut self, task: PodKey) {
        self.shared.tasks.stop(task);
    }

    fn run_ended(&mut self, run: RunId) {
        self.shared.end_agent(run);
        let left = {
            let mut state = self.shared.lock();
            state.taken_over.remove(&run);
            state.discard(run)
        };
        for pod in left {
            let _ = fs::remove_dir_all(pod_dir(&self.shared.config.data_dir, pod));
        }
    }

    fn forget(&mut self, pods: &[PodKey]) {
        let mut by_keeper: BTreeMap<usize, Vec<PodKey>> = BTreeMap::new();
        let mut with_files = Vec::new();
        {
            let mut state = self.shared.lock();
            for pod in pods {
                if let Some(known) = state.pods.remove(pod) {
                    by_keeper.entry(known.keeper).or_default().push(*pod);
                    if known.kept.is_some() || known.keeper != state.own {
                        with_files.push(*pod);
                    }
                }
            }
        }
        // The files go first: while the keeper knows the pod, they are looked for again.
        for pod in with_files {
            let _ = fs::remove_dir_all(pod_dir(&self.shared.config.data_dir, pod));
        }
        let mut state = self.shared.lock();
        for (keeper, pods) in by_keeper {
            state.order(keeper, &Order::Acknowledge(pods));
            state.leave_if_done(keeper);
        }
    }

    fn inventory(&mut self, run: RunId) {
        // None of those that are reached may be left before it is asked for this run's pods.
        self.shared.lock().is_reaching = true;
        for socket in keeper::sockets(&self.shared.config.data_dir) {
            if let Err(error) = self.shared.reach(&socket) {
                // Its steps may run: to take them for gone would end them.
                self.shared.sink.send(BackendEvent::Broken(format!(
                    "cannot reach the keeper at {}, which may have steps that run: {error}",
                    socket.display()
                )));
                return;
            }
        }
        let mut state = self.shared.lock();
        state.is_reaching = false;
        state.taken_over.insert(run);
        let keepers: BTreeSet<usize> = state
            .keepers
            .iter()
            .enumerate()
            .filter_map(|(place, keeper)| keeper.as_ref().map(|_| place))
            .collect();
        state.inventories.insert(run, keepers.clone());
        for keeper in keepers {
            state.order(keeper, &Order::Take(run));
        }
    }

    fn make_claim(&mut self, claim: PersistentVolumeClaim) -> Result<(), String> {
        let config = &self.shared.config;
        claims::make(&config.data_dir, &*config.store, &claim)
    }

    fn drop_claim(&mut self, namespace: &str, name: &str) {
        let config = &self.shared.config;
        // A folder that can't be emptied keeps its claim, which `argosy get pvc` shows.
        let _ = claims::delete_claim(&config.data_dir, &*config.store, namespace, name);
    }

    fn remove_run(&mut self, run: RunId) {
        self.shared.end_agent(run);
        let mut state = self.shared.lock();
        state.surroundings.remove(&run);
        state.taken_over.remove(&run);
        drop(state);
        let _ = fs::remove_dir_all(crate::run_dir(&self.shared.config.data_dir, run));
    }
}

impl Shared {
    /// How many slots there are.
    fn slots(&self) -> u32 {
        self.slots.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares a pod and hands it to the keeper.
    fn start(&self, request: PodRequest) {
        if self.carried_out(&request) {
            return;
        }
        let key = request.key;
        let slots = self.lock().pods.get(&key).map_or(1, |known| known.slots);
        // An earlier runner may have prepared it, and died before it began.
        let _ = fs::remove_dir_all(pod_dir(&self.config.data_dir, key));
        match self.prepare(request, slots) {
            Ok(prepared) => self.spawn(vec![prepared]),
            Err(message) => {
                let event = self.give_up(key, &message);
                self.sink.send(event);
            }
        }
    }

    /// Hands pods to the keeper.
    fn spawn(&self, pods: Vec<Prepared>) {
        if pods.is_empty() {
            return;
        }
        let mut orders = Vec::with_capacity(pods.len());
        let mut state = self.lock();
        for pod in pods {
            let Prepared {
                spawn,
                kept,
                surroundings,
            } = pod;
            let run = spawn.key.run;
            if let Some(known) = state.pods.get_mut(&spawn.key) {
                known.kept = kept;
                known.is_handed_over = true;
            }
            let is_new = state
                .own_keeper()
                .is_some_and(|keeper| keeper.knows_not(run));
            if is_new {
                orders.push(Order::Surroundings {
                    run,
                    variables: surroundings.variables.clone(),
                    umask: surroundings.umask,
                });
            }
            orders.push(Order::Spawn(Box::new(spawn)));
        }
        if let Some(keeper) = state.own_keeper() {
            keeper.send(&orders);
        }
        drop(state);
        self.demand_changed.notify_all();
    }

    /// What a run was submitted in.
    fn surroundings(&self, run: RunId) -> Result<Arc<Surroundings>, String> {
        if let Some(known) = self.lock().surroundings.get(&run) {
            return Ok(known.clone());
        }
        let found = Arc::new((self.config.surroundings)(run)?);
        let mut state = self.lock();
        if state.surroundings.len() >= MOST_SURROUNDINGS {
            state.surroundings.pop_first();
        }
        state.surroundings.insert(run, found.clone());
        Ok(found)
    }

    /// Takes in what a keeper tells.
    fn take_in(self: &Arc<Self>, keeper: usize, reports: Vec<Report>) {
        let mut events = Vec::with_capacity(reports.len() + 1);
        let mut ended = Vec::new();
        for report in reports {
            match report {
                Report::Pod(state) if state.key.node == NodeIndex::AGENT => {
                    self.plugin_seen(keeper, &state);
                }
                Report::Pod(state) => ended.extend(self.pod(keeper, state, &mut events)),
                Report::Dropped(key) => {
                    self.lock().end(key);
                    events.push(self.deleted(key));
                }
                Report::Taken(run, keys) => self.taken(keeper, run, &keys, &mut events),
                Report::Slots { limit, used } => self.slots_told(keeper, limit, used),
                // Not asked for on these connections.
                Report::Holds(_) => {}
            }
        }
        events.extend(self.lock().room(self.slots()));
        if !events.is_empty() {
            self.sink.send_all(events);
        }
        // Only now: that a pod runs must not be told after its end.
        for work in ended {
            self.stage_or_collect(work);
        }
        self.demand_changed.notify_all();
    }

    /// Takes in a pod's state. Gives what is to be done at its end.
    fn pod(
        self: &Arc<Self>,
        keeper: usize,
        pod: PodState,
        events: &mut Vec<BackendEvent>,
    ) -> Option<Work> {
        self.adopt(keeper, pod.key);
        let key = pod.key;
        let mut state = self.lock();
        let is_over = pod.stage == Stage::Over;
        if is_over {
            state.end(key);
        }
        let known = state.pods.get_mut(&key)?;
        if pod.stage == Stage::Running && !known.is_running {
            known.is_running = true;
            let slots = known.slots;
            let kept = known.kept.clone();
            state.demand.used += slots;
            if let Some(kept) = kept {
                self.begin_watching(key, &kept);
            }
        }
        let known = state.pods.get_mut(&key)?;
        known.state = Some(pod.clone());
        let (kept, ready) = (known.kept.clone(), known.ready.clone());
        drop(state);
        match kept {
            Some(kept) if is_over && kept.collects() => {
                return Some(Work::Finish(kept, pod));
            }
            kept => {
                let seen = self.seen(&pod, kept.as_deref(), &ready);
                self.yield_if_ready(&pod, kept.as_deref(), &seen);
                events.push(BackendEvent::PodSeen(key, seen));
            }
        }
        None
    }

    /// A pod that an earlier runner has begun: what it has kept beside the pod is read.
    fn adopt(&self, keeper: usize, key: PodKey) {
        if self.lock().pods.contains_key(&key) {
            return;
        }
        let kept = Kept::read(&pod_dir(&self.config.data_dir, key)).map(Arc::new);
        self.lock().pods.entry(key).or_insert(Known {
            keeper,
            slots: 0,
            is_handed_over: true,
            is_running: false,
            kept,
            ready: BTreeSet::new(),
            state: None,
        });
    }

    fn taken(
        self: &Arc<Self>,
        keeper: usize,
        run: RunId,
        keys: &[PodKey],
        events: &mut Vec<BackendEvent>,
    ) {
        // An agent ends with its runner.
        for &key in keys.iter().filter(|key| key.node != NodeIndex::AGENT) {
            self.adopt(keeper, key);
        }
        let mut state = self.lock();
        if let Some(open) = state.inventories.get_mut(&run) {
            open.remove(&keeper);
        }
        state.leave_if_done(keeper);
        events.extend(self.answered(&mut state));
    }

    fn close(&self) {
        self.tasks.close();
        let mut state = self.lock();
        state.is_closed = true;
        let own = state.own;
        state.order(own, &Order::Leave);
        state.keepers.clear();
        drop(state);
        self.demand_changed.notify_all();
        self.closing.notify_all();
        self.unregister();
    }
}

/// Whether a container is one of those that do the work or stand beside them.
fn is_regular(role: Role) -> bool {
    role != Role::Init
}
