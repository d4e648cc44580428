//! A backend of simulated pods: they end when they are asked for, or run on until they are stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use argosy_engine::effect::PodRequest;
use argosy_engine::fact::{Fact, PodPhase, PodSeen};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_runtime::backend::{Backend, BackendEvent, EventSink};
use argosy_runtime::contract::{Deed, Ground, bare_pod};
use argosy_sim::{Outcome, SimPod};

/// The exit code of a container that was killed.
const KILLED: i32 = 137;

/// The exit code of a container whose program is not there.
const NO_PROGRAM: i32 = 127;

/// When all of it happens.
const NOW: Seconds = Seconds(1_000);

/// What a container that never ends by itself has for its command.
const RUN_ON: &str = "run-on";

/// What a container that can't begin has for its command.
const NEVER_BEGIN: &str = "never-begin";

/// A cluster, whose pods are there whether a runner lives or not.
#[derive(Default)]
struct Cluster {
    pods: BTreeMap<PodKey, SimPod>,
    begun: BTreeMap<PodKey, usize>,
}

/// Where the simulated backend is tried out.
#[derive(Default)]
pub struct Simulated {
    cluster: Arc<Mutex<Cluster>>,
}

impl Ground for Simulated {
    type Backend = SimulatedBackend;

    fn start(&mut self, sink: Arc<dyn EventSink>) -> SimulatedBackend {
        sink.send(BackendEvent::Slots(8));
        SimulatedBackend {
            cluster: self.cluster.clone(),
            sink,
        }
    }

    fn pod(&self, key: PodKey, deed: Deed) -> PodRequest {
        let command = match deed {
            Deed::End { exit_code } => exit_code.to_string(),
            Deed::RunOn => RUN_ON.to_owned(),
            Deed::NeverBegin => NEVER_BEGIN.to_owned(),
        };
        bare_pod(key, vec![command])
    }

    fn most_at_once(&self) -> Option<u32> {
        None
    }

    fn times_begun(&self, key: PodKey) -> usize {
        let cluster = self.cluster.lock().expect("not poisoned");
        cluster.begun.get(&key).copied().unwrap_or_default()
    }
}

/// A runner's view of the cluster.
pub struct SimulatedBackend {
    cluster: Arc<Mutex<Cluster>>,
    sink: Arc<dyn EventSink>,
}

impl SimulatedBackend {
    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().expect("not poisoned")
    }

    fn tell(&self, facts: Vec<Fact>) {
        for fact in facts {
            match fact {
                Fact::PodSeen(key, seen) => self.sink.send(BackendEvent::PodSeen(key, seen)),
                Fact::ResultSeen(key, seen) => self.sink.send(BackendEvent::ResultSeen(key, seen)),
                other => panic!("a pod does not tell {other:?}"),
            }
        }
    }
}

impl Cluster {
    /// Has a pod begin, unless it is there.
    fn begin(&mut self, request: PodRequest) -> Vec<Fact> {
        let key = request.key;
        if self.pods.contains_key(&key) {
            return Vec::new();
        }
        let spec = request.pod.spec.as_ref().expect("a spec");
        let command = spec.containers[0].command.clone().expect("a command");
        let pod = self.pods.entry(key).or_insert(SimPod::new(request));
        if command[0] == NEVER_BEGIN {
            let outcome = Outcome {
                message: Some("there is no such program".to_owned()),
                ..Outcome::exit(NO_PROGRAM)
            };
            return pod.end(&outcome, NOW);
        }
        *self.begun.entry(key).or_default() += 1;
        pod.enter("Running", 0, NOW);
        let mut facts = vec![pod.seen()];
        if command[0] != RUN_ON {
            let exit_code = command[0].parse().expect("an exit code");
            facts.extend(pod.end(&Outcome::exit(exit_code), NOW));
        }
        facts
    }
}

impl Backend for SimulatedBackend {
    fn create(&mut self, requests: Vec<PodRequest>) {
        for request in requests {
            let facts = self.cluster().begin(request);
            self.tell(facts);
        }
    }

    fn stop(&mut self, key: PodKey, _grace_seconds: u32) {
        let facts = match self.cluster().pods.get_mut(&key) {
            Some(pod) if pod.is_live() => pod.end(&Outcome::exit(KILLED), NOW),
            Some(_) => Vec::new(),
            None => vec![Fact::PodSeen(key, deleted())],
        };
        self.tell(facts);
    }

    fn forget(&mut self, pods: &[PodKey]) {
        self.cluster().pods.retain(|key, _| !pods.contains(key));
    }

    fn inventory(&mut self, run: RunId) {
        let cluster = self.cluster();
        let pods: Vec<&SimPod> = (cluster.pods.values())
            .filter(|pod| pod.request.key.run == run)
            .collect();
        let keys = pods.iter().map(|pod| pod.request.key).collect();
        let facts = pods.iter().map(|pod| pod.seen()).collect();
        drop(cluster);
        self.tell(facts);
        self.sink.send(BackendEvent::Inventory(run, keys));
    }

    fn run_ended(&mut self, run: RunId) {
        self.cluster().pods.retain(|key, _| key.run != run);
    }

    fn remove_run(&mut self, run: RunId) {
        self.run_ended(run);
    }
}

/// What is told of a pod that is not there.
fn deleted() -> PodSeen {
    PodSeen {
        phase: PodPhase::Pending,
        message: None,
        reason: None,
        ip: None,
        host_node_name: None,
        containers: Vec::new(),
        deleted: true,
    }
}
