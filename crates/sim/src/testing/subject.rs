//! What a test is about: the workflow, and all objects that it may refer to.

use std::collections::BTreeSet;

use argosy_api::{
    ClusterWorkflowTemplate, CronWorkflow, Document, FieldPath, NodeStatus, Strictness,
    TemplateScope, Workflow, WorkflowTemplate, WorkflowTemplateRef, read_typed,
};
use argosy_engine::config::Config;
use argosy_engine::ids::RunId;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::file::split_name;
use super::says::Spec;
use super::{Files, Place, TestError};
use crate::objects::typed;
use crate::protocol::read_config;
use crate::world::{Halting, SimError, World};

/// An object and where it was read.
struct Given<'a> {
    document: &'a Document,
    /// Where in the document it stands.
    path: FieldPath,
    value: Value,
}

/// The workflow, and all that belongs to it.
pub(super) struct Subject<'a> {
    workflow: Workflow,
    objects: Vec<Given<'a>>,
    /// The controller's configuration, if the test gives one.
    config: Option<Config>,
}

/// Gathers what a test names.
pub(super) fn gather<'a>(
    test: &'a Document,
    spec: &Spec,
    files: &'a dyn Files,
) -> Result<Subject<'a>, TestError> {
    let in_test = FieldPath::default().field("spec");
    let (mut objects, name, wanted) = match &spec.workflow {
        Value::String(name) => {
            let (file, object) = split_name(name);
            (of_file(files, file)?, name.as_str(), object)
        }
        object => {
            let given = Given {
                document: test,
                path: in_test.clone().field("workflow"),
                value: as_workflow(object),
            };
            (vec![given], "the test", None)
        }
    };
    let chosen = choose(&objects, wanted);
    let chosen = chosen.ok_or_else(|| TestError::NoWorkflow(name.to_owned()))?;
    let mut workflow = workflow_of(chosen)?;
    for file in &spec.files {
        objects.extend(of_file(files, file)?);
    }
    for (place, value) in spec.objects.iter().enumerate() {
        objects.push(Given {
            document: test,
            path: in_test.clone().field("objects").index(place),
            value: value.clone(),
        });
    }
    give_arguments(&mut workflow, spec);
    let config = match spec.config.is_empty() {
        true => None,
        false => Some(read_config(&spec.config).map_err(TestError::Config)?),
    };
    Ok(Subject {
        workflow,
        objects,
        config,
    })
}

/// The objects of a file.
fn of_file<'a>(files: &'a dyn Files, name: &str) -> Result<Vec<Given<'a>>, TestError> {
    let documents = files
        .documents(name)
        .ok_or_else(|| TestError::NoFile(name.to_owned()))?;
    let given = documents.iter().map(|document| Given {
        document,
        path: FieldPath::default(),
        value: document.to_json(),
    });
    Ok(given.collect())
}

/// An object that stands in the test, which is a workflow unless it says otherwise.
fn as_workflow(object: &Value) -> Value {
    let mut value = object.clone();
    if let Some(map) = value.as_object_mut() {
        map.entry("kind").or_insert_with(|| "Workflow".into());
    }
    value
}

/// What the test is about: a workflow goes before a template that stands beside it.
fn choose<'g, 'a>(objects: &'g [Given<'a>], wanted: Option<&str>) -> Option<&'g Given<'a>> {
    let kinds: [&[&str]; 2] = [
        &["Workflow", "CronWorkflow"],
        &["WorkflowTemplate", "ClusterWorkflowTemplate"],
    ];
    kinds.iter().find_map(|kinds| {
        objects.iter().find(|given| {
            let kind = given.value["kind"].as_str().unwrap_or_default();
            kinds.contains(&kind) && wanted.is_none_or(|wanted| given.is_called(wanted))
        })
    })
}

/// Gives the workflow the entrypoint and the arguments that the test has for it.
fn give_arguments(workflow: &mut Workflow, spec: &Spec) {
    if let Some(entrypoint) = &spec.entrypoint {
        entrypoint.clone_into(&mut workflow.spec.entrypoint);
    }
    let arguments = &mut workflow.spec.arguments;
    let given = &spec.arguments.parameters.0;
    crate::protocol::override_parameters(&mut arguments.parameters, given);
    for artifact in &spec.arguments.artifacts {
        arguments
            .artifacts
            .retain(|known| known.name != artifact.name);
        arguments.artifacts.push(artifact.clone());
    }
}

