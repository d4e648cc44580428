//! A cgroup for each step's process, where this user may make one: with it ends all that the
//! process has begun, whatever it did to hide.
//!
//! One that was left empty is used again by the next step, since making one costs as much as starting
//! a process. One that had to be killed is not: Linux kills what begins in such a cgroup, at least up
//! to 6.18, as if it had been forked while the cgroup was killed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How names of keepers' cgroups begin.
pub(super) const PREFIX: &str = "argosy-steps-";

/// The file that kills all processes of a cgroup.
const KILL: &str = "cgroup.kill";

/// The file that says which controllers the cgroups in one have.
const CHOSEN: &str = "cgroup.subtree_control";

/// The controller that counts processes, and its file that says how many there may be.
const COUNTS: &str = "pids";
const MOST: &str = "pids.max";

/// How long it may take until what was killed is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The cgroups of a keeper.
pub(super) struct Cgroups {
    folder: PathBuf,
    /// Locked for as long as the keeper lives.
    _held: File,
    record: PathBuf,
    free: Vec<Cgroup>,
    /// Those that were killed; they are removed when nothing is left in them.
    spent: Vec<PathBuf>,
    made: u32,
    most_processes: Option<u32>,
}

/// The cgroup of one process.
pub(super) struct Cgroup {
    path: PathBuf,
    folder: File,
    /// The processes that are in it.
    processes: File,
}

impl Cgroup {
    /// What the kernel is told to put a process into it.
    pub(super) fn as_raw_fd(&self) -> RawFd {
        self.folder.as_raw_fd()
    }
}

impl Cgroups {
    /// `None` where this user can't make any. `socket` names the keeper, and beside it stands where
    /// its cgroups are.
    pub(super) fn new(socket: &Path, most_processes: Option<u32>) -> Option<Self> {
        if !crate::spawn::takes_cgroups() {
            return None;
        }
        let own = own_folder()?;
        let folder = own.join(format!("{PREFIX}{}", super::name(socket)));
        let record = record(socket);
        // First the record, so that none is made that nobody finds again.
        fs::write(&record, folder.as_os_str().as_encoded_bytes()).ok()?;
        let held = fs::create_dir(&folder).and_then(|()| {
            let held = File::open(&folder)?;
            held.lock()?;
            Ok(held)
        });
        let made = held.ok().map(|held| Self {
            _held: held,
            // Who asked for it was told before where it can't be done.
            most_processes: most_processes.filter(|_| count_in(&[&own, &folder]).is_ok()),
            folder,
            record: record.clone(),
            free: Vec::new(),
            spent: Vec::new(),
            made: 0,
        });
        if made.is_none() {
            let _ = fs::remove_file(record);
        }
        let mut made = made?;
        let first = made.take()?;
        // The kernel may be too old to kill by cgroup (before Linux 5.14).
        let is_able = first.path.join(KILL).exists();
        made.free.push(first);
        is_able.then_some(made)
    }

    /// One for a new process.
    pub(super) fn take(&mut self) -> Option<Cgroup> {
        if let Some(free) = self.free.pop() {
            return Some(free);
        }
        let path = self.folder.join(self.made.to_string());
        fs::create_dir(&path).ok()?;
        self.made += 1;
        if let Some(most) = self.most_processes {
            fs::write(path.join(MOST), most.to_string()).ok()?;
        }
        Some(Cgroup {
            processes: File::open(path.join("cgroup.procs")).ok()?,
            folder: File::open(&path).ok()?,
            path,
        })
    }

    /// Takes one back whose process has ended, which is not reaped yet, and kills what that has
    /// left.
    pub(super) fn give_back(&mut self, cgroup: Cgroup, ended: Option<u32>) {
        if is_left_empty(&cgroup.processes, ended) && has_no_folders(&cgroup.folder) {
            self.free.push(cgroup);
            return;
        }
        kill(&cgroup.path);
        self.spent.push(cgroup.path);
        // What was killed takes a moment to be gone, so it is mostly those from before that go.
        self.spent.retain(|path| remove_empty(path).is_err());
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        self.free.clear();
        remove(&self.folder);
        let _ = fs::remove_file(&self.record);
    }
}

/// Has processes counted in what is made below these folders.
fn count_in(folders: &[&Path]) -> io::Result<()> {
    for folder in folders {
        let chosen = folder.join(CHOSEN);
        let is_counted = |text: String| text.split_whitespace().any(|name| name == COUNTS);
        if !is_counted(fs::read_to_string(&chosen)?) {
            fs::write(&chosen, format!("+{COUNTS}"))?;
        }
    }
    Ok(())
}

/// Whether a keeper that this process starts could say how many processes a step may have.
pub fn processes_can_be_limited() -> bool {
    let has_it = |own: PathBuf| {
        let known = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
        known.split_whitespace().any(|name| name == COUNTS) && count_in(&[&own]).is_ok()
    };
    crate::spawn::takes_cgroups() && own_folder().is_some_and(has_it)
}

