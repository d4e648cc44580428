//! Starting a step's process: a session of its own, its output in a file, and, where it declares
//! paths, a mount namespace. Used by the keeper, which has one thread.
//!
//! On Linux the child shares the keeper's memory until it runs the step's program, as with vfork:
//! copying the keeper's page tables for each step would cost a third of the rate. So what runs in
//! the child makes system calls on memory that was prepared before, and nothing else.

mod child;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod into_cgroup;
mod mounts;

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub use mounts::namespaces_work;

use crate::protocol::Process;
use child::{Child, Failed};
use mounts::Mounts;

/// Where programs are looked for when a step's environment doesn't say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether a process can begin inside a cgroup on a machine of this kind: see `into_cgroup`.
pub(crate) const fn takes_cgroups() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// The environment on which that of several steps rests.
#[derive(Default)]
pub(crate) struct Base {
    variables: Vec<(OsString, CString)>,
    umask: Option<u32>,
}

/// Which permissions new files of this process don't get.
pub fn umask() -> u32 {
    // SAFETY: plain system calls. For a moment files are made that only this user sees.
    unsafe {
        let mask = libc::umask(0o077);
        libc::umask(mask);
        // As wide as it has to be on each system.
        #[allow(clippy::useless_conversion)]
        u32::from(mask)
    }
}

impl Base {
    pub(crate) fn new(variables: Vec<(OsString, OsString)>, umask: Option<u32>) -> Self {
        let variables = variables
            .into_iter()
            .filter_map(|(name, value)| {
                // A text with a zero byte can't be in an environment.
                let text = [name.as_bytes(), b"=", value.as_bytes()].concat();
                Some((name, CString::new(text).ok()?))
            })
            .collect();
        Self { variables, umask }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, text) = self.variables.iter().find(|(known, _)| known == name)?;
        text.to_str().ok()?.split_once('=').map(|(_, value)| value)
    }
}

/// A process that has begun.
pub(crate) struct Started {
    /// Its process ID, which is its session's and its group's too.
    pub pid: u32,
    /// Its standard output, where that goes to two places: whoever holds this copies it.
    pub output: Option<Tee>,
    /// Whether it began in the cgroup that was given for it.
    pub in_cgroup: bool,
}

/// A standard output on its way to two files.
pub(crate) struct Tee {
    /// What the step writes arrives here; reading never blocks.
    pub from: File,
    log: File,
    capture: File,
}

