//! A run that is taken over goes on before all of its pods have been told.

use argosy_api::WorkflowPhase;
use argosy_engine::effect::PodRequest;
use argosy_engine::fact::{Fact, PodPhase};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::run::Run;
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use argosy_runtime::{Handle, Pump, Until};
use argosy_store::{Durability, Store};

use crate::place::{Phase, definition, seen, settings, store, submit};

const WORKFLOW: &str = r#"{"metadata": {"name": "wf", "namespace": "ns"}, "spec": {
    "entrypoint": "main", "templates": [
        {"name": "main", "steps": [
            [{"name": "a", "template": "step"}], [{"name": "b", "template": "step"}]]},
        {"name": "step", "container": {"image": "i"}}]}}"#;

/// A backend that counted the pods before one more was asked for, and tells of them after.
struct Late {
    handle: Handle,
    first: PodKey,
    asked: Vec<PodKey>,
}

impl Backend for Late {
    fn create(&mut self, requests: Vec<PodRequest>) {
        for request in requests {
            let inventory = BackendEvent::Inventory(request.key.run, vec![self.first]);
            self.handle.send_all(vec![
                inventory,
                BackendEvent::PodSeen(request.key, seen(PodPhase::Succeeded)),
            ]);
            self.asked.push(request.key);
        }
    }

    fn stop(&mut self, _pod: PodKey, _grace_seconds: u32) {}

    fn forget(&mut self, _pods: &[PodKey]) {}

    fn inventory(&mut self, _run: RunId) {
        let end = BackendEvent::PodSeen(self.first, seen(PodPhase::Succeeded));
        EventSink::send(&self.handle, end);
    }

    fn remove_run(&mut self, _run: RunId) {}
}

/// Plays the run's first owner, which dies when the first pod runs.
fn die_at_the_first_pod(store: &dyn Store, id: RunId) -> PodKey {
    let claim = store.claim(id).expect("claimed").expect("free");
    let mut run = Run::new(id, definition(WORKFLOW), settings()).expect("a run");
    let at = Seconds(1_000);
    run.tell(at, Fact::Started);
    let mut first = None;
    while run.has_work() {
        let commit = run.turn(at).commit;
        store
            .commit(claim.epoch, commit, Durability::Process)
            .expect("stored");
        for request in run.pull(9) {
            first = Some(request.key);
            run.tell(at, Fact::PodSeen(request.key, seen(PodPhase::Running)));
        }
    }
    first.expect("a pod was asked for")
}

#[test]
fn what_was_asked_for_since_the_pods_were_counted_is_not_asked_for_again() {
    let store = store();
    let id = submit(&*store, WORKFLOW);
    let first = die_at_the_first_pod(&*store, id);
    let mut pump = Pump::new(store, settings());
    let handle = pump.handle();
    let mut backend = Late {
        handle: handle.clone(),
        first,
        asked: Vec::new(),
    };
    EventSink::send(&handle, BackendEvent::Slots(9));
    let mut ends = Phase::default();
    assert!(pump.adopt(id, &mut backend).expect("adopted"));
    pump.run(&mut backend, &mut ends, Until::NoRuns)
        .expect("it ends");
    assert_eq!(backend.asked.len(), 1, "{:?}", backend.asked);
    assert_eq!(backend.asked[0].incarnation, 0);
    assert_eq!(ends.0, Some(WorkflowPhase::Succeeded));
}
