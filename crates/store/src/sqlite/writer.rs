//! The one thread through which commits go.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use argosy_engine::commit::Commit;
use rusqlite::Connection;

use super::{SyncPolicy, write};
use crate::error::{Attempt, StoreError};
use crate::run::Epoch;
use crate::store::{Done, Durability};

/// How long at most activity goes without a sync.
const SYNC_INTERVAL: Duration = Duration::from_millis(20);

/// The most commits in one transaction.
const GROUP: usize = 256;

/// The WAL is folded into the file when it is this long.
const WAL_BYTES: u64 = 64 << 20;

pub(super) struct Job {
    pub epoch: Epoch,
    pub commit: Commit,
    pub durability: Durability,
    pub done: Done,
}

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

pub(super) struct Writer {
    pub connection: Connection,
    pub wal: PathBuf,
    pub policy: SyncPolicy,
    pub synced: Instant,
}

impl Writer {
    /// Stores what comes until nothing more will.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            while group.len() < GROUP {
                match jobs.try_recv() {
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            self.store(group);
        }
        let _ = sync(&self.wal);
    }

    fn store(&mut self, group: Vec<Job>) {
        let mut answers = Vec::with_capacity(group.len());
        let stored = self.store_group(&group, &mut answers);
        let power = group.iter().any(|job| job.durability == Durability::Power);
        let due = self.synced.elapsed() >= SYNC_INTERVAL || self.policy == SyncPolicy::EachCommit;
        let stored = stored.and_then(|()| {
            if power || due {
                sync(&self.wal)?;
                self.synced = Instant::now();
            }
            Ok(())
        });
        for (job, answer) in group.into_iter().zip(answers) {
            (job.done)(stored.clone().and(answer));
        }
        self.fold();
    }

    fn store_group(
        &mut self,
        group: &[Job],
        answers: &mut Vec<Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let begun = self
            .connection
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

    fn fold(&self) {
        let long = std::fs::metadata(&self.wal).is_ok_and(|wal| wal.len() > WAL_BYTES);
        if long {
            // A reader in the way is no harm: the next group tries again.
            let _ = self
                .connection
                .query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        }
    }
}
