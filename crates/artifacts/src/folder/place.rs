//! Putting what is complete where its key says.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Durability;
use crate::tree::{self, Found, Limits};

/// How often a folder is made again that somebody's delete has taken away as empty.
const MAX_TRIES: usize = 8;

/// Moves a file or folder to its place. A folder that finds one there gives it its files one by
/// one: steps that run side by side may save to one prefix.
pub(super) fn place(
    staged: &Path,
    root: &Path,
    relative: &Path,
    durability: Durability,
) -> io::Result<()> {
    let target = root.join(relative);
    let is_folder = fs::symlink_metadata(staged)?.is_dir();
    match (is_folder, fs::symlink_metadata(&target)) {
        (false, Ok(found)) if found.is_dir() => {
            return Err(io::Error::other(
                "a folder is saved there; delete it first, or choose another key",
            ));
        }
        (true, Ok(found)) if !found.is_dir() => {
            return Err(io::Error::other(
                "a file is saved there; delete it first, or choose another key",
            ));
        }
        _ => {}
    }
    match move_in(staged, root, &target, durability) {
        Err(error) if is_folder && is_occupied(&error) => merge(staged, root, &target, durability),
        result => result,
    }
}

fn move_in(from: &Path, root: &Path, target: &Path, durability: Durability) -> io::Result<()> {
    let parent = target.parent().unwrap_or(root);
    let mut tries = 0;
    loop {
        tries += 1;
        make_parents(root, parent, durability)?;
        match fs::rename(from, target) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < MAX_TRIES => {}
            Err(error) => return Err(error),
        }
    }
    sync(parent, durability)
}

fn merge(staged: &Path, root: &Path, target: &Path, durability: Durability) -> io::Result<()> {
    let mut files: Vec<PathBuf> = Vec::new();
    tree::walk(&tree::open(staged)?, &Limits::default(), &mut |entry| {
        if !matches!(entry.found, Found::Directory) {
            files.push(entry.path.to_owned());
        }
        Ok(())
    })?;
    for path in files {
        move_in(&staged.join(&path), root, &target.join(&path), durability)?;
    }
    Ok(())
}

/// Makes the folders between the root and `parent`. A new name is on the disk before what is below.
fn make_parents(root: &Path, parent: &Path, durability: Durability) -> io::Result<()> {
    if parent.is_dir() {
        return Ok(());
    }
    let mut path = root.to_owned();
    for part in parent.strip_prefix(root).unwrap_or(Path::new("")) {
        let above = path.clone();
        path.push(part);
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => sync(&above, durability)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Somebody's delete took away the folder above; the rename finds that and tries again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn sync(folder: &Path, durability: Durability) -> io::Result<()> {
    match durability {
        Durability::Disk => File::open(folder)
            .and_then(|folder| folder.sync_all())
            // Gone again, with all that was in it: then there is nothing to keep.
            .or_else(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    Ok(())
                } else {
                    Err(error)
                }
            }),
        Durability::Memory => Ok(()),
    }
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
    )
}
