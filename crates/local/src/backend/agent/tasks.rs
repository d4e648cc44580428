//! What agents are to carry out: a queue, and the threads that work through it. Tasks take no slot.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use argosy_engine::effect::TaskRequest;
use argosy_engine::fact::TaskSeen;
use argosy_engine::ids::{PodKey, RunId};
use argosy_runtime::backend::BackendEvent;

use super::super::Shared;
use super::super::workers::Workers;

/// Tasks under way at a time. Argo: `ARGO_AGENT_TASK_WORKERS`, 16.
const WORKERS: usize = 16;

/// What waits for a thread, what waits for its time, and what is under way.
pub(in super::super) struct Tasks {
    queue: Mutex<Queue>,
    /// Locked after the queue, where both are.
    workers: Workers<TaskRequest>,
    /// There is something new to be done later, or nothing more at all.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    later: BTreeMap<(Instant, PodKey), TaskRequest>,
    /// What is wanted, with what was told of it last.
    known: BTreeMap<PodKey, Option<TaskSeen>>,
    keeps_time: bool,
    is_closed: bool,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            queue: Mutex::default(),
            workers: Workers::new(WORKERS),
            changed: Condvar::new(),
        }
    }
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task that is wanted no more: one that waits is dropped, and the answer to one that is
    /// under way is told to nobody.
    pub(in super::super) fn stop(&self, task: PodKey) {
        self.drop_those(|key| key == task);
    }

    /// A run needs no agent any more.
    pub(super) fn stop_all_of(&self, run: RunId) {
        self.drop_those(|key| key.run == run);
    }

    /// Nothing more is to be done.
    pub(in super::super) fn close(&self) {
        self.drop_those(|_| true);
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn drop_those(&self, meant: impl Fn(PodKey) -> bool) {
        let mut queue = self.lock();
        self.workers.retain(|waiting| !meant(waiting.key));
        queue.later.retain(|(_, key), _| !meant(*key));
        queue.known.retain(|key, _| !meant(*key));
    }

    /// Whether a task is still wanted.
    pub(super) fn wants(&self, task: PodKey) -> bool {
        self.lock().known.contains_key(&task)
    }
}

impl Shared {
    /// Has a thread carry a task out.
    pub(in super::super) fn run_task(self: &Arc<Self>, task: TaskRequest) {
        let mut queue = self.tasks.lock();
        if queue.is_closed || queue.known.contains_key(&task.key) {
            return;
        }
        queue.known.insert(task.key, None);
        self.hand_to_worker(task);
    }

    fn hand_to_worker(self: &Arc<Self>, task: TaskRequest) {
        self.hand_over(|shared| &shared.tasks.workers, task, Self::carry_out);
    }

    fn carry_out(self: &Arc<Self>, task: TaskRequest) {
        let (seen, again) = match &task.template.http {
            Some(http) => (Some(self.ask(http, &task.namespace)), None),
            None => self.execute(&task),
        };
        let ends = seen.as_ref().is_some_and(|seen| seen.phase.is_fulfilled());
        if let Some(seen) = seen {
            self.tell_of_task(task.key, seen);
        }
        if ends {
            self.tasks.lock().known.remove(&task.key);
        } else if let Some(wait) = again {
            self.run_task_later(task, wait);
        }
    }

    /// Tells how a task fares, unless it is wanted no more, or that was told already.
    pub(super) fn tell_of_task(&self, key: PodKey, seen: TaskSeen) {
        let mut queue = self.tasks.lock();
        let Some(told) = queue.known.get_mut(&key) else {
            return;
        };
        if told.as_ref() == Some(&seen) {
            return;
        }
        *told = Some(seen.clone());
        self.sink.send(BackendEvent::TaskSeen(key, seen));
    }

    fn run_task_later(self: &Arc<Self>, task: TaskRequest, wait: Duration) {
        let mut queue = self.tasks.lock();
        if !queue.known.contains_key(&task.key) {
            return;
        }
        let at = Instant::now() + wait;
        queue.later.insert((at, task.key), task);
        self.tasks.changed.notify_all();
        if !queue.keeps_time {
            queue.keeps_time = true;
            let shared = self.clone();
            thread::spawn(move || shared.keep_time());
        }
    }

    /// Hands tasks over when their time has come, until none waits.
    fn keep_time(self: &Arc<Self>) {
        let mut queue = self.tasks.lock();
        loop {
            let now = Instant::now();
            let Some((&(at, _), _)) = queue.later.first_key_value() else {
                queue.keeps_time = false;
                return;
            };
            if at <= now {
                if let Some((_, task)) = queue.later.pop_first() {
                    self.hand_to_worker(task);
                }
                continue;
            }
            queue = match self.tasks.changed.wait_timeout(queue, at - now) {
                Ok((queue, _)) => queue,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}
