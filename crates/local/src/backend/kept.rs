//! What is kept beside a pod, so that the next runner can finish what this one has begun.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use argosy_api::Template;
use argosy_executor::RootedPathMap;
use k8s_openapi::api::core::v1::Probe;
use serde::{Deserialize, Serialize};

/// The file's name inside the pod's folder.
const FILE: &str = "pod.json";

/// What is needed to watch and to finish a pod.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The workflow's namespace, in which secrets are looked up.
    pub namespace: String,
    /// What the executor does after the command; none for a bare pod.
    pub supervised: Option<Supervised>,
    /// The pod is over for its workflow when it is ready.
    pub daemon: bool,
    /// Containers that are ready when they answer.
    pub probes: Vec<ContainerProbe>,
}

/// What the executor does after the command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Supervised {
    pub template: Template,
    pub capture_result: bool,
    /// What of the step's paths lies elsewhere on this machine.
    pub backed: Vec<(PathBuf, PathBuf)>,
    /// Where the step writes its progress, on this machine.
    pub progress_file: PathBuf,
    /// The containers that were started, with their logs and captured outputs.
    pub logs: Vec<KeptLog>,
}

/// What a container prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptLog {
    pub container: String,
    pub log: PathBuf,
    /// Its standard output alone, where that is wanted.
    pub capture: Option<PathBuf>,
}

/// How to find out whether a container is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ContainerProbe {
    pub container: String,
    pub probe: Probe,
    /// The container's named ports.
    pub ports: Vec<(String, u16)>,
    /// For a command: where it starts, and its environment.
    pub working_directory: PathBuf,
    pub environment: Vec<(String, String)>,
}

impl Kept {
    /// Whether there is anything to be done after the pod's end.
    pub(super) fn collects(&self) -> bool {
        self.supervised.is_some()
    }

    /// What is kept in a pod's folder, if anything is.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps it. Environments stand in it, so it is the user's alone.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        fs::create_dir_all(folder)?;
        let (new, path) = (folder.join("pod.json.new"), folder.join(FILE));
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }
}

impl Supervised {
    /// From the step's paths to this machine's.
    pub(super) fn paths(&self) -> RootedPathMap {
        let machine = RootedPathMap::new(PathBuf::from("/"));
        self.backed.iter().fold(machine, |map, (inside, host)| {
            map.mount(inside, host.clone())
        })
    }
}