/// The workflow that an object is or makes. One without a name is called by what it makes names of.
fn workflow_of(given: &Given) -> Result<Workflow, SimError> {
    let value = given.value.clone();
    let mut workflow = match value["kind"].as_str() {
        Some("WorkflowTemplate") => {
            let template: WorkflowTemplate = typed(value)?;
            by_reference(&template.metadata, TemplateScope::Namespaced)
        }
        Some("ClusterWorkflowTemplate") => {
            let template: ClusterWorkflowTemplate = typed(value)?;
            by_reference(&template.metadata, TemplateScope::Cluster)
        }
        Some("CronWorkflow") => {
            let cron: CronWorkflow = typed(value)?;
            let mut workflow = Workflow {
                spec: cron.spec.workflow_spec,
                ..Workflow::default()
            };
            workflow.metadata.name = cron.metadata.name;
            workflow.metadata.namespace = cron.metadata.namespace;
            workflow
        }
        // Most workflows stand in a file of their own, which need not be read twice.
        _ if given.path.is_root() => match read_typed(given.document, Strictness::Lenient) {
            (Some(workflow), faults) if faults.iter().all(|fault| !fault.is_error()) => workflow,
            _ => typed(value)?,
        },
        _ => typed(value)?,
    };
    let metadata = &mut workflow.metadata;
    if metadata.name.as_deref().unwrap_or_default().is_empty() {
        let prefix = metadata.generate_name.as_deref().unwrap_or_default();
        let name = prefix.trim_end_matches('-');
        let name = if name.is_empty() { "workflow" } else { name };
        metadata.name = Some(name.to_owned());
    }
    Ok(workflow)
}

fn by_reference(template: &ObjectMeta, scope: TemplateScope) -> Workflow {
    let mut workflow = Workflow::default();
    workflow.metadata.name.clone_from(&template.name);
    workflow.metadata.namespace.clone_from(&template.namespace);
    let name = template.name.as_deref().unwrap_or_default();
    workflow.spec.workflow_template_ref = Some(WorkflowTemplateRef::new(scope, name));
    workflow
}

impl Subject<'_> {
    /// A world that holds the objects, and in which the workflow is to begin. Objects without a
    /// namespace are in the workflow's, and a workflow without one in the given one.
    pub fn world(&self, namespace: Option<&str>) -> Result<(World, RunId), SimError> {
        let mut world = World::halting(Halting::AtOnce);
        if let Some(config) = &self.config {
            world.configure(config.clone());
        }
        let mut workflow = self.workflow.clone();
        let own = workflow.metadata.namespace.as_deref();
        let unsaid = own.is_none_or(str::is_empty);
        if let Some(namespace) = namespace.filter(|_| unsaid) {
            workflow.metadata.namespace = Some(namespace.to_owned());
        }
        let namespace = workflow.metadata.namespace.as_deref();
        for given in &self.objects {
            let kind = given.value["kind"].as_str();
            if matches!(kind, Some("Workflow" | "CronWorkflow")) {
                continue;
            }
            let mut object = given.value.clone();
            if let (Some(namespace), Some(metadata)) =
                (namespace, object["metadata"].as_object_mut())
            {
                metadata.entry("namespace").or_insert(json!(namespace));
            }
            world.apply_object(object)?;
        }
        let id = world.create(workflow)?;
        Ok((world, id))
    }

    /// Where the template of a node stands, and the template.
    pub fn template_of(&self, node: &NodeStatus) -> Option<(Place, &Value)> {
        let (owner, name) = match &node.template_ref {
            Some(reference) => (Some(reference.name.as_str()), &reference.template),
            None => {
                let scope = node.template_scope.split_once('/');
                (scope.map(|(_, owner)| owner), &node.template_name)
            }
        };
        let owned = |given: &&Given| {
            owner.is_some_and(|owner| given.value["metadata"]["name"].as_str() == Some(owner))
        };
        let found = self.objects.iter().filter(owned);
        found
            .chain(&self.objects)
            .find_map(|given| given.template(name))
    }

    /// Whether a template may wait for somebody.
    pub fn may_suspend(&self) -> bool {
        let mut templates = self.objects.iter().flat_map(|given| given.templates().1);
        templates.any(|template| !template["suspend"].is_null())
    }

    /// The specs of all objects, with the places of each.
    pub fn specs(&self) -> impl Iterator<Item = (&Document, FieldPath, &Value)> {
        self.objects.iter().map(|given| {
            let (path, spec) = given.spec();
            (given.document, path, spec)
        })
    }

    /// The names that nodes can have by themselves: the workflow's, and those of steps, tasks and
    /// containers of sets.
    pub fn calls(&self) -> BTreeSet<&str> {
        let mut names: BTreeSet<&str> =
            self.workflow.metadata.name.as_deref().into_iter().collect();
        let mut open: Vec<&Value> = self.templates().map(|template| template.value).collect();
        while let Some(template) = open.pop() {
            let steps = list(&template["steps"]).iter().flat_map(list);
            let called = steps
                .chain(list(&template["dag"]["tasks"]))
                .chain(list(&template["containerSet"]["containers"]));
            for call in called {
                names.extend(call["name"].as_str());
                open.push(&call["inline"]);
            }
        }
        names
    }

    /// What loops are made of: the names of steps and tasks, each with the name of an output
    /// parameter, or with none for what it prints.
    pub fn looped(&self) -> BTreeSet<(String, Option<String>)> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Value> = self.templates().map(|template| template.value).collect();
        while let Some(template) = open.pop() {
            let steps = list(&template["steps"]).iter().flat_map(list);
            for call in steps.chain(list(&template["dag"]["tasks"])) {
                let text = call["withParam"].as_str().unwrap_or_default();
                found.extend(outputs_named(text));
                open.push(&call["inline"]);
            }
        }
        found
    }

    /// All templates.
    pub fn templates(&self) -> impl Iterator<Item = TemplateAt<'_>> {
        self.objects.iter().flat_map(|given| {
            let (path, templates) = given.templates();
            let numbered = templates.iter().enumerate();
            numbered.map(move |(place, value)| {
                let path = path.clone().index(place);
                TemplateAt {
                    at: Place::of(given.document, &path),
                    document: given.document,
                    path,
                    value,
                    step: None,
                }
            })
        })
    }
}

