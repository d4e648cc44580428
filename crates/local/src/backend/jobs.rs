//! What is staged and collected beside the hot path. Threads are started when there is work for them
//! and end when there is none: most short runs need none.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use argosy_engine::effect::PodRequest;

use super::Shared;
use super::kept::Kept;
use crate::protocol::PodState;

/// Threads that stage and collect.
const WORKERS: usize = 4;

/// Something to be done.
pub(super) enum Work {
    /// Prepare a pod and hand it to the keeper.
    Start(Box<PodRequest>),
    /// Collect the outputs of one that has ended.
    Finish(Arc<Kept>, PodState),
}

/// What waits for a thread.
#[derive(Default)]
pub(super) struct Jobs {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    workers: usize,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Work> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        if next.is_none() {
            queue.workers -= 1;
        }
        next
    }
}

impl Shared {
    /// Has a thread do something.
    pub(super) fn hand_over(self: &Arc<Self>, work: Work) {
        let mut queue = self.jobs.lock();
        queue.waiting.push_back(work);
        if queue.workers == WORKERS {
            return;
        }
        queue.workers += 1;
        let shared = self.clone();
        thread::spawn(move || {
            while let Some(work) = shared.jobs.next() {
                match work {
                    Work::Start(request) => shared.start(*request),
                    Work::Finish(kept, state) => shared.finish(&kept, &state),
                }
            }
        });
    }
}
