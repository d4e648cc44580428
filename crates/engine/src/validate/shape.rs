//! What a template is, and what of it whoever calls it can see.

use std::collections::BTreeSet;

use argosy_api::{Artifact, MAIN_CONTAINER, Template, TemplateType};

use super::tags;

/// Whether templates of this type become pods.
pub(super) fn is_pod(kind: TemplateType) -> bool {
    match kind {
        TemplateType::Container
        | TemplateType::ContainerSet
        | TemplateType::Script
        | TemplateType::Resource
        | TemplateType::Data => true,
        TemplateType::Steps
        | TemplateType::DAG
        | TemplateType::Suspend
        | TemplateType::HTTP
        | TemplateType::Plugin => false,
    }
}

/// Whether Argo calls templates of this type leaves. (A suspend template is none.)
pub(super) fn is_leaf(kind: TemplateType) -> bool {
    is_pod(kind) || matches!(kind, TemplateType::HTTP | TemplateType::Plugin)
}

/// What callers see of a template.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub kind: Option<TemplateType>,
    pub is_daemon: bool,
    /// It has `outputs.result` and `exitCode`.
    pub has_result: bool,
    /// A loop over it has `outputs.result` and `exitCode`.
    pub loop_has_result: bool,
    pub output_parameters: Vec<String>,
    pub output_artifacts: Vec<String>,
    /// Its input parameters, and whether each has a value of its own.
    pub inputs: Needs,
    /// Its input artifacts, and whether each may be left out.
    pub input_artifacts: Needs,
    /// Its timeout, if it is known only with its inputs.
    pub late_timeout: Option<String>,
    pub name: String,
}

/// Inputs by name, in the order in which they are declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    pub list: Vec<(String, HasValue)>,
    names: BTreeSet<String>,
}

impl Needs {
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }
}

impl FromIterator<(String, HasValue)> for Needs {
    fn from_iter<T: IntoIterator<Item = (String, HasValue)>>(needs: T) -> Self {
        let list: Vec<_> = needs.into_iter().collect();
        let names = list.iter().map(|(name, _)| name.clone()).collect();
        Self { list, names }
    }
}

/// Whether an input has a value where the caller gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HasValue {
    Yes,
    No,
}

impl Shape {
    pub fn new(template: &Template) -> Self {
        let named = |names: &mut dyn Iterator<Item = &String>| {
            let mut names: Vec<String> = names.cloned().collect();
            names.sort_unstable();
            names
        };
        let has_main =
            template.container_set.is_some() && template.is_main_container(MAIN_CONTAINER);
        let inputs = template.inputs.parameters.iter().map(|parameter| {
            let from_map = parameter
                .value_from
                .as_ref()
                .is_some_and(|from| from.config_map_key_ref.is_some());
            let has = parameter.value.is_some() || parameter.default.is_some() || from_map;
            (parameter.name.clone(), HasValue::from(has))
        });
        let artifacts = template.inputs.artifacts.iter().map(|artifact| {
            let has = artifact.optional || artifact.has_location_or_key();
            (artifact.name.clone(), HasValue::from(has))
        });
        Self {
            kind: template.template_type(),
            is_daemon: template.daemon == Some(true),
            has_result: has_main
                || template.container.is_some()
                || template.script.is_some()
                || template.data.is_some()
                || template.http.is_some()
                || template.plugin.is_some(),
            loop_has_result: matches!(
                template.template_type(),
                Some(TemplateType::Script | TemplateType::ContainerSet)
            ),
            output_parameters: named(&mut template.outputs.parameters.iter().map(|p| &p.name)),
            output_artifacts: named(
                &mut template
                    .outputs
                    .artifacts
                    .iter()
                    .map(|a: &Artifact| &a.name),
            ),
            inputs: inputs.collect(),
            input_artifacts: artifacts.collect(),
            late_timeout: tags::has_tags(&template.timeout).then(|| template.timeout.clone()),
            name: template.name.clone(),
        }
    }
}

impl From<bool> for HasValue {
    fn from(has: bool) -> Self {
        if has { Self::Yes } else { Self::No }
    }
}
