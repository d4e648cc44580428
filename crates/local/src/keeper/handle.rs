//! Forking a keeper, and finding those that there are.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use argosy_store::OwnerLock;

use super::Keeper;

/// The folder of keepers' sockets inside a data directory.
const FOLDER: &str = "keepers";

/// A keeper that has been forked.
pub struct KeeperHandle {
    /// Where it listens.
    pub(crate) socket: PathBuf,
    /// Makes the runner and its keeper an owner of slots, until both are gone.
    pub(crate) owner: OwnerLock,
}

/// Forks a keeper. Must be called before the process has threads.
///
/// # Errors
/// If the socket can't be made or the process not be forked.
pub fn fork(data_dir: &Path) -> io::Result<KeeperHandle> {
    let owner = OwnerLock::create(data_dir).map_err(io::Error::other)?;
    let folder = data_dir.join(FOLDER);
    argosy_store::create_private(&folder)?;
    let socket = folder.join(format!("{}.sock", owner.id()));
    let (address, _folder) = address(&socket)?;
    let listener = UnixListener::bind(address)?;
    // SAFETY: the process has one thread, so the child may go on as it likes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let keeper = Keeper::new(listener, socket, owner);
            let ended = keeper.and_then(|mut keeper| keeper.run());
            // SAFETY: ends the process without running what the runner has registered. The owner's
            // lock goes with it.
            unsafe { libc::_exit(i32::from(ended.is_err())) }
        }
        _ => Ok(KeeperHandle { socket, owner }),
    }
}

/// The longest path of a socket that every system takes.
const MAX_ADDRESS: usize = 100;

/// A path by which a socket can be reached. One that is too long is given by way of its folder, as
/// long as that is held open.
pub(crate) fn address(socket: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if socket.as_os_str().len() <= MAX_ADDRESS || !cfg!(target_os = "linux") {
        return Ok((socket.to_owned(), None));
    }
    let no_name = || io::Error::from(io::ErrorKind::InvalidInput);
    let folder = File::open(socket.parent().ok_or_else(no_name)?)?;
    let name = socket.file_name().ok_or_else(no_name)?;
    let through = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((through, Some(folder)))
}

/// The sockets of keepers in a data directory.
pub(crate) fn sockets(data_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data_dir.join(FOLDER)) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "sock"))
        .collect();
    found.sort();
    found
}

/// The name by which a keeper marks its steps' processes.
pub(crate) fn name(socket: &Path) -> String {
    socket
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}
