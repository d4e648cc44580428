//! The workflows of a world.

use argosy_api::{ShutdownStrategy, Workflow, WorkflowStatus};
use argosy_engine::fact::{Command, Fact};
use argosy_engine::ids::RunId;
use argosy_engine::run::Run;

use super::World;

impl World {
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

    /// A workflow with its status, as Argo shows it. That it is to be brought down stands in its
    /// spec before that is done.
    pub fn workflow(&self, id: RunId) -> Option<Workflow> {
        let mut workflow = self
            .run(id)
            .map(Run::workflow)
            .or_else(|| self.refused.get(&id).cloned())?;
        if let Some(strategy) = self.asked_shutdown(id) {
            workflow.spec.shutdown = Some(strategy);
        }
        Some(workflow)
    }

    fn asked_shutdown(&self, id: RunId) -> Option<ShutdownStrategy> {
        let mut asked = self.asked.iter().rev().filter(|(asked, _)| *asked == id);
        asked.find_map(|(_, fact)| match fact {
            Fact::Asked(Command::Stop { selector: None, .. }) => Some(ShutdownStrategy::Stop),
            Fact::Asked(Command::Terminate) => Some(ShutdownStrategy::Terminate),
            _ => None,
        })
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.controller.run(id)
    }

    /// A run's status as Argo shows it.
    pub fn status(&self, id: RunId) -> WorkflowStatus {
        self.run(id).map(Run::workflow_status).unwrap_or_default()
    }

    /// How many turns of a run that came to something are stored.
    pub(crate) fn stored_turns(&self, id: RunId) -> usize {
        self.stored.get(&id).map_or(0, |stored| stored.log.len())
    }

    /// Deletes a workflow with its pods.
    pub fn delete(&mut self, id: RunId) {
        self.controller.remove(id);
        self.stored.remove(&id);
        self.refused.remove(&id);
        self.refusals.remove(&id);
        self.asked.retain(|(asked, _)| *asked != id);
        self.order.retain(|key| key.run != id);
        self.pods.retain(|key, _| key.run != id);
        self.agents.retain(|key, _| key.run != id);
        self.tasks.retain(|key, _| key.run != id);
    }
}
