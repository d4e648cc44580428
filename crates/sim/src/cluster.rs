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
    /// The metrics that workflows have told of.
    pub metrics: Table,
    /// Artifacts that were to be deleted.
    pub sweeps: Vec<ArtifactSweep>,
    /// Why no claim can be made, should somebody want that.
    pub claim_fault: Option<ClaimSeen>,
    due: BTreeSet<(Seconds, Doomed)>,
}

/// What is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doomed {
    Pod(PodKey),
    Run(RunId),
}

impl Cluster {
    /// When something is to be deleted next.
    pub fn next_due(&self) -> Option<Seconds> {
        self.due.first().map(|(at, _)| *at)
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
    pub(crate) fn perform_beside(&mut self, effect: Effect) {
        let now = self.now();
        match effect {
            Effect::DeletePod { pod, at, .. } if at <= now => self.drop_pod(pod),
            Effect::DeletePod { pod, at, .. } => {
                self.cluster.due.insert((at, Doomed::Pod(pod)));
            }
            Effect::DeleteRun { run, at } => {
                self.cluster.due.insert((at, Doomed::Run(run)));
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
            Effect::Metric(told) => {
                if let Err(error) = self.cluster.metrics.record(now, &told) {
                    let fact = Fact::MetricRefused(error.into());
                    self.controller.tell(now, told.run, fact);
                }
            }
            Effect::Event(event) => self.cluster.events.push((now, *event)),
            Effect::DeleteArtifacts(sweep) => self.cluster.sweeps.push(*sweep),
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
        while let Some(&(at, doomed)) = self.cluster.due.first() {
            if at > self.now() {
                return;
            }
            self.cluster.due.pop_first();
            match doomed {
                Doomed::Pod(pod) => self.drop_pod(pod),
                Doomed::Run(run) => self.delete(run),
            }
        }
    }
}
