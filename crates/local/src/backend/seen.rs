//! What the core is told of pods, in the words of Kubernetes.

use std::collections::BTreeSet;

use argosy_engine::fact::{
    ContainerKind, ContainerSeen, ContainerState as Seen, PodPhase, PodSeen,
};
use argosy_engine::ids::{PodKey, Seconds};
use argosy_runtime::backend::BackendEvent;

use super::kept::Kept;
use super::{Shared, is_regular};
use crate::protocol::{ContainerState, End, Order, PodState, Progress, Role, Stage};

impl Shared {
    /// A pod's state. Containers with a probe are ready when they have answered, others when they
    /// run.
    pub(super) fn seen(
        &self,
        pod: &PodState,
        kept: Option<&Kept>,
        ready: &BTreeSet<Box<str>>,
    ) -> PodSeen {
        let is_ready = |name: &str| {
            let has_probe =
                kept.is_some_and(|kept| kept.probes.iter().any(|probe| probe.container == name));
            !has_probe || ready.contains(name)
        };
        let containers: Vec<ContainerSeen> = pod
            .containers
            .iter()
            .map(|container| {
                let mut seen = container_seen(container, is_ready(&container.name));
                if let Some(state) = kept_back(container, pod, kept) {
                    seen.state = state;
                }
                seen
            })
            .collect();
        let mut seen = PodSeen {
            containers,
            ..self.empty(phase(pod))
        };
        if pod.stage == Stage::Running {
            seen.ip = Some("127.0.0.1".into());
        }
        if pod.stage < Stage::Over {
            return seen;
        }
        if pod.deadline_exceeded {
            seen.phase = PodPhase::Failed;
            seen.reason = Some("DeadlineExceeded".into());
            seen.message =
                Some("Pod was active on the node longer than the specified deadline".into());
        } else if let Some(error) = start_error(pod) {
            seen.message = Some(error.into());
        }
        seen
    }

    pub(super) fn empty(&self, phase: PodPhase) -> PodSeen {
        PodSeen {
            phase,
            message: None,
            reason: None,
            ip: None,
            host_node_name: Some(self.host.clone()),
            containers: Vec::new(),
            deleted: false,
        }
    }

    /// The end of a pod whose outputs could not be collected: Argo's wait container fails with it.
    pub(super) fn wait_failed(&self, pod: &PodState, kept: &Kept, error: &str) -> PodSeen {
        let mut seen = self.seen(pod, Some(kept), &BTreeSet::new());
        seen.phase = PodPhase::Failed;
        let (started_at, finished_at) = span(pod);
        seen.containers.push(failed(
            "wait",
            ContainerKind::Regular,
            1,
            error,
            started_at,
            finished_at,
        ));
        seen
    }

    /// A pod that could not be prepared: what Argo's init container would fail with.
    pub(super) fn never_began(&self, key: PodKey, message: &str) -> BackendEvent {
        let now = now();
        let seen = PodSeen {
            containers: vec![failed("init", ContainerKind::Init, 64, message, now, now)],
            ..self.empty(PodPhase::Failed)
        };
        BackendEvent::PodSeen(key, seen)
    }

    /// The same for one that was taken in.
    pub(super) fn give_up(&self, key: PodKey, message: &str) -> BackendEvent {
        self.lock().end(key);
        self.demand_changed.notify_all();
        self.never_began(key, message)
    }

    pub(super) fn deleted(&self, key: PodKey) -> BackendEvent {
        let mut seen = self.empty(PodPhase::Pending);
        seen.deleted = true;
        BackendEvent::PodSeen(key, seen)
    }

    /// A daemon that is ready needs its slots no more.
    pub(super) fn yield_if_ready(&self, pod: &PodState, kept: Option<&Kept>, seen: &PodSeen) {
        let is_daemon = kept.is_some_and(|kept| kept.daemon);
        if !is_daemon || pod.stage != Stage::Running {
            return;
        }
        let mut regular = seen
            .containers
            .iter()
            .filter(|container| container.kind == ContainerKind::Regular);
        if !regular.all(|container| container.ready) {
            return;
        }
        let mut state = self.lock();
        let keeper = state.pods.get(&pod.key).map(|known| known.keeper);
        state.end(pod.key);
        if let Some(keeper) = keeper {
            state.order(keeper, &Order::Yield(pod.key));
        }
    }
}

