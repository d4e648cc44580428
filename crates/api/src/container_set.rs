//! The `containerSet` template.

use k8s_openapi::api::core::v1::*;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use crate::*;

/// Several containers in one pod, perhaps one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerSetTemplate {
    /// The containers.
    pub containers: Vec<ContainerNode>,
    /// Which volumes appear where, in all containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
    /// When the containers are run again inside the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_strategy: Option<ContainerSetRetryStrategy>,
}

/// How often the containers of a set are run again inside their pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerSetRetryStrategy {
    /// How long to wait in between, such as `10s`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub duration: String,
    /// How many attempts in all; 0 runs nothing.
    pub retries: Option<IntOrString>,
}

/// One container of a set: Kubernetes' Container and what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerNode {
    /// The container's name.
    pub name: String,
    /// The image to run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// The command; without it the image's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The arguments of the command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The folder in which the command starts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Ports that the container listens on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ContainerPort>,
    /// ConfigMaps and Secrets whose entries all become environment variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvFromSource>,
    /// Environment variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// What the container requests of the machine, and its limits.
    #[serde(serialize_with = "some_or_empty")]
    pub resources: Option<ResourceRequirements>,
    /// Which resources can change without a restart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resize_policy: Vec<ContainerResizePolicy>,
    /// When the container itself is restarted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub restart_policy: String,
    /// With which exit codes the container is restarted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub restart_policy_rules: Vec<ContainerRestartRule>,
    /// Which volumes appear where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<VolumeMount>,
    /// Which block devices appear where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_devices: Vec<VolumeDevice>,
    /// Fails when the container is to be restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<Box<Probe>>,
    /// Succeeds when the container can serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Box<Probe>>,
    /// Succeeds when the container has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_probe: Option<Box<Probe>>,
    /// What to run after the start and before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Box<Lifecycle>>,
    /// The file with the container's last words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub termination_message_path: String,
    /// Where last words come from: `File` or `FallbackToLogsOnError`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub termination_message_policy: String,
    /// When the image is pulled: `Always`, `IfNotPresent` or `Never`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image_pull_policy: String,
    /// With which rights the container runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<Box<SecurityContext>>,
    /// Whether the standard input stays open.
    #[serde(skip_serializing_if = "is_false")]
    pub stdin: bool,
    /// Whether the standard input closes after its first reader.
    #[serde(skip_serializing_if = "is_false")]
    pub stdin_once: bool,
    /// Whether the container gets a terminal.
    #[serde(skip_serializing_if = "is_false")]
    pub tty: bool,
    /// The containers of the set that must have succeeded before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
}
