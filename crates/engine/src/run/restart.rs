//! Running again what failed: `argo retry`. Argo: `FormulateRetryWorkflow`.
//!
//! Nodes that are run again are taken out of the arena, and what stands above them is opened
//! again. The run has ended, so no pod knows the old indices any more.

use argosy_api::{NodePhase, NodeType, WorkflowPhase};

use super::Run;
use super::body::Body;
use super::node::{Flags, Role};
use super::restart_plan::{RestartChoice, RestartPlan};
use super::row;
use crate::ids::NodeIndex;

impl Run {
    /// Runs again what failed. A retry that can't be is left alone: who asked was told.
    pub(super) fn restart(
        &mut self,
        choice: RestartChoice<'_>,
        parameters: &[(Box<str>, Box<str>)],
    ) {
        let Ok(plan) = self.plan_restart(choice) else {
            return;
        };
        for (name, value) in parameters {
            self.globals.change_parameter(name, value);
        }
        let before = self.nodes.len() as u32;
        let rows = self.kept_rows(&plan);
        self.reset();
        let mut values = Vec::new();
        for node in rows {
            let record = row::encode(&node, &mut values);
            let found = values.clone();
            let find = |hash| {
                found
                    .iter()
                    .find(|(known, _)| *known == hash)
                    .map(|(_, value)| value.clone())
            };
            let reloaded = row::decode(&record, &find)
                .map_err(|error| error.to_string())
                .and_then(|(node, body)| {
                    self.load_node(node, body)
                        .map_err(|error| error.to_string())
                });
            if let Err(error) = reloaded {
                self.status.fatal = Some(error.into());
                return;
            }
        }
        self.removed = (self.nodes.len() as u32..before).collect();
        for place in 0..self.nodes.len() as u32 {
            self.change(NodeIndex(place));
        }
        self.status.phase = Some(WorkflowPhase::Running);
        self.status.message = "".into();
        self.status.started_at = Some(self.now);
        self.status.finished_at = None;
        self.status.shutdown = None;
        self.status.suspended = false;
        self.status.exit_node = None;
        self.status.fatal = None;
        self.status.announced = false;
        self.status.synchronization = None;
        self.status_changed = true;
        if let Err(error) = self.link_all() {
            self.status.fatal = Some(error.to_string().into());
        }
    }

    /// The nodes that stay, with new indices, those above removed ones open again.
    fn kept_rows(&self, plan: &RestartPlan) -> Vec<super::node::Node> {
        let mut moved = vec![NodeIndex::NONE; self.nodes.len()];
        let mut kept = Vec::new();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            if plan.removed.contains(&index) {
                continue;
            }
            moved[index.offset()] = NodeIndex(kept.len() as u32);
            let mut node = self.node(index).clone();
            for link in [&mut node.parent, &mut node.boundary, &mut node.owner] {
                if *link != NodeIndex::NONE {
                    *link = moved[link.offset()];
                }
            }
            if plan.reopened.contains(&index) {
                if node.phase != NodePhase::Skipped {
                    node.phase = NodePhase::Running;
                }
                node.message = None;
                node.set_started_at(self.now);
                node.set_finished_at(None);
                node.flags.clear(Flags::HOLDS_LOCKS);
                node.flags.clear(Flags::SETTLED);
                node.flags.clear(Flags::EXIT_DECIDED);
                if let Body::Group(body) = &mut node.body {
                    body.doomed = None;
                    body.forget_loops(|item| plan.removed.contains(&item));
                }
                if node.kind == NodeType::Retry
                    && let Body::Retry(body) = &mut node.body
                {
                    body.wait_until = None;
                    body.deadline = None;
                }
            }
            let above = self.node(index).parent;
            if matches!(node.role, Role::Step | Role::Task) && plan.reopened.contains(&above) {
                // Its hooks are looked at again: some may have been taken out, or never begun.
                node.flags.clear(Flags::SETTLED);
                node.flags.clear(Flags::EXIT_DECIDED);
            }
            kept.push(node);
        }
        kept
    }

    /// Empties the arena and all that is told from it.
    fn reset(&mut self) {
        self.nodes.clear();
        self.late.clear();
        self.hashes.clear();
        self.attached.clear();
        self.container_nodes.clear();
        self.root_daemons.clear();
        self.settled.clear();
        self.dirty.clear();
        self.wanted_pods.clear();
        self.wanted_tasks.clear();
        self.due.clear();
        self.argument_errors.clear();
        self.held_back.clear();
        self.counts = super::Counts::default();
        self.changed.clear();
        self.aggregates.borrow_mut().clear();
    }
}
