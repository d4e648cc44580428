//! Locks that several processes share: what the table says counts, whoever tells of it or dies
//! before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use argosy_api::WorkflowPhase;
use argosy_engine::effect::PodRequest;
use argosy_engine::fact::{Letter, PodPhase};
use argosy_engine::ids::{NodeIndex, PodKey, RunId, Seconds};
use argosy_engine::locks::{
    LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen, LockTable,
};
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use argosy_runtime::{Handle, Pump, Until};
use argosy_store::Store;

use crate::place::{Phase, seen, settings, store, submit};

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
            let seen = seen(PodPhase::Succeeded);
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

#[test]
fn a_lock_is_had_when_the_table_says_so_and_not_before() {
    let store = store();
    let id = submit(&*store, WORKFLOW);
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
    let mut pump = Pump::new(store.clone(), settings());
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
