//! From files and flags to a run in the store. Argo: `util.ApplySubmitOpts`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use argosy_api::{AnyString, Diagnostic, Parameter, Workflow};
use argosy_engine::definition::Definition;
use argosy_engine::ids::RunId;
use argosy_engine::ids::Seconds;
use argosy_engine::source::TemplateSet;
use argosy_engine::validate::{ValidateOptions, validate_workflow};
use argosy_store::{Environment, NewObject, NewRun, ObjectKind, Precondition};
use rand::Rng;

use crate::client::Client;
use crate::files::{self, Fault, Object};

/// The flags of `run` and `submit` that change the workflow.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Overrides {
    /// Pass an input parameter
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Pass a file of input parameters, YAML or JSON
    #[arg(short = 'f', long, value_name = "FILE")]
    pub parameter_file: Option<PathBuf>,
    /// Run another template than the entrypoint
    #[arg(long)]
    pub entrypoint: Option<String>,
    /// Give the workflow this name
    #[arg(long)]
    pub name: Option<String>,
    /// Give the workflow a name that begins so
    #[arg(long)]
    pub generate_name: Option<String>,
    /// Labels, as key=value,key=value
    #[arg(short, long)]
    pub labels: Option<String>,
    /// Run all pods by this service account
    #[arg(long)]
    pub serviceaccount: Option<String>,
    /// The workflow's priority
    #[arg(long)]
    pub priority: Option<i32>,
    /// The time that the workflow was scheduled for, in RFC 3339
    #[arg(long)]
    pub scheduled_time: Option<String>,
    /// Submit from workflowtemplate/NAME or clusterworkflowtemplate/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub from: Option<String>,
    /// Refuse unknown fields
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub strict: bool,
}

/// The same, where there may be none: when runs are taken up again.
pub fn workflows_or_none(
    client: &Client,
    paths: &[PathBuf],
    overrides: &Overrides,
) -> Result<Vec<Workflow>> {
    if paths.is_empty() && overrides.from.is_none() {
        return Ok(Vec::new());
    }
    workflows(client, paths, overrides)
}

/// Reads the files and gives their workflows, ready to be submitted. Other objects are applied.
pub fn workflows(
    client: &Client,
    paths: &[PathBuf],
    overrides: &Overrides,
) -> Result<Vec<Workflow>> {
    let mut workflows = Vec::new();
    if let Some(from) = &overrides.from {
        workflows.push(from_reference(from)?);
    }
    let mut faults: Vec<Fault> = Vec::new();
    let mut others = Vec::new();
    for path in files::expand(paths)? {
        crate::client::existing(&path)?;
        let parsed = files::parse(&path, overrides.strict)?;
        faults.extend(parsed.faults);
        for (object, _) in parsed.objects {
            match object {
                Object::Workflow(workflow) => workflows.push(*workflow),
                other => others.push(other),
            }
        }
    }
    report(&faults)?;
    for object in others {
        apply(client, object)?;
    }
    if workflows.is_empty() {
        bail!("no workflow in what was given; templates are kept by `argosy apply -f FILE`");
    }
    for workflow in &mut workflows {
        change(workflow, overrides, &client.namespace)?;
    }
    Ok(workflows)
}

/// Prints faults; an error if any is more than a warning.
pub fn report(faults: &[Fault]) -> Result<()> {
    for fault in faults {
        eprintln!("{fault}");
    }
    let errors = faults.iter().filter(|fault| fault.is_error()).count();
    if errors > 0 {
        let plural = if errors == 1 { "" } else { "s" };
        bail!("{errors} fault{plural} found; nothing was run");
    }
    Ok(())
}

fn from_reference(from: &str) -> Result<Workflow> {
    let (kind, name) = from
        .split_once('/')
        .context("--from takes KIND/NAME, such as workflowtemplate/build")?;
    let cluster_scope = match kind.to_lowercase().as_str() {
        "workflowtemplate" | "workflowtemplates" | "wftmpl" => false,
        "clusterworkflowtemplate" | "clusterworkflowtemplates" | "cwft" => true,
        other => bail!(
            "--from can't take a {other}; it takes workflowtemplate or clusterworkflowtemplate"
        ),
    };
    let mut workflow = Workflow {
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Workflow".to_owned(),
        ..Workflow::default()
    };
    workflow.metadata.generate_name = Some(format!("{name}-"));
    workflow.spec.workflow_template_ref = Some(argosy_api::WorkflowTemplateRef {
        name: name.to_owned(),
        cluster_scope,
    });
    Ok(workflow)
}

