//! The artifact repository of one machine: a folder, in which a key is a path.
//!
//! An artifact in it carries a key and nothing else (`s3: {key: …}`), as Argo's do whose bucket is
//! the repository's. Its files are written beside their place and then renamed, and are read-only:
//! a step gets a copy, which on file systems that can share blocks costs nothing.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use argosy_api::Artifact;

use crate::key::{self, RESERVED};
use crate::tree::{self, Found, Limits, NewTree};
use crate::{ArtifactError, Attempt, Driver, Source};

mod place;

/// The repository in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    durability: Durability,
}

/// When something counts as saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on the disk: a power failure loses nothing that was saved.
    #[default]
    Disk,
    /// Once the system has it: for tests, and for folders that don't outlive the machine.
    Memory,
}

impl Folder {
    /// The repository in this folder, which is made when something is saved.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            durability: Durability::default(),
        }
    }

    /// The same with another durability.
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// A folder on the same file system, for what is to be saved as [`Source::Owned`]: from there
    /// it is moved, not copied.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn incoming(&self) -> Result<PathBuf, ArtifactError> {
        let incoming = self.root.join(RESERVED);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&incoming)
            .map_err(ArtifactError::io("make the folder", &incoming))?;
        Ok(incoming)
    }

    /// Deletes what saves that were cut off have left and nobody has touched for `age`. Gives the
    /// count.
    ///
    /// # Errors
    /// If the folder can't be read or something in it can't be deleted.
    pub fn sweep(&self, age: Duration) -> Result<usize, ArtifactError> {
        let incoming = self.incoming()?;
        let failed = |error| ArtifactError::io("sweep", &incoming)(error);
        let now = SystemTime::now();
        let mut swept = 0;
        for entry in fs::read_dir(&incoming).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let metadata = entry.metadata().map_err(failed)?;
            let modified = metadata.modified().map_err(failed)?;
            if now.duration_since(modified).is_ok_and(|since| since >= age) {
                remove(&entry.path(), &metadata).map_err(failed)?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    fn found(
        &self,
        attempt: Attempt,
        artifact: &Artifact,
    ) -> Result<(File, PathBuf), ArtifactError> {
        let path = self.root.join(key::path_of(attempt, artifact)?);
        match tree::open(&path) {
            Ok(file) => Ok((file, path)),
            Err(error) if is_absent(&error) => Err(ArtifactError::NotFound {
                attempt,
                artifact: artifact.name.clone(),
                place: format!(
                    "key {:?} of the local repository",
                    key_text(&self.root, &path)
                ),
            }),
            Err(error) => Err(ArtifactError::io("open", &path)(error)),
        }
    }
}

impl Driver for Folder {
    fn load(&self, artifact: &Artifact, to: &Path) -> Result<(), ArtifactError> {
        let (file, _) = self.found(Attempt::Load, artifact)?;
        give(&file, to).map_err(ArtifactError::io("load an artifact to", to))
    }

    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, ArtifactError> {
        let (file, path) = self.found(Attempt::Open, artifact)?;
        let metadata = file.metadata().map_err(ArtifactError::io("read", &path))?;
        if metadata.is_dir() {
            return Err(ArtifactError::Store {
                attempt: Attempt::Open,
                artifact: artifact.name.clone(),
                place: format!("key {:?}", key_text(&self.root, &path)),
                reason: "it is a folder; list it and open the files in it one by one".to_owned(),
            });
        }
        Ok(Box::new(file))
    }

    fn save(&self, from: Source<'_>, artifact: &Artifact) -> Result<(), ArtifactError> {
        let relative = key::path_of(Attempt::Save, artifact)?;
        let incoming = self.incoming()?;
        let failed = |error| ArtifactError::io("save an artifact below", &self.root)(error);
        let beside = tempfile::Builder::new()
            .prefix("save-")
            .tempdir_in(&incoming)
            .map_err(failed)?;
        let staged = beside.path().join("new");
        take(from, &staged).map_err(ArtifactError::io("save", from.path()))?;
        freeze(&staged, self.durability).map_err(ArtifactError::io("save", from.path()))?;
        place::place(&staged, &self.root, &relative, self.durability).map_err(|error| {
            ArtifactError::Store {
                attempt: Attempt::Save,
                artifact: artifact.name.clone(),
                place: format!("key {relative:?} of the local repository"),
                reason: error.to_string(),
            }
        })
    }

    fn delete(&self, artifact: &Artifact) -> Result<(), ArtifactError> {
        let path = self.root.join(key::path_of(Attempt::Delete, artifact)?);
        let failed = |error| ArtifactError::io("delete", &path)(error);
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        remove(&path, &metadata).map_err(failed)?;
        // Folders are no things of their own in a store of keys: an empty one goes too.
        for above in path.ancestors().skip(1) {
            if above == self.root || fs::remove_dir(above).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn list(&self, artifact: &Artifact) -> Result<Vec<String>, ArtifactError> {
        let (file, path) = self.found(Attempt::List, artifact)?;
        let failed = |error| ArtifactError::io("list", &path)(error);
        if !file.metadata().map_err(failed)?.is_dir() {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        tree::walk(&file, &Limits::default(), &mut |entry| {
            if !matches!(entry.found, Found::Directory) {
                keys.push(key_text(&self.root, &path.join(entry.path)));
            }
            Ok(())
        })
        .map_err(failed)?;
        Ok(keys)
    }

    fn is_directory(&self, artifact: &Artifact) -> Result<bool, ArtifactError> {
        let (file, path) = self.found(Attempt::List, artifact)?;
        let metadata = file.metadata().map_err(ArtifactError::io("read", &path))?;
        Ok(metadata.is_dir())
    }
}

/// Copies a stored file or folder to a step, which may do with it what it likes.
fn give(file: &File, to: &Path) -> io::Result<()> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return tree::copy(file, &NewTree::create(to)?, &Limits::default(), given_mode);
    }
    let copy = File::create_new(to)?;
    tree::copy_file(file, &copy)?;
    copy.set_permissions(Permissions::from_mode(given_mode(
        metadata.permissions().mode(),
    )))?;
    copy.set_modified(metadata.modified()?)
}

/// Argo's containers run without a umask, so that a step of any user can use what it is given.
fn given_mode(stored: u32) -> u32 {
    0o666 | (stored & 0o111) | ((stored & 0o100) >> 3) | ((stored & 0o100) >> 6)
}

/// Brings what is to be saved into the repository's own folder.
fn take(from: Source<'_>, staged: &Path) -> io::Result<()> {
    if let Source::Owned(path) = from
        && fs::rename(path, staged).is_ok()
    {
        return Ok(());
    }
    let file = tree::open(from.path())?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return tree::copy(
            &file,
            &NewTree::create(staged)?,
            &Limits::default(),
            |mode| mode | 0o200,
        );
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is neither a file nor a folder"));
    }
    let copy = File::create_new(staged)?;
    tree::copy_file(&file, &copy)?;
    copy.set_permissions(metadata.permissions())?;
    copy.set_modified(metadata.modified()?)
}

/// Makes all files read-only, and checks links.
fn freeze(staged: &Path, durability: Durability) -> io::Result<()> {
    let root = tree::open(staged)?;
    if !root.metadata()?.is_dir() {
        return freeze_file(&root, durability);
    }
    tree::walk(&root, &Limits::default(), &mut |entry| match entry.found {
        Found::Directory => Ok(()),
        Found::File { file, .. } => freeze_file(file, durability),
        Found::Link { target } if tree::stays_inside(entry.path, target, 0) => Ok(()),
        Found::Link { target } => Err(tree::leads_out(entry.path, target)),
        Found::Special => Err(io::Error::other(format!(
            "{} is neither a file nor a folder",
            entry.path.display()
        ))),
    })
}

fn freeze_file(file: &File, durability: Durability) -> io::Result<()> {
    let mode = file.metadata()?.permissions().mode();
    let executable = if mode & 0o111 == 0 { 0 } else { 0o100 };
    file.set_permissions(Permissions::from_mode(0o400 | executable))?;
    match durability {
        Durability::Disk => file.sync_all(),
        Durability::Memory => Ok(()),
    }
}

fn remove(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.or_else(|error| {
        if is_absent(&error) {
            Ok(())
        } else {
            Err(error)
        }
    })
}

/// A file where a folder should be means that nothing is there either.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn key_text(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
