//! A workflow that somebody else has written meanwhile: it is taken up anew as it stands then, with
//! the pods that there are. As with any object that is applied, what is not said stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowPhase};
use argosy_engine::ids::{PodKey, RunId};
use argosy_engine::run::Run;

use super::crash::{begin, has_begun};
use super::{SimError, Stored, World};

impl World {
    /// Puts another version of a workflow in the place of the one that is there.
    ///
    /// # Errors
    /// If it can't be taken up.
    pub fn replace(&mut self, id: RunId, mut workflow: Workflow) -> Result<(), SimError> {
        let known = self.workflow(id).unwrap_or_default();
        keep_metadata(&known, &mut workflow);
        if !has_begun(&workflow.status) {
            workflow.status = known.status;
        }
        if self.refusals.contains_key(&id) {
            // Nobody has looked at what was there.
            self.delete(id);
            return self.create_as(id, workflow).map(drop);
        }
        if let Some(refused) = self.refused.get_mut(&id) {
            *refused = workflow;
            return Ok(());
        }
        if !has_begun(&workflow.status) {
            self.delete(id);
            return self.create_as(id, workflow).map(drop);
        }
        let definition = match self.adoptable(workflow)? {
            Ok(definition) => definition,
            Err((workflow, violation)) => {
                self.delete(id);
                self.refuse(id, workflow, WorkflowPhase::Error, violation);
                return Ok(());
            }
        };
        let run = begin(id, &definition, &self.settings, self.now)?;
        self.move_pods(id, &run);
        self.agents.retain(|key, _| key.run != id);
        let stored = Stored {
            definition: Arc::clone(&definition),
            ..Stored::default()
        };
        self.stored.insert(id, stored);
        // All runs say anew which locks they have, so that it keeps its own.
        self.crash()
    }

    /// Gives each pod the place that its node has in another run. What has no node there is gone.
    fn move_pods(&mut self, id: RunId, run: &Run) {
        let mut pods = BTreeMap::new();
        let mut places: BTreeMap<PodKey, PodKey> = BTreeMap::new();
        for key in self.order.iter().filter(|key| key.run == id) {
            let Some(mut pod) = self.pods.remove(key) else {
                continue;
            };
            let nodes = run.find_nodes(&pod.request.node_name);
            if let Some(place) = nodes.first().and_then(|index| run.pod_key_at(index.0)) {
                pod.request.key = place;
                places.retain(|_, known| *known != place);
                places.insert(*key, place);
                pods.insert(place, pod);
            }
        }
        self.order
            .retain(|key| key.run != id || places.contains_key(key));
        for key in self.order.iter_mut().filter(|key| key.run == id) {
            if let Some(place) = places.get(key) {
                *key = *place;
            }
        }
        self.pods.extend(pods);
    }
}

/// It stays the same object, and keeps the labels and annotations that others gave it.
fn keep_metadata(known: &Workflow, workflow: &mut Workflow) {
    let (old, new) = (&known.metadata, &mut workflow.metadata);
    new.namespace.clone_from(&old.namespace);
    new.uid.clone_from(&old.uid);
    new.creation_timestamp.clone_from(&old.creation_timestamp);
    let merge = |old: &Option<BTreeMap<String, String>>, new: &mut Option<BTreeMap<_, _>>| {
        let mut all = old.clone().unwrap_or_default();
        all.extend(new.take().unwrap_or_default());
        *new = (!all.is_empty()).then_some(all);
    };
    merge(&old.labels, &mut new.labels);
    merge(&old.annotations, &mut new.annotations);
    if workflow.api_version.is_empty() {
        workflow.api_version.clone_from(&known.api_version);
    }
    if workflow.kind.is_empty() {
        workflow.kind.clone_from(&known.kind);
    }
}
