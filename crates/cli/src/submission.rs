//! From files and flags to a run in the store.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Error, Result, bail};
use argosy_api::{CronWorkflow, Strictness, TemplateScope, Workflow, WorkflowTemplateRef, labels};
use argosy_engine::definition::Definition;
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::validate::Purpose;
use argosy_store::{Claim, Environment, NewObject, NewRun, ObjectKind, Precondition, StoreError};

use crate::client::Client;
use crate::files::{self, Fault, Object};
use crate::given::Given;
use crate::overrides::Overrides;
use crate::shelf::{Kept, Shelf};
use crate::validation::{self, Origin};

/// What is submitted, and how it is read.
#[derive(clap::Args, Clone, Debug)]
pub struct Sources {
    /// Files and folders with workflows; `-` is standard input
    pub files: Vec<PathBuf>,
    /// Submit from workflowtemplate/NAME, clusterworkflowtemplate/NAME or cronworkflow/NAME
    #[arg(long, value_name = "KIND/NAME", conflicts_with = "files")]
    pub from: Option<String>,
    #[command(flatten)]
    pub reading: files::Reading,
}

/// Workflows that were read and checked, with what else stood in their files.
pub struct Submission {
    /// What each run depends on.
    pub definitions: Vec<Definition>,
    others: Vec<Object>,
}

/// Reads what is to be submitted, and checks it: all faults at once.
pub fn read(client: &Client, sources: &Sources, overrides: &Overrides) -> Result<Submission> {
    let (workflows, others, faults) = match &sources.from {
        Some(from) => (
            vec![(from_reference(client, from)?, None)],
            Vec::new(),
            Vec::new(),
        ),
        None => read_files(&sources.files, sources.reading.strictness())?,
    };
    if workflows.is_empty() {
        validation::report(&faults, NOTHING_RUN)?;
        if sources.files.is_empty() {
            bail!("no file given: name one, `-` for standard input, or say --from KIND/NAME");
        }
        bail!(no_workflow(&others));
    }
    let mut changed = Vec::new();
    for (mut workflow, origin) in workflows {
        let mut given = overrides.change(&mut workflow, &client.namespace)?;
        if let Some(from) = &sources.from {
            given.set_rest(format!("--from {from}"));
        }
        changed.push((workflow, origin, given));
    }
    let mut shelf = Shelf::new(Some(&*client.store));
    for other in &others {
        if let Some(kept) = Kept::of(other, &client.namespace)? {
            shelf.put(kept);
        }
    }
    Ok(Submission {
        definitions: check(client, &shelf, changed, faults)?,
        others,
    })
}

/// What is said of files without workflows.
fn no_workflow(others: &[Object]) -> String {
    let kinds: BTreeSet<&str> = others.iter().map(Object::kind).collect();
    if kinds.is_empty() {
        return "no workflow found in given files: they hold no object at all".to_owned();
    }
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let kinds = kinds.join(", ");
    format!(
        "no workflow found in given files, but {kinds}: `argosy apply -f FILE` keeps such objects, and `argosy submit --from KIND/NAME` runs a template"
    )
}

/// What is said after faults that keep workflows from running.
const NOTHING_RUN: &str = "nothing was run";

/// The workflows of files, the other objects, and what is wrong with the texts.
type Read = (Vec<(Workflow, Option<Origin>)>, Vec<Object>, Vec<Fault>);

