//! What a run leaves behind, and when it goes: pods, artifacts, the workflow itself.

use argosy_api::{ArtGcStatus, NodeType, PodGc};
use argosy_expr::Unresolved;
use std::collections::BTreeMap;

use super::Run;
use super::node::Flags;
use super::passes::again;
use crate::collection::{
    ArtifactSweep, PodEnd, SweepTime, SweptArtifact, collects_pod, delete_at, selects, sweep_group,
    sweep_time,
};
use crate::effect::Effect;
use crate::fact::PodPhase;
use crate::ids::{NodeIndex, Seconds};
use crate::lower::pod_gc_delay;

impl Run {
    /// Has a pod deleted whose end is known, if `podGC` says so.
    pub(super) fn collect_pod(&mut self, index: NodeIndex, end: PodEnd) {
        let Some(collection) = self.collection_of(index).cloned() else {
            return;
        };
        if !collects_pod(&collection.strategy, end, self.ended_as()) {
            return;
        }
        let delay = pod_gc_delay(&collection, &self.settings.config);
        self.effects.push(Effect::DeletePod {
            pod: self.pod_key(index),
            name: self.pod_name(index).into(),
            at: self.now.plus(delay),
        });
    }

    /// The `podGC` that means a node's pod, if there is one.
    fn collection_of(&self, index: NodeIndex) -> Option<&PodGc> {
        let collection = self.plan.workflow.spec.pod_gc.as_ref()?;
        let selector = collection.label_selector.as_ref();
        selector
            .is_none_or(|selector| selects(selector, &self.pod_labels(index)))
            .then_some(collection)
    }

    /// Whether a pod whose end is known is labelled as completed: one that is kept. Of one that goes
    /// when its workflow has ended that is not known before. Argo: `determinePodCleanupAction`.
    pub fn labels_ended_pod(&self, index: NodeIndex, phase: PodPhase) -> bool {
        let Some(collection) = self.collection_of(index) else {
            return true;
        };
        let strategy = collection.strategy.as_str();
        let undecided = self.ended_as().is_none()
            && matches!(strategy, "OnWorkflowCompletion" | "OnWorkflowSuccess");
        !undecided && !collects_pod(strategy, phase.into(), self.ended_as())
    }

    /// The labels that a pod has.
    fn pod_labels(&self, index: NodeIndex) -> BTreeMap<String, String> {
        let name = self.definition.name().to_owned();
        let mut labels = BTreeMap::from([
            (argosy_api::labels::WORKFLOW.to_owned(), name),
            (argosy_api::labels::COMPLETED.to_owned(), "false".to_owned()),
        ]);
        if self.node(index).flags.has(Flags::EXIT_HANDLER) {
            labels.insert(argosy_api::labels::ON_EXIT.to_owned(), "true".to_owned());
        }
        let planned = self.template_of(index);
        let mut variables = self.variables(index, planned.as_deref(), None, &[]);
        variables.siblings = None;
        let context = self.eval_context(index, 0, &["pod"]);
        let of_workflow = self.plan.workflow.spec.pod_metadata.as_ref();
        let of_template = planned.as_ref().map(|planned| &planned.template.metadata);
        for metadata in of_workflow.into_iter().chain(of_template) {
            for (key, text) in &metadata.labels {
                let value = again(text, &variables, Unresolved::Keep, &context);
                labels.insert(key.clone(), value.unwrap_or_else(|_| text.clone()));
            }
        }
        labels
    }

    /// What is to be deleted now that the run is over.
    pub(super) fn sweep(&mut self) {
        let by_workflow = self
            .plan
            .workflow
            .spec
            .pod_gc
            .as_ref()
            .is_some_and(|collection| {
                collects_pod(&collection.strategy, PodEnd::Other, self.ended_as())
                    && !collects_pod(&collection.strategy, PodEnd::Other, None)
            });
        if by_workflow {
            for place in 0..self.nodes.len() as u32 {
                let node = self.node(NodeIndex(place));
                if node.kind == NodeType::Pod && node.flags.has(Flags::POD_ENDED) {
                    self.collect_pod(NodeIndex(place), PodEnd::Other);
                }
            }
        }
        let sweep = self.artifacts_to_sweep(SweepTime::OnWorkflowCompletion);
        if !sweep.groups.is_empty() {
            self.effects.push(Effect::DeleteArtifacts(Box::new(sweep)));
        }
    }

    /// When the run is to be deleted, once it is over.
    pub(super) fn delete_at(&self) -> Option<Seconds> {
        let finished = self.status.finished_at.filter(|_| self.status.announced)?;
        delete_at(&self.plan.workflow.spec, self.status.phase?, finished)
    }

    /// The artifacts that are deleted at that time, by the rights that it takes.
    pub fn artifacts_to_sweep(&self, strategy: SweepTime) -> ArtifactSweep {
        let spec = &self.plan.workflow.spec;
        let mut sweep = ArtifactSweep {
            run: self.id,
            strategy,
            force: spec
                .artifact_gc
                .as_ref()
                .is_some_and(|of| of.force_finalizer_removal),
            groups: Vec::new(),
        };
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            let Some(outputs) = node.outputs.as_ref().filter(|_| node.kind == NodeType::Pod) else {
                continue;
            };
            for artifact in &outputs.artifacts {
                // What the executor reports need not say again what the template says.
                let mut artifact = artifact.clone();
                let planned = self.template_of(index);
                let declared = planned.as_ref().and_then(|planned| {
                    let mut declared = planned.template.outputs.artifacts.iter();
                    declared.find(|declared| declared.name == artifact.name)
                });
                if artifact.artifact_gc.is_none() {
                    artifact.artifact_gc =
                        declared.and_then(|declared| declared.artifact_gc.clone());
                }
                if artifact.deleted || sweep_time(&artifact, spec) != Some(strategy) {
                    continue;
                }
                let location = planned
                    .as_ref()
                    .and_then(|planned| planned.template.archive_location.clone())
                    .or_else(|| self.repository().location.clone().map(Box::new));
                let mut group = sweep_group(&artifact, spec);
                let swept = SweptArtifact {
                    node_id: self.node_id(index),
                    archive_location: location,
                    artifact,
                };
                let same = sweep.groups.iter_mut().find(|known| {
                    known.service_account_name == group.service_account_name
                        && known.pod_metadata == group.pod_metadata
                });
                match same {
                    Some(known) => known.artifacts.push(swept),
                    None => {
                        group.artifacts.push(swept);
                        sweep.groups.push(group);
                    }
                }
            }
        }
        sweep
    }

    /// Whether any artifact of the workflow is one that is deleted some time.
    pub(super) fn collects_artifacts(&self) -> bool {
        let spec = &self.plan.workflow.spec;
        self.plan.templates.iter().any(|planned| {
            let outputs = &planned.template.outputs.artifacts;
            outputs
                .iter()
                .any(|artifact| sweep_time(artifact, spec).is_some())
        })
    }

    /// `status.artifactGCStatus`.
    pub(super) fn artifact_gc_status(&self) -> Option<ArtGcStatus> {
        self.status.phase?;
        let collects = self.collects_artifacts();
        let mut status = ArtGcStatus {
            not_specified: !collects,
            ..ArtGcStatus::default()
        };
        if collects && self.status.announced {
            let done = SweepTime::OnWorkflowCompletion.as_str().to_owned();
            status.strategies_processed.insert(done, true);
        }
        Some(status)
    }
}
