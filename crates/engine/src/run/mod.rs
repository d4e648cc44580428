//! One workflow: what happens next.
//!
//! A run is told facts and works until nothing is left to do. Nodes live in an arena and are
//! spoken of by index; each kind of composite has its state machine in a file of its own, and
//! keeps counts of what it waits for instead of looking through its children.

mod adopt;
mod adopt_node;
mod adopt_rest;
mod agent;
mod aggregate;
mod arena;
mod arguments;
mod artifact_arguments;
mod body;
mod chance;
mod claims;
mod commands;
mod containers;
mod dag;
mod edges;
mod filling;
mod gate;
mod glance;
mod globals;
mod history;
mod hooks;
mod limits;
mod locks;
mod looping;
mod lowering;
mod memo;
mod metadata;
mod metrics;
mod names;
mod node;
mod node_status;
mod outputs;
mod packed;
mod passes;
mod phase;
mod pod;
mod pod_keys;
mod pod_reason;
mod pod_restart;
mod pod_result;
mod project;
mod rebuild;
mod refit;
mod relock;
mod restart;
mod restart_plan;
mod resubmit;
mod retry;
mod row;
mod scope;
mod shown;
mod siblings;
mod start;
mod steps;
mod strangers;
mod sub_path;
mod suspend;
mod sweep;
mod synchronization;
mod tell;
mod turn;
mod usage;
mod why;
mod workflow;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use argosy_api::{ShutdownStrategy, WorkflowPhase};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::definition::Definition;
use crate::effect::{AgentRequest, Effect};
use crate::fact::{Fact, TimedFact};
use crate::ids::{NodeIndex, PodKey, RunId, Seconds};
use crate::lower::ArtifactRepositoryView;
use crate::metrics::Emission;
use crate::plan::{CompileError, Plan, PlannedTemplate, TemplateIndex, compile};
use crate::revision::Revision;
use crate::settings::Settings;

pub use adopt::prepare_adoption;
pub use glance::Glance;
pub use rebuild::{LoadError, StoredNode};
pub use restart_plan::{RestartChoice, RestartPlan};
pub use turn::Turn;
pub use usage::quantity;
pub use why::{Why, WhyStep};

use arena::Arena;
use globals::Globals;
use locks::{LockNotes, SharedLocks};
use lowering::Prepared;
use node::{Flags, Node, NodeOutputs};
use strangers::Strangers;

/// One workflow as it runs.
pub struct Run {
    id: RunId,
    definition: Arc<Definition>,
    plan: Arc<Plan>,
    settings: Arc<Settings>,
    globals: Globals,
    nodes: Arena<Node>,
    /// Templates whose structure had tags, by the node that they were compiled for.
    late: BTreeMap<NodeIndex, Arc<PlannedTemplate>>,
    /// Node IDs that are taken.
    hashes: FxHashSet<u32>,
    /// Exit handlers and hooks that have begun, by the node that they belong to.
    attached: BTreeMap<NodeIndex, Vec<NodeIndex>>,
    /// The first node of a pod's containers, where it runs a set; the others follow it.
    container_nodes: BTreeMap<NodeIndex, NodeIndex>,
    /// The pods of nodes that retries have moved.
    moved_pods: BTreeMap<PodKey, NodeIndex>,
    /// Daemons that no template ends but the workflow.
    root_daemons: Vec<NodeIndex>,
    status: Status,
    now: Seconds,

    facts: VecDeque<TimedFact>,
    settled: VecDeque<NodeIndex>,
    dirty: BTreeSet<NodeIndex>,
    /// Steps and tasks whose hooks are looked at when they are next worked on, though their phase
    /// has not changed: a limit held a hook back, or the run was loaded.
    hooks_due: BTreeSet<NodeIndex>,
    /// Steps and tasks of which a limit holds a hook back.
    hooks_held: BTreeSet<NodeIndex>,
    /// Nodes whose phase nobody has looked at yet: it changed while nothing was to begin, or the run
    /// was loaded. They are looked at before all else, in the order of their making.
    unseen: BTreeSet<NodeIndex>,
    /// Pods that wait for a slot of the backend, in the order of their nodes.
    wanted_pods: BTreeSet<NodeIndex>,
    /// Nodes whose task an agent has to be asked for.
    wanted_tasks: BTreeSet<NodeIndex>,
    /// Times at which a node has something to do. `NONE` stands for the workflow.
    due: BTreeSet<(Seconds, NodeIndex)>,
    /// Nodes whose arguments could not be filled in: their message is not wrapped.
    argument_errors: BTreeSet<NodeIndex>,
    /// Composites held back by the workflow's `parallelism`.
    held_back: BTreeSet<NodeIndex>,
    /// Nodes whose time came while nothing was to begin or end.
    overdue: BTreeSet<NodeIndex>,
    /// Nodes that have begun, and wait for their locks anew.
    relocks: BTreeMap<NodeIndex, relock::Relock>,

