//! What the containers of a pod say of why it waits, how it ended and why. Argo: `getPendingReason`,
//! `inferFailedReason`.

use argosy_api::NodePhase;

use crate::fact::{ContainerKind, ContainerSeen, ContainerState, PodSeen};
use crate::ids::Seconds;

/// The exit code of a command that the supervisor never let begin.
const SUPERVISOR_FAILED: i32 = 65;

/// The phase and message of a node whose pod failed. Argo: `inferFailedReason`.
pub(super) fn failed_reason(
    seen: &PodSeen,
    pod: &str,
    is_main: &dyn Fn(&str) -> bool,
) -> (NodePhase, String) {
    if let Some(message) = seen
        .message
        .as_deref()
        .filter(|message| !message.is_empty())
    {
        return (NodePhase::Failed, message.to_owned());
    }
    let mut containers: Vec<&ContainerSeen> = seen.containers.iter().collect();
    if containers.is_empty() {
        return (
            NodePhase::Failed,
            format!("can't find failed message for pod {pod}"),
        );
    }
    // The supervisor failed before it let the command begin: what main says of it is a placeholder.
    let never_let = containers.iter().any(|container| {
        let code = match container.state {
            ContainerState::Terminated { exit_code, .. } => exit_code,
            ContainerState::Waiting { .. } | ContainerState::Running { .. } => 0,
        };
        is_main(&container.name) && code == SUPERVISOR_FAILED
    });
    containers.sort_by_key(|container| match (container.kind, &*container.name) {
        (ContainerKind::Init, _) => 0,
        (ContainerKind::Regular, "supervisor") if never_let => 0,
        (ContainerKind::Regular, name) if is_main(name) => 1,
        (ContainerKind::Regular, "wait" | "supervisor") => 2,
        (ContainerKind::Regular, _) => 3,
    });
    let (mut main_ok, mut wait_ok) = (false, false);
    for container in containers {
        let name = &*container.name;
        match &container.state {
            ContainerState::Waiting { reason, message } => {
                return (
                    NodePhase::Error,
                    format!("Pod failed before {name} container starts due to {reason}: {message}"),
                );
            }
            ContainerState::Running { .. } => {}
            ContainerState::Terminated { exit_code: 0, .. } => {
                main_ok |= is_main(name);
                wait_ok |= matches!(name, "wait" | "supervisor");
            }
            ContainerState::Terminated {
                exit_code,
                reason,
                message,
                ..
            } => {
                let mut text = format!("{name}: {reason} (exit code {exit_code})");
                if !message.is_empty() {
                    text.push_str(": ");
                    text.push_str(message);
                }
                match (container.kind, name) {
                    (ContainerKind::Init, "init") => return (NodePhase::Error, text),
                    (_, "wait" | "supervisor") => return (NodePhase::Error, text),
                    (_, name) if is_main(name) => return (NodePhase::Failed, text),
                    _ if !matches!(exit_code, 137 | 143) => return (NodePhase::Failed, text),
                    _ => {}
                }
            }
        }
    }
    match (main_ok, wait_ok) {
        (true, true) => (NodePhase::Succeeded, String::new()),
        (true, false) => (
            NodePhase::Failed,
            "pod failed: wait container did not complete successfully".to_owned(),
        ),
        (false, true) => (
            NodePhase::Failed,
            "pod failed: main container did not complete successfully".to_owned(),
        ),
        (false, false) => (
            NodePhase::Failed,
            "pod failed: neither main nor wait container completed successfully".to_owned(),
        ),
    }
}

/// Why a pod waits: what its containers say, else what the pod does (that no machine has room for
/// it). Argo: `getPendingReason`.
pub(super) fn pending_reason(seen: &PodSeen) -> Option<String> {
    let regular = seen
        .containers
        .iter()
        .filter(|container| container.kind == ContainerKind::Regular);
    let waits = regular
        .into_iter()
        .find_map(|container| match &container.state {
            ContainerState::Waiting { reason, message } => Some((&**reason, &**message)),
            ContainerState::Running { .. } | ContainerState::Terminated { .. } => None,
        });
    let pod = || {
        let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
        (text(&seen.reason), text(&seen.message))
    };
    let (reason, message) = waits.map_or_else(pod, |(reason, message)| {
        (reason.to_owned(), message.to_owned())
    });
    match (reason.is_empty(), message.is_empty()) {
        (true, true) => None,
        (false, true) => Some(reason),
        (true, false) => Some(message),
        (false, false) => Some(format!("{reason}: {message}")),
    }
}

pub(super) fn main_exit_code(seen: &PodSeen) -> Option<i32> {
    seen.containers
        .iter()
        .find_map(|container| match container.state {
            ContainerState::Terminated { exit_code, .. } if &*container.name == "main" => {
                Some(exit_code)
            }
            _ => None,
        })
}

pub(super) fn finished_at(seen: &PodSeen) -> Option<Seconds> {
    seen.containers
        .iter()
        .filter_map(|container| match container.state {
            ContainerState::Terminated { finished_at, .. } => Some(finished_at),
            ContainerState::Waiting { .. } | ContainerState::Running { .. } => None,
        })
        .max()
}
