//! Calls of templates: steps, and tasks of a DAG.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::*;

/// A call of a template in `steps`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkflowStep {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Name of the template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// The template itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<Box<Template>>,
    /// Values for its inputs.
    pub arguments: Arguments,
    /// A template of a WorkflowTemplate instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// Runs it once for each of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_items: Vec<Item>,
    /// Runs it once for each element of this JSON list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub with_param: String,
    /// Runs it once for each number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_sequence: Option<Sequence>,
    /// The condition without which it doesn't happen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// Which of its ends count as well enough to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on: Option<ContinueOn>,
    /// The template to run at the end; `hooks` has the same as `exit`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_exit: String,
    /// Templates to run when something happens, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<String, LifecycleHook>,
}

/// The body of a `dag` template. Argo: `DAGTemplate`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DagTemplate {
    /// The tasks to reach, separated by spaces; all leaves without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// The tasks.
    pub tasks: Vec<DagTask>,
    /// Whether a failure keeps new branches from starting; true without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<bool>,
}

/// A call of a template in a `dag`. Argo: `DAGTask`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DagTask {
    /// The name.
    pub name: String,
    /// Name of the template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// The template itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<Box<Template>>,
    /// Values for its inputs.
    pub arguments: Arguments,
    /// A template of a WorkflowTemplate instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_ref: Option<TemplateRef>,
    /// What must have succeeded before, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
    /// Runs it once for each of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_items: Vec<Item>,
    /// Runs it once for each element of this JSON list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub with_param: String,
    /// Runs it once for each number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_sequence: Option<Sequence>,
    /// The condition without which it doesn't happen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// Which of its ends count as well enough to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_on: Option<ContinueOn>,
    /// The template to run at the end; `hooks` has the same as `exit`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub on_exit: String,
    /// What must have happened before: tasks and their ends in a logical expression.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub depends: String,
    /// Templates to run when something happens, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<String, LifecycleHook>,
}
