//! What every backend keeps to, as checks that each backend's own tests run. Behind the feature
//! `contract`.
//!
//! The checks know nothing of how a backend runs pods: a [`Ground`] makes the backend, and pods that
//! do what a check needs.

mod ends;
mod restarts;
mod runs;
mod told;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use argosy_api::MAIN_CONTAINER;
use argosy_engine::effect::{Layout, PodRequest};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

use crate::backend::{Backend, EventSink};

/// How long a backend may take for what it does within moments: machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a backend is tried out. Each check gets one of its own.
pub trait Ground {
    /// The backend.
    type Backend: Backend;

    /// The backend of a runner, which tells `sink`. What the ones before it have begun goes on, as
    /// it does when a runner was killed and another one takes over.
    fn start(&mut self, sink: Arc<dyn EventSink>) -> Self::Backend;

    /// A pod with one container, `main`, that does this.
    fn pod(&self, key: PodKey, deed: Deed) -> PodRequest;

    /// How many pods run at once at most; `None` if that has no bound.
    fn most_at_once(&self) -> Option<u32>;

    /// How often the container of a pod has begun.
    fn times_begun(&self, key: PodKey) -> usize;
}

/// What the container of a pod does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It ends at once.
    End {
        /// With this exit code.
        exit_code: i32,
    },
    /// It runs until it is stopped.
    RunOn,
    /// It can't begin: there is no such program.
    NeverBegin,
}

/// One thing that a backend keeps to.
pub struct Check<G> {
    /// What holds.
    pub name: &'static str,
    /// Tries it.
    ///
    /// # Panics
    /// If it does not hold.
    pub run: fn(&mut G),
}

/// All checks.
pub fn checks<G: Ground>() -> Vec<Check<G>> {
    let check = |name, run| Check { name, run };
    vec![
        check(
            "pods are told of until they end",
            ends::pods_are_told_of_until_they_end,
        ),
        check(
            "a pod is begun once however often it is asked for",
            ends::a_pod_is_begun_once_however_often_it_is_asked_for,
        ),
        check(
            "another attempt is another pod",
            ends::another_attempt_is_another_pod,
        ),
        check(
            "what cannot begin fails and says why",
            ends::what_cannot_begin_fails_and_says_why,
        ),
        check("a stop ends a pod", ends::a_stop_ends_a_pod),
        check(
            "a pod that has not begun is gone at once when it is stopped",
            ends::a_pod_that_has_not_begun_is_gone_at_once_when_it_is_stopped,
        ),
        check(
            "what is not there is told of as deleted when it is stopped",
            ends::what_is_not_there_is_told_of_as_deleted_when_it_is_stopped,
        ),
        check(
            "slots are announced before anything is asked",
            runs::slots_are_announced_before_anything_is_asked,
        ),
        check(
            "an inventory has the pods of its run alone",
            runs::an_inventory_has_the_pods_of_its_run_alone,
        ),
        check(
            "what is forgotten is in no inventory",
            runs::what_is_forgotten_is_in_no_inventory,
        ),
        check(
            "what a run leaves behind goes with it",
            runs::what_a_run_leaves_behind_goes_with_it,
        ),
        check(
            "what is not there can be let go",
            runs::what_is_not_there_can_be_let_go,
        ),
        check(
            "a pod outlives its runner",
            restarts::a_pod_outlives_its_runner,
        ),
        check(
            "an end that was not forgotten is told again",
            restarts::an_end_that_was_not_forgotten_is_told_again,
        ),
        check(
            "what was forgotten stays so",
            restarts::what_was_forgotten_stays_so,
        ),
    ]
}

/// A pod without an executor, whose one container, `main`, has this command.
pub fn bare_pod(key: PodKey, command: Vec<String>) -> PodRequest {
    let main = Container {
        name: MAIN_CONTAINER.to_owned(),
        command: Some(command),
        ..Container::default()
    };
    let spec = PodSpec {
        containers: vec![main],
        ..PodSpec::default()
    };
    PodRequest {
        key,
        node_name: "node".into(),
        pod: Box::new(Pod {
            spec: Some(spec),
            ..Pod::default()
        }),
        layout: Layout::Bare,
        daemon: false,
    }
}

/// Waits until a pod's container has begun, which is told of a moment before it has done anything.
fn await_begun<G: Ground>(ground: &G, pod: PodKey) {
    let end = Instant::now() + PATIENCE;
    while ground.times_begun(pod) == 0 {
        assert!(Instant::now() < end, "{pod:?} does not begin");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The first attempt at a node of a run.
const fn key(run: u64, node: u32) -> PodKey {
    PodKey {
        run: RunId(run),
        node: NodeIndex(node),
        incarnation: 0,
    }
}
