//! `argosy watch` and `argosy wait`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use argosy_engine::ids::RunId;
use argosy_engine::timestamp;
use argosy_store::RunRow;

use crate::client::Client;
use crate::describe::{Look, describe};
use crate::live::Live;
use crate::node_match;
use crate::options::Global;
use crate::style::{Style, StyleFlags};

#[derive(clap::Args)]
pub struct WatchArguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    #[command(flatten)]
    nodes: NodeFlags,
    #[command(flatten)]
    style: StyleFlags,
}

/// Which nodes are shown.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct NodeFlags {
    /// Show the nodes of this phase: Pending, Running, Succeeded, Skipped, Failed, Error
    #[arg(long, conflicts_with = "node_field_selector")]
    status: Option<String>,
    /// Show these nodes, such as phase=Failed,templateName!=build
    #[arg(long)]
    node_field_selector: Option<String>,
}

impl NodeFlags {
    /// As a selector; `None` for all nodes.
    pub fn selector(&self) -> Result<Option<argosy_engine::fact::NodeSelector>> {
        if let Some(phase) = &self.status {
            if argosy_api::NodePhase::parse(phase).is_none() {
                anyhow::bail!(
                    "--status {phase}: the phases are {}",
                    argosy_api::NodePhase::WORDS.join(", ")
                );
            }
            return node_match::parse(&format!("phase={phase}")).map(Some);
        }
        self.node_field_selector
            .as_deref()
            .map(node_match::parse)
            .transpose()
    }
}

/// How a workflow is watched.
pub struct Watch {
    pub nodes: Option<argosy_engine::fact::NodeSelector>,
    pub style: Style,
}

impl Watch {
    /// All nodes, as this terminal allows.
    pub fn usual() -> Self {
        Self {
            nodes: None,
            style: StyleFlags::default().style(),
        }
    }
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

/// How often the store is asked whether something has changed.
const PACE: Duration = Duration::from_millis(100);

/// Reading a whole run takes at most this part of the time.
const SHARE: u32 = 10;

pub fn watch(arguments: &WatchArguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let watch = Watch {
        nodes: arguments.nodes.selector()?,
        style: arguments.style.style(),
    };
    show_until_over(&client, row.id, &watch)
}

pub fn wait(arguments: &WaitArguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let mut runs = Vec::new();
    for name in &arguments.names {
        match client.row(name) {
            Err(_) if arguments.ignore_not_found => {}
            row => runs.push(row?.id),
        }
    }
    let mut code = ExitCode::SUCCESS;
    for id in runs {
        let one = wait_for(&client, id, true)?;
        if one != ExitCode::SUCCESS {
            code = one;
        }
    }
    Ok(code)
}

/// Waits for a run to end, and says how it did, if it is to tell.
pub fn wait_for(client: &Client, id: RunId, tells: bool) -> Result<ExitCode> {
    let Some(row) = until_over(client, id, None)? else {
        anyhow::bail!("the workflow was deleted");
    };
    let summary = &row.summary;
    if let Some(phase) = summary.phase.filter(|_| tells) {
        let at = summary
            .finished_at
            .map_or_else(String::new, timestamp::go_utc);
        println!("{} {phase} at {at}", row.name);
    }
    Ok(super::exit_code(summary.phase))
}

/// Waits for a run to end, or for so long; `None` if it was deleted.
pub fn until_over(
    client: &Client,
    id: RunId,
    patience: Option<Duration>,
) -> Result<Option<RunRow>> {
    let started = Instant::now();
    loop {
        let Some(row) = client.row_of(id)? else {
            return Ok(None);
        };
        let over = row.summary.phase.is_some_and(|phase| phase.is_completed());
        if over || patience.is_some_and(|patience| started.elapsed() >= patience) {
            return Ok(Some(row));
        }
        std::thread::sleep(PACE);
    }
}

/// Shows a run until it ends, however that is (whoever wants to know waits): a tree that is redrawn on a terminal, plain lines elsewhere.
pub fn show_until_over(client: &Client, id: RunId, watch: &Watch) -> Result<()> {
    let mut live = Live::new(watch.style);
    let mut picture = Redrawn::default();
    let mut seen = None;
    let mut run = client.load(id)?;
    loop {
        let started = Instant::now();
        let counter = client.store.change_counter()?;
        if seen != Some(counter) {
            seen = Some(counter);
            run = client.load(id)?;
            if watch.nodes.is_none() {
                live.learn(&run, 0..run.node_count() as u32);
            }
        }
        let over = run
            .phase()
            .is_some_and(argosy_api::WorkflowPhase::is_completed);
        match &watch.nodes {
            Some(nodes) => {
                let look = Look {
                    nodes: Some(nodes.clone()),
                    ..Look::usual(watch.style)
                };
                if over || picture.terminal {
                    picture.draw(&describe(&run.workflow(), &look))?;
                }
            }
            None if over => live.ended(&run),
            None => live.pulse(std::iter::once(&run)),
        }
        if over {
            return Ok(());
        }
        std::thread::sleep(PACE.max(started.elapsed() * SHARE));
    }
}

/// A text that replaces the one before on a terminal.
struct Redrawn {
    terminal: bool,
    lines: usize,
}

impl Default for Redrawn {
    fn default() -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
            lines: 0,
        }
    }
}

impl Redrawn {
    fn draw(&mut self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.terminal && self.lines > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.lines)?;
        }
        out.write_all(text.as_bytes())?;
        out.flush()?;
        self.lines = text.lines().count();
        Ok(())
    }
}
