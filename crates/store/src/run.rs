//! Runs as the store knows them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use argosy_api::WorkflowPhase;
use argosy_engine::commit::RunSummary;
use argosy_engine::ids::{RunId, Seconds};

use crate::lock::RunLock;

/// Counts how often a run has been claimed. A commit that rests on an earlier count is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// A run as it is handed over.
#[derive(Clone)]
pub struct NewRun {
    /// The workflow's namespace.
    pub namespace: String,
    /// The workflow's name: unique in its namespace.
    pub name: String,
    /// The workflow's UID.
    pub uid: String,
    /// The workflow's labels.
    pub labels: BTreeMap<String, String>,
    /// The workflow's annotations.
    pub annotations: BTreeMap<String, String>,
    /// Everything that the run depends on, as JSON.
    pub definition: Vec<u8>,
    /// Where and with what surroundings it was submitted.
    pub environment: Environment,
    /// How the run is to be carried out, as JSON.
    pub options: Vec<u8>,
    /// When it was submitted.
    pub created_at: Seconds,
}

impl fmt::Debug for NewRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRun")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("uid", &self.uid)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// The surroundings of a submission: a run's plain processes see these, whoever carries it out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The directory in which it was submitted.
    pub working_directory: PathBuf,
    /// The environment variables at submission.
    pub variables: Vec<(OsString, OsString)>,
    /// Which permissions new files don't get.
    pub umask: Option<u32>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables often hold passwords.
        f.debug_struct("Environment")
            .field("working_directory", &self.working_directory)
            .field("variables", &self.variables.len())
            .finish()
    }
}

/// What lists show of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// The workflow's namespace.
    pub namespace: String,
    /// The workflow's name.
    pub name: String,
    /// The workflow's UID.
    pub uid: String,
    /// The workflow's labels.
    pub labels: BTreeMap<String, String>,
    /// The workflow's annotations.
    pub annotations: BTreeMap<String, String>,
    /// When it was submitted.
    pub created_at: Seconds,
    /// How it stands.
    pub summary: RunSummary,
    /// How often it has been claimed.
    pub epoch: Epoch,
    /// The process that claimed it last. Whether that one still lives, [`is_owned`] tells.
    ///
    /// [`is_owned`]: crate::Store::is_owned
    pub owner_process: Option<u32>,
}

/// Which runs are meant. All conditions must hold; label selectors are the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFilter {
    /// In this namespace.
    pub namespace: Option<String>,
    /// Of this name.
    pub name: Option<String>,
    /// Of a name that begins so.
    pub name_prefix: Option<String>,
    /// Of this UID.
    pub uid: Option<String>,
    /// In one of these phases (`None`: before its first turn). Empty: in any.
    pub phases: Vec<Option<WorkflowPhase>>,
    /// One of these. Empty: any.
    pub ids: Vec<RunId>,
    /// Submitted at that time or later.
    pub created_since: Option<Seconds>,
    /// Ended with all its ends tied up, or not.
    pub completed: Option<bool>,
    /// Of a lower number than this: the last one of the page before.
    pub before: Option<RunId>,
    /// At most so many. Where the answer holds as many, ask again with `before`.
    pub limit: usize,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self {
            namespace: None,
            name: None,
            name_prefix: None,
            uid: None,
            phases: Vec::new(),
            ids: Vec::new(),
            created_since: None,
            completed: None,
            before: None,
            limit: 1000,
        }
    }
}

/// A run as it is taken up again; its nodes and values are read apart, row by row.
#[derive(Clone)]
pub struct StoredRun {
    /// What lists show of it.
    pub row: RunRow,
    /// Everything that the run depends on, as JSON.
    pub definition: Vec<u8>,
    /// How the run is to be carried out, as JSON.
    pub options: Vec<u8>,
    /// Everything about the run that is not a node; `None` before its first turn.
    pub state: Option<Vec<u8>>,
}

impl fmt::Debug for StoredRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRun")
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

/// The right to carry a run out. It ends when the lock is dropped or the process dies, at the
/// latest with the next claim.
#[derive(Debug)]
pub struct Claim {
    /// The run.
    pub run: RunId,
    /// What every commit must name.
    pub epoch: Epoch,
    /// Held as long as the run is owned.
    pub lock: RunLock,
}
