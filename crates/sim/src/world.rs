//! A small world for runs: a clock, a cluster whose pods do what they are told to, and the rows
//! that have been stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowStatus};
use argosy_engine::commit::{Commit, NodeRow, ValueHash};
use argosy_engine::config::Config;
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::effect::{Effect, PodRequest, TaskRequest};
use argosy_engine::fact::{Command, Fact};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::{ArtifactRepositoryView, DEFAULT_KEY_FORMAT, offload};
use argosy_engine::outbox::{self, Ticket};
use argosy_engine::run::{LoadError, Run, Turn};
use argosy_engine::settings::{Events, Settings};

use crate::caches::Caches;
use crate::cluster::Cluster;
use crate::objects::{Objects, read_yaml};
use crate::pods::{Outcome, SimPod};

/// More turns than this at one instant, and a run goes in circles.
const MOST_TURNS: usize = 1_000_000;

/// Why something can't be done in the simulated world.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The text is no YAML, or not of the object that it says it is.
    #[error("cannot read the YAML: {0}")]
    Yaml(String),
    /// The workflow can't be compiled.
    #[error(transparent)]
    Compile(#[from] argosy_engine::plan::CompileError),
    /// What was stored can't be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What was still to be done can't be read.
    #[error(transparent)]
    Outbox(#[from] outbox::OutboxError),
    /// Something of that name is there already.
    #[error("workflows.argoproj.io \"{0}\" already exists")]
    Exists(String),
}

/// What the store would hold of one run.
#[derive(Clone, Default)]
pub(crate) struct Stored {
    pub definition: Arc<Definition>,
    pub state: Option<Vec<u8>>,
    pub rows: BTreeMap<u32, NodeRow>,
    pub values: BTreeMap<ValueHash, Arc<str>>,
    pub log: Vec<Vec<u8>>,
    /// What is not known to have been carried out, by its number.
    pub outbox: BTreeMap<u64, Vec<u8>>,
    pub delete_at: Option<Seconds>,
}

/// What happens to a running pod whose containers are told to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Halting {
    /// It ends at once, as one that heeds SIGTERM.
    #[default]
    AtOnce,
    /// It goes on until somebody says that it ended.
    WhenTold,
}

/// At which of its nodes a run looks in a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Diligence {
    /// At those to which something has happened.
    #[default]
    Lazy,
    /// At all.
    Diligent,
}

/// A simulated world.
pub struct World {
    pub(crate) controller: Controller,
    pub(crate) stored: BTreeMap<RunId, Stored>,
    /// Workflows that Argo's controller refuses to begin, as it leaves them.
    pub(crate) refused: BTreeMap<RunId, Workflow>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) objects: Objects,
    pub(crate) pods: BTreeMap<PodKey, SimPod>,
    /// Pods in the order in which they were made, those that have ended too.
    pub(crate) order: Vec<PodKey>,
    /// What somebody has asked of runs, and what the table of metrics refused, until a commit has
    /// taken it up.
    asked: Vec<(RunId, Fact)>,
    /// Entries of outboxes that have been carried out; the next commit takes them out.
    delivered: Vec<(RunId, u64)>,
    halting: Halting,
    /// How the runs are looked at.
    pub(crate) diligence: Diligence,
    /// What was carried out, for comparison; nothing is kept if `None`.
    pub(crate) trace: Option<Vec<String>>,
    /// What of it may be carried out again after a crash.
    noted: BTreeSet<Ticket>,
    noted_tasks: BTreeSet<PodKey>,
    /// After how many more commits all but what is stored is forgotten.
    crash_after: Option<u64>,
    pub(crate) now: Seconds,
    pub(crate) last_run: u64,
    pub(crate) caches: Caches,
    pub(crate) limits: BTreeMap<String, i64>,
    parallelism: (u32, u32),
    /// How many workflows of a namespace may run, where its label says so.
    pub(crate) namespace_limits: BTreeMap<String, Option<u32>>,
    /// What agents have been asked to carry out.
    pub(crate) tasks: BTreeMap<PodKey, TaskRequest>,
    /// Their pods.
    pub(crate) agents: BTreeMap<PodKey, SimPod>,
    pub(crate) cluster: Cluster,
}

