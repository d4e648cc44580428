//! The objects that a simulated cluster holds beside workflows and pods.

use std::collections::BTreeMap;

use argosy_api::{
    ArtifactRepositoryRefStatus, ClusterWorkflowTemplate, ExecutorPlugin, ExecutorPluginManifest,
    Limits, Source, Strictness, Workflow, WorkflowTemplate, from_value, labels, read_documents,
    read_typed,
};
use argosy_engine::definition::Definition;
use argosy_engine::repository::find_repository;
use argosy_engine::source::TemplateSet;
use argosy_engine::validate::{Purpose, ValidateOptions, validate_workflow};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::Value;

use crate::world::SimError;

/// The namespace of objects that name none.
pub const NAMESPACE: &str = "default";

/// What is kept by its name.
const KINDS: [&str; 5] = [
    "WorkflowTemplate",
    "ClusterWorkflowTemplate",
    "ConfigMap",
    "Secret",
    "ExecutorPlugin",
];

/// The namespace of the controller.
const CONTROLLER_NAMESPACE: &str = "argo";

type Place = (String, String);

/// The objects, by namespace and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    workflow_templates: BTreeMap<Place, WorkflowTemplate>,
    cluster_workflow_templates: BTreeMap<String, ClusterWorkflowTemplate>,
    pub config_maps: BTreeMap<Place, ConfigMap>,
    secrets: BTreeMap<Place, Secret>,
}

/// Reads the documents of a text as JSON; a `List` stands for its items.
pub(crate) fn read(text: &str) -> Result<Vec<Value>, SimError> {
    let source = Source::new("yaml", text);
    let (documents, diagnostics) = read_documents(&source, &Limits::default());
    if let Some(fault) = diagnostics.iter().find(|fault| fault.is_error()) {
        return Err(SimError::Yaml(fault.message.clone()));
    }
    let mut values = Vec::new();
    for document in documents {
        let value = document.to_json();
        match value["items"].as_array() {
            Some(items) if value["kind"].as_str().is_some_and(|k| k.ends_with("List")) => {
                values.extend(items.iter().cloned());
            }
            _ if value.is_null() => {}
            _ => values.push(value),
        }
    }
    Ok(values)
}

/// Reads an object. What is no JSON of it is read as YAML is, which turns numbers into texts where
/// texts are wanted.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, SimError> {
    from_value(value.clone()).or_else(|error| {
        let document = document_of(&value).ok_or_else(|| SimError::Yaml(error.to_string()))?;
        let (object, faults) = read_typed(&document, Strictness::Lenient);
        match faults.into_iter().find(|fault| fault.is_error()) {
            None => object.ok_or_else(|| SimError::Yaml(error.to_string())),
            Some(fault) => Err(SimError::Yaml(format!("{}: {}", fault.path, fault.message))),
        }
    })
}

impl Objects {
    /// Keeps an object in place of one of the same kind and name. Gives it back if it is a
    /// ConfigMap, which may hold more than texts.
    pub fn apply(&mut self, value: Value) -> Result<Option<ConfigMap>, SimError> {
        let text = |field: &str| value["metadata"][field].as_str().unwrap_or_default();
        let name = text("name").to_owned();
        let namespace = match text("namespace") {
            "" => NAMESPACE.to_owned(),
            namespace => namespace.to_owned(),
        };
        let kind = value["kind"].as_str();
        if let Some(kind) = kind.filter(|kind| name.is_empty() && KINDS.contains(kind)) {
            let text = format!("a {kind} without metadata.name can't be kept");
            return Err(SimError::Yaml(text));
        }
        let place = (namespace, name.clone());
        match value["kind"].as_str() {
            Some("WorkflowTemplate") => {
                self.workflow_templates.insert(place, typed(value)?);
            }
            Some("ClusterWorkflowTemplate") => {
                self.cluster_workflow_templates.insert(name, typed(value)?);
            }
            Some("ConfigMap") => {
                let map: ConfigMap = typed(value)?;
                self.config_maps.insert(place, map.clone());
                return Ok(Some(map));
            }
            Some("ExecutorPlugin") => {
                let plugin: ExecutorPluginManifest = typed(value)?;
                let map = plugin
                    .to_config_map()
                    .map_err(|error| SimError::Yaml(error.to_string()))?;
                return self.apply(map);
            }
            Some("Secret") => {
                self.secrets.insert(place, typed(value)?);
            }
            Some(kind) => {
                return Err(SimError::Yaml(format!(
                    "a {kind} can't be applied here: only workflows, WorkflowTemplates, ClusterWorkflowTemplates, ConfigMaps, Secrets, ExecutorPlugins, Namespaces and SyncLimits"
                )));
            }
            None => return Err(SimError::Yaml("the object has no kind".to_owned())),
        }
        Ok(None)
    }

