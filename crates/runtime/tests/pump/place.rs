//! What the tests have in common: a store with a run in it, and how pods are told of.

use std::path::Path;
use std::sync::Arc;

use argosy_api::{Workflow, WorkflowPhase};
use argosy_engine::config::Config;
use argosy_engine::definition::Definition;
use argosy_engine::fact::{PodPhase, PodSeen};
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::run::Run;
use argosy_engine::settings::{Events, Settings};
use argosy_runtime::Observer;
use argosy_store::{Environment, MemoryDisk, MemoryStore, NewRun, Store};

pub fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        repository: ArtifactRepositoryView::default(),
        read_yaml: |text| serde_json::from_str(text).map_err(|error| error.to_string()),
        config: Config::default(),
        events: Events::Kept,
    })
}

pub fn definition(workflow: &str) -> Arc<Definition> {
    let workflow: Workflow = serde_json::from_str(workflow).expect("a workflow");
    Arc::new(Definition {
        workflow,
        ..Definition::default()
    })
}

pub fn store() -> Arc<dyn Store> {
    let disk = MemoryDisk::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    Arc::new(MemoryStore::open(&disk))
}

/// Stores a workflow for whoever takes it.
pub fn submit(store: &dyn Store, workflow: &str) -> RunId {
    store
        .create_run(NewRun {
            namespace: "ns".to_owned(),
            name: "wf".to_owned(),
            uid: "u".to_owned(),
            labels: [].into(),
            annotations: [].into(),
            definition: serde_json::to_vec(&*definition(workflow)).expect("JSON"),
            environment: Environment::default(),
            options: argosy_runtime::RunOptions::default().to_json(),
            created_at: Seconds(0),
        })
        .expect("created")
}

/// A pod in this phase, of which nothing else is told.
pub fn seen(phase: PodPhase) -> PodSeen {
    PodSeen {
        phase,
        message: None,
        reason: None,
        ip: None,
        host_node_name: None,
        containers: Vec::new(),
        deleted: false,
    }
}

/// Notes how the run ends.
#[derive(Default)]
pub struct Phase(pub Option<WorkflowPhase>);

impl Observer for Phase {
    fn changed(&mut self, _run: &Run, _nodes: &[u32]) {}

    fn ended(&mut self, run: &Run) {
        self.0 = run.phase();
    }
}
