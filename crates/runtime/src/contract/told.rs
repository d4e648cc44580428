//! What a backend has told, and waiting for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use argosy_engine::fact::{ContainerState, PodPhase, PodSeen};
use argosy_engine::ids::{PodKey, RunId};

use super::PATIENCE;
use crate::backend::{BackendEvent, EventSink};

/// All that a backend has told.
#[derive(Default)]
pub(super) struct Told {
    events: Mutex<Vec<BackendEvent>>,
    more: Condvar,
}

impl EventSink for Told {
    fn send(&self, event: BackendEvent) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        self.more.notify_all();
    }
}

impl Told {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Waits until what was told has something; `what` says what that is.
    ///
    /// # Panics
    /// If it does not come.
    pub(super) fn wait<T>(
        &self,
        what: &str,
        mut find: impl FnMut(&[BackendEvent]) -> Option<T>,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&events) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "was not told {what}: {events:?}");
            let woken = self.more.wait_timeout(events, left);
            events = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until a pod is seen to run.
    pub(super) fn running(&self, key: PodKey) {
        self.wait(&format!("that {key:?} runs"), |events| {
            states(events, key).find(|seen| seen.phase == PodPhase::Running)?;
            Some(())
        });
    }

    /// Waits for a pod's end.
    pub(super) fn end(&self, key: PodKey) -> PodSeen {
        self.wait(&format!("the end of {key:?}"), |events| {
            states(events, key).find(|seen| is_end(seen)).cloned()
        })
    }

    /// Waits for the next inventory of a run, and gives its pods, sorted.
    pub(super) fn inventory(&self, run: RunId) -> Vec<PodKey> {
        let mut pods = self.wait(&format!("the inventory of {run:?}"), |events| {
            events.iter().rev().find_map(|event| match event {
                BackendEvent::Inventory(of, pods) if *of == run => Some(pods.clone()),
                _ => None,
            })
        });
        pods.sort_unstable();
        pods
    }

    /// How a pod stood each time that it was told of.
    pub(super) fn all(&self, key: PodKey) -> Vec<PodSeen> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        states(&events, key).cloned().collect()
    }
}

/// How a pod stood, each time it was told of.
pub(super) fn states(events: &[BackendEvent], key: PodKey) -> impl Iterator<Item = &PodSeen> {
    events.iter().filter_map(move |event| match event {
        BackendEvent::PodSeen(of, seen) if *of == key => Some(seen),
        _ => None,
    })
}

/// Whether a pod does nothing more.
pub(super) fn is_end(seen: &PodSeen) -> bool {
    seen.deleted || matches!(seen.phase, PodPhase::Succeeded | PodPhase::Failed)
}

/// The exit code of the container `main`.
pub(super) fn exit_code(seen: &PodSeen) -> Option<i32> {
    let main = seen.containers.iter().find(|one| &*one.name == "main")?;
    match main.state {
        ContainerState::Terminated { exit_code, .. } => Some(exit_code),
        ContainerState::Waiting { .. } | ContainerState::Running { .. } => None,
    }
}

/// Why a pod failed, wherever that stands.
pub(super) fn reason(seen: &PodSeen) -> String {
    let own = seen.message.iter().map(|text| text.to_string());
    let containers = seen
        .containers
        .iter()
        .map(|container| match &container.state {
            ContainerState::Terminated { message, .. }
            | ContainerState::Waiting { message, .. } => message.to_string(),
            ContainerState::Running { .. } => String::new(),
        });
    own.chain(containers).collect()
}
