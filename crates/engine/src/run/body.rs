//! What a composite node knows beyond its record: which children it has, and how many of them it
//! still waits for. All of it can be told from the children's records, and is, when a run is
//! loaded; see `rebuild`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::NodePhase;

use crate::ids::NodeIndex;
use crate::item::Item;
use crate::locks::LockName;
use crate::plan::{DagPlan, TaskPlan};

/// The state that a kind of composite needs.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    /// A leaf, or a node that never ran.
    #[default]
    None,
    Steps(Box<StepsBody>),
    Group(Box<GroupBody>),
    Dag(Box<DagBody>),
    Loop(Box<LoopState>),
    Retry(Box<RetryBody>),
    /// A node that may not begin yet.
    Gate(Gate),
}

/// What a node waits for before it may begin, whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The locks of its template.
    Locks(Arc<WaitsForLocks>),
    /// Has its locks, and is held back by the workflow's `parallelism`.
    Place,
    /// What the cache has for it.
    Cache,
}

/// Locks that a node waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitsForLocks {
    pub locks: Arc<[LockName]>,
    /// Once it was told so, the place of the first that it can't have.
    pub at: Option<u32>,
}

/// What a `steps` or `dag` node counts of all nodes whose boundary it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Boundary {
    /// Pods, steps and DAGs that are pending or running: what `parallelism` limits.
    pub active: u32,
    /// Of these, pods.
    pub active_pods: u32,
    /// Pods, steps and DAGs that failed: what `failFast` looks at.
    pub unsuccessful: u32,
    /// Daemons that are up, to be ended with the template.
    pub daemons: Vec<NodeIndex>,
    /// Composites that had to leave a child unmade because of a limit of this boundary.
    pub held_back: BTreeSet<NodeIndex>,
}

/// A `steps` node.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepsBody {
    pub boundary: Boundary,
    /// The nodes of the groups that have begun.
    pub groups: Vec<NodeIndex>,
    /// So many of them, from the first on, are known to be over. A resubmitted workflow takes over
    /// several at once.
    pub over: usize,
}

/// One group of a `steps` node.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupBody {
    /// One for each step.
    pub steps: Vec<StepState>,
    /// Steps before this one are wholly made.
    pub made: u32,
    /// Children that have been made and not settled.
    pub open: u32,
    /// The group was checked before its first child was made.
    pub checked: bool,
    /// Why the group is an error once its children are over.
    pub doomed: Option<Arc<str>>,
    /// The first child, by order of making, whose bad end counts.
    pub failed_child: Option<NodeIndex>,
}

/// How far one step of a group is.
#[derive(Clone, Debug, Default)]
pub(crate) enum StepState {
    #[default]
    Unmade,
    Single(NodeIndex),
    Loop(Box<LoopState>),
}

/// A `dag` node.
#[derive(Clone, Debug, Default)]
pub(crate) struct DagBody {
    pub boundary: Boundary,
    /// One for each task.
    pub tasks: Vec<TaskState>,
    /// The ranks of tasks whose dependencies allow them to begin and that have no node yet.
    pub ready: BTreeSet<u32>,
    /// Those of the ready tasks that nobody has tried to begin: all others need a place.
    pub untried: BTreeSet<u32>,
    /// Those of the ready tasks whose `depends` has not been looked at.
    pub unjudged: BTreeSet<u32>,
    /// Needed tasks that are not settled.
    pub unsettled: u32,
    /// Children that have been made and not settled.
    pub open: u32,
    /// Settled loops of whose results no list can be made, and why, by their tasks.
    pub spoilt: BTreeMap<u32, Arc<str>>,
}

impl DagBody {
    /// The state of a DAG none of whose tasks has a node.
    pub fn new(plan: &DagPlan) -> Self {
        let unmade = |task: &TaskPlan| TaskState {
            node: NodeIndex::NONE,
            waits: task.dependencies.len() as u32,
            branch: None,
        };
        Self {
            tasks: plan.tasks.iter().map(unmade).collect(),
            unsettled: plan.needed,
            ..Self::default()
        }
    }
}

/// How far one task is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskState {
    pub node: NodeIndex,
    /// Dependencies that are not settled.
    pub waits: u32,
    /// Once settled: the phase that it hands down to omitted tasks behind it.
    pub branch: Option<NodePhase>,
}

