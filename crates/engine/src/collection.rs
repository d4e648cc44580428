//! What is deleted when: pods, workflows, artifacts. Decisions only.
//! Argo: `pod/cleanup.go`, `gc_controller.go`, `artifact_gc.go`.

use std::collections::BTreeMap;

use argosy_api::{Artifact, ArtifactLocation, Metadata, WorkflowPhase, WorkflowSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};

use crate::fact::PodPhase;
use crate::ids::{RunId, Seconds};

/// Artifacts that are to be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactSweep {
    /// The run whose artifacts they are.
    pub run: RunId,
    /// The strategy that asks for it.
    pub strategy: SweepTime,
    /// Whether the workflow may go even if some can't be deleted.
    pub force: bool,
    /// Those that are deleted with the same rights.
    pub groups: Vec<SweepGroup>,
}

/// When artifacts are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SweepTime {
    /// When the workflow is over.
    OnWorkflowCompletion,
    /// When the workflow is deleted.
    OnWorkflowDeletion,
}

impl SweepTime {
    /// The strategy's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnWorkflowCompletion => "OnWorkflowCompletion",
            Self::OnWorkflowDeletion => "OnWorkflowDeletion",
        }
    }
}

/// Artifacts that are deleted with the same rights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepGroup {
    /// The service account that deletes them.
    pub service_account_name: String,
    /// Labels and annotations of the pod that does.
    pub pod_metadata: Metadata,
    /// A patch over that pod's spec.
    pub pod_spec_patch: String,
    /// The artifacts.
    pub artifacts: Vec<SweptArtifact>,
}

/// One artifact to be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptArtifact {
    /// The ID of the node that put it out.
    pub node_id: String,
    /// Where artifacts of its template go, if they say no more than a key.
    pub archive_location: Option<Box<ArtifactLocation>>,
    /// The artifact.
    pub artifact: Artifact,
}

/// When an artifact is deleted; `None` if never. Argo: `GetArtifactGCStrategy`.
pub fn sweep_time(artifact: &Artifact, spec: &WorkflowSpec) -> Option<SweepTime> {
    let own = artifact
        .artifact_gc
        .as_ref()
        .map_or("", |own| own.strategy.as_str());
    let of_workflow = spec
        .artifact_gc
        .as_ref()
        .map_or("", |of| of.strategy.as_str());
    match if own.is_empty() { of_workflow } else { own } {
        "OnWorkflowCompletion" => Some(SweepTime::OnWorkflowCompletion),
        "OnWorkflowDeletion" => Some(SweepTime::OnWorkflowDeletion),
        _ => None,
    }
}

/// The rights with which an artifact is deleted.
pub(crate) fn sweep_group(artifact: &Artifact, spec: &WorkflowSpec) -> SweepGroup {
    let mut group = SweepGroup::default();
    if let Some(of_workflow) = &spec.artifact_gc {
        group
            .service_account_name
            .clone_from(&of_workflow.service_account_name);
        group.pod_metadata = of_workflow.pod_metadata.clone().unwrap_or_default();
        group.pod_spec_patch.clone_from(&of_workflow.pod_spec_patch);
    }
    if let Some(own) = &artifact.artifact_gc {
        if !own.service_account_name.is_empty() {
            group
                .service_account_name
                .clone_from(&own.service_account_name);
        }
        if let Some(metadata) = &own.pod_metadata {
            group.pod_metadata.labels.extend(metadata.labels.clone());
            group
                .pod_metadata
                .annotations
                .extend(metadata.annotations.clone());
        }
    }
    group
}

/// How a pod ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodEnd {
    /// It has succeeded.
    Good,
    /// It has not, or that is not known.
    Other,
}

impl From<PodPhase> for PodEnd {
    fn from(phase: PodPhase) -> Self {
        match phase {
            PodPhase::Succeeded => Self::Good,
            PodPhase::Pending | PodPhase::Running | PodPhase::Failed | PodPhase::Unknown => {
                Self::Other
            }
        }
    }
}

/// Whether a pod is deleted once it has ended, or its workflow has.
pub(crate) fn collects_pod(strategy: &str, pod: PodEnd, workflow: Option<WorkflowPhase>) -> bool {
    match strategy {
        "OnPodCompletion" => true,
        "OnPodSuccess" => pod == PodEnd::Good,
        "OnWorkflowCompletion" => workflow.is_some(),
        "OnWorkflowSuccess" => workflow == Some(WorkflowPhase::Succeeded),
        // None is named, or one that Argo's validation refuses.
        _ => false,
    }
}

/// When an ended workflow is to be deleted; `None` if it is kept. Argo: `ttl`.
pub fn delete_at(
    spec: &WorkflowSpec,
    phase: WorkflowPhase,
    finished_at: Seconds,
) -> Option<Seconds> {
    let strategy = spec.ttl_strategy.as_ref()?;
    let specific = match phase {
        WorkflowPhase::Succeeded => strategy.seconds_after_success,
        WorkflowPhase::Failed => strategy.seconds_after_failure,
        WorkflowPhase::Error | WorkflowPhase::Pending | WorkflowPhase::Running => None,
    };
    let completion = strategy
        .seconds_after_completion
        .filter(|_| phase.is_completed());
    let seconds = specific.or(completion)?;
    Some(finished_at.plus(i64::from(seconds)))
}

/// Whether labels are those that a selector means.
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let exact = selector.match_labels.iter().flatten();
    let expressions = selector.match_expressions.iter().flatten();
    exact
        .into_iter()
        .all(|(key, value)| labels.get(key) == Some(value))
        && expressions.into_iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            let listed = || {
                let mut values = requirement.values.iter().flatten();
                value.is_some_and(|value| values.any(|listed| listed == value))
            };
            match requirement.operator.as_str() {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

/// How many ended workflows are kept by phase: those that are to go, the ones that ended first before
/// the others. Each is given by how and when it ended. Argo: `retentionPolicy`.
pub fn beyond_retention<T>(
    policy: &crate::config::RetentionPolicy,
    ended: impl IntoIterator<Item = (WorkflowPhase, Option<Seconds>, T)>,
) -> Vec<T> {
    type Ended<T> = Vec<(Option<Seconds>, T)>;
    let mut by_phase: BTreeMap<&str, (Option<i64>, Ended<T>)> = BTreeMap::new();
    for (phase, finished_at, ended) in ended {
        let kept = match phase {
            WorkflowPhase::Succeeded => policy.completed,
            WorkflowPhase::Failed => policy.failed,
            WorkflowPhase::Error => policy.errored,
            WorkflowPhase::Pending | WorkflowPhase::Running => continue,
        };
        // Argo takes 0 for "no limit".
        let kept = kept.filter(|kept| *kept > 0);
        let (_, of_phase) = by_phase.entry(phase.as_str()).or_insert((kept, Vec::new()));
        of_phase.push((finished_at, ended));
    }
    let mut gone = Vec::new();
    for (kept, mut ended) in by_phase.into_values() {
        let Some(kept) = kept else {
            continue;
        };
        ended.sort_by_key(|(finished_at, _)| *finished_at);
        let surplus = ended
            .len()
            .saturating_sub(usize::try_from(kept).unwrap_or(usize::MAX));
        gone.extend(ended.into_iter().take(surplus).map(|(_, ended)| ended));
    }
    gone
}
