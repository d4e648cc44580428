//! Labels and annotations of the workflow: what `workflowMetadata` adds, and what the controller
//! writes. Argo: `updateWorkflowMetadata`, `markWorkflowPhase`, `setWfTemplateLabel`.

use std::collections::BTreeMap;

use argosy_api::{Workflow, WorkflowPhase, labels};
use argosy_expr::{Program, Unresolved, Value};

use super::passes::again;
use super::scope::{Variables, value_text};
use super::{Run, Undone};
use crate::collection;
use crate::ids::NodeIndex;

/// How pods are named: Argo's second way.
const POD_NAMES: &str = "v2";

/// How they were named before: like their nodes' IDs.
const OLD_POD_NAMES: &str = "v1";

/// How long a label's value may be.
const MAX_LABEL: usize = 63;

impl Run {
    /// Fills in the tags of `workflowMetadata`, whose entries are variables too.
    pub(super) fn fill_metadata(&mut self) {
        let plan = self.plan.clone();
        let Some(metadata) = &plan.workflow.spec.workflow_metadata else {
            return;
        };
        let fill = |texts: &BTreeMap<String, String>| -> Vec<(String, String)> {
            let context = self.eval_context(NodeIndex::NONE, 0, &["workflowMetadata"]);
            let variables = Variables::global(self);
            texts
                .iter()
                .map(|(key, text)| {
                    let filled = again(text, &variables, Unresolved::Keep, &context);
                    (key.clone(), filled.unwrap_or_else(|_| text.clone()))
                })
                .collect()
        };
        let mut found = fill(&metadata.labels);
        // Such a label gets its value when the workflow begins.
        found.retain(|(key, _)| !metadata.labels_from.contains_key(key));
        let annotations = fill(&metadata.annotations);
        self.globals.labels.extend(found);
        self.globals.annotations.extend(annotations);
        let later = |key: &String| metadata.labels_from.contains_key(key);
        self.globals.labels.retain(|key, _| !later(key));
    }

    /// Gives `labelsFrom` their values.
    ///
    /// # Errors
    /// If an expression fails, or a value is none that a label may have.
    pub(super) fn evaluate_labels(&mut self) -> Result<(), String> {
        let plan = self.plan.clone();
        let Some(metadata) = &plan.workflow.spec.workflow_metadata else {
            return Ok(());
        };
        if !self.status.labels_from.is_empty() {
            return Ok(());
        }
        for key in metadata.labels.keys() {
            if let Some(value) = self.globals.labels.get(key) {
                check_label(value).map_err(|fault| {
                    format!("invalid label value {value:?} for label {key:?}: {fault}")
                })?;
            }
        }
        for (key, from) in &metadata.labels_from {
            let context = self.eval_context(NodeIndex::NONE, 0, &[key]);
            // Tags in an expression are filled in before it is read.
            let global = Variables::global(self);
            let expression = &again(&from.expression, &global, Unresolved::Keep, &context)
                .unwrap_or_else(|_| from.expression.clone());
            let program = Program::compile(expression).map_err(|error| {
                format!("failed to compile function for expression {expression:?}: {error}")
            })?;
            let value = program
                .eval(&Variables::global(self), &context)
                .map_err(|error| match error.before_evaluation {
                    true => {
                        format!("failed to compile function for expression {expression:?}: {error}")
                    }
                    false => format!(
                        "failed to evaluate label {key:?} expression {expression:?}: {error}"
                    ),
                })?;
            let Value::String(_) = &value else {
                return Err(format!(
                    "failed to evaluate label {key:?} expression {expression:?} evaluted to {} but must be a string",
                    go_type(&value)
                ));
            };
            let value = value_text(&value);
            check_label(&value).map_err(|fault| {
                format!(
                    "invalid label value {value:?} for label {key:?} and expression {expression:?}: {fault}"
                )
            })?;
            self.add_label(key, &value);
        }
        Ok(())
    }

    /// A label whose value was found when the workflow began.
    pub(super) fn add_label(&mut self, key: &str, value: &str) {
        self.globals.labels.insert(key.to_owned(), value.to_owned());
        self.status
            .labels_from
            .insert(key.to_owned(), value.to_owned());
    }

