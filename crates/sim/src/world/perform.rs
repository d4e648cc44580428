//! What the world does when a run has had its turn: it stores the commit and carries out the effects.

use argosy_engine::commit::Commit;
use argosy_engine::effect::{Effect, PodRequest};
use argosy_engine::fact::Fact;
use argosy_engine::ids::{PodKey, RunId};
use argosy_engine::lower::offload;
use argosy_engine::outbox::{self, Ticket};
use argosy_engine::run::Turn;

use super::{Halting, World};
use crate::pods::{Outcome, SimPod};

impl World {
    pub(super) fn carry_out(&mut self, id: RunId, turn: Turn, only: Option<RunId>) {
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
    pub(super) fn perform_all(&mut self, id: RunId, number: Option<u64>, effects: Vec<Effect>) {
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

    pub(super) fn make_pod(&mut self, mut request: PodRequest) {
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

    fn perform(&mut self, id: RunId, effect: Effect, ticket: Option<Ticket>) {
        if ticket.is_none_or(|ticket| self.noted.insert(ticket)) {
            self.note_effect(&effect);
        }
        match effect {
            Effect::StopPod { pod, .. } => self.halt(pod),
            Effect::ForgetPod { pod } => {
                if let Some(known) = self.pods.get_mut(&pod) {
                    known.forgotten = true;
                }
                self.label_ended(pod);
            }
            Effect::RunEnded => {
                let pods = self.order.iter().filter(|key| key.run == id);
                for pod in pods.copied().collect::<Vec<_>>() {
                    self.label_ended(pod);
                }
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

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(what());
        }
    }

    /// Keeps what an effect does, in words that don't depend on the order in which nodes were made.
    fn note_effect(&mut self, effect: &Effect) {
        let text = match effect {
            // What lives on after a crash is told again to end.
            Effect::StopPod { pod, .. } if !self.noted_stops.insert(*pod) => return,
            Effect::StopPod { pod, .. } => {
                let pod = self.pods.get(pod);
                format!("stop {}", pod.map_or("", |pod| pod.name()))
            }
            // It is asked again when the pod is told of again, as after a crash.
            Effect::DeletePod { pod, .. } if !self.noted_deletions.insert(*pod) => return,
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

    /// Labels a pod whose end has been dealt with, if it is one that is kept.
    fn label_ended(&mut self, key: PodKey) {
        let run = self.controller.run(key.run);
        if let (Some(pod), Some(run)) = (self.pods.get_mut(&key), run)
            && pod.forgotten
            && run.labels_ended_pod(key.node, pod.ended_phase())
        {
            pod.label_as_completed();
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
}
