//! What happens between the keeper and the step's program.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;

use super::mounts::Mounts;

/// The stack on which a child prepares itself.
#[cfg(target_os = "linux")]
const STACK_BYTES: usize = 64 << 10;

/// Signals that a program may have been begun to ignore, or that the keeper does something about.
const DEFAULT: [libc::c_int; 6] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGPIPE,
    libc::SIGTERM,
    libc::SIGCHLD,
];

/// Why a process could not be started.
pub(super) enum Failed {
    /// There could be no process.
    Process(io::Error),
    /// Its mounts could not be made.
    Namespace(io::Error),
    /// Its working directory can't be entered.
    Directory(io::Error),
    /// Its program can't be run.
    Program(io::Error),
}

/// How far the child had come when it failed.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Step {
    Session = 1,
    Namespace,
    Directory,
    Program,
}

/// A process, prepared so that only system calls are left to be made in it.
pub(super) struct Child<'a> {
    programs: Vec<*const libc::c_char>,
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
    directory: &'a CStr,
    mounts: Option<&'a Mounts>,
    error_output: libc::c_int,
    output: libc::c_int,
    /// That of this process if none.
    pub umask: Option<u32>,
    #[cfg(target_os = "linux")]
    parent: libc::pid_t,
    /// Set by the child when it fails: how far it was, and the error's number.
    failure: Option<(Step, i32)>,
    /// Where a child that shares no memory says so.
    #[cfg(not(target_os = "linux"))]
    failures: libc::c_int,
}

