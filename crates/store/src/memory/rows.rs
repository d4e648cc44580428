//! The rows of a store in memory, and what a commit does to them.

use std::collections::{BTreeMap, BTreeSet};

use argosy_engine::commit::{Commit, NodeRow, ValueHash};
use argosy_engine::fact::Letter;
use argosy_engine::ids::RunId;
use argosy_engine::locks::{LockHolder, LockRequest};
use argosy_engine::metrics::Table;

use crate::command::{CommandId, CommandRow};
use crate::error::StoreError;
use crate::object::{ObjectKind, Precondition, StoredObject};
use crate::run::{Environment, Epoch, RunFilter, RunRow};
use crate::slots::SlotsStatus;

#[derive(Default)]
pub(super) struct Rows {
    pub last_run: u64,
    pub last_command: u64,
    pub last_version: u64,
    pub changes: u64,
    pub runs: BTreeMap<RunId, StoredRows>,
    pub commands: BTreeMap<u64, CommandRow>,
    pub objects: BTreeMap<(ObjectKind, String, String), StoredObject>,
    pub slots: SlotsStatus,
    pub owned: BTreeSet<RunId>,
    /// Who holds or waits for locks, and which of both.
    pub locks: BTreeMap<LockHolder, (LockRequest, bool)>,
    pub metrics: Table,
}

pub(super) struct StoredRows {
    pub row: RunRow,
    pub definition: Vec<u8>,
    pub options: Vec<u8>,
    pub environment: Environment,
    pub state: Option<Vec<u8>>,
    pub nodes: BTreeMap<u32, Vec<u8>>,
    pub values: BTreeMap<ValueHash, String>,
    pub log: Vec<Vec<u8>>,
    pub outbox: BTreeMap<u64, Vec<u8>>,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl Rows {
    pub fn run(&self, attempt: &'static str, run: RunId) -> Result<&StoredRows, StoreError> {
        self.runs
            .get(&run)
            .ok_or(StoreError::RunMissing { attempt, run })
    }

    pub fn run_mut(
        &mut self,
        attempt: &'static str,
        run: RunId,
    ) -> Result<&mut StoredRows, StoreError> {
        self.runs
            .get_mut(&run)
            .ok_or(StoreError::RunMissing { attempt, run })
    }

    pub fn commit(&mut self, epoch: Epoch, commit: Commit) -> Result<(), StoreError> {
        let run = commit.run.ok_or(StoreError::CommitWithoutRun)?;
        let stored = self.run_mut("commit", run)?;
        if stored.row.epoch != epoch {
            return Err(StoreError::Fenced {
                run,
                epoch,
                current: stored.row.epoch,
            });
        }
        for index in &commit.removed_nodes {
            stored.nodes.remove(index);
        }
        for row in commit.nodes {
            stored.nodes.insert(row.index, row.record);
        }
        for (hash, text) in commit.values {
            stored
                .values
                .entry(hash)
                .or_insert_with(|| text.to_string());
        }
        if let Some(state) = commit.state {
            stored.state = Some(state);
        }
        if !commit.log.is_empty() {
            stored.log.push(commit.log);
        }
        if let Some(row) = commit.outbox {
            stored.outbox.insert(row.number, row.entry);
        }
        for number in commit.delivered {
            stored.outbox.remove(&number);
        }
        if let Some(labels) = commit.labels {
            stored.row.labels = labels;
        }
        if let Some(summary) = commit.summary {
            let ended = summary.finished_at.filter(|_| summary.completed);
            stored.row.summary = summary;
            if let Some(at) = ended {
                self.metrics.run_ended(run, at);
            }
        }
        for command in commit.consumed_commands {
            self.commands.remove(&command);
        }
        for told in commit.metrics {
            if let Err(reason) = self.metrics.record(&told) {
                let letter = Letter::Metric {
                    metric_refused: reason.into(),
                };
                let command = serde_json::to_vec(&letter).unwrap_or_default();
                self.add_command(run, command);
            }
        }
        Ok(())
    }

    /// Puts a command before a run's owner.
    pub fn add_command(&mut self, run: RunId, command: Vec<u8>) -> CommandId {
        self.last_command += 1;
        let id = CommandId(self.last_command);
        self.commands.insert(id.0, CommandRow { id, run, command });
        id
    }

    pub fn check(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
        precondition: Precondition,
    ) -> Result<(), StoreError> {
        let key = (kind, namespace.to_owned(), name.to_owned());
        let current = self.objects.get(&key).map(|object| object.resource_version);
        match precondition.refusal(current) {
            None => Ok(()),
            Some(reason) => Err(StoreError::Conflict {
                kind,
                namespace: key.1,
                name: key.2,
                reason,
            }),
        }
    }
}

impl RunFilter {
    pub(super) fn holds(&self, row: &RunRow) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        is(&self.namespace, &row.namespace)
            && is(&self.name, &row.name)
            && is(&self.uid, &row.uid)
            && self
                .name_prefix
                .as_ref()
                .is_none_or(|prefix| row.name.starts_with(prefix))
            && (self.phases.is_empty() || self.phases.contains(&row.summary.phase))
            && (self.ids.is_empty() || self.ids.contains(&row.id))
            && self
                .created_since
                .is_none_or(|since| row.created_at >= since)
            && self
                .completed
                .is_none_or(|completed| row.summary.completed == completed)
            && self.before.is_none_or(|before| row.id < before)
    }
}

pub(super) fn tell_nodes(stored: &StoredRows, on_node: &mut dyn FnMut(NodeRow)) {
    for (index, record) in &stored.nodes {
        on_node(NodeRow {
            index: *index,
            record: record.clone(),
        });
    }
}
