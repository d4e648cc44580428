//! `list` of what those are told who carry things out: executors, agents, and whoever deletes
//! artifacts.

use std::collections::BTreeMap;

use argosy_engine::effect::Layout;
use argosy_engine::ids::RunId;
use serde_json::{Map, Value, json};

use super::{ProtocolError, Session};

impl Session {
    /// What the executor of each pod has to do that has one: its template with every tag filled in.
    pub(super) fn executions(&self) -> Result<Vec<Value>, ProtocolError> {
        let mut items = Vec::new();
        for pod in self.world.all_pods() {
            let Layout::Supervised(supervision) = &pod.request.layout else {
                continue;
            };
            items.push(json!({
                "workflow": self.world.place_of(pod.request.key.run).1,
                "node": *pod.request.node_name,
                "pod": pod.name(),
                "template": serde_json::to_value(&supervision.template)?,
                "keepsResult": supervision.capture_result,
            }));
        }
        Ok(items)
    }

    /// What the agent of each workflow has to do, by the IDs of nodes. Argo: WorkflowTaskSet.
    pub(super) fn task_sets(&self) -> Result<Vec<Value>, ProtocolError> {
        let mut sets: BTreeMap<RunId, Map<String, Value>> = BTreeMap::new();
        for task in self.world.tasks() {
            let template = serde_json::to_value(&task.template)?;
            let tasks = sets.entry(task.key.run).or_default();
            tasks.insert(task.node_id.to_string(), template);
        }
        let set = |(run, tasks)| json!({"workflow": self.world.place_of(run).1, "tasks": tasks});
        Ok(sets.into_iter().map(set).collect())
    }

    /// What is to be deleted, and with which rights. Argo: WorkflowArtifactGCTask, and its pods.
    pub(super) fn artifact_gc_tasks(&self) -> Result<Vec<Value>, ProtocolError> {
        let mut items = Vec::new();
        for (workflow, sweep) in &self.world.cluster.sweeps {
            for group in &sweep.groups {
                let mut artifacts = Vec::new();
                for swept in &group.artifacts {
                    artifacts.push(json!({
                        "nodeId": swept.node_id,
                        "archiveLocation": serde_json::to_value(&swept.archive_location)?,
                        "artifact": serde_json::to_value(&swept.artifact)?,
                    }));
                }
                items.push(json!({
                    "workflow": workflow,
                    "strategy": sweep.strategy.as_str(),
                    "forceFinalizerRemoval": sweep.force,
                    "serviceAccountName": group.service_account_name,
                    "podMetadata": serde_json::to_value(&group.pod_metadata)?,
                    "podSpecPatch": group.pod_spec_patch,
                    "artifacts": artifacts,
                }));
            }
        }
        Ok(items)
    }
}
