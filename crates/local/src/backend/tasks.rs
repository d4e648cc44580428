//! Tasks of the agent: `http` templates, carried out by threads of the runner. They take no slot.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use argosy_api::NodePhase;
use argosy_engine::effect::TaskRequest;
use argosy_engine::fact::{ResultSeen, TaskSeen};
use argosy_engine::ids::PodKey;
use argosy_executor::agent::{Answer, carry_out_http};
use argosy_runtime::backend::BackendEvent;

use super::Shared;
use super::finish::NamespaceSecrets;

/// Requests under way at a time. Argo: `ARGO_AGENT_TASK_WORKERS`, 16.
const WORKERS: usize = 16;

/// What waits for a thread and what is under way.
#[derive(Default)]
pub(super) struct Tasks {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<TaskRequest>,
    known: BTreeSet<PodKey>,
    workers: usize,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task that is wanted no more: one that waits is dropped, and the answer to one that is
    /// under way reaches a node that is over.
    pub(super) fn stop(&self, task: PodKey) {
        let mut queue = self.lock();
        queue.waiting.retain(|waiting| waiting.key != task);
        queue.known.remove(&task);
    }

    fn next(&self) -> Option<TaskRequest> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        if next.is_none() {
            queue.workers -= 1;
        }
        next
    }
}

impl Shared {
    /// Has a thread carry a task out.
    pub(super) fn run_task(self: &Arc<Self>, task: TaskRequest) -> Result<(), String> {
        if task.template.http.is_none() {
            return Err(
                "a plugin template needs an executor plugin, and none is set up on this machine"
                    .to_owned(),
            );
        }
        let mut queue = self.tasks.lock();
        if !queue.known.insert(task.key) {
            return Ok(());
        }
        queue.waiting.push_back(task);
        if queue.workers < WORKERS {
            queue.workers += 1;
            let shared = self.clone();
            thread::spawn(move || {
                while let Some(task) = shared.tasks.next() {
                    shared.carry_out(&task);
                }
            });
        }
        Ok(())
    }

    fn carry_out(&self, task: &TaskRequest) {
        let Some(http) = &task.template.http else {
            return;
        };
        let secrets = NamespaceSecrets {
            objects: &*self.config.objects,
            namespace: &task.namespace,
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            });
        let seen = match carry_out_http(http, &secrets, now) {
            Ok(Answer {
                phase,
                message,
                result,
            }) => TaskSeen {
                phase,
                message: (!message.is_empty()).then(|| message.into()),
                outputs: ResultSeen {
                    result: Some(result.into()),
                    ..ResultSeen::default()
                },
            },
            Err(error) => TaskSeen {
                phase: NodePhase::Error,
                message: Some(error.to_string().into()),
                outputs: ResultSeen::default(),
            },
        };
        self.tasks.lock().known.remove(&task.key);
        self.sink.send(BackendEvent::TaskSeen(task.key, seen));
    }
}
