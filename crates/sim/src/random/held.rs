//! What must hold of a world, whatever has happened in it.

use std::collections::BTreeMap;

use argosy_engine::ids::RunId;

use super::Play;
use crate::check::{check, check_adopted};
use crate::world::Diligence;

impl Play<'_> {
    /// What must hold at every settled instant.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let runs: Vec<RunId> = self.world.all().collect();
        // Taking up a run anew from its status costs more than all else.
        let adopt = self.dice.one_in(4);
        self.note_step(&runs);
        // What is looked at in the first play need not be in the second.
        if self.diligence == Diligence::Diligent {
            return Ok(());
        }
        for id in runs {
            let Some(run) = self.world.run(id) else {
                continue;
            };
            // What has ended, and was found right since, stays as it is.
            let turns = run.is_over().then(|| self.world.stored_turns(id));
            if turns.is_some() && self.found_over.get(&id) == turns.as_ref() {
                continue;
            }
            check(&self.world, id)?;
            if adopt {
                check_adopted(&self.world, id)?;
                self.found_over.extend(turns.map(|turns| (id, turns)));
            }
        }
        self.check_pods()
    }

    /// What a pod has done is not done again, unless a user asks for it, and no node has two pods.
    fn check_pods(&self) -> Result<(), String> {
        let mut done: BTreeMap<(RunId, &str), bool> = BTreeMap::new();
        for pod in self.world.all_pods().filter(|_| !self.retried) {
            let name = &*pod.request.node_name;
            let before = done.entry((pod.request.key.run, name)).or_default();
            if *before {
                return Err(format!("the node {name} was started again after its end"));
            }
            *before = pod.has_ended();
        }
        let mut live: BTreeMap<(RunId, u32), u32> = BTreeMap::new();
        for (key, name) in self.world.pods() {
            let count = live.entry((key.run, key.node.0)).or_default();
            *count += 1;
            let told = self.world.pods.get(&key).is_some_and(|pod| pod.told_to_end);
            if *count > 1 && !told {
                return Err(format!("the node {name} has two pods at once"));
            }
        }
        Ok(())
    }

    /// Keeps what was done since the last step, and how the runs stand.
    fn note_step(&mut self, runs: &[RunId]) {
        let mut step = self.world.trace.replace(Vec::new()).unwrap_or_default();
        for &id in runs {
            let status = self.world.status(id);
            for (node_id, node) in &status.nodes {
                let phase = node.phase.map(|phase| phase.as_str());
                step.push(format!("{} {node_id} {phase:?} {}", id.0, node.message));
            }
            step.push(format!("{} {:?} {}", id.0, status.phase, status.message));
        }
        step.sort_unstable();
        self.steps.push(step);
    }

    /// No lock is held, or waited for, when every run has ended.
    pub(super) fn check_locks_are_free(&mut self) -> Result<(), String> {
        for view in self.world.locks() {
            if !view.holders.is_empty() || !view.waiting.is_empty() {
                return Err(format!("the dead hold the lock {}", view.lock.name));
            }
        }
        Ok(())
    }
}
