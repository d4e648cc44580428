//! `argosy template` and `argosy cluster-template`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use argosy_store::{ObjectKind, Precondition};

use crate::client::Client;
use crate::files::{self, Object};
use crate::options::Global;
use crate::output::{self, Format};
use crate::submission;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Keep new templates
    Create {
        /// Files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Replace templates
    Update {
        /// Files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Show templates
    Get {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
        /// What to print
        #[arg(short, long)]
        output: Option<Format>,
    },
    /// List templates
    List,
    /// Delete templates
    Delete {
        /// Their names
        names: Vec<String>,
        /// Delete all
        #[arg(long)]
        all: bool,
    },
}

/// Which kind of template.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

pub fn run(arguments: &Arguments, global: &Global, scope: Scope) -> Result<()> {
    let client = Client::open(global)?;
    let (kind, namespace) = match scope {
        Scope::Namespaced => (ObjectKind::WorkflowTemplate, client.namespace.clone()),
        Scope::Cluster => (ObjectKind::ClusterWorkflowTemplate, String::new()),
    };
    match &arguments.action {
        Action::Create { files } => keep(&client, files, scope, true)?,
        Action::Update { files } => keep(&client, files, scope, false)?,
        Action::Get { names, output } => {
            for name in names {
                let object = client
                    .store
                    .object(kind, &namespace, name)?
                    .with_context(|| format!("{} \"{name}\" not found", kind.as_str()))?;
                let value: serde_json::Value = serde_json::from_slice(&object.json)?;
                match output {
                    Some(Format::Name) => println!("{name}"),
                    format => print!(
                        "{}",
                        output::object(&value, format.unwrap_or(Format::Yaml))?
                    ),
                }
            }
        }
        Action::List => {
            let mut rows = vec![vec!["NAME".to_owned()]];
            client
                .store
                .objects(kind, Some(&namespace), &mut |object| {
                    rows.push(vec![object.name.clone()]);
                })?;
            print!("{}", output::table(&rows));
        }
        Action::Delete { names, all } => {
            let mut names = names.clone();
            if *all {
                client
                    .store
                    .objects(kind, Some(&namespace), &mut |object| {
                        names.push(object.name.clone());
                    })?;
            }
            for name in names {
                if !client
                    .store
                    .delete_object(kind, &namespace, &name, Precondition::Any)?
                {
                    bail!("{} \"{name}\" not found", kind.as_str());
                }
                println!("{} '{name}' deleted", kind.as_str());
            }
        }
    }
    Ok(())
}

fn keep(client: &Client, paths: &[PathBuf], scope: Scope, new: bool) -> Result<()> {
    for path in files::expand(paths)? {
        crate::client::existing(&path)?;
        let parsed = files::parse(&path, true)?;
        submission::report(&parsed.faults)?;
        for (object, _) in parsed.objects {
            let (kind, namespace, name) = match (&object, scope) {
                (Object::WorkflowTemplate(o), Scope::Namespaced) => (
                    ObjectKind::WorkflowTemplate,
                    client.namespace.as_str(),
                    o.metadata.name.clone(),
                ),
                (Object::ClusterWorkflowTemplate(o), Scope::Cluster) => (
                    ObjectKind::ClusterWorkflowTemplate,
                    "",
                    o.metadata.name.clone(),
                ),
                _ => continue,
            };
            let name = name.unwrap_or_default();
            let there = client.store.object(kind, namespace, &name)?.is_some();
            if new && there {
                bail!(
                    "{} \"{name}\" already exists; `update` replaces it",
                    kind.as_str()
                );
            }
            if !new && !there {
                bail!(
                    "{} \"{name}\" not found; `create` keeps a new one",
                    kind.as_str()
                );
            }
            if let Some(name) = submission::apply(client, object)? {
                println!("{name} {}", if new { "created" } else { "updated" });
            }
        }
    }
    Ok(())
}
