//! The controller's ConfigMap, as far as the core heeds it.
//! Argo: `config/config.go`, `docs/workflow-controller-configmap.md`.

use std::collections::BTreeMap;

use argosy_api::{ArtifactRepository, Workflow, nearest};
use k8s_openapi::api::core::v1::Container;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::duration;
use crate::lower::ReadYaml;

/// What the controller's ConfigMap says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The controller's name, where there are several: a label of workflows and pods.
    pub instance_id: String,
    /// How many workflows may run at once.
    pub parallelism: Option<i64>,
    /// How many workflows of one namespace may run at once.
    pub namespace_parallelism: Option<i64>,
    /// Which events tell of nodes.
    pub node_events: NodeEvents,
    /// Which events tell of workflows.
    pub workflow_events: WorkflowEvents,
    /// What a workflow says unless it says otherwise.
    pub workflow_defaults: Option<Workflow>,
    /// What workflows may say.
    pub workflow_restrictions: Option<WorkflowRestrictions>,
    /// What a main container says unless it says otherwise.
    pub main_container: Option<Container>,
    /// What images run, where a step names no command.
    pub images: BTreeMap<String, Image>,
    /// What the executor's containers say.
    pub executor: Option<Container>,
    /// Where artifacts go.
    pub artifact_repository: ArtifactRepository,
    /// Pods that failed before they began.
    pub failed_pod_restart: Option<FailedPodRestart>,
    /// How long a pod that is to go is kept, in seconds: Argo's 5 unless said otherwise.
    pub pod_gc_delay_seconds: Option<i64>,
    /// Seconds between the two signals that end a pod's containers: 30 unless said otherwise.
    pub pod_gc_grace_seconds: Option<i64>,
    /// How many ended workflows are kept.
    pub retention_policy: Option<RetentionPolicy>,
    /// What is kept beyond the workflow object.
    pub persistence: Persistence,
    /// How metrics are served.
    pub metrics: MetricsConfig,
    /// No pod is made for the agent: somebody else carries out `http` and `plugin` templates.
    pub disable_agent_pod_creation: bool,
    /// Keys of Argo's that speak to other parts of the program: the server's page, its sign-in,
    /// endpoints, clients and databases.
    pub elsewhere: Vec<String>,
}

/// Which events tell of nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeEvents {
    /// Whether there are any; yes unless said otherwise.
    pub enabled: Option<bool>,
    /// Whether they are about the pod instead of the workflow.
    pub send_as_pod: bool,
}

/// Which events tell of workflows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowEvents {
    /// Whether there are any; yes unless said otherwise.
    pub enabled: Option<bool>,
}

/// What workflows may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowRestrictions {
    /// Whether a workflow must refer to a template.
    pub template_referencing: Option<TemplateReferencing>,
}

/// What an image runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// Its command.
    pub entrypoint: Vec<String>,
    /// The command's arguments.
    pub cmd: Vec<String>,
}

/// How strictly a workflow must refer to a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TemplateReferencing {
    /// It must, and may change little of it.
    Strict,
    /// The same, and the template may not change while it runs.
    Secure,
}

/// Pods that failed before they began are made anew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct FailedPodRestart {
    /// Whether they are.
    pub enabled: bool,
    /// How often for one node: 3 times unless said otherwise.
    pub max_restarts: Option<i32>,
}

/// How many ended workflows are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RetentionPolicy {
    /// Of those that succeeded.
    pub completed: Option<i64>,
    /// Of those that failed.
    pub failed: Option<i64>,
    /// Of those that are errors.
    pub errored: Option<i64>,
}

/// What is kept beyond the workflow object. The rest of Argo's key speaks to the database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Persistence {
    /// Whether ended workflows are archived.
    pub archive: bool,
    /// Which ones.
    pub archive_label_selector: Option<LabelSelector>,
}

