//! Trees of files that somebody else has written, read and written without ever following a
//! symbolic link: [`walk()`] reads one, [`NewTree`] writes one.
//!
//! All goes through open folders (`openat` with `O_NOFOLLOW`), so a folder that is swapped for a
//! link meanwhile is an error, not a way out.

mod new_tree;
mod walk;

use std::fs::File;
use std::io;
use std::path::{Component, Path};

pub use new_tree::NewTree;
pub use walk::{Entry, Found, walk};

use rustix::fs::{Mode, OFlags};

/// What a tree may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in all its files together.
    pub bytes: u64,
    /// Files, folders and links.
    pub entries: u64,
    /// Folders within each other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            entries: 10_000_000,
            depth: 200,
        }
    }
}

/// Opens a file or folder for reading; if it is a symbolic link, that is an error. Does not wait
/// for the other end of a pipe.
///
/// # Errors
/// If it can't be opened.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(File::from(file)),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::MLINK) => {
            Err(io::Error::other("it is a symbolic link"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Copies the tree below an open folder. `mode` says which mode a file gets for the one that it has;
/// times of files are kept; folders get mode 0755 and the time of now.
///
/// # Errors
/// If reading or writing fails, if a link leads out of the tree, or if it exceeds the limits.
/// Pipes, sockets and devices are left out.
pub fn copy(
    from: &File,
    to: &NewTree,
    limits: &Limits,
    mode: impl Fn(u32) -> u32,
) -> io::Result<()> {
    let mut left = limits.bytes;
    walk(from, limits, &mut |entry| match entry.found {
        Found::Directory => to.directory(entry.path),
        Found::File { file, length } => {
            left = left.checked_sub(length).ok_or_else(|| too_large(limits))?;
            let copy = to.file(entry.path, mode(entry.mode))?;
            copy_file(file, &copy)?;
            copy.set_modified(entry.modified)
        }
        Found::Link { target } => {
            if !stays_inside(entry.path, target, 0) {
                return Err(leads_out(entry.path, target));
            }
            to.link(entry.path, target)
        }
        Found::Special => Ok(()),
    })
}

/// Copies what a file holds, by sharing or copying blocks in the kernel where that can be.
///
/// # Errors
/// If reading or writing fails.
pub fn copy_file(mut from: &File, mut to: &File) -> io::Result<u64> {
    io::copy(&mut from, &mut to)
}

/// Whether a symbolic link at `path` of a tree stays below the first `base` folders of its path.
/// The target must be relative and plain, with `..` only at its beginning: behind the name of
/// another link `..` means something else than it seems.
pub fn stays_inside(path: &Path, target: &Path, base: usize) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    let mut descended = false;
    for part in target.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(_) => {
                descended = true;
                depth += 1;
            }
            Component::ParentDir if !descended && depth > base => depth -= 1,
            _ => return false,
        }
    }
    depth >= base && !target.as_os_str().is_empty()
}

/// The error for a link that leads out of its tree.
pub fn leads_out(path: &Path, target: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "the symbolic link {} leads out of the folder, to {}; leave it out, or put a copy in its place",
            path.display(),
            target.display()
        ),
    )
}

fn too_large(limits: &Limits) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!(
            "it holds more than {} bytes, the most that is allowed",
            limits.bytes
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_inside() {
        for (path, target, base, inside) in [
            ("l", "a", 0, true),
            ("l", ".", 0, true),
            ("l", "", 0, false),
            ("l", "..", 0, false),
            ("l", "/etc", 0, false),
            ("d/l", "..", 0, true),
            ("d/l", "../x", 0, true),
            ("d/l", "../..", 0, false),
            ("d/l", "../../d/x", 0, false),
            ("d/l", "a/..", 0, false),
            ("d/l", "x", 1, true),
            ("d/l", "../x", 1, false),
            ("d/e/l", "../x", 1, true),
            ("l", "x", 1, true),
            ("l", ".", 1, false),
        ] {
            assert_eq!(
                stays_inside(Path::new(path), Path::new(target), base),
                inside,
                "{path} -> {target} below {base}"
            );
        }
    }
}
