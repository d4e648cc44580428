//! A crash: all but what is stored is forgotten, and the runs are loaded anew.

use std::sync::Arc;

use argosy_api::WorkflowStatus;
use argosy_engine::controller::Controller;
use argosy_engine::definition::Definition;
use argosy_engine::fact::Fact;
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::outbox;
use argosy_engine::run::{LoadError, Run};
use argosy_engine::settings::Settings;

use super::{SimError, Stored, World};

impl World {
    /// Forgets all but what is stored, in the middle of the next settling, after its `at`th commit.
    pub fn crash_later(&mut self, at: u64) {
        self.crash_after = Some(at.max(1));
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
