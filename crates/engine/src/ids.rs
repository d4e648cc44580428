//! The names by which the core, the store and the backends speak of runs, nodes and pods.

use serde::{Deserialize, Serialize};

/// One run of one workflow, as the store numbers it. Never reused within a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// The place of a node in its run's arena. Stable until a retry takes nodes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeIndex(pub u32);

impl NodeIndex {
    /// The root of every run.
    pub const ROOT: Self = Self(0);
    /// Stands where there is no node.
    pub const NONE: Self = Self(u32::MAX);

    /// Stands for the agent of a run in the keys of its pods: no node is that far.
    pub const AGENT: Self = Self(u32::MAX - 1);

    /// The index as an offset into the arena.
    pub fn offset(self) -> usize {
        self.0 as usize
    }

    /// `None` for [`NodeIndex::NONE`].
    pub fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

/// One attempt at having a pod for a node. A node asks for a pod at most once for each
/// incarnation; facts about an earlier incarnation are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodKey {
    /// The run that the pod belongs to.
    pub run: RunId,
    /// The node that the pod works for.
    pub node: NodeIndex,
    /// Counts up each time the node needs another pod, from 0.
    pub incarnation: u32,
}

/// Seconds since the Unix epoch. Times that decide are whole seconds, as in Argo's `status`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Seconds(pub i64);

impl Seconds {
    /// Later by `seconds`.
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// How many seconds have passed since `earlier`.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
