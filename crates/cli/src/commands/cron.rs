//! `argosy cron`: keeps CronWorkflows. Their schedules are not followed yet; `submit --from` runs one.

use std::process::ExitCode;

use anyhow::{Context, Result};
use argosy_store::ObjectKind;
use serde_json::Value;

use super::objects::{
    self, DeleteArguments, GetArguments, KeepArguments, Keeping, ListArguments, not_found,
};
use crate::client::Client;
use crate::files::Object;
use crate::options::Global;
use crate::overrides::Overrides;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Keep new cron workflows
    Create(CreateArguments),
    /// Replace cron workflows
    Update(UpdateArguments),
    /// Show cron workflows
    Get(GetArguments),
    /// List cron workflows
    List(ListArguments),
    /// Delete cron workflows
    Delete(DeleteArguments),
    /// Suspend cron workflows
    Suspend(Names),
    /// Let suspended cron workflows go on
    Resume(Names),
    /// Find faults in cron workflows
    Lint(super::lint::OfKindArguments),
}

#[derive(clap::Args)]
struct CreateArguments {
    #[command(flatten)]
    keep: KeepArguments,
    #[command(flatten)]
    change: CronOverrides,
    /// Override the schedule
    #[arg(long)]
    schedule: Option<String>,
}

#[derive(clap::Args)]
struct UpdateArguments {
    #[command(flatten)]
    keep: KeepArguments,
    #[command(flatten)]
    change: CronOverrides,
}

/// Changes to the workflow that a cron workflow makes, and to its own name.
#[derive(clap::Args)]
struct CronOverrides {
    /// Pass an input parameter
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Pass a file of input parameters, YAML or JSON
    #[arg(short = 'f', long, value_name = "FILE")]
    parameter_file: Option<std::path::PathBuf>,
    /// Run another template than the entrypoint
    #[arg(long)]
    entrypoint: Option<String>,
    /// Override metadata.name
    #[arg(long)]
    name: Option<String>,
    /// Override metadata.generateName
    #[arg(long)]
    generate_name: Option<String>,
    /// Labels of its workflows, as key=value,key=value
    #[arg(short, long)]
    labels: Option<String>,
    /// The service account of all pods
    #[arg(long)]
    serviceaccount: Option<String>,
}

#[derive(clap::Args)]
struct Names {
    /// Their names
    #[arg(required = true)]
    names: Vec<String>,
}

const KIND: ObjectKind = ObjectKind::CronWorkflow;

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    match &arguments.action {
        Action::Create(arguments) => {
            let schedule = arguments.schedule.as_deref();
            objects::keep(&client, KIND, &arguments.keep, Keeping::New, |object| {
                change(object, &arguments.change, schedule)
            })?;
            eprintln!(
                "note: cron workflows are kept, but their schedules are not followed yet; `argosy submit --from cronworkflow/NAME` runs one"
            );
        }
        Action::Update(arguments) => {
            objects::keep(&client, KIND, &arguments.keep, Keeping::Replace, |object| {
                change(object, &arguments.change, None)
            })?;
        }
        Action::Get(arguments) => objects::get(&client, KIND, arguments)?,
        Action::List(arguments) => objects::list(&client, KIND, arguments)?,
        Action::Delete(arguments) => objects::delete(&client, KIND, arguments)?,
        Action::Suspend(names) => set_schedule(&client, names, Schedule::Suspended)?,
        Action::Resume(names) => set_schedule(&client, names, Schedule::Resumed)?,
        Action::Lint(arguments) => return super::lint::of_kind(arguments, global, KIND),
    }
    Ok(ExitCode::SUCCESS)
}

/// Argo: `createCronWorkflows`.
fn change(object: Object, flags: &CronOverrides, schedule: Option<&str>) -> Result<Object> {
    let Object::CronWorkflow(mut cron) = object else {
        return Ok(object);
    };
    let overrides = Overrides {
        parameters: flags.parameters.clone(),
        parameter_file: flags.parameter_file.clone(),
        entrypoint: flags.entrypoint.clone(),
        // The workflow that is changed is one of many to come; its name is of no account.
        name: Some("one-to-come".to_owned()),
        labels: flags.labels.clone(),
        serviceaccount: flags.serviceaccount.clone(),
        ..Overrides::default()
    };
    let mut workflow = argosy_api::Workflow {
        spec: cron.spec.workflow_spec,
        ..argosy_api::Workflow::default()
    };
    if let Some(metadata) = &cron.spec.workflow_metadata {
        workflow.metadata.labels.clone_from(&metadata.labels);
    }
    overrides.change(&mut workflow, "")?;
    cron.spec.workflow_spec = workflow.spec;
    if flags.labels.is_some() {
        let metadata = cron.spec.workflow_metadata.get_or_insert_default();
        metadata.labels = workflow.metadata.labels;
    }
    if let Some(prefix) = &flags.generate_name {
        cron.metadata.generate_name = Some(prefix.clone());
        cron.metadata.name = Some(crate::overrides::generated(prefix));
    }
    if let Some(name) = &flags.name {
        cron.metadata.name = Some(name.clone());
    }
    if let Some(schedule) = schedule {
        cron.spec.schedules = vec![schedule.to_owned()];
    }
    Ok(Object::CronWorkflow(cron))
}

/// What becomes of a schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Schedule {
    Suspended,
    Resumed,
}

fn set_schedule(client: &Client, names: &Names, schedule: Schedule) -> Result<()> {
    let done = match schedule {
        Schedule::Suspended => "suspended",
        Schedule::Resumed => "resumed",
    };
    for name in &names.names {
        let object = client
            .object(KIND, &client.namespace, name)?
            .with_context(|| not_found(KIND, name))?;
        let mut cron: Box<argosy_api::CronWorkflow> = serde_json::from_value(object)?;
        cron.spec.suspend = schedule == Schedule::Suspended;
        crate::submission::keep(client, &Object::CronWorkflow(cron))?;
        println!("CronWorkflow '{name}' {done}");
    }
    Ok(())
}

/// The heads of a list beside the name.
pub const HEAD: [&str; 4] = ["AGE", "SCHEDULES", "TIMEZONE", "SUSPENDED"];

/// One line of a list.
pub fn row(value: &Value, age: String) -> Vec<String> {
    let spec = &value["spec"];
    vec![
        age,
        schedules(spec),
        spec["timezone"].as_str().unwrap_or_default().to_owned(),
        spec["suspend"].as_bool().unwrap_or_default().to_string(),
    ]
}

fn schedules(spec: &Value) -> String {
    let list = spec["schedules"].as_array().into_iter().flatten();
    let texts: Vec<&str> = list.filter_map(Value::as_str).collect();
    texts.join(",")
}

/// What is shown of one cron workflow.
pub fn described(value: &Value) -> Vec<(&'static str, String)> {
    let spec = &value["spec"];
    let text = |field: &str| match &spec[field] {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut lines = vec![
        ("Schedules:", schedules(spec)),
        (
            "Suspended:",
            text("suspend").unwrap_or_else(|| "false".to_owned()),
        ),
    ];
    for (name, field) in [
        ("Timezone:", "timezone"),
        ("StartingDeadlineSeconds:", "startingDeadlineSeconds"),
        ("ConcurrencyPolicy:", "concurrencyPolicy"),
    ] {
        lines.extend(text(field).map(|value| (name, value)));
    }
    lines
}
