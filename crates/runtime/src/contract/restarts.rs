//! A runner is killed, and another one takes over.

use std::sync::Arc;

use argosy_engine::fact::{PodPhase, PodSeen};
use argosy_engine::ids::PodKey;

use super::told::{Told, exit_code, states};
use super::{Deed, Ground, await_begun, key};
use crate::backend::{Backend, BackendEvent};

/// The next runner's backend, what it has told, and the pods of the inventory that it took.
fn take_over<G: Ground>(ground: &mut G, pod: PodKey) -> (G::Backend, Arc<Told>, Vec<PodKey>) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    backend.inventory(pod.run);
    let pods = told.inventory(pod.run);
    (backend, told, pods)
}

/// How a pod stood when it was told of last before the first inventory.
fn before_inventory(told: &Told, pod: PodKey) -> PodSeen {
    told.wait(&format!("of {pod:?} before the inventory"), |events| {
        let is_inventory = |event: &BackendEvent| matches!(event, BackendEvent::Inventory(..));
        let end = events.iter().position(is_inventory)?;
        states(&events[..end], pod).last().cloned()
    })
}

pub(super) fn a_pod_outlives_its_runner<G: Ground>(ground: &mut G) {
    let pod = key(1, 1);
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    backend.create(vec![ground.pod(pod, Deed::RunOn)]);
    told.running(pod);
    await_begun(ground, pod);
    drop(backend);
    let (mut backend, told, pods) = take_over(ground, pod);
    assert_eq!(pods, [pod]);
    assert_eq!(before_inventory(&told, pod).phase, PodPhase::Running);
    backend.create(vec![ground.pod(pod, Deed::RunOn)]);
    backend.stop(pod, 1);
    told.end(pod);
    assert_eq!(ground.times_begun(pod), 1);
}

pub(super) fn an_end_that_was_not_forgotten_is_told_again<G: Ground>(ground: &mut G) {
    let pod = key(1, 1);
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    backend.create(vec![ground.pod(pod, Deed::End { exit_code: 3 })]);
    told.end(pod);
    drop(backend);
    let (_backend, told, pods) = take_over(ground, pod);
    assert_eq!(pods, [pod]);
    let seen = before_inventory(&told, pod);
    assert_eq!((seen.phase, exit_code(&seen)), (PodPhase::Failed, Some(3)));
    assert_eq!(ground.times_begun(pod), 1);
}

pub(super) fn what_was_forgotten_stays_so<G: Ground>(ground: &mut G) {
    let pod = key(1, 1);
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    backend.create(vec![ground.pod(pod, Deed::End { exit_code: 0 })]);
    told.end(pod);
    backend.forget(&[pod]);
    drop(backend);
    let (_backend, told, pods) = take_over(ground, pod);
    assert_eq!(pods, []);
    assert!(told.all(pod).is_empty(), "it is told of again");
}
