//! Workflows that events start.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::*;

/// Starts a workflow when an event comes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowEventBinding {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WorkflowEventBindingSpec,
}

/// Which events start what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowEventBindingSpec {
    /// Which events are meant.
    pub event: Event,
    /// What to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<Submit>,
}

/// Which events are meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// An expression over the event that says whether it is meant.
    pub selector: String,
}

/// What an event starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Submit {
    /// The WorkflowTemplate to run.
    pub workflow_template_ref: WorkflowTemplateRef,
    /// Name, labels and annotations of the new workflow.
    pub metadata: ObjectMeta,
    /// Values for its inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Arguments>,
}
