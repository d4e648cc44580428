//! What a backend knows of a run, and how it forgets it.

use argosy_engine::ids::RunId;

use super::told::Told;
use super::{Deed, Ground, key};
use crate::backend::{Backend, BackendEvent};

pub(super) fn slots_are_announced_before_anything_is_asked<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let _backend = ground.start(told.clone());
    let slots = told.wait("of slots", |events| {
        events.iter().find_map(|event| match event {
            BackendEvent::Slots(count) => Some(*count),
            _ => None,
        })
    });
    assert!(slots > 0, "no pod would ever be asked for");
}

pub(super) fn an_inventory_has_the_pods_of_its_run_alone<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pods = [key(1, 1), key(1, 2), key(2, 1)];
    let request = |&key| ground.pod(key, Deed::End { exit_code: 0 });
    backend.create(pods.iter().map(request).collect());
    for pod in pods {
        told.end(pod);
    }
    for (run, expected) in [(1, &pods[..2]), (2, &pods[2..]), (3, &[])] {
        backend.inventory(RunId(run));
        assert_eq!(told.inventory(RunId(run)), expected, "of run {run}");
    }
}

pub(super) fn what_is_forgotten_is_in_no_inventory<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pods = [key(1, 1), key(1, 2)];
    let request = |&key| ground.pod(key, Deed::End { exit_code: 0 });
    backend.create(pods.iter().map(request).collect());
    for pod in pods {
        told.end(pod);
    }
    backend.forget(&pods[..1]);
    backend.inventory(RunId(1));
    assert_eq!(told.inventory(RunId(1)), pods[1..]);
}

pub(super) fn what_a_run_leaves_behind_goes_with_it<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let (pod, other) = (key(1, 1), key(2, 1));
    let request = |key| ground.pod(key, Deed::End { exit_code: 0 });
    backend.create(vec![request(pod), request(other)]);
    told.end(pod);
    told.end(other);
    backend.run_ended(RunId(1));
    for (run, expected) in [(1, &[][..]), (2, &[other])] {
        backend.inventory(RunId(run));
        assert_eq!(told.inventory(RunId(run)), expected, "of run {run}");
    }
}

pub(super) fn what_is_not_there_can_be_let_go<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pod = key(1, 1);
    for _ in 0..2 {
        backend.forget(&[pod]);
        backend.stop_task(pod);
        backend.drop_claim("namespace", "claim");
        backend.run_ended(pod.run);
        backend.remove_run(pod.run);
    }
    let other = key(2, 1);
    backend.create(vec![ground.pod(other, Deed::End { exit_code: 0 })]);
    told.end(other);
}
