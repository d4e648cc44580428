//! Putting what was loaded where the step expects it.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use argosy_artifacts::tree::{self, Limits, NewTree};

/// Moves a file or folder to its place. A file that is there is replaced, an empty folder filled.
///
/// # Errors
/// `DirectoryNotEmpty` if a folder with something in it is there: what is in a volume is never
/// deleted to make room.
pub(crate) fn put(source: &Path, to: &Path, limits: &Limits) -> io::Result<()> {
    let is_folder = fs::symlink_metadata(source)?.is_dir();
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(found) if found.is_dir() => {
            if fs::read_dir(to)?.next().is_some() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            if is_folder {
                // The folder may be a volume's own, which must stay the one that it is.
                return fill(source, to, limits);
            }
            fs::remove_dir(to)?;
        }
        Ok(_) if is_folder => fs::remove_file(to)?,
        Ok(_) => {}
    }
    move_to(source, to, limits)
}

fn fill(source: &Path, to: &Path, limits: &Limits) -> io::Result<()> {
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        move_to(&entry.path(), &to.join(entry.file_name()), limits)?;
    }
    Ok(())
}

fn move_to(source: &Path, to: &Path, limits: &Limits) -> io::Result<()> {
    match fs::rename(source, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        result => return result,
    }
    let mut name = OsString::from(".argosy-");
    name.push(to.file_name().unwrap_or_default());
    let beside = to.with_file_name(name);
    copy(source, &beside, limits)?;
    fs::rename(&beside, to)
}

/// Copies a file, folder or link to where nothing is.
pub(crate) fn copy(source: &Path, to: &Path, limits: &Limits) -> io::Result<()> {
    if fs::symlink_metadata(source)?.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(source)?, to);
    }
    copy_open(&tree::open(source)?, to, limits)
}

/// Copies an open file or folder to where nothing is.
pub(crate) fn copy_open(source: &File, to: &Path, limits: &Limits) -> io::Result<()> {
    let metadata = source.metadata()?;
    if metadata.is_dir() {
        return tree::copy(source, &NewTree::create(to)?, limits, |mode| mode);
    }
    if !metadata.is_file() {
        return Err(io::Error::other("it is neither a file nor a folder"));
    }
    if metadata.len() > limits.bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let copy = File::create_new(to)?;
    tree::copy_file(source, &copy)?;
    copy.set_permissions(metadata.permissions())?;
    copy.set_modified(metadata.modified()?)
}

/// Whose mode is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Itself,
    AllBelow,
}

/// Sets the permission bits of a file or folder, and if wished of all below. Links are passed over.
pub(crate) fn set_mode(path: &Path, mode: i32, extent: Extent) -> io::Result<()> {
    let permissions = Permissions::from_mode(mode.unsigned_abs() & 0o777);
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while extent == Extent::AllBelow && next < found.len() {
        if fs::symlink_metadata(&found[next])?.is_dir() {
            for entry in fs::read_dir(&found[next])? {
                found.push(entry?.path());
            }
        }
        next += 1;
    }
    // What is inside comes first: the mode may forbid to enter a folder.
    for path in found.iter().rev() {
        if !fs::symlink_metadata(path)?.is_symlink() {
            fs::set_permissions(path, permissions.clone())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_replaced_filled_or_left_alone() -> io::Result<()> {
        let limits = Limits::default();
        for (source, there, expected) in [
            ("file", "nothing", Ok("file")),
            ("file", "file", Ok("file")),
            ("file", "link", Ok("file")),
            ("file", "empty", Ok("file")),
            ("file", "full", Err(io::ErrorKind::DirectoryNotEmpty)),
            ("folder", "nothing", Ok("folder")),
            ("folder", "file", Ok("folder")),
            ("folder", "link", Ok("folder")),
            ("folder", "empty", Ok("folder")),
            ("folder", "full", Err(io::ErrorKind::DirectoryNotEmpty)),
        ] {
            let dir = tempfile::tempdir()?;
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            match source {
                "file" => fs::write(&from, "new")?,
                _ => {
                    fs::create_dir(&from)?;
                    fs::write(from.join("x"), "new")?;
                }
            }
            match there {
                "file" => fs::write(&to, "old")?,
                "link" => std::os::unix::fs::symlink(dir.path(), &to)?,
                "empty" => fs::create_dir(&to)?,
                "full" => {
                    fs::create_dir(&to)?;
                    fs::write(to.join("old"), "old")?;
                }
                _ => {}
            }
            let result = put(&from, &to, &limits).map_err(|error| error.kind());
            assert_eq!(result, expected.map(drop), "{source} onto {there}");
            match expected {
                Ok("file") => assert_eq!(fs::read_to_string(&to)?, "new", "{source} onto {there}"),
                Ok(_) => assert_eq!(
                    fs::read_to_string(to.join("x"))?,
                    "new",
                    "{source} onto {there}"
                ),
                Err(_) => assert_eq!(
                    fs::read_to_string(to.join("old"))?,
                    "old",
                    "{source} onto {there}"
                ),
            }
        }
        Ok(())
    }
}
