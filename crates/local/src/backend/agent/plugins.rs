//! Executor plugins as processes of the keeper: begun when a task first needs them, each with a
//! token of its own in a file, and ended with their run, or with this runner.
//! Argo: `workflow/controller/agent.go`, `cmd/argoexec/commands/agent.go`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use argosy_engine::effect::{Layout, PodRequest, TaskRequest};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_engine::lower::RUN_FOLDER;
use argosy_executor::agent::{CallError, Plugin};
use k8s_openapi::api::core::v1::{Container, Pod};

use super::super::Shared;
use super::port::answers;
use crate::protocol::{Order, PodState, Progress, Stage};
use crate::volumes::is_plain;
use crate::{log_path, pod_dir};

/// How long a plugin may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether it does.
const TICK: Duration = Duration::from_millis(10);
/// Seconds that a plugin has to end by itself.
const GRACE_SECONDS: u32 = 5;
/// Where a cluster mounts the token of a service account.
const ACCOUNT_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The agents of runs.
#[derive(Default)]
pub(in super::super) struct Agents {
    by_run: Mutex<BTreeMap<RunId, Arc<Agent>>>,
}

/// The agent of a run.
pub(super) struct Agent {
    run: RunId,
    /// The pod of the agent; each plugin is a pod of its own here, so that it can be begun again.
    pod: Pod,
    plugins: Vec<Slot>,
    begun: AtomicU32,
    is_over: AtomicBool,
}

/// The place of a plugin.
struct Slot {
    container: Container,
    port: u16,
    /// It has said that it does not know the method.
    is_useless: AtomicBool,
    /// Held by who begins it.
    beginning: Mutex<()>,
    process: Mutex<Option<Process>>,
}

/// A plugin's process.
struct Process {
    key: PodKey,
    client: Plugin,
    /// It has been seen to listen.
    answers: bool,
    /// How it has ended.
    end: Option<End>,
    /// Keeps other runs from the port.
    _port: File,
}

/// How a plugin's process has ended.
#[derive(Clone)]
struct End {
    how: String,
    /// It could not even be started, so it is no use to try again.
    never_began: bool,
}

/// What came of having a plugin run.
pub(super) enum Started {
    /// It runs, and answers here.
    Answers(Plugin),
    /// Nobody wants it any more.
    Unwanted,
}

/// Whose turn it is to begin a plugin.
enum Turn<'s> {
    /// The caller's, who has the plugin to itself as long as this is held.
    Mine(MutexGuard<'s, ()>),
    /// Nobody's: it need not be begun.
    Spared(Started),
}

impl Agents {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<Agent>>> {
        self.by_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agent {
    /// How many plugins there are.
    pub(super) fn plugins(&self) -> usize {
        self.plugins.len()
    }

    /// A plugin does not know the method: it is not called again. Argo: docs/executor_plugins.md.
    pub(super) fn knows_no_method(&self, place: usize) {
        self.plugins[place]
            .is_useless
            .store(true, Ordering::Relaxed);
    }

    /// Whether a plugin need not be called.
    pub(super) fn is_useless(&self, place: usize) -> bool {
        self.plugins[place].is_useless.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

impl Slot {
    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a running process answers.
    fn client(&self) -> Option<Plugin> {
        let process = self.process();
        let process = process.as_ref()?;
        let is_there = process.answers && process.end.is_none();
        is_there.then(|| process.client.clone())
    }

    /// How the process has ended.
    fn end(&self) -> Option<End> {
        self.process().as_ref()?.end.clone()
    }

    /// Waits until nobody else begins the plugin.
    fn turn(&self, wanted: &dyn Fn() -> bool) -> Turn<'_> {
        loop {
            if !wanted() {
                return Turn::Spared(Started::Unwanted);
            }
            if let Some(client) = self.client() {
                return Turn::Spared(Started::Answers(client));
            }
            let guard = match self.beginning.try_lock() {
                Ok(guard) => guard,
                Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(TICK);
                    continue;
                }
            };
            // Who held it before may have begun the plugin.
            return match self.client() {
                Some(client) => Turn::Spared(Started::Answers(client)),
                None => Turn::Mine(guard),
            };
        }
    }
}

/// That a plugin is not to be had now.
fn transient(text: String) -> CallError {
    CallError {
        is_transient: true,
        text,
    }
}

/// That a plugin is not to be had at all.
pub(super) fn fatal(text: String) -> CallError {
    CallError {
        is_transient: false,
        text,
    }
}

impl Shared {
    /// The agent of a task's run.
    pub(super) fn agent_of(&self, task: &TaskRequest) -> Arc<Agent> {
        let run = task.key.run;
        let mut agents = self.agents.lock();
        let agent = agents.entry(run).or_insert_with(|| {
            let pod = task.agent.pod.clone().unwrap_or_default();
            Arc::new(new_agent(run, pod))
        });
        agent.clone()
    }