    /// The executor plugins of a namespace, and those of the controller's that have no namesakes
    /// there. As in Argo, one that can't be read is passed over.
    fn plugins(&self, namespace: &str) -> Vec<ExecutorPlugin> {
        let of = |namespace: &str| {
            let maps = self.config_maps.iter();
            let maps = maps.filter(|(place, _)| place.0 == namespace);
            maps.filter_map(|(_, map)| ExecutorPlugin::from_config_map(map)?.ok())
                .collect::<Vec<_>>()
        };
        let mut plugins = of(namespace);
        if namespace != CONTROLLER_NAMESPACE {
            let known = |other: &ExecutorPlugin| {
                let name = &other.metadata.name;
                plugins.iter().any(|plugin| plugin.metadata.name == *name)
            };
            let others = of(CONTROLLER_NAMESPACE);
            let others = others
                .into_iter()
                .filter(|other| !known(other))
                .collect::<Vec<_>>();
            plugins.extend(others);
        }
        plugins
    }

    /// The artifact repository that a workflow names, or that its namespace has by default.
    pub fn repository(
        &self,
        definition: &Definition,
    ) -> Result<Option<ArtifactRepositoryRefStatus>, String> {
        let spec = &definition.workflow.spec;
        let inherited = definition.inherited();
        let of_template = inherited.and_then(|spec| spec.artifact_repository_ref.as_ref());
        let named = spec.artifact_repository_ref.as_ref().or(of_template);
        let find = |namespace: &str, name: &str| {
            let place = (namespace.to_owned(), name.to_owned());
            self.config_maps.get(&place)
        };
        let namespace = definition.namespace();
        find_repository(named, namespace, CONTROLLER_NAMESPACE, find, read_yaml)
    }

    /// A workflow with all that it may refer to.
    pub fn definition(&self, workflow: Workflow) -> Definition {
        let metadata = &workflow.metadata;
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let of_namespace = |place: &Place| place.0 == namespace;
        Definition {
            workflow_templates: self
                .workflow_templates
                .iter()
                .filter(|(place, _)| of_namespace(place))
                .map(|(place, template)| (place.1.clone(), template.clone()))
                .collect(),
            cluster_workflow_templates: self.cluster_workflow_templates.clone(),
            config_maps: self
                .config_maps
                .iter()
                .filter(|(place, map)| {
                    let labels = map.metadata.labels.as_ref();
                    let kind = labels.and_then(|labels| labels.get(labels::CONFIG_MAP_TYPE));
                    of_namespace(place)
                        && kind.is_some_and(|kind| kind == labels::CONFIG_MAP_TYPE_PARAMETER)
                })
                .map(|(place, map)| (place.1.clone(), map.data.clone().unwrap_or_default()))
                .collect(),
            executor_plugins: self.plugins(&namespace),
            workflow,
            ..Definition::default()
        }
    }
}

/// Why Argo's controller would not begin a workflow, in its words.
pub(crate) fn refusal(definition: &Definition) -> Option<String> {
    let mut known = TemplateSet::default();
    for template in definition.workflow_templates.values() {
        known.add_workflow_template(template.clone());
    }
    for template in definition.cluster_workflow_templates.values() {
        known.add_cluster_workflow_template(template.clone());
    }
    let defaults = definition.workflow_defaults.as_deref();
    let options = ValidateOptions {
        purpose: Purpose::Begin,
        workflow_metadata: defaults.and_then(|defaults| defaults.spec.workflow_metadata.clone()),
        ..ValidateOptions::default()
    };
    validate_workflow(&definition.workflow, &known, &options)
        .into_iter()
        .find(|fault| fault.is_error())
        .map(|fault| format!("invalid spec: {}", fault.text()))
}

/// Reads YAML as the engine wants it read: for patches and manifests.
pub(crate) fn read_yaml(text: &str) -> Result<Value, String> {
    let mut values = read(text).map_err(|error| error.to_string())?;
    match values.len() {
        0 => Ok(Value::Null),
        1 => Ok(values.remove(0)),
        _ => Err("expected one document".to_owned()),
    }
}

/// A JSON value as a document, to be read with positions.
pub(crate) fn document_of(value: &Value) -> Option<argosy_api::Document> {
    let source = Source::new("yaml", value.to_string());
    read_documents(&source, &Limits::default())
        .0
        .into_iter()
        .next()
}
