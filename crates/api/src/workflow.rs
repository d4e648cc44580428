//! Workflows, and templates of whole workflows.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::*;
use k8s_openapi::api::policy::v1::PodDisruptionBudgetSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::{Deserialize, Serialize};

use crate::*;

/// A piece of work and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Workflow {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WorkflowSpec,
    /// How far it is.
    pub status: WorkflowStatus,
}

/// What a workflow does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowSpec {
    /// What can be run, by name. Shared, since a spec has many holders and may be large.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Arc<Template>>,
    /// The template to start with.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub entrypoint: String,
    /// Values for the workflow's parameters and artifacts.
    pub arguments: Arguments,
    /// The service account of the pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// Whether the service account's token is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
    /// How the executor's containers run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorConfig>,
    /// Volumes of the pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Volumes to make for the workflow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_claim_templates: Vec<PersistentVolumeClaim>,
    /// How many of its pods may run at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i64>,
    /// The repository of its artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_repository_ref: Option<ArtifactRepositoryRef>,
    /// Whether it pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Labels that a machine must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// On which machines pods may run, and beside which others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Box<Affinity>>,
    /// Taints of machines that are put up with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// Secrets for pulling images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Whether pods share the machine's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,
    /// Where pods look up names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,
    /// More for looking up names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<PodDNSConfig>,
    /// The template to run at the end; `hooks` has the same as `exit`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_exit: String,
    /// How long it is kept after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_strategy: Option<TtlStrategy>,
    /// Seconds it may run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<i64>,
    /// Workflows with a higher one go first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The scheduler of the pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scheduler_name: String,
    /// When its pods are deleted. JSON: `podGC`.
    #[serde(rename = "podGC", skip_serializing_if = "Option::is_none")]
    pub pod_gc: Option<PodGc>,
    /// The priority class of the pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_priority_class_name: String,
    /// More entries for `/etc/hosts`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<HostAlias>,
    /// With which rights the pods run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<Box<PodSecurityContext>>,
    /// A patch over the pod's spec, YAML or JSON with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_spec_patch: String,
    /// How many pods may be evicted at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<PodDisruptionBudgetSpec>,
    /// Metrics to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// Says that it is to end.
    #[serde(with = "word_or_empty", skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<ShutdownStrategy>,
    /// The WorkflowTemplate to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_template_ref: Option<WorkflowTemplateRef>,
    /// The locks that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<Synchronization>,
    /// When its volume claims are deleted. JSON: `volumeClaimGC`.
    #[serde(rename = "volumeClaimGC", skip_serializing_if = "Option::is_none")]
    pub volume_claim_gc: Option<VolumeClaimGc>,
    /// When nodes are tried again whose template doesn't say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    /// Labels and annotations of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_metadata: Option<Metadata>,
    /// What templates have that don't say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_defaults: Option<Box<Template>>,
    /// Whether logs are kept as artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_logs: Option<bool>,
    /// Templates to run when something happens to the workflow, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<String, LifecycleHook>,
    /// Labels and annotations of the workflows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_metadata: Option<WorkflowMetadata>,
    /// When its artifacts are deleted. JSON: `artifactGC`.
    #[serde(rename = "artifactGC", skip_serializing_if = "Option::is_none")]
    pub artifact_gc: Option<WorkflowLevelArtifactGc>,
    /// Plugins that run beside the agent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executor_plugins: Vec<ExecutorPlugin>,
    /// What the pod as a whole requests, and its limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_resources: Option<ResourceRequirements>,
    /// Claims of devices for the pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_claims: Vec<PodResourceClaim>,
}

/// Labels and annotations for workflows made from a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowMetadata {
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels whose values are worked out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels_from: BTreeMap<String, LabelValueFrom>,
}

/// Where a label's value comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelValueFrom {
    /// An expression that gives the value.
    pub expression: String,
}

/// Values for what a template takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Arguments {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

/// Names a WorkflowTemplate to run as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowTemplateRef {
    /// Name of the WorkflowTemplate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it is a ClusterWorkflowTemplate.
    #[serde(skip_serializing_if = "is_false")]
    pub cluster_scope: bool,
}

/// How long a workflow is kept after its end. Argo: `TTLStrategy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TtlStrategy {
    /// Seconds after its end, whichever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_completion: Option<i32>,
    /// Seconds after it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_success: Option<i32>,
    /// Seconds after it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_after_failure: Option<i32>,
}

/// When a workflow's pods are deleted. Argo: `PodGC`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodGc {
    /// When: a word of [`PodGcStrategy`], or nothing for never. Other words are read, and refused
    /// when the workflow is validated.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Which pods are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// How long a pod is kept first, such as `30s`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub delete_delay_duration: String,
}

/// When a workflow's artifacts are deleted, and by what. Argo: `WorkflowLevelArtifactGC`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowLevelArtifactGc {
    /// When: `OnWorkflowCompletion`, `OnWorkflowDeletion` or `Never`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Labels and annotations of the pod that deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_metadata: Option<Metadata>,
    /// The service account of the pod that deletes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// Whether the workflow goes even if artifacts can't be deleted.
    #[serde(skip_serializing_if = "is_false")]
    pub force_finalizer_removal: bool,
    /// A patch over the spec of the pod that deletes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_spec_patch: String,
}

/// When a workflow's volume claims are deleted. Argo: `VolumeClaimGC`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeClaimGc {
    /// When: a word of [`VolumeClaimGcStrategy`]; nothing means on success, another word never.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
}

/// How the executor's containers run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExecutorConfig {
    /// The service account of the executor's containers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
}

/// Templates that workflows of a namespace can use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowTemplate {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WorkflowSpec,
}

/// Templates that workflows of all namespaces can use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterWorkflowTemplate {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WorkflowSpec,
}

/// Annotations and labels for pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}