/// The outputs of steps and tasks that a text speaks of: `tasks.NAME.outputs.result`,
/// `tasks.NAME.outputs.parameters.NAME`.
fn outputs_named(text: &str) -> Vec<(String, Option<String>)> {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    let name = |text: &str| {
        let end = text.find(|letter| !is_name(letter)).unwrap_or(text.len());
        text[..end].to_owned()
    };
    let mut found = Vec::new();
    for (place, between) in text.match_indices(".outputs.") {
        let before = &text[..place];
        let begin = before
            .rfind(|letter| !is_name(letter))
            .map_or(0, |at| at + 1);
        let step = before[begin..].to_owned();
        let after = &text[place + between.len()..];
        match after.strip_prefix("parameters.") {
            Some(parameter) => found.push((step, Some(name(parameter)))),
            None if name(after) == "result" => found.push((step, None)),
            None => {}
        }
    }
    found
}

/// The items of a list; none of what is no list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A template and where it stands.
pub(super) struct TemplateAt<'a> {
    pub at: Place,
    pub document: &'a Document,
    pub path: FieldPath,
    pub value: &'a Value,
    /// The step or task in which it stands, if it has no name of its own.
    pub step: Option<&'a str>,
}

impl TemplateAt<'_> {
    /// Its name, or `in STEP`.
    pub fn name(&self) -> String {
        match (self.value["name"].as_str(), self.step) {
            (Some(name), None) if !name.is_empty() => name.to_owned(),
            (_, Some(step)) => format!("in {step}"),
            (_, None) => String::new(),
        }
    }
}

impl Given<'_> {
    /// Whether its name is this, or its kind and its name with a slash between.
    fn is_called(&self, wanted: &str) -> bool {
        let metadata = &self.value["metadata"];
        let name = metadata["name"]
            .as_str()
            .or(metadata["generateName"].as_str());
        let (kind, wanted) = match wanted.split_once('/') {
            Some((kind, name)) => (Some(kind), name),
            None => (None, wanted),
        };
        name == Some(wanted) && kind.is_none_or(|kind| self.value["kind"] == kind)
    }

    /// The spec of a workflow that it is or makes.
    fn spec(&self) -> (FieldPath, &Value) {
        let path = self.path.clone().field("spec");
        let spec = &self.value["spec"];
        match self.value["kind"] == "CronWorkflow" {
            true => (path.field("workflowSpec"), &spec["workflowSpec"]),
            false => (path, spec),
        }
    }

    fn templates(&self) -> (FieldPath, &[Value]) {
        let (path, spec) = self.spec();
        (path.field("templates"), list(&spec["templates"]))
    }

    fn template(&self, name: &str) -> Option<(Place, &Value)> {
        let (path, templates) = self.templates();
        let place = templates
            .iter()
            .position(|template| template["name"] == name)?;
        let at = Place::of(self.document, &path.index(place));
        Some((at, &templates[place]))
    }
}
