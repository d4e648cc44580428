//! Cgroups of keepers that were killed and whose data directory was deleted: nothing else tells of
//! them, nor of what runs in them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cgroups::{PREFIX, own_folder, remove};

/// A cgroup younger than this may not have been locked by its keeper yet.
const YOUNG: Duration = Duration::from_secs(10);

/// Kills what runs in abandoned cgroups beside this process's own, and removes them.
pub(super) fn sweep() {
    if let Some(folder) = own_folder() {
        for cgroup in abandoned(&folder, YOUNG) {
            remove(&cgroup);
        }
    }
}

/// The cgroups of keepers in a folder that nobody holds.
fn abandoned(folder: &Path, young: Duration) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_keepers = |name: &str| name.starts_with(PREFIX);
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_keepers))
        .map(|entry| entry.path())
        .filter(|cgroup| is_abandoned(cgroup, young).unwrap_or(false))
        .collect()
}

fn is_abandoned(cgroup: &Path, young: Duration) -> std::io::Result<bool> {
    let folder = File::open(cgroup)?;
    let age = folder.metadata()?.modified()?.elapsed();
    Ok(age.is_ok_and(|age| age >= young) && folder.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_abandoned_unless_it_is_young() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let made = |name: &str| {
            let path = directory.path().join(name);
            fs::create_dir(&path).expect("a folder");
            path
        };
        let (dead, alive) = (made("argosy-steps-1-a"), made("argosy-steps-2-b"));
        made("system.slice");
        let held = File::open(&alive).expect("opened");
        held.lock().expect("locked");
        assert_eq!(abandoned(directory.path(), Duration::ZERO), [dead]);
        let an_hour = Duration::from_secs(3600);
        assert!(abandoned(directory.path(), an_hour).is_empty());
    }
}
