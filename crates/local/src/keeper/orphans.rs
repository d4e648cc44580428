//! What steps leave behind. Their processes become the keeper's children when their parents end;
//! those of steps that are over are killed.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use argosy_engine::ids::PodKey;

/// The variable that marks the processes of a step.
const COOKIE: &str = "ARGOSY_STEP";

/// What marks a step's processes: the keeper's name and the pod.
pub(super) fn cookie(keeper: &str, key: PodKey) -> String {
    format!(
        "{COOKIE}={keeper}/{}/{}/{}",
        key.run.0, key.node.0, key.incarnation
    )
}

/// When to look for orphans: looking means reading the table of processes, so it is done a while
/// after a step has ended, for all that ended meanwhile.
#[derive(Default)]
pub(super) struct Orphans {
    due: Option<Instant>,
}

/// Looking takes at most a twentieth of the time.
const SHARE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

impl Orphans {
    /// A step has ended.
    pub(super) fn step_ended(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + PAUSE);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Kills the orphans of steps that are over, if it is time. `is_root` tells the processes that
    /// steps began with, and `runs` the pods that are not over.
    pub(super) fn look(
        &mut self,
        now: Instant,
        is_root: &dyn Fn(u32) -> bool,
        runs: &dyn Fn(&str) -> bool,
        none_runs: bool,
    ) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        let mut more = false;
        for orphan in children().into_iter().filter(|child| !is_root(child.pid)) {
            // A living step's session, or its mark, tells that it is the step's.
            if is_root(orphan.session) {
                continue;
            }
            let mark = mark_of(orphan.pid);
            if mark.as_deref().is_some_and(runs) {
                continue;
            }
            more = true;
            // What has wiped its environment is known to be nobody's only when no step runs.
            if mark.is_some() || none_runs {
                // SAFETY: a plain system call; the process is a child, so its ID is not reused.
                unsafe {
                    libc::kill(orphan.pid as libc::pid_t, libc::SIGKILL);
                }
            }
        }
        if more {
            // What it leaves behind in turn comes next.
            self.due = Some(Instant::now() + (now.elapsed() * SHARE).max(PAUSE));
        }
    }
}

struct Orphan {
    pid: u32,
    session: u32,
}

/// The living children of this process.
#[cfg(target_os = "linux")]
fn children() -> Vec<Orphan> {
    let me = std::process::id();
    processes()
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name stands in parentheses and may hold anything.
            let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
            let is_dead = fields.next()? == "Z";
            let parent: u32 = fields.next()?.parse().ok()?;
            let session: u32 = fields.nth(1)?.parse().ok()?;
            (parent == me && !is_dead).then_some(Orphan { pid, session })
        })
        .collect()
}

#[cfg(target_os = "linux")]
fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The mark of a process: what follows the variable's name.
#[cfg(target_os = "linux")]
fn mark_of(pid: u32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment
        .split(|&byte| byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok())
        .find_map(|variable| variable.strip_prefix(COOKIE)?.strip_prefix('='))
        .map(str::to_owned)
}

/// Other systems have no subreaper: orphans are not the keeper's.
#[cfg(not(target_os = "linux"))]
fn children() -> Vec<Orphan> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn mark_of(_pid: u32) -> Option<String> {
    None
}

/// How long it may take until what was killed is gone.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_secs(5);

/// Kills all that a dead keeper's steps have left, and waits until it is gone: killing one process
/// may make another, which was being made, appear, and a process holds its files for a moment after
/// it was killed.
#[cfg(target_os = "linux")]
pub(super) fn sweep(keeper: &str) {
    let mine = format!("{keeper}/");
    let end = Instant::now() + PATIENCE;
    let mut killed = BTreeSet::new();
    loop {
        let found = processes().filter(|pid| {
            let mark = mark_of(*pid);
            mark.is_some_and(|mark| mark.starts_with(&mine))
        });
        let mut more = false;
        for pid in found {
            more = true;
            let Some(since) = living_since(pid) else {
                continue;
            };
            // SAFETY: a plain system call.
            unsafe {
                libc::kill(pid as libc::pid_t, libc::SIGKILL);
            }
            killed.insert((pid, since));
        }
        // One that is dying has no environment any more, but may have its files.
        killed.retain(|(pid, since)| living_since(*pid).as_ref() == Some(since));
        if (!more && killed.is_empty()) || Instant::now() >= end {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// When a process has begun, in the kernel's words; `None` once it is dead, with all that it held
/// given back.
#[cfg(target_os = "linux")]
fn living_since(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    // The 20th and the 22nd field of all. The first thread may die before the others.
    let threads: i64 = fields.nth(16)?.parse().ok()?;
    let since = fields.nth(1)?.to_owned();
    (!is_dead || threads > 1).then_some(since)
}

/// Other systems show nobody the environment of a process.
#[cfg(not(target_os = "linux"))]
pub(super) fn sweep(_keeper: &str) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_is_swept_is_dead_when_that_is_said() {
        let keeper = format!("test-{}", std::process::id());
        let mut steps: Vec<_> = (0..20)
            .map(|node| {
                Command::new("sleep")
                    .arg("1000")
                    .env(COOKIE, format!("{keeper}/1/{node}/0"))
                    .spawn()
                    .expect("started")
            })
            .collect();
        let mut other = Command::new("sleep")
            .arg("1000")
            .env(COOKIE, format!("{keeper}.1/1/0/0"))
            .spawn()
            .expect("started");
        sweep(&keeper);
        let alive: Vec<u32> = steps
            .iter()
            .map(std::process::Child::id)
            .filter(|pid| living_since(*pid).is_some())
            .collect();
        let other_lives = living_since(other.id()).is_some();
        for child in steps.iter_mut().chain([&mut other]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        assert!(alive.is_empty(), "{alive:?}");
        assert!(other_lives, "another keeper's is left alone");
    }
}