fn read_files(paths: &[PathBuf], strictness: Strictness) -> Result<Read> {
    let (mut workflows, mut others, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for path in files::expand(paths)? {
        crate::client::existing(&path)?;
        let parsed = files::parse(&path, strictness)?;
        faults.extend(parsed.faults);
        for (object, document) in parsed.objects {
            match object {
                Object::Workflow(workflow) => {
                    let origin = Origin {
                        file: path.display().to_string(),
                        text: parsed.text.clone(),
                        document,
                    };
                    workflows.push((*workflow, Some(origin)));
                }
                other => others.push(other),
            }
        }
    }
    Ok((workflows, others, faults))
}

fn check(
    client: &Client,
    shelf: &Shelf<'_>,
    workflows: Vec<(Workflow, Option<Origin>, Given)>,
    mut faults: Vec<Fault>,
) -> Result<Vec<Definition>> {
    let mut definitions = Vec::new();
    let configuration = client.configuration()?;
    let defaults = configuration.config.workflow_defaults.as_ref();
    for (workflow, origin, given) in workflows {
        let mut workflow = workflow;
        configuration.complete(&mut workflow)?;
        let object = Object::Workflow(Box::new(workflow));
        let known = validation::gathered(&object, shelf, &client.namespace)?.unwrap_or_default();
        let purpose = Purpose::Create;
        let found = validation::faults(
            &object,
            origin.as_ref(),
            &given,
            known.clone(),
            purpose,
            defaults,
        );
        let Object::Workflow(workflow) = object else {
            continue;
        };
        faults.extend(found);
        let errors = faults.iter().any(Fault::is_error);
        let mut definition = crate::gather::definition(*workflow, known);
        configuration.configure(&mut definition)?;
        configuration.resolve_repository(&mut definition, shelf)?;
        faults.extend(crate::unused::parameters(&definition, &given)?);
        definition.baseline = crate::estimate::baseline(client, &definition.workflow)?;
        if !errors && let Err(error) = argosy_engine::plan::compile(&definition) {
            validation::report(&faults, NOTHING_RUN)?;
            bail!("invalid spec: {error}");
        }
        definitions.push(definition);
    }
    validation::report(&faults, NOTHING_RUN)?;
    Ok(definitions)
}

/// Argo: `SubmitWorkflow` of the server.
fn from_reference(client: &Client, from: &str) -> Result<Workflow> {
    let (kind, name) = from.split_once('/').with_context(|| {
        format!("--from takes KIND/NAME, such as cronwf/hello-world-cwf, not {from:?}")
    })?;
    let mut workflow = Workflow {
        api_version: argosy_api::API_VERSION.to_owned(),
        kind: "Workflow".to_owned(),
        ..Workflow::default()
    };
    workflow.metadata.generate_name = Some(format!("{name}-"));
    let scope = match kind.to_lowercase().as_str() {
        "workflowtemplate" | "workflowtemplates" | "wftmpl" => TemplateScope::Namespaced,
        "clusterworkflowtemplate" | "clusterworkflowtemplates" | "cwft" | "cwftmpl" => {
            TemplateScope::Cluster
        }
        "cronworkflow" | "cronworkflows" | "cwf" | "cronwf" => {
            return from_cron(client, name, workflow);
        }
        other => bail!(
            "--from can't take a {other}; it takes workflowtemplate, clusterworkflowtemplate or cronworkflow"
        ),
    };
    workflow
        .metadata
        .labels
        .get_or_insert_default()
        .insert(scope.label().to_owned(), name.to_owned());
    workflow.spec.workflow_template_ref = Some(WorkflowTemplateRef::new(scope, name));
    Ok(workflow)
}

/// Argo: `ConvertCronWorkflowToWorkflow`.
fn from_cron(client: &Client, name: &str, mut workflow: Workflow) -> Result<Workflow> {
    let object = client
        .store
        .object(ObjectKind::CronWorkflow, &client.namespace, name)?
        .with_context(|| format!("cronworkflows.argoproj.io \"{name}\" not found"))?;
    let cron: CronWorkflow = serde_json::from_slice(&object.json)?;
    let metadata = &mut workflow.metadata;
    if let Some(own) = cron.spec.workflow_metadata {
        metadata.labels = own.labels;
        metadata.annotations = own.annotations;
    }
    metadata
        .labels
        .get_or_insert_default()
        .insert(labels::CRON_WORKFLOW.to_owned(), name.to_owned());
    workflow.spec = cron.spec.workflow_spec;
    Ok(workflow)
}

/// Hands all workflows over; other objects of their files are kept first.
pub fn create_all(client: &Client, submission: Submission) -> Result<Vec<RunId>> {
    create_each(client, submission, create)
}

/// Hands all workflows over as this process's own; other objects of their files are kept first.
pub fn create_all_claimed(client: &Client, submission: Submission) -> Result<Vec<Claim>> {
    create_each(client, submission, |client, definition| {
        let created = client
            .store
            .create_claimed_run(new_run(client, definition)?);
        created.map_err(|error| refused("run", definition, error))
    })
}

fn create_each<T>(
    client: &Client,
    submission: Submission,
    create: impl Fn(&Client, &Definition) -> Result<T>,
) -> Result<Vec<T>> {
    for definition in &submission.definitions {
        crate::host::check(definition)?;
    }
    for other in &submission.others {
        keep(client, other)?;
    }
    let definitions = submission.definitions.iter();
    definitions
        .map(|definition| create(client, definition))
        .collect()
}

/// Hands a checked workflow to the store.
pub fn create(client: &Client, definition: &Definition) -> Result<RunId> {
    crate::host::check(definition)?;
    let created = client.store.create_run(new_run(client, definition)?);
    created.map_err(|error| refused("submit", definition, error))
}

/// Why a workflow could not be created.
fn refused(verb: &str, definition: &Definition, error: StoreError) -> Error {
    let name = definition.name();
    match error {
        StoreError::NameTaken { .. } => anyhow::anyhow!(
            "workflows.argoproj.io {name:?} already exists; delete it first (argosy delete {name}), or take another name (--name)"
        ),
        error => Error::new(error).context(format!("cannot {verb} workflow {name}")),
    }
}

/// A checked workflow as the store takes it, with the surroundings of this process.
fn new_run(client: &Client, definition: &Definition) -> Result<NewRun> {
    let metadata = &definition.workflow.metadata;
    Ok(NewRun {
        namespace: definition.namespace().to_owned(),
        name: definition.name().to_owned(),
        uid: metadata.uid.clone().unwrap_or_default(),
        labels: metadata.labels.clone().unwrap_or_default(),
        annotations: metadata.annotations.clone().unwrap_or_default(),
        definition: serde_json::to_vec(definition)?,
        environment: Environment {
            working_directory: std::env::current_dir()?,
            variables: std::env::vars_os().collect(),
            umask: Some(argosy_local::umask()),
        },
        options: client.options.to_json(),
        created_at: now(),
    })
}

/// Checks a workflow that no file holds.
pub fn check_one(client: &Client, workflow: Workflow, given: Given) -> Result<Definition> {
    let shelf = Shelf::new(Some(&*client.store));
    let definitions = check(client, &shelf, vec![(workflow, None, given)], Vec::new())?;
    definitions.into_iter().next().context("one was checked")
}

/// The time, in whole seconds.
pub fn now() -> Seconds {
    Seconds(jiff::Timestamp::now().as_second())
}

/// Keeps an object, in place of one of its name.
pub fn keep(client: &Client, object: &Object) -> Result<Applied> {
    let Some(kept) = Kept::of(object, &client.namespace)? else {
        bail!(
            "a {} is not kept here; templates, cron workflows, event bindings, executor plugins, ConfigMaps, Secrets and PersistentVolumeClaims are",
            object.kind()
        );
    };
    if kept.name.is_empty() {
        bail!("a {} has no metadata.name", kept.kind.as_str());
    }
    if kept.kind == ObjectKind::ConfigMap && kept.name == crate::controller::CONFIG_MAP {
        let place = &client.configuration()?.namespace;
        if !place.is_empty() && *place != kept.namespace {
            bail!(
                "the controller's configuration is kept in namespace {place}: change that one, or delete it first: argosy delete configmap {} -n {place}",
                kept.name
            );
        }
    }
    let before = client.object(kept.kind, &kept.namespace, &kept.name)?;
    let mut value: serde_json::Value = serde_json::from_slice(&kept.json)?;
    let old = before.as_ref().map(|before| &before["metadata"]);
    let metadata = &mut value["metadata"];
    let own = |field: &str, fresh: String| match old.and_then(|old| old[field].as_str()) {
        Some(old) => old.to_owned(),
        None => fresh,
    };
    metadata["uid"] = own("uid", crate::overrides::uid()).into();
    let created = argosy_engine::timestamp::rfc3339(now());
    metadata["creationTimestamp"] = own("creationTimestamp", created).into();
    client.store.put_object(NewObject {
        kind: kept.kind,
        namespace: kept.namespace.clone(),
        name: kept.name.clone(),
        json: serde_json::to_vec(&value)?,
        precondition: Precondition::Any,
    })?;
    Ok(Applied {
        kind: kept.kind,
        name: kept.name,
        is_new: before.is_none(),
    })
}

/// What came of keeping an object.
pub struct Applied {
    pub kind: ObjectKind,
    pub name: String,
    pub is_new: bool,
}
