//! `argosy submit`: hands a workflow over and returns.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::client::Client;
use crate::options::Global;
use crate::output::{self, Format};
use crate::submission::{self, Overrides};

#[derive(clap::Args)]
pub struct Arguments {
    /// Files with workflows; `-` is standard input
    files: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Wait for the workflow to end
    #[arg(short, long)]
    wait: bool,
    /// Show the workflow until it ends
    #[arg(long)]
    watch: bool,
    /// Print the workflow's logs until it ends
    #[arg(long)]
    log: bool,
    /// Print what would be submitted, and submit nothing
    #[arg(long)]
    dry_run: bool,
    /// Check against what is kept here, print, and submit nothing
    #[arg(long)]
    server_dry_run: bool,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let mut ids = Vec::new();
    for workflow in submission::workflows(&client, &arguments.files, &arguments.overrides)? {
        if arguments.dry_run || arguments.server_dry_run {
            if arguments.server_dry_run {
                submission::check(&crate::gather::definition(
                    &*client.store,
                    workflow.clone(),
                )?)?;
            }
            print!(
                "{}",
                output::object(&workflow, arguments.output.unwrap_or(Format::Yaml))?
            );
            continue;
        }
        let id = submission::create(&client, workflow)?;
        let run = client.load(id)?;
        match arguments.output {
            Some(Format::Name) => println!("{}", run.definition().name()),
            Some(format) => print!("{}", output::object(&run.workflow(), format)?),
            None => print!(
                "{}",
                crate::tree::describe(&run.workflow(), true, submission::now())
            ),
        }
        ids.push(id);
    }
    if ids.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    crate::runner::start(&client.data_dir)?;
    let mut code = ExitCode::SUCCESS;
    for id in ids {
        if arguments.watch {
            code = super::wait::show_until_over(&client, id)?;
        } else if arguments.log {
            super::logs::follow(&client, id)?;
        } else if arguments.wait {
            code = super::wait::wait_for(&client, id)?;
        }
    }
    Ok(code)
}