/// Changes a workflow as the flags say, and gives it a name.
pub fn change(workflow: &mut Workflow, overrides: &Overrides, namespace: &str) -> Result<()> {
    let metadata = &mut workflow.metadata;
    metadata
        .namespace
        .get_or_insert_with(|| namespace.to_owned());
    if let Some(name) = &overrides.name {
        metadata.name = Some(name.clone());
    }
    if let Some(prefix) = &overrides.generate_name {
        metadata.name = None;
        metadata.generate_name = Some(prefix.clone());
    }
    if metadata.name.as_ref().is_none_or(String::is_empty) {
        let prefix = metadata.generate_name.clone().unwrap_or_default();
        if prefix.is_empty() {
            bail!(
                "the workflow has neither metadata.name nor metadata.generateName; --name gives it one"
            );
        }
        metadata.name = Some(generated(&prefix));
    }
    metadata.uid = Some(uid());
    metadata.creation_timestamp = Some(argosy_engine::timestamp::kubernetes(now()));
    if let Some(labels) = &overrides.labels {
        let map = metadata.labels.get_or_insert_default();
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (key, value) = label
                .split_once('=')
                .with_context(|| format!("the label {label:?} is not key=value"))?;
            map.insert(key.to_owned(), value.to_owned());
        }
    }
    if let Some(time) = &overrides.scheduled_time {
        metadata.annotations.get_or_insert_default().insert(
            "workflows.argoproj.io/scheduled-time".to_owned(),
            time.clone(),
        );
    }
    let spec = &mut workflow.spec;
    if let Some(entrypoint) = &overrides.entrypoint {
        spec.entrypoint.clone_from(entrypoint);
    }
    if let Some(account) = &overrides.serviceaccount {
        spec.service_account_name.clone_from(account);
    }
    if let Some(priority) = overrides.priority {
        spec.priority = Some(priority);
    }
    if let Some(file) = &overrides.parameter_file {
        for (name, value) in parameter_file(file)? {
            set_parameter(&mut spec.arguments.parameters, &name, &value);
        }
    }
    for parameter in &overrides.parameters {
        let (name, value) = parameter
            .split_once('=')
            .with_context(|| format!("the parameter {parameter:?} is not NAME=VALUE"))?;
        set_parameter(&mut spec.arguments.parameters, name, value);
    }
    Ok(())
}

fn set_parameter(parameters: &mut Vec<Parameter>, name: &str, value: &str) {
    let value = Some(AnyString::from(value));
    match parameters
        .iter_mut()
        .find(|parameter| parameter.name == name)
    {
        Some(parameter) => {
            parameter.value = value;
            parameter.value_from = None;
        }
        None => parameters.push(Parameter {
            name: name.to_owned(),
            value,
            ..Parameter::default()
        }),
    }
}

fn parameter_file(path: &Path) -> Result<Vec<(String, String)>> {
    let text = files::read_text(path)?;
    let value = files::read_yaml(&text)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
    let map = value
        .as_object()
        .with_context(|| format!("{} is no map of parameters", path.display()))?;
    Ok(map
        .iter()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect())
}

/// A name as Kubernetes generates it: the prefix, cut so that the whole has at most 63 letters, and
/// five of its alphabet.
pub fn generated(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    const SUFFIX: usize = 5;
    let mut random = rand::rng();
    let letters = (0..SUFFIX).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    prefix.chars().take(63 - SUFFIX).chain(letters).collect()
}

fn uid() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// The time, in whole seconds.
pub fn now() -> Seconds {
    Seconds(jiff::Timestamp::now().as_second())
}

/// Checks a workflow against what it refers to, and hands it to the store.
pub fn create(client: &Client, workflow: Workflow) -> Result<RunId> {
    let definition = crate::gather::definition(&*client.store, workflow)?;
    check(&definition)?;
    let metadata = &definition.workflow.metadata;
    let name = definition.name().to_owned();
    let id = client
        .store
        .create_run(NewRun {
            namespace: definition.namespace().to_owned(),
            name: name.clone(),
            uid: metadata.uid.clone().unwrap_or_default(),
            labels: metadata.labels.clone().unwrap_or_default(),
            annotations: metadata.annotations.clone().unwrap_or_default(),
            definition: serde_json::to_vec(&definition)?,
            environment: Environment {
                working_directory: std::env::current_dir()?,
                variables: std::env::vars_os().collect(),
            },
            options: b"{}".to_vec(),
            created_at: now(),
        })
        .with_context(|| format!("cannot submit workflow {name}"))?;
    Ok(id)
}

