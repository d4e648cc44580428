//! What can go wrong with the store. Texts never hold a stored value.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argosy_engine::ids::RunId;

use crate::object::ObjectKind;
use crate::run::Epoch;

/// Why the store did not do what it was asked. Cheap to clone: one failed transaction is the answer
/// to every commit in it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has claimed the run since.
    #[error(
        "cannot commit run {}: epoch {} of its ownership is over, the run is at epoch {}; drop the run, its new owner goes on with it",
        run.0, epoch.0, current.0
    )]
    Fenced {
        /// The run.
        run: RunId,
        /// The epoch that the commit rests on.
        epoch: Epoch,
        /// The epoch that the run is at.
        current: Epoch,
    },
    /// There is no such run.
    #[error("cannot {attempt} run {}: the store holds no such run; it may have been deleted", run.0)]
    RunMissing {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The run.
        run: RunId,
    },
    /// The commit names no run.
    #[error("cannot commit: the commit names no run; set `Commit::run`")]
    CommitWithoutRun,
    /// The name is in use.
    #[error(
        "cannot create the run \"{name}\" in namespace \"{namespace}\": a run of that name exists; delete it first, or take another name or `generateName`"
    )]
    NameTaken {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// The object is not as the precondition says.
    #[error(
        "cannot write {kind} \"{namespace}/{name}\": {reason}; read it again and repeat the change"
    )]
    Conflict {
        /// What kind of object.
        kind: ObjectKind,
        /// Its namespace; empty for cluster-wide ones.
        namespace: String,
        /// Its name.
        name: String,
        /// Which precondition did not hold.
        reason: String,
    },
    /// The owner was never registered, or has been reclaimed as dead.
    #[error(
        "cannot {attempt} slots of owner {owner}: it is not registered; register its lock first"
    )]
    OwnerMissing {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The owner.
        owner: String,
    },
    /// The file was written by a later version of the program.
    #[error(
        "cannot open {}: its format is version {found}, this program knows versions up to {known}; use a newer argosy, or another data directory",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("cannot open {}: it is not Argosy's database; choose another data directory", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The data directory is on a file system that several machines share.
    #[error(
        "cannot keep data in {}: it is on a network file system ({kind}), where locks and shared memory don't hold what the database needs; choose one on a local disk with --data-dir or ARGOSY_DATA_DIR",
        path.display()
    )]
    NetworkFileSystem {
        /// The data directory.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// The operating system refused something.
    #[error("cannot {attempt} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The database refused something.
    #[error("cannot {attempt}: the database says: {source}{}", Advice(source))]
    Database {
        /// What was attempted.
        attempt: &'static str,
        /// What the database said.
        source: Arc<rusqlite::Error>,
    },
    /// A stored row can't be read.
    #[error(
        "cannot {attempt}: {what} in the database is not in a form that this program writes; the file is damaged"
    )]
    Damaged {
        /// What was attempted.
        attempt: &'static str,
        /// Which stored thing.
        what: &'static str,
    },
    /// An earlier fault has made the store unusable.
    #[error(
        "the store takes no more writes since {reason}; restart the program once the disk is in order"
    )]
    Broken {
        /// The earlier fault.
        reason: Arc<str>,
    },
    /// The store is being closed.
    #[error("the store is closed: the write was not carried out")]
    Closed,
}

impl StoreError {
    pub(crate) fn io(attempt: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io {
            attempt,
            path: path.to_owned(),
            source: Arc::new(source.into()),
        }
    }

    /// Whether the transaction in which this happened may hold half of something.
    pub(crate) fn spoils_transaction(&self) -> bool {
        matches!(self, Self::Database { .. } | Self::Damaged { .. })
    }
}

/// Names the attempt in which a fault of the database came up.
pub(crate) trait Attempt<T> {
    fn attempt(self, attempt: &'static str) -> Result<T, StoreError>;
}

impl<T> Attempt<T> for Result<T, rusqlite::Error> {
    fn attempt(self, attempt: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Database {
            attempt,
            source: Arc::new(source),
        })
    }
}

/// What to do next about a fault of the database, where something can be done.
struct Advice<'a>(&'a rusqlite::Error);

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use rusqlite::ErrorCode;
        let advice = match self.0.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "; make room on the disk",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "; another process has held it for long, see whether one is stopped"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                "; check the permissions of the data directory and its files"
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                "; the file is damaged, restore it from a copy or choose another data directory"
            }
            _ => "",
        };
        f.write_str(advice)
    }
}
