//! Looking things up in objects, as nearly everyone does who handles them.

use std::sync::Arc;

use crate::*;

impl Template {
    /// What the template does, by the body that is set; the first in Argo's order if several are.
    /// Argo: `GetType`.
    pub fn template_type(&self) -> Option<TemplateType> {
        let bodies = [
            (self.container.is_some(), TemplateType::Container),
            (self.container_set.is_some(), TemplateType::ContainerSet),
            (!self.steps.is_empty(), TemplateType::Steps),
            (self.dag.is_some(), TemplateType::DAG),
            (self.script.is_some(), TemplateType::Script),
            (self.resource.is_some(), TemplateType::Resource),
            (self.data.is_some(), TemplateType::Data),
            (self.suspend.is_some(), TemplateType::Suspend),
            (self.http.is_some(), TemplateType::HTTP),
            (self.plugin.is_some(), TemplateType::Plugin),
        ];
        bodies
            .into_iter()
            .find(|(is_set, _)| *is_set)
            .map(|(_, template_type)| template_type)
    }

    /// Whether the template runs as a pod of its own. Argo: `IsPodType`.
    pub fn is_pod(&self) -> bool {
        use TemplateType::{Container, ContainerSet, Data, Resource, Script};
        matches!(
            self.template_type(),
            Some(Container | ContainerSet | Script | Resource | Data)
        )
    }
}

/// The name of the container that carries a template out, unless that is a set of containers.
/// Argo: `MainContainerName`.
pub const MAIN_CONTAINER: &str = "main";

impl Template {
    /// The names of the containers that carry the template out. Argo: `GetMainContainerNames`.
    pub fn main_containers(&self) -> impl Iterator<Item = &str> {
        let set = self.container_set.iter().flat_map(|set| &set.containers);
        let single = self.container_set.is_none().then_some(MAIN_CONTAINER);
        set.map(|container| container.name.as_str()).chain(single)
    }

    /// Whether a container carries the template out, or stands beside. Argo: `IsMainContainerName`.
    pub fn is_main_container(&self, name: &str) -> bool {
        self.main_containers().any(|main| main == name)
    }
}

impl WorkflowSpec {
    /// The template of this name.
    pub fn template(&self, name: &str) -> Option<&Arc<Template>> {
        self.templates.iter().find(|template| template.name == name)
    }
}

fn parameter<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a Parameter> {
    parameters.iter().find(|parameter| parameter.name == name)
}

fn artifact<'a>(artifacts: &'a [Artifact], name: &str) -> Option<&'a Artifact> {
    artifacts.iter().find(|artifact| artifact.name == name)
}

impl Arguments {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        parameter(&self.parameters, name)
    }

    /// The artifact of this name.
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        artifact(&self.artifacts, name)
    }

    /// Whether there are neither parameters nor artifacts.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

impl Inputs {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        parameter(&self.parameters, name)
    }

    /// The artifact of this name.
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        artifact(&self.artifacts, name)
    }

    /// Whether there are neither parameters nor artifacts.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

impl Outputs {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        parameter(&self.parameters, name)
    }

    /// The artifact of this name.
    pub fn artifact(&self, name: &str) -> Option<&Artifact> {
        artifact(&self.artifacts, name)
    }

    /// Whether there is nothing at all, result and exit code included.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Parameter {
    /// The values that are allowed; none if all are.
    pub fn enum_values(&self) -> &[AnyString] {
        self.r#enum.as_deref().unwrap_or_default()
    }
}
