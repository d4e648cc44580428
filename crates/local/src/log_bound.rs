//! How much of a log is kept.
//!
//! Steps write their logs themselves, at their ends. Of a log that has become too long the keeper gives
//! the beginning back to the file system, as a hole: what is kept stays where it is, so that whoever
//! reads on finds its place. (Kubernetes begins another file and deletes the oldest.)

use std::fs::File;
use std::io;
use std::path::Path;

/// Holes begin and end at such places in any file system.
const PAGE: u64 = 4_096;

/// Gives back what stands before the last `most` bytes of a log.
///
/// # Errors
/// If there is no log, or its file system knows no holes.
pub(crate) fn bound(log: &Path, size: u64, most: u64) -> io::Result<()> {
    let gone = size.saturating_sub(most) / PAGE * PAGE;
    if gone == 0 {
        return Ok(());
    }
    let file = File::options().write(true).open(log)?;
    punch(&file, gone)
}

#[cfg(target_os = "linux")]
fn punch(file: &File, end: u64) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let length = libc::off_t::try_from(end).map_err(io::Error::other)?;
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: a plain system call.
    match unsafe { libc::fallocate(file.as_raw_fd(), mode, 0, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(target_os = "linux"))]
fn punch(_file: &File, _end: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The first place from this one on that is kept. Leaves the file at it.
#[cfg(target_os = "linux")]
pub(crate) fn first_kept(file: &File, from: u64) -> u64 {
    use std::os::fd::AsRawFd;
    let Ok(offset) = libc::off_t::try_from(from) else {
        return from;
    };
    // SAFETY: a plain system call. Where there are no holes, or nothing more, it changes nothing.
    let found = unsafe { libc::lseek(file.as_raw_fd(), offset, libc::SEEK_DATA) };
    u64::try_from(found).unwrap_or(from)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn first_kept(_file: &File, from: u64) -> u64 {
    from
}
