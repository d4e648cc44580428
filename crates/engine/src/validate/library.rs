//! The objects that have templates, and what references to templates in them lead to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{
    Call, ClusterWorkflowTemplate, LifecycleHook, Severity, Template, TemplateRef, TemplateScope,
    WorkflowSpec, WorkflowTemplate,
};

use super::MissingReferences;
use super::fault::Finding;
use super::tags;
use super::values::{Values, has_placeholder};
use crate::source::TemplateSource;
use argosy_api::nearest;

/// An object that has templates.
#[derive(Clone)]
pub(super) enum Base<'a> {
    /// The one that is validated.
    Own(&'a WorkflowSpec),
    Namespaced(Arc<WorkflowTemplate>),
    Cluster(Arc<ClusterWorkflowTemplate>),
}

impl Base<'_> {
    pub fn spec(&self) -> &WorkflowSpec {
        match self {
            Self::Own(spec) => spec,
            Self::Namespaced(template) => &template.spec,
            Self::Cluster(template) => &template.spec,
        }
    }

    /// For a person to read.
    pub fn title(&self) -> String {
        let (kind, name) = match self {
            Self::Own(_) => return "this object".to_owned(),
            Self::Namespaced(template) => ("WorkflowTemplate", &template.metadata.name),
            Self::Cluster(template) => ("ClusterWorkflowTemplate", &template.metadata.name),
        };
        format!("{kind} '{}'", name.as_deref().unwrap_or_default())
    }
}

pub(super) type BaseId = usize;

/// The object that is validated.
pub(super) const OWN: BaseId = 0;

pub(super) struct BaseEntry<'a> {
    pub base: Base<'a>,
    /// Indices of its templates, ordered by name, the first of a name first.
    by_name: Vec<u32>,
}

impl<'a> BaseEntry<'a> {
    fn new(base: Base<'a>) -> Self {
        let templates = &base.spec().templates;
        let count = u32::try_from(templates.len()).unwrap_or(u32::MAX);
        let mut by_name: Vec<u32> = (0..count).collect();
        by_name.sort_by(|a, b| {
            templates[*a as usize]
                .name
                .cmp(&templates[*b as usize].name)
        });
        Self { base, by_name }
    }

    /// The first template of this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        let templates = &self.base.spec().templates;
        let at = self
            .by_name
            .partition_point(|index| templates[*index as usize].name.as_str() < name);
        let index = *self.by_name.get(at)? as usize;
        (templates[index].name == name).then_some(index)
    }
}

/// A template of an object, or one that stands inside a step or task.
#[derive(Clone)]
pub(super) enum Held {
    Named(usize),
    Inline(Arc<Template>),
}

/// Where the template of a reference is.
pub(super) enum Located {
    Dynamic,
    Missing(Finding),
    /// The object has no template of this name.
    Undefined(String, Finding),
    At(BaseId, Held),
}

/// A reference to a template.
#[derive(Clone, Copy, Default)]
pub(super) struct Reference<'r> {
    pub template: &'r str,
    pub template_ref: Option<&'r TemplateRef>,
    pub inline: Option<&'r Template>,
}

impl<'t> From<Call<'t>> for Reference<'t> {
    fn from(call: Call<'t>) -> Self {
        Self {
            template: call.template(),
            template_ref: call.template_ref(),
            inline: call.inline(),
        }
    }
}

impl<'t> From<&'t LifecycleHook> for Reference<'t> {
    fn from(hook: &'t LifecycleHook) -> Self {
        Self {
            template: &hook.template,
            template_ref: hook.template_ref.as_ref(),
            inline: None,
        }
    }
}

/// The objects that are known so far.
pub(super) struct Library<'a> {
    source: &'a dyn TemplateSource,
    missing_references: MissingReferences,
    namespace: &'a str,
    /// How the object that is validated may itself be referred to.
    own_name: Option<(TemplateScope, &'a str)>,
    bases: Vec<BaseEntry<'a>>,
    ids: BTreeMap<(TemplateScope, String), Option<BaseId>>,
}

impl<'a> Library<'a> {
    pub fn new(
        spec: &'a WorkflowSpec,
        own_name: Option<(TemplateScope, &'a str)>,
        namespace: &'a str,
        source: &'a dyn TemplateSource,
        missing_references: MissingReferences,
    ) -> Self {
        Self {
            source,
            missing_references,
            namespace,
            own_name,
            bases: vec![BaseEntry::new(Base::Own(spec))],
            ids: BTreeMap::new(),
        }
    }

    /// The object with this number.
    pub fn get(&self, base: BaseId) -> &Base<'a> {
        &self.bases[base].base
    }

