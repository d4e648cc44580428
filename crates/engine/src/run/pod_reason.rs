//! What the containers of a pod say of why it waits, how it ended and why. Argo: `getPendingReason`,
//! `inferFailedReason`.

use argosy_api::{MAIN_CONTAINER, NodePhase};

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
    let message = seen.message.as_deref().unwrap_or_default();
    if !message.is_empty() {
        return (NodePhase::Failed, message.to_owned());
    }
    if seen.containers.is_empty() {
        let message = format!("can't find failed message for pod {pod}");
        return (NodePhase::Failed, message);
    }
    let mut containers: Vec<&ContainerSeen> = seen.containers.iter().collect();
    let never_let = was_never_let(seen, is_main);
    containers.sort_by_key(|container| match (container.kind, &*container.name) {
        (ContainerKind::Init, _) => 0,
        (ContainerKind::Regular, "supervisor") if never_let => 0,
        (ContainerKind::Regular, name) if is_main(name) => 1,
        (ContainerKind::Regular, name) if is_executor(name) => 2,
        (ContainerKind::Regular, _) => 3,
    });
    let blamed = containers
        .iter()
        .find_map(|container| blame(container, is_main));
    blamed.unwrap_or_else(|| nobody_to_blame(&containers, is_main))
}

/// The executor's container beside the user's: Argo's, or ours.
fn is_executor(container: &str) -> bool {
    matches!(container, "wait" | "supervisor")
}

/// The supervisor failed before it let the command begin: what main says of it is a placeholder.
fn was_never_let(seen: &PodSeen, is_main: &dyn Fn(&str) -> bool) -> bool {
    seen.containers.iter().any(|container| {
        let code = match container.state {
            ContainerState::Terminated { exit_code, .. } => exit_code,
            ContainerState::Waiting { .. } | ContainerState::Running { .. } => 0,
        };
        is_main(&container.name) && code == SUPERVISOR_FAILED
    })
}

/// What a container's end makes of the node, if it is the reason why the pod failed.
fn blame(container: &ContainerSeen, is_main: &dyn Fn(&str) -> bool) -> Option<(NodePhase, String)> {
    let name = &*container.name;
    match &container.state {
        ContainerState::Waiting { reason, message } => Some((
            NodePhase::Error,
            format!("Pod failed before {name} container starts due to {reason}: {message}"),
        )),
        ContainerState::Running { .. } | ContainerState::Terminated { exit_code: 0, .. } => None,
        ContainerState::Terminated {
            exit_code,
            reason,
            message,
            ..
        } => {
            let is_init = container.kind == ContainerKind::Init && name == "init";
            let phase = match exit_code {
                _ if is_init || is_executor(name) => NodePhase::Error,
                // A sidecar that was told to end.
                137 | 143 if !is_main(name) => return None,
                _ => NodePhase::Failed,
            };
            let mut text = format!("{name}: {reason} (exit code {exit_code})");
            if !message.is_empty() {
                text.push_str(": ");
                text.push_str(message);
            }
            Some((phase, text))
        }
    }
}

/// The pod failed, though no container is the reason.
fn nobody_to_blame(
    containers: &[&ContainerSeen],
    is_main: &dyn Fn(&str) -> bool,
) -> (NodePhase, String) {
    let ended_well = |is_it: &dyn Fn(&str) -> bool| {
        containers.iter().any(|container| {
            let state = &container.state;
            is_it(&container.name)
                && matches!(state, ContainerState::Terminated { exit_code: 0, .. })
        })
    };
    let which = match (ended_well(is_main), ended_well(&is_executor)) {
        (true, true) => return (NodePhase::Succeeded, String::new()),
        (true, false) => "wait container did not complete successfully",
        (false, true) => "main container did not complete successfully",
        (false, false) => "neither main nor wait container completed successfully",
    };
    (NodePhase::Failed, format!("pod failed: {which}"))
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
            ContainerState::Terminated { exit_code, .. } if &*container.name == MAIN_CONTAINER => {
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
