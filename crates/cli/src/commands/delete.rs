//! `argosy delete`: workflows, and the other objects that are kept.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use argosy_engine::fact::Command;
use argosy_store::{ObjectKind, Precondition, RunRow};

use crate::client::{Client, Scope};
use crate::leftovers::{self, IfStuck};
use crate::options::Global;
use crate::selection::Filter;

/// How long `--force` waits.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflows (`@latest` is the one submitted last), or KIND and names: configmap, secret,
    /// persistentvolumeclaim, workflowtemplate, clusterworkflowtemplate, cronworkflow, workfloweventbinding
    names: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Those of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// All workflows
    #[arg(long)]
    all: bool,
    /// Read so many at a time; 0 for as many as suits
    #[arg(long, default_value_t = 0)]
    query_chunk_size: usize,
    /// Delete a workflow even if its steps don't end within ten seconds, or its artifacts can't be
    /// deleted
    #[arg(long)]
    force: bool,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    /// Whether workflows are meant that are not named.
    fn is_filter(&self) -> bool {
        self.all || self.all_namespaces || self.filter.is_set()
    }
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    if let Some((kind, names)) = super::get::kept_objects(&arguments.names) {
        if names.is_empty() {
            bail!(
                "say which {}: argosy delete {} NAME",
                kind.as_str(),
                kind.as_str().to_lowercase()
            );
        }
        let place = super::get::place(&client, kind);
        for name in names {
            if arguments.dry_run {
                println!("{} deleted (dry-run)", super::apply::resource(kind, &name));
            } else if delete_object(&client, kind, &place, &name)? {
                println!("{} deleted", super::apply::resource(kind, &name));
            } else {
                bail!(super::objects::not_found(kind, &name));
            }
        }
        return Ok(());
    }
    if arguments.names.is_empty() && !arguments.is_filter() {
        bail!(
            "requires either a workflow or other argument: --all, --completed, --older, --prefix, …"
        );
    }
    let if_stuck = match arguments.force {
        true => IfStuck::Remove,
        false => IfStuck::Keep,
    };
    for row in wanted(&client, arguments)? {
        if arguments.dry_run {
            println!("Workflow '{}' deleted (dry-run)", row.name);
            continue;
        }
        delete(&client, &row, if_stuck)?;
        println!("Workflow '{}' deleted", row.name);
    }
    Ok(())
}

/// The workflows that are named, and those that the filter lets through, each once.
fn wanted(client: &Client, arguments: &Arguments) -> Result<Vec<RunRow>> {
    let mut rows = Vec::new();
    for name in &arguments.names {
        let found = match name.as_str() {
            "@latest" => Some(client.row(name)?),
            name => client.find_row(name)?,
        };
        match found {
            Some(row) => rows.push(row),
            None => println!("Workflow '{name}' not found"),
        }
    }
    if arguments.is_filter() {
        rows.extend(arguments.filter.rows_in_pages(
            client,
            Scope::of(arguments.all_namespaces),
            arguments.query_chunk_size,
        )?);
        if rows.is_empty() {
            println!("No resources found");
        }
    }
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.id));
    Ok(rows)
}

fn delete_object(client: &Client, kind: ObjectKind, place: &str, name: &str) -> Result<bool> {
    if kind == ObjectKind::PersistentVolumeClaim {
        // With what lies in it.
        let store = &*client.store;
        return Ok(argosy_local::delete_claim(
            &client.data_dir,
            store,
            place,
            name,
        )?);
    }
    Ok(client
        .store
        .delete_object(kind, place, name, Precondition::Any)?)
}

fn delete(client: &Client, row: &RunRow, if_stuck: IfStuck) -> Result<()> {
    let over = row.summary.phase.is_some_and(|phase| phase.is_completed());
    if !over {
        // Its steps end first, so that none outlives its workflow.
        client.ask(row, &Command::Terminate)?;
        let patience = (if_stuck == IfStuck::Remove).then_some(PATIENCE);
        super::wait::until_over(client, row.id, patience)?;
    }
    leftovers::remove(client, row, if_stuck)
}
