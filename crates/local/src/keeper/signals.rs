//! System calls of the keeper: signals, children, and leaving the terminal.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// Out of the terminal's reach, and the parent of all that steps leave behind.
pub(super) fn leave_terminal() -> io::Result<()> {
    // SAFETY: plain system calls.
    unsafe {
        if libc::setsid() < 0 {
            return Err(io::Error::last_os_error());
        }
        #[cfg(target_os = "linux")]
        {
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
            libc::prctl(libc::PR_SET_NAME, c"argosy-keeper".as_ptr());
        }
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        if null < 0 {
            return Err(io::Error::last_os_error());
        }
        for standard in 0..3 {
            libc::dup2(null, standard);
        }
        if null > 2 {
            libc::close(null);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    Ok(())
}

/// Sends a signal to the group that a step's process leads.
pub(super) fn send_to_group(pid: u32, signal: libc::c_int) {
    // SAFETY: a plain system call; the process has not been reaped, so the group is its own.
    unsafe {
        libc::kill(-(pid as libc::pid_t), signal);
    }
}

/// A child that has ended; it stays until it is reaped.
pub(super) fn ended_child() -> Option<u32> {
    // SAFETY: the structure lives through the call, and a zeroed one is valid.
    unsafe {
        let mut found: libc::siginfo_t = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        if libc::waitid(libc::P_ALL, 0, &mut found, flags) < 0 {
            return None;
        }
        let pid = found.si_pid();
        (pid > 0).then_some(pid as u32)
    }
}

/// Takes a child that has ended away, and gives its exit code; 128 + N where signal N ended it.
pub(super) fn reap(pid: u32) -> i32 {
    let mut status = 0;
    // SAFETY: the status lives through the call.
    unsafe {
        libc::waitpid(pid as libc::pid_t, &mut status, 0);
    }
    if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        128 + libc::WTERMSIG(status)
    }
}

static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_child(_signal: libc::c_int) {
    let pipe = SIGNAL_PIPE.load(Ordering::Relaxed);
    // SAFETY: write may be called from a signal handler.
    unsafe {
        libc::write(pipe, [0u8].as_ptr().cast(), 1);
    }
}

/// Is readable when a child has ended.
pub(super) struct ChildSignals {
    pipe: File,
}

impl ChildSignals {
    pub(super) fn new() -> io::Result<Self> {
        let mut ends = [0; 2];
        // SAFETY: plain system calls; the handler only writes to the pipe.
        unsafe {
            if libc::pipe(ends.as_mut_ptr()) < 0 {
                return Err(io::Error::last_os_error());
            }
            for end in ends {
                libc::fcntl(end, libc::F_SETFL, libc::O_NONBLOCK);
                libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
            }
            SIGNAL_PIPE.store(ends[1], Ordering::Relaxed);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_child as *const () as usize;
            action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
            if libc::sigaction(libc::SIGCHLD, &action, std::ptr::null_mut()) < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self {
                pipe: File::from_raw_fd(ends[0]),
            })
        }
    }

    /// Takes in the signals so far.
    pub(super) fn drain(&mut self) {
        let mut buffer = [0; 4_096];
        while matches!(self.pipe.read(&mut buffer), Ok(count) if count == buffer.len()) {}
    }
}

impl AsRawFd for ChildSignals {
    fn as_raw_fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}
