//! `argosy template` and `argosy cluster-template`, and what `argosy cron` shares with them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use argosy_store::{ObjectKind, Precondition};
use serde_json::Value;

use crate::client::Client;
use crate::files::Object;
use crate::label_selector::LabelSelector;
use crate::options::Global;
use crate::output::{self, Format, moment, short_duration};
use crate::style::table;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Keep new templates
    Create(KeepArguments),
    /// Replace templates
    Update(KeepArguments),
    /// Show templates
    Get(GetArguments),
    /// List templates
    List(ListArguments),
    /// Delete templates
    Delete(DeleteArguments),
    /// Find faults in templates
    Lint(super::lint::OfKindArguments),
}

#[derive(clap::Args)]
pub struct KeepArguments {
    /// Files and folders; `-` is standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: crate::files::Reading,
    /// What to print
    #[arg(short, long)]
    pub output: Option<Format>,
}

#[derive(clap::Args)]
pub struct GetArguments {
    /// Their names
    #[arg(required = true)]
    names: Vec<String>,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
}

#[derive(clap::Args)]
pub struct ListArguments {
    /// Those of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Those with these labels, such as key1=value1,key2!=value2
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
}

#[derive(clap::Args)]
pub struct DeleteArguments {
    /// Their names
    #[arg(required_unless_present = "all")]
    names: Vec<String>,
    /// Delete all
    #[arg(long)]
    all: bool,
}

pub fn run(arguments: &Arguments, global: &Global, kind: ObjectKind) -> Result<ExitCode> {
    let client = Client::open(global)?;
    match &arguments.action {
        Action::Create(arguments) => keep(&client, kind, arguments, Keeping::New, Ok)?,
        Action::Update(arguments) => keep(&client, kind, arguments, Keeping::Replace, Ok)?,
        Action::Get(arguments) => get(&client, kind, arguments)?,
        Action::List(arguments) => list(&client, kind, arguments)?,
        Action::Delete(arguments) => delete(&client, kind, arguments)?,
        Action::Lint(arguments) => return super::lint::of_kind(arguments, global, kind),
    }
    Ok(ExitCode::SUCCESS)
}

/// Kubernetes' name for many of a kind.
pub fn plural(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::WorkflowTemplate => "workflowtemplates",
        ObjectKind::ClusterWorkflowTemplate => "clusterworkflowtemplates",
        ObjectKind::CronWorkflow => "cronworkflows",
        ObjectKind::WorkflowEventBinding => "workfloweventbindings",
        ObjectKind::ConfigMap => "configmaps",
        ObjectKind::Secret => "secrets",
        ObjectKind::PersistentVolumeClaim => "persistentvolumeclaims",
        ObjectKind::SyncLimit => "synclimits",
    }
}

/// Kubernetes' words for an object that isn't there.
pub fn not_found(kind: ObjectKind, name: &str) -> String {
    format!("{}{} \"{name}\" not found", plural(kind), kind.group())
}

/// Whether an object must be there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    New,
    Replace,
}

/// Keeps the objects of one kind that files hold, changed as wanted.
pub fn keep(
    client: &Client,
    kind: ObjectKind,
    arguments: &KeepArguments,
    keeping: Keeping,
    change: impl Fn(Object) -> Result<Object>,
) -> Result<()> {
    let is_meant = |object: &Object| Ok(object.kind() == kind.as_str());
    let objects = super::apply::read(client, &arguments.files, arguments.reading, is_meant)?;
    let place = super::get::place(client, kind);
    let mut changed = Vec::new();
    for object in objects {
        let object = change(object)?;
        let name = crate::shelf::Kept::of(&object, &client.namespace)?
            .map(|kept| kept.name)
            .unwrap_or_default();
        let there = client.store.object(kind, &place, &name)?.is_some();
        match keeping {
            Keeping::New if there => bail!(
                "{} \"{name}\" already exists; `update` replaces it",
                plural(kind)
            ),
            Keeping::Replace if !there => {
                bail!("{}; `create` keeps a new one", not_found(kind, &name))
            }
            Keeping::New | Keeping::Replace => changed.push(object),
        }
    }
    for object in changed {
        let applied = crate::submission::keep(client, &object)?;
        show(client, kind, &place, &applied.name, arguments.output)?;
    }
    Ok(())
}

/// Shows objects of one kind.
pub fn get(client: &Client, kind: ObjectKind, arguments: &GetArguments) -> Result<()> {
    let place = super::get::place(client, kind);
    for name in &arguments.names {
        show(client, kind, &place, name, arguments.output)?;
    }
    Ok(())
}

