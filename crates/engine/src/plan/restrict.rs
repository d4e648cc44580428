//! What a workflow may say where the controller asks for templates: `templateReferencing`.
//! Argo: `ValidateUserOverrides`, `SanitizeUserWorkflowSpec`.

use argosy_api::WorkflowSpec;
use serde_json::{Map, Value};

use super::CompileError;
use crate::config::TemplateReferencing;
use crate::definition::Definition;

/// The fields that a workflow may set beside `workflowTemplateRef`.
const ALLOWED: [&str; 14] = [
    "arguments",
    "entrypoint",
    "shutdown",
    "suspend",
    "activeDeadlineSeconds",
    "priority",
    "ttlStrategy",
    "podGC",
    "volumeClaimGC",
    "archiveLogs",
    "workflowMetadata",
    "workflowTemplateRef",
    "metrics",
    "artifactGC",
];

/// Fields of `artifactGC` that reach a pod.
const GUARDED: [&str; 3] = ["podSpecPatch", "serviceAccountName", "podMetadata"];

/// Why the workflow may not run under the controller's restrictions, if so.
pub(super) fn violation(definition: &Definition) -> Option<String> {
    definition.template_referencing?;
    let spec = &definition.workflow.spec;
    if spec.workflow_template_ref.is_none() {
        return Some(
            "workflows must use workflowTemplateRef to be executed when the controller is in reference mode"
                .to_owned(),
        );
    }
    let fields = fields_of(spec).ok()?;
    let mut refused: Vec<String> = fields
        .keys()
        .filter(|name| !ALLOWED.contains(&name.as_str()))
        .map(|name| in_go(name))
        .collect();
    if let Some(Value::Object(collection)) = fields.get("artifactGC") {
        let guarded = GUARDED
            .iter()
            .filter(|name| collection.contains_key(**name));
        refused.extend(guarded.map(|name| format!("ArtifactGC.{}", in_go(name))));
    }
    refused.sort();
    (!refused.is_empty()).then(|| {
        format!(
            "fields [{}] are not permitted when using workflowTemplateRef with templateReferencing restriction",
            refused.join(" ")
        )
    })
}

/// Why a workflow that has begun may not go on under the controller's restrictions, if so: under
/// `Secure` it must still be what its template says. Argo: `setStoredWfSpec`.
///
/// # Errors
/// If the workflow and its template can't be merged.
pub fn violation_by_change(definition: &Definition) -> Result<Option<String>, CompileError> {
    if let Some(violation) = violation(definition) {
        return Ok(Some(violation));
    }
    let stored = &definition.workflow.status.stored_workflow_template_spec;
    let (Some(TemplateReferencing::Secure), Some(stored)) =
        (definition.template_referencing, stored)
    else {
        return Ok(None);
    };
    let comparable = |spec: &WorkflowSpec| {
        let mut fields = fields_of(spec)?;
        // What is asked of a running workflow may change.
        fields.retain(|name, _| name != "suspend" && name != "shutdown");
        Ok::<_, CompileError>(fields)
    };
    let executed = super::merge::executed_spec(definition)?;
    let changed = comparable(&executed)? != comparable(stored)?;
    Ok(changed.then(|| {
        "WorkflowSpec may not change during execution when the controller is set `templateReferencing: Secure`".to_owned()
    }))
}

/// A spec with the allowed fields alone.
pub(super) fn allowed_part(spec: &WorkflowSpec) -> Result<WorkflowSpec, CompileError> {
    let mut fields = fields_of(spec)?;
    fields.retain(|name, _| ALLOWED.contains(&name.as_str()));
    if let Some(Value::Object(collection)) = fields.get_mut("artifactGC") {
        collection.retain(|name, _| !GUARDED.contains(&name.as_str()));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| CompileError(error.to_string()))
}

fn fields_of(spec: &WorkflowSpec) -> Result<Map<String, Value>, CompileError> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(CompileError(error.to_string())),
    }
}

/// The name of a field as Argo's program has it, which its message shows.
fn in_go(name: &str) -> String {
    match name {
        "ttlStrategy" => "TTLStrategy".to_owned(),
        "dnsPolicy" => "DNSPolicy".to_owned(),
        "dnsConfig" => "DNSConfig".to_owned(),
        _ => {
            let mut letters = name.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
    }
}