/// How metrics are served. Argo: `MetricsConfig` in `config/config.go`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricsConfig {
    /// Whether there are any; yes unless said otherwise.
    pub enabled: Option<bool>,
    /// Argo has no legacy metrics any more; the field is known and says nothing.
    pub disable_legacy: bool,
    /// For how long a metric that is told no more is kept: a span such as `10m`, or nothing for
    /// ever.
    #[serde(rename = "metricsTTL")]
    pub metrics_ttl: String,
    /// Where they are: `/metrics` unless said otherwise.
    pub path: String,
    /// On which port: 9090 unless said otherwise.
    pub port: Option<u16>,
    /// Whether what goes wrong is passed over.
    pub ignore_errors: bool,
    /// Whether they are served by TLS.
    pub secure: Option<bool>,
    /// Changes to metrics by their names.
    pub modifiers: BTreeMap<String, MetricModifier>,
    /// For OpenTelemetry: `Cumulative` or `Delta`.
    pub temporality: String,
}

/// A change to a metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricModifier {
    /// It is not told.
    pub disabled: bool,
    /// Labels that it does without.
    pub disabled_attributes: Vec<String>,
    /// The upper bounds of a histogram's buckets.
    pub histogram_buckets: Vec<f64>,
}

impl ConfigError {
    /// The key that it is about; `None` for all of them together.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::NotAlone => None,
            Self::Unknown { key, .. } | Self::Unreadable { key, .. } => Some(key),
        }
    }
}

/// Why a ConfigMap can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `config` must stand alone.
    #[error("if you have an item in your config map named 'config', you must only have one item")]
    NotAlone,
    /// A key that Argo does not know.
    #[error("unknown key {key:?}{}", hint(nearest))]
    Unknown {
        /// The key.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// A value that does not fit its key.
    #[error("cannot read {key}: {message}")]
    Unreadable {
        /// The key.
        key: String,
        /// What is wrong.
        message: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| {
        format!(", did you mean {nearest:?}?")
    })
}

/// Keys that the core reads.
const KEYS: [&str; 19] = [
    "metricsConfig",
    "images",
    "instanceID",
    "parallelism",
    "namespaceParallelism",
    "nodeEvents",
    "workflowEvents",
    "workflowDefaults",
    "workflowRestrictions",
    "mainContainer",
    "executor",
    "artifactRepository",
    "failedPodRestart",
    "podGCDeleteDelayDuration",
    "podGCGracePeriodSeconds",
    "retentionPolicy",
    "persistence",
    "disableAgentPodCreation",
    "config",
];

/// Keys of Argo's that other parts read.
const ELSEWHERE: [&str; 14] = [
    "kubeConfig",
    "namespace",
    "telemetryConfig",
    "resourceRateLimit",
    "links",
    "columns",
    "podSpecLogStrategy",
    "initialDelay",
    "navColor",
    "sso",
    "synchronization",
    "artifactDrivers",
    "initlessPod",
    "artifactRepositoryRef",
];

impl Config {
    /// Reads the `data` of the ConfigMap: either one key `config` that holds all, or a key each.
    ///
    /// # Errors
    /// If a key is unknown or its value does not fit.
    pub fn read(data: &BTreeMap<String, String>, read_yaml: ReadYaml) -> Result<Self, ConfigError> {
        if let Some(text) = data.get("config") {
            if data.len() > 1 {
                return Err(ConfigError::NotAlone);
            }
            let value = read_yaml(text).map_err(|message| unreadable("config", message))?;
            return Self::from_value(&value);
        }
        let mut config = Self::default();
        for (key, text) in data {
            // A text without a line break is taken as it stands where a text is wanted.
            let value = match key.as_str() {
                "instanceID" => Value::String(text.trim_end().to_owned()),
                _ => read_yaml(text).map_err(|message| unreadable(key, message))?,
            };
            config.set(key, &value)?;
        }
        Ok(config)
    }

