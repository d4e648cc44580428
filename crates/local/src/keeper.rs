//! The keeper: one small process that is the parent of all steps of a runner.
//!
//! It is forked before the runner has threads, starts steps as slots become free, holds their exit
//! statuses until the runner has committed them, and outlives a killed runner: the next one
//! connects to its socket. When it dies, its steps are killed.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_engine::ids::PodKey;

use crate::protocol::{End, Order, Report, Spawn, take_frame, write_frame};
use crate::spawn::spawn;

/// The folder of keepers' sockets inside a data directory.
pub const FOLDER: &str = "keepers";

/// How long a keeper without steps waits for a runner.
const LINGER: Duration = Duration::from_secs(2);

/// Forks a keeper. Must be called before the process has threads.
///
/// # Errors
/// If the socket can't be made or the process not be forked.
pub fn fork(data_dir: &Path) -> io::Result<PathBuf> {
    let folder = data_dir.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let socket = folder.join(format!("{}.sock", std::process::id()));
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket)?;
    // SAFETY: the process has one thread, so the child may go on as it likes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let code = match Keeper::new(listener, socket).and_then(|mut keeper| keeper.run()) {
                Ok(()) => 0,
                Err(_) => 1,
            };
            std::process::exit(code);
        }
        _ => Ok(socket),
    }
}

/// The sockets of keepers in a data directory.
pub fn sockets(data_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data_dir.join(FOLDER)) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "sock")
        })
        .collect();
    found.sort();
    found
}

struct Running {
    spawn: Spawn,
    started_at: i64,
    deadline: Option<Instant>,
    deadline_exceeded: bool,
    /// When it is killed, once it was told to end.
    kill_at: Option<Instant>,
}

struct Keeper {
    listener: UnixListener,
    socket: PathBuf,
    client: Option<UnixStream>,
    input: Vec<u8>,
    output: VecDeque<u8>,
    waiting: VecDeque<Spawn>,
    running: BTreeMap<u32, Running>,
    ended: BTreeMap<PodKey, End>,
    known: std::collections::BTreeSet<PodKey>,
    slots: u32,
    used: u32,
    child_signals: libc::c_int,
    alone_since: Instant,
}

