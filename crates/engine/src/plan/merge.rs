//! Merging what a workflow says with what it inherits: the spec of its `workflowTemplateRef`, and
//! `templateDefaults`. Argo: `workflow/util/merge.go`, `mergedTemplateDefaultsInto`.

use argosy_api::{Template, WorkflowSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CompileError;
use crate::definition::Definition;
use crate::strategic::{Schema, strategic_merge};

/// The spec that is executed.
pub(super) fn executed_spec(definition: &Definition) -> Result<WorkflowSpec, CompileError> {
    let own = &definition.workflow.spec;
    let Some(reference) = &own.workflow_template_ref else {
        return Ok(own.clone());
    };
    let inherited = if reference.cluster_scope {
        definition
            .cluster_workflow_templates
            .get(&reference.name)
            .map(|template| &template.spec)
    } else {
        definition
            .workflow_templates
            .get(&reference.name)
            .map(|template| &template.spec)
    };
    let inherited = inherited.ok_or_else(|| {
        let kind = if reference.cluster_scope {
            "clusterworkflowtemplate"
        } else {
            "workflowtemplate"
        };
        CompileError(format!(
            "{kind}s.argoproj.io \"{}\" not found",
            reference.name
        ))
    })?;
    merged(inherited, own, Schema::WorkflowSpec)
}

/// A template over the workflow's `templateDefaults`: of the fields that say what a template does,
/// only the one that the template itself has is taken from them.
pub(super) fn with_defaults(
    template: &Template,
    defaults: Option<&Template>,
) -> Result<Template, CompileError> {
    let Some(defaults) = defaults else {
        return Ok(template.clone());
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
    merged(&defaults, template, Schema::Template)
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