    /// A run has ended: so do its agent and its plugins.
    pub(in super::super) fn end_agent(&self, run: RunId) {
        self.tasks.stop_all_of(run);
        let Some(agent) = self.agents.lock().remove(&run) else {
            return;
        };
        agent.is_over.store(true, Ordering::Release);
        for slot in &agent.plugins {
            if let Some(process) = slot.process().take() {
                self.stop_plugin(process.key);
            }
        }
    }

    fn stop_plugin(&self, key: PodKey) {
        let order = Order::Stop {
            key,
            grace_seconds: GRACE_SECONDS,
        };
        let mut state = self.lock();
        let own = state.own;
        state.order(own, &order);
    }

    /// The keeper has died, and the plugins with it. They are begun again when they are called.
    pub(in super::super) fn plugins_lost(&self) {
        for slot in self.agents.lock().values().flat_map(|agent| &agent.plugins) {
            if let Some(process) = slot.process().as_mut() {
                process.end.get_or_insert_with(|| End {
                    how: "its keeper has died".to_owned(),
                    never_began: false,
                });
            }
        }
    }

    /// Takes in how a plugin's process stands.
    pub(in super::super) fn plugin_seen(&self, keeper: usize, pod: &PodState) {
        if pod.stage != Stage::Over {
            return;
        }
        let agent = self.agents.lock().get(&pod.key.run).cloned();
        for slot in agent.iter().flat_map(|agent| &agent.plugins) {
            let mut process = slot.process();
            if let Some(process) = process.as_mut().filter(|process| process.key == pod.key) {
                process.end = Some(how_it_ended(pod));
            }
        }
        let _ = fs::remove_dir_all(pod_dir(&self.config.data_dir, pod.key));
        let order = Order::Acknowledge(vec![pod.key]);
        self.lock().order(keeper, &order);
    }

    /// Has a plugin run, and waits until it answers.
    pub(super) fn started(
        &self,
        task: &TaskRequest,
        agent: &Arc<Agent>,
        place: usize,
    ) -> Result<Started, CallError> {
        let slot = &agent.plugins[place];
        let wanted = || !agent.is_over() && self.tasks.wants(task.key);
        let _beginning = match slot.turn(&wanted) {
            Turn::Mine(guard) => guard,
            Turn::Spared(started) => return Ok(started),
        };
        // One that has ended lets go of its port.
        drop(slot.process().take());
        let name = &slot.container.name;
        let Some(port) = self.free_port(task, name, slot.port, &wanted)? else {
            return Ok(Started::Unwanted);
        };
        let key = self.begin_process(agent, slot, port)?;
        self.wait_for_answer(agent, slot, key)
    }

    /// Begins the process of a plugin, which has its port to itself.
    fn begin_process(&self, agent: &Agent, slot: &Slot, port: File) -> Result<PodKey, CallError> {
        let key = PodKey {
            run: agent.run,
            node: NodeIndex::AGENT,
            incarnation: agent.begun.fetch_add(1, Ordering::Relaxed),
        };
        let token = new_token().map_err(|error| fatal(format!("cannot make a token: {error}")))?;
        let process = Process {
            key,
            client: Plugin::new(format!("http://localhost:{}", slot.port), token.clone()),
            answers: false,
            end: None,
            _port: port,
        };
        *slot.process() = Some(process);
        self.begin_plugin(agent, slot, key, &token)
            .map_err(|error| {
                drop(slot.process().take());
                let name = &slot.container.name;
                fatal(format!("executor plugin {name}: {error}"))
            })?;
        Ok(key)
    }