fn show(
    client: &Client,
    kind: ObjectKind,
    place: &str,
    name: &str,
    format: Option<Format>,
) -> Result<()> {
    let value = client
        .object(kind, place, name)?
        .with_context(|| not_found(kind, name))?;
    match format {
        Some(Format::Name) => println!("{name}"),
        Some(Format::Json) => print!("{}", output::json(&value, 2)?),
        Some(Format::Yaml) => print!("{}", output::yaml(&value)?),
        Some(Format::Wide) | None => print!("{}", described(kind, place, name, &value)),
    }
    Ok(())
}

fn described(kind: ObjectKind, place: &str, name: &str, value: &Value) -> String {
    let mut lines = vec![("Name:", name.to_owned())];
    if !place.is_empty() {
        lines.push(("Namespace:", place.to_owned()));
    }
    if let Some(created) = created(value) {
        lines.push(("Created:", moment(created, crate::submission::now())));
    }
    if kind == ObjectKind::CronWorkflow {
        lines.extend(super::cron::described(value));
    }
    lines
        .into_iter()
        .map(|(name, value)| format!("{name:<29} {value}\n"))
        .collect()
}

/// When an object was kept first.
pub fn created(value: &Value) -> Option<argosy_engine::ids::Seconds> {
    let text = value["metadata"]["creationTimestamp"].as_str()?;
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(argosy_engine::ids::Seconds(time.as_second()))
}

/// Lists objects of one kind.
pub fn list(client: &Client, kind: ObjectKind, arguments: &ListArguments) -> Result<()> {
    let wanted = LabelSelector::parse(arguments.selector.as_deref().unwrap_or_default())?;
    let place = super::get::place(client, kind);
    let place = (!arguments.all_namespaces).then_some(place);
    let mut found: Vec<(String, String, Vec<u8>)> = Vec::new();
    client
        .store
        .objects(kind, place.as_deref(), &mut |object| {
            found.push((object.namespace, object.name, object.json));
        })?;
    let mut objects = Vec::new();
    for (namespace, name, json) in found {
        let value: Value = serde_json::from_slice(&json)?;
        let labels = serde_json::from_value(value["metadata"]["labels"].clone());
        if wanted.fits(&labels.unwrap_or_default()) {
            objects.push((namespace, name, value));
        }
    }
    match arguments.output {
        Some(format @ (Format::Json | Format::Yaml)) => {
            let values: Vec<&Value> = objects.iter().map(|(_, _, value)| value).collect();
            let text = match format {
                Format::Json => output::json(&values, 2)?,
                _ => output::yaml(&values)?,
            };
            print!("{text}");
        }
        Some(Format::Name) => {
            let names: String = objects
                .iter()
                .map(|(_, name, _)| format!("{name}\n"))
                .collect();
            print!("{names}");
        }
        Some(Format::Wide) | None if objects.is_empty() => {
            println!("No {} found", plural(kind));
        }
        Some(Format::Wide) | None => print_table(kind, &objects, arguments),
    }
    Ok(())
}

fn print_table(kind: ObjectKind, objects: &[(String, String, Value)], arguments: &ListArguments) {
    let now = crate::submission::now();
    let mut head = vec!["NAME"];
    if arguments.all_namespaces {
        head.insert(0, "NAMESPACE");
    }
    if kind == ObjectKind::CronWorkflow {
        head.extend(super::cron::HEAD);
    } else if arguments.output == Some(Format::Wide) {
        head.push("AGE");
    }
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for (namespace, name, value) in objects {
        let age = created(value).map_or_else(String::new, |at| short_duration(now.since(at)));
        let mut row = vec![name.clone()];
        if arguments.all_namespaces {
            row.insert(0, namespace.clone());
        }
        if kind == ObjectKind::CronWorkflow {
            row.extend(super::cron::row(value, age));
        } else if arguments.output == Some(Format::Wide) {
            row.push(age);
        }
        rows.push(row);
    }
    print!("{}", table(&rows, 3));
}

/// Deletes objects of one kind.
pub fn delete(client: &Client, kind: ObjectKind, arguments: &DeleteArguments) -> Result<()> {
    let place = super::get::place(client, kind);
    let mut names = arguments.names.clone();
    if arguments.all {
        client
            .store
            .objects(kind, Some(&place), &mut |object| names.push(object.name))?;
    }
    for name in names {
        if !client
            .store
            .delete_object(kind, &place, &name, Precondition::Any)?
        {
            bail!(not_found(kind, &name));
        }
        println!("{} '{name}' deleted", kind.as_str());
    }
    Ok(())
}
