//! `argosy retry`: the same workflow goes on from what failed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use argosy_engine::fact::Command;
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
    /// Beyond argo: run these nodes again too, however they ended, such as displayName=build
    #[arg(long, value_name = "SELECTOR")]
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

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_match::parse);
    let selector = selector.transpose()?;
    let from = arguments
        .from
        .as_deref()
        .map(node_match::parse)
        .transpose()?;
    let parameters = super::node::pairs(&arguments.parameters)?;
    let changed = arguments.template_from.as_deref().map(Changed::read);
    let changed = changed.transpose()?;
    let rows = arguments.workflows.rows(&client)?;
    arguments.after.check_single(rows.len())?;
    let mut runs = Vec::new();
    for row in &rows {
        let run = client.load(row.id)?;
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
            from: from.clone(),
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
