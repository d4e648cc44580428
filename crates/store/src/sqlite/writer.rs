//! The thread that stores commits, and the one that syncs them.
//!
//! They are two, so that no commit waits for the disk: the second one syncs what the first has
//! stored, [`SYNC_INTERVAL`] after the first transaction that was not synced yet.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argosy_engine::commit::Commit;
use rusqlite::Connection;

use super::{SyncPolicy, schema, wal_path, write};
use crate::error::{Attempt, StoreError};
use crate::run::Epoch;
use crate::store::{Done, Durability};

/// How long at most a transaction is not synced.
const SYNC_INTERVAL: Duration = Duration::from_millis(20);

/// The most commits in one transaction.
const GROUP: usize = 256;

/// The WAL is folded into the file when it is this long.
const WAL_BYTES: u64 = 64 << 20;

/// Waits until the disk has what stands in the WAL.
pub(super) fn sync(wal: &Path) -> Result<(), StoreError> {
    match File::open(wal) {
        Ok(file) => file
            .sync_data()
            .map_err(|error| StoreError::io("sync", wal, error)),
        // Folded into the file by a checkpoint, which synced it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io("sync", wal, error)),
    }
}

/// A commit on its way.
pub(super) struct Job {
    pub epoch: Epoch,
    pub commit: Commit,
    pub durability: Durability,
    pub done: Done,
}

/// Stores commits in groups.
pub(super) struct Writer {
    pub path: PathBuf,
    pub policy: SyncPolicy,
    pub syncs: Arc<Syncs>,
}

impl Writer {
    /// Stores what arrives, until nothing more can.
    pub(super) fn run(self, jobs: &Receiver<Job>) {
        let wal = wal_path(&self.path);
        // Opened here, so that nobody waits for it.
        let opened = schema::connect(&self.path).and_then(|connection| {
            schema::prepare(&connection, &self.path)?;
            Ok(connection)
        });
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(error) => {
                while let Ok(job) = jobs.recv() {
                    (job.done)(Err(error.clone()));
                }
                return;
            }
        };
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            while group.len() < GROUP {
                match jobs.try_recv() {
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            self.store(&mut connection, group);
            fold(&connection, &wal);
        }
    }

    fn store(&self, connection: &mut Connection, group: Vec<Job>) {
        let mut answers = Vec::with_capacity(group.len());
        let stored = store_group(connection, &group, &mut answers);
        let power = group.iter().any(|job| job.durability == Durability::Power);
        let stored = stored.and_then(|()| match power || self.policy == SyncPolicy::EachCommit {
            true => self.syncs.now(),
            false => self.syncs.soon(),
        });
        for (job, answer) in group.into_iter().zip(answers) {
            (job.done)(stored.clone().and(answer));
        }
    }
}

fn store_group(
    connection: &mut Connection,
    group: &[Job],
    answers: &mut Vec<Result<(), StoreError>>,
) -> Result<(), StoreError> {
    let begun = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .attempt("begin a commit");
    let transaction = match begun {
        Ok(transaction) => transaction,
        Err(error) => {
            answers.extend(group.iter().map(|_| Err(error.clone())));
            return Err(error);
        }
    };
    for job in group {
        answers.push(write::commit(&transaction, job.epoch, &job.commit));
    }
    let spoiled = answers.iter().find_map(|answer| {
        answer
            .as_ref()
            .err()
            .filter(|error| error.spoils_transaction())
    });
    match spoiled {
        Some(error) => Err(error.clone()),
        None => transaction.commit().attempt("commit"),
    }
}

fn fold(connection: &Connection, wal: &Path) {
    let long = std::fs::metadata(wal).is_ok_and(|wal| wal.len() > WAL_BYTES);
    if long {
        // A reader in the way is no harm: the next group tries again.
        let _ = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    }
}

