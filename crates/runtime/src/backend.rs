//! The trait that every backend implements: it runs pods and tells how they fare.

use argosy_engine::effect::{PodRequest, TaskRequest};
use argosy_engine::fact::{PodSeen, ResultSeen, TaskSeen};
use argosy_engine::ids::{PodKey, RunId};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;

/// Runs pods. No method blocks: orders are queued, and what comes of them arrives as
/// [`BackendEvent`]s at the [`EventSink`] that the backend was built with. A backend keeps its own
/// threads or its own async runtime; the pump around the core knows of neither.
///
/// What is said here is tried on each backend by the checks in `contract`, a module behind the
/// feature of that name.
pub trait Backend: Send {
    /// Runs pods, each at most once for its key: asking again for a key that is known does nothing.
    /// A pod that cannot be run comes back as `PodSeen` with phase `Failed` and a message.
    fn create(&mut self, requests: Vec<PodRequest>);

    /// Ends a pod's containers: SIGTERM, then SIGKILL when the grace has passed. The pod's end is
    /// reported as usual. For a pod that is queued and has not begun, the end is reported at once
    /// with `deleted` set.
    fn stop(&mut self, pod: PodKey, grace_seconds: u32);

    /// The pod's end is committed. The backend may drop all it knows of it, logs excepted.
    fn forget(&mut self, pods: &[PodKey]);

    /// Reports all pods of the run that the backend knows: a `PodSeen` for each with its present
    /// state, then `BackendEvent::Inventory`. Pods that are asked for before that is dealt with need
    /// not be in it.
    fn inventory(&mut self, run: RunId);

    /// Has an agent carry out an `http` or `plugin` template; asking again for a task that is under
    /// way does nothing.
    ///
    /// # Errors
    /// Why this backend has no agent.
    fn run_task(&mut self, task: TaskRequest) -> Result<(), String> {
        let _ = task;
        Err("no agent runs here".to_owned())
    }

    /// The task's result is wanted no more.
    fn stop_task(&mut self, task: PodKey) {
        let _ = task;
    }

    /// A run has ended and is let go: it needs no agent any more, and what the backend still knows of
    /// its pods is wanted by nobody. An owner before this one may have committed the end of a pod and
    /// died before it was forgotten.
    fn run_ended(&mut self, run: RunId) {
        let _ = run;
    }

    /// Makes a volume claim, or finds that it is there.
    ///
    /// # Errors
    /// Why this backend can't.
    fn make_claim(&mut self, claim: PersistentVolumeClaim) -> Result<(), String> {
        let _ = claim;
        Err("volume claims need a cluster".to_owned())
    }

    /// Deletes a volume claim.
    fn drop_claim(&mut self, namespace: &str, name: &str) {
        let _ = (namespace, name);
    }

    /// Removes what a deleted run has left: logs, volumes, working files.
    fn remove_run(&mut self, run: RunId);
}

/// What a backend tells.
#[derive(Debug)]
pub enum BackendEvent {
    /// A pod stands in this state.
    PodSeen(PodKey, PodSeen),
    /// The executor of a pod reports.
    ResultSeen(PodKey, ResultSeen),
    /// The agent reports.
    TaskSeen(PodKey, TaskSeen),
    /// These are all pods of the run that the backend knows.
    Inventory(RunId, Vec<PodKey>),
    /// The backend would take this many more pods now. Replaces what was announced before.
    Slots(u32),
    /// Why pods are waiting, for people: what holds the slots. Empty when none waits.
    Waiting(String),
    /// Something went wrong with a pod that its end does not tell of.
    Trouble(PodKey, String),
    /// The backend can't go on (its keeper died and can't be started again, …).
    Broken(String),
}

/// Where a backend's events go. Cheap to clone; never blocks.
pub trait EventSink: Send + Sync {
    /// Hands one event over.
    fn send(&self, event: BackendEvent);

    /// Hands several over, which are then dealt with in one go.
    fn send_all(&self, events: Vec<BackendEvent>) {
        for event in events {
            self.send(event);
        }
    }
}
