//! What a run's last owner did not get to is carried out by the next, which then lets it go.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_engine::collection::ArtifactSweep;
use argosy_engine::effect::{Effect, PodRequest};
use argosy_engine::events::Event;
use argosy_engine::fact::{Fact, PodPhase, ResultSeen};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::metrics::Current;
use argosy_engine::outbox::Ticket;
use argosy_engine::run::Run;
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use argosy_runtime::{Finish, Handle, Observer, Pump, Until};
use argosy_store::{Durability, Epoch, Store};

use crate::place::{definition, seen, settings, store, submit};

const WORKFLOW: &str = r#"{"metadata": {"name": "wf", "namespace": "ns"}, "spec": {
    "entrypoint": "main",
    "artifactGC": {"strategy": "OnWorkflowCompletion"},
    "volumeClaimTemplates": [{"metadata": {"name": "work"}, "spec": {}}],
    "metrics": {"prometheus": [{"name": "done", "help": "h", "counter": {"value": "1"}}]},
    "templates": [{"name": "main", "container": {"image": "i"},
        "memoize": {"key": "k", "cache": {"configMap": {"name": "cache"}}},
        "outputs": {"artifacts": [{"name": "o", "path": "/o", "s3": {"key": "o"}}]}}]}}"#;

/// A backend whose pods end well at once, and which has claims.
struct Ends {
    handle: Handle,
    dropped: Vec<String>,
    /// Runs that were let go, with whether somebody else could have had them then.
    let_go: Vec<(RunId, bool)>,
    store: Arc<dyn Store>,
}

fn ended(key: PodKey) -> Vec<Fact> {
    let artifact = serde_json::json!({"name": "o", "path": "/o", "s3": {"key": "o"}});
    let result = ResultSeen {
        artifacts: vec![serde_json::from_value(artifact).expect("an artifact")],
        complete: true,
        ..ResultSeen::default()
    };
    vec![
        Fact::ResultSeen(key, result),
        Fact::PodSeen(key, seen(PodPhase::Succeeded)),
    ]
}

impl Backend for Ends {
    fn create(&mut self, requests: Vec<PodRequest>) {
        for request in requests {
            for fact in ended(request.key) {
                let event = match fact {
                    Fact::PodSeen(key, seen) => BackendEvent::PodSeen(key, seen),
                    Fact::ResultSeen(key, seen) => BackendEvent::ResultSeen(key, seen),
                    _ => continue,
                };
                EventSink::send(&self.handle, event);
            }
        }
    }

    fn stop(&mut self, _pod: PodKey, _grace_seconds: u32) {}

    fn forget(&mut self, _pods: &[PodKey]) {}

    fn inventory(&mut self, run: RunId) {
        EventSink::send(&self.handle, BackendEvent::Inventory(run, Vec::new()));
    }

    fn make_claim(
        &mut self,
        _claim: k8s_openapi::api::core::v1::PersistentVolumeClaim,
    ) -> Result<(), String> {
        Ok(())
    }

    fn drop_claim(&mut self, _namespace: &str, name: &str) {
        self.dropped.push(name.to_owned());
    }

    fn run_ended(&mut self, run: RunId) {
        let is_free = self.store.claim(run).expect("asked").is_some();
        self.let_go.push((run, is_free));
    }

    fn remove_run(&mut self, _run: RunId) {}
}

#[derive(Default)]
struct Sees {
    events: Vec<(Box<str>, Option<Ticket>)>,
    swept: usize,
    ended: usize,
}

impl Observer for Sees {
    fn changed(&mut self, _run: &Run, _nodes: &[u32]) {}

    fn ended(&mut self, _run: &Run) {
        self.ended += 1;
    }

    fn event(&mut self, event: &Event, ticket: Option<Ticket>) {
        self.events.push((event.reason.clone(), ticket));
    }

    fn delete_artifacts(&mut self, sweep: ArtifactSweep) {
        self.swept += sweep.groups[0].artifacts.len();
    }
}

