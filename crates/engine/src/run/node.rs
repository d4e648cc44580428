//! The record of a node, and the arena's view of it.
//!
//! A record is small: names, IDs and JSON are derived when someone asks. What a composite node
//! keeps beyond it (how many children it still waits for) is in its [`Body`].

use std::sync::Arc;

use argosy_api::{Artifact, NodePhase, NodeType};

use super::body::{Body, WaitsForLocks};
use crate::ids::{NodeIndex, Seconds};
use crate::locks::LockName;
use crate::plan::TemplateIndex;

/// Stands in [`Node::item`] where a node is not an item of a loop.
pub(crate) const NO_ITEM: u32 = u32::MAX;

/// What a node is to its parent. Together with `slot` and `item` it gives the node's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The entrypoint: named as the workflow.
    Root,
    /// Group `slot` of a `steps` node: `parent[slot]`.
    StepGroup,
    /// Step `slot` of a group: `parent.step`, or an item of its loop.
    Step,
    /// Task `slot` of a DAG: `parent.task`; with an item, the parent is the loop.
    Task,
    /// Attempt `slot` of a retried node: `parent(slot)`.
    Attempt,
    /// The exit handler of the node `owner`: `owner.onExit`.
    OnExit,
    /// Hook `slot` of the node `owner`: `owner.hooks.name`.
    Hook,
    /// Container `slot` of the set that the pod `parent` runs: `parent.container`.
    Container,
}

/// Yes-or-no facts about a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub u32);

impl Flags {
    /// Its daemon is up: it counts as ended although it runs.
    pub const DAEMONED: Self = Self(1);
    /// It is, or is part of, an exit handler: a stop does not end it.
    pub const EXIT_HANDLER: Self = Self(1 << 1);
    /// It was made for a hook: `nodeFlag.hooked`.
    pub const HOOKED: Self = Self(1 << 2);
    /// Its pod has been handed to the backend in this incarnation.
    pub const POD_ASKED: Self = Self(1 << 3);
    /// Its `outputs.result` is referred to.
    pub const WANTS_RESULT: Self = Self(1 << 4);
    /// Its parent has been told that it is over, its hooks included.
    pub const SETTLED: Self = Self(1 << 5);
    /// Its exit hook has been decided upon.
    pub const EXIT_DECIDED: Self = Self(1 << 6);
    /// Its pod needs the executor, so its result comes apart from its end.
    pub const SUPERVISED: Self = Self(1 << 7);
    /// Its executor has said that nothing more will come.
    pub const RESULT_COMPLETE: Self = Self(1 << 8);
    /// Its pod has ended well and only the result is waited for.
    pub const POD_SUCCEEDED: Self = Self(1 << 9);
    /// It has changed since its row was last written.
    pub const CHANGED: Self = Self(1 << 10);
    /// It stands in the queue of pods to be made.
    pub const QUEUED: Self = Self(1 << 11);

    /// It holds the locks of its template's `synchronization`.
    pub const HOLDS_LOCKS: Self = Self(1 << 12);
    /// It waits for a lock, so it does not count for the workflow's `parallelism`.
    pub const WAITS_FOR_LOCK: Self = Self(1 << 13);
    /// It has a task with an agent.
    pub const TASK_ASKED: Self = Self(1 << 14);
    /// Its pod was seen to end.
    pub const POD_ENDED: Self = Self(1 << 15);
    /// Its metrics have been told.
    pub const METRICS_TOLD: Self = Self(1 << 16);
    /// It is a hook whose node had been told of as over before: its parent waits for it as well.
    pub const HELD_OPEN: Self = Self(1 << 18);
    /// Its executor has said that more will come.
    pub const RESULT_AWAITED: Self = Self(1 << 17);

    /// Those flags that are stored.
    pub const STORED: u32 = !(Self::CHANGED.0 | Self::QUEUED.0 | Self::TASK_ASKED.0);

    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    pub fn clear(&mut self, flag: Self) {
        self.0 &= !flag.0;
    }

    pub fn with(self, flag: Self) -> Self {
        Self(self.0 | flag.0)
    }
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Who is told when it is over: the group, DAG, loop or retry above it. For a hook, the node
    /// above the hooked one.
    pub parent: NodeIndex,
    /// The `steps` or `dag` node around it: `boundaryID`.
    pub boundary: NodeIndex,
    /// The hooked node, for `OnExit` and `Hook`.
    pub owner: NodeIndex,
    /// Which group, step, task, attempt or hook it is.
    pub slot: u32,
    /// Which item of a loop it is.
    pub item: u32,
    pub template: TemplateIndex,
    /// Counts its pods; see [`PodKey`](crate::ids::PodKey).
    pub incarnation: u32,
    started_at: u32,
    finished_at: u32,
    /// How many templates stand above it: Argo's recursion depth.
    pub depth: u16,
    pub flags: Flags,
    pub role: Role,
    pub kind: NodeType,
    pub phase: NodePhase,
    /// The phase that was last told of; `None` while it has not been. Not stored.
    pub told: Option<NodePhase>,
    pub inputs: Option<Arc<NodeInputs>>,
    pub outputs: Option<Arc<NodeOutputs>>,
    pub message: Option<Arc<str>>,
    pub body: Body,
    pub details: Option<Box<PodDetails>>,
}

