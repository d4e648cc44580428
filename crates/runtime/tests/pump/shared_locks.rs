//! Locks that several processes share: what the table says counts, whoever tells of it or dies
//! before.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use argosy_api::{Workflow, WorkflowPhase};
use argosy_engine::config::Config;
use argosy_engine::definition::Definition;
use argosy_engine::effect::PodRequest;
use argosy_engine::fact::{Letter, PodPhase, PodSeen};
use argosy_engine::ids::{NodeIndex, PodKey, RunId, Seconds};
use argosy_engine::locks::{
    LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen, LockTable,
};
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::run::Run;
use argosy_engine::settings::{Events, Settings};
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use argosy_runtime::{Handle, Observer, Pump, Until};
use argosy_store::{Environment, MemoryDisk, MemoryStore, NewRun, Store};

const WORKFLOW: &str = r#"{"metadata": {"name": "wf", "namespace": "ns"}, "spec": {
    "entrypoint": "main", "templates": [{"name": "main", "container": {"image": "i"},
        "synchronization": {"mutexes": [{"name": "m"}]}}]}}"#;

/// One of another process.
const OTHER: LockHolder = LockHolder {
    run: RunId(99),
    node: NodeIndex(0),
};

fn mutex() -> LockName {
    LockName {
        kind: LockKind::Mutex,
        name: "ns/Mutex/m".into(),
    }
}

/// Works on the mutex's part of the table; what comes of it is told to nobody.
fn table<T: Default>(store: &dyn Store, mut work: impl FnMut(&mut LockTable) -> T) -> T {
    let seeds: BTreeSet<LockSeed> = [LockSeed::Lock(mutex().name)].into();
    let mut result = T::default();
    store
        .with_locks(&seeds, &mut |table| {
            result = work(table);
            Vec::new()
        })
        .expect("the table");
    result
}

/// The run's request, and whether it is held.
fn request_of(store: &dyn Store, run: RunId) -> Option<bool> {
    table(store, |table| {
        let mut requests = table.requests();
        requests
            .find(|(request, _)| request.holder.run == run)
            .map(|(_, held)| held)
    })
}

struct Ends {
    handle: Handle,
    store: Arc<dyn Store>,
    /// Whether each pod's run had the mutex when it was asked for.
    had: Vec<Option<bool>>,
}

impl Backend for Ends {
    fn create(&mut self, requests: Vec<PodRequest>) {
        for request in requests {
            self.had.push(request_of(&*self.store, request.key.run));
            let seen = PodSeen {
                phase: PodPhase::Succeeded,
                message: None,
                reason: None,
                ip: None,
                host_node_name: None,
                containers: Vec::new(),
                deleted: false,
            };
            EventSink::send(&self.handle, BackendEvent::PodSeen(request.key, seen));
        }
    }

    fn stop(&mut self, _pod: PodKey, _grace_seconds: u32) {}

    fn forget(&mut self, _pods: &[PodKey]) {}

    fn inventory(&mut self, run: RunId) {
        EventSink::send(&self.handle, BackendEvent::Inventory(run, Vec::new()));
    }

    fn remove_run(&mut self, _run: RunId) {}
}

#[derive(Default)]
struct Phase(Option<WorkflowPhase>);

impl Observer for Phase {
    fn changed(&mut self, _run: &Run, _nodes: &[u32]) {}

    fn ended(&mut self, run: &Run) {
        self.0 = run.phase();
    }
}

#[test]
fn a_lock_is_had_when_the_table_says_so_and_not_before() {
    let disk = MemoryDisk::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::open(&disk));
    let workflow: Workflow = serde_json::from_str(WORKFLOW).expect("a workflow");
    let definition = Definition {
        workflow,
        ..Definition::default()
    };
    let id = store
        .create_run(NewRun {
            namespace: "ns".to_owned(),
            name: "wf".to_owned(),
            uid: "u".to_owned(),
            labels: [].into(),
            annotations: [].into(),
            definition: serde_json::to_vec(&definition).expect("JSON"),
            environment: Environment::default(),
            options: Vec::new(),
            created_at: Seconds(0),
        })
        .expect("created");
    let other = LockRequest {
        holder: OTHER,
        key: "ns/other".into(),
        locks: [mutex()].into(),
        priority: 0,
        created_at: Seconds(0),
    };
    let granted = table(&*store, |table| table.ask(other.clone()).len());
    assert_eq!(granted, 1);
    // A grant of long ago, which was given up when the run was last taken over.
    let letter = Letter::Lock {
        node: NodeIndex(0),
        lock_seen: LockSeen::Granted([mutex()].into()),
    };
    let letter = serde_json::to_vec(&letter).expect("JSON");
    store.push_command(id, letter).expect("stored");
    let settings = Settings {
        repository: ArtifactRepositoryView::default(),
        read_yaml: |text| serde_json::from_str(text).map_err(|error| error.to_string()),
        config: Config::default(),
        events: Events::Kept,
    };
    let mut pump = Pump::new(store.clone(), Arc::new(settings));
    let mut backend = Ends {
        handle: pump.handle(),
        store: store.clone(),
        had: Vec::new(),
    };
    EventSink::send(&backend.handle, BackendEvent::Slots(9));
    let mut phase = Phase::default();
    assert!(pump.adopt(id, &mut backend).expect("adopted"));
    std::thread::scope(|scope| {
        let store = store.clone();
        scope.spawn(move || {
            while request_of(&*store, id).is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            // The other gives the mutex back, and dies before it tells who has it now.
            table(&*store, |table| table.release(OTHER).len());
        });
        pump.run(&mut backend, &mut phase, Until::NoRuns)
            .expect("it ends");
    });
    assert_eq!(backend.had, [Some(true)]);
    assert_eq!(phase.0, Some(WorkflowPhase::Succeeded));
}
