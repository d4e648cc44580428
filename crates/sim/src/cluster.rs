//! What a simulated cluster holds beside pods because runs asked for it: volume claims, disruption
//! budgets, events, metrics; and what is to be deleted when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_engine::collection::ArtifactSweep;
use argosy_engine::config::Config;
use argosy_engine::effect::Effect;
use argosy_engine::events::Event;
use argosy_engine::fact::{ClaimSeen, Fact};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::metrics::Table;
use argosy_engine::outbox::Ticket;
use argosy_engine::settings::Settings;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use crate::World;

/// What a simulated cluster holds beside pods.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Volume claims by name.
    pub claims: BTreeMap<String, PersistentVolumeClaim>,
    /// ConfigMaps that hold what is too long for a pod, by name.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// Disruption budgets by name.
    pub budgets: BTreeMap<String, PodDisruptionBudget>,
    /// Events in the order in which they were told, with the second.
    pub events: Vec<(Seconds, Event)>,
    /// What has been taken in of what must not be so twice.
    told: BTreeSet<Ticket>,
    /// The metrics that workflows have told of.
    pub metrics: Table,
    /// Artifacts that were to be deleted, with the names of their workflows.
    pub sweeps: Vec<(String, ArtifactSweep)>,
    /// Why no claim can be made, should somebody want that.
    pub claim_fault: Option<ClaimSeen>,
    due: BTreeSet<(Seconds, PodKey)>,
}

impl Cluster {
    /// When a pod is to be deleted next.
    pub fn next_due(&self) -> Option<Seconds> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The pods that are to be deleted, with when.
    pub fn deletions(&self) -> impl Iterator<Item = (Seconds, PodKey)> {
        self.due.iter().copied()
    }
}

impl World {
    /// Gives the controller another ConfigMap. Runs that have begun keep what they began with.
    pub fn configure(&mut self, config: Config) {
        let (total, namespace) = config.parallelism_limits();
        self.set_parallelism(total, namespace);
        let own = ArtifactRepositoryView::from(&config.artifact_repository);
        let named = own
            .location
            .as_ref()
            .is_some_and(|location| *location != argosy_api::ArtifactLocation::default());
        let repository = match named {
            true => own,
            false => ArtifactRepositoryView {
                archive_logs: own.archive_logs,
                ..crate::world::settings().repository
            },
        };
        self.settings = Arc::new(Settings {
            repository,
            config,
            ..(*self.settings).clone()
        });
    }

    /// Carries out what concerns neither pods' containers nor the controller.
    pub(crate) fn perform_beside(&mut self, effect: Effect, ticket: Option<Ticket>) {
        let now = self.now();
        match effect {
            Effect::DeletePod { pod, at, .. } if at <= now => self.drop_pod(pod),
            Effect::DeletePod { pod, at, .. } => {
                self.cluster.due.insert((at, pod));
            }
            Effect::MakeClaim { run, claim } => {
                let name = claim.metadata.name.clone().unwrap_or_default();
                let seen = self.cluster.claim_fault.clone();
                if seen.is_none() {
                    self.cluster.claims.entry(name.clone()).or_insert(*claim);
                }
                let fact = Fact::ClaimSeen(name.into(), seen.unwrap_or(ClaimSeen::Made));
                self.controller.tell(now, run, fact);
            }
            Effect::DropClaim { name, .. } => {
                self.cluster.claims.remove(&*name);
            }
            Effect::MakeBudget { budget, .. } => {
                let name = budget.metadata.name.clone().unwrap_or_default();
                self.cluster.budgets.entry(name).or_insert(*budget);
            }
            Effect::DropBudget { name, .. } => {
                self.cluster.budgets.remove(&*name);
            }
            Effect::Event(event) => {
                if ticket.is_none_or(|ticket| self.cluster.told.insert(ticket)) {
                    self.cluster.events.push((now, *event));
                }
            }
            Effect::DeleteArtifacts(sweep) => {
                if ticket.is_none_or(|ticket| self.cluster.told.insert(ticket)) {
                    let workflow = self.place_of(sweep.run).1.to_owned();
                    self.cluster.sweeps.push((workflow, *sweep));
                }
            }
            Effect::RunEnded
            | Effect::StopPod { .. }
            | Effect::ForgetPod { .. }
            | Effect::AskLocks(_)
            | Effect::ReleaseLocks(_)
            | Effect::LoadCache { .. }
            | Effect::SaveCache { .. }
            | Effect::RunTask(_)
            | Effect::StopTask { .. } => {}
        }
    }

    /// Deletes what is due.
    pub(crate) fn delete_due(&mut self) {
        let now = self.now();
        while let Some(&(at, pod)) = self.cluster.due.first().filter(|(at, _)| *at <= now) {
            self.cluster.due.remove(&(at, pod));
            self.drop_pod(pod);
        }
        let expired = self.stored.iter().filter_map(|(&run, stored)| {
            let at = stored.delete_at?;
            (at <= now).then_some(run)
        });
        for run in expired.collect::<Vec<RunId>>() {
            self.delete(run);
        }
    }
}