impl Default for World {
    fn default() -> Self {
        Self {
            controller: Controller::default(),
            stored: BTreeMap::new(),
            refused: BTreeMap::new(),
            settings: Arc::new(settings()),
            objects: Objects::default(),
            pods: BTreeMap::new(),
            order: Vec::new(),
            asked: Vec::new(),
            delivered: Vec::new(),
            halting: Halting::default(),
            diligence: Diligence::default(),
            trace: None,
            noted_tasks: BTreeSet::new(),
            noted: BTreeSet::new(),
            crash_after: None,
            now: Seconds(1_767_225_600),
            last_run: 0,
            caches: Caches::default(),
            limits: BTreeMap::new(),
            parallelism: (0, 0),
            namespace_limits: BTreeMap::new(),
            tasks: BTreeMap::new(),
            agents: BTreeMap::new(),
            cluster: Cluster::default(),
        }
    }
}

pub(crate) fn settings() -> Settings {
    let repository = ArtifactRepositoryView {
        location: Some(argosy_api::ArtifactLocation {
            s3: Some(Box::new(argosy_api::S3Artifact {
                key: DEFAULT_KEY_FORMAT.to_owned(),
                ..Default::default()
            })),
            ..Default::default()
        }),
        archive_logs: false,
    };
    Settings {
        repository,
        read_yaml,
        config: Config::default(),
        events: Events::Kept,
    }
}

