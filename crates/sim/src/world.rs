//! A small world for runs: a clock, a cluster whose pods do what they are told to, and the rows
//! that have been stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowPhase, WorkflowStatus};
use argosy_engine::cache::CACHE_LABEL;
use argosy_engine::commit::{Commit, NodeRow, ValueHash};
use argosy_engine::config::Config;
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::effect::{Effect, PodRequest, TaskRequest};
use argosy_engine::events::Event;
use argosy_engine::fact::{Command, Fact, ResultSeen, TaskSeen};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::{ArtifactRepositoryView, DEFAULT_KEY_FORMAT, offload};
use argosy_engine::run::{LoadError, Run, Turn, recall_templates};
use argosy_engine::settings::Settings;
use argosy_engine::timestamp;

use crate::caches::Caches;
use crate::cluster::Cluster;
use crate::objects::{NAMESPACE, Objects, read, read_yaml, refusal};
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

/// A simulated world.
pub struct World {
    pub(crate) controller: Controller,
    pub(crate) stored: BTreeMap<RunId, Stored>,
    /// Workflows that Argo's controller refuses to begin, as it leaves them.
    refused: BTreeMap<RunId, Workflow>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) objects: Objects,
    pub(crate) pods: BTreeMap<PodKey, SimPod>,
    /// Pods in the order in which they were made, those that have ended too.
    order: Vec<PodKey>,
    /// What somebody has asked of runs, until a commit has taken it up.
    asked: Vec<(RunId, Command)>,
    halting: Halting,
    /// After how many more commits all but what is stored is forgotten.
    crash_after: Option<u64>,
    now: Seconds,
    last_run: u64,
    pub(crate) caches: Caches,
    limits: BTreeMap<String, i64>,
    parallelism: (u32, u32),
    /// What agents have been asked to carry out.
    tasks: BTreeMap<PodKey, TaskRequest>,
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
            halting: Halting::default(),
            crash_after: None,
            now: Seconds(1_767_225_600),
            last_run: 0,
            caches: Caches::default(),
            limits: BTreeMap::new(),
            parallelism: (0, 0),
            tasks: BTreeMap::new(),
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

    /// Keeps WorkflowTemplates, ClusterWorkflowTemplates, ConfigMaps and Secrets for later
    /// workflows.
    ///
    /// # Errors
    /// If the text can't be read.
    pub fn apply(&mut self, yaml: &str) -> Result<(), SimError> {
        for value in read(yaml)? {
            self.apply_object(value)?;
        }
        Ok(())
    }

    /// Keeps an object.
    pub(crate) fn apply_object(&mut self, value: serde_json::Value) -> Result<(), SimError> {
        if let Some(map) = self.objects.apply(value)? {
            let name = map.metadata.name.clone().unwrap_or_default();
            let namespace = map.metadata.namespace.as_deref().unwrap_or(NAMESPACE);
            for (key, limit) in map.data.iter().flatten() {
                if let Ok(limit) = limit.trim().parse() {
                    let lock = format!("{namespace}/ConfigMap/{name}/{key}");
                    self.controller.set_semaphore_limit(&lock, Some(limit));
                    self.limits.insert(lock, limit);
                }
            }
            let labels = map.metadata.labels.unwrap_or_default();
            let label = labels.get(CACHE_LABEL.0).map(String::as_str);
            self.caches
                .apply(&name, label, map.data.unwrap_or_default());
        }
        Ok(())
    }

    /// Submits a workflow.
    ///
    /// # Errors
    /// If it can't be read or compiled.
    pub fn submit(&mut self, yaml: &str) -> Result<RunId, SimError> {
        let mut last = None;
        for value in read(yaml)? {
            let workflow: Workflow =
                serde_json::from_value(value).map_err(|error| SimError::Yaml(error.to_string()))?;
            last = Some(self.submit_workflow(workflow)?);
        }
        last.ok_or_else(|| SimError::Yaml("there is no workflow in it".to_owned()))
    }

    fn enter(&mut self, mut workflow: Workflow) -> Result<(RunId, Workflow), SimError> {
        let id = RunId(self.last_run + 1);
        if workflow.api_version.is_empty() {
            workflow.api_version = argosy_api::API_VERSION.to_owned();
        }
        if workflow.kind.is_empty() {
            workflow.kind = "Workflow".to_owned();
        }
        let metadata = &mut workflow.metadata;
        let namespace = metadata.namespace.get_or_insert_default();
        if namespace.is_empty() {
            NAMESPACE.clone_into(namespace);
        }
        metadata
            .uid
            .get_or_insert_with(|| format!("00000000-0000-4000-8000-{:012}", id.0));
        metadata
            .creation_timestamp
            .get_or_insert_with(|| timestamp::kubernetes(self.now));
        if let Some(name) = metadata.name.clone().filter(|name| !name.is_empty()) {
            let namespace = metadata.namespace.clone().unwrap_or_default();
            let taken = self.all().any(|other| {
                let (place, known) = self.place_of(other);
                place == namespace && known == name
            });
            if taken {
                return Err(SimError::Exists(name));
            }
        }
        self.last_run = id.0;
        Ok((id, workflow))
    }

    /// Submits a workflow.
    ///
    /// # Errors
    /// If it can't be compiled.
    pub fn submit_workflow(&mut self, workflow: Workflow) -> Result<RunId, SimError> {
        let (id, workflow) = self.enter(workflow)?;
        let definition = self.define(workflow)?;
        let run = Run::new(id, definition.clone(), self.settings.clone())?;
        self.take_up(run, definition);
        Ok(id)
    }

    /// Submits a workflow again that has failed, skipping what succeeded:
    /// `argo resubmit --memoized`.
    ///
    /// # Errors
    /// If it did not fail.
    pub fn resubmit_memoized(&mut self, of: RunId, new: Workflow) -> Result<RunId, SimError> {
        let (id, workflow) = self.enter(new)?;
        let definition = self.define(workflow)?;
        let Some(old) = self.controller.run(of) else {
            return Err(SimError::Yaml("the workflow never began".to_owned()));
        };
        let run = old.resubmitted(id, definition.clone(), self.now)?;
        self.take_up(run, definition);
        Ok(id)
    }

    /// A workflow with all that it may refer to, and what the controller says of all workflows.
    fn define(&self, workflow: Workflow) -> Result<Arc<Definition>, SimError> {
        let mut definition = self.objects.definition(workflow);
        definition.configure(&self.settings.config)?;
        Ok(Arc::new(definition))
    }

    fn take_up(&mut self, run: Run, definition: Arc<Definition>) {
        let id = run.id();
        let stored = Stored {
            definition,
            ..Stored::default()
        };
        self.stored.insert(id, stored);
        self.controller.add(run);
        self.controller.tell(self.now, id, Fact::Started);
    }

    /// Creates a workflow as Kubernetes does: what can't be carried out is there all the same, in
    /// the state in which Argo's controller leaves it.
    ///
    /// # Errors
    /// If one of its name is there.
    pub fn create(&mut self, workflow: Workflow) -> Result<RunId, SimError> {
        let (id, workflow) = self.enter(workflow)?;
        if has_begun(&workflow.status) {
            return self.adopt(id, workflow);
        }
        let definition = self.define(workflow)?;
        let run = Run::new(id, definition.clone(), self.settings.clone());
        let missing = missing_template(&definition);
        let (phase, message) = match (missing, refusal(&definition), run) {
            (None, None, Ok(run)) => {
                self.take_up(run, definition);
                return Ok(id);
            }
            (Some(missing), _, _) => (WorkflowPhase::Error, missing),
            (None, Some(refusal), _) => (WorkflowPhase::Failed, refusal),
            (None, None, Err(error)) => (WorkflowPhase::Failed, format!("invalid spec: {error}")),
        };
        self.refuse(id, definition.workflow.clone(), phase, message);
        Ok(id)
    }

    /// Takes up a workflow that began elsewhere.
    fn adopt(&mut self, id: RunId, workflow: Workflow) -> Result<RunId, SimError> {
        let mut definition = self.objects.definition(workflow);
        recall_templates(&mut definition);
        let definition = Arc::new(definition);
        match begin(id, &definition, &self.settings, self.now) {
            Ok(run) => {
                let stored = Stored {
                    definition,
                    ..Stored::default()
                };
                self.stored.insert(id, stored);
                self.controller.add(run);
                self.controller
                    .tell(self.now, id, Fact::Inventory(Vec::new()));
            }
            Err(error) => {
                let workflow = definition.workflow.clone();
                let message = format!("invalid spec: {error}");
                self.refuse(id, workflow, WorkflowPhase::Error, message);
            }
        }
        Ok(id)
    }

    /// Creates a workflow that Argo's controller can't read.
    ///
    /// # Errors
    /// If one of its name is there.
    pub fn create_unreadable(
        &mut self,
        workflow: Workflow,
        message: String,
    ) -> Result<RunId, SimError> {
        let (id, workflow) = self.enter(workflow)?;
        self.refuse(id, workflow, WorkflowPhase::Failed, message);
        Ok(id)
    }

    fn refuse(&mut self, id: RunId, mut workflow: Workflow, phase: WorkflowPhase, message: String) {
        let now = Some(timestamp::kubernetes(self.now));
        workflow.status = WorkflowStatus {
            phase: Some(phase),
            message,
            started_at: now.clone(),
            finished_at: now,
            conditions: vec![argosy_api::Condition {
                r#type: "Completed".to_owned(),
                status: "True".to_owned(),
                ..argosy_api::Condition::default()
            }],
            ..WorkflowStatus::default()
        };
        let labels = workflow.metadata.labels.get_or_insert_default();
        for (key, value) in [("phase", phase.as_str()), ("completed", "true")] {
            labels.insert(format!("workflows.argoproj.io/{key}"), value.to_owned());
        }
        if self.settings.config.workflow_events.enabled != Some(false) {
            let event = Event {
                run: id,
                pod: None,
                warning: true,
                reason: "WorkflowFailed".into(),
                message: workflow.status.message.as_str().into(),
                annotations: Vec::new(),
            };
            self.cluster.events.push((self.now, event));
        }
        self.refused.insert(id, workflow);
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
        for (id, command) in &self.asked {
            if only.is_none_or(|only| only == *id) {
                self.controller
                    .tell(self.now, *id, Fact::Asked(command.clone()));
            }
        }
    }

    fn carry_out(&mut self, id: RunId, turn: Turn, only: Option<RunId>) {
        self.store(id, turn.commit);
        self.asked.retain(|(asked, _)| *asked != id);
        match &mut self.crash_after {
            Some(0 | 1) => {
                self.crash_after = None;
                // What was stored fits what was submitted, or it would not have been stored.
                if let Err(error) = self.crash() {
                    panic!("what was stored can't be loaded: {error}");
                }
                self.hand_over(only);
                return;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        for effect in turn.effects {
            self.perform(id, effect);
        }
    }

    fn store(&mut self, id: RunId, commit: Commit) {
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
    }

    fn make_pod(&mut self, mut request: PodRequest) {
        let key = request.key;
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

    fn perform(&mut self, id: RunId, effect: Effect) {
        match effect {
            Effect::StopPod { pod, .. } => self.halt(pod),
            Effect::ForgetPod { pod } => {
                if let Some(known) = self.pods.get_mut(&pod) {
                    known.forgotten = true;
                }
            }
            Effect::RunEnded => self.controller.ended(id),
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
            Effect::AskLocks(_) | Effect::ReleaseLocks(_) => self.controller.perform(&effect),
            Effect::RunTask(task) => {
                self.tasks.insert(task.key, *task);
            }
            Effect::StopTask { task } => {
                self.tasks.remove(&task);
            }
            beside @ (Effect::DeletePod { .. }
            | Effect::MakeClaim { .. }
            | Effect::DropClaim { .. }
            | Effect::MakeBudget { .. }
            | Effect::DropBudget { .. }
            | Effect::Metric(_)
            | Effect::Event(_)
            | Effect::DeleteArtifacts(_)
            | Effect::DeleteRun { .. }) => self.perform_beside(beside),
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
        loop {
            let dues = [self.controller.next_due(), self.cluster.next_due()];
            let Some(at) = dues.into_iter().flatten().min().filter(|&at| at <= end) else {
                break;
            };
            self.now = self.now.max(at);
            self.delete_due();
            self.settle();
        }
        self.now = self.now.max(end);
        self.settle();
    }

    /// The pods that have not ended, in the order in which they were made, with their nodes' names.
    pub fn pods(&self) -> Vec<(PodKey, String)> {
        self.all_pods()
            .filter(|pod| pod.is_live())
            .map(|pod| (pod.request.key, pod.request.node_name.to_string()))
            .collect()
    }

    /// All pods in the order in which they were made, those too that the cluster has no more.
    pub fn all_pods(&self) -> impl Iterator<Item = &SimPod> {
        self.order.iter().filter_map(|key| self.pods.get(key))
    }

    /// One pod as it was asked for.
    pub fn pod(&self, key: PodKey) -> Option<&PodRequest> {
        self.pods.get(&key).map(|pod| &pod.request)
    }

    fn key_of(&self, node_name: &str) -> Option<PodKey> {
        self.all_pods()
            .find(|pod| pod.is_live() && *pod.request.node_name == *node_name)
            .map(|pod| pod.request.key)
    }

    /// Tells a run how one of its pods stands.
    pub(crate) fn tell_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get(&key) {
            self.controller.tell(self.now, key.run, pod.seen());
        }
    }

    /// Tells a run what the executor of one of its pods reports.
    pub(crate) fn tell_result(&mut self, key: PodKey, seen: ResultSeen) {
        if let Some(pod) = self.pods.get_mut(&key) {
            let fact = pod.report(seen);
            self.controller.tell(self.now, key.run, fact);
        }
    }

    /// Has the pod of a node run.
    pub fn run_pod(&mut self, node_name: &str) {
        if let Some(key) = self.key_of(node_name) {
            self.start_pod(key);
            self.settle();
        }
    }

    /// Has a pod run, without settling.
    pub fn start_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get_mut(&key) {
            pod.enter("Running", 0, self.now);
        }
        self.tell_pod(key);
    }

    /// Has the pod of a node end.
    pub fn end(&mut self, node_name: &str, outcome: &Outcome) {
        if let Some(key) = self.key_of(node_name) {
            self.end_pod(key, outcome);
            self.settle();
        }
    }

    /// Has a pod end, without settling.
    pub fn end_pod(&mut self, key: PodKey, outcome: &Outcome) {
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        for fact in pod.end(outcome, self.now) {
            self.controller.tell(self.now, key.run, fact);
        }
    }

    /// Deletes the pod of a node.
    pub fn delete_pod(&mut self, node_name: &str) {
        if let Some(key) = self.key_of(node_name) {
            self.remove_pod(key);
            self.settle();
        }
    }

    /// Deletes a pod, without settling.
    pub fn remove_pod(&mut self, key: PodKey) {
        if let Some(pod) = self.pods.get_mut(&key) {
            pod.gone = true;
        }
        self.tell_pod(key);
    }

    /// Has all pods end as `outcome` says, until none is left or `most` have ended.
    pub fn run_all(&mut self, most: usize, mut outcome: impl FnMut(&str) -> Outcome) {
        self.settle();
        let mut ended = 0;
        while let Some((key, name)) = self.pods().into_iter().next() {
            self.end_pod(key, &outcome(&name));
            self.settle();
            ended += 1;
            if ended >= most {
                return;
            }
        }
    }

    /// Sets how many workflows may run at a time, in all and in each namespace; 0 for no limit.
    pub fn set_parallelism(&mut self, total: u32, namespace: u32) {
        self.parallelism = (total, namespace);
        self.controller.set_parallelism(total, namespace);
    }

    /// The tasks that an agent would carry out.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskRequest> {
        self.tasks.values()
    }

    /// Reports on the task of a node, as an agent does.
    pub fn report_task(&mut self, key: PodKey, seen: TaskSeen) {
        self.tell_task(key, seen);
        self.settle();
    }

    /// Reports on the task of a node, without settling.
    pub(crate) fn tell_task(&mut self, key: PodKey, seen: TaskSeen) {
        if seen.phase.is_fulfilled() {
            self.tasks.remove(&key);
        }
        self.controller
            .tell(self.now, key.run, Fact::TaskSeen(key, seen));
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
        self.asked.push((id, command));
    }

    /// Deletes a workflow with its pods.
    pub fn delete(&mut self, id: RunId) {
        self.controller.remove(id);
        self.stored.remove(&id);
        self.refused.remove(&id);
        self.asked.retain(|(asked, _)| *asked != id);
        self.order.retain(|key| key.run != id);
        self.pods.retain(|key, _| key.run != id);
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
        let (total, namespace) = self.parallelism;
        self.controller.set_parallelism(total, namespace);
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

fn has_begun(status: &WorkflowStatus) -> bool {
    status.phase.is_some() || !status.nodes.is_empty()
}

/// A run of which nothing is stored yet.
fn begin(
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

/// Argo's error where the template that a workflow is to be is not there.
fn missing_template(definition: &Definition) -> Option<String> {
    let reference = definition.workflow.spec.workflow_template_ref.as_ref()?;
    let name = &reference.name;
    let (kind, found) = if reference.cluster_scope {
        let known = &definition.cluster_workflow_templates;
        ("clusterworkflowtemplate", known.contains_key(name))
    } else {
        let known = &definition.workflow_templates;
        ("workflowtemplate", known.contains_key(name))
    };
    (!found).then(|| format!("{kind}.argoproj.io \"{name}\" not found"))
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