impl<'a> Child<'a> {
    pub(super) fn new(
        programs: &'a [CString],
        arguments: &'a [CString],
        environment: &[&'a CString],
        directory: &'a CStr,
        mounts: Option<&'a Mounts>,
        error_output: libc::c_int,
        output: libc::c_int,
    ) -> Self {
        let end = [std::ptr::null()];
        Self {
            programs: programs.iter().map(|text| text.as_ptr()).collect(),
            arguments: arguments
                .iter()
                .map(|text| text.as_ptr())
                .chain(end)
                .collect(),
            environment: environment
                .iter()
                .map(|text| text.as_ptr())
                .chain(end)
                .collect(),
            directory,
            mounts,
            error_output,
            output,
            umask: None,
            // SAFETY: this can't fail.
            #[cfg(target_os = "linux")]
            parent: unsafe { libc::getpid() },
            failure: None,
            #[cfg(not(target_os = "linux"))]
            failures: -1,
        }
    }

    /// Starts it, and comes back when its program runs or can't be run. Tells whether it is in the
    /// cgroup: one that doesn't take it is no reason not to start it.
    pub(super) fn start(&mut self, cgroup: Option<RawFd>) -> Result<(u32, bool), Failed> {
        // SAFETY: the sets live through the calls. No signal must reach the child while it has the
        // keeper's handlers.
        let before = unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::sigprocmask(libc::SIG_SETMASK, &all, &mut before);
            before
        };
        let result = match cgroup.map(|cgroup| self.begin_in(cgroup)) {
            Some(Ok(pid)) => Ok((pid, true)),
            Some(Err(_)) | None => self.begin().map(|pid| (pid, false)),
        };
        // SAFETY: the set lives through the call.
        unsafe {
            libc::sigprocmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        }
        let (pid, in_cgroup) = result.map_err(Failed::Process)?;
        let Some((step, number)) = self.failure.take() else {
            return Ok((pid as u32, in_cgroup));
        };
        // SAFETY: the child has ended, and is this process's.
        unsafe {
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
        let error = io::Error::from_raw_os_error(number);
        Err(match step {
            Step::Session => Failed::Process(error),
            Step::Namespace => Failed::Namespace(error),
            Step::Directory => Failed::Directory(error),
            Step::Program => Failed::Program(error),
        })
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn begin_in(&mut self, cgroup: RawFd) -> io::Result<libc::pid_t> {
        let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
        // SAFETY: as in `begin`.
        unsafe {
            super::into_cgroup::begin(
                enter,
                std::ptr::from_mut(self).cast(),
                stack.as_mut_ptr().cast(),
                STACK_BYTES,
                cgroup,
            )
        }
    }

    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    fn begin_in(&mut self, _cgroup: RawFd) -> io::Result<libc::pid_t> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    #[cfg(target_os = "linux")]
    fn begin(&mut self) -> io::Result<libc::pid_t> {
        let mut stack: Vec<u128> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
        // SAFETY: the child runs on a stack of its own, which lives until it has left it: with
        // CLONE_VFORK this thread goes on only after that. `self` is used by nobody meanwhile.
        let pid = unsafe {
            let top = stack.as_mut_ptr().byte_add(STACK_BYTES);
            libc::clone(
                enter,
                top.cast(),
                libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
                std::ptr::from_mut(self).cast(),
            )
        };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(pid)
    }

    #[cfg(not(target_os = "linux"))]
    fn begin(&mut self) -> io::Result<libc::pid_t> {
        use std::io::Read;
        use std::os::fd::AsRawFd;
        let (mut told, telling) = super::pipe()?;
        self.failures = telling.as_raw_fd();
        // SAFETY: the keeper has one thread, and the child makes only system calls.
        let pid = unsafe { libc::fork() };
        match pid {
            -1 => return Err(io::Error::last_os_error()),
            0 => {
                enter(std::ptr::from_mut(self).cast());
                // SAFETY: ends the child without running what the keeper has registered.
                unsafe { libc::_exit(127) }
            }
            _ => {}
        }
        drop(telling);
        // The pipe's end arrives when the program runs, or with the child's own.
        // SAFETY: a plain system call.
        unsafe {
            libc::fcntl(told.as_raw_fd(), libc::F_SETFL, 0);
        }
        let mut bytes = [0; 5];
        if told.read_exact(&mut bytes).is_ok() {
            let step = match bytes[0] {
                1 => Step::Session,
                2 => Step::Namespace,
                3 => Step::Directory,
                _ => Step::Program,
            };
            let number = i32::from_ne_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
            self.failure = Some((step, number));
        }
        Ok(pid)
    }

    /// Runs in the child. Comes back only if it fails.
    fn run(&self) -> (Step, i32) {
        let failed = |step| (step, io::Error::last_os_error().raw_os_error().unwrap_or(0));
        // SAFETY: plain system calls on prepared memory.
        unsafe {
            if libc::setsid() < 0 {
                return failed(Step::Session);
            }
            #[cfg(target_os = "linux")]
            {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                    return failed(Step::Session);
                }
                // The keeper may have died before it said so.
                if libc::getppid() != self.parent {
                    libc::_exit(127);
                }
            }
            let standard = [(self.output, 1), (self.error_output, 2)];
            if standard.iter().any(|&(from, to)| libc::dup2(from, to) < 0) {
                return failed(Step::Session);
            }
            if let Some(mounts) = self.mounts
                && let Err(error) = mounts.enter()
            {
                return (Step::Namespace, error.raw_os_error().unwrap_or(0));
            }
            // After the mounts: one of them may cover the working directory.
            if libc::chdir(self.directory.as_ptr()) < 0 {
                return failed(Step::Directory);
            }
            if let Some(umask) = self.umask {
                libc::umask(umask as libc::mode_t);
            }
            // As in a container: what this program was begun to ignore, a step may not know of.
            for signal in DEFAULT {
                libc::signal(signal, libc::SIG_DFL);
            }
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
            // As the shell does it: a file that may not be run is remembered, and the search goes on.
            let mut error = (Step::Program, libc::ENOENT);
            for &program in &self.programs {
                libc::execve(program, self.arguments.as_ptr(), self.environment.as_ptr());
                let (step, number) = failed(Step::Program);
                match number {
                    libc::ENOENT | libc::ENOTDIR => {}
                    libc::EACCES => error = (step, number),
                    _ => return (step, number),
                }
            }
            error
        }
    }
}

extern "C" fn enter(child: *mut libc::c_void) -> libc::c_int {
    // SAFETY: it points to the `Child` that was handed over, which outlives this.
    let child = unsafe { &mut *child.cast::<Child<'_>>() };
    let failure = child.run();
    child.failure = Some(failure);
    #[cfg(not(target_os = "linux"))]
    {
        let mut bytes = [failure.0 as u8, 0, 0, 0, 0];
        bytes[1..].copy_from_slice(&failure.1.to_ne_bytes());
        // SAFETY: the bytes live through the call.
        unsafe {
            libc::write(child.failures, bytes.as_ptr().cast(), bytes.len());
        }
    }
    127
}
