//! Where the things are looked up that a workflow refers to by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{ClusterWorkflowTemplate, WorkflowTemplate};
use k8s_openapi::api::core::v1::ConfigMap;

/// Gives the objects that a workflow refers to. An answer is taken as it stands: whoever reads
/// from a store or a cluster reads first, and asks afterwards.
pub trait TemplateSource {
    /// The WorkflowTemplate of this name.
    fn workflow_template(&self, namespace: &str, name: &str) -> Option<Arc<WorkflowTemplate>>;

    /// The ClusterWorkflowTemplate of this name.
    fn cluster_workflow_template(&self, name: &str) -> Option<Arc<ClusterWorkflowTemplate>>;

    /// The ConfigMap of this name, with its labels.
    fn config_map(&self, namespace: &str, name: &str) -> Option<Arc<ConfigMap>>;
}

/// Knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTemplates;

impl TemplateSource for NoTemplates {
    fn workflow_template(&self, _namespace: &str, _name: &str) -> Option<Arc<WorkflowTemplate>> {
        None
    }

    fn cluster_workflow_template(&self, _name: &str) -> Option<Arc<ClusterWorkflowTemplate>> {
        None
    }

    fn config_map(&self, _namespace: &str, _name: &str) -> Option<Arc<ConfigMap>> {
        None
    }
}

/// Objects at hand, such as those of the files that are linted together.
#[derive(Clone, Debug, Default)]
pub struct TemplateSet {
    workflow_templates: BTreeMap<String, Vec<(String, Arc<WorkflowTemplate>)>>,
    cluster_workflow_templates: BTreeMap<String, Arc<ClusterWorkflowTemplate>>,
    config_maps: BTreeMap<String, Vec<(String, Arc<ConfigMap>)>>,
}

impl TemplateSet {
    /// Adds a WorkflowTemplate, in place of one of the same name and namespace. Without a
    /// namespace it is found from every namespace that has none of that name.
    pub fn add_workflow_template(&mut self, template: WorkflowTemplate) {
        let (namespace, name) = place(&template.metadata.namespace, &template.metadata.name);
        put(&mut self.workflow_templates, name, namespace, template);
    }

    /// Adds a ClusterWorkflowTemplate, in place of one of the same name.
    pub fn add_cluster_workflow_template(&mut self, template: ClusterWorkflowTemplate) {
        let name = template.metadata.name.clone().unwrap_or_default();
        self.cluster_workflow_templates
            .insert(name, Arc::new(template));
    }

    /// Adds a ConfigMap, in place of one of the same name and namespace.
    pub fn add_config_map(&mut self, map: ConfigMap) {
        let (namespace, name) = place(&map.metadata.namespace, &map.metadata.name);
        put(&mut self.config_maps, name, namespace, map);
    }
}

impl TemplateSource for TemplateSet {
    fn workflow_template(&self, namespace: &str, name: &str) -> Option<Arc<WorkflowTemplate>> {
        find(self.workflow_templates.get(name)?, namespace)
    }

    fn cluster_workflow_template(&self, name: &str) -> Option<Arc<ClusterWorkflowTemplate>> {
        self.cluster_workflow_templates.get(name).cloned()
    }

    fn config_map(&self, namespace: &str, name: &str) -> Option<Arc<ConfigMap>> {
        find(self.config_maps.get(name)?, namespace)
    }
}

fn place(namespace: &Option<String>, name: &Option<String>) -> (String, String) {
    (
        namespace.clone().unwrap_or_default(),
        name.clone().unwrap_or_default(),
    )
}

fn put<T>(
    map: &mut BTreeMap<String, Vec<(String, Arc<T>)>>,
    name: String,
    namespace: String,
    object: T,
) {
    let places = map.entry(name).or_default();
    places.retain(|(taken, _)| *taken != namespace);
    places.push((namespace, Arc::new(object)));
}

/// The one in this namespace; else one that names no namespace, or any where none is asked for.
fn find<T>(places: &[(String, Arc<T>)], namespace: &str) -> Option<Arc<T>> {
    places
        .iter()
        .find(|(place, _)| place == namespace)
        .or_else(|| places.iter().find(|(place, _)| place.is_empty()))
        .or_else(|| places.first().filter(|_| namespace.is_empty()))
        .map(|(_, object)| object.clone())
}
