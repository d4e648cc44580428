//! `argosy get`: workflows, and the other objects that are kept.

use anyhow::{Context, Result, bail};
use argosy_store::ObjectKind;

use super::wait::NodeFlags;
use crate::client::Client;
use crate::describe::{Columns, Look, describe_run};
use crate::options::Global;
use crate::output;
use crate::style::StyleFlags;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflows (`@latest` is the one submitted last), or KIND and names: configmap, secret,
    /// workflowtemplate, clusterworkflowtemplate, cronworkflow, workfloweventbinding
    #[arg(required = true)]
    names: Vec<String>,
    /// What to print
    #[arg(short, long)]
    output: Option<GetFormat>,
    #[command(flatten)]
    nodes: NodeFlags,
    #[command(flatten)]
    style: StyleFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GetFormat {
    Name,
    Json,
    Yaml,
    Short,
    Wide,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    if let Some((kind, names)) = kept_objects(&arguments.names) {
        return objects(&client, kind, &names, arguments.output);
    }
    let look = Look {
        columns: match arguments.output {
            Some(GetFormat::Wide) => Columns::Wide,
            Some(GetFormat::Short) => Columns::Short,
            Some(GetFormat::Name | GetFormat::Json | GetFormat::Yaml) | None => Columns::Usual,
        },
        nodes: arguments.nodes.selector()?,
        ..Look::usual(arguments.style.style())
    };
    for name in &arguments.names {
        let row = client.row(name)?;
        match arguments.output {
            Some(GetFormat::Name) => println!("{}", row.name),
            Some(GetFormat::Json) => {
                print!("{}", output::json(&client.load(row.id)?.workflow(), 4)?);
            }
            Some(GetFormat::Yaml) => {
                print!("{}", output::yaml(&client.load(row.id)?.workflow())?);
            }
            Some(GetFormat::Short | GetFormat::Wide) | None => {
                print!("{}", describe_run(&client.load(row.id)?, &look));
            }
        }
    }
    Ok(())
}

/// `KIND/NAME …` or `KIND NAME …` of a kind that is kept beside workflows.
pub fn kept_objects(words: &[String]) -> Option<(ObjectKind, Vec<String>)> {
    let (first, rest) = words.split_first()?;
    if let Some((kind, _)) = first.split_once('/') {
        let kind = kind_of(kind)?;
        let names = words
            .iter()
            .map(|word| match word.split_once('/') {
                Some((_, name)) => name.to_owned(),
                None => word.clone(),
            })
            .collect();
        return Some((kind, names));
    }
    Some((kind_of(first)?, rest.to_vec()))
}

fn kind_of(word: &str) -> Option<ObjectKind> {
    Some(match word.to_lowercase().as_str() {
        "configmap" | "configmaps" | "cm" => ObjectKind::ConfigMap,
        "secret" | "secrets" => ObjectKind::Secret,
        "persistentvolumeclaim" | "persistentvolumeclaims" | "pvc" => {
            ObjectKind::PersistentVolumeClaim
        }
        "workflowtemplate" | "workflowtemplates" | "wftmpl" => ObjectKind::WorkflowTemplate,
        "clusterworkflowtemplate" | "clusterworkflowtemplates" | "cwft" | "cwftmpl" => {
            ObjectKind::ClusterWorkflowTemplate
        }
        "cronworkflow" | "cronworkflows" | "cwf" | "cronwf" => ObjectKind::CronWorkflow,
        "workfloweventbinding" | "workfloweventbindings" | "wfeb" => {
            ObjectKind::WorkflowEventBinding
        }
        _ => return None,
    })
}

/// Where objects of a kind are kept.
pub fn place(client: &Client, kind: ObjectKind) -> String {
    match kind {
        ObjectKind::ClusterWorkflowTemplate => String::new(),
        ObjectKind::WorkflowTemplate
        | ObjectKind::CronWorkflow
        | ObjectKind::WorkflowEventBinding
        | ObjectKind::ConfigMap
        | ObjectKind::Secret
        | ObjectKind::PersistentVolumeClaim
        | ObjectKind::SyncLimit => client.namespace.clone(),
    }
}

fn objects(
    client: &Client,
    kind: ObjectKind,
    names: &[String],
    format: Option<GetFormat>,
) -> Result<()> {
    let place = place(client, kind);
    let mut names = names.to_vec();
    if names.is_empty() {
        client
            .store
            .objects(kind, Some(&place), &mut |object| names.push(object.name))?;
        if names.is_empty() {
            println!("No {} found", super::objects::plural(kind));
            return Ok(());
        }
        if format.is_none() {
            let list: String = names.iter().map(|name| format!("{name}\n")).collect();
            print!("{list}");
            return Ok(());
        }
    }
    for name in names {
        let value = client
            .object(kind, &place, &name)?
            .with_context(|| super::objects::not_found(kind, &name))?;
        match format {
            Some(GetFormat::Name) => println!("{name}"),
            Some(GetFormat::Json) => print!("{}", output::json(&value, 4)?),
            Some(GetFormat::Yaml) | None => print!("---\n{}", output::yaml(&value)?),
            Some(GetFormat::Short | GetFormat::Wide) => {
                bail!("a {} is printed as name, json or yaml", kind.as_str())
            }
        }
    }
    Ok(())
}
