//! How objects come into the world: kept, submitted, created as Kubernetes does, or taken up from
//! elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowPhase, WorkflowStatus, labels};
use argosy_engine::cache::CACHE_LABEL;
use argosy_engine::definition::{Baseline, Definition};
use argosy_engine::events::Event;
use argosy_engine::fact::Fact;
use argosy_engine::ids::RunId;
use argosy_engine::plan::{stored_spec, violation_by_change};
use argosy_engine::run::{Run, prepare_adoption};
use argosy_engine::timestamp;

use crate::objects::{NAMESPACE, read, refusal};
use crate::world::{SimError, Stored, World, begin, has_begun};

impl World {
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
        if value["kind"] == "SyncLimit" {
            return self.set_sync_limit(&value);
        }
        if value["kind"] == "Namespace" {
            self.apply_namespace(&value);
            return Ok(());
        }
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

    /// Sets the limit of a database's semaphore, which is an object here as in the store.
    fn set_sync_limit(&mut self, value: &serde_json::Value) -> Result<(), SimError> {
        let (lock, limit) = Self::sync_limit(value)?;
        self.controller.set_semaphore_limit(&lock, Some(limit));
        self.limits.insert(lock, limit);
        Ok(())
    }

    /// The lock that such an object is about, and its limit.
    pub(crate) fn sync_limit(value: &serde_json::Value) -> Result<(String, i64), SimError> {
        let metadata = &value["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or(NAMESPACE);
        let limit = value["spec"]["limit"].as_i64();
        let (Some(key), Some(limit)) = (metadata["name"].as_str(), limit) else {
            let text = "a SyncLimit has metadata.name and spec.limit, a number";
            return Err(SimError::Yaml(text.to_owned()));
        };
        Ok((format!("{namespace}/Database/{key}"), limit))
    }

    /// A namespace's label says how many of its workflows may run at a time.
    fn apply_namespace(&mut self, value: &serde_json::Value) {
        let metadata = &value["metadata"];
        let limit = metadata["labels"][labels::PARALLELISM_LIMIT].as_str();
        let limit = limit.and_then(|limit| limit.parse().ok());
        let name = metadata["name"].as_str().unwrap_or_default();
        self.namespace_limits.insert(name.to_owned(), limit);
        self.controller.set_namespace_parallelism(name, limit);
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
        definition.baseline = self.baseline(&definition.workflow);
        Ok(Arc::new(definition))
    }

    /// How long the last run took that came from the same template and succeeded.
    /// Argo: `NewEstimator`.
    fn baseline(&self, workflow: &Workflow) -> Option<Baseline> {
        let origin = Baseline::origin(workflow)?;
        let mut all: Vec<RunId> = self.all().collect();
        all.reverse();
        all.into_iter().find_map(|id| {
            let run = self.run(id)?;
            let known = &run.definition().workflow;
            let same = Baseline::origin(known).as_ref() == Some(&origin)
                && known.metadata.namespace == workflow.metadata.namespace;
            (same && run.phase() == Some(WorkflowPhase::Succeeded))
                .then(|| Baseline::of(&run.workflow()))
                .flatten()
        })
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
        self.create_as(id, workflow)
    }

    pub(crate) fn create_as(&mut self, id: RunId, workflow: Workflow) -> Result<RunId, SimError> {
        if is_left_alone(&workflow) {
            self.refused.insert(id, workflow);
            return Ok(id);
        }
        if has_begun(&workflow.status) {
            return self.adopt(id, workflow);
        }
        let mut definition = self.define(workflow)?;
        let repository = self.objects.repository(&definition);
        let unresolved = match repository {
            Ok(repository) => {
                Arc::make_mut(&mut definition).artifact_repository = repository;
                None
            }
            Err(error) => Some(format!("failed to resolve artifact repository: {error}")),
        };
        let run = Run::new(id, definition.clone(), self.settings.clone());
        let missing = missing_template(&definition);
        let (phase, message) = match (missing, refusal(&definition), run) {
            // What the controller's restrictions refuse is not looked at further.
            (_, _, Ok(run)) if run.plan().refusal.is_some() => {
                self.take_up(run, definition);
                return Ok(id);
            }
            (None, None, Ok(run)) => match unresolved {
                Some(unresolved) => (WorkflowPhase::Error, unresolved),
                None => {
                    self.take_up(run, definition);
                    return Ok(id);
                }
            },
            (Some(missing), _, _) => (WorkflowPhase::Error, missing),
            (None, Some(refusal), _) => (WorkflowPhase::Failed, refusal),
            (None, None, Err(error)) => (WorkflowPhase::Failed, format!("invalid spec: {error}")),
        };
        let mut workflow = definition.workflow.clone();
        let stored = stored_spec(&definition).map(Box::new);
        workflow.status.stored_workflow_template_spec = stored;
        self.refuse(id, workflow, phase, message);
        Ok(id)
    }

    /// Takes up a workflow that began elsewhere.
    fn adopt(&mut self, id: RunId, workflow: Workflow) -> Result<RunId, SimError> {
        let definition = match self.adoptable(workflow)? {
            Ok(definition) => definition,
            Err((workflow, violation)) => {
                self.refuse(id, workflow, WorkflowPhase::Error, violation);
                return Ok(id);
            }
        };
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

    /// What a workflow that has begun is taken up with; or the workflow, and why it ends in an error
    /// instead.
    pub(crate) fn adoptable(
        &self,
        workflow: Workflow,
    ) -> Result<Result<Arc<Definition>, (Workflow, String)>, SimError> {
        let mut definition = self.objects.definition(workflow);
        definition.configure(&self.settings.config)?;
        if let Some(violation) = violation_by_change(&definition)? {
            return Ok(Err((definition.workflow, violation)));
        }
        if let Err(fault) = prepare_adoption(&mut definition) {
            return Ok(Err((definition.workflow, fault)));
        }
        let found = definition.workflow.status.artifact_repository_ref.as_ref();
        definition.artifact_repository = found
            .filter(|found| !found.default && found.artifact_repository.is_some())
            .cloned();
        Ok(Ok(Arc::new(definition)))
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

    /// Keeps a workflow that can't be carried out. It ends when it is looked at for the first time.
    pub(crate) fn refuse(
        &mut self,
        id: RunId,
        workflow: Workflow,
        phase: WorkflowPhase,
        message: String,
    ) {
        self.refused.insert(id, workflow);
        self.refusals.insert(id, (phase, message));
    }

    /// Ends what was refused, of all workflows or of one.
    pub(crate) fn end_refused(&mut self, only: Option<RunId>) {
        let meant = |id: &RunId| only.is_none_or(|only| only == *id);
        let refusals = std::mem::take(&mut self.refusals);
        let (now, later) = refusals.into_iter().partition(|(id, _)| meant(id));
        self.refusals = later;
        let now: BTreeMap<RunId, (WorkflowPhase, String)> = now;
        for (id, (phase, message)) in now {
            if let Some(workflow) = self.refused.remove(&id) {
                self.end_as_refused(id, workflow, phase, message);
            }
        }
    }

    fn end_as_refused(
        &mut self,
        id: RunId,
        mut workflow: Workflow,
        phase: WorkflowPhase,
        message: String,
    ) {
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
            stored_workflow_template_spec: workflow.status.stored_workflow_template_spec.take(),
            ..WorkflowStatus::default()
        };
        if let Some(reference) = &workflow.spec.workflow_template_ref
            && workflow.status.stored_workflow_template_spec.is_some()
        {
            let key = reference.scope().label();
            let shown = workflow.metadata.labels.get_or_insert_default();
            shown.insert(key.to_owned(), reference.name.clone());
        }
        let labels = workflow.metadata.labels.get_or_insert_default();
        for (key, value) in [(labels::PHASE, phase.as_str()), (labels::COMPLETED, "true")] {
            labels.insert(key.to_owned(), value.to_owned());
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
}

/// Whether Argo's controller would not look at a workflow although it shows no end. Argo:
/// `reconciliationNeeded`.
fn is_left_alone(workflow: &Workflow) -> bool {
    let labels = workflow.metadata.labels.as_ref();
    let completed = labels.and_then(|labels| labels.get(labels::COMPLETED));
    let ended = workflow
        .status
        .phase
        .is_some_and(|phase| phase.is_completed());
    completed.is_some_and(|completed| completed == "true") && !ended
}

/// Argo's error where the template that a workflow is to be is not there.
fn missing_template(definition: &Definition) -> Option<String> {
    let reference = definition.workflow.spec.workflow_template_ref.as_ref()?;
    let name = &reference.name;
    let kind = reference.scope().kind().to_lowercase();
    match definition.inherited() {
        Some(_) => None,
        None => Some(format!("{kind}.argoproj.io \"{name}\" not found")),
    }
}
