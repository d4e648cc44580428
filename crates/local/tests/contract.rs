//! What every backend keeps to, tried on the one on this machine.
//!
//! A program of its own and not of the usual harness: keepers are forked, and a process with threads
//! must not do that. Arguments are parts of the names of the checks to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use argosy_engine::effect::PodRequest;
use argosy_engine::ids::{PodKey, Seconds};
use argosy_local::keeper::{self, KeeperHandle};
use argosy_local::{LocalBackend, LocalConfig, ObjectData, ObjectSource, StepLimits, Surroundings};
use argosy_runtime::backend::EventSink;
use argosy_runtime::contract::{Deed, Ground, bare_pod, checks};
use argosy_store::{Environment, MemoryDisk, MemoryStore, NewRun, Store};
use tempfile::TempDir;

/// How many steps run at once.
const SLOTS: u32 = 4;

/// The runs that checks make pods of, under the first numbers. What a keeper holds of others is let go.
const RUNS: [&str; 2] = ["one", "two"];

/// How many runners a check starts at most.
const MOST_RUNNERS: usize = 2;

/// A data directory with keepers for the runners to come.
struct ThisMachine {
    directory: TempDir,
    keepers: Vec<KeeperHandle>,
    store: Arc<dyn Store>,
}

impl ThisMachine {
    /// Must be called before the process has threads.
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("begun")).expect("a folder");
        let keepers = (0..MOST_RUNNERS)
            .map(|_| keeper::fork(directory.path(), StepLimits::default()).expect("a keeper"));
        let keepers = keepers.collect();
        let store = MemoryStore::open(&MemoryDisk::new(directory.path()));
        for name in RUNS {
            let run = NewRun {
                namespace: "ns".to_owned(),
                name: name.to_owned(),
                uid: name.to_owned(),
                labels: BTreeMap::new(),
                annotations: BTreeMap::new(),
                definition: Vec::new(),
                environment: Environment::default(),
                options: Vec::new(),
                created_at: Seconds(0),
            };
            store.create_run(run).expect("created");
        }
        Self {
            keepers,
            store: Arc::new(store),
            directory,
        }
    }

    /// Has a line for each time that a pod has begun.
    fn notes(&self, key: PodKey) -> PathBuf {
        let name = format!("{}-{}-{}", key.run.0, key.node.0, key.incarnation);
        self.directory.path().join("begun").join(name)
    }
}

impl Ground for ThisMachine {
    type Backend = LocalBackend;

    fn start(&mut self, sink: Arc<dyn EventSink>) -> LocalBackend {
        let directory = self.directory.path().to_owned();
        let surroundings = move |_| {
            Ok(Surroundings {
                working_directory: directory.clone(),
                variables: vec![("PATH".into(), "/usr/bin:/bin".into())],
                ..Surroundings::default()
            })
        };
        let config = LocalConfig::new(
            self.directory.path().to_owned(),
            Some(SLOTS),
            self.store.clone(),
            Arc::new(NoObjects),
            Arc::new(surroundings),
        );
        let keeper = self.keepers.pop().expect("a keeper is left");
        LocalBackend::new(config, keeper, sink).expect("a backend")
    }

    fn pod(&self, key: PodKey, deed: Deed) -> PodRequest {
        let begins = format!("echo begun >> '{}'", self.notes(key).display());
        let shell = |script: String| vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
        let command = match deed {
            Deed::End { exit_code } => shell(format!("{begins}; exit {exit_code}")),
            // Should a check fail, the keeper ends it when the data directory is gone.
            Deed::RunOn => shell(format!("{begins}; exec sleep 600")),
            Deed::NeverBegin => vec!["/nowhere/program".to_owned()],
        };
        bare_pod(key, command)
    }

    fn most_at_once(&self) -> Option<u32> {
        Some(SLOTS)
    }

    fn times_begun(&self, key: PodKey) -> usize {
        let notes = fs::read_to_string(self.notes(key)).unwrap_or_default();
        notes.lines().count()
    }
}

/// There are no ConfigMaps and no Secrets.
struct NoObjects;

impl ObjectSource for NoObjects {
    fn config_map(&self, _: &str, _: &str) -> Result<Option<ObjectData>, String> {
        Ok(None)
    }

    fn secret(&self, _: &str, _: &str) -> Result<Option<ObjectData>, String> {
        Ok(None)
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let checks = checks::<ThisMachine>().into_iter();
    let checks = checks.filter(|check| {
        wanted.is_empty() || wanted.iter().any(|part| check.name.contains(part.as_str()))
    });
    let grounds: Vec<_> = checks.map(|check| (check, ThisMachine::new())).collect();
    println!("\nrunning {} checks", grounds.len());
    for (check, mut ground) in grounds {
        println!("check {} ...", check.name);
        (check.run)(&mut ground);
    }
    println!("all of them hold\n");
}