impl Tee {
    /// Copies what has arrived. `false` at the end.
    pub(crate) fn copy(&mut self) -> bool {
        use std::io::{Read, Write};
        let mut buffer = [0; 65_536];
        loop {
            match self.from.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    // A full disk must not end the step: what can't be kept is lost to its log.
                    let _ = self.log.write_all(&buffer[..count]);
                    let _ = self.capture.write_all(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
    }
}

/// Starts a process, in a cgroup if one is given that takes it. `cookie` marks its environment, so
/// that what it leaves behind is known without one.
///
/// # Errors
/// Why it could not be started, for people.
pub(crate) fn spawn(
    process: &Process,
    base: &Base,
    cookie: &str,
    cgroup: Option<RawFd>,
) -> Result<Started, String> {
    let program = process.argv.first().map_or("", String::as_str);
    let cannot = |error: &io::Error| cannot_run(program, error);
    let log = open_log(&process.log).map_err(|error| {
        format!(
            "StartError: cannot write the log {}: {error}",
            process.log.display()
        )
    })?;
    let mut tee = None;
    let mut inner_end = None;
    if let Some(capture) = &process.capture {
        let capture = open_log(capture).map_err(|error| cannot(&error))?;
        let (from, to) = pipe().map_err(|error| cannot(&error))?;
        tee = Some(Tee {
            from,
            log: log.try_clone().map_err(|error| cannot(&error))?,
            capture,
        });
        inner_end = Some(to);
    }
    let own = own_variables(process, cookie).map_err(|error| cannot(&error))?;
    let environment: Vec<&CString> = own.iter().chain(inherited(process, base)).collect();
    let arguments = process
        .argv
        .iter()
        .map(|argument| c_string(argument.as_bytes()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| cannot(&error))?;
    let own_path = process.environment.iter().find(|(name, _)| name == "PATH");
    let search = own_path
        .map(|(_, value)| value.as_str())
        .or_else(|| base.get("PATH"))
        .unwrap_or(PATH);
    let programs = candidates(program, search).map_err(|error| cannot(&error))?;
    let directory = c_string(process.working_directory.as_os_str().as_bytes())
        .map_err(|error| cannot(&error))?;
    let mounts = Mounts::new(&process.mounts).map_err(|error| cannot(&error))?;
    let mut child = Child::new(
        &programs,
        &arguments,
        &environment,
        &directory,
        mounts.as_ref(),
        log.as_raw_fd(),
        inner_end
            .as_ref()
            .map_or(log.as_raw_fd(), AsRawFd::as_raw_fd),
    );
    child.umask = base.umask;
    let (pid, in_cgroup) = child
        .start(cgroup)
        .map_err(|failed| why_not_started(&failed, process))?;
    Ok(Started {
        pid,
        output: tee,
        in_cgroup,
    })
}

fn cannot_run(program: &str, error: &io::Error) -> String {
    format!("StartError: cannot run \"{program}\": {error}")
}

/// Why a process could not be started, for people.
fn why_not_started(failed: &Failed, process: &Process) -> String {
    let program = process.argv.first().map_or("", String::as_str);
    let directory = process.working_directory.display();
    match failed {
        Failed::Directory(error) if error.kind() == io::ErrorKind::NotFound => {
            format!("StartError: the working directory {directory} does not exist")
        }
        Failed::Directory(error) => {
            format!("StartError: cannot enter the working directory {directory}: {error}")
        }
        Failed::Program(error) if error.kind() == io::ErrorKind::NotFound => format!(
            "StartError: cannot run \"{program}\": this machine has no such command; under --host a step runs the commands of this machine"
        ),
        Failed::Namespace(error) => {
            format!("StartError: cannot make the step's mount namespace: {error}")
        }
        Failed::Program(error) | Failed::Process(error) => cannot_run(program, error),
    }
}

/// The variables that a process has beside those that it inherits.
fn own_variables(process: &Process, cookie: &str) -> io::Result<Vec<CString>> {
    let own = process.environment.iter();
    let own = own.map(|(name, value)| c_string(format!("{name}={value}").as_bytes()));
    std::iter::once(c_string(cookie.as_bytes()))
        .chain(own)
        .collect()
}

fn inherited<'a>(process: &'a Process, base: &'a Base) -> impl Iterator<Item = &'a CString> {
    let own = process.environment.iter().map(|(name, _)| OsStr::new(name));
    let own: BTreeSet<&OsStr> = own.collect();
    let inherited = base.variables.iter();
    inherited
        .filter(move |(name, _)| !own.contains(name.as_os_str()))
        .map(|(_, text)| text)
}

fn c_string(text: &[u8]) -> io::Result<CString> {
    CString::new(text).map_err(io::Error::other)
}

/// The files that may be meant by a program's name, in the order in which they are tried.
fn candidates(program: &str, search: &str) -> io::Result<Vec<CString>> {
    if program.is_empty() {
        return Err(io::Error::other("there is no command"));
    }
    if program.contains('/') {
        return Ok(vec![CString::new(program)?]);
    }
    search
        .split(':')
        .map(|folder| match folder {
            "" => Ok(CString::new(program)?),
            folder => Ok(CString::new(format!("{folder}/{program}"))?),
        })
        .collect()
}

fn open_log(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).append(true).open(path);
    open().or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        open()
    })
}

/// A pipe: its end for reading, which doesn't block, and its end for writing.
fn pipe() -> io::Result<(File, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: plain system calls; the descriptors are owned by nobody else.
    unsafe {
        if libc::pipe(ends.as_mut_ptr()) < 0 {
            return Err(io::Error::last_os_error());
        }
        for end in ends {
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        libc::fcntl(ends[0], libc::F_SETFL, libc::O_NONBLOCK);
        Ok((File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}