impl Keeper {
    fn new(listener: UnixListener, socket: PathBuf) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        leave_terminal()?;
        Ok(Self {
            listener,
            socket,
            client: None,
            input: Vec::new(),
            output: VecDeque::new(),
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            ended: BTreeMap::new(),
            known: std::collections::BTreeSet::new(),
            slots: 0,
            used: 0,
            child_signals: child_signals()?,
            alone_since: Instant::now(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        loop {
            self.wait()?;
            self.accept();
            self.read_orders();
            self.reap();
            self.enforce();
            self.start_next();
            self.write_reports();
            let alone = self.client.is_none() && self.running.is_empty() && self.waiting.is_empty();
            if !alone {
                self.alone_since = Instant::now();
            } else if self.ended.is_empty() && self.alone_since.elapsed() >= LINGER {
                let _ = fs::remove_file(&self.socket);
                return Ok(());
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        let client = self.client.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let events = if self.output.is_empty() {
            libc::POLLIN
        } else {
            libc::POLLIN | libc::POLLOUT
        };
        let entry = |fd, events| libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        let mut list = [
            entry(self.listener.as_raw_fd(), libc::POLLIN),
            entry(client, events),
            entry(self.child_signals, libc::POLLIN),
        ];
        let timeout = self.time_to_wait().map_or(1_000, |wait| {
            i32::try_from(wait.as_millis()).unwrap_or(1_000).min(1_000)
        });
        // SAFETY: the list lives through the call.
        let result = unsafe { libc::poll(list.as_mut_ptr(), list.len() as libc::nfds_t, timeout) };
        if result < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(())
    }

    fn time_to_wait(&self) -> Option<Duration> {
        self.running
            .values()
            .flat_map(|running| [running.deadline, running.kill_at])
            .flatten()
            .min()
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// One runner at a time: another one is turned away while the first lives.
    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.client.is_some() || stream.set_nonblocking(true).is_err() {
                continue;
            }
            self.client = Some(stream);
            self.input.clear();
            self.output.clear();
            self.report(&Report::Ready);
        }
    }

    fn read_orders(&mut self) {
        let mut chunk = [0; 65_536];
        let mut gone = false;
        if let Some(client) = &mut self.client {
            loop {
                match client.read(&mut chunk) {
                    Ok(0) => {
                        gone = true;
                        break;
                    }
                    Ok(count) => self.input.extend_from_slice(&chunk[..count]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => {
                        gone = true;
                        break;
                    }
                }
            }
        }
        loop {
            match take_frame::<Order>(&mut self.input) {
                Ok(Some(order)) => self.obey(order),
                Ok(None) => break,
                Err(_) => {
                    gone = true;
                    break;
                }
            }
        }
        if gone {
            self.client = None;
            self.input.clear();
            self.output.clear();
            self.alone_since = Instant::now();
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Spawn(spawn) => {
                if self.known.insert(spawn.key) {
                    self.waiting.push_back(*spawn);
                }
            }
            Order::Stop { key, grace_seconds } => self.stop(key, grace_seconds),
            Order::Acknowledge(keys) => {
                for key in keys {
                    self.ended.remove(&key);
                    self.known.remove(&key);
                }
            }
            Order::Inventory => self.inventory(),
            Order::Slots(slots) => self.slots = slots,
        }
    }

    fn stop(&mut self, key: PodKey, grace_seconds: u32) {
        if let Some(place) = self.waiting.iter().position(|spawn| spawn.key == key) {
            self.waiting.remove(place);
            self.known.remove(&key);
            self.report(&Report::Dropped(key));
            return;
        }
        let found = self
            .running
            .iter_mut()
            .find(|(_, running)| running.spawn.key == key);
        if let Some((&pid, running)) = found {
            signal_group(pid, libc::SIGTERM);
            let at = Instant::now() + Duration::from_secs(u64::from(grace_seconds));
            running.kill_at = Some(running.kill_at.map_or(at, |before| before.min(at)));
        }
    }

    fn inventory(&mut self) {
        let mut keys: Vec<PodKey> = self.waiting.iter().map(|spawn| spawn.key).collect();
        let started: Vec<Report> = self
            .running
            .values()
            .map(|running| Report::Started {
                key: running.spawn.key,
                at: running.started_at,
            })
            .collect();
        keys.extend(self.running.values().map(|running| running.spawn.key));
        keys.extend(self.ended.keys());
        let ended: Vec<Report> = self.ended.values().cloned().map(Report::Ended).collect();
        for report in started.iter().chain(&ended) {
            self.report(report);
        }
        self.report(&Report::InventoryEnd(keys));
    }

    /// Starts what waits, as long as there are slots.
    fn start_next(&mut self) {
        while let Some(next) = self.waiting.front() {
            let fits = self.used == 0 || self.used + next.slots <= self.slots;
            if !fits || self.slots == 0 {
                return;
            }
            let Some(next) = self.waiting.pop_front() else {
                return;
            };
            let at = seconds_now();
            match spawn(&next) {
                Ok(pid) => {
                    self.used += next.slots;
                    self.report(&Report::Started { key: next.key, at });
                    let deadline = next
                        .deadline_seconds
                        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
                    self.running.insert(
                        pid,
                        Running {
                            spawn: next,
                            started_at: at,
                            deadline,
                            deadline_exceeded: false,
                            kill_at: None,
                        },
                    );
                }
                Err(error) => self.end(End {
                    key: next.key,
                    exit_code: 128,
                    error: Some(start_error(&next, &error)),
                    deadline_exceeded: false,
                    started_at: at,
                    finished_at: at,
                }),
            }
        }
    }

    fn end(&mut self, end: End) {
        self.report(&Report::Ended(end.clone()));
        self.ended.insert(end.key, end);
    }

    /// Takes in the processes that have ended, orphans of steps among them.
    fn reap(&mut self) {
        drain(self.child_signals);
        loop {
            let mut status = 0;
            // SAFETY: the status lives through the call.
            let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
            if pid <= 0 {
                return;
            }
            let Some(running) = self.running.remove(&(pid as u32)) else {
                continue;
            };
            // What a step leaves behind ends with it.
            signal_group(pid as u32, libc::SIGKILL);
            self.used -= running.spawn.slots;
            let exit_code = if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                128 + libc::WTERMSIG(status)
            };
            self.end(End {
                key: running.spawn.key,
                exit_code,
                error: None,
                deadline_exceeded: running.deadline_exceeded,
                started_at: running.started_at,
                finished_at: seconds_now(),
            });
        }
    }

    /// Ends what has run for as long as it may, and kills what does not end.
    fn enforce(&mut self) {
        let now = Instant::now();
        for (&pid, running) in &mut self.running {
            if running.deadline.is_some_and(|at| at <= now) {
                running.deadline = None;
                running.deadline_exceeded = true;
                signal_group(pid, libc::SIGTERM);
                running.kill_at.get_or_insert(now + Duration::from_secs(30));
            }
            if running.kill_at.is_some_and(|at| at <= now) {
                running.kill_at = None;
                signal_group(pid, libc::SIGKILL);
            }
        }
    }

    fn report(&mut self, report: &Report) {
        if self.client.is_some() {
            let mut frame = Vec::new();
            if write_frame(&mut frame, report).is_ok() {
                self.output.extend(frame);
            }
        }
    }

    fn write_reports(&mut self) {
        let Some(client) = &mut self.client else {
            return;
        };
        while !self.output.is_empty() {
            let (front, _) = self.output.as_slices();
            match client.write(front) {
                Ok(0) => return,
                Ok(count) => {
                    self.output.drain(..count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Gone or full: reading tells which.
                Err(_) => return,
            }
        }
    }
}

/// What people read when a step can't be started.
fn start_error(step: &Spawn, error: &io::Error) -> String {
    let program = step.argv.first().map_or("", String::as_str);
    match error.kind() {
        io::ErrorKind::NotFound if !step.working_directory.is_dir() => format!(
            "StartError: the working directory {} does not exist",
            step.working_directory.display()
        ),
        io::ErrorKind::NotFound => format!(
            "StartError: cannot run \"{program}\": this machine has no such command; under --host a step runs the commands of this machine"
        ),
        _ => format!("StartError: cannot run \"{program}\": {error}"),
    }
}

fn signal_group(pid: u32, signal: libc::c_int) {
    // SAFETY: a plain system call; the group is the session that the step was started in.
    unsafe {
        libc::kill(-(pid as libc::pid_t), signal);
    }
}

fn seconds_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}

/// Out of the terminal's reach, and the parent of all that steps leave behind.
fn leave_terminal() -> io::Result<()> {
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
        if null >= 0 {
            for standard in 0..3 {
                libc::dup2(null, standard);
            }
            if null > 2 {
                libc::close(null);
            }
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    Ok(())
}

static SIGNAL_PIPE: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(-1);

extern "C" fn on_child(_signal: libc::c_int) {
    let pipe = SIGNAL_PIPE.load(std::sync::atomic::Ordering::Relaxed);
    // SAFETY: write may be called from a signal handler.
    unsafe {
        libc::write(pipe, [0u8].as_ptr().cast(), 1);
    }
}

/// A file descriptor that is readable when a child has ended.
fn child_signals() -> io::Result<libc::c_int> {
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
        SIGNAL_PIPE.store(ends[1], std::sync::atomic::Ordering::Relaxed);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_child as *const () as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_NOCLDSTOP;
        if libc::sigaction(libc::SIGCHLD, &action, std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(ends[0])
}

fn drain(pipe: libc::c_int) {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer lives through the call.
    while unsafe { libc::read(pipe, buffer.as_mut_ptr().cast(), buffer.len()) } > 0 {}
}
