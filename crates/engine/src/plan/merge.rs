//! Merging what a workflow says with what it inherits: the spec of its `workflowTemplateRef`, and
//! `templateDefaults`. Argo: `workflow/util/merge.go`, `mergedTemplateDefaultsInto`.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Artifact, Parameter, Template, Workflow, WorkflowSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CompileError;
use crate::definition::Definition;
use crate::strategic::{Schema, strategic_merge};

/// The spec that is executed: what the workflow says over what its template says over what the
/// controller's defaults say. Argo: `JoinWorkflowSpec`.
pub(super) fn executed_spec(definition: &Definition) -> Result<WorkflowSpec, CompileError> {
    let own = &definition.workflow.spec;
    let Some(reference) = &own.workflow_template_ref else {
        return Ok(own.clone());
    };
    let inherited = definition.inherited().ok_or_else(|| {
        CompileError(format!(
            "{}.argoproj.io \"{}\" not found",
            reference.scope().plural(),
            reference.name
        ))
    })?;
    let sanitized;
    let own = if definition.template_referencing.is_some() {
        sanitized = super::restrict::allowed_part(own)?;
        &sanitized
    } else {
        own
    };
    let mut spec = spec_over(inherited, own)?;
    if let Some(defaults) = &definition.workflow_defaults {
        spec = spec_over(&defaults.spec, &spec)?;
    }
    spec.suspend = own.suspend;
    // Where a parameter is given its value in one place and a source in another, only the first
    // of them counts.
    for parameter in &mut spec.arguments.parameters {
        let first = [own, inherited].into_iter().find_map(|spec| {
            let mut parameters = spec.arguments.parameters.iter();
            parameters.find(|given| given.name == parameter.name && has_value(given))
        });
        if let Some(first) = first {
            *parameter = first.clone();
        }
    }
    for artifact in &mut spec.arguments.artifacts {
        let first = [own, inherited].into_iter().find_map(|spec| {
            let mut artifacts = spec.arguments.artifacts.iter();
            artifacts.find(|given| given.name == artifact.name)
        });
        if let Some(first) = first {
            override_artifact(artifact, first);
        }
    }
    Ok(spec)
}

/// The spec that Argo keeps of a workflow that a template describes, before it looks whether the
/// workflow is valid; `None` if there is no such template. Argo: `setStoredWfSpec`.
pub fn stored_spec(definition: &Definition) -> Option<WorkflowSpec> {
    definition.workflow.spec.workflow_template_ref.as_ref()?;
    executed_spec(definition).ok()
}

fn has_value(parameter: &Parameter) -> bool {
    parameter.value.is_some() || parameter.default.is_some() || parameter.value_from.is_some()
}

/// An artifact takes the place of the inherited one; in a store of the same kind it keeps what it
/// doesn't say. The merge has brought both together.
fn override_artifact(artifact: &mut Artifact, over: &Artifact) {
    let stores = |artifact: &Artifact| {
        [
            artifact.artifactory.is_some(),
            artifact.azure.is_some(),
            artifact.gcs.is_some(),
            artifact.git.is_some(),
            artifact.hdfs.is_some(),
            artifact.http.is_some(),
            artifact.oss.is_some(),
            artifact.plugin.is_some(),
            artifact.raw.is_some(),
            artifact.s3.is_some(),
        ]
    };
    if stores(artifact) != stores(over) {
        *artifact = over.clone();
    }
}

/// A workflow over the controller's defaults. Argo: `MergeTo`.
pub(crate) fn workflow_over(defaults: &Workflow, own: &Workflow) -> Result<Workflow, CompileError> {
    let mut merged_workflow: Workflow = merged(&without_maps(defaults), own, Schema::Workflow)?;
    add_maps(&defaults.spec, &mut merged_workflow.spec);
    Ok(merged_workflow)
}

fn spec_over(base: &WorkflowSpec, over: &WorkflowSpec) -> Result<WorkflowSpec, CompileError> {
    let base_workflow = without_maps(&Workflow {
        spec: base.clone(),
        ..Workflow::default()
    });
    let mut spec: WorkflowSpec = merged(&base_workflow.spec, over, Schema::WorkflowSpec)?;
    add_maps(base, &mut spec);
    Ok(spec)
}

/// Hooks and `labelsFrom` are taken whole or not at all, entry by entry.
fn without_maps(workflow: &Workflow) -> Workflow {
    let mut workflow = workflow.clone();
    workflow.spec.hooks = BTreeMap::new();
    if let Some(metadata) = &mut workflow.spec.workflow_metadata {
        metadata.labels_from = BTreeMap::new();
    }
    workflow
}

fn add_maps(base: &WorkflowSpec, spec: &mut WorkflowSpec) {
    for (name, hook) in &base.hooks {
        let entry = spec.hooks.entry(name.clone());
        entry.or_insert_with(|| hook.clone());
    }
    let labels = base
        .workflow_metadata
        .iter()
        .flat_map(|more| &more.labels_from);
    for (name, from) in labels {
        let metadata = spec.workflow_metadata.get_or_insert_default();
        let entry = metadata.labels_from.entry(name.clone());
        entry.or_insert_with(|| from.clone());
    }
}

/// A template over the workflow's `templateDefaults`: of the fields that say what a template does,
/// only the one that the template itself has is taken from them.
pub(super) fn with_defaults(
    template: Arc<Template>,
    defaults: Option<&Template>,
) -> Result<Arc<Template>, CompileError> {
    let Some(defaults) = defaults else {
        return Ok(template);
    };
    let mut defaults = defaults.clone();
    if template.container.is_none() {
        defaults.container = None;
    }
    if template.container_set.is_none() {
        defaults.container_set = None;
    }
    if template.script.is_none() {
        defaults.script = None;
    }
    if template.resource.is_none() {
        defaults.resource = None;
    }
    if template.dag.is_none() {
        defaults.dag = None;
    }
    if template.suspend.is_none() {
        defaults.suspend = None;
    }
    if template.data.is_none() {
        defaults.data = None;
    }
    if template.http.is_none() {
        defaults.http = None;
    }
    if template.plugin.is_none() {
        defaults.plugin = None;
    }
    if template.steps.is_empty() {
        defaults.steps = Vec::new();
    }
    merged(&defaults, &*template, Schema::Template).map(Arc::new)
}

fn merged<T: Serialize + DeserializeOwned>(
    base: &T,
    over: &T,
    schema: Schema,
) -> Result<T, CompileError> {
    let failed = |error: &dyn std::fmt::Display| {
        CompileError(format!("failed to merge with what is inherited: {error}"))
    };
    let base = serde_json::to_value(base).map_err(|error| failed(&error))?;
    let over = serde_json::to_value(over).map_err(|error| failed(&error))?;
    let merged = strategic_merge(base, over, schema).map_err(|error| failed(&error))?;
    serde_json::from_value(merged).map_err(|error| failed(&error))
}
