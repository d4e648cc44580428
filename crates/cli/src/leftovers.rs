//! What ended workflows leave behind, and its removal: `ttlStrategy`, `artifactGC`, the controller's
//! `retentionPolicy`, and `argosy delete`.
//!
//! Whoever carries workflows out removes those whose time has come, of all runners; what falls due
//! while nobody does is removed by the next.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use argosy_api::WorkflowPhase;
use argosy_artifacts::{Driver, Folder, Stores};
use argosy_engine::collection::{ArtifactSweep, SweepTime, beyond_retention};
use argosy_engine::controller::Controller;
use argosy_engine::events::Event;
use argosy_engine::ids::RunId;
use argosy_engine::outbox::Ticket;
use argosy_engine::run::Run;
use argosy_runtime::Observer;
use argosy_store::{RunFilter, RunRow};

use crate::client::Client;
use crate::controller::Configuration;

/// How often it is looked for workflows whose time has come.
const TICK: Duration = Duration::from_secs(1);

/// What becomes of a workflow of which something can't be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfStuck {
    /// It stays.
    Keep,
    /// It is removed all the same.
    Remove,
}

/// Removes a workflow that has ended, with its logs, claims and those of its artifacts that go with
/// it. The workflow goes last: what was cut off is begun again by asking again.
///
/// # Errors
/// If an artifact can't be deleted, unless the user or the workflow's own
/// `artifactGC.forceFinalizerRemoval` say that this is no reason to keep it.
pub fn remove(client: &Client, row: &RunRow, if_stuck: IfStuck) -> Result<()> {
    match client.load(row.id) {
        Ok(run) => {
            let sweep = run.artifacts_to_sweep(SweepTime::OnWorkflowDeletion);
            let faults = delete_artifacts(client, &sweep);
            if !faults.is_empty() && if_stuck == IfStuck::Keep && !sweep.force {
                bail!(
                    "workflow {} is kept, since artifacts of it can't be deleted ({}); `argosy delete --force` deletes it all the same",
                    row.name,
                    faults.join("; ")
                );
            }
        }
        // One that can't be read has nothing that is known to be deleted.
        Err(error) if if_stuck == IfStuck::Keep => {
            return Err(error.context(format!(
                "workflow {} is kept, since it can't be read; `argosy delete --force` deletes it all the same",
                row.name
            )));
        }
        Err(_) => {}
    }
    let store = &*client.store;
    argosy_local::delete_claims_of(&client.data_dir, store, &row.namespace, &row.uid)
        .with_context(|| format!("cannot delete the volume claims of workflow {}", row.name))?;
    // A keeper may hold what became of a step until somebody asks, which nobody will.
    argosy_local::keeper::discard_run(&client.data_dir, row.id);
    let folder = argosy_local::run_dir(&client.data_dir, row.id);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot delete {}", folder.display()));
        }
        _ => {}
    }
    store.delete_run(row.id)?;
    Ok(())
}

/// Deletes artifacts; gives why some can't be.
fn delete_artifacts(client: &Client, sweep: &ArtifactSweep) -> Vec<String> {
    let folder = Folder::new(client.data_dir.join("artifacts"));
    let stores = Stores::new(&folder);
    sweep
        .groups
        .iter()
        .flat_map(|group| &group.artifacts)
        .filter_map(|swept| stores.delete(&swept.artifact).err())
        .map(|error| error.to_string())
        .collect()
}

/// An observer that removes what falls due beside what another one looks at.
pub struct Leftovers<'a> {
    client: &'a Client,
    observer: &'a mut dyn Observer,
    looked: Instant,
    /// A workflow has ended since the retained ones were counted.
    has_ended: bool,
    /// What could not be removed is told once.
    stuck: BTreeSet<RunId>,
}

impl<'a> Leftovers<'a> {
    /// Begins a while from now: a short run looks at its end alone.
    pub fn new(client: &'a Client, observer: &'a mut dyn Observer) -> Self {
        Self {
            client,
            observer,
            looked: Instant::now(),
            has_ended: true,
            stuck: BTreeSet::new(),
        }
    }

    /// Removes what is due.
    pub fn look(&mut self) {
        self.looked = Instant::now();
        if let Err(error) = self.remove_due() {
            self.observer.trouble(&format!("{error:#}"));
        }
    }

    fn remove_due(&mut self) -> Result<()> {
        let expired = self.client.store.expired_runs(crate::submission::now())?;
        self.remove_all(expired);
        if !std::mem::take(&mut self.has_ended) {
            return Ok(());
        }
        // Read anew, since it may have been changed.
        let settings = Configuration::read(&*self.client.store)?.settings();
        let Some(policy) = settings.config.retention_policy.clone() else {
            return Ok(());
        };
        let surplus = beyond_retention(&policy, ended(self.client)?);
        self.remove_all(surplus);
        Ok(())
    }

    fn remove_all(&mut self, runs: Vec<RunId>) {
        for id in runs {
            if let Err(error) = self.remove(id)
                && self.stuck.insert(id)
            {
                self.observer.trouble(&format!("{error:#}"));
            }
        }
    }

    /// Removes a run, unless somebody has it or it goes on.
    fn remove(&mut self, id: RunId) -> Result<()> {
        let Some(_claim) = self.client.store.claim(id)? else {
            return Ok(());
        };
        match self.client.row_of(id)? {
            Some(row) if row.summary.completed => remove(self.client, &row, IfStuck::Keep),
            Some(_) | None => Ok(()),
        }
    }
}

/// All workflows that have ended.
fn ended(
    client: &Client,
) -> Result<Vec<(WorkflowPhase, Option<argosy_engine::ids::Seconds>, RunId)>> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let filter = RunFilter {
            completed: Some(true),
            before,
            ..RunFilter::default()
        };
        let rows = client.store.runs(&filter)?;
        let Some(last) = rows.last() else {
            // Among those that ended in the same second the first goes first.
            found.reverse();
            return Ok(found);
        };
        before = Some(last.id);
        found.extend(rows.iter().filter_map(|row| {
            let phase = row.summary.phase?;
            Some((phase, row.summary.finished_at, row.id))
        }));
    }
}

impl Observer for Leftovers<'_> {
    fn changed(&mut self, run: &Run, nodes: &[u32]) {
        self.observer.changed(run, nodes);
    }

    fn ended(&mut self, run: &Run) {
        self.has_ended = true;
        self.observer.ended(run);
    }

    fn pulse(&mut self, controller: &Controller) {
        self.observer.pulse(controller);
        if self.looked.elapsed() >= TICK {
            self.look();
        }
    }

    fn trouble(&mut self, what: &str) {
        self.observer.trouble(what);
    }

    fn event(&mut self, event: &Event, ticket: Option<Ticket>) {
        self.observer.event(event, ticket);
    }

    fn delete_artifacts(&mut self, sweep: ArtifactSweep) {
        for fault in delete_artifacts(self.client, &sweep) {
            self.observer.trouble(&fault);
        }
    }

    fn waiting(&mut self, why: &str) {
        self.observer.waiting(why);
    }
}
