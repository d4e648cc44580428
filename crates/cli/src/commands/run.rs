//! `argosy run`: here, in the foreground, to the end.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use argosy_api::{NodeType, Workflow, WorkflowPhase};
use argosy_engine::controller::Controller;
use argosy_engine::ids::RunId;
use argosy_engine::run::Run;
use argosy_runtime::{Observer, Until};
use argosy_store::Claim;

use super::logs::Ended;
use crate::client::Client;
use crate::live::Live;
use crate::options::Global;
use crate::output::Format;
use crate::overrides::Overrides;
use crate::runner::Steps;
use crate::signals::{Asked, Signal};
use crate::style::{StyleFlags, one_line};
use crate::submission::{self, Sources};

/// So many different warnings are told.
const MOST_TROUBLES: usize = 100;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    overrides: Overrides,
    /// Run steps as plain processes of this machine, without their images
    #[arg(long)]
    host: bool,
    /// Take up the workflows that nobody carries out, from where they stand
    #[arg(long, conflicts_with_all = ["files", "from"])]
    resume: bool,
    #[command(flatten)]
    steps: Steps,
    /// Serve metrics at this address while workflows run: HOST:PORT, PORT on this machine, or
    /// nothing for Argo's own port
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    metrics_address: Option<String>,
    /// Print the workflow as it ended, and nothing else
    #[arg(short, long)]
    output: Option<Format>,
    /// Print the logs of the steps too, each when it ends
    #[arg(long, conflicts_with = "output")]
    log: bool,
    #[command(flatten)]
    style: StyleFlags,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    if !arguments.host && !arguments.resume {
        bail!(
            "steps run as plain processes of this machine so far, which is asked for by name: argosy run --host FILE"
        );
    }
    if arguments.sources.files.is_empty() && !arguments.resume && arguments.sources.from.is_none() {
        bail!("no file given: argosy run --host FILE");
    }
    // The keeper is forked before anything has threads.
    let keeper = crate::runner::fork_keeper(&global.data_dir()?, arguments.steps)?;
    let client = Client::open_beside(global, &keeper)?;
    if let Some(address) = &arguments.metrics_address {
        let config = &client.configuration()?.config.metrics;
        crate::metrics::serve(address, client.store.clone(), config)?;
    }
    let runs = if arguments.resume {
        let runs = unowned(&client)?;
        if runs.is_empty() {
            // What dead runners have left is removed all the same.
            println!(
                "nothing to resume: every workflow has ended, or another process carries it out"
            );
        }
        runs
    } else {
        let submission = submission::read(&client, &arguments.sources, &arguments.overrides)?;
        submission::create_all_claimed(&client, submission)?
    };
    let mut printer = Printer {
        live: arguments
            .output
            .is_none()
            .then(|| Live::new(arguments.style.style())),
        logs: (arguments.log).then(|| Ended::new(&client, arguments.style.style())),
        failed: false,
        ended: Vec::new(),
        signals: Arc::default(),
        interrupts_told: 0,
        troubles: BTreeSet::new(),
    };
    let signals = printer.signals.clone();
    let left = crate::runner::carry_out(
        &client,
        keeper,
        arguments.steps,
        runs,
        &mut printer,
        Until::NoRuns,
        &signals,
    )?;
    printer.tell_rest();
    if arguments.output.is_some() {
        // As they were given, not as they ended.
        printer.ended.sort_by_key(|(id, _)| *id);
        for (_, workflow) in &printer.ended {
            print!("{}", super::submit::text(workflow, arguments.output)?);
        }
    }
    if let Some(signal) = left {
        return leave(&client, signal, arguments.steps);
    }
    Ok(match printer.failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Says what becomes of workflows that a signal has ended the carrying out of. A closed terminal is no
/// reason to leave them lie.
fn leave(client: &Client, signal: Signal, steps: Steps) -> Result<ExitCode> {
    let text = match signal {
        Signal::HangUp => {
            crate::runner::start(client, Some(steps))?;
            "the terminal is gone: a runner in the background carries on"
        }
        Signal::Interrupt => {
            "left: steps that do not end are killed 30 seconds after they were told to"
        }
        Signal::Terminate => {
            "left as it stands, and steps that run go on: `argosy run --resume` carries on, `argosy stop NAME` stops"
        }
    };
    complain(text);
    Ok(ExitCode::from(signal.exit_code()))
}

/// Prints to standard error. Where nobody reads that any more, the workflow goes on all the same.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Makes all workflows this process's that nobody carries out.
fn unowned(client: &Client) -> Result<Vec<Claim>> {
    let mut claims: Vec<Claim> = Vec::new();
    loop {
        let more = client.store.unowned_runs()?;
        let before = claims.len();
        for run in more {
            // Some other process may have been faster.
            claims.extend(client.store.claim(run)?);
        }
        if claims.len() == before {
            return Ok(claims);
        }
    }
}

/// Shows how the workflows fare, and keeps how they ended.
struct Printer<'a> {
    /// `None` where only the end is printed.
    live: Option<Live>,
    /// What the steps print, if that is wanted.
    logs: Option<Ended<'a>>,
    failed: bool,
    ended: Vec<(RunId, Workflow)>,
    signals: Arc<Asked>,
    /// How often Ctrl-C was pressed when something was last said of it.
    interrupts_told: u32,
    /// The warnings that were told.
    troubles: BTreeSet<String>,
}

