//! Threads that work through a queue. They are started when there is work for them and end when
//! there is none: most short runs need none.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Shared;

/// What waits for a thread.
pub(super) struct Workers<T> {
    most: usize,
    queue: Mutex<Queue<T>>,
}

struct Queue<T> {
    waiting: VecDeque<T>,
    threads: usize,
}

impl<T> Workers<T> {
    /// At most so many threads at a time.
    pub(super) fn new(most: usize) -> Self {
        let queue = Mutex::new(Queue {
            waiting: VecDeque::new(),
            threads: 0,
        });
        Self { most, queue }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what waits, but for this.
    pub(super) fn retain(&self, keeps: impl FnMut(&T) -> bool) {
        self.lock().waiting.retain(keeps);
    }

    fn next(&self) -> Option<T> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        if next.is_none() {
            queue.threads -= 1;
        }
        next
    }
}

impl Shared {
    /// Has one of these threads do something.
    pub(super) fn hand_over<T: Send + 'static>(
        self: &Arc<Self>,
        to: fn(&Self) -> &Workers<T>,
        work: T,
        does: fn(&Arc<Self>, T),
    ) {
        let workers = to(self);
        let mut queue = workers.lock();
        queue.waiting.push_back(work);
        if queue.threads == workers.most {
            return;
        }
        queue.threads += 1;
        let shared = self.clone();
        thread::spawn(move || {
            while let Some(work) = to(&shared).next() {
                does(&shared, work);
            }
        });
    }
}
