//! Looking after pods that run: how far they say they are, and whether they are ready.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use argosy_engine::fact::ResultSeen;
use argosy_engine::ids::PodKey;
use argosy_executor::read_progress;
use argosy_runtime::backend::BackendEvent;

use super::kept::Kept;
use super::{Shared, probe};
use crate::protocol::Stage;

/// How often progress files are read. (Argo reads them every three seconds.)
const TICK: Duration = Duration::from_secs(1);

impl Shared {
    /// Reads the progress files of pods that run, until the end.
    pub(super) fn watch(self: &Arc<Self>) {
        let mut told: BTreeMap<PodKey, (u64, u64)> = BTreeMap::new();
        loop {
            let running: Vec<(PodKey, Arc<Kept>)> = {
                let state = self.lock();
                let waited = self
                    .closing
                    .wait_timeout_while(state, TICK, |state| !state.is_closed);
                let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if state.is_closed {
                    return;
                }
                let watched = state.pods.iter().filter_map(|(key, known)| {
                    let runs = known
                        .state
                        .as_ref()
                        .is_some_and(|pod| pod.stage == Stage::Running);
                    let kept = known.kept.as_ref().filter(|_| runs)?;
                    Some((*key, kept.clone()))
                });
                watched.collect()
            };
            told.retain(|key, _| running.iter().any(|(running, _)| running == key));
            let mut events = Vec::new();
            for (key, kept) in running {
                let Some(supervised) = &kept.supervised else {
                    continue;
                };
                let Some(progress) = read_progress(&supervised.progress_file) else {
                    continue;
                };
                let progress = (progress.done, progress.total);
                if told.insert(key, progress) != Some(progress) {
                    let seen = ResultSeen {
                        progress: Some(progress),
                        ..ResultSeen::default()
                    };
                    events.push(BackendEvent::ResultSeen(key, seen));
                }
            }
            if !events.is_empty() {
                self.sink.send_all(events);
            }
        }
    }

    /// Probes the containers of a pod that runs, each until it is ready.
    pub(super) fn begin_watching(self: &Arc<Self>, key: PodKey, kept: &Arc<Kept>) {
        for place in 0..kept.probes.len() {
            let (shared, kept) = (self.clone(), kept.clone());
            thread::spawn(move || {
                let Some(watched) = kept.probes.get(place) else {
                    return;
                };
                let is_wanted = || {
                    let state = shared.lock();
                    let known = state.pods.get(&key).and_then(|known| known.state.as_ref());
                    !state.is_closed && known.is_some_and(|pod| pod.stage == Stage::Running)
                };
                if probe::until_ready(watched, &is_wanted) {
                    shared.is_ready(key, &kept, &watched.container);
                }
            });
        }
    }

    fn is_ready(&self, key: PodKey, kept: &Kept, container: &str) {
        let told = {
            let mut state = self.lock();
            let Some(known) = state.pods.get_mut(&key) else {
                return;
            };
            known.ready.insert(container.into());
            let Some(pod) = known
                .state
                .clone()
                .filter(|pod| pod.stage == Stage::Running)
            else {
                return;
            };
            let seen = self.seen(&pod, Some(kept), &known.ready);
            // Under the lock, so that it is not told after the pod's end.
            self.sink.send(BackendEvent::PodSeen(key, seen.clone()));
            (pod, seen)
        };
        self.yield_if_ready(&told.0, Some(kept), &told.1);
        let room = self.lock().room(self.slots());
        if let Some(room) = room {
            self.sink.send(room);
        }
        self.demand_changed.notify_all();
    }
}