impl Printer<'_> {
    /// Says what comes of Ctrl-C.
    fn tell_interrupts(&mut self) {
        let pressed = self.signals.interrupts().min(2);
        if pressed <= self.interrupts_told {
            return;
        }
        self.interrupts_told = pressed;
        let text = match pressed {
            1 => "stopping: exit handlers still run; Ctrl-C again terminates",
            _ => "terminating",
        };
        match &mut self.live {
            Some(live) => live.print(&format!("{text}\n")),
            None => complain(text),
        }
    }

    /// Prints what steps have said since they were over for their workflow.
    // A log that can't be read is `logs`' to complain about, not the run's.
    fn tell_rest(&mut self) {
        let rest = self.logs.as_mut().map(Ended::rest);
        if let (Some(Ok(text)), Some(live)) = (rest, &mut self.live)
            && !text.is_empty()
        {
            live.print(&text);
        }
    }
}

impl Observer for Printer<'_> {
    fn changed(&mut self, run: &Run, nodes: &[u32]) {
        let Some(live) = &mut self.live else {
            return;
        };
        live.learn(run, nodes.iter().copied());
        let Some(logs) = &mut self.logs else {
            return;
        };
        let is_over = |index: u32| {
            run.glance(index)
                .is_some_and(|node| node.kind == NodeType::Pod && node.phase.is_fulfilled())
        };
        for index in nodes.iter().copied().filter(|&index| is_over(index)) {
            if let Ok(text) = logs.lines_of(run, index)
                && !text.is_empty()
            {
                live.print(&text);
            }
        }
    }

    fn pulse(&mut self, controller: &Controller) {
        self.tell_interrupts();
        if let Some(live) = &mut self.live {
            live.pulse(controller.runs());
        }
    }

    fn ended(&mut self, run: &Run) {
        self.tell_rest();
        self.failed |= run.phase() != Some(WorkflowPhase::Succeeded);
        match &mut self.live {
            Some(live) => live.ended(run),
            None => self.ended.push((run.id(), run.workflow())),
        }
    }

    fn trouble(&mut self, what: &str) {
        let what = one_line(what);
        // What goes wrong again and again is told once.
        if self.troubles.len() >= MOST_TROUBLES || !self.troubles.insert(what.clone()) {
            return;
        }
        match &mut self.live {
            Some(live) => live.print(&format!("warning: {what}\n")),
            None => complain(&format!("warning: {what}")),
        }
    }

    fn waiting(&mut self, why: &str) {
        if let Some(live) = &mut self.live {
            live.waiting(why);
        }
    }
}
