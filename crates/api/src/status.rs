//! status

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<WorkflowPhase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub estimated_duration: i64,
    #[serde(skip_serializing_if = "Progress::is_empty")]
    pub progress: Progress,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compressed_nodes: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, NodeStatus>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub offload_node_status_version: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stored_templates: BTreeMap<String, Template>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub persistent_volume_claims: Vec<Volume>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_duration: BTreeMap<String, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_workflow_template_spec: Option<Box<WorkflowSpec>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<SynchronizationStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_repository_ref: Option<ArtifactRepositoryRefStatus>,
    #[serde(rename = "artifactGCStatus", skip_serializing_if = "Option::is_none")]
    pub artifact_gc_status: Option<ArtGcStatus>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub task_results_completion_status: BTreeMap<String, bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeStatus {
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<NodeType>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template_scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<NodePhase>,
    #[serde(rename = "boundaryID", skip_serializing_if = "String::is_empty")]
    pub boundary_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub estimated_duration: i64,
    #[serde(skip_serializing_if = "Progress::is_empty")]
    pub progress: Progress,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_duration: BTreeMap<String, i64>,
    #[serde(rename = "podIP", skip_serializing_if = "String::is_empty")]
    pub pod_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemoned: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_flag: Option<NodeFlag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound_nodes: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host_node_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memoization_status: Option<MemoizationStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization_status: Option<NodeSynchronizationStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_result_synced: Option<bool>,
    #[serde(skip_serializing_if = "is_zero_i32")]
    pub failed_pod_restarts: i32,
    #[serde(rename = "restartingPodUID", skip_serializing_if = "String::is_empty")]
    pub restarting_pod_uid: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Condition {
    pub r#type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeFlag {
    #[serde(skip_serializing_if = "is_false")]
    pub hooked: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub retried: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MemoizationStatus {
    pub hit: bool,
    pub key: String,
    pub cache_name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtGcStatus {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub strategies_processed: BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pods_recouped: BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "is_false")]
    pub not_specified: bool,
}
