//! `data` steps: the executor's own work, done by a thread of the runner instead of a process.

use std::time::{SystemTime, UNIX_EPOCH};

use argosy_artifacts::Stores;
use argosy_engine::effect::{Layout, PodRequest};
use argosy_engine::fact::{
    ContainerKind, ContainerSeen, ContainerState, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::Seconds;
use argosy_executor::carry_out_data;
use argosy_runtime::backend::BackendEvent;

use super::Shared;
use super::finish::NamespaceSecrets;

/// The exit code of an executor that could not do its work. Argo: `cmd/argoexec/main.go`.
const FAILED: i32 = 64;

impl Shared {
    /// Carries a `data` step out; `false` if the pod is none. Nothing runs of it that a restart
    /// could find, so it is told of only when it is over.
    pub(super) fn carried_out(&self, request: &PodRequest) -> bool {
        let Layout::Supervised(supervision) = &request.layout else {
            return false;
        };
        let Some(data) = &supervision.template.data else {
            return false;
        };
        let namespace = request.pod.metadata.namespace.as_deref();
        let secrets = NamespaceSecrets {
            objects: &*self.config.objects,
            namespace: namespace.unwrap_or_default(),
        };
        let started_at = now();
        let stores = Stores::with_secrets(&self.folder, &secrets);
        let result = carry_out_data(data, &stores, started_at.0);
        let ended = |exit_code: i32, message: &str| PodSeen {
            containers: vec![ContainerSeen {
                name: "main".into(),
                kind: ContainerKind::Regular,
                ready: false,
                state: ContainerState::Terminated {
                    exit_code,
                    reason: if exit_code == 0 { "Completed" } else { "Error" }.into(),
                    message: message.into(),
                    started_at,
                    finished_at: now(),
                },
            }],
            ..self.empty(if exit_code == 0 {
                PodPhase::Succeeded
            } else {
                PodPhase::Failed
            })
        };
        let pod = match &result {
            Ok(_) => ended(0, ""),
            Err(error) => ended(FAILED, error),
        };
        let report = ResultSeen {
            result: result.ok().map(Into::into),
            complete: true,
            ..ResultSeen::default()
        };
        let key = request.key;
        self.lock().end(key);
        self.sink.send_all(vec![
            BackendEvent::ResultSeen(key, report),
            BackendEvent::PodSeen(key, pod),
        ]);
        self.demand_changed.notify_all();
        true
    }
}

fn now() -> Seconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Seconds(since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }))
}
