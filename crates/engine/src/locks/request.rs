//! What is said of locks: who asks for which, and what becomes of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{NodeIndex, RunId, Seconds};

/// What holds a lock: a node, or, with [`NodeIndex::NONE`], a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockHolder {
    /// The run.
    pub run: RunId,
    /// The node, or none.
    pub node: NodeIndex,
}

/// The kinds of locks, as `status.synchronization` tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockKind {
    /// One holder at a time.
    Mutex,
    /// As many holders as its limit says.
    Semaphore,
}

/// A lock by its kind and its name: `<namespace>/Mutex/<name>`,
/// `<namespace>/ConfigMap/<map>/<key>`, `<namespace>/Database/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LockName {
    /// What kind of lock it is.
    pub kind: LockKind,
    /// Its name.
    pub name: Arc<str>,
}

/// Somebody asks for locks.
#[derive(Clone, Debug, PartialEq)]
pub struct LockRequest {
    /// Who asks.
    pub holder: LockHolder,
    /// As the holder is shown: `<namespace>/<workflow>`, for a node with `/<node ID>`.
    pub key: Arc<str>,
    /// The locks, all of which are needed.
    pub locks: Arc<[LockName]>,
    /// The workflow's priority; greater goes first.
    pub priority: i32,
    /// When the workflow was created.
    pub created_at: Seconds,
}

/// A part of the table: all that these reach is looked at together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockSeed {
    /// A lock, by its name.
    Lock(Arc<str>),
    /// What this holder holds or waits for.
    Holder(LockHolder),
    /// What a run and its nodes hold or wait for.
    Run(RunId),
}

/// Those who hold a lock and whose requests are not in a part of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherHolders {
    /// The lock.
    pub lock: LockName,
    /// Some of them, as they are shown: those who wait are told of them.
    pub first: Vec<(LockHolder, Arc<str>)>,
    /// How many there are beyond those.
    pub more: i64,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LockSeen {
    /// All of these are held now.
    Granted(Arc<[LockName]>),
    /// Not yet.
    Waiting {
        /// The first lock that could not be had.
        lock: Arc<str>,
        /// Argo's text.
        message: Box<str>,
        /// The first of the other workflows and their nodes that hold each of the locks, where they are
        /// others than this run was told last.
        holders: Vec<(LockName, Vec<Arc<str>>)>,
    },
    /// Never: the reason.
    Refused(Box<str>),
}

/// An answer and whom it is for.
pub type LockAnswer = (LockHolder, LockSeen);

/// One lock, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct LockView {
    /// Its kind and name.
    pub lock: LockName,
    /// How many may hold it.
    pub limit: i64,
    /// Who does.
    pub holders: Vec<Arc<str>>,
    /// Who waits, in the order in which they go.
    pub waiting: Vec<Arc<str>>,
}