/// Whether the workflow can be run.
pub fn check(definition: &Definition) -> Result<()> {
    let faults = validate(definition);
    for warning in faults.iter().filter(|fault| !fault.is_error()) {
        eprintln!("warning: {}: {}", warning.path, warning.message);
    }
    let errors: Vec<String> = faults
        .iter()
        .filter(|fault| fault.is_error())
        .map(|fault| {
            let help = fault
                .help
                .as_ref()
                .map_or_else(String::new, |help| format!("\n    help: {help}"));
            format!("  {}: {}{help}", fault.path, fault.message)
        })
        .collect();
    if !errors.is_empty() {
        bail!("invalid spec:\n{}", errors.join("\n"));
    }
    argosy_engine::plan::compile(definition)
        .map(drop)
        .map_err(|error| anyhow::anyhow!("invalid spec: {error}"))
}

/// All faults of a workflow and of how it uses what it refers to.
pub fn validate(definition: &Definition) -> Vec<Diagnostic> {
    let mut known = TemplateSet::default();
    for template in definition.workflow_templates.values() {
        known.add_workflow_template(template.clone());
    }
    for template in definition.cluster_workflow_templates.values() {
        known.add_cluster_workflow_template(template.clone());
    }
    validate_workflow(&definition.workflow, &known, &ValidateOptions::default())
        .into_iter()
        .map(Diagnostic::from)
        .collect()
}

/// Keeps a template, ConfigMap or Secret.
pub fn apply(client: &Client, object: Object) -> Result<Option<String>> {
    let namespaced = |metadata: &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
        metadata
            .namespace
            .get_or_insert_with(|| client.namespace.clone())
            .clone()
    };
    let (kind, namespace, name, json) = match object {
        Object::WorkflowTemplate(mut o) => {
            let namespace = namespaced(&mut o.metadata);
            (
                ObjectKind::WorkflowTemplate,
                namespace,
                o.metadata.name.clone(),
                serde_json::to_vec(&o)?,
            )
        }
        Object::ClusterWorkflowTemplate(o) => (
            ObjectKind::ClusterWorkflowTemplate,
            String::new(),
            o.metadata.name.clone(),
            serde_json::to_vec(&o)?,
        ),
        Object::CronWorkflow(mut o) => {
            let namespace = namespaced(&mut o.metadata);
            (
                ObjectKind::CronWorkflow,
                namespace,
                o.metadata.name.clone(),
                serde_json::to_vec(&o)?,
            )
        }
        Object::WorkflowEventBinding(mut o) => {
            let namespace = namespaced(&mut o.metadata);
            (
                ObjectKind::WorkflowEventBinding,
                namespace,
                o.metadata.name.clone(),
                serde_json::to_vec(&o)?,
            )
        }
        Object::ConfigMap(mut o) => {
            let namespace = namespaced(&mut o.metadata);
            (
                ObjectKind::ConfigMap,
                namespace,
                o.metadata.name.clone(),
                serde_json::to_vec(&o)?,
            )
        }
        Object::Secret(mut o) => {
            let namespace = namespaced(&mut o.metadata);
            (
                ObjectKind::Secret,
                namespace,
                o.metadata.name.clone(),
                serde_json::to_vec(&o)?,
            )
        }
        Object::Workflow(_) => return Ok(None),
        Object::Other(other) => bail!(
            "a {} is not kept here; templates, cron workflows, event bindings, ConfigMaps and Secrets are",
            other.kind
        ),
    };
    let name = name
        .filter(|name| !name.is_empty())
        .with_context(|| format!("a {} has no metadata.name", kind.as_str()))?;
    client.store.put_object(NewObject {
        kind,
        namespace,
        name: name.clone(),
        json,
        precondition: Precondition::Any,
    })?;
    Ok(Some(format!("{}/{name}", kind.as_str())))
}
