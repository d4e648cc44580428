//! The variables of the whole workflow: `workflow.*`. Argo: `setGlobalParameters`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use argosy_api::{Artifact, Parameter, labels};
use serde::{Deserialize, Serialize};

use super::Run;
use super::node::NodeOutputs;
use super::scope::Offer;
use crate::definition::Definition;
use crate::go_json;
use crate::ids::{NodeIndex, Seconds};
use crate::plan::{Plan, PlannedTemplate};
use crate::timestamp;

/// Variables whose values do not change, or only by outputs with a `globalName`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Globals {
    pub parameters: BTreeMap<Arc<str>, Arc<str>>,
    /// Why the parameters could not be set; the run fails with it.
    pub fault: Option<String>,
    /// Parameters that a retry has changed.
    pub changed_parameters: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    /// Outputs with a `globalName`, in the order in which they came.
    pub outputs: GlobalOutputs,
}

/// What nodes have put out for the whole workflow: `status.outputs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GlobalOutputs {
    pub parameters: Vec<Parameter>,
    pub artifacts: Vec<Artifact>,
}

impl Globals {
    pub fn new(definition: &Definition, plan: &Plan) -> Self {
        let metadata = &definition.workflow.metadata;
        let mut globals = Self {
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations: metadata.annotations.clone().unwrap_or_default(),
            ..Self::default()
        };
        let spec = &plan.workflow.spec;
        for parameter in &spec.arguments.parameters {
            match value_of(parameter, definition) {
                Ok(value) => {
                    globals
                        .parameters
                        .insert(Arc::from(parameter.name.as_str()), value);
                }
                Err(fault) => {
                    globals.fault.get_or_insert(fault);
                }
            }
        }
        globals
    }
}

impl Globals {
    /// Gives a parameter of the workflow another value.
    pub fn change_parameter(&mut self, name: &str, value: &str) {
        let (name, value): (Arc<str>, Arc<str>) = (Arc::from(name), Arc::from(value));
        self.parameters.insert(name.clone(), value.clone());
        self.changed_parameters.insert(name, value);
    }
}

fn value_of(parameter: &Parameter, definition: &Definition) -> Result<Arc<str>, String> {
    if let Some(value) = &parameter.value {
        return Ok(Arc::from(value.as_str()));
    }
    let from = parameter.value_from.as_ref();
    if let Some((from, key)) =
        from.and_then(|from| from.config_map_key_ref.as_ref().map(|key| (from, key)))
    {
        return match (
            definition.config_map_value(&key.name, &key.key),
            &from.default,
        ) {
            (Ok(value), _) => Ok(Arc::from(value)),
            (Err(_), Some(default)) => Ok(Arc::from(default.as_str())),
            (Err(error), None) => Err(format!(
                "failed to set global parameter {} from configmap with name {} and key {}: {error}",
                parameter.name, key.name, key.key
            )),
        };
    }
    // Argo refuses a default alone when it submits; a file may still have one.
    if let Some(default) = &parameter.default {
        return Ok(Arc::from(default.as_str()));
    }
    Err(format!(
        "either value or valueFrom must be specified in order to set global parameter {}",
        parameter.name
    ))
}

/// The names of outputs, each with the name that the whole workflow knows it by.
#[derive(Clone, Serialize, Deserialize)]
struct ExportedNames {
    parameters: Vec<(String, String)>,
    artifacts: Vec<(String, String)>,
}

