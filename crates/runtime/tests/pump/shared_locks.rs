//! Locks that several processes share: what the table says counts, whoever tells of it or dies
//! before.

use std::sync::Arc;
use std::time::Duration;

use argosy_api::WorkflowPhase;
use argosy_engine::effect::PodRequest;
use argosy_engine::fact::{Letter, PodPhase};
use argosy_engine::ids::{NodeIndex, PodKey, RunId, Seconds};
use argosy_engine::locks::{
    LockAnswer, LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen, LockTable,
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

/// Works on the mutex's part of the table and on what a run has in it, as another process does:
/// what comes of it is told by letters.
fn table<T: Default>(
    store: &dyn Store,
    run: RunId,
    mut work: impl FnMut(&mut LockTable) -> (T, Vec<LockAnswer>),
) -> T {
    let seeds = [LockSeed::Lock(mutex().name), LockSeed::Run(run)].into();
    let mut result = T::default();
    let mut work = |table: &mut LockTable| {
        let (value, answers) = work(table);
        result = value;
        answers
    };
    store
        .with_locks(&seeds, &mut work, &|(holder, seen)| {
            Some(letter(holder.node, seen.clone()))
        })
        .expect("the table");
    result
}

fn letter(node: NodeIndex, lock_seen: LockSeen) -> Vec<u8> {
    serde_json::to_vec(&Letter::Lock { node, lock_seen }).expect("JSON")
}

fn request(holder: LockHolder) -> LockRequest {
    LockRequest {
        holder,
        key: "ns/other".into(),
        locks: [mutex()].into(),
        priority: 0,
        created_at: Seconds(0),
    }
}

/// A node's request, and whether it is held.
fn request_of(store: &dyn Store, run: RunId, node: NodeIndex) -> Option<bool> {
    table(store, run, |table| {
        let mut requests = table.requests();
        let of_node = requests.find(|(request, _)| request.holder == LockHolder { run, node });
        (of_node.map(|(_, held)| held), Vec::new())
    })
}

struct Ends {
    handle: Handle,
    store: Arc<dyn Store>,
    /// Whether each pod's node had the mutex when it was asked for.
    had: Vec<Option<bool>>,
}

impl Backend for Ends {
    fn create(&mut self, requests: Vec<PodRequest>) {
        for request in requests {
            let PodKey { run, node, .. } = request.key;
            self.had.push(request_of(&*self.store, run, node));
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

/// A process that has taken over a run.
fn taken_over(store: &Arc<dyn Store>, run: RunId) -> (Pump, Ends) {
    let mut pump = Pump::new(store.clone(), settings());
    let mut backend = Ends {
        handle: pump.handle(),
        store: store.clone(),
        had: Vec::new(),
    };
    EventSink::send(&backend.handle, BackendEvent::Slots(9));
    assert!(pump.adopt(run, &mut backend).expect("adopted"));
    (pump, backend)
}

#[test]
fn a_lock_is_had_when_the_table_says_so_and_not_before() {
    let store = store();
    let id = submit(&*store, WORKFLOW);
    table(&*store, id, |table| ((), table.ask(request(OTHER))));
    // A grant of long ago, which was given up when the run was last taken over.
    let old = letter(NodeIndex(0), LockSeen::Granted([mutex()].into()));
    store.push_command(id, old).expect("stored");
    let (mut pump, mut backend) = taken_over(&store, id);
    let mut phase = Phase::default();
    std::thread::scope(|scope| {
        let store = store.clone();
        scope.spawn(move || {
            while request_of(&*store, id, NodeIndex(0)).is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            table(&*store, id, |table| ((), table.release(OTHER)));
        });
        pump.run(&mut backend, &mut phase, Until::NoRuns)
            .expect("it ends");
    });
    assert_eq!(backend.had, [Some(true)]);
    assert_eq!(phase.0, Some(WorkflowPhase::Succeeded));
}

#[test]
fn what_a_dead_owner_asked_for_is_asked_anew_and_nothing_of_it_counts() {
    const LOOP: &str = r#"{"metadata": {"name": "wf", "namespace": "ns"}, "spec": {
        "entrypoint": "main", "templates": [
            {"name": "main", "steps": [[{"name": "s", "template": "t", "withItems": [1, 2, 3]}]]},
            {"name": "t", "container": {"image": "i"},
             "synchronization": {"mutexes": [{"name": "m"}]}}]}}"#;
    let store = store();
    let id = submit(&*store, LOOP);
    // It died before it committed what had become of that. Of whatever nodes there are one had the
    // mutex, which the next one gets when it is given back.
    for node in (0..8).rev().map(NodeIndex) {
        let holder = LockHolder { run: id, node };
        table(&*store, id, |table| ((), table.ask(request(holder))));
    }
    let (mut pump, mut backend) = taken_over(&store, id);
    let mut phase = Phase::default();
    pump.run(&mut backend, &mut phase, Until::NoRuns)
        .expect("it ends");
    assert_eq!(backend.had, [Some(true); 3]);
    assert_eq!(phase.0, Some(WorkflowPhase::Succeeded));
}