    /// The first template of this name in an object.
    pub fn find(&self, base: BaseId, name: &str) -> Option<usize> {
        self.bases[base].find(name)
    }

    /// The object of this name.
    pub fn base(&mut self, scope: TemplateScope, name: &str) -> Option<BaseId> {
        if self.own_name == Some((scope, name)) {
            return Some(OWN);
        }
        let key = (scope, name.to_owned());
        if let Some(known) = self.ids.get(&key) {
            return *known;
        }
        let base = match scope {
            TemplateScope::Namespaced => {
                let found = self.source.workflow_template(self.namespace, name);
                found.map(Base::Namespaced)
            }
            TemplateScope::Cluster => {
                let found = self.source.cluster_workflow_template(name);
                found.map(Base::Cluster)
            }
        };
        let id = base.map(|base| {
            self.bases.push(BaseEntry::new(base));
            self.bases.len() - 1
        });
        self.ids.insert(key, id);
        id
    }

    /// Finds the template that a reference leads to.
    pub fn locate(
        &mut self,
        base: BaseId,
        reference: Reference<'_>,
        values: Option<&Values<'_>>,
    ) -> Located {
        fn fill<'t>(values: Option<&Values<'_>>, text: &'t str) -> Cow<'t, str> {
            match values {
                Some(values) => values.substitute(text),
                None => Cow::Borrowed(text),
            }
        }
        if let Some(template_ref) = reference.template_ref {
            let name = fill(values, &template_ref.name);
            let template = fill(values, &template_ref.template);
            let problem = if !reference.template.is_empty() {
                Some("template name cannot be specified with templateRef")
            } else if name.is_empty() {
                Some("resource name is required")
            } else if template.is_empty() {
                Some("template name is required")
            } else {
                None
            };
            if let Some(problem) = problem {
                return Located::Missing(Finding::error("template-ref", "templateRef", problem));
            }
            if tags::has_tags(&name) || tags::has_tags(&template) {
                return Located::Dynamic;
            }
            if reference.inline.is_none() {
                return self.locate_ref(template_ref.scope(), &name, &template);
            }
        } else if !reference.template.is_empty() {
            let name = fill(values, reference.template);
            if name.contains("{{=") {
                return Located::Dynamic;
            }
            match self.bases[base].find(&name) {
                None => return self.undefined(base, &name),
                Some(index) if reference.inline.is_none() => {
                    return Located::At(base, Held::Named(index));
                }
                Some(_) => {}
            }
        }
        match reference.inline {
            Some(inline) => Located::At(base, Held::Inline(Arc::new(inline.clone()))),
            None => Located::Missing(
                Finding::error("template-undefined", "", "failed to get a template")
                    .help("say with template, templateRef or inline what is to run"),
            ),
        }
    }

    fn undefined(&self, base: BaseId, name: &str) -> Located {
        let names = self
            .get(base)
            .spec()
            .templates
            .iter()
            .map(|t| t.name.as_str());
        let finding = Finding::error(
            "template-undefined",
            "template",
            format!("template name '{name}' undefined"),
        );
        Located::Undefined(name.to_owned(), finding.propose(nearest(name, names)))
    }

    fn locate_ref(&mut self, scope: TemplateScope, name: &str, template: &str) -> Located {
        let found = self
            .base(scope, name)
            .map(|base| (base, self.bases[base].find(template)));
        let message = || format!("template reference {name}.{template} not found");
        match found {
            Some((base, Some(index))) => Located::At(base, Held::Named(index)),
            _ if has_placeholder(template) => Located::Dynamic,
            Some((base, None)) => {
                let base = &self.bases[base].base;
                let names = base.spec().templates.iter().map(|t| t.name.as_str());
                let finding =
                    Finding::error("template-ref-not-found", "templateRef.template", message());
                Located::Missing(match nearest(template, names) {
                    None => finding.help(format!("{} has no template '{template}'", base.title())),
                    near => finding.propose(near),
                })
            }
            None => {
                let kind = scope.kind();
                let mut finding =
                    Finding::error("template-ref-not-found", "templateRef.name", message())
                        .help(format!("there is no {kind} '{name}' at hand"));
                if self.missing_references == MissingReferences::Warn {
                    finding.severity = Severity::Warning;
                }
                Located::Missing(finding)
            }
        }
    }
}