    /// Where artifacts go, if the workflow says so itself.
    own_repository: Option<Box<ArtifactRepositoryView>>,
    /// The workflow has begun in this turn.
    has_begun: bool,
    /// The next claim has been asked for.
    claim_asked: bool,
    telling: tell::Telling,
    counts: Counts,
    /// Work done in this turn, against [`turn::TURN_BUDGET`].
    spent: usize,
    changed: Vec<NodeIndex>,
    removed: Vec<u32>,
    status_changed: bool,
    effects: Vec<Effect>,
    observations: Vec<Emission>,
    log: Vec<TimedFact>,

    aggregates: RefCell<aggregate::Cache>,
    /// By the template, and the one around it where that has a say.
    prepared: RefCell<BTreeMap<(TemplateIndex, TemplateIndex), Prepared>>,
    /// Who carries out `http` and `plugin` templates, once one is wanted.
    agent: OnceCell<Arc<AgentRequest>>,
    exit_zero: Arc<NodeOutputs>,
    shared_names: BTreeSet<Arc<str>>,
    shared_locks: SharedLocks,
}

/// What a run knows of itself beyond its nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Status {
    pub phase: Option<WorkflowPhase>,
    /// The end that was shown when the run was taken up, although something was left to do. It is
    /// shown until the run has ended.
    pub shown_end: Option<(WorkflowPhase, Option<Seconds>)>,
    /// Whether its end, or that of the workflow that it was made of, is undone.
    pub undone: Undone,
    pub message: Arc<str>,
    pub started_at: Option<Seconds>,
    pub finished_at: Option<Seconds>,
    pub shutdown: Option<ShutdownStrategy>,
    pub suspended: bool,
    /// The node of the exit handler.
    pub exit_node: Option<NodeIndex>,
    /// The entry template, or the exit handler, could not be begun: what the workflow ends with.
    pub fatal: Option<Arc<str>>,
    /// The end has been announced.
    pub announced: bool,
    /// The number of the last entry in the outbox.
    pub outbox: u64,
    /// Something has been learnt since the workflow began: Argo's controller has looked twice.
    pub looked_twice: bool,
    /// Labels whose values were found when the workflow began.
    pub labels_from: BTreeMap<String, String>,
    /// The claims that have been made, by their templates' names.
    pub claims: Vec<String>,
    /// Why metrics could not be told.
    pub metrics_error: String,
    /// What has changed the workflow's templates since it began, the earliest first.
    pub revisions: Vec<Revision>,
    /// For each retry, the incarnation in which the nodes begin that are made after it.
    pub first_incarnations: Vec<u32>,
    /// Nodes that were shown when the run was taken up, and that stand nowhere in the templates.
    pub strangers: Strangers,
    /// What is known of locks, once one was asked for.
    pub locks: Option<Box<LockNotes>>,
}

/// What became of an end that `status` has shown. Argo: `createNewRetryWorkflow`,
/// `FormulateResubmitWorkflow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Undone {
    /// It stands, if there is one.
    #[default]
    Never,
    /// It is undone, by a retry or a memoized resubmission, and nobody has gone on from there yet:
    /// the phase is not shown but in the label.
    Unseen(Option<WorkflowPhase>),
    /// It is undone, and the workflow is shown as pending until it has its own locks again.
    Waiting,
    /// It is undone.
    Seen,
}

/// Sums over the nodes, kept as they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Nodes by phase, in the order of [`argosy_api::NodePhase`].
    pub phases: [u32; 7],
    /// Pods that are pending or running.
    pub active_pods: u32,
    /// Suspend nodes that wait.
    pub suspended_nodes: u32,
    /// Pods that the backend was asked for and that have not been seen to end.
    pub asked_pods: u32,
    /// Leaves that are over, and all leaves: `progress`.
    pub progress: (u64, u64),
}

