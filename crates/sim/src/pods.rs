//! Simulated pods: how they end, told as the cluster and the executor would tell it.

use argosy_engine::effect::{Layout, PodRequest};
use argosy_engine::fact::{
    ContainerKind, ContainerSeen, ContainerState, Fact, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::Seconds;

/// How a simulated pod ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The main container's exit code.
    pub exit_code: i32,
    /// Output parameters.
    pub parameters: Vec<(String, String)>,
    /// Output artifacts.
    pub artifacts: Vec<argosy_api::Artifact>,
    /// What the main container printed.
    pub result: Option<String>,
    /// `status.message` of the pod.
    pub message: Option<String>,
}

impl Outcome {
    /// A pod that ends with this exit code.
    pub fn exit(exit_code: i32) -> Self {
        Self {
            exit_code,
            ..Self::default()
        }
    }

    /// A pod that prints this and succeeds.
    pub fn result(text: &str) -> Self {
        Self {
            result: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// A pod that puts out a parameter and succeeds.
    pub fn parameter(name: &str, value: &str) -> Self {
        Self {
            parameters: vec![(name.to_owned(), value.to_owned())],
            ..Self::default()
        }
    }
}

/// A pod in a state without containers' details.
pub(crate) fn seen(phase: PodPhase) -> PodSeen {
    PodSeen {
        phase,
        message: None,
        reason: None,
        ip: None,
        host_node_name: None,
        containers: Vec::new(),
        deleted: false,
    }
}

/// A pod whose main container runs and is ready.
pub(crate) fn running(at: Seconds) -> PodSeen {
    PodSeen {
        ip: Some("10.0.0.1".into()),
        containers: vec![ContainerSeen {
            name: "main".into(),
            kind: ContainerKind::Regular,
            ready: true,
            state: ContainerState::Running { started_at: at },
        }],
        ..seen(PodPhase::Running)
    }
}

/// The facts that tell of a pod's end.
pub(crate) fn ended(request: &PodRequest, outcome: &Outcome, at: Seconds) -> Vec<Fact> {
    let mut facts = Vec::with_capacity(2);
    if let Layout::Supervised(_) = request.layout {
        facts.push(Fact::ResultSeen(
            request.key,
            ResultSeen {
                parameters: outcome
                    .parameters
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                    .collect(),
                artifacts: outcome.artifacts.clone(),
                result: outcome.result.as_deref().map(Into::into),
                complete: true,
                ..ResultSeen::default()
            },
        ));
    }
    let failed = outcome.exit_code != 0;
    facts.push(Fact::PodSeen(
        request.key,
        PodSeen {
            message: outcome.message.as_deref().map(Into::into),
            containers: vec![ContainerSeen {
                name: "main".into(),
                kind: ContainerKind::Regular,
                ready: false,
                state: ContainerState::Terminated {
                    exit_code: outcome.exit_code,
                    reason: if failed { "Error" } else { "Completed" }.into(),
                    message: "".into(),
                    started_at: at,
                    finished_at: at,
                },
            }],
            ..seen(if failed {
                PodPhase::Failed
            } else {
                PodPhase::Succeeded
            })
        },
    ));
    facts
}
