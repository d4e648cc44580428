//! From asking for a pod to its end.

use argosy_engine::fact::PodPhase;
use argosy_engine::ids::PodKey;

use super::told::{Told, exit_code, reason};
use super::{Deed, Ground, await_begun, key};
use crate::backend::Backend;

/// Seconds from SIGTERM to SIGKILL.
const GRACE_SECONDS: u32 = 1;

pub(super) fn pods_are_told_of_until_they_end<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let deeds = [(key(1, 1), 0), (key(1, 2), 3), (key(2, 1), 0)];
    let request = |&(key, exit_code)| ground.pod(key, Deed::End { exit_code });
    backend.create(deeds.iter().map(request).collect());
    for (key, code) in deeds {
        let end = told.end(key);
        let phase = match code {
            0 => PodPhase::Succeeded,
            _ => PodPhase::Failed,
        };
        assert_eq!((end.phase, exit_code(&end)), (phase, Some(code)), "{key:?}");
        assert!(!end.deleted, "{key:?} came to its end");
        let ranks: Vec<u8> = told.all(key).iter().map(|seen| rank(seen.phase)).collect();
        assert!(ranks.is_sorted(), "{key:?} fell back: {ranks:?}");
    }
}

/// A pod never goes back to a phase of a lower rank.
fn rank(phase: PodPhase) -> u8 {
    match phase {
        PodPhase::Pending => 0,
        PodPhase::Running | PodPhase::Unknown => 1,
        PodPhase::Succeeded | PodPhase::Failed => 2,
    }
}

pub(super) fn a_pod_is_begun_once_however_often_it_is_asked_for<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pod = key(1, 1);
    backend.create(vec![ground.pod(pod, Deed::RunOn)]);
    told.running(pod);
    await_begun(ground, pod);
    backend.create(vec![ground.pod(pod, Deed::RunOn)]);
    backend.stop(pod, GRACE_SECONDS);
    told.end(pod);
    backend.create(vec![ground.pod(pod, Deed::RunOn)]);
    // By the end of one that was asked for later, the first would have been begun again.
    let other = key(1, 2);
    backend.create(vec![ground.pod(other, Deed::End { exit_code: 0 })]);
    told.end(other);
    assert_eq!(ground.times_begun(pod), 1);
}

pub(super) fn another_attempt_is_another_pod<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let first = key(1, 1);
    let mut second = first;
    second.incarnation = 1;
    for (pod, code) in [(first, 3), (second, 0)] {
        backend.create(vec![ground.pod(pod, Deed::End { exit_code: code })]);
        assert_eq!(exit_code(&told.end(pod)), Some(code), "{pod:?}");
        assert_eq!(ground.times_begun(pod), 1, "{pod:?}");
    }
}

pub(super) fn what_cannot_begin_fails_and_says_why<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pod = key(1, 1);
    backend.create(vec![ground.pod(pod, Deed::NeverBegin)]);
    let end = told.end(pod);
    assert_eq!(end.phase, PodPhase::Failed);
    assert!(!reason(&end).is_empty(), "{end:?} says why");
    assert_eq!(ground.times_begun(pod), 0);
}

pub(super) fn a_stop_ends_a_pod<G: Ground>(ground: &mut G) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pod = key(1, 1);
    backend.create(vec![ground.pod(pod, Deed::RunOn)]);
    told.running(pod);
    backend.stop(pod, GRACE_SECONDS);
    let end = told.end(pod);
    assert!(
        end.deleted || end.phase == PodPhase::Failed,
        "it did not end by itself: {end:?}"
    );
    backend.stop(pod, GRACE_SECONDS);
}

pub(super) fn a_pod_that_has_not_begun_is_gone_at_once_when_it_is_stopped<G: Ground>(
    ground: &mut G,
) {
    let Some(most) = ground.most_at_once() else {
        return;
    };
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let running: Vec<PodKey> = (1..=most).map(|node| key(1, node)).collect();
    let request = |&key| ground.pod(key, Deed::RunOn);
    backend.create(running.iter().map(request).collect());
    for &pod in &running {
        told.running(pod);
    }
    let queued = key(1, most + 1);
    backend.create(vec![request(&queued)]);
    backend.stop(queued, GRACE_SECONDS);
    assert!(told.end(queued).deleted);
    for &pod in &running {
        backend.stop(pod, GRACE_SECONDS);
        told.end(pod);
    }
    assert_eq!(ground.times_begun(queued), 0);
}

pub(super) fn what_is_not_there_is_told_of_as_deleted_when_it_is_stopped<G: Ground>(
    ground: &mut G,
) {
    let told = Told::new();
    let mut backend = ground.start(told.clone());
    let pod = key(1, 1);
    backend.stop(pod, GRACE_SECONDS);
    assert!(told.end(pod).deleted);
    assert_eq!(ground.times_begun(pod), 0);
}
