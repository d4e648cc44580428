//! A small world for runs: a clock, pods that end when told, and the rows that have been stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowStatus};
use argosy_engine::cache::CACHE_LABEL;
use argosy_engine::commit::{NodeRow, ValueHash};
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::effect::{Effect, PodRequest, TaskRequest};
use argosy_engine::fact::{Command, Fact, PodPhase, TaskSeen};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::{ArtifactRepositoryView, DEFAULT_KEY_FORMAT};
use argosy_engine::run::Run;
use argosy_engine::settings::Settings;

use crate::caches::Caches;
use crate::pods::{self, Outcome};

/// Why something can't be done in the simulated world.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The text is no YAML.
    #[error("cannot read the YAML: {0}")]
    Yaml(String),
    /// The workflow can't be compiled.
    #[error(transparent)]
    Compile(#[from] argosy_engine::plan::CompileError),
    /// What was stored can't be loaded.
    #[error(transparent)]
    Load(#[from] argosy_engine::run::LoadError),
}

/// What the store would hold of one run.
#[derive(Clone, Default)]
pub(crate) struct Stored {
    pub definition: Option<Arc<Definition>>,
    pub state: Option<Vec<u8>>,
    pub rows: BTreeMap<u32, NodeRow>,
    pub values: BTreeMap<ValueHash, Arc<str>>,
}

/// A simulated world.
pub struct World {
    pub(crate) controller: Controller,
    pub(crate) stored: BTreeMap<RunId, Stored>,
    pub(crate) settings: Arc<Settings>,
    pods: BTreeMap<PodKey, PodRequest>,
    /// Pods in the order in which they were made.
    order: Vec<PodKey>,
    now: Seconds,
    templates: Definition,
    pub(crate) caches: Caches,
    limits: BTreeMap<String, i64>,
    parallelism: (u32, u32),
    pub(crate) tasks: BTreeMap<PodKey, TaskRequest>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            controller: Controller::default(),
            stored: BTreeMap::new(),
            settings: Arc::new(settings()),
            pods: BTreeMap::new(),
            order: Vec::new(),
            now: Seconds(1_767_225_600),
            templates: Definition::default(),
            caches: Caches::default(),
            limits: BTreeMap::new(),
            parallelism: (0, 0),
            tasks: BTreeMap::new(),
        }
    }
}

fn settings() -> Settings {
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
        config: Default::default(),
    }
}

fn read_yaml(text: &str) -> Result<serde_json::Value, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

impl World {
    /// The virtual time.
    pub fn now(&self) -> Seconds {
        self.now
    }

    /// Keeps a WorkflowTemplate, ClusterWorkflowTemplate or ConfigMap for later workflows.
    ///
    /// # Errors
    /// If the text can't be read.
    pub fn apply(&mut self, yaml: &str) -> Result<(), SimError> {
        let value = read_yaml(yaml).map_err(SimError::Yaml)?;
        let bad = |error: serde_json::Error| SimError::Yaml(error.to_string());
        let name = value["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match value["kind"].as_str() {
            Some("WorkflowTemplate") => {
                let template = serde_json::from_value(value).map_err(bad)?;
                self.templates.workflow_templates.insert(name, template);
            }
            Some("ClusterWorkflowTemplate") => {
                let template = serde_json::from_value(value).map_err(bad)?;
                self.templates
                    .cluster_workflow_templates
                    .insert(name, template);
            }
            Some("ConfigMap") => {
                let data: BTreeMap<String, String> =
                    serde_json::from_value(value["data"].clone()).map_err(bad)?;
                let namespace = value["metadata"]["namespace"].as_str().unwrap_or("default");
                for (key, limit) in &data {
                    let lock = format!("{namespace}/ConfigMap/{name}/{key}");
                    if let Ok(limit) = limit.trim().parse() {
                        self.limits.insert(lock.clone(), limit);
                        self.controller.set_semaphore_limit(&lock, Some(limit));
                    }
                }
                let label = value["metadata"]["labels"][CACHE_LABEL.0].as_str();
                self.caches.apply(&name, label, data.clone());
                self.templates.config_maps.insert(name, data);
            }
            kind => {
                return Err(SimError::Yaml(format!(
                    "kind {kind:?} can't be applied here"
                )));
            }
        }
        Ok(())
    }

    /// Submits a workflow.
    ///
    /// # Errors
    /// If it can't be read or compiled.
    pub fn submit(&mut self, yaml: &str) -> Result<RunId, SimError> {
        let value = read_yaml(yaml).map_err(SimError::Yaml)?;
        let workflow: Workflow =
            serde_json::from_value(value).map_err(|error| SimError::Yaml(error.to_string()))?;
        self.submit_workflow(workflow)
    }

