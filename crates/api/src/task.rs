//! What controller, pods and agent tell each other through Kubernetes objects.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::*;

/// A pod's report of its outputs to the controller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowTaskResult {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// How far it is.
    #[serde(with = "word_or_empty", skip_serializing_if = "Option::is_none")]
    pub phase: Option<NodePhase>,
    /// Why it is as it is, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// How much is done.
    #[serde(skip_serializing_if = "Progress::is_empty")]
    pub progress: Progress,
}

/// Work for the agent: http and plugin nodes of one workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowTaskSet {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WorkflowTaskSetSpec,
    /// How it stands.
    pub status: WorkflowTaskSetStatus,
}

/// What the agent is to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowTaskSetSpec {
    /// The templates to run, by node ID.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, Template>,
}

/// What the agent has done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowTaskSetStatus {
    /// The results by node ID.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, NodeResult>,
}

/// How a node of the agent's ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeResult {
    /// How far it is.
    #[serde(with = "word_or_empty", skip_serializing_if = "Option::is_none")]
    pub phase: Option<NodePhase>,
    /// Why it is as it is, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What it gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// How much is done.
    #[serde(skip_serializing_if = "Progress::is_empty")]
    pub progress: Progress,
}

/// Artifacts for a pod to delete. Argo: `WorkflowArtifactGCTask`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowArtifactGcTask {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: ArtifactGcSpec,
    /// How it stands.
    pub status: ArtifactGcStatus,
}

/// Which artifacts to delete. Argo: `ArtifactGCSpec`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactGcSpec {
    /// The artifacts by node ID.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts_by_node: BTreeMap<String, ArtifactNodeSpec>,
}

/// Which of one node's artifacts to delete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactNodeSpec {
    /// Where artifacts go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_location: Option<Box<ArtifactLocation>>,
    /// The artifacts by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, Artifact>,
}

/// Which artifacts have been deleted. Argo: `ArtifactGCStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactGcStatus {
    /// The results by node ID.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub artifact_results_by_node: BTreeMap<String, ArtifactResultNodeStatus>,
}

/// Which of one node's artifacts have been deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactResultNodeStatus {
    /// The results by artifact name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub artifact_results: BTreeMap<String, ArtifactResult>,
}

/// How the deletion of an artifact went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactResult {
    /// The artifact's name.
    pub name: String,
    /// Whether it went well.
    #[serde(skip_serializing_if = "is_false")]
    pub success: bool,
    /// Why it didn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
