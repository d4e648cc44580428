//! Locks that the kernel frees when their holder dies.
//!
//! A lock is a file in `<data>/locks` with an exclusive `flock`. It belongs to the open file, which
//! a forked child shares: it is held until the last process that has it is gone. The file is opened
//! close-on-exec, so that no step that is started inherits it.
//!
//! A file may be unlinked only by who holds its lock, and who has got a lock looks whether the file
//! is still the one under that name; otherwise two processes could each hold "the" lock, one on a
//! file that has no name any more.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argosy_engine::ids::RunId;
use rustix::fs::{FlockOperation, flock};

use crate::error::StoreError;
use crate::slots::OwnerId;

const OWNER_PREFIX: &str = "owner-";

/// Another process may hold a lock for the moment that it takes to see whether it is free.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_micros(500);

/// Held as long as a run is owned. Dropping it ends the ownership.
#[derive(Debug)]
pub struct RunLock {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File(FileLock),
    Memory(
        #[expect(dead_code, reason = "held for as long as the run is owned")]
        crate::memory::MemoryLock,
    ),
}

/// Held as long as an owner of slots lives: by the runner and, since the lock is inherited over a
/// fork, by its keeper. Take it before forking the keeper, hand it to `Store::register_owner` after.
#[derive(Debug)]
pub struct OwnerLock {
    id: OwnerId,
    /// Held for as long as the owner lives.
    lock: FileLock,
}

impl RunLock {
    pub(crate) fn file(lock: FileLock) -> Self {
        Self {
            kind: Kind::File(lock),
        }
    }

    pub(crate) fn memory(lock: crate::memory::MemoryLock) -> Self {
        Self {
            kind: Kind::Memory(lock),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        match &self.kind {
            Kind::File(lock) => lock.unlink(),
            // Ends with the field.
            Kind::Memory(_) => {}
        }
    }
}

impl OwnerLock {
    /// Makes a new owner in a data directory, which is created if need be.
    ///
    /// # Errors
    /// If the directory, or the lock in it, can't be made.
    pub fn create(data_dir: &Path) -> Result<Self, StoreError> {
        create_directories(data_dir)?;
        loop {
            let nanoseconds = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos());
            let id = OwnerId(format!("{}-{nanoseconds:x}", std::process::id()));
            // `None`: somebody who looks for dead owners was quicker. The clock moves on.
            if let Some(lock) = FileLock::take(&owner_path(data_dir, &id))? {
                return Ok(Self { id, lock });
            }
        }
    }

    /// Another hold on the lock, for another process: it is held until this is closed there too.
    ///
    /// # Errors
    /// If the system has no file handle left.
    pub fn share(&self) -> Result<File, StoreError> {
        let cannot = |error| StoreError::io("share the lock", &self.lock.path, error);
        self.lock.file.try_clone().map_err(cannot)
    }

    /// The owner's id.
    pub fn id(&self) -> &OwnerId {
        &self.id
    }
}

/// Where the lock of a run is.
pub(crate) fn run_path(data_dir: &Path, run: RunId) -> PathBuf {
    data_dir.join("locks").join(format!("run-{}", run.0))
}

fn owner_path(data_dir: &Path, owner: &OwnerId) -> PathBuf {
    data_dir
        .join("locks")
        .join(format!("{OWNER_PREFIX}{owner}"))
}

/// Whether an owner of slots still lives: its runner, or a keeper of that which has something to run.
/// The file of one that does not is removed.
///
/// # Errors
/// If its lock can't be looked at.
pub fn owner_lives(data_dir: &Path, owner: &OwnerId) -> Result<bool, StoreError> {
    let path = owner_path(data_dir, owner);
    // A look costs nothing; taking waits for others who look.
    if FileLock::is_held(&path)? {
        return Ok(true);
    }
    if !path.exists() {
        return Ok(false);
    }
    Ok(match FileLock::take(&path)? {
        Some(lock) => {
            lock.unlink();
            false
        }
        None => true,
    })
}

/// Removes the files of dead owners that never got as far as taking slots.
pub(crate) fn sweep_owners(data_dir: &Path) -> Result<(), StoreError> {
    let locks = data_dir.join("locks");
    let list = |error| StoreError::io("list the locks in", &locks, error);
    for entry in std::fs::read_dir(&locks).map_err(list)? {
        let name = entry.map_err(list)?.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(OWNER_PREFIX))
            .and_then(OwnerId::parse);
        if let Some(owner) = owner {
            owner_lives(data_dir, &owner)?;
        }
    }
    Ok(())
}