    /// Submits a workflow.
    ///
    /// # Errors
    /// If it can't be compiled.
    pub fn submit_workflow(&mut self, mut workflow: Workflow) -> Result<RunId, SimError> {
        let id = RunId(self.stored.len() as u64 + 1);
        let metadata = &mut workflow.metadata;
        if metadata.name.is_none() {
            let prefix = metadata.generate_name.clone().unwrap_or_default();
            metadata.name = Some(format!("{prefix}{}", id.0));
        }
        metadata
            .namespace
            .get_or_insert_with(|| "default".to_owned());
        metadata.uid.get_or_insert_with(|| format!("uid-{}", id.0));
        metadata.creation_timestamp = Some(argosy_engine::timestamp::kubernetes(self.now));
        let definition = Arc::new(Definition {
            workflow,
            ..self.templates.clone()
        });
        let run = Run::new(id, definition.clone(), self.settings.clone())?;
        self.stored.insert(
            id,
            Stored {
                definition: Some(definition),
                ..Stored::default()
            },
        );
        self.controller.add(run);
        self.controller.tell(self.now, id, Fact::Started);
        Ok(id)
    }

    /// Does all that can be done at this instant.
    pub fn settle(&mut self) {
        loop {
            while let Some((id, turn)) = self.controller.turn(self.now) {
                self.store(id, turn.commit);
                for effect in turn.effects {
                    self.perform(id, effect);
                }
            }
            let requests = self.controller.pull(usize::MAX);
            for request in requests {
                self.order.push(request.key);
                self.pods.insert(request.key, request);
            }
            if !self.controller.has_work() {
                return;
            }
        }
    }

    fn store(&mut self, id: RunId, commit: argosy_engine::commit::Commit) {
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
    }

    fn perform(&mut self, id: RunId, effect: Effect) {
        match effect {
            Effect::StopPod { pod, .. } => {
                // A simulated pod ends at once when it is told to.
                if self.pods.contains_key(&pod) {
                    self.end_pod(pod, &Outcome::exit(143));
                }
            }
            Effect::ForgetPod { pod } => {
                self.pods.remove(&pod);
                self.order.retain(|&known| known != pod);
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
        }
    }

    /// Moves the clock, doing what becomes due on the way.
    pub fn advance(&mut self, seconds: i64) {
        let end = self.now.plus(seconds);
        while let Some(at) = self.controller.next_due().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// The pods that exist, in the order in which they were made, with their nodes' names.
    pub fn pods(&self) -> Vec<(PodKey, String)> {
        self.order
            .iter()
            .filter_map(|key| Some((*key, self.pods.get(key)?.node_name.to_string())))
            .collect()
    }

    /// One pod as it was asked for.
    pub fn pod(&self, key: PodKey) -> Option<&PodRequest> {
        self.pods.get(&key)
    }

    fn key_of(&self, node_name: &str) -> Option<PodKey> {
        self.pods()
            .into_iter()
            .find(|(_, name)| name == node_name)
            .map(|(key, _)| key)
    }

    /// Has the pod of a node run.
    pub fn run_pod(&mut self, node_name: &str) {
        if let Some(key) = self.key_of(node_name) {
            let fact = Fact::PodSeen(key, pods::running(self.now));
            self.controller.tell(self.now, key.run, fact);
            self.settle();
        }
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
        let Some(request) = self.pods.get(&key) else {
            return;
        };
        for fact in pods::ended(request, outcome, self.now) {
            self.controller.tell(self.now, key.run, fact);
        }
    }

    /// Deletes the pod of a node.
    pub fn delete_pod(&mut self, node_name: &str) {
        if let Some(key) = self.key_of(node_name) {
            let mut seen = pods::seen(PodPhase::Running);
            seen.deleted = true;
            self.controller
                .tell(self.now, key.run, Fact::PodSeen(key, seen));
            self.settle();
        }
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
        if seen.phase.is_fulfilled() {
            self.tasks.remove(&key);
        }
        self.controller
            .tell(self.now, key.run, Fact::TaskSeen(key, seen));
        self.settle();
    }

    /// The locks that have been asked for.
    pub fn locks(&self) -> Vec<argosy_engine::locks::LockView> {
        self.controller.locks()
    }

    /// Asks something of a run.
    pub fn ask(&mut self, id: RunId, command: Command) {
        self.controller.tell(self.now, id, Fact::Asked(command));
        self.settle();
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.controller.run(id)
    }

    /// A run's status as Argo shows it.
    pub fn status(&self, id: RunId) -> WorkflowStatus {
        self.run(id).map(Run::workflow_status).unwrap_or_default()
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
            let run = load(id, stored, &self.settings)?;
            self.controller.add(run);
        }
        for &id in self.stored.keys() {
            let pods: Vec<PodKey> = self
                .order
                .iter()
                .copied()
                .filter(|key| key.run == id)
                .collect();
            for &key in &pods {
                let seen = pods::seen(PodPhase::Pending);
                self.controller.tell(self.now, id, Fact::PodSeen(key, seen));
            }
            self.controller.tell(self.now, id, Fact::Inventory(pods));
        }
        Ok(())
    }
}

pub(crate) fn load(
    id: RunId,
    stored: &Stored,
    settings: &Arc<Settings>,
) -> Result<Run, argosy_engine::run::LoadError> {
    let definition = stored.definition.clone().unwrap_or_default();
    Run::load(
        id,
        definition,
        settings.clone(),
        stored.state.as_deref(),
        stored.rows.values().cloned(),
        &|hash| stored.values.get(&hash).cloned(),
    )
}