impl Run {
    /// A run that has not begun. It begins when it is told [`Fact::Started`].
    ///
    /// # Errors
    /// If the workflow can't be compiled.
    pub fn new(
        id: RunId,
        definition: Arc<Definition>,
        settings: Arc<Settings>,
    ) -> Result<Self, CompileError> {
        let plan = Arc::new(compile(&definition)?);
        Ok(Self::with_plan(id, definition, plan, settings))
    }

    /// The same, with a plan made before.
    pub fn with_plan(
        id: RunId,
        definition: Arc<Definition>,
        plan: Arc<Plan>,
        settings: Arc<Settings>,
    ) -> Self {
        let globals = Globals::new(&definition, &plan);
        let named = definition.artifact_repository.as_ref();
        let own_repository = named
            .and_then(|named| named.artifact_repository.as_ref())
            .map(|repository| Box::new(ArtifactRepositoryView::from(repository)));
        let mut run = Self {
            own_repository,
            id,
            globals,
            definition,
            plan,
            settings,
            nodes: Arena::default(),
            late: BTreeMap::new(),
            hashes: FxHashSet::default(),
            attached: BTreeMap::new(),
            container_nodes: BTreeMap::new(),
            moved_pods: BTreeMap::new(),
            root_daemons: Vec::new(),
            status: Status::default(),
            now: Seconds(0),
            facts: VecDeque::new(),
            settled: VecDeque::new(),
            dirty: BTreeSet::new(),
            hooks_due: BTreeSet::new(),
            hooks_held: BTreeSet::new(),
            unseen: BTreeSet::new(),
            wanted_pods: BTreeSet::new(),
            wanted_tasks: BTreeSet::new(),
            due: BTreeSet::new(),
            argument_errors: BTreeSet::new(),
            held_back: BTreeSet::new(),
            overdue: BTreeSet::new(),
            relocks: BTreeMap::new(),
            has_begun: false,
            claim_asked: false,
            telling: tell::Telling::default(),
            counts: Counts::default(),
            spent: 0,
            changed: Vec::new(),
            removed: Vec::new(),
            status_changed: false,
            effects: Vec::new(),
            observations: Vec::new(),
            log: Vec::new(),
            shared_names: BTreeSet::new(),
            shared_locks: SharedLocks::default(),
            aggregates: RefCell::default(),
            prepared: RefCell::default(),
            agent: OnceCell::new(),
            exit_zero: Arc::new(NodeOutputs {
                exit_code: Some(0),
                ..NodeOutputs::default()
            }),
        };
        run.telling = run.telling();
        run.fill_metadata();
        run
    }

    /// Which run this is.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// What the run depends on.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// The compiled workflow.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The workflow's phase; `None` before the first turn.
    pub fn phase(&self) -> Option<WorkflowPhase> {
        self.status.phase
    }

    /// Why the workflow is in that phase.
    pub fn message(&self) -> &str {
        &self.status.message
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the workflow has ended and no pod of it is left.
    pub fn is_over(&self) -> bool {
        self.status.phase.is_some_and(WorkflowPhase::is_completed) && self.counts.asked_pods == 0
    }

    /// Queues a fact for the next turn.
    pub fn tell(&mut self, at: Seconds, fact: Fact) {
        self.facts.push_back(TimedFact { at, fact });
    }

    /// Whether a turn would have something to do at once.
    pub fn has_work(&self) -> bool {
        let is_idle = self.unseen.is_empty() && self.settled.is_empty() && self.dirty.is_empty();
        !self.facts.is_empty() || !self.changed.is_empty() || !(is_idle || self.is_held_up())
    }

    /// The next time at which the run has something to do. Derived from its state.
    pub fn next_due(&self) -> Option<Seconds> {
        if self.is_over() {
            return None;
        }
        let hooks = self.next_hook_time();
        let first = self.due.first().map(|(at, _)| *at);
        match (hooks, first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.offset()]
    }

    /// A node, to be changed: its row will be written with this turn.
    fn change(&mut self, index: NodeIndex) -> &mut Node {
        let node = &mut self.nodes[index.offset()];
        if !node.flags.has(Flags::CHANGED) {
            node.flags.set(Flags::CHANGED);
            self.changed.push(index);
        }
        node
    }

    /// The compiled template of a node.
    fn template_of(&self, index: NodeIndex) -> Option<Arc<PlannedTemplate>> {
        if let Some(late) = self.late.get(&index) {
            return Some(late.clone());
        }
        let template = self.node(index).template;
        (template != crate::plan::TemplateIndex::NONE).then(|| self.plan.template(template).clone())
    }
}
