//! A run from its rows. What composites count is told from their children.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{NodePhase, ShutdownStrategy, WorkflowPhase};
use serde::{Deserialize, Serialize};

use super::body::{Body, DagBody, LoopState, StepState, StepsBody};
use super::dag::continues;
use super::globals::GlobalOutputs;
use super::locks::LockNotes;
use super::node::{Flags, Role};
use super::row::{RowError, StoredBody, decode, stored_group};
use super::strangers::Strangers;
use super::{Run, Undone};
use crate::commit::{NodeRow, ValueHash};
use crate::definition::Definition;
use crate::ids::{NodeIndex, RunId, Seconds};
use crate::plan::{CompileError, Plan, TemplateBody, compile, compile_after};
use crate::revision::Revision;
use crate::settings::Settings;

/// A node as the store gives it back.
pub type StoredNode = NodeRow;

/// Why a run can't be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Its workflow can't be compiled any more.
    #[error("the workflow can't be compiled: {0}")]
    Compile(#[from] CompileError),
    /// A row can't be read.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The run's own state can't be read.
    #[error("the state of the run is damaged: {0}")]
    State(String),
    /// What it is to be made of can't be taken over.
    #[error("{0}")]
    Refused(String),
    /// A node is missing between others.
    #[error("node {0} is missing from the store")]
    Hole(u32),
    /// A node refers to something that is not there.
    #[error("node {0} does not fit the workflow")]
    Misfit(u32),
}

/// The run's own state as it is stored, as JSON: it is small and rarely written.
#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct State {
    phase: Option<WorkflowPhase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_end: Option<(WorkflowPhase, Option<i64>)>,
    undone: Undone,
    message: String,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    shutdown: Option<ShutdownStrategy>,
    suspended: bool,
    exit_node: Option<u32>,
    fatal: Option<String>,
    announced: bool,
    outbox: u64,
    output_parameters: Vec<argosy_api::Parameter>,
    output_artifacts: Vec<argosy_api::Artifact>,
    /// Workflow parameters that were changed by a retry.
    parameters: BTreeMap<String, String>,
    labels_from: BTreeMap<String, String>,
    looked_twice: bool,
    claims: Vec<String>,
    metrics_error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    locks: Option<Box<LockNotes>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revisions: Vec<Revision>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    first_incarnations: Vec<u32>,
    #[serde(skip_serializing_if = "Strangers::is_empty")]
    strangers: Strangers,
}

impl Run {
    /// A run as it stands in the store. Until it is told its inventory, it asks for no pod.
    ///
    /// # Errors
    /// If what is stored can't be read, or does not fit the definition.
    pub fn load(
        id: RunId,
        definition: Arc<Definition>,
        settings: Arc<Settings>,
        state: Option<&[u8]>,
        rows: impl IntoIterator<Item = NodeRow>,
        values: &dyn Fn(ValueHash) -> Option<Arc<str>>,
    ) -> Result<Self, LoadError> {
        let state = state.map(read_state).transpose()?.unwrap_or_default();
        let (definition, plan) = revised(definition, &state.revisions)?;
        let mut run = Self::with_plan(id, definition, Arc::new(plan), settings);
        run.take_state(state);
        for row in rows {
            if row.index as usize != run.nodes.len() {
                return Err(LoadError::Hole(run.nodes.len() as u32));
            }
            let (node, body) = decode(&row.record, values)?;
            run.load_node(node, body)?;
        }
        run.link_all()?;
        Ok(run)
    }

    pub(super) fn encode_state(&self) -> Vec<u8> {
        let state = State {
            phase: self.status.phase,
            shown_end: (self.status.shown_end).map(|(phase, at)| (phase, at.map(|at| at.0))),
            undone: self.status.undone,
            message: self.status.message.to_string(),
            started_at: self.status.started_at.map(|at| at.0),
            finished_at: self.status.finished_at.map(|at| at.0),
            shutdown: self.status.shutdown,
            suspended: self.status.suspended,
            exit_node: self.status.exit_node.map(|node| node.0),
            fatal: self.status.fatal.as_deref().map(str::to_owned),
            announced: self.status.announced,
            outbox: self.status.outbox,
            labels_from: self.status.labels_from.clone(),
            looked_twice: self.status.looked_twice,
            claims: self.status.claims.clone(),
            metrics_error: self.status.metrics_error.clone(),
            locks: self.status.locks.clone(),
            revisions: self.status.revisions.clone(),
            first_incarnations: self.status.first_incarnations.clone(),
            strangers: self.status.strangers.clone(),
            output_parameters: self.globals.outputs.parameters.clone(),
            output_artifacts: self.globals.outputs.artifacts.clone(),
            parameters: self
                .globals
                .changed_parameters
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        };
        serde_json::to_vec(&state).unwrap_or_default()
    }