/// The values of a node's inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NodeInputs {
    /// In the order of the template's input parameters; `None` where a parameter's source is left
    /// to whoever runs the template.
    pub parameters: Box<[Option<Arc<str>>]>,
    /// The template's input artifacts, with the places that arguments gave them.
    pub artifacts: Box<[Artifact]>,
}

/// What a node has put out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NodeOutputs {
    pub parameters: Box<[OutputParameter]>,
    pub artifacts: Box<[Artifact]>,
    pub result: Option<Arc<str>>,
    pub exit_code: Option<i32>,
}

/// One output parameter of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputParameter {
    pub name: Arc<str>,
    /// `None` while a suspended node waits to be given it.
    pub value: Option<Arc<str>>,
}

/// A resource, and the seconds of it that were used.
pub(crate) type Used = (Arc<str>, i64);

/// What few nodes have: facts about a pod that only some readers want.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PodDetails {
    pub ip: Option<Box<str>>,
    pub host: Option<Arc<str>>,
    pub progress: Option<(u64, u64)>,
    /// The name as the user wants it shown: the annotation `workflows.argoproj.io/display-name`.
    pub display_name: Option<Box<str>>,
    /// Distinguishes the ID of a node whose name has the same hash as another's.
    pub salt: u8,
    /// Seconds of each resource that the pod has used, where it ran for any: `resourcesDuration`.
    pub used: Option<Box<[Used]>>,
    /// How often its pod was made anew because it failed before it began.
    pub restarts: u16,
    /// The index under which its pod was asked for, where a retry has moved the node since.
    pub asked_as: Option<NodeIndex>,
    /// Its entry in a cache.
    pub memo: Option<Arc<Memo>>,
    /// The locks that it holds.
    pub locks: Option<Arc<[LockName]>>,
    /// The locks that it waits for although it has begun.
    pub waits: Option<Arc<WaitsForLocks>>,
}

/// The entry of a memoized node: `memoizationStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memo {
    pub hit: bool,
    pub cache: Arc<str>,
    pub key: Arc<str>,
}

impl Node {
    pub fn new(role: Role, kind: NodeType, phase: NodePhase, at: Seconds) -> Self {
        Self {
            parent: NodeIndex::NONE,
            boundary: NodeIndex::NONE,
            owner: NodeIndex::NONE,
            slot: 0,
            item: NO_ITEM,
            template: TemplateIndex::NONE,
            incarnation: 0,
            started_at: stored(at),
            finished_at: 0,
            depth: 0,
            flags: Flags::default(),
            role,
            kind,
            phase,
            told: None,
            inputs: None,
            outputs: None,
            message: None,
            body: Body::None,
            details: None,
        }
    }

    /// When it was made.
    pub fn started_at(&self) -> Seconds {
        Seconds(i64::from(self.started_at))
    }

    /// When it ended; `None` while it runs.
    pub fn finished_at(&self) -> Option<Seconds> {
        (self.finished_at != 0).then(|| Seconds(i64::from(self.finished_at)))
    }

    pub fn set_started_at(&mut self, at: Seconds) {
        self.started_at = stored(at);
    }

    pub fn set_finished_at(&mut self, at: Option<Seconds>) {
        self.finished_at = at.map_or(0, stored);
    }

    /// Whether it is over, or a daemon that is up. Argo: `NodeStatus.Fulfilled`.
    pub fn is_fulfilled(&self) -> bool {
        self.phase.is_fulfilled()
            || (self.flags.has(Flags::DAEMONED) && self.phase != NodePhase::Pending)
    }

    /// Whether it ran and ended. Argo: `NodePhase.Completed`.
    pub fn is_completed(&self) -> bool {
        matches!(
            self.phase,
            NodePhase::Succeeded | NodePhase::Failed | NodePhase::Error
        )
    }

    /// Seconds it took, 0 if not over.
    pub fn duration_seconds(&self) -> i64 {
        self.finished_at()
            .map_or(0, |finished| finished.since(self.started_at()))
    }

    pub fn details_mut(&mut self) -> &mut PodDetails {
        self.details.get_or_insert_with(Box::default)
    }

    /// Holds no locks from now on.
    pub fn let_go_of_locks(&mut self) {
        self.flags.clear(Flags::HOLDS_LOCKS);
        self.forget_details(|details| details.locks = None);
    }

    /// Waits for no locks anew from now on.
    pub fn forget_waits(&mut self) {
        self.forget_details(|details| details.waits = None);
    }

    fn forget_details(&mut self, forget: impl Fn(&mut PodDetails)) {
        if let Some(details) = &mut self.details {
            forget(details);
            if **details == PodDetails::default() {
                self.details = None;
            }
        }
    }

    /// The item that it is of its loop.
    pub fn item(&self) -> Option<usize> {
        (self.item != NO_ITEM).then_some(self.item as usize)
    }
}

/// Times fit 32 bits until the year 2106; a zero means none.
fn stored(at: Seconds) -> u32 {
    u32::try_from(at.0.max(1)).unwrap_or(u32::MAX)
}