    /// Waits until a plugin that has been begun answers, has ended, or is wanted no more.
    fn wait_for_answer(
        &self,
        agent: &Agent,
        slot: &Slot,
        key: PodKey,
    ) -> Result<Started, CallError> {
        let name = &slot.container.name;
        let log = log_path(&self.config.data_dir, key, name);
        let end = Instant::now() + PATIENCE;
        loop {
            if agent.is_over() {
                // Whoever ended it may have come before there was a process.
                self.stop_plugin(key);
                return Ok(Started::Unwanted);
            }
            match slot.end() {
                Some(End { how, never_began }) if never_began => {
                    return Err(fatal(format!("executor plugin {name}: {how}")));
                }
                Some(End { how, .. }) => {
                    return Err(transient(format!(
                        "executor plugin {name} has ended before it answered: {how}; see {}",
                        log.display()
                    )));
                }
                None => {}
            }
            if answers(slot.port) {
                let mut process = slot.process();
                let Some(process) = process.as_mut().filter(|process| process.key == key) else {
                    return Ok(Started::Unwanted);
                };
                process.answers = true;
                return Ok(Started::Answers(process.client.clone()));
            }
            if Instant::now() >= end {
                self.stop_plugin(key);
                return Err(fatal(format!(
                    "executor plugin {name} does not answer on port {}; see {}",
                    slot.port,
                    log.display()
                )));
            }
            thread::sleep(TICK);
        }
    }

    /// Hands a plugin to the keeper, with its token in a file.
    fn begin_plugin(
        &self,
        agent: &Agent,
        slot: &Slot,
        key: PodKey,
        token: &str,
    ) -> Result<(), String> {
        let mut container = slot.container.clone();
        // A machine has no accounts of a cluster's.
        if let Some(mounts) = &mut container.volume_mounts {
            mounts.retain(|mount| mount.mount_path != ACCOUNT_FOLDER);
        }
        let folder = pod_dir(&self.config.data_dir, key);
        let _ = fs::remove_dir_all(&folder);
        write_token(&folder, &container, token)?;
        let mut pod = agent.pod.clone();
        if let Some(spec) = &mut pod.spec {
            spec.containers = vec![container];
            spec.init_containers = None;
            spec.active_deadline_seconds = None;
        }
        let request = PodRequest {
            key,
            node_name: Arc::from(""),
            pod: Box::new(pod),
            layout: Layout::Bare,
            daemon: false,
        };
        let mut prepared = self.prepare(request, 0)?;
        prepared.spawn.is_bound = true;
        self.spawn(vec![prepared]);
        Ok(())
    }
}

fn new_agent(run: RunId, pod: Pod) -> Agent {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let plugins = containers.filter_map(|container| {
        // The agent itself is this program.
        let port = container.ports.iter().flatten().next()?;
        Some(Slot {
            container: container.clone(),
            port: u16::try_from(port.container_port).ok()?,
            is_useless: AtomicBool::new(false),
            beginning: Mutex::new(()),
            process: Mutex::new(None),
        })
    });
    Agent {
        run,
        plugins: plugins.collect(),
        pod,
        begun: AtomicU32::new(0),
        is_over: AtomicBool::new(false),
    }
}

/// Nobody can guess it. Argo's has 32 letters.
fn new_token() -> io::Result<String> {
    let mut bytes = [0; 24];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Puts the token where the container's mount of the agent's folder shows it, for the user alone.
fn write_token(folder: &Path, container: &Container, token: &str) -> Result<(), String> {
    let mounts = container.volume_mounts.iter().flatten();
    let mount = mounts
        .rev()
        .find(|mount| mount.mount_path == RUN_FOLDER)
        .ok_or("the agent's pod gives it no folder for its token")?;
    let sub_path = mount.sub_path.as_deref().unwrap_or_default();
    if !is_plain(sub_path) || !is_plain(&mount.name) {
        return Err(format!("{sub_path:?} is no name of a container"));
    }
    let place = folder.join("volumes").join(&mount.name).join(sub_path);
    let written = fs::create_dir_all(&place).and_then(|()| {
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o400)
            .open(place.join("token"))?;
        file.write_all(token.as_bytes())
    });
    written.map_err(|error| format!("cannot write its token: {error}"))
}

fn how_it_ended(pod: &PodState) -> End {
    let ends = pod
        .containers
        .iter()
        .find_map(|container| match &container.progress {
            Progress::Ended(end) => Some(end),
            Progress::Waiting
            | Progress::Running { .. }
            | Progress::Resting(_)
            | Progress::NotRun => None,
        });
    let error = ends.and_then(|end| end.error.clone());
    End {
        never_began: error.is_some(),
        how: match (error, ends) {
            (Some(error), _) => error,
            (None, Some(end)) => format!("exit code {}", end.exit_code),
            (None, None) => "it was stopped".to_owned(),
        },
    }
}
