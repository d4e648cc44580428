//! The store in memory: for simulations and tests, and the second reading of what a store is.
//!
//! A [`MemoryDisk`] is what outlives a crash; each [`MemoryStore`] opened on it is one process. All
//! that is written is there at once, so both durabilities are the same.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argosy_engine::commit::{Commit, NodeRow, RunSummary, ValueHash};
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::locks::{LockAnswer, LockSeed, LockTable};
use argosy_engine::metrics::Table;

use crate::command::{CommandId, CommandRow};
use crate::error::StoreError;
use crate::lock::{OwnerLock, RunLock, owner_lives};
use crate::object::{NewObject, ObjectKind, Precondition, StoredObject};
use crate::run::{Claim, Environment, Epoch, NewRun, RunFilter, RunRow, StoredRun};
use crate::slots::{OwnerId, SlotGrant, SlotOwner, SlotsStatus};
use crate::store::{Done, Durability, LetterOf, LockWork, Store};

use rows::{Rows, StoredRows, tell_nodes};

/// The most rows that one look at commands and unfinished runs gives.
const MOST: usize = 1_000;

/// What is kept when a process dies.
#[derive(Clone)]
pub struct MemoryDisk {
    /// Where the locks of owners of slots are files: those are shared with keepers.
    data_dir: PathBuf,
    rows: Arc<Mutex<Rows>>,
}

impl MemoryDisk {
    /// An empty one. Owners of slots have their locks in this directory.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            rows: Arc::default(),
        }
    }
}

/// One process's store.
pub struct MemoryStore {
    disk: MemoryDisk,
}

/// The ownership of a run; dropping it ends it.
#[derive(Debug)]
pub(crate) struct MemoryLock {
    run: RunId,
    rows: std::sync::Weak<Mutex<Rows>>,
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        if let Some(rows) = self.rows.upgrade() {
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.owned.remove(&self.run);
        }
    }
}

impl MemoryStore {
    /// Opens what is on a disk.
    pub fn open(disk: &MemoryDisk) -> Self {
        Self { disk: disk.clone() }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.disk
            .rows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> MutexGuard<'_, Rows> {
        let mut rows = self.rows();
        rows.changes += 1;
        rows
    }

    fn own(&self, rows: &mut Rows, run: RunId) -> Result<Claim, StoreError> {
        let stored = rows.run_mut("claim", run)?;
        stored.row.epoch = Epoch(stored.row.epoch.0 + 1);
        stored.row.owner_process = Some(std::process::id());
        let epoch = stored.row.epoch;
        rows.owned.insert(run);
        let lock = RunLock::memory(MemoryLock {
            run,
            rows: Arc::downgrade(&self.disk.rows),
        });
        Ok(Claim { run, epoch, lock })
    }
}

fn create_run(rows: &mut Rows, run: NewRun) -> Result<RunId, StoreError> {
    let is_taken =
        |known: &StoredRows| known.row.namespace == run.namespace && known.row.name == run.name;
    if rows.runs.values().any(is_taken) {
        return Err(StoreError::NameTaken {
            namespace: run.namespace,
            name: run.name,
        });
    }
    rows.last_run += 1;
    let id = RunId(rows.last_run);
    let stored = StoredRows {
        row: RunRow {
            id,
            namespace: run.namespace,
            name: run.name,
            uid: run.uid,
            labels: run.labels,
            annotations: run.annotations,
            created_at: run.created_at,
            summary: RunSummary::default(),
            epoch: Epoch(0),
            owner_process: None,
        },
        definition: run.definition,
        options: run.options,
        environment: run.environment,
        state: None,
        nodes: BTreeMap::new(),
        values: BTreeMap::new(),
        log: Vec::new(),
        outbox: BTreeMap::new(),
    };
    rows.runs.insert(id, stored);
    Ok(id)
}

impl Store for MemoryStore {
    fn create_run(&self, run: NewRun) -> Result<RunId, StoreError> {
        create_run(&mut self.change(), run)
    }

    fn create_claimed_run(&self, run: NewRun) -> Result<Claim, StoreError> {
        let mut rows = self.change();
        let run = create_run(&mut rows, run)?;
        self.own(&mut rows, run)
    }

    fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        let mut rows = self.change();
        rows.commands.retain(|_, command| command.run != run);
        rows.locks.retain(|holder, _| holder.run != run);
        Ok(rows.runs.remove(&run).is_some())
    }

    fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        let rows = self.rows();
        let meant = rows
            .runs
            .values()
            .rev()
            .map(|stored| &stored.row)
            .filter(|row| filter.holds(row));
        Ok(meant.take(filter.limit).cloned().collect())
    }

    fn definition(&self, run: RunId) -> Result<Vec<u8>, StoreError> {
        let rows = self.rows();
        Ok(rows.run("read the definition of", run)?.definition.clone())
    }

    fn environment(&self, run: RunId) -> Result<Environment, StoreError> {
        let rows = self.rows();
        Ok(rows
            .run("read the environment of", run)?
            .environment
            .clone())
    }

    fn expired_runs(&self, now: Seconds) -> Result<Vec<RunId>, StoreError> {
        let rows = self.rows();
        let due = rows.runs.values().filter(|stored| {
            let at = stored.row.summary.delete_at;
            at.is_some_and(|at| at <= now)
        });
        Ok(due.map(|stored| stored.row.id).take(MOST).collect())
    }

    fn claim(&self, run: RunId) -> Result<Option<Claim>, StoreError> {
        let mut rows = self.change();
        if rows.owned.contains(&run) {
            return Ok(None);
        }
        self.own(&mut rows, run).map(Some)
    }

    fn is_owned(&self, run: RunId) -> Result<bool, StoreError> {
        Ok(self.rows().owned.contains(&run))
    }

    fn unowned_runs_besides(
        &self,
        are_owned: &dyn Fn(RunId) -> bool,
    ) -> Result<Vec<RunId>, StoreError> {
        let rows = self.rows();
        let unfinished = rows
            .runs
            .values()
            .filter(|stored| !stored.row.summary.completed || !stored.outbox.is_empty())
            .map(|stored| stored.row.id);
        let is_unowned = |run: &RunId| !are_owned(*run) && !rows.owned.contains(run);
        Ok(unfinished.filter(is_unowned).take(MOST).collect())
    }

    fn submit(&self, epoch: Epoch, commit: Commit, _durability: Durability, done: Done) {
        let result = self.change().commit(epoch, commit);
        done(result);
    }

    fn load(&self, run: RunId, on_node: &mut dyn FnMut(NodeRow)) -> Result<StoredRun, StoreError> {
        let rows = self.rows();
        let stored = rows.run("load", run)?;
        tell_nodes(stored, on_node);
        Ok(StoredRun {
            row: stored.row.clone(),
            definition: stored.definition.clone(),
            options: stored.options.clone(),
            state: stored.state.clone(),
        })
    }

    fn read_nodes(&self, run: RunId, on_node: &mut dyn FnMut(NodeRow)) -> Result<(), StoreError> {
        if let Some(stored) = self.rows().runs.get(&run) {
            tell_nodes(stored, on_node);
        }
        Ok(())
    }

    fn node(&self, run: RunId, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.rows();
        let stored = rows.runs.get(&run);
        Ok(stored.and_then(|stored| stored.nodes.get(&index).cloned()))
    }

    fn value(&self, run: RunId, hash: ValueHash) -> Result<Option<String>, StoreError> {
        let rows = self.rows();
        let stored = rows.runs.get(&run);
        Ok(stored.and_then(|stored| stored.values.get(&hash).cloned()))
    }

    fn values(
        &self,
        run: RunId,
        on_value: &mut dyn FnMut(ValueHash, String),
    ) -> Result<(), StoreError> {
        if let Some(stored) = self.rows().runs.get(&run) {
            for (hash, text) in &stored.values {
                on_value(*hash, text.clone());
            }
        }
        Ok(())
    }

    fn log(
        &self,
        run: RunId,
        from: u64,
        on_entry: &mut dyn FnMut(u64, Vec<u8>),
    ) -> Result<(), StoreError> {
        if let Some(stored) = self.rows().runs.get(&run) {
            for (turn, entry) in (0..).zip(&stored.log).filter(|(turn, _)| *turn >= from) {
                on_entry(turn, entry.clone());
            }
        }
        Ok(())
    }

    fn outbox(&self, run: RunId, on_entry: &mut dyn FnMut(u64, Vec<u8>)) -> Result<(), StoreError> {
        if let Some(stored) = self.rows().runs.get(&run) {
            for (number, entry) in &stored.outbox {
                on_entry(*number, entry.clone());
            }
        }
        Ok(())
    }

    fn metrics(&self) -> Result<Table, StoreError> {
        Ok(self.rows().metrics.clone())
    }

    fn sweep_metrics(&self, now: Seconds, ttl_seconds: i64) -> Result<(), StoreError> {
        self.change().metrics.sweep(now, ttl_seconds);
        Ok(())
    }

    fn change_counter(&self) -> Result<u64, StoreError> {
        Ok(self.rows().changes)
    }

    fn push_command(&self, run: RunId, command: Vec<u8>) -> Result<CommandId, StoreError> {
        let mut rows = self.change();
        let stored = rows.run_mut("push a command to", run)?;
        stored.row.summary.completed = false;
        Ok(rows.add_command(run, command))
    }

    fn commands(
        &self,
        run: Option<RunId>,
        after: CommandId,
    ) -> Result<Vec<CommandRow>, StoreError> {
        let rows = self.rows();
        let waiting = rows
            .commands
            .values()
            .filter(|row| row.id > after && run.is_none_or(|run| row.run == run));
        Ok(waiting.take(MOST).cloned().collect())
    }

    fn put_object(&self, object: NewObject) -> Result<u64, StoreError> {
        let mut rows = self.change();
        rows.check(
            object.kind,
            &object.namespace,
            &object.name,
            object.precondition,
        )?;
        rows.last_version += 1;
        let resource_version = rows.last_version;
        let key = (object.kind, object.namespace.clone(), object.name.clone());
        let stored = StoredObject {
            kind: object.kind,
            namespace: object.namespace,
            name: object.name,
            json: object.json,
            resource_version,
        };
        rows.objects.insert(key, stored);
        Ok(resource_version)
    }

    fn object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredObject>, StoreError> {
        let key = (kind, namespace.to_owned(), name.to_owned());
        Ok(self.rows().objects.get(&key).cloned())
    }

    fn objects_named(&self, kind: ObjectKind, name: &str) -> Result<Vec<StoredObject>, StoreError> {
        let rows = self.rows();
        let found = rows.objects.values();
        Ok(found
            .filter(|object| object.kind == kind && object.name == name)
            .cloned()
            .collect())
    }

    fn objects(
        &self,
        kind: ObjectKind,
        namespace: Option<&str>,
        on_object: &mut dyn FnMut(StoredObject),
    ) -> Result<(), StoreError> {
        for object in self.rows().objects.values() {
            let is_there = namespace.is_none_or(|namespace| object.namespace == namespace);
            if object.kind == kind && is_there {
                on_object(object.clone());
            }
        }
        Ok(())
    }

    fn delete_object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let mut rows = self.change();
        rows.check(kind, namespace, name, precondition)?;
        let key = (kind, namespace.to_owned(), name.to_owned());
        Ok(rows.objects.remove(&key).is_some())
    }

    fn set_slots_total(&self, total: u32) -> Result<(), StoreError> {
        self.change().slots.total = total;
        Ok(())
    }

    fn register_owner(&self, lock: &OwnerLock) -> Result<(), StoreError> {
        let mut rows = self.change();
        let owners = &mut rows.slots.owners;
        if owners.iter().any(|owner| owner.id == *lock.id()) {
            return Ok(());
        }
        owners.push(SlotOwner {
            id: lock.id().clone(),
            process: std::process::id(),
            held: 0,
            wanted: 0,
        });
        owners.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }

    fn unregister_owner(&self, owner: &OwnerId) -> Result<(), StoreError> {
        self.change()
            .slots
            .owners
            .retain(|other| other.id != *owner);
        Ok(())
    }

    fn acquire_slots(&self, owner: &OwnerId, want: u32) -> Result<SlotGrant, StoreError> {
        let mut rows = self.change();
        let mut living = Vec::new();
        for other in std::mem::take(&mut rows.slots.owners) {
            if other.id == *owner || owner_lives(&self.disk.data_dir, &other.id)? {
                living.push(other);
            }
        }
        rows.slots.owners = living;
        rows.slots
            .grant(owner, want)
            .ok_or_else(|| StoreError::OwnerMissing {
                attempt: "acquire",
                owner: owner.to_string(),
            })
    }

    fn release_slots(&self, owner: &OwnerId, count: u32) -> Result<(), StoreError> {
        let mut rows = self.change();
        for mine in &mut rows.slots.owners {
            if mine.id == *owner {
                mine.held = mine.held.saturating_sub(count);
            }
        }
        Ok(())
    }

    fn limit_slots(&self, owner: &OwnerId, most: u32) -> Result<(), StoreError> {
        let mut rows = self.change();
        let owners = rows.slots.owners.iter_mut();
        for limited in owners.filter(|known| known.id == *owner) {
            limited.held = limited.held.min(most);
        }
        Ok(())
    }

    fn slots_status(&self) -> Result<SlotsStatus, StoreError> {
        Ok(self.rows().slots.clone())
    }

    fn with_locks(
        &self,
        _seeds: &BTreeSet<LockSeed>,
        work: LockWork<'_>,
        letter_of: LetterOf<'_>,
    ) -> Result<Vec<LockAnswer>, StoreError> {
        let mut rows = self.change();
        let mut table = LockTable::stored(rows.locks.values());
        let holders = rows.locks.keys().map(|holder| holder.run);
        let over: BTreeSet<RunId> = holders
            .filter(|run| {
                let stored = rows.runs.get(run);
                stored.is_some_and(|stored| stored.row.summary.completed)
            })
            .collect();
        let mut answers: Vec<LockAnswer> = over.iter().flat_map(|run| table.forget(*run)).collect();
        answers.extend(work(&mut table));
        rows.locks = table
            .requests()
            .map(|(request, held)| (request.holder, (request.clone(), held)))
            .collect();
        for answer in &answers {
            let run = answer.0.run;
            if let Some(letter) = letter_of(answer)
                && rows.runs.contains_key(&run)
            {
                rows.add_command(run, letter);
            }
        }
        Ok(answers)
    }
}
