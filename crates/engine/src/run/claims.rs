//! Volume claims: made before the first node, deleted when the workflow is over; and the budget
//! that protects its pods. Argo: `createPVCs`, `deletePVCs`, `createPDBResource`.

use argosy_api::{WorkflowPhase, labels};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Volume};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Run;
use crate::effect::Effect;
use crate::fact::ClaimSeen;
use crate::lower::{claim_volume, owner_reference};

impl Run {
    /// Whether claims have to be made before any pod.
    pub(super) fn awaits_claims(&self) -> bool {
        let wanted = self.plan.workflow.spec.volume_claim_templates.len();
        self.status.claims.len() < wanted
            && self.status.started_at.is_some()
            && self.status.phase.is_some_and(|phase| !phase.is_completed())
    }

    /// Asks for the next claim, once.
    pub(super) fn ask_for_claim(&mut self) {
        if self.claim_asked {
            return;
        }
        let place = self.status.claims.len();
        let plan = self.plan.clone();
        let Some(template) = plan.workflow.spec.volume_claim_templates.get(place) else {
            return;
        };
        let Some(name) = template
            .metadata
            .name
            .as_deref()
            .filter(|name| !name.is_empty())
        else {
            self.end_workflow(
                WorkflowPhase::Error,
                &format!(
                    "pvc create error: volumeClaimTemplates[{place}].metadata.name is required"
                ),
            );
            return;
        };
        self.claim_asked = true;
        let claim = self.claim(name, template);
        self.effects.push(Effect::MakeClaim {
            run: self.id,
            claim: Box::new(claim),
        });
    }

    fn claim(&self, name: &str, template: &PersistentVolumeClaim) -> PersistentVolumeClaim {
        let mut claim = template.clone();
        let metadata = &mut claim.metadata;
        metadata.name = Some(self.claim_name(name));
        metadata.namespace = Some(self.definition.namespace().to_owned());
        let own = metadata.labels.get_or_insert_default();
        own.insert(
            labels::WORKFLOW.to_owned(),
            self.definition.name().to_owned(),
        );
        metadata.owner_references = Some(vec![owner_reference(&self.definition.workflow)]);
        claim
    }

    fn claim_name(&self, template: &str) -> String {
        format!("{}-{template}", self.definition.name())
    }

    /// What became of a claim.
    pub(super) fn claim_seen(&mut self, name: &str, seen: &ClaimSeen) {
        let place = self.status.claims.len();
        let templates = &self.plan.workflow.spec.volume_claim_templates;
        let next = templates
            .get(place)
            .and_then(|template| template.metadata.name.clone());
        let Some(next) = next.filter(|next| self.awaits_claims() && self.claim_name(next) == name)
        else {
            return;
        };
        self.status_changed = true;
        match seen {
            ClaimSeen::Made => {
                self.claim_asked = false;
                self.status.claims.push(next);
                if self.status.phase == Some(WorkflowPhase::Pending) {
                    self.status.phase = Some(WorkflowPhase::Running);
                    self.status.message = Arc::from("");
                    self.tell_workflow_phase(WorkflowPhase::Running, "");
                }
            }
            ClaimSeen::Waiting(reason) => {
                self.status.phase = Some(WorkflowPhase::Pending);
                let text = format!("Waiting for a PVC to be created. {reason}");
                self.status.message = Arc::from(text);
            }
            ClaimSeen::Refused(reason) => {
                self.claim_asked = false;
                self.end_workflow(WorkflowPhase::Error, &format!("pvc create error: {reason}"));
            }
        }
    }

    /// `status.persistentVolumeClaims`.
    pub(super) fn claim_volumes(&self) -> Vec<Volume> {
        let claims = self.status.claims.iter();
        claims
            .map(|name| claim_volume(&self.definition.workflow, name))
            .collect()
    }

    /// Deletes the claims of a workflow that is over, if its `volumeClaimGC` says so.
    pub(super) fn drop_claims(&mut self) {
        let collection = self.plan.workflow.spec.volume_claim_gc.as_ref();
        // An unknown strategy deletes nothing.
        let due = match collection.map_or("OnWorkflowSuccess", |c| c.strategy.as_str()) {
            "OnWorkflowCompletion" => true,
            "OnWorkflowSuccess" => self.status.phase == Some(WorkflowPhase::Succeeded),
            _ => false,
        };
        if !due {
            return;
        }
        for name in std::mem::take(&mut self.status.claims) {
            self.effects.push(Effect::DropClaim {
                run: self.id,
                name: self.claim_name(&name).into(),
            });
            self.status_changed = true;
        }
    }

    /// Has the workflow's pods protected from being moved, if it asks for that.
    pub(super) fn make_budget(&mut self) {
        let plan = self.plan.clone();
        let Some(spec) = &plan.workflow.spec.pod_disruption_budget else {
            return;
        };
        let name = self.definition.name().to_owned();
        let own = BTreeMap::from([(labels::WORKFLOW.to_owned(), name.clone())]);
        let mut spec = spec.clone();
        spec.selector.get_or_insert_with(|| LabelSelector {
            match_labels: Some(own.clone()),
            ..LabelSelector::default()
        });
        let budget = PodDisruptionBudget {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(self.definition.namespace().to_owned()),
                labels: Some(own),
                owner_references: Some(vec![owner_reference(&self.definition.workflow)]),
                ..ObjectMeta::default()
            },
            spec: Some(spec),
            status: None,
        };
        self.effects.push(Effect::MakeBudget {
            run: self.id,
            budget: Box::new(budget),
        });
    }

    /// Ends that protection.
    pub(super) fn drop_budget(&mut self) {
        let asked = self.plan.workflow.spec.pod_disruption_budget.is_some();
        if asked && self.status.started_at.is_some() {
            self.effects.push(Effect::DropBudget {
                run: self.id,
                name: self.definition.name().into(),
            });
        }
    }
}
