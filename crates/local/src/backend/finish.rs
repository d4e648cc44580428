//! After the command: outputs are collected, whether or not it did well.

use std::collections::BTreeSet;

use argosy_artifacts::{ArtifactError, Secrets, Stores};
use argosy_engine::fact::ResultSeen;
use argosy_executor::{Collected, ContainerLog, Wanted, Workspace, collect_outputs};
use argosy_runtime::backend::BackendEvent;

use super::Shared;
use super::kept::{Kept, Supervised};
use crate::ObjectSource;
use crate::protocol::{PodState, Progress, Role};

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
        let collected = self.collect(supervised, &kept.namespace);
        // When the command has failed, that is what is told.
        let did_well = mains()
            .all(|main| matches!(&main.progress, Progress::Ended(end) if end.exit_code == 0));
        let error = collected.error.filter(|_| did_well);
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
    fn collect(&self, supervised: &Supervised, namespace: &str) -> Collected {
        let scratch = match self.folder.incoming() {
            Ok(scratch) => scratch,
            Err(error) => {
                return Collected {
                    error: Some(error.to_string()),
                    ..Collected::default()
                };
            }
        };
        let logs: Vec<ContainerLog<'_>> = supervised
            .logs
            .iter()
            .map(|log| ContainerLog {
                container: &log.container,
                stdout: log.capture.as_ref().unwrap_or(&log.log),
                combined: &log.log,
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
