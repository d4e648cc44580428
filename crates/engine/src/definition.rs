//! All that the course of a run depends on, read before it starts.

use std::collections::BTreeMap;

use argosy_api::{
    ArtifactRepositoryRefStatus, ClusterWorkflowTemplate, ExecutorPlugin, TemplateScope, Workflow,
    WorkflowSpec, WorkflowTemplate, labels,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use crate::config::{Config, TemplateReferencing};
use crate::plan::{CompileError, workflow_over};
use crate::timestamp;

/// A workflow as it was submitted, with everything that it refers to as that stood then.
///
/// Argo reads templates again and again while a workflow runs; here an edit of a template does not
/// reach into runs that have begun (see `docs/compatibility.md`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Definition {
    /// The workflow. Its metadata has a name, a namespace, a UID and a creation time.
    pub workflow: Workflow,
    /// The WorkflowTemplates that it reaches, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub workflow_templates: BTreeMap<String, WorkflowTemplate>,
    /// The ClusterWorkflowTemplates that it reaches, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cluster_workflow_templates: BTreeMap<String, ClusterWorkflowTemplate>,
    /// The ConfigMaps of the namespace that parameters may come from: those with the label
    /// `workflows.argoproj.io/configmap-type: Parameter`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config_maps: BTreeMap<String, BTreeMap<String, String>>,
    /// The executor plugins of the namespace, as they stood when the workflow was submitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executor_plugins: Vec<ExecutorPlugin>,
    /// The repository that `artifactRepositoryRef` names, as it was found; the controller's own if
    /// none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_repository: Option<ArtifactRepositoryRefStatus>,
    /// How long an earlier run of the same template took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The controller's defaults, for a workflow that refers to a template; another one has them in
    /// its spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_defaults: Option<Box<Workflow>>,
    /// Whether the controller asks for references to templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_referencing: Option<TemplateReferencing>,
}

/// How long an earlier run took, to estimate another by. Argo: `estimation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Baseline {
    /// Seconds that the workflow took.
    pub seconds: i64,
    /// Seconds that each node took, by its name without the workflow's in front.
    pub nodes: BTreeMap<String, i64>,
}

/// Whether a text speaks of all parameters of the workflow at once, whatever they are called.
pub fn speaks_of_all_parameters(text: &str) -> bool {
    let ways = [
        "workflow.parameters}}",
        "workflow.parameters.json",
        "workflow.parameters[",
    ];
    ways.iter().any(|all| text.contains(all))
}

/// Labels that say what a workflow was made from, the first that there is counts.
const ORIGINS: [&str; 3] = [
    labels::WORKFLOW_TEMPLATE,
    labels::CLUSTER_WORKFLOW_TEMPLATE,
    labels::CRON_WORKFLOW,
];

impl Baseline {
    /// The label that says what a workflow is made from, and its value: runs that have the same in
    /// common are estimated by one another. The label for a template that the workflow refers to
    /// is given when it begins. Argo: `NewEstimator`, `setWfTemplateLabel`.
    pub fn origin(workflow: &Workflow) -> Option<(&'static str, String)> {
        let own = workflow.metadata.labels.as_ref();
        let labelled = ORIGINS
            .into_iter()
            .find_map(|key| Some((key, own?.get(key)?.clone())));
        labelled.or_else(|| {
            let reference = workflow.spec.workflow_template_ref.as_ref()?;
            Some((reference.scope().label(), reference.name.clone()))
        })
    }

    /// The baseline that a workflow gives which has succeeded; `None` for any other.
    pub fn of(workflow: &Workflow) -> Option<Self> {
        let status = &workflow.status;
        if status.phase != Some(argosy_api::WorkflowPhase::Succeeded) {
            return None;
        }
        let took = |started: &Option<Time>, finished: &Option<Time>| {
            let (started, finished) = (started.as_ref()?, finished.as_ref()?);
            Some(timestamp::seconds(finished).since(timestamp::seconds(started)))
        };
        let name = workflow.metadata.name.as_deref().unwrap_or_default();
        let nodes = status.nodes.values().filter_map(|node| {
            let seconds = took(&node.started_at, &node.finished_at)?;
            Some((node.name.strip_prefix(name)?.to_owned(), seconds))
        });
        Some(Self {
            seconds: took(&status.started_at, &status.finished_at)?,
            nodes: nodes.collect(),
        })
    }
}

/// Why a value could not be read from a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigMapError {
    /// No such ConfigMap, or one without the label that allows it.
    #[error(
        "ConfigMap '{0}' does not exist. Please make sure it has the label workflows.argoproj.io/configmap-type: Parameter to be detectable by the controller"
    )]
    NoMap(String),
    /// The ConfigMap has no such key.
    #[error("ConfigMap '{map}' does not have the key '{key}'")]
    NoKey {
        /// The ConfigMap.
        map: String,
        /// The key.
        key: String,
    },
}

impl Definition {
    /// The spec of a template that the workflow reaches.
    pub fn template_spec(&self, scope: TemplateScope, name: &str) -> Option<&WorkflowSpec> {
        match scope {
            TemplateScope::Namespaced => Some(&self.workflow_templates.get(name)?.spec),
            TemplateScope::Cluster => Some(&self.cluster_workflow_templates.get(name)?.spec),
        }
    }

    /// The spec that `workflowTemplateRef` names.
    pub fn inherited(&self) -> Option<&WorkflowSpec> {
        let reference = self.workflow.spec.workflow_template_ref.as_ref()?;
        self.template_spec(reference.scope(), &reference.name)
    }

    /// Brings in what the controller's ConfigMap says about workflows. Argo: `setExecWorkflow`.
    ///
    /// # Errors
    /// If the defaults can't be merged.
    pub fn configure(&mut self, config: &Config) -> Result<(), CompileError> {
        self.template_referencing = config.template_referencing();
        let Some(defaults) = &config.workflow_defaults else {
            return Ok(());
        };
        if self.workflow.spec.workflow_template_ref.is_none() {
            self.workflow = workflow_over(defaults, &self.workflow)?;
            return Ok(());
        }
        let (own, more) = (&mut self.workflow.metadata, &defaults.metadata);
        inherit(&mut own.labels, more.labels.as_ref());
        inherit(&mut own.annotations, more.annotations.as_ref());
        self.workflow_defaults = Some(Box::new(defaults.clone()));
        Ok(())
    }

    /// The workflow's name.
    pub fn name(&self) -> &str {
        self.workflow.metadata.name.as_deref().unwrap_or_default()
    }

    /// The workflow's namespace.
    pub fn namespace(&self) -> &str {
        self.workflow
            .metadata
            .namespace
            .as_deref()
            .unwrap_or_default()
    }

    /// A key of a ConfigMap. Argo: `common.GetConfigMapValue`.
    ///
    /// # Errors
    /// If it is not there.
    pub fn config_map_value(&self, map: &str, key: &str) -> Result<&str, ConfigMapError> {
        let data = self
            .config_maps
            .get(map)
            .ok_or_else(|| ConfigMapError::NoMap(map.to_owned()))?;
        data.get(key)
            .map(String::as_str)
            .ok_or_else(|| ConfigMapError::NoKey {
                map: map.to_owned(),
                key: key.to_owned(),
            })
    }
}

fn inherit(
    own: &mut Option<BTreeMap<String, String>>,
    defaults: Option<&BTreeMap<String, String>>,
) {
    for (key, value) in defaults.into_iter().flatten() {
        let entry = own.get_or_insert_default().entry(key.clone());
        entry.or_insert_with(|| value.clone());
    }
}