/// A loop: the body of a TaskGroup, or the state of a step that loops.
#[derive(Clone, Debug)]
pub(crate) struct LoopState {
    pub items: Items,
    /// The nodes of the items that have been made.
    pub nodes: Vec<NodeIndex>,
    /// Items before this one have nodes. A hint: where holes are found it is set back.
    pub first_hole: u32,
    /// Items that have no node.
    pub unmade: u32,
    /// Items that are not settled, made or not.
    pub unsettled: u32,
    /// For a task: the phase of the item that failed last by index.
    pub failed: Option<(u32, NodePhase)>,
}

/// What a loop goes over. Fixed when the loop begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Items {
    /// Any JSON values.
    Values(Arc<[Item]>),
    /// Numbers, printed.
    Sequence {
        start: i64,
        /// 1 or -1.
        step: i64,
        count: u32,
        /// A printf format, `%d` if none was given.
        format: Arc<str>,
    },
}

/// The attempts at a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetryBody {
    pub attempts: Vec<NodeIndex>,
    /// The next attempt is not made before this time (seconds since the epoch).
    pub wait_until: Option<i64>,
    /// No attempt may run past this time: `backoff.maxDuration`.
    pub deadline: Option<i64>,
}

impl StepState {
    fn is_empty(&self) -> bool {
        match self {
            Self::Unmade => true,
            Self::Single(_) => false,
            Self::Loop(state) => state.is_empty(),
        }
    }
}

impl Items {
    pub fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Sequence { count, .. } => *count as usize,
        }
    }
}

impl GroupBody {
    /// Forgets how steps were expanded of which no item is left, so that they are expanded anew.
    pub fn forget_loops(&mut self, is_gone: impl Fn(NodeIndex) -> bool) {
        for step in &mut self.steps {
            if let StepState::Loop(state) = step
                && state
                    .nodes
                    .iter()
                    .all(|&node| node == NodeIndex::NONE || is_gone(node))
            {
                *step = StepState::Unmade;
            }
        }
    }
}

impl LoopState {
    pub fn new(items: Items) -> Self {
        let count = items.len();
        Self {
            nodes: vec![NodeIndex::NONE; count],
            items,
            first_hole: 0,
            unmade: count as u32,
            unsettled: count as u32,
            failed: None,
        }
    }

    /// The first item without a node.
    pub fn next_hole(&mut self) -> Option<usize> {
        if self.unmade == 0 {
            return None;
        }
        let mut hole = self.first_hole as usize;
        while hole < self.nodes.len() && self.nodes[hole] != NodeIndex::NONE {
            hole += 1;
        }
        self.first_hole = hole as u32;
        (hole < self.nodes.len()).then_some(hole)
    }

    /// Whether no item has a node.
    fn is_empty(&self) -> bool {
        self.unmade as usize == self.nodes.len()
    }

    pub fn made(&mut self, item: usize, node: NodeIndex) {
        self.nodes[item] = node;
        self.unmade -= 1;
    }
}

impl Body {
    /// Whether nothing stands inside of the node.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::None | Self::Gate(_) => true,
            Self::Steps(body) => body.groups.is_empty(),
            Self::Group(body) => body.steps.iter().all(StepState::is_empty),
            Self::Dag(body) => body.tasks.iter().all(|task| task.node == NodeIndex::NONE),
            Self::Loop(state) => state.is_empty(),
            Self::Retry(body) => body.attempts.is_empty(),
        }
    }

    pub fn boundary(&self) -> Option<&Boundary> {
        match self {
            Self::Steps(body) => Some(&body.boundary),
            Self::Dag(body) => Some(&body.boundary),
            Self::None | Self::Group(_) | Self::Loop(_) | Self::Retry(_) | Self::Gate(_) => None,
        }
    }

    pub fn boundary_mut(&mut self) -> Option<&mut Boundary> {
        match self {
            Self::Steps(body) => Some(&mut body.boundary),
            Self::Dag(body) => Some(&mut body.boundary),
            Self::None | Self::Group(_) | Self::Loop(_) | Self::Retry(_) | Self::Gate(_) => None,
        }
    }
}
