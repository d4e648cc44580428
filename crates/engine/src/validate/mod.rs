//! Finds what is wrong with a workflow before it runs: all of it at once, each fault with its
//! field, in Argo's words where Argo refuses it too.
//!
//! Argo stops at the first fault; the first error here is that one, but for the order among
//! independent tasks. What Argo, and the API server before it, accept is never an error here, at most
//! a warning.
//!
//! The templates that a workflow reaches are walked with a list of what is still to do, each once
//! (`walk`); a template's variables are looked up, not collected per step (`scope`).

mod advice;
mod arguments;
mod artifact;
mod body;
mod calls;
mod container_set;
mod cron;
mod dag;
mod declare;
mod fault;
mod graph;
mod invoke;
mod leaf;
mod library;
mod metadata;
mod metrics;
mod names;
mod outputs;
mod report;
mod resource;
mod schedule;
mod scope;
mod selector;
mod shape;
mod steps;
mod strings;
mod tags;
mod tasks;
mod texts;
mod values;
mod walk;
mod workflow;
mod zones;

use argosy_api::{
    ClusterWorkflowTemplate, CronWorkflow, TemplateScope, Workflow, WorkflowMetadata,
    WorkflowTemplate,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use argosy_api::Severity;
pub use fault::Fault;
pub use metadata::check_metadata;

use crate::source::TemplateSource;
use workflow::{Subject, check_workflow};

/// What an object is validated for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at: the arguments of a workflow may lack values.
    Lint,
    /// To be stored: those of a workflow may not, those of a template may.
    #[default]
    Create,
    /// To be run, a template too.
    Submit,
    /// To be begun by a controller, as `Create` otherwise: whoever stored it has looked at what
    /// Kubernetes asks of its metadata, and Argo's controller never does.
    Begin,
}

/// What to make of references to objects that are not at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingReferences {
    /// They are errors.
    #[default]
    Refuse,
    /// They are warnings: the objects may be elsewhere.
    Warn,
}

/// How to validate.
#[derive(Clone, Debug, Default)]
pub struct ValidateOptions {
    /// What for.
    pub purpose: Purpose,
    /// What to make of missing WorkflowTemplates.
    pub missing_references: MissingReferences,
    /// The `workflowMetadata` that the controller's defaults give every workflow: its labels and
    /// annotations can be referred to.
    pub workflow_metadata: Option<WorkflowMetadata>,
}

/// Validates a workflow.
pub fn validate_workflow(
    workflow: &Workflow,
    templates: &dyn TemplateSource,
    options: &ValidateOptions,
) -> Vec<Fault> {
    let mut faults = check_names("workflow", &workflow.metadata, options);
    let subject = Subject {
        spec: &workflow.spec,
        spec_path: "spec",
        metadata: &workflow.metadata,
        template: None,
        via: "",
    };
    faults.extend(check_workflow(subject, templates, options));
    faults
}

/// Validates a WorkflowTemplate.
pub fn validate_workflow_template(
    template: &WorkflowTemplate,
    templates: &dyn TemplateSource,
    options: &ValidateOptions,
) -> Vec<Fault> {
    let mut faults = check_names("workflow template", &template.metadata, options);
    let subject = Subject {
        spec: &template.spec,
        spec_path: "spec",
        metadata: &template.metadata,
        template: Some(TemplateScope::Namespaced),
        via: "",
    };
    faults.extend(check_workflow(subject, templates, options));
    faults
}

/// Validates a ClusterWorkflowTemplate.
pub fn validate_cluster_workflow_template(
    template: &ClusterWorkflowTemplate,
    templates: &dyn TemplateSource,
    options: &ValidateOptions,
) -> Vec<Fault> {
    let mut faults = check_names("cluster workflow template", &template.metadata, options);
    let subject = Subject {
        spec: &template.spec,
        spec_path: "spec",
        metadata: &template.metadata,
        template: Some(TemplateScope::Cluster),
        via: "",
    };
    faults.extend(check_workflow(subject, templates, options));
    faults
}

/// Validates a CronWorkflow and the workflow that it makes. Whatever the purpose, its arguments
/// need values: nobody is there to give them.
pub fn validate_cron_workflow(
    cron: &CronWorkflow,
    templates: &dyn TemplateSource,
    options: &ValidateOptions,
) -> Vec<Fault> {
    let made = ValidateOptions {
        purpose: Purpose::Submit,
        ..options.clone()
    };
    let mut faults = cron::check_cron_workflow(cron, templates, &made);
    faults.extend(check_metadata(&cron.metadata, options.purpose));
    faults
}

fn check_names(kind: &str, metadata: &ObjectMeta, options: &ValidateOptions) -> Vec<Fault> {
    let mut faults: Vec<Fault> = metadata::too_long(kind, metadata).into_iter().collect();
    faults.extend(check_metadata(metadata, options.purpose));
    faults
}
