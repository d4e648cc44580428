//! The backend on this machine: pods become processes of the keeper.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use argosy_artifacts::Folder;
use argosy_engine::effect::{Layout as Wanted, PodRequest, Supervision};
use argosy_engine::fact::{
    ContainerKind, ContainerSeen, ContainerState, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use k8s_openapi::api::core::v1::{Container, Pod};

use crate::environment::{expand, host_name, variables};
use crate::keeper;
use crate::layout::{Layout, declares_paths, lay_out};
use crate::protocol::{End, Order, Report, Spawn, read_frame, write_frame};
use crate::spawn::namespaces_work;
use crate::{ERRORS, LocalConfig, log_path, pod_dir};

/// How many pods beyond the slots are kept ready, so that the keeper never waits for the runner.
const LOOK_AHEAD: u32 = 64;

/// What a process can't be given on any system, and what a message to the keeper can surely hold.
const MAX_ARGUMENTS: usize = 8 << 20;

/// Threads that stage and collect.
const WORKERS: usize = 4;

/// Runs pods as plain processes of this machine.
pub struct LocalBackend {
    shared: Arc<Shared>,
    work: Sender<Work>,
}

struct Shared {
    config: LocalConfig,
    sink: Arc<dyn EventSink>,
    folder: Folder,
    state: Mutex<State>,
    host: Arc<str>,
    namespaces: Result<(), String>,
}

#[derive(Default)]
struct State {
    /// The connections to keepers; the first is the runner's own.
    keepers: Vec<UnixStream>,
    /// Which keeper has which pod.
    pods: BTreeMap<PodKey, Known>,
    /// Pods that the keeper of this runner has, waiting or running.
    load: u32,
    announced: u32,
    /// Runs whose inventory is wanted, and how many keepers have yet to answer.
    inventories: BTreeMap<RunId, usize>,
}

struct Known {
    keeper: usize,
    supervised: Option<Arc<Supervised>>,
    started_at: i64,
}

/// What is needed once a supervised pod has ended.
struct Supervised {
    supervision: Supervision,
    layout: Layout,
}

enum Work {
    Start(Box<PodRequest>),
    Collect(Arc<Supervised>, End),
}

impl LocalBackend {
    /// Connects to the keeper of this runner, and to keepers that earlier runners have left.
    ///
    /// # Errors
    /// If the runner's own keeper can't be reached.
    pub fn new(
        config: LocalConfig,
        own_keeper: &Path,
        sink: Arc<dyn EventSink>,
    ) -> std::io::Result<Self> {
        let folder = Folder::new(config.data_dir.join("artifacts"));
        let shared = Arc::new(Shared {
            folder,
            sink,
            state: Mutex::new(State::default()),
            host: Arc::from(host_name()),
            namespaces: namespaces_work(),
            config,
        });
        shared.connect(own_keeper)?;
        for socket in keeper::sockets(&shared.config.data_dir) {
            if socket != own_keeper && shared.connect(&socket).is_err() {
                // Nobody listens: the keeper is gone, or another runner has it.
                continue;
            }
        }
        let (work, jobs) = channel::<Work>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..WORKERS {
            let (shared, jobs) = (shared.clone(), jobs.clone());
            thread::spawn(move || shared.work(&jobs));
        }
        let backend = Self { shared, work };
        backend.shared.set_work(backend.work.clone());
        backend
            .shared
            .order(0, &Order::Slots(backend.shared.config.slots));
        backend.shared.announce();
        Ok(backend)
    }
}

impl Backend for LocalBackend {
    fn create(&mut self, request: PodRequest) {
        let key = request.key;
        {
            let mut state = self.shared.lock();
            if state.pods.contains_key(&key) {
                return;
            }
            state.load += 1;
            state.announced = state.announced.saturating_sub(1);
            state.pods.insert(
                key,
                Known {
                    keeper: 0,
                    supervised: None,
                    started_at: 0,
                },
            );
        }
        let bare = matches!(request.layout, Wanted::Bare);
        let plain =
            bare && main_container(&request.pod).is_some_and(|main| !declares_paths(None, main));
        if plain {
            // The hot path: nothing to prepare, so no other thread is needed.
            self.shared.start(request);
        } else {
            let _ = self.work.send(Work::Start(Box::new(request)));
        }
    }

    fn stop(&mut self, pod: PodKey, grace_seconds: u32) {
        let keeper = self.shared.lock().pods.get(&pod).map(|known| known.keeper);
        match keeper {
            Some(keeper) => self.shared.order(
                keeper,
                &Order::Stop {
                    key: pod,
                    grace_seconds,
                },
            ),
            None => self.shared.tell_deleted(pod),
        }
    }

    fn forget(&mut self, pods: &[PodKey]) {
        let mut by_keeper: BTreeMap<usize, Vec<PodKey>> = BTreeMap::new();
        {
            let mut state = self.shared.lock();
            for pod in pods {
                if let Some(known) = state.pods.remove(pod) {
                    by_keeper.entry(known.keeper).or_default().push(*pod);
                }
            }
        }
        for (keeper, pods) in by_keeper {
            for pod in &pods {
                let _ = fs::remove_dir_all(pod_dir(&self.shared.config.data_dir, *pod));
            }
            self.shared.order(keeper, &Order::Acknowledge(pods));
        }
    }

    fn inventory(&mut self, run: RunId) {
        let keepers = {
            let mut state = self.shared.lock();
            let keepers = state.keepers.len();
            state.inventories.insert(run, keepers);
            keepers
        };
        for keeper in 0..keepers {
            self.shared.order(keeper, &Order::Inventory);
        }
    }

    fn remove_run(&mut self, run: RunId) {
        let _ = fs::remove_dir_all(crate::run_dir(&self.shared.config.data_dir, run));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn set_work(self: &Arc<Self>, work: Sender<Work>) {
        *self
            .config
            .work
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(WorkSender(work));
    }

    fn connect(self: &Arc<Self>, socket: &Path) -> std::io::Result<()> {
        let stream = UnixStream::connect(socket)?;
        let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone()?);
        match read_frame::<Report>(&mut reader)? {
            Some(Report::Ready) => {}
            _ => return Err(std::io::Error::other("the keeper serves another runner")),
        }
        let place = {
            let mut state = self.lock();
            state.keepers.push(stream);
            state.keepers.len() - 1
        };
        let shared = self.clone();
        thread::spawn(move || {
            while let Ok(Some(report)) = read_frame::<Report>(&mut reader) {
                shared.report(place, report);
            }
            shared.keeper_gone(place);
        });
        Ok(())
    }

    fn order(&self, keeper: usize, order: &Order) {
        let mut state = self.lock();
        if let Some(stream) = state.keepers.get_mut(keeper) {
            // A keeper that is gone is told by its reader.
            let _ = write_frame(stream, order);
        }
    }

    /// Says how many more pods would be taken.
    fn announce(&self) {
        let mut state = self.lock();
        let room = (self.config.slots + LOOK_AHEAD).saturating_sub(state.load);
        if room > state.announced {
            state.announced = room;
            drop(state);
            self.sink.send(BackendEvent::Slots(room));
        }
    }

    fn work(&self, jobs: &Mutex<Receiver<Work>>) {
        loop {
            let job = {
                let jobs = jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                jobs.recv()
            };
            match job {
                Ok(Work::Start(request)) => self.start(*request),
                Ok(Work::Collect(supervised, end)) => self.collect(&supervised, &end),
                Err(_) => return,
            }
        }
    }

    /// Prepares a pod and hands it to the keeper.
    fn start(&self, request: PodRequest) {
        let key = request.key;
        match self.prepare(request) {
            Ok((spawn, supervised)) => {
                if let Some(known) = self.lock().pods.get_mut(&key) {
                    known.supervised = supervised;
                }
                self.order(0, &Order::Spawn(Box::new(spawn)));
            }
            Err(message) => self.never_began(key, &message),
        }
    }

    fn prepare(&self, request: PodRequest) -> Result<(Spawn, Option<Arc<Supervised>>), String> {
        let PodRequest {
            key,
            pod,
            layout: wanted,
            ..
        } = request;
        let mut main = main_container(&pod)
            .cloned()
            .ok_or_else(|| "the pod has no main container".to_owned())?;
        self.refuse_more_containers(&pod)?;
        let supervision = match wanted {
            Wanted::Bare => None,
            Wanted::Supervised(supervision) => Some(*supervision),
        };
        let template = supervision
            .as_ref()
            .map(|supervision| &supervision.template);
        let dir = pod_dir(&self.config.data_dir, key);
        let surroundings = (self.config.surroundings)(key.run);
        let objects = &*self.config.objects;
        let layout = if declares_paths(template, &main) {
            if let Err(reason) = &self.namespaces {
                return Err(format!(
                    "the step declares paths, for which it needs a mount namespace of its own: {reason}"
                ));
            }
            let here = &surroundings.working_directory;
            lay_out(&pod, &main, template, &dir, here, objects)?
        } else {
            Layout::default()
        };
        if let Some(supervision) = &supervision {
            fs::create_dir_all(&dir)
                .map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
            argosy_executor::stage(&supervision.template, &layout, &self.folder, &dir)
                .map_err(|error| format!("failed to load artifacts: {error}"))?;
            if let Some(script) = &supervision.script {
                // In a namespace the step's own /tmp may cover the data directory.
                let inside = if layout.mounts.is_empty() {
                    dir.join("script")
                } else {
                    PathBuf::from("/tmp/.argosy/script")
                };
                let path = argosy_executor::PathMap::host_path(&layout, &inside.to_string_lossy());
                path.parent()
                    .map_or(Ok(()), fs::create_dir_all)
                    .and_then(|()| fs::write(&path, &script.source))
                    // Argo: `StageFiles` makes it a program of its own, as for `sh -c`.
                    .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)))
                    .map_err(|error| format!("cannot write the script: {error}"))?;
                let argument = main
                    .args
                    .as_mut()
                    .and_then(|args| args.get_mut(script.argument_index));
                if let Some(argument) = argument {
                    *argument = inside.to_string_lossy().into_owned();
                }
            }
        }
        let environment = variables(&pod, &main, &surroundings.variables, objects)
            .map_err(|error| format!("CreateContainerConfigError: {}", error.0))?;
        let argv = arguments(&main, &environment)?;
        let variables = environment
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let size = argv.iter().map(String::len).chain(variables).sum::<usize>();
        if size > MAX_ARGUMENTS {
            return Err(format!(
                "the arguments and variables of the step take {size} bytes, more than a process can be given: pass data as artifacts"
            ));
        }
        let spawn = Spawn {
            key,
            argv,
            working_directory: main
                .working_dir
                .as_deref()
                .filter(|path| !path.is_empty())
                .map_or_else(
                    || match layout.has_own_root() {
                        // As in a container, what is written beside is written below `/`.
                        true => PathBuf::from("/"),
                        false => surroundings.working_directory.clone(),
                    },
                    PathBuf::from,
                ),
            environment,
            log: log_path(&self.config.data_dir, key, "main"),
            // A result is what was written to the standard output alone.
            errors: supervision
                .as_ref()
                .is_some_and(|supervision| supervision.capture_result)
                .then(|| log_path(&self.config.data_dir, key, ERRORS)),
            mounts: layout.mounts.clone(),
            deadline_seconds: pod
                .spec
                .as_ref()
                .and_then(|spec| spec.active_deadline_seconds)
                .and_then(|seconds| u64::try_from(seconds).ok()),
            slots: self.slots_of(&pod)?,
        };
        let supervised = supervision.map(|supervision| {
            Arc::new(Supervised {
                supervision,
                layout,
            })
        });
        Ok((spawn, supervised))
    }

    fn refuse_more_containers(&self, pod: &Pod) -> Result<(), String> {
        let Some(spec) = &pod.spec else {
            return Ok(());
        };
        let init = spec
            .init_containers
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        if spec.containers.len() > 1 || init {
            return Err(
                "a step with sidecars or init containers can't run under --host: it needs containers"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// How many slots a pod takes: the cores that it asks for, one if it asks for none.
    fn slots_of(&self, pod: &Pod) -> Result<u32, String> {
        let asked: f64 = pod
            .spec
            .iter()
            .flat_map(|spec| &spec.containers)
            .filter_map(|container| {
                let resources = container.resources.as_ref()?;
                let cpu = |list: &Option<BTreeMap<String, _>>| {
                    let quantity: &k8s_openapi::apimachinery::pkg::api::resource::Quantity =
                        list.as_ref()?.get("cpu")?;
                    argosy_engine::run::quantity(&quantity.0)
                };
                cpu(&resources.requests).or_else(|| cpu(&resources.limits))
            })
            .sum();
        let slots = (asked.ceil() as u32).max(1);
        if slots > self.config.slots {
            return Err(format!(
                "the step asks for {asked} cores; {} are to be had (--max-processes)",
                self.config.slots
            ));
        }
        Ok(slots)
    }

    fn report(&self, keeper: usize, report: Report) {
        match report {
            Report::Ready => {}
            Report::Started { key, at } => {
                self.adopt(keeper, key, at);
                self.sink.send(BackendEvent::PodSeen(key, self.running(at)));
            }
            Report::Ended(end) => {
                self.adopt(keeper, end.key, end.started_at);
                self.freed();
                self.ended(end);
            }
            Report::Dropped(key) => {
                self.freed();
                self.tell_deleted(key);
            }
            Report::InventoryEnd(keys) => self.inventory_end(keeper, &keys),
        }
    }

    fn adopt(&self, keeper: usize, key: PodKey, started_at: i64) {
        let mut state = self.lock();
        let known = state.pods.entry(key).or_insert(Known {
            keeper,
            supervised: None,
            started_at,
        });
        known.started_at = started_at;
    }

    fn freed(&self) {
        {
            let mut state = self.lock();
            state.load = state.load.saturating_sub(1);
        }
        self.announce();
    }

    fn ended(&self, end: End) {
        let supervised = self
            .lock()
            .pods
            .get(&end.key)
            .and_then(|known| known.supervised.clone());
        match supervised {
            None => self.tell_end(&end),
            Some(supervised) => {
                let work = self
                    .config
                    .work
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                if let Some(WorkSender(work)) = &*work {
                    let _ = work.send(Work::Collect(supervised, end));
                }
            }
        }
    }

    /// Collects the outputs of a supervised pod, whether or not its command did well.
    fn collect(&self, supervised: &Supervised, end: &End) {
        let supervision = &supervised.supervision;
        let log = log_path(&self.config.data_dir, end.key, "main");
        let collected = argosy_executor::collect(
            &supervision.template,
            &supervised.layout,
            &self.folder,
            &log,
            supervision.capture_result,
        );
        // When the command has failed, that is what is told.
        let error = collected.error.filter(|_| end.exit_code == 0);
        self.sink.send(BackendEvent::ResultSeen(
            end.key,
            ResultSeen {
                parameters: collected
                    .parameters
                    .into_iter()
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect(),
                artifacts: collected.artifacts,
                result: collected.result.map(Into::into),
                progress: None,
                error: error.clone().map(Into::into),
                complete: error.is_none(),
            },
        ));
        match error {
            // Argo's wait container fails with it.
            Some(error) => self.tell_wait_failed(end, &error),
            None => self.tell_end(end),
        }
    }

    fn running(&self, at: i64) -> PodSeen {
        PodSeen {
            ip: Some("127.0.0.1".into()),
            containers: vec![ContainerSeen {
                name: "main".into(),
                kind: ContainerKind::Regular,
                ready: true,
                state: ContainerState::Running {
                    started_at: Seconds(at),
                },
            }],
            ..self.seen(PodPhase::Running)
        }
    }

    fn seen(&self, phase: PodPhase) -> PodSeen {
        PodSeen {
            phase,
            message: None,
            reason: None,
            ip: None,
            host_node_name: Some(self.host.clone()),
            containers: Vec::new(),
            deleted: false,
        }
    }

    fn main_ended(&self, end: &End) -> ContainerSeen {
        let reason = match (end.exit_code, &end.error) {
            (0, _) => "Completed",
            (_, Some(_)) => "StartError",
            (_, None) => "Error",
        };
        ContainerSeen {
            name: "main".into(),
            kind: ContainerKind::Regular,
            ready: false,
            state: ContainerState::Terminated {
                exit_code: end.exit_code,
                reason: reason.into(),
                message: "".into(),
                started_at: Seconds(end.started_at),
                finished_at: Seconds(end.finished_at),
            },
        }
    }

    fn tell_end(&self, end: &End) {
        let phase = match end.exit_code {
            0 => PodPhase::Succeeded,
            _ => PodPhase::Failed,
        };
        let mut seen = PodSeen {
            containers: vec![self.main_ended(end)],
            ..self.seen(phase)
        };
        if end.deadline_exceeded {
            seen.phase = PodPhase::Failed;
            seen.reason = Some("DeadlineExceeded".into());
            seen.message =
                Some("Pod was active on the node longer than the specified deadline".into());
        } else if let Some(error) = &end.error {
            seen.message = Some(error.as_str().into());
        }
        self.sink.send(BackendEvent::PodSeen(end.key, seen));
    }

    fn tell_wait_failed(&self, end: &End, error: &str) {
        let wait = ContainerSeen {
            name: "wait".into(),
            state: ContainerState::Terminated {
                exit_code: 1,
                reason: "Error".into(),
                message: error.into(),
                started_at: Seconds(end.started_at),
                finished_at: Seconds(end.finished_at),
            },
            ..self.main_ended(end)
        };
        let seen = PodSeen {
            containers: vec![self.main_ended(end), wait],
            ..self.seen(PodPhase::Failed)
        };
        self.sink.send(BackendEvent::PodSeen(end.key, seen));
    }

    /// A pod that could not be prepared: what Argo's init container would fail with.
    fn never_began(&self, key: PodKey, message: &str) {
        self.freed();
        let now = now();
        let init = ContainerSeen {
            name: "init".into(),
            kind: ContainerKind::Init,
            ready: false,
            state: ContainerState::Terminated {
                exit_code: 64,
                reason: "Error".into(),
                message: message.into(),
                started_at: now,
                finished_at: now,
            },
        };
        let seen = PodSeen {
            containers: vec![init],
            ..self.seen(PodPhase::Failed)
        };
        self.sink.send(BackendEvent::PodSeen(key, seen));
    }

    fn tell_deleted(&self, key: PodKey) {
        let mut seen = self.seen(PodPhase::Pending);
        seen.deleted = true;
        self.sink.send(BackendEvent::PodSeen(key, seen));
    }

    fn inventory_end(&self, keeper: usize, keys: &[PodKey]) {
        for &key in keys {
            self.adopt(keeper, key, 0);
        }
        let mut answered = Vec::new();
        {
            let mut state = self.lock();
            for (run, open) in &mut state.inventories {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    answered.push(*run);
                }
            }
            for run in &answered {
                state.inventories.remove(run);
            }
        }
        for run in answered {
            let pods: Vec<PodKey> = {
                let state = self.lock();
                state
                    .pods
                    .keys()
                    .copied()
                    .filter(|key| key.run == run)
                    .collect()
            };
            self.sink.send(BackendEvent::Inventory(run, pods));
        }
    }

    /// A keeper that dies takes its steps with it.
    fn keeper_gone(&self, keeper: usize) {
        let lost: BTreeSet<PodKey> = {
            let state = self.lock();
            state
                .pods
                .iter()
                .filter(|(_, known)| known.keeper == keeper)
                .map(|(key, _)| *key)
                .collect()
        };
        for key in lost {
            self.tell_deleted(key);
        }
        if keeper == 0 {
            self.sink.send(BackendEvent::Broken(
                "the keeper, which is the parent of all steps, has died; run `argosy run --resume` to go on".to_owned(),
            ));
        }
    }
}

/// Hands work to the threads that stage and collect.
pub(crate) struct WorkSender(Sender<Work>);

fn main_container(pod: &Pod) -> Option<&Container> {
    let containers = &pod.spec.as_ref()?.containers;
    containers
        .iter()
        .find(|container| container.name == "main")
        .or(containers.first())
}

/// What is run: `command`, then `args`, with `$(NAME)` filled in.
fn arguments(main: &Container, environment: &[(String, String)]) -> Result<Vec<String>, String> {
    let command = main.command.as_deref().unwrap_or_default();
    if command.is_empty() {
        return Err(format!(
            "--host runs commands of this machine; container '{}' names no command (its image's own can't be known without the image)",
            main.name
        ));
    }
    let known: BTreeMap<String, String> = environment.iter().cloned().collect();
    Ok(command
        .iter()
        .chain(main.args.iter().flatten())
        .map(|text| expand(text, &known))
        .collect())
}

fn now() -> Seconds {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