/// What is to be synced, and when.
pub(super) struct Syncs {
    wal: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Since when something is stored that is not synced.
    open_since: Option<Instant>,
    /// The thread that syncs has been started.
    is_watched: bool,
    is_closed: bool,
    /// A sync that failed after its commits had been answered: the next ones are told.
    failed: Option<StoreError>,
}

impl Syncs {
    pub(super) fn new(path: &Path) -> Arc<Self> {
        Arc::new(Self {
            wal: wal_path(path),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was stored, and is to be synced within the interval.
    fn soon(self: &Arc<Self>) -> Result<(), StoreError> {
        let mut state = self.lock();
        if let Some(failed) = state.failed.take() {
            return Err(failed);
        }
        if state.open_since.is_none() {
            state.open_since = Some(Instant::now());
            if !std::mem::replace(&mut state.is_watched, true) {
                let syncs = self.clone();
                std::thread::spawn(move || syncs.watch());
            }
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Syncs all that was stored so far.
    fn now(&self) -> Result<(), StoreError> {
        self.lock().open_since = None;
        sync(&self.wal)
    }

    /// Syncs what is open, when it is time, until the end.
    fn watch(&self) {
        let mut state = self.lock();
        while !state.is_closed {
            let wait = state
                .open_since
                .map(|since| SYNC_INTERVAL.saturating_sub(since.elapsed()));
            state = match wait {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    drop(state);
                    let failed = self.now().err();
                    let mut state = self.lock();
                    state.failed = failed.or(state.failed.take());
                    state
                }
                Some(wait) => {
                    let waited = self.changed.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Ends the thread. Gives whether something was stored that is not synced.
    pub(super) fn close(&self) -> bool {
        let mut state = self.lock();
        state.is_closed = true;
        self.changed.notify_all();
        state.open_since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_last_is_synced_though_nothing_follows() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let syncs = Syncs::new(&directory.path().join("argosy.db"));
        syncs.soon().expect("noted");
        let end = Instant::now() + Duration::from_secs(10);
        let mut state = syncs.lock();
        while state.open_since.is_some() {
            assert!(Instant::now() < end, "it was not synced");
            drop(state);
            std::thread::yield_now();
            state = syncs.lock();
        }
        drop(state);
        assert!(!syncs.close());
    }

    #[test]
    fn each_commit_is_synced_before_its_answer_where_that_is_asked_for() {
        use crate::store::Store;
        use crate::{NewRun, OpenOptions, SqliteStore};
        for policy in [SyncPolicy::EachCommit, SyncPolicy::Interval] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let options = OpenOptions {
                sync: policy,
                ..OpenOptions::default()
            };
            let store = SqliteStore::open(directory.path(), options).expect("a store");
            let run = store
                .create_run(NewRun {
                    namespace: "n".to_owned(),
                    name: "w".to_owned(),
                    uid: "u".to_owned(),
                    labels: [].into(),
                    annotations: [].into(),
                    definition: b"{}".to_vec(),
                    environment: crate::Environment::default(),
                    options: Vec::new(),
                    created_at: argosy_engine::ids::Seconds(0),
                })
                .expect("a run");
            let claim = store.claim(run).expect("claimed").expect("free");
            let commit = Commit {
                run: Some(run),
                state: Some(b"{}".to_vec()),
                ..Commit::default()
            };
            store
                .commit(claim.epoch, commit, Durability::Process)
                .expect("stored");
            // Nothing is left to a later sync, for which a thread would have been started.
            let left = store.syncs.lock().is_watched;
            assert_eq!(left, policy == SyncPolicy::Interval, "{policy:?}");
        }
    }

    #[test]
    fn a_sync_that_fails_is_told_to_the_next_commit() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let syncs = Syncs::new(&directory.path().join("argosy.db"));
        let wal = wal_path(&directory.path().join("argosy.db"));
        syncs.lock().failed = Some(StoreError::io(
            "sync",
            &wal,
            std::io::Error::other("the disk is gone"),
        ));
        assert!(syncs.soon().is_err());
        assert!(syncs.soon().is_ok());
        syncs.close();
    }
}