impl Run {
    /// The variable of this name, if it is one of the workflow's.
    pub(super) fn global(&self, name: &str) -> Option<Cow<'_, str>> {
        let rest = name.strip_prefix("workflow.")?;
        let metadata = &self.definition.workflow.metadata;
        let spec = &self.plan.workflow.spec;
        if let Some(parameter) = rest.strip_prefix("parameters.") {
            if let Some(value) = self.globals.parameters.get(parameter) {
                return Some(Cow::Borrowed(value));
            }
            return (parameter == "json")
                .then(|| Cow::Owned(go_json::text(&spec.arguments.parameters)));
        }
        if let Some(output) = rest.strip_prefix("outputs.parameters.") {
            return self
                .globals
                .outputs
                .parameters
                .iter()
                .find(|parameter| parameter.name == output)?
                .value
                .as_ref()
                .map(|value| Cow::Borrowed(value.as_str()));
        }
        if let Some(label) = rest.strip_prefix("labels.") {
            return named(&self.globals.labels, label);
        }
        if let Some(annotation) = rest.strip_prefix("annotations.") {
            return named(&self.globals.annotations, annotation);
        }
        if let Some(format) = rest.strip_prefix("creationTimestamp.") {
            return timestamp::formatted(self.created_at(), format).map(Cow::Owned);
        }
        Some(match rest {
            "name" => Cow::Borrowed(self.definition.name()),
            "namespace" => Cow::Borrowed(self.definition.namespace()),
            "uid" => Cow::Borrowed(metadata.uid.as_deref().unwrap_or_default()),
            "mainEntrypoint" => Cow::Borrowed(spec.entrypoint.as_str()),
            "serviceAccountName" => Cow::Borrowed(spec.service_account_name.as_str()),
            "priority" => Cow::Owned(spec.priority?.to_string()),
            "creationTimestamp" => Cow::Owned(timestamp::rfc3339(self.created_at())),
            "scheduledTime" => Cow::Borrowed(self.globals.annotations.get(labels::SCHEDULED_TIME)?),
            "parameters" => Cow::Owned(go_json::text(&spec.arguments.parameters)),
            "labels" => Cow::Owned(go_json::text(&self.globals.labels)),
            "annotations" => Cow::Owned(go_json::text(&self.globals.annotations)),
            "status" => Cow::Borrowed(self.status_variable()),
            "failures" => Cow::Owned(self.failures()?),
            "duration" => Cow::Owned(format!("{:.6}", self.duration_seconds() as f64)),
            _ => return None,
        })
    }

    /// The names of the workflow's variables that an expression may list.
    pub(super) fn global_names(&self, prefix: &str, found: &mut Offer<'_>) -> ControlFlow<()> {
        const NAMES: [&str; 10] = [
            "name",
            "namespace",
            "uid",
            "mainEntrypoint",
            "serviceAccountName",
            "priority",
            "creationTimestamp",
            "status",
            "failures",
            "duration",
        ];
        // Nothing stands below these, and what failed is not looked for in vain.
        for name in NAMES.into_iter().filter(|_| !prefix.contains('.')) {
            let name = format!("workflow.{name}");
            if self.global(&name).is_some() {
                found(&name)?;
            }
        }
        for name in self.globals.parameters.keys() {
            found(&format!("workflow.parameters.{name}"))?;
        }
        for name in self.globals.labels.keys() {
            found(&format!("workflow.labels.{name}"))?;
        }
        for name in self.globals.annotations.keys() {
            found(&format!("workflow.annotations.{name}"))?;
        }
        for parameter in &self.globals.outputs.parameters {
            found(&format!("workflow.outputs.parameters.{}", parameter.name))?;
        }
        ControlFlow::Continue(())
    }

    pub(super) fn created_at(&self) -> Seconds {
        self.definition
            .workflow
            .metadata
            .creation_timestamp
            .as_ref()
            .map_or(Seconds(0), |time| Seconds(time.0.as_second()))
    }

    /// Seconds since the workflow began. Argo: `workflowDurationSeconds`.
    pub(super) fn duration_seconds(&self) -> i64 {
        self.status.started_at.map_or(0, |started| {
            self.status.finished_at.unwrap_or(self.now).since(started)
        })
    }

    /// Puts a node's outputs with a `globalName` where the whole workflow sees them.
    pub(super) fn export_outputs(&mut self, index: NodeIndex, outputs: &NodeOutputs) {
        let Some(template) = self.template_of(index) else {
            return;
        };
        let declared = self.exported_names(index, &template);
        for (name, global_name) in &declared.parameters {
            let mut named = outputs.parameters.iter().filter(|out| *out.name == **name);
            let value = named.next().and_then(|output| output.value.as_ref());
            if let Some(value) = value.filter(|_| !global_name.is_empty()) {
                self.export_parameter(global_name, value);
            }
        }
        for artifact in &outputs.artifacts {
            let mut named = declared.artifacts.iter();
            let global_name = match artifact.global_name.as_str() {
                "" => named
                    .find(|(name, _)| *name == artifact.name)
                    .map_or("", |(_, global_name)| global_name),
                own => own,
            };
            if !global_name.is_empty() {
                self.export_artifact(global_name, artifact);
            }
        }
    }

    /// The names of a template's outputs here and in the whole workflow, their tags filled in.
    fn exported_names(&self, index: NodeIndex, template: &PlannedTemplate) -> ExportedNames {
        let outputs = &template.template.outputs;
        let parameters = outputs.parameters.iter();
        let artifacts = outputs.artifacts.iter();
        let names = ExportedNames {
            parameters: parameters
                .map(|out| (out.name.clone(), out.global_name.clone()))
                .collect(),
            artifacts: artifacts
                .map(|out| (out.name.clone(), out.global_name.clone()))
                .collect(),
        };
        let mut all = names.parameters.iter().chain(&names.artifacts);
        if all.all(|(name, global_name)| !name.contains("{{") && !global_name.contains("{{")) {
            return names;
        }
        self.filled_part(index, template, &names, "outputs")
            .unwrap_or(names)
    }

    pub(super) fn export_parameter(&mut self, name: &str, value: &Arc<str>) {
        let known = &mut self.globals.outputs.parameters;
        let value = Some(argosy_api::AnyString::from(&**value));
        match known.iter_mut().find(|parameter| parameter.name == name) {
            Some(parameter) if parameter.value == value => return,
            Some(parameter) => parameter.value = value,
            None => known.push(Parameter {
                name: name.to_owned(),
                value,
                ..Parameter::default()
            }),
        }
        self.status_changed = true;
    }

    fn export_artifact(&mut self, name: &str, artifact: &Artifact) {
        let exported = Artifact {
            name: name.to_owned(),
            global_name: String::new(),
            path: String::new(),
            ..artifact.clone()
        };
        let known = &mut self.globals.outputs.artifacts;
        match known.iter_mut().find(|artifact| artifact.name == name) {
            Some(known) if *known == exported => return,
            Some(known) => *known = exported,
            None => known.push(exported),
        }
        self.status_changed = true;
    }
}

fn named<'a>(map: &'a BTreeMap<String, String>, name: &str) -> Option<Cow<'a, str>> {
    if let Some(value) = map.get(name) {
        return Some(Cow::Borrowed(value));
    }
    (name == "json").then(|| Cow::Owned(go_json::text(map)))
}
