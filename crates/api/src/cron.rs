//! Workflows that run by the clock.

use k8s_openapi::api::core::v1::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Serialize};

use crate::*;

/// A workflow that runs by the clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CronWorkflow {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: CronWorkflowSpec,
    /// How it stands.
    pub status: CronWorkflowStatus,
}

/// When a CronWorkflow runs, and what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CronWorkflowSpec {
    /// What each workflow does.
    pub workflow_spec: WorkflowSpec,
    /// What happens if the last one still runs: `Allow`, `Forbid` or `Replace`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub concurrency_policy: String,
    /// Whether it pauses.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Seconds after the due time in which it may still start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_deadline_seconds: Option<i64>,
    /// How many workflows that succeeded are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_jobs_history_limit: Option<i32>,
    /// How many workflows that failed are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_jobs_history_limit: Option<i32>,
    /// The time zone of the schedules, such as `Europe/Berlin`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub timezone: String,
    /// Labels and annotations of the workflows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_metadata: Option<ObjectMeta>,
    /// When it stops for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_strategy: Option<StopStrategy>,
    /// When it runs, in cron's notation.
    pub schedules: Vec<String>,
    /// The condition without which a due time passes by.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
}

/// When a CronWorkflow stops for good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StopStrategy {
    /// An expression over the counts that says whether to stop.
    pub expression: String,
}

/// What a CronWorkflow has done so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CronWorkflowStatus {
    /// The workflows that run now.
    pub active: Vec<ObjectReference>,
    /// When it last started one.
    pub last_scheduled_time: Option<Time>,
    /// What holds about it.
    pub conditions: Vec<Condition>,
    /// How many workflows succeeded.
    pub succeeded: i64,
    /// How many workflows failed.
    pub failed: i64,
    /// How far it is.
    #[serde(with = "word_or_empty")]
    pub phase: Option<CronWorkflowPhase>,
}
