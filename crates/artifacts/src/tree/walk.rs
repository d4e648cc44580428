//! Reading a tree.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};

use super::Limits;

/// One thing in a tree.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Where it is, relative to the tree.
    pub path: &'a Path,
    /// The nine permission bits.
    pub mode: u32,
    /// When it was last written.
    pub modified: SystemTime,
    /// What it is.
    pub found: Found<'a>,
}

/// What a thing in a tree is.
#[derive(Debug)]
pub enum Found<'a> {
    /// A folder; what is in it comes next.
    Directory,
    /// A file, open at its start.
    File {
        /// The file.
        file: &'a File,
        /// Its length when it was opened.
        length: u64,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: &'a Path,
    },
    /// A pipe, socket or device. It isn't opened.
    Special,
}

struct Level {
    folder: OwnedFd,
    path: PathBuf,
    names: std::vec::IntoIter<OsString>,
}

/// Visits all that is below an open folder, each folder before what is in it, and in each the
/// names in order, byte by byte. The folder itself isn't visited.
///
/// # Errors
/// Those of `visit`, those of reading, and if the tree exceeds the limits of entries and depth.
pub fn walk(
    root: &File,
    limits: &Limits,
    visit: &mut dyn FnMut(Entry<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries_left = limits.entries;
    let mut levels = vec![level(
        root.try_clone()?.into(),
        PathBuf::new(),
        entries_left,
    )?];
    while let Some(current) = levels.last_mut() {
        let Some(name) = current.names.next() else {
            levels.pop();
            continue;
        };
        entries_left = entries_left
            .checked_sub(1)
            .ok_or_else(|| too_many(limits.entries))?;
        let path = current.path.join(&name);
        if let Some(folder) = visit_one(current.folder.as_fd(), &name, &path, visit)? {
            if levels.len() >= limits.depth {
                return Err(too_deep(limits.depth, &path));
            }
            levels.push(level(folder, path, entries_left)?);
        }
    }
    Ok(())
}

/// Visits one entry. Gives it open if it is a folder.
fn visit_one(
    parent: impl AsFd,
    name: &OsStr,
    path: &Path,
    visit: &mut dyn FnMut(Entry<'_>) -> io::Result<()>,
) -> io::Result<Option<OwnedFd>> {
    let stat = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            let folder =
                rustix::fs::openat(&parent, name, flags | OFlags::DIRECTORY, Mode::empty())?;
            visit(entry(path, &stat, Found::Directory))?;
            Ok(Some(folder))
        }
        FileType::RegularFile => {
            let file = rustix::fs::openat(&parent, name, flags | OFlags::NONBLOCK, Mode::empty())?;
            let stat = rustix::fs::fstat(&file)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(io::Error::other(format!(
                    "{} was replaced while it was read",
                    path.display()
                )));
            }
            let file = File::from(file);
            let length = u64::try_from(stat.st_size).unwrap_or(0);
            visit(entry(
                path,
                &stat,
                Found::File {
                    file: &file,
                    length,
                },
            ))?;
            Ok(None)
        }
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&parent, name, Vec::new())?;
            let target = OsString::from_vec(target.into_bytes());
            let found = Found::Link {
                target: Path::new(&target),
            };
            visit(entry(path, &stat, found))?;
            Ok(None)
        }
        _ => {
            visit(entry(path, &stat, Found::Special))?;
            Ok(None)
        }
    }
}

fn entry<'a>(path: &'a Path, stat: &Stat, found: Found<'a>) -> Entry<'a> {
    let seconds = Duration::from_secs(stat.st_mtime.unsigned_abs());
    let modified = if stat.st_mtime >= 0 {
        UNIX_EPOCH + seconds
    } else {
        UNIX_EPOCH.checked_sub(seconds).unwrap_or(UNIX_EPOCH)
    };
    #[allow(clippy::useless_conversion, reason = "on macOS it is 16 bits wide")]
    let mode = u32::from(stat.st_mode) & 0o777;
    Entry {
        path,
        mode,
        modified,
        found,
    }
}

fn level(folder: OwnedFd, path: PathBuf, most: u64) -> io::Result<Level> {
    let mut names = Vec::new();
    for found in rustix::fs::Dir::read_from(&folder)? {
        let found = found?;
        let name = found.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if names.len() as u64 >= most {
            return Err(too_many(most));
        }
        names.push(OsStr::from_bytes(name).to_owned());
    }
    names.sort_unstable();
    Ok(Level {
        folder,
        path,
        names: names.into_iter(),
    })
}

fn too_many(most: u64) -> io::Error {
    io::Error::other(format!(
        "it holds more than the {most} files and folders that are allowed"
    ))
}

fn too_deep(most: usize, path: &Path) -> io::Error {
    io::Error::other(format!(
        "{} is more than the {most} folders deep that are allowed",
        path.display()
    ))
}
