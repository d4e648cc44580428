//! Which pods have begun, where no keeper is left to tell: a process's log is made just before it
//! begins. A step that may have run is not run again; it is a pod that was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use argosy_engine::effect::PodRequest;
use argosy_engine::fact::{ContainerKind, ContainerSeen, ContainerState, PodPhase, PodSeen};
use argosy_engine::ids::{PodKey, RunId};
use argosy_runtime::backend::BackendEvent;

use super::Shared;
use super::seen::now;
use crate::{log_path, run_dir};

impl Shared {
    /// Whether an earlier runner had a keeper begin a pod that no keeper knows any more.
    pub(super) fn has_begun(&self, request: &PodRequest) -> bool {
        let key = request.key;
        {
            let state = self.lock();
            if !state.taken_over.contains(&key.run) || state.pods.contains_key(&key) {
                return false;
            }
        }
        let spec = request.pod.spec.iter();
        let mut containers = spec.flat_map(|spec| {
            let init = spec.init_containers.iter().flatten();
            init.chain(&spec.containers)
        });
        containers.any(|container| log_path(&self.config.data_dir, key, &container.name).exists())
    }

    /// What is told of a pod that has begun and is gone: that it ran comes first, since one that
    /// did not is asked for again.
    pub(super) fn begun_and_gone(&self, key: PodKey) -> [BackendEvent; 2] {
        let ran = PodSeen {
            containers: vec![ContainerSeen {
                name: "main".into(),
                kind: ContainerKind::Regular,
                // A daemon that is gone is not ready.
                ready: false,
                state: ContainerState::Running { started_at: now() },
            }],
            ..self.empty(PodPhase::Running)
        };
        [BackendEvent::PodSeen(key, ran), self.deleted(key)]
    }
}

/// Those among these pods that have a log.
pub(super) fn begun(data_dir: &Path, pods: &[PodKey]) -> BTreeSet<PodKey> {
    let mut by_run: BTreeMap<RunId, BTreeMap<String, PodKey>> = BTreeMap::new();
    for key in pods {
        let names = by_run.entry(key.run).or_default();
        names.insert(format!("{}-{}", key.node.0, key.incarnation), *key);
    }
    let mut begun = BTreeSet::new();
    for (run, names) in by_run {
        let logs = fs::read_dir(run_dir(data_dir, run).join("logs"));
        for log in logs.into_iter().flatten().flatten() {
            let name = log.file_name();
            let name = name.to_string_lossy();
            let pod = name.split_once('.').map(|(pod, _)| pod);
            begun.extend(pod.and_then(|pod| names.get(pod)));
        }
    }
    begun
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_engine::ids::NodeIndex;

    #[test]
    fn pods_with_a_log_have_begun() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let key = |run, node, incarnation| PodKey {
            run: RunId(run),
            node: NodeIndex(node),
            incarnation,
        };
        let with_log = [key(1, 1, 0), key(1, 12, 0), key(2, 3, 1)];
        for key in with_log {
            let log = log_path(directory.path(), key, "main");
            fs::create_dir_all(log.parent().expect("a folder")).expect("a folder");
            fs::write(log, "").expect("a log");
        }
        let others = [key(1, 2, 0), key(1, 1, 1), key(3, 1, 0)];
        let asked = [&with_log[..2], &others].concat();
        let found = begun(directory.path(), &asked);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), with_log[..2]);
    }
}