/// Removes the locks of runs whose owners were killed when they had all but let go of them.
pub(crate) fn sweep_runs(data_dir: &Path) -> Result<(), StoreError> {
    let locks = data_dir.join("locks");
    let list = |error| StoreError::io("list the locks in", &locks, error);
    for entry in std::fs::read_dir(&locks).map_err(list)? {
        let name = entry.map_err(list)?.file_name();
        let run = name.to_str().and_then(|name| name.strip_prefix("run-"));
        let Some(run) = run.and_then(|run| run.parse().ok()) else {
            continue;
        };
        let path = run_path(data_dir, RunId(run));
        if !FileLock::is_held(&path)?
            && let Some(lock) = FileLock::take(&path)?
        {
            lock.unlink();
        }
    }
    Ok(())
}

/// Creates the data directory and its `locks`, for their owner only.
pub(crate) fn create_directories(data_dir: &Path) -> Result<(), StoreError> {
    let locks = data_dir.join("locks");
    create_private(&locks)
        .map_err(|error| StoreError::io("create the data directory", &locks, error))
}

/// Makes a folder, and those above it that are missing, that nobody but this user can look into:
/// what steps print and keep may be secret.
///
/// # Errors
/// If it can't be made.
pub fn create_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A lock on a file, freed when dropped. The file stays.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes a lock, creating its file if need be; `None` if another has it.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>, StoreError> {
        for attempt in 0..ATTEMPTS {
            let file = open(path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if has_name(&file, path)? => {
                    return Ok(Some(Self {
                        file,
                        path: path.to_owned(),
                    }));
                }
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if attempt + 1 < ATTEMPTS => {
                    std::thread::sleep(PAUSE)
                }
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {}
                Err(error) => return Err(StoreError::io("lock", path, error)),
            }
        }
        Ok(None)
    }

    /// Takes a lock whose file stays for good, waiting for it.
    pub(crate) fn wait(path: &Path) -> Result<Self, StoreError> {
        let file = open(path)?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => {
                    return Ok(Self {
                        file,
                        path: path.to_owned(),
                    });
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(StoreError::io("lock", path, error)),
            }
        }
    }

    /// Whether somebody has the lock. Takes it for a moment, shared with others who look.
    pub(crate) fn is_held(path: &Path) -> Result<bool, StoreError> {
        let file = match OpenOptions::new().read(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(StoreError::io("open the lock", path, error)),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(StoreError::io("look at the lock", path, error)),
        }
    }

    /// Takes the name away while the lock is held. A file that stays is a few bytes of litter and
    /// is used again by the next lock of its name, so a fault here is none.
    pub(crate) fn unlink(&self) {
        if matches!(has_name(&self.file, &self.path), Ok(true)) {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::io("open the lock", path, error))
}

/// Whether the open file is the one that stands under the path.
fn has_name(file: &File, path: &Path) -> Result<bool, StoreError> {
    let look = |error| StoreError::io("look at the lock", path, error);
    let opened = file.metadata().map_err(look)?;
    match std::fs::metadata(path) {
        Ok(named) => Ok(named.dev() == opened.dev() && named.ino() == opened.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(look(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_and_leaves_no_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        create_directories(directory.path()).expect("directories");
        let path = run_path(directory.path(), RunId(7));
        assert!(!FileLock::is_held(&path).expect("look"));
        let lock = RunLock::file(FileLock::take(&path).expect("take").expect("free"));
        assert!(FileLock::is_held(&path).expect("look"));
        assert!(FileLock::take(&path).expect("take").is_none());
        drop(lock);
        assert!(!path.exists());
        assert!(FileLock::take(&path).expect("take").is_some());
    }

    #[test]
    fn a_lock_on_a_file_without_a_name_is_none() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("lock");
        let first = FileLock::take(&path).expect("take").expect("free");
        std::fs::remove_file(&path).expect("remove");
        let second = FileLock::take(&path).expect("take").expect("a new file");
        first.unlink();
        assert!(path.exists(), "the file of another holder is left alone");
        drop(second);
    }

    #[test]
    fn locks_of_runs_that_nobody_has_are_swept_up() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        create_directories(directory.path()).expect("directories");
        let [held, left] = [1, 2].map(|run| run_path(directory.path(), RunId(run)));
        let lock = FileLock::take(&held).expect("take").expect("free");
        drop(FileLock::take(&left).expect("take").expect("free"));
        sweep_runs(directory.path()).expect("swept");
        assert!(held.exists() && !left.exists());
        drop(lock);
    }

    #[test]
    fn dead_owners_are_told_from_living_ones() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let living = OwnerLock::create(directory.path()).expect("create");
        let dead = OwnerLock::create(directory.path()).expect("create");
        let dead_id = dead.id().clone();
        let dead_path = owner_path(directory.path(), &dead_id);
        drop(dead);
        assert!(dead_path.exists());
        sweep_owners(directory.path()).expect("sweep");
        assert!(!dead_path.exists());
        assert!(owner_lives(directory.path(), living.id()).expect("look"));
        assert!(!owner_lives(directory.path(), &dead_id).expect("look"));
    }
}