    /// Reads the same as one object.
    ///
    /// # Errors
    /// If a key is unknown or its value does not fit.
    pub fn from_value(value: &Value) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        match value {
            Value::Null => {}
            Value::Object(map) => {
                for (key, value) in map {
                    config.set(key, value)?;
                }
            }
            _ => return Err(unreadable("config", "it is no map".to_owned())),
        }
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), ConfigError> {
        match key {
            "instanceID" => self.instance_id = read(key, value)?,
            "parallelism" => self.parallelism = limit(read(key, value)?),
            "namespaceParallelism" => self.namespace_parallelism = limit(read(key, value)?),
            "nodeEvents" => self.node_events = read(key, value)?,
            "workflowEvents" => self.workflow_events = read(key, value)?,
            "workflowDefaults" => self.workflow_defaults = Some(read(key, value)?),
            "workflowRestrictions" => self.workflow_restrictions = Some(read(key, value)?),
            "mainContainer" => self.main_container = Some(read_container(key, value)?),
            "images" => self.images = read(key, value)?,
            "executor" => self.executor = Some(read_container(key, value)?),
            "artifactRepository" => self.artifact_repository = read(key, value)?,
            "failedPodRestart" => self.failed_pod_restart = Some(read(key, value)?),
            "podGCDeleteDelayDuration" => {
                let text: String = read(key, value)?;
                let seconds =
                    duration::parse_seconds(&text).map_err(|error| unreadable(key, error))?;
                self.pod_gc_delay_seconds = Some(seconds);
            }
            "podGCGracePeriodSeconds" => self.pod_gc_grace_seconds = Some(read(key, value)?),
            "retentionPolicy" => self.retention_policy = Some(read(key, value)?),
            "persistence" => self.persistence = read(key, value)?,
            "metricsConfig" => {
                self.metrics = read(key, value)?;
                let (path, ttl) = (&self.metrics.path, &self.metrics.metrics_ttl);
                if !path.is_empty() && !path.starts_with('/') {
                    return Err(unreadable(
                        key,
                        format!("path {path:?} must begin with a /"),
                    ));
                }
                if !ttl.is_empty() {
                    duration::parse_span_seconds(ttl).map_err(|error| unreadable(key, error))?;
                }
            }
            "disableAgentPodCreation" => self.disable_agent_pod_creation = read(key, value)?,
            known if ELSEWHERE.contains(&known) => self.elsewhere.push(known.to_owned()),
            unknown => {
                let known = KEYS.iter().chain(&ELSEWHERE).copied();
                return Err(ConfigError::Unknown {
                    key: unknown.to_owned(),
                    nearest: nearest(unknown, known).map(str::to_owned),
                });
            }
        }
        Ok(())
    }

    /// Whether a workflow must refer to a template.
    pub fn template_referencing(&self) -> Option<TemplateReferencing> {
        self.workflow_restrictions?.template_referencing
    }

    /// How many workflows may run at once, in all and in each namespace; 0 for no limit.
    pub fn parallelism_limits(&self) -> (u32, u32) {
        let limit = |limit: Option<i64>| limit.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        (limit(self.parallelism), limit(self.namespace_parallelism))
    }

    /// How often a node's pod is made anew when it failed before it began.
    pub fn max_pod_restarts(&self) -> i32 {
        match &self.failed_pod_restart {
            Some(restart) if restart.enabled => restart.max_restarts.unwrap_or(3),
            Some(_) | None => 0,
        }
    }
}

/// Argo takes 0 for "no limit".
fn limit(count: i64) -> Option<i64> {
    (count > 0).then_some(count)
}

fn unreadable(key: &str, message: String) -> ConfigError {
    ConfigError::Unreadable {
        key: key.to_owned(),
        message,
    }
}

fn read<T: DeserializeOwned>(key: &str, value: &Value) -> Result<T, ConfigError> {
    serde_json::from_value(value.clone()).map_err(|error| unreadable(key, error.to_string()))
}

/// A container without a name, which Kubernetes' type can't be without.
fn read_container(key: &str, value: &Value) -> Result<Container, ConfigError> {
    let mut value = value.clone();
    if let Value::Object(map) = &mut value {
        map.entry("name")
            .or_insert_with(|| Value::String(String::new()));
    }
    read(key, &value)
}
