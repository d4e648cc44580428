//! Folders of pods that a killed runner has prepared and that nobody has begun.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_runtime::backend::BackendEvent;

use super::jobs::Work;
use super::{Shared, State};
use crate::{pod_dir, run_dir};

impl Shared {
    /// The inventories that all keepers have answered. What else lies in the folders of those runs'
    /// pods is nobody's.
    pub(super) fn answered(self: &Arc<Self>, state: &mut State) -> Vec<BackendEvent> {
        let mut events = Vec::new();
        for (run, pods) in state.answered() {
            let run_dir = run_dir(&self.config.data_dir, run);
            let known = folders_of(&self.config.data_dir, run, state.pods.keys());
            // Under the lock, so that none is being prepared. Removing takes longer than moving.
            if put_aside(&run_dir, &known) {
                self.stage_or_collect(Work::Remove(run_dir.join(ASIDE)));
            }
            events.push(BackendEvent::Inventory(run, pods));
        }
        events
    }
}

/// Where folders wait for their removal.
const ASIDE: &str = "pods.old";

/// The names of the folders of a run's pods.
fn folders_of<'a>(
    data_dir: &Path,
    run: RunId,
    pods: impl Iterator<Item = &'a PodKey>,
) -> BTreeSet<OsString> {
    pods.filter(|key| key.run == run)
        .filter_map(|key| Some(pod_dir(data_dir, *key).file_name()?.to_owned()))
        .collect()
}

/// Moves the folders of pods away that are not known. Tells whether there is anything to remove.
fn put_aside(run_dir: &Path, known: &BTreeSet<OsString>) -> bool {
    let aside = run_dir.join(ASIDE);
    let entries = fs::read_dir(run_dir.join("pods")).into_iter().flatten();
    // Keepers do not tell of the pods of agents, which end with their runner.
    let agents = format!("{}-", NodeIndex::AGENT.0);
    for entry in entries.flatten() {
        let name = entry.file_name();
        if known.contains(&name) || name.to_string_lossy().starts_with(&agents) {
            continue;
        }
        let _ = fs::create_dir(&aside);
        // One of this name may wait there since an earlier runner died.
        let place = aside.join(name);
        if fs::rename(entry.path(), &place).is_err() {
            let _ = fs::remove_dir_all(&place);
            let _ = fs::rename(entry.path(), place);
        }
    }
    aside.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_known_pods_stay() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let run = RunId(3);
        let run_dir = run_dir(directory.path(), run);
        let key = |node, incarnation| PodKey {
            run,
            node: NodeIndex(node),
            incarnation,
        };
        let known = [key(1, 0), key(2, 1)];
        let agent = key(NodeIndex::AGENT.0, 0);
        let names = folders_of(directory.path(), run, known.iter());
        assert!(!put_aside(&run_dir, &names), "there is no folder at all");
        for key in [key(1, 0), key(2, 0), key(2, 1), agent] {
            fs::create_dir_all(pod_dir(directory.path(), key)).expect("a folder");
        }
        // One that was not removed in time.
        fs::create_dir_all(run_dir.join(ASIDE).join("2-0/x")).expect("a folder");
        assert!(put_aside(&run_dir, &names));
        assert!(
            known
                .iter()
                .all(|key| pod_dir(directory.path(), *key).exists())
        );
        assert!(!pod_dir(directory.path(), key(2, 0)).exists());
        fs::remove_dir_all(run_dir.join(ASIDE)).expect("removed");
        assert!(!put_aside(&run_dir, &names));
    }
}