    fn take_state(&mut self, state: State) {
        self.status.revisions = state.revisions;
        self.status.first_incarnations = state.first_incarnations;
        self.status.strangers = state.strangers;
        self.status.phase = state.phase;
        self.status.shown_end = (state.shown_end).map(|(phase, at)| (phase, at.map(Seconds)));
        self.status.undone = state.undone;
        self.status.message = Arc::from(state.message);
        self.status.started_at = state.started_at.map(Seconds);
        self.status.finished_at = state.finished_at.map(Seconds);
        self.status.shutdown = state.shutdown;
        self.status.suspended = state.suspended;
        self.status.exit_node = state.exit_node.map(NodeIndex);
        self.status.fatal = state.fatal.map(Arc::from);
        self.status.announced = state.announced;
        self.status.outbox = state.outbox;
        for (key, value) in &state.labels_from {
            self.add_label(key, value);
        }
        self.status.looked_twice = state.looked_twice;
        self.status.claims = state.claims;
        self.status.metrics_error = state.metrics_error;
        self.status.locks = state.locks;
        self.globals.outputs = GlobalOutputs {
            parameters: state.output_parameters,
            artifacts: state.output_artifacts,
        };
        for (name, value) in state.parameters {
            self.globals.change_parameter(&name, &value);
        }
    }

    /// Adds a node and knits it to its parent, which stands before it.
    pub(super) fn load_node(
        &mut self,
        mut node: super::node::Node,
        stored: StoredBody,
    ) -> Result<(), LoadError> {
        let index = NodeIndex(self.nodes.len() as u32);
        let misfit = LoadError::Misfit(index.0);
        if node.role == Role::Attempt && node.inputs.is_none() {
            let retried = self.nodes.get(node.parent.offset()).ok_or(misfit.clone())?;
            node.inputs = retried.inputs.clone();
        }
        for above in [node.parent, node.boundary, node.owner] {
            if above != NodeIndex::NONE && above >= index {
                return Err(misfit);
            }
        }
        node.flags.clear(Flags::POD_ASKED);
        node.told = Some(node.phase);
        let template_known = node.template == crate::plan::TemplateIndex::NONE
            || (node.template.0 as usize) < self.plan.templates.len();
        if !template_known {
            return Err(misfit);
        }
        self.nodes.push(node);
        self.note_moved_pod(index);
        self.load_late(index)?;
        let body = self.empty_body(index, stored).ok_or(misfit.clone())?;
        self.nodes[index.offset()].body = body;
        self.link(index).ok_or(misfit)?;
        self.count_in(index);
        if self.node(index).role != Role::Root {
            let name = self.name(index);
            let salt = self
                .node(index)
                .details
                .as_ref()
                .map_or(0, |details| details.salt);
            let salted = match salt {
                0 => name,
                salt => format!("{name}#{salt}"),
            };
            self.hashes.insert(crate::lower::fnv1a32(salted.as_bytes()));
        }
        Ok(())
    }

    /// Compiles anew what was compiled for this node alone.
    fn load_late(&mut self, index: NodeIndex) -> Result<(), LoadError> {
        let Some(planned) = self.template_of(index) else {
            return Ok(());
        };
        let composite = matches!(
            self.node(index).kind,
            argosy_api::NodeType::Steps | argosy_api::NodeType::DAG
        );
        if composite && matches!(planned.body, TemplateBody::Late) {
            let filled = self
                .filled_template(index, &planned)
                .map_err(LoadError::State)?;
            let compiled =
                crate::plan::compile_late(&self.definition, &self.plan, &planned, filled)?;
            self.late.insert(index, Arc::new(compiled));
        }
        Ok(())
    }

