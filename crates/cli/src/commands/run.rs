//! `argosy run`: here, in the foreground, to the end.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use argosy_api::NodeType;
use argosy_engine::run::Run;
use argosy_runtime::{Observer, Until};

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
    /// Run steps as plain processes of this machine, without their images
    #[arg(long)]
    host: bool,
    /// Take up the workflows that nobody carries out, from where they stand
    #[arg(long, conflicts_with = "files")]
    resume: bool,
    /// How many slots all runners of the data directory share; as many as there are cores, or as
    /// another runner has said, if not given
    #[arg(long, env = "ARGOSY_MAX_PROCESSES")]
    max_processes: Option<u32>,
    /// Print the workflow as it ended
    #[arg(short, long)]
    output: Option<Format>,
    /// Print the logs of the steps too
    #[arg(long)]
    log: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    if !arguments.host && !arguments.resume {
        bail!(
            "steps run as plain processes of this machine so far, which is asked for by name: argosy run --host FILE"
        );
    }
    if arguments.files.is_empty() && !arguments.resume && arguments.overrides.from.is_none() {
        bail!("no file given: argosy run --host FILE");
    }
    // The keeper is forked before anything has threads.
    let keeper = crate::runner::fork_keeper(&global.data_dir()?)?;
    let client = Client::open(global)?;
    let mut runs = Vec::new();
    if arguments.resume {
        runs = client.store.unowned_runs()?;
        if runs.is_empty() {
            println!("nothing to resume");
            return Ok(ExitCode::SUCCESS);
        }
    }
    for workflow in submission::workflows_or_none(&client, &arguments.files, &arguments.overrides)?
    {
        runs.push(submission::create(&client, workflow)?);
    }
    let mut printer = Printer {
        client: &client,
        quiet: arguments.output.is_some(),
        log: arguments.log,
        failed: false,
        seen: Default::default(),
        ended: Vec::new(),
    };
    crate::runner::carry_out(
        &client,
        keeper,
        arguments.max_processes,
        &runs,
        &mut printer,
        Until::NoRuns,
    )?;
    let (failed, ended) = (printer.failed, printer.ended);
    if let Some(format) = arguments.output {
        let mut out = std::io::stdout().lock();
        for (name, workflow) in ended {
            match format {
                Format::Name => writeln!(out, "{name}")?,
                _ => out.write_all(output::object(&workflow, format)?.as_bytes())?,
            }
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Prints a line for each node that changes, and the tree at the end.
struct Printer<'a> {
    client: &'a Client,
    quiet: bool,
    log: bool,
    failed: bool,
    /// What has been said of a node, by run and index.
    seen: std::collections::BTreeMap<(argosy_engine::ids::RunId, u32), argosy_api::NodePhase>,
    ended: Vec<(String, argosy_api::Workflow)>,
}

/// In larger workflows only what goes wrong gets a line of its own.
const FEW: usize = 200;

impl Observer for Printer<'_> {
    fn changed(&mut self, run: &Run, nodes: &[u32]) {
        if self.quiet {
            return;
        }
        let mut out = std::io::stdout().lock();
        for &index in nodes {
            let many = run.node_count() > FEW;
            let node = run.node_status_at(index);
            let Some(phase) = node.phase else {
                continue;
            };
            let leaf = matches!(
                node.r#type,
                Some(NodeType::Pod | NodeType::Suspend | NodeType::Skipped)
            );
            let telling = leaf && phase != argosy_api::NodePhase::Pending;
            if !telling || (many && !phase.is_failed_or_error()) {
                continue;
            }
            if self.seen.insert((run.id(), index), phase) == Some(phase) {
                continue;
            }
            let message = if node.message.is_empty() {
                String::new()
            } else {
                format!("  {}", node.message)
            };
            // Nobody reads on when the pipe is closed; the workflow goes on all the same.
            let _ = writeln!(
                out,
                "{} {} {phase}{message}",
                crate::tree::glyph(Some(phase), true),
                node.name
            );
            if self.log
                && phase.is_fulfilled()
                && let Some(key) = run.pod_key_at(index)
                && let Ok(text) = std::fs::read(self.client.log_path(key))
            {
                let _ = out.write_all(&text);
            }
        }
    }

    fn ended(&mut self, run: &Run) {
        self.failed |= run
            .phase()
            .is_some_and(|phase| phase != argosy_api::WorkflowPhase::Succeeded);
        let name = run.definition().name().to_owned();
        if self.quiet {
            self.ended.push((name, run.workflow()));
            return;
        }
        let phase = run.phase().map_or("", argosy_api::WorkflowPhase::as_str);
        let (done, total) = run.progress();
        let message = if run.message().is_empty() {
            String::new()
        } else {
            format!("  {}", run.message())
        };
        let _ = writeln!(std::io::stdout(), "{name} {phase} {done}/{total}{message}");
    }

    fn waiting(&mut self, why: &str) {
        if !self.quiet && !why.is_empty() {
            let _ = writeln!(std::io::stdout(), "◷ {why}");
        }
    }
}
