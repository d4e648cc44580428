//! What is asked of workflows that are under way: stop, terminate, suspend, resume, retry, node.

use std::process::ExitCode;

use anyhow::{Result, bail};
use argosy_api::NodePhase;
use argosy_engine::fact::Command;
use argosy_store::RunRow;

use super::node_selector;
use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Names {
    /// The workflows; `@latest` is the one submitted last
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(clap::Args)]
pub struct StopArguments {
    #[command(flatten)]
    names: Names,
    /// Fail these suspended nodes instead of stopping the workflow
    #[arg(long)]
    node_field_selector: Option<String>,
    /// A message for the nodes
    #[arg(long)]
    message: Option<String>,
}

#[derive(clap::Args)]
pub struct ResumeArguments {
    #[command(flatten)]
    names: Names,
    /// Resume these nodes only
    #[arg(long)]
    node_field_selector: Option<String>,
}

#[derive(clap::Args)]
pub struct RetryArguments {
    #[command(flatten)]
    names: Names,
    /// Restart nodes that succeeded too
    #[arg(long)]
    restart_successful: bool,
    /// Which succeeded nodes
    #[arg(long)]
    node_field_selector: Option<String>,
    /// Give a parameter of the workflow another value
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Wait for the workflow to end
    #[arg(short, long)]
    wait: bool,
    /// Show the workflow until it ends
    #[arg(long)]
    watch: bool,
}

#[derive(clap::Args)]
pub struct NodeArguments {
    /// What to do; `set` is the only one
    #[arg(value_parser = ["set"])]
    action: String,
    /// The workflow
    name: String,
    /// Which suspended nodes
    #[arg(long, required = true)]
    node_field_selector: Option<String>,
    /// The phase that they take
    #[arg(long)]
    phase: Option<String>,
    /// A message for them
    #[arg(long)]
    message: Option<String>,
    /// A value for a supplied output
    #[arg(short = 'p', long = "output-parameter", value_name = "NAME=VALUE")]
    output_parameters: Vec<String>,
}

fn each(names: &Names, global: &Global, command: &Command, done: &str) -> Result<()> {
    let client = Client::open(global)?;
    for name in &names.names {
        let row = running(&client, name)?;
        client.ask(&row, command)?;
        println!("workflow {} {done}", row.name);
    }
    Ok(())
}

fn running(client: &Client, name: &str) -> Result<RunRow> {
    let row = client.row(name)?;
    match row.summary.phase {
        Some(phase) if phase.is_completed() => {
            bail!("workflow {} has ended already: {phase}", row.name)
        }
        _ => Ok(row),
    }
}

pub fn stop(arguments: &StopArguments, global: &Global) -> Result<()> {
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_selector)
        .transpose()?;
    let command = Command::Stop {
        selector,
        message: arguments.message.as_deref().map(Into::into),
    };
    each(&arguments.names, global, &command, "stopped")
}

pub fn terminate(names: &Names, global: &Global) -> Result<()> {
    each(names, global, &Command::Terminate, "terminated")
}

pub fn suspend(names: &Names, global: &Global) -> Result<()> {
    each(names, global, &Command::Suspend, "suspended")
}

pub fn resume(arguments: &ResumeArguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_selector)
        .transpose()?;
    for name in &arguments.names.names {
        let row = running(&client, name)?;
        if selector.is_none() {
            client
                .load(row.id)?
                .check_resume()
                .map_err(|error| anyhow::anyhow!(error))?;
        }
        let command = Command::Resume {
            selector: selector.clone(),
        };
        client.ask(&row, &command)?;
        println!("workflow {} resumed", row.name);
    }
    Ok(())
}

pub fn retry(arguments: &RetryArguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let selector = arguments
        .node_field_selector
        .as_deref()
        .map(node_selector)
        .transpose()?;
    let parameters = pairs(&arguments.parameters)?;
    let mut code = ExitCode::SUCCESS;
    for name in &arguments.names.names {
        let row = client.row(name)?;
        client
            .load(row.id)?
            .plan_restart(argosy_engine::run::RestartChoice {
                restart_successful: arguments.restart_successful,
                selector: selector.as_ref(),
                from: None,
                new_parameters: !parameters.is_empty(),
            })
            .map_err(|error| anyhow::anyhow!(error))?;
        let command = Command::Retry {
            restart_successful: arguments.restart_successful,
            selector: selector.clone(),
            parameters: parameters.clone(),
            from: None,
        };
        client.ask(&row, &command)?;
        println!("workflow {} retried", row.name);
        if arguments.watch {
            code = super::wait::show_until_over(&client, row.id)?;
        } else if arguments.wait {
            code = super::wait::wait_for(&client, row.id)?;
        }
    }
    Ok(code)
}

pub fn node(arguments: &NodeArguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = running(&client, &arguments.name)?;
    let phase = match arguments.phase.as_deref() {
        None => None,
        Some(text) => match NodePhase::parse(text) {
            Some(phase) if phase.is_fulfilled() => Some(phase),
            _ => bail!(
                "--phase {text}: a node can be set to Succeeded, Failed, Error, Skipped or Omitted"
            ),
        },
    };
    let command = Command::SetNode {
        selector: node_selector(arguments.node_field_selector.as_deref().unwrap_or_default())?,
        phase,
        message: arguments.message.as_deref().map(Into::into),
        output_parameters: pairs(&arguments.output_parameters)?,
    };
    client.ask(&row, &command)?;
    println!("workflow values set");
    Ok(())
}

type Pairs = Vec<(Box<str>, Box<str>)>;

fn pairs(list: &[String]) -> Result<Pairs> {
    list.iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) => Ok((name.into(), value.into())),
            None => bail!("{text:?} is not NAME=VALUE"),
        })
        .collect()
}
