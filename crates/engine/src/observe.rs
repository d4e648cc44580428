//! From a pod's status, as Kubernetes tells it, to what the core is told of the pod.

use k8s_openapi::api::core::v1::{ContainerState as State, ContainerStatus, Pod};

use crate::fact::{ContainerKind, ContainerSeen, ContainerState, PodPhase, PodSeen};
use crate::ids::Seconds;
use crate::timestamp;

/// The state in which a pod stands. A pod without a phase is one that nobody has taken up yet.
pub fn pod_seen(pod: &Pod) -> PodSeen {
    let status = pod.status.clone().unwrap_or_default();
    let phase = match status.phase.as_deref() {
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        Some("Pending") | None => PodPhase::Pending,
        Some(_) => PodPhase::Unknown,
    };
    let waits = status.container_statuses.iter().flatten().any(|container| {
        container
            .state
            .as_ref()
            .is_some_and(|state| state.waiting.is_some())
    });
    let held_back = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.reason.as_deref() == Some("Unschedulable"))
        .filter(|_| phase == PodPhase::Pending && !waits);
    // Argo: `getPendingReason`.
    let (message, reason) = match held_back {
        Some(condition) => (condition.message.clone(), condition.reason.clone()),
        None if phase == PodPhase::Pending => (None, None),
        None if phase == PodPhase::Unknown => (None, status.phase),
        None => (status.message, status.reason),
    };
    let inits = status.init_container_statuses.unwrap_or_default();
    let regular = status.container_statuses.unwrap_or_default();
    let over = matches!(phase, PodPhase::Succeeded | PodPhase::Failed);
    PodSeen {
        phase,
        message: text(message),
        reason: text(reason),
        ip: text(status.pod_ip),
        host_node_name: pod
            .spec
            .as_ref()
            .and_then(|spec| spec.node_name.as_deref())
            .filter(|name| !name.is_empty())
            .map(Into::into),
        containers: inits
            .iter()
            .map(|status| container_seen(status, ContainerKind::Init))
            .chain(
                regular
                    .iter()
                    .map(|status| container_seen(status, ContainerKind::Regular)),
            )
            .collect(),
        deleted: pod.metadata.deletion_timestamp.is_some() && !over,
    }
}

fn text(text: Option<String>) -> Option<Box<str>> {
    text.filter(|text| !text.is_empty()).map(Into::into)
}

fn container_seen(status: &ContainerStatus, kind: ContainerKind) -> ContainerSeen {
    ContainerSeen {
        name: status.name.as_str().into(),
        kind,
        ready: status.ready,
        state: container_state(status.state.as_ref()),
    }
}

fn container_state(state: Option<&State>) -> ContainerState {
    let (terminated, running, waiting) = state.map_or((None, None, None), |state| {
        (
            state.terminated.as_ref(),
            state.running.as_ref(),
            state.waiting.as_ref(),
        )
    });
    if let Some(ended) = terminated {
        let finished_at = ended.finished_at.as_ref().map(timestamp::seconds);
        let started_at = ended.started_at.as_ref().map(timestamp::seconds);
        return ContainerState::Terminated {
            exit_code: ended.exit_code,
            reason: ended.reason.clone().unwrap_or_default().into(),
            message: ended.message.clone().unwrap_or_default().into(),
            started_at: started_at.or(finished_at).unwrap_or(Seconds(0)),
            finished_at: finished_at.or(started_at).unwrap_or(Seconds(0)),
        };
    }
    if let Some(running) = running {
        let started_at = running.started_at.as_ref().map(timestamp::seconds);
        return ContainerState::Running {
            started_at: started_at.unwrap_or(Seconds(0)),
        };
    }
    ContainerState::Waiting {
        reason: waiting
            .and_then(|waiting| waiting.reason.clone())
            .unwrap_or_default()
            .into(),
        message: waiting
            .and_then(|waiting| waiting.message.clone())
            .unwrap_or_default()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(json: serde_json::Value) -> PodSeen {
        pod_seen(&serde_json::from_value(json).expect("a pod"))
    }

    #[test]
    fn a_status_is_translated() {
        let pod = seen(serde_json::json!({
            "metadata": {"name": "a"},
            "spec": {"containers": [], "nodeName": "host"},
            "status": {
                "phase": "Failed", "message": "", "reason": "Evicted", "podIP": "10.0.0.1",
                "initContainerStatuses": [{"name": "init", "image": "", "imageID": "",
                    "ready": false, "restartCount": 0,
                    "state": {"waiting": {"reason": "PodInitializing"}}}],
                "containerStatuses": [{"name": "main", "image": "", "imageID": "",
                    "ready": false, "restartCount": 0,
                    "state": {"terminated": {"exitCode": 3, "reason": "Error",
                        "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:09Z"}}}]
            }
        }));
        assert_eq!(pod.phase, PodPhase::Failed);
        assert_eq!(pod.message, None);
        assert_eq!(pod.reason.as_deref(), Some("Evicted"));
        assert_eq!(pod.host_node_name.as_deref(), Some("host"));
        assert_eq!(pod.containers.len(), 2);
        assert_eq!(pod.containers[0].kind, ContainerKind::Init);
        let ContainerState::Terminated {
            exit_code,
            started_at,
            finished_at,
            ..
        } = pod.containers[1].state
        else {
            panic!("main has ended");
        };
        assert_eq!((exit_code, finished_at.since(started_at)), (3, 9));
    }

    #[test]
    fn a_pod_that_is_being_deleted_is_gone_unless_it_had_ended() {
        for (phase, deleted) in [("Running", true), ("Succeeded", false)] {
            let pod = seen(serde_json::json!({
                "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
                "status": {"phase": phase}
            }));
            assert_eq!(pod.deleted, deleted, "{phase}");
        }
    }
}
