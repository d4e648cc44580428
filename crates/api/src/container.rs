//! Containers: Kubernetes' Container with what Argo adds.

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

/// A container beside the main one: Kubernetes' Container with an extra.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UserContainer {
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
    /// Whether the main container's volumes appear here too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror_volume_mounts: Option<bool>,
}

/// The body of a `script` template: Kubernetes' Container and a source text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScriptTemplate {
    /// The container's name; Argo sets it.
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
    /// The script's text.
    pub source: String,
}

macro_rules! convert_to_container {
    ($type:ident) => {
        impl $type {
            /// The part of it that is Kubernetes' own Container.
            pub fn to_container(&self) -> Container {
                fn text(text: &str) -> Option<String> {
                    (!text.is_empty()).then(|| text.to_owned())
                }
                fn list<T: Clone>(list: &[T]) -> Option<Vec<T>> {
                    (!list.is_empty()).then(|| list.to_vec())
                }
                Container {
                    name: self.name.clone(),
                    image: text(&self.image),
                    command: list(&self.command),
                    args: list(&self.args),
                    working_dir: text(&self.working_dir),
                    ports: list(&self.ports),
                    env_from: list(&self.env_from),
                    env: list(&self.env),
                    resources: self.resources.clone(),
                    resize_policy: list(&self.resize_policy),
                    restart_policy: text(&self.restart_policy),
                    restart_policy_rules: list(&self.restart_policy_rules),
                    volume_mounts: list(&self.volume_mounts),
                    volume_devices: list(&self.volume_devices),
                    liveness_probe: self.liveness_probe.as_deref().cloned(),
                    readiness_probe: self.readiness_probe.as_deref().cloned(),
                    startup_probe: self.startup_probe.as_deref().cloned(),
                    lifecycle: self.lifecycle.as_deref().cloned(),
                    termination_message_path: text(&self.termination_message_path),
                    termination_message_policy: text(&self.termination_message_policy),
                    image_pull_policy: text(&self.image_pull_policy),
                    security_context: self.security_context.as_deref().cloned(),
                    stdin: self.stdin.then_some(true),
                    stdin_once: self.stdin_once.then_some(true),
                    tty: self.tty.then_some(true),
                }
            }
        }
    };
}

convert_to_container!(UserContainer);
convert_to_container!(ScriptTemplate);
convert_to_container!(ContainerNode);