impl World {
    /// A world whose pods end only when told so.
    pub fn halting(halting: Halting) -> Self {
        Self {
            halting,
            ..Self::default()
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Seconds {
        self.now
    }

    /// Does all that can be done at this instant.
    ///
    /// # Panics
    /// If a run goes in circles.
    pub fn settle(&mut self) {
        self.settle_some(None);
    }

    /// Does all that can be done at this instant, for one run or for all.
    ///
    /// # Panics
    /// If a run goes in circles.
    pub fn settle_some(&mut self, only: Option<RunId>) {
        self.hand_over(only);
        for _ in 0..MOST_TURNS {
            if self.diligence == Diligence::Diligent {
                self.controller.look_at_everything();
            }
            let turn = match only {
                None => self.controller.turn(self.now),
                Some(id) => self.controller.turn_of(self.now, id).map(|turn| (id, turn)),
            };
            if let Some((id, turn)) = turn {
                self.carry_out(id, turn, only);
                continue;
            }
            let requests = self.controller.pull(usize::MAX);
            let pulled = !requests.is_empty();
            for request in requests {
                self.make_pod(request);
            }
            let more = match only {
                None => self.controller.has_work(),
                Some(_) => pulled,
            };
            if !more {
                return;
            }
        }
        panic!("after {MOST_TURNS} turns at one instant there is still something to do");
    }

    /// Tells the runs what was asked of them.
    fn hand_over(&mut self, only: Option<RunId>) {
        for (id, fact) in &self.asked {
            if only.is_none_or(|only| only == *id) {
                self.controller.tell(self.now, *id, fact.clone());
            }
        }
    }

    fn carry_out(&mut self, id: RunId, turn: Turn, only: Option<RunId>) {
        self.asked.retain(|(asked, _)| *asked != id);
        let number = turn.commit.outbox.as_ref().map(|row| row.number);
        // A turn that found nothing to do is no commit.
        let counts = turn.commit.summary.is_some();
        self.store(id, turn.commit);
        match &mut self.crash_after {
            Some(0 | 1) if counts => {
                self.crash_after = None;
                // What was stored fits what was submitted, or it would not have been stored.
                if let Err(error) = self.crash() {
                    panic!("what was stored can't be loaded: {error}");
                }
                self.hand_over(only);
                return;
            }
            Some(left) if counts => *left -= 1,
            Some(_) | None => {}
        }
        self.perform_all(id, number, turn.effects);
    }

    /// Carries out what a turn asked for. That it was is stored with the next commit, so that a
    /// crash before that has it carried out twice.
    fn perform_all(&mut self, id: RunId, number: Option<u64>, effects: Vec<Effect>) {
        for (effect, ticket) in outbox::with_tickets(id, number, effects) {
            self.perform(id, effect, ticket);
        }
        self.delivered.extend(number.map(|number| (id, number)));
    }

    fn store(&mut self, id: RunId, commit: Commit) {
        for (run, number) in std::mem::take(&mut self.delivered) {
            if let Some(stored) = self.stored.get_mut(&run) {
                stored.outbox.remove(&number);
            }
        }
        let stored = self.stored.entry(id).or_default();
        for index in commit.removed_nodes {
            stored.rows.remove(&index);
        }
        for row in commit.nodes {
            stored.rows.insert(row.index, row);
        }
        stored.values.extend(commit.values);
        if commit.state.is_some() {
            stored.state = commit.state;
        }
        if !commit.log.is_empty() {
            stored.log.push(commit.log);
        }
        if let Some(row) = commit.outbox {
            stored.outbox.insert(row.number, row.entry);
        }
        if let Some(summary) = commit.summary {
            stored.delete_at = summary.delete_at;
            if summary.completed {
                self.cluster.metrics.run_ended(id, self.now);
            }
        }
        for told in commit.metrics {
            if let Err(error) = self.cluster.metrics.record(&told) {
                let fact = Fact::MetricRefused(error.into());
                self.asked.push((id, fact.clone()));
                self.controller.tell(self.now, id, fact);
            }
        }
    }

    fn make_pod(&mut self, mut request: PodRequest) {
        let key = request.key;
        self.note(|| format!("pod of {} ({})", request.node_name, key.incarnation));
        let stored = self.stored.get(&key.run);
        let workflow = stored.map(|stored| &stored.definition.workflow);
        if let Some(map) = workflow.and_then(|workflow| offload(&mut request.pod, workflow)) {
            let name = map.metadata.name.clone().unwrap_or_default();
            self.cluster.config_maps.insert(name, map);
        }
        self.order.retain(|&known| known != key);
        self.order.push(key);
        self.pods.insert(key, SimPod::new(request));
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(what());
        }
    }

    /// Keeps what an effect does, in words that don't depend on the order in which nodes were made.
    fn note_effect(&mut self, effect: &Effect) {
        let pod_name = |key: &PodKey| {
            let pod = self.pods.get(key);
            pod.map_or_else(String::new, |pod| pod.name().to_owned())
        };
        let text = match effect {
            Effect::StopPod { pod, .. } => format!("stop {}", pod_name(pod)),
            Effect::DeletePod { name, at, .. } => format!("delete {name} at {}", at.0),
            Effect::MakeClaim { claim, .. } => format!("make {:?}", claim.metadata.name),
            Effect::DropClaim { name, .. } => format!("drop {name}"),
            Effect::Event(event) => format!("event {}: {}", event.reason, event.message),
            Effect::SaveCache {
                cache, key, entry, ..
            } => format!("save {cache} {key} {entry}"),
            // After a crash it is asked again, how far the last turns before it ever came.
            Effect::RunTask(task) if !self.noted_tasks.insert(task.key) => return,
            Effect::RunTask(task) => format!("task {}", task.node_id),
            Effect::RunEnded => "the end".to_owned(),
            // What is asked again after a crash, and what says no more than what has been said.
            Effect::ForgetPod { .. }
            | Effect::MakeBudget { .. }
            | Effect::DropBudget { .. }
            | Effect::DeleteArtifacts(_)
            | Effect::AskLocks(_)
            | Effect::ReleaseLocks(_)
            | Effect::LoadCache { .. }
            | Effect::StopTask { .. } => return,
        };
        self.note(|| text);
    }

    fn perform(&mut self, id: RunId, effect: Effect, ticket: Option<Ticket>) {
        if ticket.is_none_or(|ticket| self.noted.insert(ticket)) {
            self.note_effect(&effect);
        }
        match effect {
            Effect::StopPod { pod, .. } => self.halt(pod),
            Effect::ForgetPod { pod } => {
                if let Some(known) = self.pods.get_mut(&pod) {
                    known.forget();
                }
            }
            Effect::RunEnded => {
                self.end_agent(id);
                self.controller.ended(id);
            }
            Effect::LoadCache {
                run,
                node,
                cache,
                key,
            } => {
                let seen = self.caches.load(&cache, &key, self.now);
                self.controller
                    .tell(self.now, run, Fact::CacheSeen(node, seen));
            }
            Effect::SaveCache {
                cache, key, entry, ..
            } => self.caches.save(&cache, &key, &entry),
            Effect::ReleaseLocks(holder) => self.controller.release_locks(holder),
            // The controller keeps these to itself.
            Effect::AskLocks(_) => {}
            Effect::RunTask(task) => self.take_task(*task),
            Effect::StopTask { task } => {
                self.tasks.remove(&task);
            }
            beside @ (Effect::DeletePod { .. }
            | Effect::MakeClaim { .. }
            | Effect::DropClaim { .. }
            | Effect::MakeBudget { .. }
            | Effect::DropBudget { .. }
            | Effect::Event(_)
            | Effect::DeleteArtifacts(_)) => self.perform_beside(beside, ticket),
        }
    }

    /// The cluster has a pod no more whose end is known.
    pub(crate) fn drop_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get_mut(&key) {
            pod.gone = true;
        }
    }

