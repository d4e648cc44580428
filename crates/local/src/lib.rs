//! The backend on this machine: steps run as plain processes, which a keeper starts and holds.
//!
//! This crate decides nothing about workflows, and rewrites no text of the user's.

mod backend;
mod claims;
mod environment;
pub mod keeper;
mod layout;
mod log_bound;
mod log_reader;
mod log_times;
mod protocol;
mod signals;
mod spawn;
mod volumes;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argosy_engine::ids::{PodKey, RunId};
use argosy_store::Store;

pub use backend::LocalBackend;
pub use claims::{claim_dir, delete_claim, delete_claims_of};
pub use log_reader::{LogEnd, LogLine, LogReader};
pub use signals::is_ignored;
pub use spawn::namespaces_work;
pub use spawn::umask;

/// The keys of a ConfigMap or Secret, each with its value.
pub type ObjectData = BTreeMap<String, Vec<u8>>;

/// Where ConfigMaps and Secrets come from.
pub trait ObjectSource: Send + Sync {
    /// The data of a ConfigMap; `None` if there is none of this name.
    ///
    /// # Errors
    /// Why it can't be told whether there is one, or what it holds.
    fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ObjectData>, String>;

    /// The data of a Secret, decoded; `None` if there is none of this name.
    ///
    /// # Errors
    /// As for a ConfigMap.
    fn secret(&self, namespace: &str, name: &str) -> Result<Option<ObjectData>, String>;
}

/// What a keeper lets steps have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepLimits {
    /// How many bytes of a container's log are kept, the last ones; all if none.
    pub log_bytes: Option<u64>,
    /// How many processes a container may have at once, where the keeper may say so; any number if
    /// none.
    pub processes: Option<u32>,
}

/// What a run was submitted in.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The working directory.
    pub working_directory: PathBuf,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// Which permissions new files don't get; as the runner's own if none.
    pub umask: Option<u32>,
}

/// Tells what a run was submitted in, or why that can't be told.
pub type SurroundingsOf = dyn Fn(RunId) -> Result<Surroundings, String> + Send + Sync;

/// How steps are run on this machine.
pub struct LocalConfig {
    data_dir: PathBuf,
    slots: u32,
    sets_total: bool,
    store: Arc<dyn Store>,
    objects: Arc<dyn ObjectSource>,
    surroundings: Arc<SurroundingsOf>,
    keeper: Vec<OsString>,
}

impl LocalConfig {
    /// Steps run below this data directory. The slots are those of the whole machine: all runners
    /// of the store share them. If none are given there are as many as there are cores, or as
    /// another runner that lives has said.
    pub fn new(
        data_dir: PathBuf,
        slots: Option<u32>,
        store: Arc<dyn Store>,
        objects: Arc<dyn ObjectSource>,
        surroundings: Arc<SurroundingsOf>,
    ) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Self {
            data_dir,
            sets_total: slots.is_some(),
            slots: slots.unwrap_or_else(cores).max(1),
            store,
            objects,
            surroundings,
            keeper: Vec::new(),
        }
    }

    /// By which program and arguments another keeper is started when the runner's own has died: one
    /// that calls [`keeper::serve`]. Without any, the runner ends then.
    pub fn keeper_program(mut self, program: Vec<OsString>) -> Self {
        self.keeper = program;
        self
    }
}

/// The folder in which each run has its own: what steps print and are given may be secret, so it is
/// this user's alone, whatever the data directory is.
pub(crate) const RUNS: &str = "runs";

/// The folder of a run.
pub fn run_dir(data_dir: &Path, run: RunId) -> PathBuf {
    data_dir.join(RUNS).join(run.0.to_string())
}

/// The folder of what belongs to one pod alone, removed at its end.
pub(crate) fn pod_dir(data_dir: &Path, key: PodKey) -> PathBuf {
    run_dir(data_dir, key.run)
        .join("pods")
        .join(format!("{}-{}", key.node.0, key.incarnation))
}

/// The file in which the output of a pod's container is kept.
pub fn log_path(data_dir: &Path, key: PodKey, container: &str) -> PathBuf {
    run_dir(data_dir, key.run).join("logs").join(format!(
        "{}-{}.{container}.log",
        key.node.0, key.incarnation
    ))
}
