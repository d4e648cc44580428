//! The store in one SQLite file of the data directory.
//!
//! Commits go through one thread, which stores all that waits in one transaction. They do not wait
//! for the disk: a committed transaction stands in the WAL, in the kernel's memory, and survives the
//! death of the process. Another thread syncs the WAL within 20 ms, and with it all that was
//! committed before; frames of the WAL are checksummed, so that a power failure takes a tail of
//! whole transactions and never the file's consistency. A checkpoint syncs the WAL before it writes
//! the file, and the file after it. What must survive a power failure is answered after a sync.

mod locks;
mod metrics;
mod read;
mod schema;
mod write;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use argosy_engine::commit::{Commit, NodeRow, ValueHash};
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::locks::{LockAnswer, LockSeed};
use argosy_engine::metrics::Table;
use rusqlite::Connection;

use crate::command::{CommandId, CommandRow};
use crate::error::{Attempt, StoreError};
use crate::file_system::refuse_network;
use crate::lock::{
    FileLock, OwnerLock, RunLock, create_directories, run_path, sweep_owners, sweep_runs,
};
use crate::object::{NewObject, ObjectKind, Precondition, StoredObject};
use crate::run::{Claim, Environment, Epoch, NewRun, RunFilter, RunRow, StoredRun};
use crate::slots::{OwnerId, SlotGrant, SlotsStatus};
use crate::store::{Done, Durability, LetterOf, LockWork, Store};

use writer::{Job, Syncs, Writer, sync};

/// The name of the database in a data directory.
pub const FILE: &str = "argosy.db";

/// Commits that may wait for the writer.
const QUEUE: usize = 1_024;

/// When transitions are synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// At least every 20 ms of activity.
    #[default]
    Interval,
    /// Each transaction.
    EachCommit,
}

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// When transitions are synced.
    pub sync: SyncPolicy,
    /// Who syncs what was committed last.
    pub last_sync: LastSync,
}

/// Who syncs what was committed last, when a store is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastSync {
    /// The store, before it is closed.
    #[default]
    Store,
    /// Another process at once, by [`sync_to_disk`], so that this one need not wait for the disk.
    Another,
}

/// Waits until all that has been committed in a data directory survives a power failure.
///
/// # Errors
/// If the disk fails.
pub fn sync_to_disk(data_dir: &Path) -> Result<(), StoreError> {
    sync(&wal_path(&data_dir.join(FILE)))
}

/// The store of a data directory.
pub struct SqliteStore {
    data_dir: PathBuf,
    path: PathBuf,
    /// For reads and for writes that are not commits.
    connection: Mutex<Connection>,
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    syncs: Arc<Syncs>,
    last_sync: LastSync,
}

impl SqliteStore {
    /// Opens the store of a data directory, making it if need be.
    ///
    /// # Errors
    /// If the directory is on a network file system, or the file is not one that this program
    /// reads.
    pub fn open(data_dir: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        refuse_network(data_dir)?;
        create_directories(data_dir)?;
        let path = data_dir.join(FILE);
        let opening = FileLock::wait(&data_dir.join("locks").join("opening"))?;
        if !path.exists() {
            make_private(&path)?;
        }
        let connection = schema::connect(&path)?;
        schema::prepare(&connection, &path)?;
        drop(opening);
        let (queue, jobs) = sync_channel(QUEUE);
        let syncs = Syncs::new(&path);
        let writer = Writer {
            path: path.clone(),
            policy: options.sync,
            syncs: syncs.clone(),
        };
        let thread = std::thread::spawn(move || writer.run(&jobs));
        Ok(Self {
            data_dir: data_dir.to_owned(),
            path,
            connection: Mutex::new(connection),
            queue: Some(queue),
            writer: Some(thread),
            syncs,
            last_sync: options.last_sync,
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Carries out a write and waits for the disk.
    fn durably<T>(
        &self,
        attempt: &'static str,
        write: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let value = self.write(attempt, write)?;
        sync(&wal_path(&self.path))?;
        Ok(value)
    }

    fn write<T>(
        &self,
        attempt: &'static str,
        write: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .attempt(attempt)?;
        let value = write(&transaction)?;
        transaction.commit().attempt(attempt)?;
        Ok(value)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // The writer ends when its queue does.
            let _ = writer.join();
        }
        if self.syncs.close() && self.last_sync == LastSync::Store {
            // Nobody is left whom a failure could be told.
            let _ = sync(&wal_path(&self.path));
        }
    }
}

fn make_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::io("create the database", path, error))
}

fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

impl Store for SqliteStore {
    fn create_run(&self, run: NewRun) -> Result<RunId, StoreError> {
        self.durably("create a run", |connection| {
            write::create_run(connection, &run)
        })
    }

    fn create_claimed_run(&self, run: NewRun) -> Result<Claim, StoreError> {
        self.write("create a run", |connection| {
            let run = write::create_run(connection, &run)?;
            let path = run_path(&self.data_dir, run);
            // Before the commit nobody else knows of the run.
            let lock = FileLock::take(&path)?.ok_or_else(|| {
                StoreError::io("own the new run", &path, std::io::ErrorKind::WouldBlock)
            })?;
            let epoch = write::claim(connection, run)?;
            let lock = RunLock::file(lock);
            Ok(Claim { run, epoch, lock })
        })
    }

    fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        self.durably("delete a run", |connection| {
            write::delete_run(connection, run)
        })
    }

    fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        read::runs(&self.connection(), filter)
    }

    fn definition(&self, run: RunId) -> Result<Vec<u8>, StoreError> {
        read::definition(&self.connection(), run)
    }

    fn environment(&self, run: RunId) -> Result<Environment, StoreError> {
        read::environment(&self.connection(), run)
    }

    fn expired_runs(&self, now: Seconds) -> Result<Vec<RunId>, StoreError> {
        read::expired(&self.connection(), now)
    }

    fn claim(&self, run: RunId) -> Result<Option<Claim>, StoreError> {
        let Some(lock) = FileLock::take(&run_path(&self.data_dir, run))? else {
            return Ok(None);
        };
        let lock = RunLock::file(lock);
        // A count that a power failure takes back is one of an owner that it has ended.
        let epoch = self.write("claim a run", |connection| write::claim(connection, run))?;
        Ok(Some(Claim { run, epoch, lock }))
    }

    fn is_owned(&self, run: RunId) -> Result<bool, StoreError> {
        FileLock::is_held(&run_path(&self.data_dir, run))
    }

    fn unowned_runs_besides(
        &self,
        are_owned: &dyn Fn(RunId) -> bool,
    ) -> Result<Vec<RunId>, StoreError> {
        let mut unowned = Vec::new();
        let mut after = None;
        loop {
            let runs = read::unfinished(&self.connection(), after)?;
            let Some(last) = runs.last().copied() else {
                return Ok(unowned);
            };
            for run in runs {
                if are_owned(run) || self.is_owned(run)? {
                    continue;
                }
                unowned.push(run);
                if unowned.len() == read::MOST {
                    return Ok(unowned);
                }
            }
            after = Some(last);
        }
    }

    fn submit(&self, epoch: Epoch, commit: Commit, durability: Durability, done: Done) {
        let job = Job {
            epoch,
            commit,
            durability,
            done,
        };
        let refused = match &self.queue {
            Some(queue) => queue.send(job).err().map(|error| error.0),
            None => Some(job),
        };
        if let Some(job) = refused {
            (job.done)(Err(StoreError::Closed));
        }
    }

    fn load(&self, run: RunId, on_node: &mut dyn FnMut(NodeRow)) -> Result<StoredRun, StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction().attempt("load a run")?;
        let stored = read::stored_run(&transaction, run)?;
        read::nodes(&transaction, run, on_node)?;
        Ok(stored)
    }

    fn read_nodes(&self, run: RunId, on_node: &mut dyn FnMut(NodeRow)) -> Result<(), StoreError> {
        read::nodes(&self.connection(), run, on_node)
    }

    fn node(&self, run: RunId, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        read::node(&self.connection(), run, index)
    }

    fn value(&self, run: RunId, hash: ValueHash) -> Result<Option<String>, StoreError> {
        read::value(&self.connection(), run, hash)
    }

    fn values(
        &self,
        run: RunId,
        on_value: &mut dyn FnMut(ValueHash, String),
    ) -> Result<(), StoreError> {
        read::values(&self.connection(), run, on_value)
    }

    fn log(
        &self,
        run: RunId,
        from: u64,
        on_entry: &mut dyn FnMut(u64, Vec<u8>),
    ) -> Result<(), StoreError> {
        read::log(&self.connection(), run, from, on_entry)
    }

    fn outbox(&self, run: RunId, on_entry: &mut dyn FnMut(u64, Vec<u8>)) -> Result<(), StoreError> {
        read::outbox(&self.connection(), run, on_entry)
    }

    fn metrics(&self) -> Result<Table, StoreError> {
        metrics::table(&self.connection())
    }

    fn sweep_metrics(&self, now: Seconds, ttl_seconds: i64) -> Result<(), StoreError> {
        self.write("sweep metrics", |connection| {
            metrics::sweep(connection, now, ttl_seconds)
        })
    }

    fn change_counter(&self) -> Result<u64, StoreError> {
        read::change_counter(&self.connection())
    }

    fn push_command(&self, run: RunId, command: Vec<u8>) -> Result<CommandId, StoreError> {
        self.durably("push a command", |connection| {
            write::push_command(connection, run, &command)
        })
    }

    fn commands(
        &self,
        run: Option<RunId>,
        after: CommandId,
    ) -> Result<Vec<CommandRow>, StoreError> {
        read::commands(&self.connection(), run, after)
    }

    fn put_object(&self, object: NewObject) -> Result<u64, StoreError> {
        self.durably("write an object", |connection| {
            write::put_object(connection, &object)
        })
    }

    fn object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredObject>, StoreError> {
        read::object(&self.connection(), kind, namespace, name)
    }

    fn objects_named(&self, kind: ObjectKind, name: &str) -> Result<Vec<StoredObject>, StoreError> {
        read::objects_named(&self.connection(), kind, name)
    }

    fn objects(
        &self,
        kind: ObjectKind,
        namespace: Option<&str>,
        on_object: &mut dyn FnMut(StoredObject),
    ) -> Result<(), StoreError> {
        read::objects(&self.connection(), kind, namespace, on_object)
    }

    fn delete_object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        self.durably("delete an object", |connection| {
            write::delete_object(connection, kind, namespace, name, precondition)
        })
    }

    fn set_slots_total(&self, total: u32) -> Result<(), StoreError> {
        self.write("set the slots", |connection| {
            write::set_slots_total(connection, total)
        })
    }

    fn register_owner(&self, lock: &OwnerLock) -> Result<(), StoreError> {
        sweep_runs(&self.data_dir)?;
        self.write("register an owner", |connection| {
            write::register_owner(connection, lock.id())
        })
    }

    fn unregister_owner(&self, owner: &OwnerId) -> Result<(), StoreError> {
        self.write("unregister an owner", |connection| {
            write::unregister_owner(connection, owner)
        })
    }

    fn acquire_slots(&self, owner: &OwnerId, want: u32) -> Result<SlotGrant, StoreError> {
        sweep_owners(&self.data_dir)?;
        let data_dir = self.data_dir.clone();
        self.write("acquire slots", |connection| {
            write::acquire_slots(connection, &data_dir, owner, want)
        })
    }

    fn release_slots(&self, owner: &OwnerId, count: u32) -> Result<(), StoreError> {
        self.write("release slots", |connection| {
            write::release_slots(connection, owner, count)
        })
    }

    fn limit_slots(&self, owner: &OwnerId, most: u32) -> Result<(), StoreError> {
        self.write("limit slots", |connection| {
            write::limit_slots(connection, owner, most)
        })
    }

    fn slots_status(&self) -> Result<SlotsStatus, StoreError> {
        read::slots_status(&self.connection())
    }

    fn with_locks(
        &self,
        seeds: &BTreeSet<LockSeed>,
        work: LockWork<'_>,
        letter_of: LetterOf<'_>,
    ) -> Result<Vec<LockAnswer>, StoreError> {
        self.write("work on locks", |connection| {
            locks::with_locks(connection, seeds, work, letter_of)
        })
    }
}
