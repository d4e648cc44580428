//! Writing a tree.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A folder that is being filled. Nothing that is asked of it touches anything outside.
#[derive(Debug)]
pub struct NewTree {
    root: OwnedFd,
    /// The folder that was used last: entries that follow each other mostly share it.
    last: RefCell<Option<(PathBuf, OwnedFd)>>,
}

impl NewTree {
    /// Makes a folder that isn't there yet, and opens it.
    ///
    /// # Errors
    /// If that fails.
    pub fn create(path: &Path) -> io::Result<Self> {
        std::fs::create_dir(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o777))?;
        Self::open(path)
    }

    /// Opens a folder that is there.
    ///
    /// # Errors
    /// If it is no folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            root: rustix::fs::open(path, FOLDER, Mode::empty())?,
            last: RefCell::new(None),
        })
    }

    /// Makes a folder and those above it; they may be there already. Their mode is 0755, as that
    /// of all folders that Argo unpacks.
    ///
    /// # Errors
    /// If something that isn't a folder is in the way.
    pub fn directory(&self, path: &Path) -> io::Result<()> {
        self.folder(path).map(drop)
    }

    /// Makes a file with this mode, in place of one that was there, and opens it for writing.
    ///
    /// # Errors
    /// If that fails, also if a folder is in the way.
    pub fn file(&self, path: &Path, mode: u32) -> io::Result<File> {
        let (parent, name) = self.parent(path)?;
        remove_file(&parent, name)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(
            &parent,
            name,
            flags,
            Mode::from_raw_mode(0o600),
        )?);
        // The process's umask has no say.
        file.set_permissions(Permissions::from_mode(mode & 0o777))?;
        Ok(file)
    }

    /// Makes a symbolic link, in place of a file that was there. It is never followed here; whether
    /// its target is allowed is for the caller to say.
    ///
    /// # Errors
    /// If that fails, also if a folder is in the way.
    pub fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        remove_file(&parent, name)?;
        Ok(rustix::fs::symlinkat(target, &parent, name)?)
    }

    /// Gives a file of the tree a second name.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn hard_link(&self, path: &Path, existing: &Path) -> io::Result<()> {
        let (from, from_name) = self.parent(existing)?;
        let stat = rustix::fs::statat(&from, from_name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "the hard link {} leads to {}, which is no file",
                    path.display(),
                    existing.display()
                ),
            ));
        }
        let (to, to_name) = self.parent(path)?;
        if path == existing {
            return Ok(());
        }
        remove_file(&to, to_name)?;
        Ok(rustix::fs::linkat(
            &from,
            from_name,
            &to,
            to_name,
            AtFlags::empty(),
        )?)
    }

    fn parent<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
        let name = path.file_name().ok_or_else(|| not_plain(path))?;
        let folder = self.folder(path.parent().unwrap_or(Path::new("")))?;
        Ok((folder, name))
    }

    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        if let Some((last, folder)) = &*self.last.borrow()
            && last == path
        {
            return folder.try_clone();
        }
        let mut folder = self.root.try_clone()?;
        for part in path.components() {
            let Component::Normal(name) = part else {
                return Err(not_plain(path));
            };
            folder = enter(&folder, name).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot make the folder {}: {error}", path.display()),
                )
            })?;
        }
        *self.last.borrow_mut() = Some((path.to_owned(), folder.try_clone()?));
        Ok(folder)
    }
}

fn enter(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) => {
            let folder = rustix::fs::openat(&parent, name, FOLDER, Mode::empty())?;
            rustix::fs::fchmod(&folder, Mode::from_raw_mode(0o755))?;
            Ok(folder)
        }
        Err(Errno::EXIST) => Ok(rustix::fs::openat(&parent, name, FOLDER, Mode::empty())?),
        Err(error) => Err(error.into()),
    }
}

fn remove_file(parent: impl AsFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn not_plain(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{} is no plain path inside a folder", path.display()),
    )
}
