//! Which files have changed since they were last looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long to wait before looking again.
const INTERVAL: Duration = Duration::from_millis(200);

/// When each file was last written, and how long it is; `None` for one that is not there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stamps(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Stamps {
    /// Notes how files stand now.
    pub fn note(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            let stamp = stamp(&path);
            self.0.insert(path, stamp);
        }
    }

    /// How many files are noted.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Waits until one of the files has changed, or there is a file that was not there before.
    pub fn wait(&self, look: impl Fn() -> Vec<PathBuf>) {
        while !self.has_changed() && look().iter().all(|path| self.0.contains_key(path)) {
            std::thread::sleep(INTERVAL);
        }
    }

    fn has_changed(&self) -> bool {
        self.0.iter().any(|(path, known)| stamp(path) != *known)
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
