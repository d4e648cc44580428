//! Reading changed templates for a run: `argosy retry --template-from FILE`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use argosy_api::{Segment, Strictness, Template, Workflow};
use argosy_engine::definition::Definition;
use argosy_engine::revision::Revision;
use argosy_engine::validate::Purpose;

use crate::client::Client;
use crate::files::{self, Fault, Object, Parsed};
use crate::gather::gather;
use crate::given::Given;
use crate::shelf::Shelf;
use crate::validation;

/// The objects of a file whose templates take the place of a workflow's.
pub struct Changed {
    file: String,
    parsed: Parsed,
}

impl Changed {
    /// Reads a file: Workflows, WorkflowTemplates and ClusterWorkflowTemplates.
    pub fn read(path: &Path) -> Result<Self> {
        crate::client::existing(path)?;
        let parsed = files::parse(path, Strictness::Strict)?;
        validation::report(&parsed.faults, "nothing was retried")?;
        let file = path.display().to_string();
        if parsed.objects.is_empty() {
            bail!("{file} holds no object with templates");
        }
        for (object, _) in &parsed.objects {
            if templates(object).is_none() {
                bail!(
                    "{file}: a {} has no templates; those of a Workflow, WorkflowTemplate or ClusterWorkflowTemplate can be taken",
                    object.kind()
                );
            }
        }
        Ok(Self { file, parsed })
    }

    /// What it changes of a run, checked.
    pub fn revision(&self, client: &Client, of: &Definition) -> Result<Revision> {
        let mut revision = Revision::default();
        for (object, _) in &self.parsed.objects {
            match object {
                Object::Workflow(o) => revision.add_workflow(o),
                Object::WorkflowTemplate(o) => revision.add_workflow_template(of, o),
                Object::ClusterWorkflowTemplate(o) => {
                    revision.add_cluster_workflow_template(of, o);
                }
                _ => {}
            }
        }
        let unusable = || format!("cannot take the templates of {}", self.file);
        let revised = of.revised(&revision).with_context(unusable)?;
        let shelf = Shelf::new(Some(&*client.store));
        let mut references = serde_json::to_value(&revised.workflow.spec)?;
        references["changed"] = serde_json::to_value(&revision)?;
        let found = gather(&shelf, of.namespace(), &references)?;
        let there_is = crate::gather::definition(Workflow::default(), found);
        revision.add_missing(of, &there_is);
        let revised = of.revised(&revision).with_context(unusable)?;
        let known = crate::gather::known(&revised);
        let object = Object::Workflow(Box::new(revised.workflow));
        let faults = validation::faults(
            &object,
            None,
            &Given::default(),
            known,
            Purpose::Create,
            None,
        );
        let Object::Workflow(workflow) = object else {
            return Ok(revision);
        };
        let faults: Vec<Fault> = faults
            .into_iter()
            .map(|fault| self.placed(fault, &workflow))
            .collect();
        validation::report(&faults, "nothing was retried")?;
        Ok(revision)
    }

    /// A fault of the changed workflow at its place in the file, if it is in a template of it.
    fn placed(&self, fault: Fault, workflow: &Workflow) -> Fault {
        let segments = fault.diagnostic.path.segments();
        let [
            Segment::Field(spec),
            Segment::Field(list),
            Segment::Index(place),
            rest @ ..,
        ] = segments
        else {
            return fault;
        };
        if (spec.as_ref(), list.as_ref()) != ("spec", "templates") {
            return fault;
        }
        let Some(template) = workflow.spec.templates.get(*place) else {
            return fault;
        };
        let mut found = self.parsed.objects.iter().filter_map(|(object, document)| {
            let mut own = templates(object)?.iter();
            let place = own.position(|own| own.name == template.name)?;
            Some((document, place))
        });
        let Some((document, place)) = found.next() else {
            return fault;
        };
        let mut diagnostic = fault.diagnostic.clone();
        let front = [
            Segment::Field("spec".into()),
            Segment::Field("templates".into()),
            Segment::Index(place),
        ];
        diagnostic.path = front.into_iter().chain(rest.iter().cloned()).collect();
        Fault::new(&self.file, &self.parsed.text, document.place(diagnostic))
    }
}

fn templates(object: &Object) -> Option<&[Arc<Template>]> {
    match object {
        Object::Workflow(o) => Some(&o.spec.templates),
        Object::WorkflowTemplate(o) => Some(&o.spec.templates),
        Object::ClusterWorkflowTemplate(o) => Some(&o.spec.templates),
        Object::CronWorkflow(_)
        | Object::WorkflowEventBinding(_)
        | Object::ConfigMap(_)
        | Object::Secret(_)
        | Object::PersistentVolumeClaim(_)
        | Object::ExecutorPlugin(_)
        | Object::Other(_) => None,
    }
}
