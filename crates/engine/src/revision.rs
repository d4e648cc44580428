//! Templates that take the place of those that a run began with: `argosy retry --template-from`.
//! Beyond Argo, where a workflow that is retried reads its templates as they stand then.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{
    ClusterWorkflowTemplate, ExecutorPlugin, Template, TemplateScope, Workflow, WorkflowTemplate,
};
use serde::{Deserialize, Serialize};

use crate::definition::Definition;

/// Changed templates, and what they refer to that the run did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Revision {
    /// Templates of the workflow itself, by their names: of its spec or, where that only refers to
    /// a WorkflowTemplate, of that one's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Arc<Template>>,
    /// Templates of WorkflowTemplates, by those objects' names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub workflow_templates: BTreeMap<String, Vec<Arc<Template>>>,
    /// The same of ClusterWorkflowTemplates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cluster_workflow_templates: BTreeMap<String, Vec<Arc<Template>>>,
    /// WorkflowTemplates that the run did not refer to before.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more_workflow_templates: BTreeMap<String, WorkflowTemplate>,
    /// ClusterWorkflowTemplates that the run did not refer to before.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more_cluster_workflow_templates: BTreeMap<String, ClusterWorkflowTemplate>,
    /// Executor plugins, for a run that knew none because it had no use for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executor_plugins: Vec<ExecutorPlugin>,
}

/// Why a run's templates can't be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// Nothing of it concerns the run.
    #[error(
        "none of the given templates has the name of one that the workflow has; it has {}",
        names.join(", ")
    )]
    NothingMeant {
        /// The names of the workflow's own templates.
        names: Vec<String>,
    },
    /// The run has no templates of that object.
    #[error("the workflow uses no {kind} {name:?}")]
    NotUsed {
        /// The object's kind.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The controller takes templates only by reference.
    #[error(
        "the controller's workflowRestrictions allow templates only by reference, so that those of a workflow can't be changed"
    )]
    Restricted,
}

impl Revision {
    /// Takes up the templates of a Workflow.
    pub fn add_workflow(&mut self, workflow: &Workflow) {
        self.templates.extend_from_slice(&workflow.spec.templates);
    }

    /// Takes up those of a WorkflowTemplate: in place of those of the same object, if the workflow
    /// uses it, else of the workflow's own.
    pub fn add_workflow_template(&mut self, of: &Definition, changed: &WorkflowTemplate) {
        let name = changed.metadata.name.clone().unwrap_or_default();
        let templates = changed.spec.templates.iter().cloned();
        if of.workflow_templates.contains_key(&name) {
            let known = self.workflow_templates.entry(name).or_default();
            known.extend(templates);
        } else {
            self.templates.extend(templates);
        }
    }

    /// The same for a ClusterWorkflowTemplate.
    pub fn add_cluster_workflow_template(
        &mut self,
        of: &Definition,
        changed: &ClusterWorkflowTemplate,
    ) {
        let name = changed.metadata.name.clone().unwrap_or_default();
        let templates = changed.spec.templates.iter().cloned();
        if of.cluster_workflow_templates.contains_key(&name) {
            let known = self.cluster_workflow_templates.entry(name).or_default();
            known.extend(templates);
        } else {
            self.templates.extend(templates);
        }
    }

    /// The names of the changed templates; those of other objects as `OBJECT/NAME`.
    pub fn names(&self) -> Vec<String> {
        let own = self.templates.iter().map(|template| template.name.clone());
        let of_others = self
            .workflow_templates
            .iter()
            .chain(&self.cluster_workflow_templates)
            .flat_map(|(object, templates)| {
                let names = templates.iter();
                names.map(move |template| format!("{object}/{}", template.name))
            });
        own.chain(of_others).collect()
    }

    /// Takes up what the changed templates refer to and the run did not know, out of what there is.
    pub fn add_missing(&mut self, of: &Definition, there_is: &Definition) {
        for (name, template) in &there_is.workflow_templates {
            if !of.workflow_templates.contains_key(name) {
                let more = &mut self.more_workflow_templates;
                more.insert(name.clone(), template.clone());
            }
        }
        for (name, template) in &there_is.cluster_workflow_templates {
            if !of.cluster_workflow_templates.contains_key(name) {
                let more = &mut self.more_cluster_workflow_templates;
                more.insert(name.clone(), template.clone());
            }
        }
        if of.executor_plugins.is_empty() {
            self.executor_plugins.clone_from(&there_is.executor_plugins);
        }
    }
}

impl Definition {
    /// The same with the templates of a revision in place of those of the same names; templates of
    /// names that are new are added.
    ///
    /// # Errors
    /// If the revision does not concern this workflow, or may not change it.
    pub fn revised(&self, revision: &Revision) -> Result<Self, RevisionError> {
        if self.template_referencing.is_some() {
            return Err(RevisionError::Restricted);
        }
        let mut revised = self.clone();
        for (name, template) in &revision.more_workflow_templates {
            let known = revised.workflow_templates.entry(name.clone());
            known.or_insert_with(|| template.clone());
        }
        for (name, template) in &revision.more_cluster_workflow_templates {
            let known = revised.cluster_workflow_templates.entry(name.clone());
            known.or_insert_with(|| template.clone());
        }
        if revised.executor_plugins.is_empty() {
            let plugins = &revision.executor_plugins;
            revised.executor_plugins.clone_from(plugins);
        }
        if !revision.templates.is_empty() {
            let own = revised.own_templates();
            if !replace(own, &revision.templates) {
                let names = own.iter().map(|template| template.name.clone()).collect();
                return Err(RevisionError::NothingMeant { names });
            }
        }
        for (name, templates) in &revision.workflow_templates {
            let known = revised.workflow_templates.get_mut(name);
            let known = known.ok_or_else(|| not_used("WorkflowTemplate", name))?;
            replace(&mut known.spec.templates, templates);
        }
        for (name, templates) in &revision.cluster_workflow_templates {
            let known = revised.cluster_workflow_templates.get_mut(name);
            let known = known.ok_or_else(|| not_used("ClusterWorkflowTemplate", name))?;
            replace(&mut known.spec.templates, templates);
        }
        Ok(revised)
    }

    /// Where the workflow's own templates stand.
    fn own_templates(&mut self) -> &mut Vec<Arc<Template>> {
        let spec = &mut self.workflow.spec;
        let Some(reference) = &spec.workflow_template_ref else {
            return &mut spec.templates;
        };
        let name = &reference.name;
        let inherited = match reference.scope() {
            TemplateScope::Namespaced => {
                let found = self.workflow_templates.get_mut(name);
                found.map(|found| &mut found.spec)
            }
            TemplateScope::Cluster => {
                let found = self.cluster_workflow_templates.get_mut(name);
                found.map(|found| &mut found.spec)
            }
        };
        &mut inherited.unwrap_or(spec).templates
    }
}

fn not_used(kind: &'static str, name: &str) -> RevisionError {
    RevisionError::NotUsed {
        kind,
        name: name.to_owned(),
    }
}

/// Puts templates in place of those of the same names; whether there was one.
fn replace(known: &mut Vec<Arc<Template>>, changed: &[Arc<Template>]) -> bool {
    let mut found = false;
    for template in changed {
        match known.iter_mut().find(|known| known.name == template.name) {
            Some(known) => {
                known.clone_from(template);
                found = true;
            }
            None => known.push(template.clone()),
        }
    }
    found
}
