//! Gathering what a workflow refers to, before it starts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use argosy_api::{ClusterWorkflowTemplate, Workflow, WorkflowTemplate};
use argosy_engine::definition::Definition;
use argosy_store::{ObjectKind, Store};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

/// What a spec refers to.
#[derive(Default)]
struct References {
    /// Whether it is cluster-scoped, and its name.
    templates: BTreeSet<(bool, String)>,
    /// Some name has tags, so that any template may be meant.
    any: bool,
}

/// The definition of a run of this workflow.
pub fn definition(store: &dyn Store, workflow: Workflow) -> Result<Definition> {
    let namespace = workflow.metadata.namespace.clone().unwrap_or_default();
    let mut references = References::default();
    collect(&serde_json::to_value(&workflow.spec)?, &mut references);
    let mut definition = Definition {
        workflow,
        ..Definition::default()
    };
    let mut done = BTreeSet::new();
    while let Some(next) = references
        .templates
        .iter()
        .find(|name| !done.contains(*name))
        .cloned()
    {
        let (cluster, name) = &next;
        if let Some(spec) = read_template(store, &namespace, *cluster, name, &mut definition)? {
            collect(&spec, &mut references);
        }
        done.insert(next);
    }
    if references.any {
        read_all(store, &namespace, &mut definition)?;
    }
    store.objects(ObjectKind::ConfigMap, Some(&namespace), &mut |object| {
        let Ok(map) = serde_json::from_slice::<ConfigMap>(&object.json) else {
            return;
        };
        let labels = map.metadata.labels.unwrap_or_default();
        let kind = labels.get("workflows.argoproj.io/configmap-type");
        if kind.is_some_and(|kind| kind == "Parameter") {
            definition
                .config_maps
                .insert(object.name.clone(), map.data.unwrap_or_default());
        }
    })?;
    Ok(definition)
}

fn read_template(
    store: &dyn Store,
    namespace: &str,
    cluster: bool,
    name: &str,
    definition: &mut Definition,
) -> Result<Option<Value>> {
    let (kind, namespace) = if cluster {
        (ObjectKind::ClusterWorkflowTemplate, "")
    } else {
        (ObjectKind::WorkflowTemplate, namespace)
    };
    let Some(object) = store.object(kind, namespace, name)? else {
        return Ok(None);
    };
    let unreadable = || format!("cannot read the stored {} {name}", kind.as_str());
    let spec = if cluster {
        let template: ClusterWorkflowTemplate =
            serde_json::from_slice(&object.json).with_context(unreadable)?;
        let spec = serde_json::to_value(&template.spec)?;
        definition
            .cluster_workflow_templates
            .insert(name.to_owned(), template);
        spec
    } else {
        let template: WorkflowTemplate =
            serde_json::from_slice(&object.json).with_context(unreadable)?;
        let spec = serde_json::to_value(&template.spec)?;
        definition
            .workflow_templates
            .insert(name.to_owned(), template);
        spec
    };
    Ok(Some(spec))
}

fn read_all(store: &dyn Store, namespace: &str, definition: &mut Definition) -> Result<()> {
    let mut templates = BTreeMap::new();
    store.objects(
        ObjectKind::WorkflowTemplate,
        Some(namespace),
        &mut |object| {
            templates.insert(object.name.clone(), object.json.clone());
        },
    )?;
    for (name, json) in templates {
        definition
            .workflow_templates
            .insert(name, serde_json::from_slice(&json)?);
    }
    let mut templates = BTreeMap::new();
    store.objects(ObjectKind::ClusterWorkflowTemplate, None, &mut |object| {
        templates.insert(object.name.clone(), object.json.clone());
    })?;
    for (name, json) in templates {
        definition
            .cluster_workflow_templates
            .insert(name, serde_json::from_slice(&json)?);
    }
    Ok(())
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
                    open.push(value);
                }
            }
            _ => {}
        }
    }
}