    fn empty_body(&self, index: NodeIndex, stored: StoredBody) -> Option<Body> {
        Some(match stored {
            StoredBody::None => Body::None,
            StoredBody::Steps => Body::Steps(Box::<StepsBody>::default()),
            StoredBody::Retry(body) => Body::Retry(Box::new(body)),
            StoredBody::Gate(gate) => Body::Gate(gate),
            StoredBody::Loop(items) => Body::Loop(Box::new(LoopState::new(items))),
            StoredBody::Group { loops, doomed } => {
                let node = self.node(index);
                let template = self.template_of(node.parent)?;
                let steps = template.steps()?.groups.get(node.slot as usize)?.len();
                Body::Group(Box::new(stored_group(steps, loops, doomed)))
            }
            StoredBody::Dag => {
                let template = self.template_of(index)?;
                Body::Dag(Box::new(DagBody::new(template.dag()?)))
            }
        })
    }

    /// Enters a node where its parent keeps its children.
    fn link(&mut self, index: NodeIndex) -> Option<()> {
        let node = self.node(index);
        let (role, parent, owner) = (node.role, node.parent, node.owner);
        let (slot, item) = (node.slot, node.item());
        let settled = node.flags.has(Flags::SETTLED);
        let (phase, open) = (node.phase, u32::from(!settled));
        let continue_on = match role {
            Role::Step => self.call_of(index)?.continue_on,
            _ => Default::default(),
        };
        match role {
            Role::Root => {}
            Role::OnExit | Role::Hook => {
                self.attached.entry(owner).or_default().push(index);
                if self.node(index).flags.has(Flags::HELD_OPEN) && !settled {
                    self.hold_open(parent);
                }
            }
            Role::Container => {
                self.container_nodes.entry(parent).or_insert(index);
            }
            Role::StepGroup | Role::Step | Role::Task | Role::Attempt => {
                match &mut self.nodes.get_mut(parent.offset())?.body {
                    Body::Steps(body) => body.groups.push(index),
                    Body::Retry(body) => body.attempts.push(index),
                    Body::Group(body) => {
                        body.open += open;
                        body.checked = true;
                        let counts = phase.is_failed_or_error() && !continues(continue_on, phase);
                        if settled && counts && body.failed_child.is_none() {
                            body.failed_child = Some(index);
                        }
                        match (body.steps.get_mut(slot as usize)?, item) {
                            (StepState::Loop(state), Some(item)) => {
                                link_item(state, item, index, settled, phase)?;
                            }
                            (step, _) => *step = StepState::Single(index),
                        }
                    }
                    Body::Loop(state) => link_item(state, item?, index, settled, phase)?,
                    Body::Dag(body) => {
                        body.open += open;
                        body.unsettled -= u32::from(settled);
                        body.tasks.get_mut(slot as usize)?.node = index;
                    }
                    Body::None | Body::Gate(_) => return None,
                }
            }
        }
        Some(())
    }

