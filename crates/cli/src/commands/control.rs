//! What is asked of workflows that are under way: stop, terminate, suspend, resume.

use anyhow::{Context, Error, Result, bail};
use argosy_engine::fact::Command;
use argosy_store::RunRow;

use super::node::Pairs;
use crate::client::Client;
use crate::node_match;
use crate::options::Global;
use crate::selection::Selection;

#[derive(clap::Args)]
pub struct StopArguments {
    #[command(flatten)]
    workflows: Selection,
    /// Fail these suspended nodes instead of stopping the workflow
    #[arg(long)]
    node_field_selector: Option<String>,
    /// A message for the nodes
    #[arg(long)]
    message: Option<String>,
    /// Say what would be stopped, and stop nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
pub struct TerminateArguments {
    #[command(flatten)]
    workflows: Selection,
    /// Say what would be terminated, and terminate nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
pub struct Names {
    /// The workflows; `@latest` is the one submitted last
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(clap::Args)]
pub struct ResumeArguments {
    #[command(flatten)]
    names: Names,
    /// Resume these nodes only
    #[arg(long)]
    node_field_selector: Option<String>,
}

impl Names {
    /// The workflows, each with its name as it was given.
    fn rows<'n>(&'n self, client: &Client) -> Result<Vec<(&'n str, RunRow)>> {
        let names = self.names.iter();
        names
            .map(|name| Ok((name.as_str(), client.row(name)?)))
            .collect()
    }
}

/// Refuses a workflow that has ended.
pub fn must_run(row: &RunRow, verb: &str) -> Result<()> {
    match row.summary.phase {
        Some(phase) if phase.is_completed() => bail!(
            "cannot {verb} workflow {}: it has ended already: {phase}",
            row.name
        ),
        _ => Ok(()),
    }
}

/// Whether suspended nodes can be set so, given what was asked before.
pub fn check_set(
    client: &Client,
    row: &RunRow,
    nodes: &str,
    changes_something: bool,
    values: &Pairs,
) -> Result<()> {
    client.until_heard(row)?;
    let selector = node_match::parse(nodes)?;
    let run = client.load(row.id)?;
    run.check_set(&selector, nodes, changes_something, values)
        .map_err(Error::msg)
}

pub fn stop(arguments: &StopArguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_match::parse);
    let command = Command::Stop {
        selector: selector.transpose()?,
        message: arguments.message.as_deref().map(Into::into),
    };
    let wanted = arguments.node_field_selector.as_deref();
    end(
        &client,
        &arguments.workflows,
        arguments.dry_run,
        (&command, wanted),
        "stop",
        "stopped",
    )
}

pub fn terminate(arguments: &TerminateArguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    end(
        &client,
        &arguments.workflows,
        arguments.dry_run,
        (&Command::Terminate, None),
        "terminate",
        "terminated",
    )
}

fn end(
    client: &Client,
    workflows: &Selection,
    dry_run: bool,
    (command, nodes): (&Command, Option<&str>),
    verb: &str,
    done: &str,
) -> Result<()> {
    for row in workflows.rows(client)? {
        let picked = !workflows.names.contains(&row.name)
            && !workflows.names.contains(&"@latest".to_owned());
        if picked && row.summary.phase.is_some_and(|phase| phase.is_completed()) {
            // A selector means those that can be ended.
            continue;
        }
        must_run(&row, verb)?;
        if let Some(nodes) = nodes {
            check_set(client, &row, nodes, true, &Vec::new())
                .with_context(|| format!("cannot {verb} workflow {}", row.name))?;
        }
        if dry_run {
            println!("workflow {} {done} (dry-run)", row.name);
            continue;
        }
        client.ask(&row, command)?;
        println!("workflow {} {done}", row.name);
    }
    Ok(())
}

pub fn suspend(names: &Names, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    for (name, row) in names.rows(&client)? {
        must_run(&row, "suspend")?;
        client.ask(&row, &Command::Suspend)?;
        println!("workflow {name} suspended");
    }
    Ok(())
}

pub fn resume(arguments: &ResumeArguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_match::parse);
    let selector = selector.transpose()?;
    for (name, row) in arguments.names.rows(&client)? {
        must_run(&row, "resume")?;
        let refused = || format!("cannot resume workflow {}", row.name);
        match &arguments.node_field_selector {
            Some(nodes) => {
                check_set(&client, &row, nodes, true, &Vec::new()).with_context(refused)?
            }
            None => {
                // What was asked before, such as a node's outputs, counts.
                client.until_heard(&row)?;
                let run = client.load(row.id)?;
                run.check_resume()
                    .map_err(|error| {
                        anyhow::anyhow!(
                            "{error}: `argosy node set {name} --node-field-selector displayName=NODE --output-parameter NAME=VALUE` gives it one"
                        )
                    })
                    .with_context(refused)?;
            }
        }
        let command = Command::Resume {
            selector: selector.clone(),
        };
        client.ask(&row, &command)?;
        println!("workflow {name} resumed");
    }
    Ok(())
}
