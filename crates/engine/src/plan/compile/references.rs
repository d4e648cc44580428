//! Where the names of templates lead: templates of the same object, of other objects, and those that
//! a name with tags may come to mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Template, TemplateRef, TemplateScope, WorkflowSpec};

use super::calls::{CallSource, has_tags};
use super::{CompileError, Compiler};
use crate::plan::call::Target;
use crate::plan::{Origin, TemplateIndex, Text};

impl<'a> Compiler<'a> {
    pub(super) fn declare(&mut self, origin: Origin, template: Arc<Template>) -> TemplateIndex {
        let index = TemplateIndex(self.found.len() as u32);
        if !template.name.is_empty() {
            let key = (origin.clone(), Arc::from(template.name.as_str()));
            self.names.entry(key).or_insert(index);
        }
        self.found.push((origin, template));
        index
    }

    pub(super) fn target(
        &mut self,
        origin: &Origin,
        call: &CallSource<'_>,
    ) -> Result<Target, CompileError> {
        if let Some(inline) = call.inline {
            let index = self.declare(origin.clone(), Arc::new(inline.clone()));
            return Ok(Target::Static(index));
        }
        if let Some(reference) = call.template_ref {
            if has_tags(reference) {
                self.declare_possible(reference);
                return Ok(Target::Dynamic {
                    template: Text::parse(&reference.template)?,
                    reference: Some((reference.scope(), Text::parse(&reference.name)?)),
                });
            }
            return Ok(self.referenced(reference));
        }
        if call.template.contains("{{") {
            return Ok(Target::Dynamic {
                template: Text::parse(call.template)?,
                reference: None,
            });
        }
        let key = (origin.clone(), Arc::from(call.template));
        Ok(match self.names.get(&key) {
            Some(&index) => Target::Static(index),
            None => Target::Missing(Arc::from(format!(
                "template name '{}' undefined",
                call.template
            ))),
        })
    }

    /// Declares what a template may refer to that is compiled only when its node begins.
    pub(super) fn declare_references(&mut self, template: &Template) {
        let steps = template.steps.iter().flat_map(|group| &group.0);
        let steps = steps.filter_map(|step| step.template_ref.as_ref());
        let tasks = template.dag.iter().flat_map(|dag| &dag.tasks);
        let tasks = tasks.filter_map(|task| task.template_ref.as_ref());
        let references: Vec<TemplateRef> = steps.chain(tasks).cloned().collect();
        for reference in &references {
            self.declare_possible(reference);
        }
    }

    /// Declares what a reference with tags may come to mean: the templates of the object that it
    /// names or, where the name has tags, of all.
    fn declare_possible(&mut self, reference: &TemplateRef) {
        let definition = self.definition;
        if !reference.name.contains("{{") {
            let (origin, spec) = self.spec_of(reference.scope(), &reference.name);
            self.declare_all(&origin, spec);
            return;
        }
        let names: Vec<&String> = match reference.scope() {
            TemplateScope::Namespaced => definition.workflow_templates.keys().collect(),
            TemplateScope::Cluster => definition.cluster_workflow_templates.keys().collect(),
        };
        for name in names {
            let (origin, spec) = self.spec_of(reference.scope(), name);
            self.declare_all(&origin, spec);
        }
    }

    fn spec_of(&self, scope: TemplateScope, name: &str) -> (Origin, Option<&'a WorkflowSpec>) {
        let origin = Origin::kept(scope, Arc::from(name));
        (origin, self.definition.template_spec(scope, name))
    }

    /// All templates of an object are declared together, so that those inside can call each other.
    /// The object's `podMetadata` goes with each of them. Argo: `addPodMetadata`.
    fn declare_all(&mut self, origin: &Origin, spec: Option<&WorkflowSpec>) {
        let Some(spec) = spec else {
            return;
        };
        for template in &spec.templates {
            let key = (origin.clone(), Arc::from(template.name.as_str()));
            if self.names.contains_key(&key) {
                continue;
            }
            let mut template = template.clone();
            if let Some(more) = &spec.pod_metadata {
                let metadata = &mut Arc::make_mut(&mut template).metadata;
                add_missing(&mut metadata.labels, &more.labels);
                add_missing(&mut metadata.annotations, &more.annotations);
            }
            self.declare(origin.clone(), template);
        }
    }

    /// A template of a WorkflowTemplate or ClusterWorkflowTemplate.
    fn referenced(&mut self, reference: &TemplateRef) -> Target {
        let (origin, spec) = self.spec_of(reference.scope(), &reference.name);
        if spec.is_none() {
            return Target::Missing(Arc::from(format!(
                "{}.argoproj.io \"{}\" not found",
                reference.scope().plural(),
                reference.name
            )));
        }
        let key = (origin.clone(), Arc::from(reference.template.as_str()));
        if !self.names.contains_key(&key) {
            self.declare_all(&origin, spec);
        }
        match self.names.get(&key) {
            Some(&index) => Target::Static(index),
            None => Target::Missing(Arc::from(format!(
                "template {} not found in workflow template {}",
                reference.template, reference.name
            ))),
        }
    }
}

fn add_missing(own: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) {
    for (key, value) in more {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
}
