//! `argosy watch` and `argosy wait`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use argosy_engine::ids::RunId;

use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct WatchArguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
}

#[derive(clap::Args)]
pub struct WaitArguments {
    /// The workflows
    #[arg(required = true)]
    names: Vec<String>,
    /// Don't fail if one is not there
    #[arg(long)]
    ignore_not_found: bool,
}

const PACE: Duration = Duration::from_millis(100);

pub fn watch(arguments: &WatchArguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    show_until_over(&client, row.id)
}

pub fn wait(arguments: &WaitArguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let mut code = ExitCode::SUCCESS;
    for name in &arguments.names {
        let row = match client.row(name) {
            Err(_) if arguments.ignore_not_found => continue,
            row => row?,
        };
        let one = wait_for(&client, row.id)?;
        if one != ExitCode::SUCCESS {
            code = one;
        }
    }
    Ok(code)
}

/// Waits for a run to end, and says how it did.
pub fn wait_for(client: &Client, id: RunId) -> Result<ExitCode> {
    loop {
        let filter = argosy_store::RunFilter {
            ids: vec![id],
            ..argosy_store::RunFilter::default()
        };
        let Some(row) = client.store.runs(&filter)?.into_iter().next() else {
            anyhow::bail!("the workflow was deleted");
        };
        if row.summary.phase.is_some_and(|phase| phase.is_completed()) {
            let phase = row.summary.phase;
            println!(
                "{} {}",
                row.name,
                phase.map_or("", argosy_api::WorkflowPhase::as_str)
            );
            return Ok(super::exit_code(phase));
        }
        std::thread::sleep(PACE);
    }
}

/// Shows a run's tree until it ends: redrawn on a terminal, at its end elsewhere.
pub fn show_until_over(client: &Client, id: RunId) -> Result<ExitCode> {
    let terminal = std::io::stdout().is_terminal();
    let mut lines = 0;
    loop {
        let run = client.load(id)?;
        let over = run.phase().is_some_and(|phase| phase.is_completed());
        if terminal || over {
            let text = crate::tree::describe(&run.workflow(), true, crate::submission::now());
            let mut out = std::io::stdout().lock();
            if terminal && lines > 0 {
                write!(out, "\x1b[{lines}A\x1b[J")?;
            }
            out.write_all(text.as_bytes())?;
            out.flush()?;
            lines = text.lines().count();
        }
        if over {
            return Ok(super::exit_code(run.phase()));
        }
        std::thread::sleep(PACE * 2);
    }
}