    /// A pod's containers are told to end. One that has not begun is deleted.
    fn halt(&mut self, key: PodKey) {
        let Some(pod) = self.pods.get_mut(&key).filter(|pod| pod.is_live()) else {
            return;
        };
        pod.told_to_end = true;
        if pod.phase() == "Pending" {
            self.remove_pod(key);
        } else if self.halting == Halting::AtOnce {
            self.end_pod(key, &Outcome::exit(143));
        }
    }

    /// Moves the clock, doing what becomes due on the way.
    pub fn advance(&mut self, seconds: i64) {
        self.advance_to(self.now.plus(seconds));
    }

    /// Moves the clock to a time, doing what can be done now and what becomes due on the way.
    pub fn advance_to(&mut self, end: Seconds) {
        self.settle();
        while let Some(at) = self.next_due().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.delete_due();
            self.settle();
        }
        self.now = self.now.max(end);
        self.settle();
    }

    /// When something will happen by itself.
    pub(crate) fn next_due(&self) -> Option<Seconds> {
        let deletions = self.stored.values().filter_map(|stored| stored.delete_at);
        let dues = [
            self.controller.next_due(),
            self.cluster.next_due(),
            deletions.min(),
        ];
        dues.into_iter().flatten().min()
    }

    /// Sets how many workflows may run at a time, in all and in each namespace; 0 for no limit.
    pub fn set_parallelism(&mut self, total: u32, namespace: u32) {
        self.parallelism = (total, namespace);
        self.controller.set_parallelism(total, namespace);
    }

    /// The locks that have been asked for.
    pub fn locks(&self) -> Vec<argosy_engine::locks::LockView> {
        self.controller.locks()
    }

    /// Asks something of a run.
    pub fn ask(&mut self, id: RunId, command: Command) {
        self.ask_later(id, command);
        self.settle();
    }

    /// Asks something of a run, without settling.
    pub fn ask_later(&mut self, id: RunId, command: Command) {
        self.asked.push((id, Fact::Asked(command)));
    }

    /// Asks something of a run that takes it in at once; what follows from it waits for the next
    /// settling. One that can't yet is told then.
    pub fn ask_now(&mut self, id: RunId, command: Command) {
        let in_order =
            self.crash_after.is_none() && self.asked.iter().all(|(asked, _)| *asked != id);
        let fact = Fact::Asked(command.clone());
        let turn = in_order
            .then(|| self.controller.hear(self.now, id, fact))
            .flatten();
        match turn {
            Some(turn) => self.carry_out(id, turn, Some(id)),
            None => self.ask_later(id, command),
        }
    }

    /// Deletes a workflow with its pods.
    pub fn delete(&mut self, id: RunId) {
        self.controller.remove(id);
        self.stored.remove(&id);
        self.refused.remove(&id);
        self.asked.retain(|(asked, _)| *asked != id);
        self.order.retain(|key| key.run != id);
        self.pods.retain(|key, _| key.run != id);
        self.agents.retain(|key, _| key.run != id);
        self.tasks.retain(|key, _| key.run != id);
    }

    /// All workflows, in the order in which they were created.
    pub fn all(&self) -> impl Iterator<Item = RunId> {
        let mut all: Vec<RunId> = self
            .stored
            .keys()
            .chain(self.refused.keys())
            .copied()
            .collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// A workflow's namespace and name.
    pub fn place_of(&self, id: RunId) -> (&str, &str) {
        let workflow = match (self.stored.get(&id), self.refused.get(&id)) {
            (Some(stored), _) => &stored.definition.workflow,
            (None, Some(refused)) => refused,
            (None, None) => return ("", ""),
        };
        let metadata = &workflow.metadata;
        (
            metadata.namespace.as_deref().unwrap_or_default(),
            metadata.name.as_deref().unwrap_or_default(),
        )
    }

    /// The workflow that a name means, or a namespace and a name with a slash between: the one
    /// created last.
    pub fn find(&self, name: &str) -> Option<RunId> {
        let mut all: Vec<RunId> = self.all().collect();
        all.reverse();
        all.into_iter().find(|&id| {
            let (namespace, known) = self.place_of(id);
            known == name
                || name
                    .split_once('/')
                    .is_some_and(|(place, name)| place == namespace && name == known)
        })
    }

    /// A workflow with its status, as Argo shows it.
    pub fn workflow(&self, id: RunId) -> Option<Workflow> {
        self.run(id)
            .map(Run::workflow)
            .or_else(|| self.refused.get(&id).cloned())
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.controller.run(id)
    }

    /// A run's status as Argo shows it.
    pub fn status(&self, id: RunId) -> WorkflowStatus {
        self.run(id).map(Run::workflow_status).unwrap_or_default()
    }

    /// Forgets all but what is stored, in the middle of the next settling, after its `at`th commit.
    pub fn crash_later(&mut self, at: u64) {
        self.crash_after = Some(at.max(1));
    }

    /// What the cluster tells of a run's pods when it is looked at anew.
    pub(crate) fn facts_of_pods(&self, id: RunId) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut inventory = Vec::new();
        let pods = self.all_pods().filter(|pod| pod.request.key.run == id);
        for pod in pods.filter(|pod| !pod.forgotten && !pod.gone) {
            let key = pod.request.key;
            inventory.push(key);
            if let Some(result) = &pod.result {
                facts.push(Fact::ResultSeen(key, result.clone()));
            }
            facts.push(pod.seen());
        }
        facts.push(Fact::Inventory(inventory));
        facts
    }

    /// Forgets all but what is stored, and starts again.
    ///
    /// # Errors
    /// If what is stored can't be loaded.
    pub fn crash(&mut self) -> Result<(), SimError> {
        self.controller = Controller::default();
        self.tasks.clear();
        self.delivered.clear();
        let (total, namespace) = self.parallelism;
        self.controller.set_parallelism(total, namespace);
        for (namespace, limit) in &self.namespace_limits {
            self.controller.set_namespace_parallelism(namespace, *limit);
        }
        for (lock, limit) in &self.limits {
            self.controller.set_semaphore_limit(lock, Some(*limit));
        }
        for (&id, stored) in &self.stored {
            let run = match stored.state {
                Some(_) => load(id, stored, &self.settings)?,
                None => begin(id, &stored.definition, &self.settings, self.now)?,
            };
            self.controller.add(run);
        }
        let outboxes = self.stored.iter();
        let undelivered: Vec<(RunId, u64, Vec<u8>)> = outboxes
            .flat_map(|(&id, stored)| {
                let rows = stored.outbox.iter();
                rows.map(move |(&number, entry)| (id, number, entry.clone()))
            })
            .collect();
        for (id, number, entry) in undelivered {
            self.perform_all(id, Some(number), outbox::decode(&entry)?);
        }
        for (&id, stored) in &self.stored {
            if stored.state.is_none() {
                self.controller.tell(self.now, id, Fact::Started);
            }
            for fact in self.facts_of_pods(id) {
                self.controller.tell(self.now, id, fact);
            }
        }
        Ok(())
    }
}

pub(crate) fn has_begun(status: &WorkflowStatus) -> bool {
    status.phase.is_some() || !status.nodes.is_empty()
}

/// A run of which nothing is stored yet.
pub(crate) fn begin(
    id: RunId,
    definition: &Arc<Definition>,
    settings: &Arc<Settings>,
    now: Seconds,
) -> Result<Run, LoadError> {
    if has_begun(&definition.workflow.status) {
        Run::adopt(id, definition.clone(), settings.clone(), now)
    } else {
        Ok(Run::new(id, definition.clone(), settings.clone())?)
    }
}

pub(crate) fn load(id: RunId, stored: &Stored, settings: &Arc<Settings>) -> Result<Run, LoadError> {
    Run::load(
        id,
        stored.definition.clone(),
        settings.clone(),
        stored.state.as_deref(),
        stored.rows.values().cloned(),
        &|hash| stored.values.get(&hash).cloned(),
    )
}
