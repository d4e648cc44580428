//! `argosy retry`: the same workflow goes on from what failed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use argosy_api::nearest;
use argosy_engine::fact::{Command, NodeSelector};
use argosy_engine::revision::Revision;
use argosy_engine::run::{RestartChoice, RestartPlan, Run};

use super::after::After;
use super::wait::Watch;
use crate::client::Client;
use crate::node_match;
use crate::options::Global;
use crate::output::Format;
use crate::revising::Changed;
use crate::selection::Selection;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    workflows: Selection,
    /// Restart nodes that succeeded too: those of --node-field-selector
    #[arg(long, requires = "node_field_selector")]
    restart_successful: bool,
    /// Which nodes are restarted, such as id=my-wf-123
    #[arg(long)]
    node_field_selector: Option<String>,
    /// Beyond argo: run a node again too, however it ended, by its ID or a name of it, or several, such as
    /// templateName=build
    #[arg(long, value_name = "NODE|SELECTOR")]
    from: Option<String>,
    /// Beyond argo: take the templates of this file in place of the workflow's of the same names
    #[arg(long, value_name = "FILE")]
    template_from: Option<PathBuf>,
    /// Say what would run again, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Give a parameter of the workflow another value
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
    #[command(flatten)]
    after: After,
}

/// The nodes to run again from: those of a selector, or one by its ID, its name or the name that is
/// shown.
fn nodes_from(wanted: &str, run: &Run) -> Result<NodeSelector> {
    if wanted.contains('=') {
        return node_match::parse(wanted);
    }
    let status = run.workflow_status();
    if let Some(selector) = NodeSelector::of_node(&status.nodes, wanted) {
        return Ok(selector);
    }
    let names = status.nodes.values().map(|node| node.display_name.as_str());
    match nearest(wanted, names) {
        Some(near) => bail!("there is no node {wanted:?}; did you mean {near:?}?"),
        None => bail!("there is no node {wanted:?}; `argosy get` shows those there are"),
    }
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_match::parse);
    let selector = selector.transpose()?;
    let parameters = super::node::pairs(&arguments.parameters)?;
    let changed = arguments.template_from.as_deref().map(Changed::read);
    let changed = changed.transpose()?;
    let rows = arguments.workflows.rows(&client)?;
    arguments.after.check_single(rows.len())?;
    let mut runs = Vec::new();
    for row in &rows {
        let run = client.load(row.id)?;
        let from = arguments.from.as_deref().map(|from| nodes_from(from, &run));
        let from = from.transpose()?;
        let revision = match &changed {
            Some(changed) => Some(changed.revision(&client, run.definition())?),
            None => None,
        };
        let plan = run
            .plan_restart(RestartChoice {
                restart_successful: arguments.restart_successful,
                selector: selector.as_ref(),
                from: from.as_ref(),
                new_parameters: !parameters.is_empty(),
                revision: revision.as_ref(),
            })
            .map_err(|error| {
                let help = match arguments.restart_successful {
                    // Argo names its own fields.
                    false if error.contains("restartSuccessful") => {
                        " (--restart-successful and --node-field-selector)"
                    }
                    _ => "",
                };
                anyhow::anyhow!("cannot retry workflow {}: {error}{help}", row.name)
            })?;
        if arguments.dry_run {
            print_plan(&run, &plan, revision.as_ref());
            continue;
        }
        let command = Command::Retry {
            restart_successful: arguments.restart_successful,
            selector: selector.clone(),
            parameters: parameters.clone(),
            from,
            revision: revision.map(Box::new),
        };
        client.ask(row, &command)?;
        client.until_heard(row)?;
        super::submit::print(&client, row.id, arguments.output)?;
        runs.push(row.id);
    }
    let printed = arguments.output;
    arguments
        .after
        .run(&client, &runs, &Watch::usual(), printed)
}

/// Says what would run again.
fn print_plan(run: &Run, plan: &RestartPlan, revision: Option<&Revision>) {
    for name in revision.into_iter().flat_map(|revision| revision.names()) {
        println!("template {name} would be taken from the file");
    }
    for index in &plan.removed {
        println!("{} would be made anew", run.name_at(index.0));
    }
    for index in &plan.reopened {
        println!("{} would be opened again", run.name_at(index.0));
    }
}
