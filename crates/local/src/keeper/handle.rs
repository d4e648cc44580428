//! Forking a keeper, and finding those that there are.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use argosy_engine::ids::RunId;
use argosy_store::{OwnerId, OwnerLock};

use super::Keeper;
use crate::StepLimits;
use crate::protocol::{Order, put_frame};

/// The folder of keepers' sockets inside a data directory.
const FOLDER: &str = "keepers";

/// A keeper that has been forked.
pub struct KeeperHandle {
    /// Where it listens for later runners.
    pub(crate) socket: PathBuf,
    /// The runner's own connection. The keeper ends with it unless it holds steps.
    pub(crate) stream: UnixStream,
    /// Makes the runner and its keeper an owner of slots, until both are gone.
    pub(crate) owner: OwnerLock,
}

/// Forks a keeper. Must be called before the process has threads.
///
/// # Errors
/// If the socket can't be made or the process not be forked.
pub fn fork(data_dir: &Path, limits: StepLimits) -> io::Result<KeeperHandle> {
    let owner = OwnerLock::create(data_dir).map_err(io::Error::other)?;
    let held = owner.share().map_err(io::Error::other)?;
    let folder = data_dir.join(FOLDER);
    argosy_store::create_private(&folder)?;
    let socket = folder.join(format!("{}.sock", owner.id()));
    let listener = listen(&socket)?;
    let (stream, its_stream) = UnixStream::pair()?;
    // SAFETY: the process has one thread, so the child may go on as it likes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // Otherwise it would not see the runner go.
            drop((stream, owner));
            let keeper = Keeper::new(data_dir, listener, socket, held, its_stream, limits);
            let ended = keeper.and_then(|mut keeper| keeper.run());
            // SAFETY: ends the process without running what the runner has registered. The owner's
            // lock goes with it.
            unsafe { libc::_exit(i32::from(ended.is_err())) }
        }
        _ => {
            open_many_files();
            Ok(KeeperHandle {
                socket,
                stream,
                owner,
            })
        }
    }
}

/// How many files the runner could have open when it began, which is what its steps get.
static FILES: OnceLock<libc::rlimit> = OnceLock::new();

/// More than this is not asked for, also where there is no limit: macOS refuses that.
const MOST_FILES: libc::rlim_t = if cfg!(target_os = "macos") {
    10_240
} else {
    1 << 20
};

/// Lets the runner have as many files open as the system allows: it holds one for each of its runs,
/// and many systems begin with 1,024. The keeper, and so the steps, keep the limit that there was.
fn open_many_files() {
    // SAFETY: the structure lives through the calls, and a zeroed one is valid.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) < 0 {
            return;
        }
        let _ = FILES.set(limit);
        let most = limit.rlim_max.min(MOST_FILES);
        if limit.rlim_cur < most {
            limit.rlim_cur = most;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// Starts another keeper for a runner whose own has died. The runner has threads by now, so it is not
/// forked but run, as a program that calls [`serve`] with the socket's path as its last argument.
/// Gives the path and the connection.
pub(crate) fn start_again(
    program: &[OsString],
    dead: &Path,
    owner: &OwnerLock,
) -> io::Result<(PathBuf, UnixStream)> {
    let Some((file, arguments)) = program.split_first() else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    // `ID.sock`, `ID.1.sock`, `ID.2.sock`…: what the dead one's steps have left is told from ours.
    let before = name(dead);
    let number = before
        .rsplit_once('.')
        .and_then(|(_, number)| number.parse::<u32>().ok());
    let next = number.unwrap_or(0) + 1;
    let socket = dead.with_file_name(format!("{}.{next}.sock", owner.id()));
    let (stream, its_stream) = UnixStream::pair()?;
    let held = owner.share().map_err(io::Error::other)?;
    // Made here and not by the program, which takes its time: a keeper that has orders and that
    // another runner can't find would carry them out beside that one's own.
    let listener = listen(&socket)?;
    let mut command = Command::new(file);
    command
        .args(arguments)
        .arg(&socket)
        .stdin(OwnedFd::from(its_stream))
        .stdout(OwnedFd::from(held))
        .stderr(OwnedFd::from(listener));
    if let Some(&files) = FILES.get() {
        // SAFETY: a system call on memory of the closure's own.
        unsafe {
            command.pre_exec(move || {
                libc::setrlimit(libc::RLIMIT_NOFILE, &files);
                Ok(())
            });
        }
    }
    let started = command.spawn();
    // The last of this process's hands on what the keeper listens with.
    drop(command);
    if let Err(error) = started {
        let _ = fs::remove_file(&socket);
        return Err(error);
    }
    Ok((socket, stream))
}

/// Is a keeper until it is needed no more: what a runner runs when its own has died. Standard input
/// is the connection to the runner, standard output the lock that they share, and standard error what
/// it listens with.
///
/// # Errors
/// If the system fails.
pub fn serve(socket: &Path, limits: StepLimits) -> io::Result<()> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let held = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let no_folder = || io::Error::from(io::ErrorKind::InvalidInput);
    let data_dir = socket.ancestors().nth(2).ok_or_else(no_folder)?;
    let listener = UnixListener::from(io::stderr().as_fd().try_clone_to_owned()?);
    Keeper::new(data_dir, listener, socket.to_owned(), held, stream, limits)?.run()
}

