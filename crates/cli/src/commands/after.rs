//! What is done once a workflow has been handed over: waiting, watching, printing logs.

use std::process::ExitCode;

use anyhow::{Result, bail};
use argosy_engine::ids::RunId;

use crate::client::Client;
use crate::output::Format;

/// Flags of commands that hand workflows over.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct After {
    /// Wait for the workflow to end
    #[arg(short, long)]
    pub wait: bool,
    /// Show the workflow until it ends
    #[arg(long, conflicts_with = "wait")]
    pub watch: bool,
    /// Print the workflow's logs until it ends
    #[arg(long)]
    pub log: bool,
}

impl After {
    /// Refuses to wait for, or watch, more than one workflow. Argo: `argo retry`, `argo resubmit`.
    pub fn check_single(self, workflows: usize) -> Result<()> {
        if (self.wait || self.watch) && workflows > 1 {
            bail!("--wait and --watch are for a single workflow; {workflows} were selected");
        }
        Ok(())
    }

    /// Refuses what can't be done with so many workflows.
    pub fn check(self, workflows: usize) -> Result<()> {
        if self.watch && workflows > 1 {
            bail!("cannot watch more than one workflow");
        }
        Ok(())
    }

    /// Does it. The exit code says how the workflows ended, where that was waited for. Where the
    /// workflow was printed for a program to read, waiting adds nothing to that.
    pub fn run(
        self,
        client: &Client,
        runs: &[RunId],
        watch: &super::wait::Watch,
        printed: Option<Format>,
    ) -> Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        if self.log {
            for &id in runs {
                super::logs::follow(client, id)?;
            }
        }
        for &id in runs {
            let one = if self.watch {
                super::wait::show_until_over(client, id, watch)?;
                ExitCode::SUCCESS
            } else if self.wait {
                let row = super::wait::ended(client, id)?;
                if matches!(printed, None | Some(Format::Wide)) {
                    println!("{}", super::wait::said(&row));
                }
                super::exit_code(row.summary.phase)
            } else {
                ExitCode::SUCCESS
            };
            if one != ExitCode::SUCCESS {
                code = one;
            }
        }
        Ok(code)
    }
}
