//! What a keeper has open that is not its own. It outlives its runner, and nothing that the runner
//! held, or was handed by who has started it, may stay held for that long: a lock that says that the
//! runner lives, a pipe whose reader waits for its end.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Where the open files of this process are listed.
const OPEN: &str = if cfg!(target_os = "linux") {
    "/proc/self/fd"
} else {
    "/dev/fd"
};

/// Closes all files of this process but the standard ones and these.
///
/// # Errors
/// If the system doesn't say which there are.
pub(super) fn close_all_but(kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    let kept: Vec<RawFd> = kept.iter().map(AsRawFd::as_raw_fd).collect();
    // Listed to the end before the first is closed: the list is one of them.
    let open: Vec<RawFd> = fs::read_dir(OPEN)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for file in open {
        if file > libc::STDERR_FILENO && !kept.contains(&file) {
            // SAFETY: a plain system call. Whatever else of this process knows the number never uses
            // it: the keeper's loop is all that runs from now on, and it ends without dropping what
            // its runner has made.
            unsafe {
                libc::close(file);
            }
        }
    }
    Ok(())
}
