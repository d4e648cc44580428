//! What a turn of a run changes, in the form in which it is stored.

use std::collections::BTreeMap;

use argosy_api::WorkflowPhase;

use crate::ids::{RunId, Seconds};
use crate::metrics::Emission;

/// Everything that one turn changed. It is stored whole or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// The run.
    pub run: Option<RunId>,
    /// What lists show of the run, after this turn.
    pub summary: Option<RunSummary>,
    /// The workflow's labels with those that its `workflowMetadata` gave it, once it has begun.
    /// `None` if they are still those it was created with.
    pub labels: Option<BTreeMap<String, String>>,
    /// Everything about the run that is not a node: encoded, replaced whole. `None` if unchanged.
    pub state: Option<Vec<u8>>,
    /// Nodes that are new or have changed.
    pub nodes: Vec<NodeRow>,
    /// Nodes that are gone (`argo retry` removes some).
    pub removed_nodes: Vec<u32>,
    /// Large values that are new: referred to by hash from rows and log.
    pub values: Vec<(ValueHash, std::sync::Arc<str>)>,
    /// The facts that the run was told in this turn: one row of its log.
    pub log: Vec<u8>,
    /// Rows of the command queue that this turn has consumed.
    pub consumed_commands: Vec<u64>,
    /// Observations that the store takes into its table of metrics in the same transaction, so that
    /// each counts once. What is refused comes back as a [`Letter`](crate::fact::Letter).
    pub metrics: Vec<Emission>,
    /// What is to be carried out once this is stored, and again after a crash until it is delivered.
    pub outbox: Option<OutboxRow>,
    /// Rows of the outbox that have been carried out.
    pub delivered: Vec<u64>,
}

/// One turn's entry in the outbox of its run; see [`crate::outbox`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Counts the entries of a run, from 1. Never given twice.
    pub number: u64,
    /// The effects.
    pub entry: Vec<u8>,
}

/// A node in the form in which it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// Its [`NodeIndex`](crate::ids::NodeIndex).
    pub index: u32,
    /// Its record, versioned; only the engine reads it.
    pub record: Vec<u8>,
}

/// Names a large value within a run: the first 16 bytes of its BLAKE3 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueHash(pub [u8; 16]);

/// What lists show of a run.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RunSummary {
    /// The workflow's phase; `None` until its first turn.
    pub phase: Option<WorkflowPhase>,
    /// Why it is in that phase.
    pub message: Box<str>,
    /// When it began.
    pub started_at: Option<Seconds>,
    /// When it ended.
    pub finished_at: Option<Seconds>,
    /// Leaves that have ended.
    pub progress_done: u64,
    /// Leaves known so far.
    pub progress_total: u64,
    /// Nodes by phase: pending, running, succeeded, skipped, failed, error, omitted.
    pub counts: [u32; 7],
    /// Whether the run is suspended, or a node of it waits to be resumed.
    pub suspended: bool,
    /// Whether the run has ended and all of its ends are tied up.
    pub completed: bool,
    /// When the run is to be deleted: `ttlStrategy`.
    pub delete_at: Option<Seconds>,
}