    /// The workflow's labels, if they are other than those it was created with.
    pub(super) fn new_labels(&self) -> Option<BTreeMap<String, String>> {
        let own = self.definition.workflow.metadata.labels.as_ref();
        let mut labels = own.cloned().unwrap_or_default();
        labels.extend(self.globals.labels.clone());
        labels.extend(self.template_label());
        (own.unwrap_or(&BTreeMap::new()) != &labels).then_some(labels)
    }

    /// The label that names the template which the workflow is made from.
    fn template_label(&self) -> Option<(String, String)> {
        let reference = self
            .definition
            .workflow
            .spec
            .workflow_template_ref
            .as_ref()?;
        Some((reference.scope().label().to_owned(), reference.name.clone()))
    }

    /// Writes into the workflow's metadata what the controller writes.
    pub(super) fn show_metadata(&self, workflow: &mut Workflow) {
        let metadata = &mut workflow.metadata;
        let shown = metadata.labels.get_or_insert_default();
        if self.status.started_at.is_some() {
            shown.extend(self.globals.labels.clone());
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.extend(self.globals.annotations.clone());
            if !self.has_old_pod_names() {
                annotations.insert(labels::POD_NAME_FORMAT.to_owned(), POD_NAMES.to_owned());
            }
        }
        shown.extend(self.template_label());
        if let Undone::Unseen(phase) = self.status.undone {
            shown.remove(labels::COMPLETED);
            shown.remove(labels::WORKFLOW_ARCHIVING_STATUS);
            match phase {
                Some(phase) => shown.insert(labels::PHASE.to_owned(), phase.as_str().to_owned()),
                None => shown.remove(labels::PHASE),
            };
        } else if let Some(phase) = self.own_phase() {
            shown.insert(labels::PHASE.to_owned(), phase.as_str().to_owned());
            let over = phase.is_completed();
            shown.insert(labels::COMPLETED.to_owned(), over.to_string());
            if over && self.is_archived(shown) {
                let status = labels::WORKFLOW_ARCHIVING_STATUS.to_owned();
                shown.insert(status, "Pending".to_owned());
            }
        }
        if self.collects_artifacts() {
            let finalizers = metadata.finalizers.get_or_insert_default();
            let ours = labels::FINALIZER_ARTIFACT_GC;
            if !finalizers.iter().any(|finalizer| finalizer == ours) {
                finalizers.push(ours.to_owned());
            }
        }
    }

    /// Whether pods are named like their nodes' IDs: the workflow began where it was so.
    /// Argo: `GetWorkflowPodNameVersion`.
    pub(super) fn has_old_pod_names(&self) -> bool {
        let workflow = &self.definition.workflow;
        let annotations = workflow.metadata.annotations.as_ref();
        let format = annotations.and_then(|list| list.get(labels::POD_NAME_FORMAT));
        let began = workflow.status.phase.is_some() || !workflow.status.nodes.is_empty();
        began && format.is_some_and(|format| format == OLD_POD_NAMES)
    }

    fn is_archived(&self, shown: &BTreeMap<String, String>) -> bool {
        let persistence = &self.settings.config.persistence;
        let selector = persistence.archive_label_selector.as_ref();
        persistence.archive && selector.is_none_or(|selector| collection::selects(selector, shown))
    }

    /// Whether the workflow ended well.
    pub(super) fn ended_as(&self) -> Option<WorkflowPhase> {
        self.status.phase.filter(|phase| phase.is_completed())
    }
}

fn check_label(value: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let inner = |c: char| plain(c) || matches!(c, '-' | '_' | '.');
    let shaped = value.is_empty()
        || value.starts_with(plain) && value.ends_with(plain) && value.chars().all(inner);
    let mut faults = Vec::new();
    if value.len() > MAX_LABEL {
        faults.push(format!("must be no more than {MAX_LABEL} characters"));
    }
    if !shaped {
        faults.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .to_owned(),
        );
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join(";")),
    }
}

/// What Argo's program calls the type of a value.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Bytes(_) => "[]uint8",
        Value::Duration(_) => "time.Duration",
        Value::Time(_) => "time.Time",
        Value::Zone(_) => "*time.Location",
        Value::Version(_) => "*semver.Version",
    }
}
