//! Running again what failed: `argo retry`. Argo: `FormulateRetryWorkflow`.
//!
//! Nodes that are run again are taken out of the arena, and what stands above them is opened
//! again. The run has ended, so no pod knows the old indices any more.

use std::collections::BTreeSet;

use argosy_api::{NodePhase, NodeType, WorkflowPhase};

use super::Run;
use super::body::Body;
use super::node::{Flags, Role};
use super::row;
use crate::fact::NodeSelector;
use crate::ids::NodeIndex;

/// What a retry would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartPlan {
    /// The nodes that are taken out, to be made again.
    pub removed: BTreeSet<NodeIndex>,
    /// The nodes that are opened again.
    pub reopened: BTreeSet<NodeIndex>,
}

impl Run {
    /// What a retry would do.
    ///
    /// # Errors
    /// If the workflow can't be retried, in Argo's words.
    pub fn plan_restart(
        &self,
        restart_successful: bool,
        selector: Option<&NodeSelector>,
    ) -> Result<RestartPlan, String> {
        match self.status.phase {
            Some(WorkflowPhase::Failed | WorkflowPhase::Error) => {}
            Some(WorkflowPhase::Succeeded) if restart_successful && selector.is_some() => {}
            Some(WorkflowPhase::Succeeded) => {
                return Err(
                    "To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector"
                        .to_owned(),
                );
            }
            _ => return Err("Cannot retry a workflow in phase Running".to_owned()),
        }
        let mut plan = RestartPlan::default();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            if self.is_run_again(index, restart_successful, selector, &plan) {
                plan.removed.insert(index);
            }
        }
        for &index in &plan.removed {
            let mut above = self.node(index).parent;
            while let Some(open) = above.some() {
                if !plan.reopened.insert(open) {
                    break;
                }
                above = self.node(open).parent;
            }
        }
        plan.reopened = plan.reopened.difference(&plan.removed).copied().collect();
        Ok(plan)
    }

    fn is_run_again(
        &self,
        index: NodeIndex,
        restart_successful: bool,
        selector: Option<&NodeSelector>,
        plan: &RestartPlan,
    ) -> bool {
        let node = self.node(index);
        // Whatever stands in or on a removed node goes with it, and so do exit handlers.
        let gone = |above: NodeIndex| above != NodeIndex::NONE && plan.removed.contains(&above);
        if gone(node.parent) || gone(node.boundary) || gone(node.owner) {
            return true;
        }
        if node.flags.has(Flags::EXIT_HANDLER) && node.role == Role::OnExit {
            return true;
        }
        if node.role == Role::Container {
            return false;
        }
        let leaf = matches!(node.body, Body::None);
        let chosen = restart_successful
            && leaf
            && selector.is_some_and(|selector| self.matches(index, selector));
        match node.phase {
            _ if chosen => true,
            NodePhase::Failed | NodePhase::Error => leaf,
            // Steps behind a failed group were not made; tasks behind a failed one were omitted.
            NodePhase::Omitted => true,
            NodePhase::Pending | NodePhase::Running => leaf,
            NodePhase::Succeeded | NodePhase::Skipped => self.stands_behind(index, plan),
        }
    }

    /// Whether a node began after one that is run again: what comes behind is run again too.
    fn stands_behind(&self, index: NodeIndex, plan: &RestartPlan) -> bool {
        let node = self.node(index);
        match node.role {
            Role::StepGroup => match &self.node(node.parent).body {
                Body::Steps(body) => body.groups.iter().take(node.slot as usize).any(|&before| {
                    plan.removed
                        .iter()
                        .any(|&removed| self.node(removed).parent == before)
                }),
                _ => false,
            },
            Role::Task => {
                let Some(template) = self.template_of(node.boundary) else {
                    return false;
                };
                let (Some(dag), Body::Dag(body)) = (template.dag(), &self.node(node.boundary).body)
                else {
                    return false;
                };
                dag.tasks[node.slot as usize]
                    .dependencies
                    .iter()
                    .any(|&dependency| {
                        let before = body.tasks[dependency as usize].node;
                        plan.removed.iter().any(|&removed| {
                            removed == before || self.node(removed).parent == before
                        })
                    })
            }
            _ => false,
        }
    }

    /// Runs again what failed. A retry that can't be is left alone: who asked was told.
    pub(super) fn restart(
        &mut self,
        restart_successful: bool,
        selector: Option<&NodeSelector>,
        parameters: &[(Box<str>, Box<str>)],
    ) {
        let Ok(plan) = self.plan_restart(restart_successful, selector) else {
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
            let open = plan.reopened.contains(&index)
                || (!matches!(node.body, Body::None) && node.phase.is_failed_or_error());
            if open {
                node.phase = NodePhase::Running;
                node.message = None;
                node.set_finished_at(None);
                node.outputs = None;
                node.flags.clear(Flags::SETTLED);
                node.flags.clear(Flags::EXIT_DECIDED);
                if let Body::Group(body) = &mut node.body {
                    body.doomed = None;
                }
                if node.kind == NodeType::Retry
                    && let Body::Retry(body) = &mut node.body
                {
                    body.wait_until = None;
                    body.deadline = None;
                }
            }
            if node.role == Role::Attempt
                && let Body::Retry(body) = &self.node(self.node(index).parent).body
            {
                // Attempts count from 0 without holes.
                let earlier = body
                    .attempts
                    .iter()
                    .take_while(|&&attempt| attempt < index)
                    .filter(|attempt| !plan.removed.contains(attempt))
                    .count();
                node.slot = earlier as u32;
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
