//! Gathering what an object refers to, before it is checked or started.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use argosy_api::{ClusterWorkflowTemplate, ExecutorPlugin, Workflow, WorkflowTemplate, labels};
use argosy_engine::definition::Definition;
use argosy_engine::source::TemplateSet;
use argosy_store::ObjectKind;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use crate::shelf::Shelf;

/// The namespace in which Argo's controller usually is.
const CONTROLLER_NAMESPACE: &str = "argo";

/// What a spec refers to.
#[derive(Default)]
struct References {
    /// Whether it is cluster-scoped, and its name.
    templates: BTreeSet<(bool, String)>,
    /// Some name has tags, so that any template may be meant.
    any: bool,
    /// Some template may be for a plugin.
    plugins: bool,
}

/// What was found of it.
#[derive(Clone, Default)]
pub struct Gathered {
    workflow_templates: BTreeMap<String, WorkflowTemplate>,
    cluster_workflow_templates: BTreeMap<String, ClusterWorkflowTemplate>,
    config_maps: Vec<ConfigMap>,
    /// Where some template is for a plugin: those of the namespace, and of the controller's.
    executor_plugins: Vec<ExecutorPlugin>,
}

/// The definition of a run of this workflow.
pub fn definition(workflow: Workflow, found: Gathered) -> Definition {
    let config_maps = found
        .config_maps
        .into_iter()
        .filter(is_for_parameters)
        .map(|map| {
            let name = map.metadata.name.unwrap_or_default();
            (name, map.data.unwrap_or_default())
        })
        .collect();
    Definition {
        workflow,
        workflow_templates: found.workflow_templates,
        cluster_workflow_templates: found.cluster_workflow_templates,
        config_maps,
        executor_plugins: found.executor_plugins,
        ..Definition::default()
    }
}

/// What a run knows, as it was gathered for it.
pub fn known(definition: &Definition) -> Gathered {
    let label = (labels::CONFIG_MAP_TYPE, labels::CONFIG_MAP_TYPE_PARAMETER);
    let config_maps = definition.config_maps.iter().map(|(name, data)| {
        let mut map = ConfigMap {
            data: Some(data.clone()),
            ..ConfigMap::default()
        };
        map.metadata.name = Some(name.clone());
        map.metadata.namespace = Some(definition.namespace().to_owned());
        map.metadata.labels = Some([(label.0.to_owned(), label.1.to_owned())].into());
        map
    });
    Gathered {
        workflow_templates: definition.workflow_templates.clone(),
        cluster_workflow_templates: definition.cluster_workflow_templates.clone(),
        config_maps: config_maps.collect(),
        executor_plugins: definition.executor_plugins.clone(),
    }
}

fn is_for_parameters(map: &ConfigMap) -> bool {
    let labels = map.metadata.labels.as_ref();
    let kind = labels.and_then(|labels| labels.get(labels::CONFIG_MAP_TYPE));
    kind.is_some_and(|kind| kind == labels::CONFIG_MAP_TYPE_PARAMETER)
}

/// Gathers all that a spec refers to, and what that refers to.
pub fn gather(shelf: &Shelf<'_>, namespace: &str, spec: &Value) -> Result<Gathered> {
    let mut found = Gathered::default();
    let mut references = References::default();
    collect(spec, &mut references);
    let mut done = BTreeSet::new();
    while let Some(next) = references
        .templates
        .iter()
        .find(|name| !done.contains(*name))
        .cloned()
    {
        let (cluster, name) = &next;
        let (kind, place) = match cluster {
            true => (ObjectKind::ClusterWorkflowTemplate, ""),
            false => (ObjectKind::WorkflowTemplate, namespace),
        };
        if let Some(json) = shelf.object(kind, place, name)? {
            let value = found.add(kind, name, &json)?;
            collect(&value["spec"], &mut references);
        }
        done.insert(next);
    }
    if references.any {
        for (kind, place) in [
            (ObjectKind::WorkflowTemplate, namespace),
            (ObjectKind::ClusterWorkflowTemplate, ""),
        ] {
            for (name, json) in shelf.objects(kind, place)? {
                let value = found.add(kind, &name, &json)?;
                collect(&value["spec"], &mut references);
            }
        }
    }
    if references.plugins {
        found.executor_plugins = plugins(shelf, namespace)?;
    }
    for (name, json) in shelf.objects(ObjectKind::ConfigMap, namespace)? {
        found.add(ObjectKind::ConfigMap, &name, &json)?;
    }
    Ok(found)
}

/// The executor plugins of a namespace, and those of the controller's that have no namesakes there.
fn plugins(shelf: &Shelf<'_>, namespace: &str) -> Result<Vec<ExecutorPlugin>> {
    let mut plugins: BTreeMap<String, ExecutorPlugin> = BTreeMap::new();
    for place in [CONTROLLER_NAMESPACE, namespace] {
        for (name, json) in shelf.objects(ObjectKind::ConfigMap, place)? {
            let map: ConfigMap = serde_json::from_slice(&json)
                .with_context(|| format!("cannot read the stored ConfigMap {name}"))?;
            // What was applied has been checked; what is none all the same is passed over, as in Argo.
            if let Some(Ok(plugin)) = ExecutorPlugin::from_config_map(&map) {
                plugins.insert(name, plugin);
            }
        }
    }
    Ok(plugins.into_values().collect())
}

impl Gathered {
    /// Takes an object up; gives it as JSON.
    fn add(&mut self, kind: ObjectKind, name: &str, json: &[u8]) -> Result<Value> {
        let unreadable = || format!("cannot read the stored {} {name}", kind.as_str());
        let value: Value = serde_json::from_slice(json).with_context(unreadable)?;
        match kind {
            ObjectKind::WorkflowTemplate => {
                let template = serde_json::from_slice(json).with_context(unreadable)?;
                self.workflow_templates.insert(name.to_owned(), template);
            }
            ObjectKind::ClusterWorkflowTemplate => {
                let template = serde_json::from_slice(json).with_context(unreadable)?;
                self.cluster_workflow_templates
                    .insert(name.to_owned(), template);
            }
            ObjectKind::ConfigMap => self
                .config_maps
                .push(serde_json::from_slice(json).with_context(unreadable)?),
            ObjectKind::CronWorkflow
            | ObjectKind::WorkflowEventBinding
            | ObjectKind::Secret
            | ObjectKind::PersistentVolumeClaim
            | ObjectKind::SyncLimit => {}
        }
        Ok(value)
    }

    /// The same, as validation looks things up.
    pub fn into_set(self) -> TemplateSet {
        let mut set = TemplateSet::default();
        for template in self.workflow_templates.into_values() {
            set.add_workflow_template(template);
        }
        for template in self.cluster_workflow_templates.into_values() {
            set.add_cluster_workflow_template(template);
        }
        for map in self.config_maps {
            set.add_config_map(map);
        }
        set
    }
}

fn collect(value: &Value, references: &mut References) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list),
            Value::Object(map) => {
                for (key, value) in map {
                    if matches!(key.as_str(), "templateRef" | "workflowTemplateRef")
                        && let Some(name) = value["name"].as_str()
                    {
                        references.any |= name.contains("{{");
                        let cluster = value["clusterScope"].as_bool().unwrap_or_default();
                        references.templates.insert((cluster, name.to_owned()));
                    }
                    // An artifact may have a plugin too: that does no harm.
                    references.plugins |= key == "plugin";
                    open.push(value);
                }
            }
            _ => {}
        }
    }
}