/// Whether nobody is in a cgroup but the one that has ended.
fn is_left_empty(processes: &File, ended: Option<u32>) -> bool {
    let mut text = [0; 64];
    // Two process IDs fit; what doesn't is more than one.
    let Ok(count) = processes.read_at(&mut text, 0) else {
        return false;
    };
    let text = std::str::from_utf8(&text[..count]).unwrap_or("?");
    text.lines()
        .all(|line| line.parse().is_ok_and(|pid: u32| Some(pid) == ended))
}

/// Whether a process has made no cgroups of its own: each counts as a link.
fn has_no_folders(folder: &File) -> bool {
    folder.metadata().is_ok_and(|folder| folder.nlink() <= 2)
}

fn kill(folder: &Path) {
    let file = File::options().write(true).open(folder.join(KILL));
    // Where there is no such file there is no process either.
    let _ = file.and_then(|mut kill| kill.write_all(b"1"));
}

/// Kills what the processes of a dead keeper have left in their cgroups, and removes those.
pub(super) fn sweep(socket: &Path) {
    let record = record(socket);
    let Ok(folder) = fs::read_to_string(&record).map(PathBuf::from) else {
        return;
    };
    let name = folder.file_name().and_then(|name| name.to_str());
    if name.is_some_and(|name| name.starts_with(PREFIX)) {
        remove(&folder);
    }
    let _ = fs::remove_file(record);
}

pub(super) fn remove(folder: &Path) {
    kill(folder);
    let end = Instant::now() + PATIENCE;
    // A process that was killed takes a moment to be gone.
    while remove_empty(folder).is_err() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Removes a cgroup with those in it, if nobody is in any.
fn remove_empty(folder: &Path) -> io::Result<()> {
    let mut found = vec![folder.to_owned()];
    let mut looked = 0;
    while let Some(folder) = found.get(looked) {
        looked += 1;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
    }
    for folder in found.iter().rev() {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Where it stands which cgroups a keeper has made.
fn record(socket: &Path) -> PathBuf {
    socket.with_extension("cgroup")
}

/// The cgroup that this process is in, as a folder.
pub(super) fn own_folder() -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    folder_of(&own, &mounts)
}

/// The folder of a cgroup, from `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn folder_of(own: &str, mounts: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        if source.split(' ').next()? != "cgroup2" {
            return None;
        }
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        // A part of the tree may be mounted alone.
        let below = Path::new(path).strip_prefix(root).ok()?;
        Some(Path::new(point).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_found_below_its_mount() {
        let hybrid = "33 24 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      34 24 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";
        let part = "34 24 0:30 /user.slice /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw";
        for (own, mounts, expected) in [
            ("1:cpu:/a\n0::/\n", hybrid, Some("/sys/fs/cgroup/unified/")),
            ("0::/a/b\n", hybrid, Some("/sys/fs/cgroup/unified/a/b")),
            ("0::/user.slice/x\n", part, Some("/sys/fs/cgroup/x")),
            ("0::/system.slice\n", part, None),
            ("1:cpu:/\n", hybrid, None),
            ("0::/\n", "", None),
        ] {
            assert_eq!(
                folder_of(own, mounts).as_deref(),
                expected.map(Path::new),
                "{own} {mounts}"
            );
        }
    }

    #[test]
    fn a_cgroup_is_empty_when_only_the_dead_is_in_it() {
        for (processes, ended, expected) in [
            ("", Some(7), true),
            ("7\n", Some(7), true),
            ("8\n", Some(7), false),
            ("7\n8\n", Some(7), false),
            ("8\n", None, false),
            ("", None, true),
            (
                "1234567\n1234568\n1234569\n1234570\n1234571\n1234572\n1234573\n12345678\n",
                Some(7),
                false,
            ),
        ] {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(processes.as_bytes()).expect("written");
            assert_eq!(
                is_left_empty(&file, ended),
                expected,
                "{processes} {ended:?}"
            );
        }
    }

    #[test]
    fn processes_are_counted_where_they_are_not_yet() {
        for (before, after) in [
            ("", "+pids"),
            ("cpu pids\n", "cpu pids\n"),
            ("cpu\n", "+pids"),
        ] {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let folder = directory.path();
            assert!(count_in(&[folder]).is_err(), "it is no cgroup");
            fs::write(folder.join(CHOSEN), before).expect("written");
            count_in(&[folder]).expect("written");
            let found = fs::read_to_string(folder.join(CHOSEN)).expect("read");
            assert_eq!(found, after, "{before}");
        }
    }

    #[test]
    fn what_a_dead_keeper_has_left_is_removed_with_its_record() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let socket = directory.path().join("7-a.sock");
        // A folder stands for the cgroup: that it can be killed is not this test's.
        let folder = directory.path().join("argosy-steps-7-a");
        fs::create_dir_all(folder.join("0")).expect("a folder");
        fs::write(record(&socket), folder.as_os_str().as_encoded_bytes()).expect("a record");
        sweep(&socket);
        assert!(!folder.exists());
        assert!(!record(&socket).exists());
    }

    #[test]
    fn a_record_that_names_no_cgroup_of_ours_harms_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let socket = directory.path().join("7-a.sock");
        let folder = directory.path().join("other");
        fs::create_dir_all(folder.join("0")).expect("a folder");
        fs::write(record(&socket), folder.as_os_str().as_encoded_bytes()).expect("a record");
        sweep(&socket);
        assert!(folder.join("0").exists());
    }
}
