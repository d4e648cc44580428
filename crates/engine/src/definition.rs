//! All that the course of a run depends on, read before it starts.

use std::collections::BTreeMap;

use argosy_api::{ClusterWorkflowTemplate, Workflow, WorkflowTemplate};
use serde::{Deserialize, Serialize};

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