/// A container of a set that is kept from beginning by one before it that failed. In a cluster it is
/// the executor inside the container that waits, and fails with what it waits for.
/// Argo: `cmd/argoexec/commands/emissary.go`.
fn kept_back(container: &ContainerState, pod: &PodState, kept: Option<&Kept>) -> Option<Seen> {
    if container.progress != Progress::NotRun {
        return None;
    }
    let set = kept?.supervised.as_ref()?.template.container_set.as_ref()?;
    // As far as containers wait for one another, which is checked to have no cycles.
    let mut name = &*container.name;
    let mut first: Option<&str> = None;
    for _ in 0..=set.containers.len() {
        let node = set.containers.iter().find(|node| node.name == name)?;
        let before = node.dependencies.iter().find_map(|dependency| {
            let state = pod
                .containers
                .iter()
                .find(|state| *state.name == **dependency)?;
            (!has_done_its_part(state)).then_some(state)
        })?;
        first.get_or_insert(&before.name);
        if let Progress::Ended(end) = &before.progress {
            let code = end.exit_code;
            let first = first.unwrap_or_default();
            return Some(Seen::Terminated {
                exit_code: 64,
                reason: "Error".into(),
                message: format!("dependency \"{first}\" exited with non-zero code: {code}").into(),
                started_at: Seconds(end.finished_at),
                finished_at: Seconds(end.finished_at),
            });
        }
        name = &before.name;
    }
    None
}

fn phase(pod: &PodState) -> PodPhase {
    match pod.stage {
        Stage::Preparing => PodPhase::Pending,
        Stage::Running => PodPhase::Running,
        Stage::Over if pod.containers.iter().all(has_done_its_part) => PodPhase::Succeeded,
        Stage::Over => PodPhase::Failed,
    }
}

/// Sidecars are ended by us: how they end says nothing.
fn has_done_its_part(container: &ContainerState) -> bool {
    match (&container.role, &container.progress) {
        (Role::Sidecar, Progress::Ended(end)) => matches!(end.exit_code, 0 | 137 | 143),
        (_, Progress::Ended(end)) => end.exit_code == 0,
        (
            _,
            Progress::Waiting | Progress::Running { .. } | Progress::Resting(_) | Progress::NotRun,
        ) => false,
    }
}

fn start_error(pod: &PodState) -> Option<&str> {
    pod.containers
        .iter()
        .find_map(|container| match &container.progress {
            Progress::Ended(End { error, .. }) => error.as_deref(),
            Progress::Waiting
            | Progress::Running { .. }
            | Progress::Resting(_)
            | Progress::NotRun => None,
        })
}

fn container_seen(container: &ContainerState, is_ready: bool) -> ContainerSeen {
    let state = match &container.progress {
        Progress::Waiting | Progress::NotRun => Seen::Waiting {
            reason: "PodInitializing".into(),
            message: "".into(),
        },
        Progress::Running { started_at, .. } | Progress::Resting(End { started_at, .. }) => {
            Seen::Running {
                started_at: Seconds(*started_at),
            }
        }
        Progress::Ended(end) => Seen::Terminated {
            exit_code: end.exit_code,
            reason: match (end.exit_code, &end.error) {
                (0, _) => "Completed",
                (_, Some(_)) => "StartError",
                (_, None) => "Error",
            }
            .into(),
            message: "".into(),
            started_at: Seconds(end.started_at),
            finished_at: Seconds(end.finished_at),
        },
    };
    ContainerSeen {
        name: (&*container.name).into(),
        kind: if is_regular(container.role) {
            ContainerKind::Regular
        } else {
            ContainerKind::Init
        },
        ready: is_ready && matches!(container.progress, Progress::Running { .. }),
        state,
    }
}

/// From the first container's beginning to the last one's end.
fn span(pod: &PodState) -> (Seconds, Seconds) {
    let ends = pod
        .containers
        .iter()
        .filter_map(|container| match &container.progress {
            Progress::Ended(end) => Some((end.started_at, end.finished_at)),
            Progress::Waiting
            | Progress::Running { .. }
            | Progress::Resting(_)
            | Progress::NotRun => None,
        });
    let span = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (started_at, finished_at) = span.unwrap_or_default();
    (Seconds(started_at), Seconds(finished_at))
}

fn failed(
    name: &str,
    kind: ContainerKind,
    exit_code: i32,
    message: &str,
    started_at: Seconds,
    finished_at: Seconds,
) -> ContainerSeen {
    ContainerSeen {
        name: name.into(),
        kind,
        ready: false,
        state: Seen::Terminated {
            exit_code,
            reason: "Error".into(),
            message: message.into(),
            started_at,
            finished_at,
        },
    }
}

/// The time, in whole seconds.
pub(super) fn now() -> Seconds {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
