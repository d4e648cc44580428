//! The backend on this machine: steps run as plain processes, which a keeper starts and holds.
//!
//! This crate decides nothing about workflows, and rewrites no text of the user's.

mod backend;
mod environment;
pub mod keeper;
mod layout;
mod protocol;
mod spawn;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use argosy_engine::ids::{PodKey, RunId};

pub use backend::LocalBackend;
pub use spawn::namespaces_work;

/// Where ConfigMaps and Secrets come from.
pub trait ObjectSource: Send + Sync {
    /// The data of a ConfigMap.
    fn config_map(&self, namespace: &str, name: &str) -> Option<BTreeMap<String, Vec<u8>>>;

    /// The data of a Secret, decoded.
    fn secret(&self, namespace: &str, name: &str) -> Option<BTreeMap<String, Vec<u8>>>;
}

/// What a run was submitted in.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The working directory.
    pub working_directory: PathBuf,
    /// The environment.
    pub variables: Vec<(String, String)>,
}

/// Tells what a run was submitted in.
pub type SurroundingsOf = dyn Fn(RunId) -> Surroundings + Send + Sync;

/// How steps are run on this machine.
pub struct LocalConfig {
    data_dir: PathBuf,
    slots: u32,
    objects: Arc<dyn ObjectSource>,
    surroundings: Arc<SurroundingsOf>,
    work: Mutex<Option<backend::WorkSender>>,
}

impl LocalConfig {
    /// Steps run below this data directory, as many at once as there are slots.
    pub fn new(
        data_dir: PathBuf,
        slots: u32,
        objects: Arc<dyn ObjectSource>,
        surroundings: Arc<SurroundingsOf>,
    ) -> Self {
        Self {
            data_dir,
            slots: slots.max(1),
            objects,
            surroundings,
            work: Mutex::new(None),
        }
    }
}

/// The folder of a run.
pub fn run_dir(data_dir: &Path, run: RunId) -> PathBuf {
    data_dir.join("runs").join(run.0.to_string())
}

/// The folder of what belongs to one pod alone, removed at its end.
pub(crate) fn pod_dir(data_dir: &Path, key: PodKey) -> PathBuf {
    run_dir(data_dir, key.run)
        .join("pods")
        .join(format!("{}-{}", key.node.0, key.incarnation))
}

/// Stands for the container in [`log_path`] where the main one's standard error is kept apart, as it
/// is when its standard output is a result.
pub const ERRORS: &str = "main.stderr";

/// The file in which the output of a pod's container is kept.
pub fn log_path(data_dir: &Path, key: PodKey, container: &str) -> PathBuf {
    run_dir(data_dir, key.run).join("logs").join(format!(
        "{}-{}.{container}.log",
        key.node.0, key.incarnation
    ))
}