fn listen(socket: &Path) -> io::Result<UnixListener> {
    // Under its own name only when it listens: what can't be connected to counts as dead.
    let new = unready(socket);
    let (address, _folder) = address(&new)?;
    let listener = UnixListener::bind(address)?;
    fs::rename(new, socket)?;
    Ok(listener)
}

/// What a socket is called before anybody listens.
pub(super) fn unready(socket: &Path) -> PathBuf {
    socket.with_extension("new")
}

/// The sockets of all keepers of dead runners that have left anything in a data directory, also where
/// they themselves are gone.
pub(super) fn traces(data_dir: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let entries = match fs::read_dir(data_dir.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let owner = path.file_name().and_then(|name| name.to_str());
        let owner = owner.and_then(|name| OwnerId::parse(name.split_once('.')?.0));
        if let Some(owner) = owner
            && !argosy_store::owner_lives(data_dir, &owner).map_err(io::Error::other)?
        {
            found.insert(path.with_extension("sock"));
        }
    }
    Ok(found)
}

/// Tells all keepers of a data directory that nobody wants a run any more: what they have of it ends
/// and is forgotten. A keeper that can't be told is dead, and what it left is swept up by the next
/// runner.
pub fn discard_run(data_dir: &Path, run: RunId) {
    let mut frame = Vec::new();
    if put_frame(&mut frame, &Order::Discard(run)).is_err() {
        return;
    }
    for socket in sockets(data_dir) {
        let stream = address(&socket).and_then(|(address, _folder)| UnixStream::connect(address));
        let _ = stream.and_then(|mut stream| stream.write_all(&frame));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keeper_that_is_being_started_is_found_by_other_runners() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let owner = OwnerLock::create(directory.path()).expect("an owner");
        let folder = directory.path().join(FOLDER);
        fs::create_dir(&folder).expect("a folder");
        let dead = folder.join(format!("{}.sock", owner.id()));
        // Takes its time until the connection to its runner ends, and serves nobody.
        let program: Vec<OsString> = ["sh", "-c", "read line"].map(OsString::from).to_vec();
        let (socket, stream) = start_again(&program, &dead, &owner).expect("started");
        assert_eq!(sockets(directory.path()), std::slice::from_ref(&socket));
        let other = UnixStream::connect(&socket).expect("it can be connected to");
        drop(stream);
        // Ends with the program, which nobody else holds the socket for.
        let mut other = other;
        let mut byte = [0];
        let ended = io::Read::read(&mut other, &mut byte);
        assert!(!matches!(ended, Ok(1)), "nobody answers");
        let refused = UnixStream::connect(&socket).expect_err("nobody is there");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_program_that_can_not_be_run_leaves_no_socket() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let owner = OwnerLock::create(directory.path()).expect("an owner");
        fs::create_dir(directory.path().join(FOLDER)).expect("a folder");
        let dead = directory.path().join(FOLDER).join("1-a.sock");
        let program = [OsString::from("/nowhere/argosy")];
        assert!(start_again(&program, &dead, &owner).is_err());
        assert!(sockets(directory.path()).is_empty());
    }
}
