//! Trying again.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

/// When and how often a node is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RetryStrategy {
    /// How many more attempts after the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<IntOrString>,
    /// Which ends are tried again: `Always`, `OnFailure`, `OnError` or `OnTransientError`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub retry_policy: String,
    /// How long to wait in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// On which machines pods may run, and beside which others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<RetryAffinity>,
    /// An expression over `lastRetry` that says whether to try again.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
}

/// On which machines a node is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RetryAffinity {
    /// Not where an attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_anti_affinity: Option<RetryNodeAntiAffinity>,
}

/// Asks for a machine on which no attempt has failed yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RetryNodeAntiAffinity {}

/// How long to wait between attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Backoff {
    /// The first wait, such as `10s`; a bare number is seconds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub duration: String,
    /// By what the wait grows each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<IntOrString>,
    /// How long attempts go on in all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub max_duration: String,
    /// The longest wait.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cap: String,
}
