//! Pods that failed before they began are made anew, where the controller says so.
//! Argo: `pod_restart.go`, `shouldAutoRestartPod`.

use argosy_api::NodePhase;

use super::Run;
use super::node::Flags;
use crate::effect::Effect;
use crate::fact::{ContainerState, PodPhase, PodSeen};
use crate::ids::NodeIndex;

/// What a machine's keeper says of pods that it had to let go.
const RESTARTABLE: [&str; 4] = [
    "Evicted",
    "NodeShutdown",
    "NodeAffinity",
    "UnexpectedAdmissionError",
];

impl Run {
    /// Has another pod made for a node whose pod failed before it began; `true` if so.
    pub(super) fn restart_pod(&mut self, index: NodeIndex, seen: &PodSeen) -> bool {
        let reason = seen.reason.as_deref().unwrap_or_default();
        let qualifies = seen.phase == PodPhase::Failed
            && !seen.deleted
            && !self.node(index).flags.has(Flags::POD_SUCCEEDED)
            && RESTARTABLE.contains(&reason)
            && self.main_never_began(index, seen);
        let restarts = self.pod_restarts(index);
        if !qualifies || i32::from(restarts) >= self.settings.config.max_pod_restarts() {
            return false;
        }
        let message = seen.message.as_deref().unwrap_or_default();
        let text = format!("Pod auto-restarting due to {reason}: {message}");
        // The next pod has the same name, so this one has to be gone.
        self.effects.push(Effect::DeletePod {
            pod: self.pod_key(index),
            name: self.pod_name(index).into(),
            at: self.now,
        });
        let node = self.change(index);
        node.details_mut().restarts = restarts.saturating_add(1);
        node.incarnation += 1;
        node.flags.clear(Flags::POD_ENDED);
        self.set_phase(index, NodePhase::Pending);
        self.set_message(index, Some(&text));
        self.want_pod(index);
        true
    }

    /// How often a node's pod was made anew: `failedPodRestarts`.
    pub(super) fn pod_restarts(&self, index: NodeIndex) -> u16 {
        self.node(index)
            .details
            .as_ref()
            .map_or(0, |details| details.restarts)
    }

    fn main_never_began(&self, index: NodeIndex, seen: &PodSeen) -> bool {
        let mains = seen
            .containers
            .iter()
            .filter(|container| self.is_main(index, &container.name));
        mains.into_iter().all(|container| match container.state {
            ContainerState::Waiting { .. } => true,
            ContainerState::Running { .. } => false,
            // A container that never began has no time at which it did.
            ContainerState::Terminated { started_at, .. } => started_at.0 <= 0,
        })
    }
}
