//! Running again what failed: `argo retry`. Argo: `FormulateRetryWorkflow`.
//!
//! Nodes that are run again are taken out of the arena, and what stands above them is opened
//! again. The run has ended, so no pod knows the old indices any more.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType, WorkflowPhase};

use super::arguments::InputError;
use super::body::Body;
use super::node::{Flags, Node, Role};
use super::pod_keys::keep_asked_as;
use super::refit::Revised;
use super::restart_plan::{RestartChoice, RestartPlan};
use super::row;
use super::{Run, Undone};
use crate::ids::NodeIndex;
use crate::plan::TemplateIndex;

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
        let before = self.nodes.len() as u32;
        let (rows, reopened) = self.kept_rows(&plan);
        self.begin_incarnations();
        self.reset();
        if let Some(revised) = plan.refit.revised {
            self.revise(revised);
        }
        for (name, value) in parameters {
            self.globals.change_parameter(name, value);
        }
        for node in rows {
            let mut values = Vec::new();
            let record = row::encode(&node, &mut values);
            let find = |hash| {
                values
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
        self.status.undone = Undone::Unseen(self.status.phase);
        self.status.phase = Some(WorkflowPhase::Running);
        self.status.shown_end = None;
        self.status.message = "".into();
        self.status.started_at = Some(self.now);
        self.status.finished_at = None;
        self.status.shutdown = None;
        self.status.suspended = false;
        self.status.exit_node = None;
        self.status.fatal = None;
        self.status.announced = false;
        self.status.locks = None;
        self.status_changed = true;
        if let Err(error) = self.link_all() {
            self.status.fatal = Some(error.to_string().into());
            return;
        }
        if !parameters.is_empty() || choice.revision.is_some() {
            self.resolve_anew(&reopened);
        }
        self.want_locks_anew();
        self.ask_for_workflow_locks();
    }

    /// Goes on with changed templates.
    fn revise(&mut self, revised: Revised) {
        self.definition = revised.definition;
        self.plan = revised.plan;
        self.status.revisions.push(revised.revision);
        self.prepared.borrow_mut().clear();
        self.telling = self.telling();
    }

    /// Gives nodes that were opened again the inputs that their callers would give them now. Argo
    /// fills in the arguments of what is open at every pass.
    fn resolve_anew(&mut self, reopened: &[NodeIndex]) {
        for &index in reopened {
            let node = self.node(index);
            if node.role == Role::Attempt {
                let inputs = self.node(node.parent).inputs.clone();
                self.change(index).inputs = inputs;
                continue;
            }
            let around = match node.role {
                Role::Step | Role::Task => node.boundary,
                Role::Root => NodeIndex::NONE,
                Role::Attempt | Role::StepGroup | Role::OnExit | Role::Hook | Role::Container => {
                    continue;
                }
            };
            let (Some(planned), Some(call)) = (self.template_of(index), self.call_of(index)) else {
                continue;
            };
            let item = node.item();
            let items = item.and_then(|item| Some((self.items_around(index)?, item)));
            match self.resolve_inputs(index, &planned, &call, around, items, &[]) {
                Ok(inputs) => self.change(index).inputs = Some(Arc::new(inputs)),
                Err(error) => {
                    if matches!(error, InputError::Argument(_)) {
                        self.argument_errors.insert(index);
                    }
                    self.refuse(index, error.message());
                }
            }
        }
    }

    /// The nodes that stay, with new indices, those above removed ones open again; and which of
    /// them are composites that were opened.
    fn kept_rows(&self, plan: &RestartPlan) -> (Vec<Node>, Vec<NodeIndex>) {
        let mut moved = vec![NodeIndex::NONE; self.nodes.len()];
        let (mut kept, mut reopened) = (Vec::new(), Vec::new());
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
            if matches!(node.kind, NodeType::Pod | NodeType::HTTP | NodeType::Plugin) {
                keep_asked_as(&mut node, index, moved[index.offset()]);
            }
            if let Some(&slot) = plan.refit.slots.get(&index) {
                node.slot = slot;
            }
            if plan.reopened.contains(&index) {
                if node.template != TemplateIndex::NONE {
                    reopened.push(moved[index.offset()]);
                }
                if let Some(&template) = plan.refit.templates.get(&index) {
                    node.template = template;
                }
                if node.phase != NodePhase::Skipped {
                    node.phase = NodePhase::Running;
                }
                node.message = None;
                node.set_started_at(self.now);
                node.set_finished_at(None);
                node.let_go_of_locks();
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
        (kept, reopened)
    }

    /// Empties the arena and all that is told from it.
    fn reset(&mut self) {
        self.nodes.clear();
        self.moved_pods.clear();
        self.late.clear();
        self.hashes.clear();
        self.attached.clear();
        self.container_nodes.clear();
        self.root_daemons.clear();
        self.settled.clear();
        self.dirty.clear();
        self.hooks_due.clear();
        self.hooks_held.clear();
        self.unseen.clear();
        self.wanted_pods.clear();
        self.wanted_tasks.clear();
        self.due.clear();
        self.argument_errors.clear();
        self.held_back.clear();
        self.relocks.clear();
        self.overdue.clear();
        self.forget_all_waiters();
        self.counts = super::Counts::default();
        self.changed.clear();
        self.aggregates.borrow_mut().clear();
    }
}
