//! Templates: what can be run.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::*;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use crate::*;

/// Something that can be run: exactly one of its bodies is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Template {
    /// The name by which it is called.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it takes.
    pub inputs: Inputs,
    /// What it gives.
    pub outputs: Outputs,
    /// Labels that a machine must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// On which machines pods may run, and beside which others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Box<Affinity>>,
    /// Labels and annotations of the pod.
    pub metadata: Metadata,
    /// Whether it runs on in the background once it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemon: Option<bool>,
    /// Groups of steps, one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ParallelSteps>,
    /// One container.
    #[serde(
        serialize_with = "container_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub container: Option<Box<Container>>,
    /// Several containers in one pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_set: Option<Box<ContainerSetTemplate>>,
    /// A script in a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<Box<ScriptTemplate>>,
    /// Something done to a Kubernetes object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Box<ResourceTemplate>>,
    /// Tasks that depend on each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dag: Option<Box<DagTemplate>>,
    /// A pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<SuspendTemplate>,
    /// A list of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<Data>>,
    /// One request over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Box<Http>>,
    /// Something that an executor plugin does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Plugin>,
    /// Volumes of the pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Containers that run before the main one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<UserContainer>,
    /// Containers that run beside the main one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<UserContainer>,
    /// Where artifacts go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_location: Option<Box<ArtifactLocation>>,
    /// Seconds its pod may run; a number or a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<IntOrString>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<RetryStrategy>,
    /// How many of its children may run at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelism: Option<i64>,
    /// Whether a failure keeps further children from starting; false without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<bool>,
    /// Taints of machines that are put up with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// The scheduler of the pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scheduler_name: String,
    /// The priority class of the pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority_class_name: String,
    /// The service account of the pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// Whether the service account's token is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automount_service_account_token: Option<bool>,
    /// How the executor's containers run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorConfig>,
    /// More entries for `/etc/hosts`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<HostAlias>,
    /// With which rights the pod runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<Box<PodSecurityContext>>,
    /// A patch over the pod's spec, YAML or JSON with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_spec_patch: String,
    /// Metrics to report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// The locks that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synchronization: Option<Synchronization>,
    /// When outputs come from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memoize: Option<Memoize>,
    /// How long it may take from its creation, such as `1h`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timeout: String,
    /// Annotations of the node, such as its display name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// How long it may wait to start, such as `10m`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pending_timeout: String,
    /// What the pod as a whole requests, and its limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_resources: Option<ResourceRequirements>,
    /// Claims of devices for the pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_claims: Vec<PodResourceClaim>,
}

/// What a template takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Inputs {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
}

/// What a template gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Outputs {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Artifacts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// The standard output, where somebody refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The main container's exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<String>,
}

/// A named text that goes into or out of a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value without another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<AnyString>,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<AnyString>,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
    /// The name under which it is an output of the workflow too.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub global_name: String,
    /// The values that are allowed. An empty list is a fault, none means that all are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#enum: Option<Vec<AnyString>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<AnyString>,
}

/// Where a parameter's value comes from; one source is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValueFrom {
    /// A file of the container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The part of a Kubernetes object, as a JSONPath.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub json_path: String,
    /// The part of a Kubernetes object, as a jq filter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jq_filter: String,
    /// An expression over the event that gives the value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// A tag that names another parameter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parameter: String,
    /// Supplied from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplied: Option<SuppliedValueFrom>,
    /// An entry of a ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<ConfigMapKeySelector>,
    /// The value without another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<AnyString>,
    /// An expression that gives the value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
}

/// Says that a value is supplied from outside while a suspend node waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SuppliedValueFrom {}

/// Names a template of a WorkflowTemplate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TemplateRef {
    /// Name of the WorkflowTemplate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Name of the template in there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Whether it is a ClusterWorkflowTemplate.
    #[serde(skip_serializing_if = "is_false")]
    pub cluster_scope: bool,
}

/// The body of a `resource` template: something done to a Kubernetes object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceTemplate {
    /// What to do: `get`, `create`, `apply`, `delete`, `replace` or `patch`.
    pub action: String,
    /// How a patch is merged: `strategic`, `merge` or `json`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub merge_strategy: String,
    /// The object, YAML with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The object from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_from: Option<ManifestFrom>,
    /// Whether the object goes when the workflow goes.
    #[serde(skip_serializing_if = "is_false")]
    pub set_owner_reference: bool,
    /// The condition on the object that means success.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub success_condition: String,
    /// The condition that means failure.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failure_condition: String,
    /// More flags for kubectl.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// Where a manifest comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ManifestFrom {
    /// The artifact that holds it.
    pub artifact: Option<Artifact>,
}

/// The body of a `suspend` template: waits to be resumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SuspendTemplate {
    /// How long to wait before going on unasked; for ever without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub duration: String,
}

/// A template that is run when something happens to a workflow or node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LifecycleHook {
    /// Name of the template to run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Values for its inputs.
    pub arguments: Arguments,
    /// A template of a WorkflowTemplate instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// The condition that fires the hook.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
}

/// A loop over whole numbers; either `count` or `end` is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sequence {
    /// How many numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<IntOrString>,
    /// The first number; 0 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<IntOrString>,
    /// The last number; it may be below `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<IntOrString>,
    /// How a number is printed, in printf's notation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub format: String,
}

/// Which ends of a node count as well enough to go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContinueOn {
    /// Whether to go on after an error.
    #[serde(skip_serializing_if = "is_false")]
    pub error: bool,
    /// Whether to go on after a failure.
    #[serde(skip_serializing_if = "is_false")]
    pub failed: bool,
}

/// Takes a node's outputs from a cache where they are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Memoize {
    /// The key to look up.
    pub key: String,
    /// The cache.
    pub cache: Option<Cache>,
    /// How old an entry may be, such as `24h`.
    pub max_age: String,
}

/// Where a cache is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cache {
    /// The ConfigMap that holds it.
    pub config_map: Option<LocalObjectReference>,
}
