//! Ends what is due, and notes what has ended.

use argosy_api::{NodePhase, NodeStatus};
use argosy_engine::fact::{Command, NodeSelector, TaskSeen};
use argosy_engine::ids::PodKey;

use super::Player;
use crate::pods::Outcome;

/// What ends, and how.
pub(super) enum Due {
    Pod(PodKey, Box<Outcome>),
    Task(PodKey, Box<Outcome>),
    Suspended(Box<NodeStatus>, Box<Outcome>),
}

impl Player<'_> {
    /// Notes which leaves have ended by now, of themselves or because they were told to.
    pub(super) fn note_ends(&mut self) {
        let play = &mut self.play;
        let Some(run) = play.world.run(play.run) else {
            return;
        };
        for leaf in play.leaves.iter_mut().filter(|leaf| leaf.ended.is_none()) {
            let ended = match leaf.pod {
                Some(key) => !play.world.pods.get(&key).is_some_and(|pod| pod.is_live()),
                None => run
                    .find_nodes(&leaf.node.id)
                    .first()
                    .and_then(|index| run.glance(index.0))
                    .is_none_or(|glance| glance.phase.is_fulfilled()),
            };
            if ended {
                leaf.ended = Some(self.moves);
            }
        }
    }

    /// Ends what is due by now; says whether there was anything.
    pub(super) fn end_what_is_due(&mut self) -> bool {
        let mut any = false;
        while let Some(first) = self.dues.first_entry() {
            let (at, _) = *first.key();
            if at > self.play.world.now() {
                break;
            }
            any = true;
            match first.remove() {
                Due::Pod(key, outcome) => self.end_pod(key, &outcome),
                Due::Task(key, outcome) => self.end_task(key, &outcome),
                Due::Suspended(node, outcome) => self.resume(&node, &outcome),
            }
        }
        any
    }

    fn end_pod(&mut self, key: PodKey, outcome: &Outcome) {
        // It may have been told to end before.
        let world = &mut self.play.world;
        if world.pods.get(&key).is_some_and(|pod| pod.is_live()) {
            world.end_pod(key, outcome);
        }
    }

    fn end_task(&mut self, key: PodKey, outcome: &Outcome) {
        let seen = TaskSeen {
            phase: outcome.phase(),
            message: outcome.why().map(Into::into),
            outputs: outcome.put_out(),
            exit_code: None,
        };
        self.play.world.tell_task(key, seen);
    }

    /// Gives a node that waits for somebody what it waits for.
    fn resume(&mut self, node: &NodeStatus, outcome: &Outcome) {
        let selector = NodeSelector::only("id", &node.id);
        let phase = outcome.phase();
        let failed = (phase != NodePhase::Succeeded).then_some(phase);
        let world = &mut self.play.world;
        if failed.is_some() || outcome.why().is_some() || !outcome.parameters.is_empty() {
            let set = Command::SetNode {
                selector: selector.clone(),
                phase: failed,
                message: outcome.why().map(Into::into),
                output_parameters: outcome.put_out().parameters,
            };
            world.ask(self.play.run, set);
        }
        if failed.is_none() {
            let resume = Command::Resume {
                selector: Some(selector),
            };
            world.ask(self.play.run, resume);
        }
    }
}
