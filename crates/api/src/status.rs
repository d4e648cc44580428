//! How far a workflow and its nodes are.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::*;

/// How far a workflow is, and all its nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowStatus {
    /// How far it is.
    #[serde(with = "known_word", skip_serializing_if = "Option::is_none")]
    pub phase: Option<WorkflowPhase>,
    /// When it began; null before.
    pub started_at: Option<Time>,
    /// When it ended; null before.
    pub finished_at: Option<Time>,
    /// Seconds it will take, going by earlier workflows.
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub estimated_duration: i64,
    /// How much is done.
    #[serde(skip_serializing_if = "Progress::is_empty")]
    pub progress: Progress,
    /// Why it is as it is, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The nodes as gzipped JSON in base64, when they would be too large.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compressed_nodes: String,
    /// The nodes by ID.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, NodeStatus>,
    /// Which version of the nodes lies in the database instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub offload_node_status_version: String,
    /// Templates from elsewhere as they read at the start, by scope and name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stored_templates: BTreeMap<String, Template>,
    /// Volumes made for the workflow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub persistent_volume_claims: Vec<Volume>,
    /// What the workflow gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// What holds about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Seconds times what was requested, by resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_duration: BTreeMap<String, i64>,
    /// The spec after merging with its WorkflowTemplate. Argo: `StoredWorkflowSpec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_workflow_template_spec: Option<Box<WorkflowSpec>>,
    /// The locks that it holds and waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<SynchronizationStatus>,
    /// The repository of its artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_repository_ref: Option<ArtifactRepositoryRefStatus>,
    /// How far the deletion of artifacts is. JSON: `artifactGCStatus`.
    #[serde(rename = "artifactGCStatus", skip_serializing_if = "Option::is_none")]
    pub artifact_gc_status: Option<ArtGcStatus>,
    /// By node, whether its results are complete.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub task_results_completion_status: BTreeMap<String, bool>,
}

/// How far one node is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeStatus {
    /// The ID, unique in the workflow.
    pub id: String,
    /// The name, made of those of its ancestors.
    pub name: String,
    /// The name to show.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// What it is.
    #[serde(with = "known_word")]
    pub r#type: Option<NodeType>,
    /// Name of the template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template_name: String,
    /// A template of a WorkflowTemplate instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// Where the template's name is looked up: kind and name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template_scope: String,
    /// How far it is.
    #[serde(with = "known_word", skip_serializing_if = "Option::is_none")]
    pub phase: Option<NodePhase>,
    /// ID of the template node that contains it. JSON: `boundaryID`.
    #[serde(rename = "boundaryID", skip_serializing_if = "String::is_empty")]
    pub boundary_id: String,
    /// Why it is as it is, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When it began; null before.
    pub started_at: Option<Time>,
    /// When it ended; null before.
    pub finished_at: Option<Time>,
    /// Seconds it will take, going by earlier workflows.
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub estimated_duration: i64,
    /// How much is done.
    #[serde(skip_serializing_if = "Progress::is_empty")]
    pub progress: Progress,
    /// Seconds times what was requested, by resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_duration: BTreeMap<String, i64>,
    /// IP of the pod of a daemon. JSON: `podIP`.
    #[serde(rename = "podIP", skip_serializing_if = "String::is_empty")]
    pub pod_ip: String,
    /// Whether it is a daemon that still runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemoned: Option<bool>,
    /// How it came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_flag: Option<NodeFlag>,
    /// What it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// What it gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// IDs of the nodes that follow it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<String>,
    /// IDs of its last nodes, which the next ones follow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound_nodes: Vec<String>,
    /// The machine of the pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host_node_name: String,
    /// What the cache said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memoization_status: Option<MemoizationStatus>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization_status: Option<NodeSynchronizationStatus>,
    /// Whether its results have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_result_synced: Option<bool>,
    /// How often its pod was made anew because it never started.
    #[serde(skip_serializing_if = "is_zero_i32")]
    pub failed_pod_restarts: i32,
    /// UID of the pod that is being replaced. JSON: `restartingPodUID`.
    #[serde(rename = "restartingPodUID", skip_serializing_if = "String::is_empty")]
    pub restarting_pod_uid: String,
}

/// A statement about an object that holds or doesn't.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    /// What it states, such as `PodRunning`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub r#type: String,
    /// Whether it holds: `True`, `False` or `Unknown`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Why it is as it is, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a node came to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeFlag {
    /// By a hook.
    #[serde(skip_serializing_if = "is_false")]
    pub hooked: bool,
    /// As an attempt of a retry.
    #[serde(skip_serializing_if = "is_false")]
    pub retried: bool,
}

/// What the cache said about a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MemoizationStatus {
    /// Whether the outputs came from the cache.
    pub hit: bool,
    /// The key that was looked up.
    pub key: String,
    /// Name of the cache.
    pub cache_name: String,
}

/// How far the deletion of a workflow's artifacts is. Argo: `ArtGCStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtGcStatus {
    /// By strategy, whether it is done.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub strategies_processed: BTreeMap<String, bool>,
    /// By pod, whether its report is in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pods_recouped: BTreeMap<String, bool>,
    /// Whether there is nothing to delete.
    #[serde(skip_serializing_if = "is_false")]
    pub not_specified: bool,
}