/// Plays the run's first owner, which commits all and carries nothing of it out that lasts.
fn die_before_the_effects(store: &dyn Store, id: RunId) {
    let claim = store.claim(id).expect("claimed").expect("free");
    let mut run = Run::new(id, definition(WORKFLOW), settings()).expect("a run");
    let at = Seconds(1_000);
    run.tell(at, Fact::Started);
    while run.has_work() {
        let turn = run.turn(at);
        store
            .commit(claim.epoch, turn.commit, Durability::Process)
            .expect("stored");
        for effect in turn.effects {
            match effect {
                Effect::MakeClaim { claim, .. } => {
                    let name = claim.metadata.name.unwrap_or_default().into();
                    run.tell(
                        at,
                        Fact::ClaimSeen(name, argosy_engine::fact::ClaimSeen::Made),
                    );
                }
                Effect::LoadCache { node, .. } => {
                    run.tell(
                        at,
                        Fact::CacheSeen(node, argosy_engine::fact::CacheSeen::Missing),
                    );
                }
                _ => {}
            }
        }
        for request in run.pull(9) {
            for fact in ended(request.key) {
                run.tell(at, fact);
            }
        }
    }
    assert!(run.is_over());
}

fn outbox(store: &dyn Store, id: RunId) -> Vec<u64> {
    let mut numbers = Vec::new();
    store
        .outbox(id, &mut |number, _| numbers.push(number))
        .expect("read");
    numbers
}

fn pump(store: &Arc<dyn Store>) -> (Pump, Ends) {
    let pump = Pump::new(store.clone(), settings());
    let backend = Ends {
        handle: pump.handle(),
        dropped: Vec::new(),
        let_go: Vec::new(),
        store: store.clone(),
    };
    EventSink::send(&backend.handle, BackendEvent::Slots(8));
    (pump, backend)
}

fn check(store: &dyn Store, id: RunId, sees: &Sees, backend: &Ends) {
    assert_eq!(sees.ended, 1);
    assert_eq!(sees.swept, 1);
    assert_eq!(backend.dropped, ["wf-work"]);
    assert_eq!(backend.let_go, [(id, false)], "told once, while it is ours");
    let reasons: Vec<&str> = sees.events.iter().map(|(reason, _)| &**reason).collect();
    let expected = [
        "WorkflowRunning",
        "WorkflowNodeRunning",
        "WorkflowNodeSucceeded",
        "WorkflowSucceeded",
    ];
    assert_eq!(
        reasons.iter().collect::<BTreeSet<_>>(),
        expected.iter().collect()
    );
    let tickets: BTreeSet<_> = sees.events.iter().map(|(_, ticket)| ticket).collect();
    assert_eq!(tickets.len(), reasons.len(), "each has a ticket of its own");
    assert_eq!(outbox(store, id), [0; 0]);
    assert_eq!(store.unowned_runs().expect("looked"), []);
    let table = store.metrics().expect("read");
    let values: Vec<Current> = table.samples(Seconds(0)).map(|one| one.value).collect();
    assert_eq!(values, [Current::Number(1.0)]);
    let kind = argosy_store::ObjectKind::ConfigMap;
    let cache = store.object(kind, "ns", "cache").expect("read");
    assert!(cache.is_some(), "the outputs were kept");
}

#[test]
fn a_run_that_nobody_disturbs_leaves_nothing_in_its_outbox() {
    let store = store();
    let id = submit(&*store, WORKFLOW);
    let (mut pump, mut backend) = pump(&store);
    let mut sees = Sees::default();
    assert!(pump.adopt(id, &mut backend).expect("adopted"));
    let finish = pump.run(&mut backend, &mut sees, Until::NoRuns);
    assert_eq!(finish.expect("no trouble"), Finish::Idle);
    check(&*store, id, &sees, &backend);
}

#[test]
fn what_the_last_owner_did_not_get_to_is_done() {
    let store = store();
    let id = submit(&*store, WORKFLOW);
    die_before_the_effects(&*store, id);
    assert!(!outbox(&*store, id).is_empty());
    assert_eq!(store.unowned_runs().expect("looked"), [id]);
    let (mut pump, mut backend) = pump(&store);
    let mut sees = Sees::default();
    assert!(pump.adopt(id, &mut backend).expect("adopted"));
    let finish = pump.run(&mut backend, &mut sees, Until::NoRuns);
    assert_eq!(finish.expect("no trouble"), Finish::Idle);
    check(&*store, id, &sees, &backend);
    let late = store.commit(
        Epoch(1),
        argosy_engine::commit::Commit {
            run: Some(id),
            delivered: vec![1],
            ..Default::default()
        },
        Durability::Process,
    );
    assert!(late.is_err(), "the first owner has lost it");
}
