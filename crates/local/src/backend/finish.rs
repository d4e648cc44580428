//! After the command: outputs are collected, whether or not it did well.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use argosy_artifacts::{ArtifactError, Secrets, Stores};
use argosy_engine::fact::ResultSeen;
use argosy_engine::ids::PodKey;
use argosy_executor::{Collected, ContainerLog, Wanted, Workspace, collect_outputs};
use argosy_runtime::backend::BackendEvent;

use super::Shared;
use super::kept::{Kept, Supervised};
use crate::log_bound::first_kept;
use crate::protocol::{PodState, Progress, Role};
use crate::{ObjectSource, pod_dir};

/// The Secrets of a workflow's namespace, for the stores of its artifacts.
pub(super) struct NamespaceSecrets<'a> {
    pub objects: &'a dyn ObjectSource,
    pub namespace: &'a str,
}

impl Secrets for NamespaceSecrets<'_> {
    fn secret(&self, name: &str, key: &str) -> Result<String, ArtifactError> {
        let found = self
            .objects
            .secret(self.namespace, name)
            .map_err(|reason| ArtifactError::UnreadSecret {
                name: name.to_owned(),
                reason,
            })?
            .and_then(|mut secret| secret.remove(key))
            .and_then(|value| String::from_utf8(value).ok());
        found.ok_or_else(|| ArtifactError::NoSecret {
            name: name.to_owned(),
            key: key.to_owned(),
        })
    }
}

impl Shared {
    /// Collects the outputs of a pod that has ended, and tells its end.
    pub(super) fn finish(&self, kept: &Kept, pod: &PodState) {
        let key = pod.key;
        let end = |error: Option<&str>| match error {
            Some(error) => self.wait_failed(pod, kept, error),
            None => self.seen(pod, Some(kept), &BTreeSet::new()),
        };
        let mains = || {
            let mains = pod.containers.iter();
            mains.filter(|container| container.role == Role::Main)
        };
        let has_begun = mains().any(|main| matches!(main.progress, Progress::Ended(_)));
        let Some(supervised) = kept.supervised.as_ref().filter(|_| has_begun) else {
            // Nothing of it has begun, so there is nothing to collect.
            self.sink.send(BackendEvent::PodSeen(key, end(None)));
            return;
        };
        let collected = self.collect(key, supervised, &kept.namespace);
        // When the command has failed, that is what is told.
        let did_well = mains()
            .all(|main| matches!(&main.progress, Progress::Ended(end) if end.exit_code == 0));
        let (error, untold) = match did_well {
            true => (collected.error, None),
            false => (None, collected.error),
        };
        // As in Argo a message has room for one; the executor's log, which has the others there, is
        // the runner's here.
        for what in untold.into_iter().chain(collected.further_errors) {
            self.sink.send(BackendEvent::Trouble(key, what));
        }
        let parameters = collected.parameters.into_iter();
        let progress = collected.progress;
        let result = ResultSeen {
            parameters: parameters
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            artifacts: collected.artifacts,
            result: collected.result.map(Into::into),
            progress: progress.map(|progress| (progress.done, progress.total)),
            error: error.clone().map(Into::into),
            complete: error.is_none(),
        };
        self.sink.send_all(vec![
            BackendEvent::ResultSeen(key, result),
            BackendEvent::PodSeen(key, end(error.as_deref())),
        ]);
    }

    /// Collects what a command has put out.
    fn collect(&self, key: PodKey, supervised: &Supervised, namespace: &str) -> Collected {
        let scratch = match self.folder.incoming() {
            Ok(scratch) => scratch,
            Err(error) => {
                return Collected {
                    error: Some(error.to_string()),
                    ..Collected::default()
                };
            }
        };
        let folder = pod_dir(&self.config.data_dir, key);
        let kept_parts: Vec<Option<PathBuf>> = supervised
            .logs
            .iter()
            .map(|log| kept_part(&log.log, &folder))
            .collect();
        let logs: Vec<ContainerLog<'_>> = supervised
            .logs
            .iter()
            .zip(&kept_parts)
            .map(|(log, kept_part)| ContainerLog {
                container: &log.container,
                stdout: log.capture.as_ref().unwrap_or(&log.log),
                combined: kept_part.as_ref().unwrap_or(&log.log),
            })
            .collect();
        let secrets = NamespaceSecrets {
            objects: &*self.config.objects,
            namespace,
        };
        collect_outputs(
            &supervised.template,
            &supervised.paths(),
            &Stores::with_secrets(&self.folder, &secrets),
            &Workspace::new(&scratch),
            &Wanted {
                logs: &logs,
                capture_result: supervised.capture_result,
                progress_file: Some(&supervised.progress_file),
            },
        )
    }
}

/// A copy of what is kept of a log, made in a folder, where that is not all of it. One that can't be
/// made is left out: then the log is taken as it is.
fn kept_part(log: &Path, folder: &Path) -> Option<PathBuf> {
    let mut file = File::open(log).ok()?;
    let from = first_kept(&file, 0);
    if from == 0 {
        return None;
    }
    let copy = folder.join(log.file_name()?);
    file.seek(SeekFrom::Start(from)).ok()?;
    io::copy(&mut file, &mut File::create(&copy).ok()?).ok()?;
    Some(copy)
}
