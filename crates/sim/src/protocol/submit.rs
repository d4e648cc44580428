//! `apply` and `submit`.

use std::collections::BTreeSet;

use argosy_api::{AnyString, Parameter, Strictness, Workflow, read_typed};
use serde_json::Value;

use super::{Answer, ProtocolError, Session, one};
use crate::objects::{NAMESPACE, document_of, read, typed};
use crate::world::{SimError, World};

/// What becomes of a workflow whose name there is already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Replaced,
    Refused,
}

/// The namespace and the name of an object; the name may be empty.
fn place(value: &Value) -> (&str, &str) {
    let metadata = &value["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    match metadata["namespace"].as_str().unwrap_or_default() {
        "" => (NAMESPACE, name),
        namespace => (namespace, name),
    }
}

/// Puts an object that says nothing of it into a namespace. Where that is what would be taken anyway,
/// it is left as it is.
pub(crate) fn give_namespace(value: &mut Value, namespace: &str) {
    let unsaid = value["metadata"]["namespace"]
        .as_str()
        .is_none_or(str::is_empty);
    if namespace != NAMESPACE
        && unsaid
        && let Some(metadata) = value["metadata"].as_object_mut()
    {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
}

impl Session {
    pub(super) fn apply(&mut self, yaml: &str) -> Result<Answer, ProtocolError> {
        let mut workflows = Vec::new();
        let values = self.objects_of(yaml)?;
        self.check(&values, Known::Replaced)?;
        for value in values {
            let kind = value["kind"].as_str().unwrap_or("Workflow");
            if kind == "Workflow" {
                workflows.push(self.apply_workflow(value)?);
            } else {
                self.world.apply_object(value)?;
            }
        }
        Ok(if workflows.is_empty() {
            Answer::new()
        } else {
            one("workflows", workflows)
        })
    }

    /// Takes up a workflow, or another version of one that is there.
    fn apply_workflow(&mut self, value: Value) -> Result<String, ProtocolError> {
        let (namespace, name) = place(&value);
        let known = match name {
            "" => None,
            name => self.world.find(&format!("{namespace}/{name}")),
        };
        match known {
            None => self.create(value, &[], None),
            Some(id) => {
                let name = name.to_owned();
                self.world.replace(id, typed(value)?)?;
                Ok(name)
            }
        }
    }

    pub(super) fn submit(
        &mut self,
        yaml: &str,
        parameters: &[(String, String)],
        entrypoint: Option<&str>,
    ) -> Result<Answer, ProtocolError> {
        let mut values = self.objects_of(yaml)?;
        for map in values.iter_mut().filter_map(Value::as_object_mut) {
            map.entry("kind").or_insert_with(|| "Workflow".into());
        }
        // As Argo: what is no workflow is passed over.
        values.retain(|value| value["kind"] == "Workflow");
        if values.is_empty() {
            return Err(ProtocolError::Refused(
                "there is no workflow in the YAML".to_owned(),
            ));
        }
        self.check(&values, Known::Refused)?;
        let mut workflows = Vec::new();
        for value in values {
            workflows.push(self.create(value, parameters, entrypoint)?);
        }
        Ok(one("workflows", workflows))
    }

    /// The objects of a text, each with its namespace.
    fn objects_of(&self, yaml: &str) -> Result<Vec<Value>, ProtocolError> {
        let mut values = read(yaml)?;
        for value in &mut values {
            give_namespace(value, &self.namespace);
        }
        Ok(values)
    }

    /// Refuses objects of which one can't be kept, before the first is.
    fn check(&self, values: &[Value], known_ones: Known) -> Result<(), ProtocolError> {
        let mut objects = self.world.objects.clone();
        let mut new = BTreeSet::new();
        for value in values {
            match value["kind"].as_str().unwrap_or("Workflow") {
                "Workflow" => {
                    let (namespace, name) = place(value);
                    let known = known_ones == Known::Refused
                        && self.world.find(&format!("{namespace}/{name}")).is_some();
                    if !name.is_empty() && (known || !new.insert((namespace, name))) {
                        return Err(SimError::Exists(name.to_owned()).into());
                    }
                }
                "Namespace" => {}
                "SyncLimit" => World::sync_limit(value).map(drop)?,
                _ => objects.apply(value.clone()).map(drop)?,
            }
        }
        Ok(())
    }

    fn create(
        &mut self,
        value: Value,
        parameters: &[(String, String)],
        entrypoint: Option<&str>,
    ) -> Result<String, ProtocolError> {
        let Ok(mut workflow) = typed::<Workflow>(value.clone()) else {
            return self.create_unreadable(value);
        };
        if let Some(entrypoint) = entrypoint {
            entrypoint.clone_into(&mut workflow.spec.entrypoint);
        }
        override_parameters(&mut workflow.spec.arguments.parameters, parameters);
        let id = self.world.create(workflow)?;
        Ok(self.world.place_of(id).1.to_owned())
    }

    /// A workflow whose spec is not as Argo reads it is there, and has failed, if at least its
    /// metadata can be read.
    fn create_unreadable(&mut self, mut value: Value) -> Result<String, ProtocolError> {
        let faults = document_of(&value)
            .map(|document| read_typed::<Workflow>(&document, Strictness::Lenient).1)
            .unwrap_or_default();
        let fault = faults.into_iter().find(|fault| fault.is_error());
        if let Some(map) = value.as_object_mut() {
            map.remove("spec");
            map.remove("status");
        }
        let workflow: Workflow = typed(value)?;
        let text = fault.map_or_else(
            || "the object is not a Workflow".to_owned(),
            |fault| format!("{}: {}", fault.path, fault.message),
        );
        let message = format!("cannot unmarshall spec: {text}");
        let id = self.world.create_unreadable(workflow, message)?;
        Ok(self.world.place_of(id).1.to_owned())
    }
}

/// Gives parameters other values: those come first, and are nothing but name and value.
/// Argo: `overrideParameters`.
pub(crate) fn override_parameters(parameters: &mut Vec<Parameter>, given: &[(String, String)]) {
    let mut all: Vec<Parameter> = given
        .iter()
        .map(|(name, value)| Parameter {
            name: name.clone(),
            value: Some(AnyString::from(value.as_str())),
            ..Parameter::default()
        })
        .collect();
    let is_given = |name: &str| given.iter().any(|(known, _)| known == name);
    all.extend(
        std::mem::take(parameters)
            .into_iter()
            .filter(|parameter| !is_given(&parameter.name)),
    );
    *parameters = all;
}
