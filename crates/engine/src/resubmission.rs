//! The same workflow once more, as a new one. Argo: `FormulateResubmitWorkflow`.

use argosy_api::{Workflow, labels};

/// Labels that are not carried over: who made the old workflow, and how it stands.
const DROPPED_LABELS: [&str; 6] = [
    labels::CREATOR,
    labels::CREATOR_EMAIL,
    labels::CREATOR_PREFERRED_USERNAME,
    labels::PHASE,
    labels::COMPLETED,
    labels::WORKFLOW_ARCHIVING_STATUS,
];

/// What a workflow is submitted again as: what its user wrote, under a name to be generated.
pub fn resubmission(old: &Workflow) -> Workflow {
    let mut new = Workflow {
        api_version: old.api_version.clone(),
        kind: old.kind.clone(),
        spec: old.spec.clone(),
        ..Workflow::default()
    };
    // Argo once terminated workflows by a deadline of 0.
    let deadline = &mut new.spec.active_deadline_seconds;
    *deadline = deadline.filter(|&seconds| seconds != 0);
    new.spec.shutdown = None;
    let name = old.metadata.name.clone().unwrap_or_default();
    let prefix = old.metadata.generate_name.clone();
    let prefix = prefix.filter(|prefix| !prefix.is_empty());
    let mut carried = old.metadata.labels.clone().unwrap_or_default();
    carried.retain(|key, _| !DROPPED_LABELS.contains(&key.as_str()));
    carried.insert(labels::PREVIOUS_WORKFLOW_NAME.to_owned(), name.clone());
    let metadata = &mut new.metadata;
    metadata.generate_name = Some(prefix.unwrap_or_else(|| format!("{name}-")));
    metadata.labels = Some(carried);
    metadata.namespace.clone_from(&old.metadata.namespace);
    metadata.annotations.clone_from(&old.metadata.annotations);
    metadata
        .owner_references
        .clone_from(&old.metadata.owner_references);
    new
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// How a workflow is submitted again.
    fn check(old: serde_json::Value, new: serde_json::Value) {
        let [old, new] = [old, new].map(serde_json::from_value);
        let (old, new): (Workflow, Workflow) = (old.expect("a workflow"), new.expect("another"));
        assert_eq!(resubmission(&old), new);
    }

    #[test]
    fn what_the_user_wrote_is_carried_over() {
        check(
            json!({
                "metadata": {
                    "name": "a", "namespace": "n", "uid": "u", "annotations": {"k": "v"},
                    "labels": {
                        "own": "1",
                        "workflows.argoproj.io/creator": "me",
                        "workflows.argoproj.io/phase": "Failed",
                        "workflows.argoproj.io/completed": "true",
                        "workflows.argoproj.io/workflow-archiving-status": "Pending",
                        "workflows.argoproj.io/workflow-template": "t",
                    },
                },
                "spec": {"entrypoint": "main", "shutdown": "Stop", "activeDeadlineSeconds": 0},
                "status": {"phase": "Failed"},
            }),
            json!({
                "metadata": {
                    "generateName": "a-", "namespace": "n", "annotations": {"k": "v"},
                    "labels": {
                        "own": "1",
                        "workflows.argoproj.io/resubmitted-from-workflow": "a",
                        "workflows.argoproj.io/workflow-template": "t",
                    },
                },
                "spec": {"entrypoint": "main"},
            }),
        );
    }

    #[test]
    fn a_name_is_generated_as_the_first_was() {
        check(
            json!({
                "metadata": {"name": "run-x7", "generateName": "run-"},
                "spec": {"activeDeadlineSeconds": 5},
            }),
            json!({
                "metadata": {
                    "generateName": "run-",
                    "labels": {"workflows.argoproj.io/resubmitted-from-workflow": "run-x7"},
                },
                "spec": {"activeDeadlineSeconds": 5},
            }),
        );
    }
}