    /// What can only be told once all nodes are there.
    pub(super) fn link_all(&mut self) -> Result<(), LoadError> {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            match &mut self.nodes[index.offset()].body {
                Body::Group(body) => {
                    let made = body.steps.iter().position(|step| match step {
                        StepState::Unmade => true,
                        StepState::Single(_) => false,
                        StepState::Loop(state) => state.unmade > 0,
                    });
                    body.made = made.unwrap_or(body.steps.len()) as u32;
                    body.checked |= body.made > 0;
                }
                Body::Dag(_) => self.link_dag(index).ok_or(LoadError::Misfit(place))?,
                Body::None | Body::Steps(_) | Body::Loop(_) | Body::Retry(_) | Body::Gate(_) => {}
            }
            self.link_waiting(index);
        }
        if self.awaits_start() {
            return Ok(());
        }
        if self.status.phase.is_some_and(|phase| !phase.is_completed()) {
            if let Some(deadline) = self.deadline() {
                self.due.insert((deadline, NodeIndex::NONE));
            }
            self.mark_all_dirty();
        }
        self.ask_for_own_locks_again();
        Ok(())
    }

    /// What a node waits for, in the tables by which it is found again.
    fn link_waiting(&mut self, index: NodeIndex) {
        let node = self.node(index);
        let (kind, flags, boundary) = (node.kind, node.flags, node.boundary);
        let fulfilled = node.phase.is_fulfilled();
        if flags.has(Flags::DAEMONED) && !fulfilled {
            self.register_daemon(boundary, index);
        }
        // It may have come to its phase before what hangs on it was told, and hooks of it, or its
        // exit handler, may have been held back. A daemon is told of as over while it is up.
        let is_settled = fulfilled && flags.has(Flags::SETTLED);
        let above = self.node(index).parent.some();
        let is_past = above.is_none_or(|above| self.node(above).phase.is_fulfilled());
        let has_hooks = fulfilled && !is_past && self.has_hooks_to_come(index);
        if !is_settled || has_hooks {
            self.unseen.insert(index);
        }
        // Whether a hook is held back is known when it is looked at; until then it may be.
        if !is_settled && has_hooks {
            self.hooks_held.insert(index);
        }
        if fulfilled {
            return;
        }
        if matches!(self.node(index).body, Body::Gate(_)) {
            self.link_gate(index);
            return;
        }
        if self.waits_of(index).is_some() {
            self.link_relock(index);
        }
        match kind {
            argosy_api::NodeType::HTTP | argosy_api::NodeType::Plugin => {
                self.wanted_tasks.insert(index);
            }
            argosy_api::NodeType::Suspend => {
                if let Ok(Some(until)) = self.suspended_until(index) {
                    self.due.insert((until, index));
                }
            }
            argosy_api::NodeType::Pod => {
                if let Some(planned) = self.template_of(index)
                    && let Some(at) = self.pending_until(index, &planned)
                {
                    self.due.insert((at, index));
                }
            }
            argosy_api::NodeType::Retry => {
                if let Body::Retry(body) = &self.node(index).body
                    && let Some(at) = body.wait_until
                {
                    self.due.insert((Seconds(at), index));
                }
            }
            _ => {}
        }
    }

    fn link_dag(&mut self, index: NodeIndex) -> Option<()> {
        let template = self.template_of(index)?;
        let plan = template.dag()?;
        // A dependency has its node before any task behind it, so this order of nodes is one of
        // the graph too; but tasks are walked by slot, so settle those first whose branch is known.
        let mut order: Vec<(NodeIndex, u32)> = match &self.node(index).body {
            Body::Dag(body) => (0u32..)
                .zip(&body.tasks)
                .filter_map(|(slot, task)| Some((task.node.some()?, slot)))
                .collect(),
            _ => return None,
        };
        order.sort_unstable();
        for (node, slot) in order {
            if !self.node(node).flags.has(Flags::SETTLED) {
                continue;
            }
            let branch = self.branch_phase(index, plan, slot, node);
            self.note_results(index, slot, node);
            if let Body::Dag(body) = &mut self.nodes[index.offset()].body {
                body.tasks[slot as usize].branch = Some(branch);
                for &dependent in &plan.tasks[slot as usize].dependents {
                    body.tasks[dependent as usize].waits -= 1;
                }
            }
        }
        if let Body::Dag(body) = &mut self.nodes[index.offset()].body {
            for (slot, task) in (0u32..).zip(&plan.tasks) {
                let state = &mut body.tasks[slot as usize];
                if task.needed && state.waits == 0 && state.node == NodeIndex::NONE {
                    body.ready.insert(task.rank);
                    body.untried.insert(task.rank);
                    body.unjudged.insert(task.rank);
                }
            }
        }
        Some(())
    }
}

fn read_state(bytes: &[u8]) -> Result<State, LoadError> {
    serde_json::from_slice(bytes).map_err(|error| LoadError::State(error.to_string()))
}

/// A definition as revisions have left it, with its plan.
fn revised(
    mut definition: Arc<Definition>,
    revisions: &[Revision],
) -> Result<(Arc<Definition>, Plan), LoadError> {
    let mut plan = compile(&definition)?;
    for revision in revisions {
        let next = definition
            .revised(revision)
            .map_err(|error| LoadError::State(error.to_string()))?;
        plan = compile_after(&next, &plan.templates)?;
        definition = Arc::new(next);
    }
    Ok((definition, plan))
}

fn link_item(
    state: &mut LoopState,
    item: usize,
    node: NodeIndex,
    settled: bool,
    phase: NodePhase,
) -> Option<()> {
    if item >= state.nodes.len() || state.nodes[item] != NodeIndex::NONE {
        return None;
    }
    state.made(item, node);
    if settled {
        state.item_settled(item as u32, phase);
    }
    Some(())
}
