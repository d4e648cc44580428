//! `argosy watch` and `argosy wait`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use argosy_api::WorkflowPhase;
use argosy_engine::ids::RunId;
use argosy_engine::timestamp;
use argosy_store::RunRow;

use crate::client::Client;
use crate::describe::{Look, describe};
use crate::live::{Live, Screen, Size};
use crate::node_match;
use crate::options::Global;
use crate::style::{Style, StyleFlags, drawn_on};

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

/// How often a tree is drawn anew for the durations in it.
const CLOCK: Duration = Duration::from_secs(1);

/// Reading a whole run, and drawing all of its nodes, takes at most this part of the time.
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
        let found = match arguments.ignore_not_found {
            true => client.find_row(name)?,
            false => Some(client.row(name)?),
        };
        runs.extend(found.map(|row| row.id));
    }
    let mut code = ExitCode::SUCCESS;
    for id in runs {
        let row = ended(&client, id)?;
        println!("{}", said(&row));
        let one = super::exit_code(row.summary.phase);
        if one != ExitCode::SUCCESS {
            code = one;
        }
    }
    Ok(code)
}

/// Waits for a run to end.
pub fn ended(client: &Client, id: RunId) -> Result<RunRow> {
    until_over(client, id, None)?.context("the workflow was deleted")
}

/// How and when a run that has ended did.
pub fn said(row: &RunRow) -> String {
    let summary = &row.summary;
    let phase = summary.phase.map_or("Pending", WorkflowPhase::as_str);
    let at = summary
        .finished_at
        .map_or_else(String::new, timestamp::go_utc);
    format!("{} {phase} at {at}", row.name)
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

/// Shows a run until it ends, however that is (whoever wants to know waits): a tree that is redrawn
/// on a terminal, plain lines elsewhere.
pub fn show_until_over(client: &Client, id: RunId, watch: &Watch) -> Result<()> {
    let mut live = Live::new(watch.style);
    let mut screen = Screen::default();
    let terminal = drawn_on(&std::io::stdout());
    let mut seen = None;
    let mut run = client.load(id)?;
    let (mut next_load, mut next_tree) = (Instant::now(), Instant::now());
    loop {
        let row = client.row_of(id)?.context("the workflow was deleted")?;
        let over = row.summary.phase.is_some_and(WorkflowPhase::is_completed);
        let counter = client.store.change_counter()?;
        if seen != Some(counter) && (over || Instant::now() >= next_load) {
            seen = Some(counter);
            let started = Instant::now();
            run = client.load(id)?;
            if watch.nodes.is_none() {
                live.learn(&run, 0..run.node_count() as u32);
            }
            next_load = Instant::now() + started.elapsed() * SHARE;
            next_tree = Instant::now();
        }
        // It may have ended since the row was read, but what is shown has not.
        let over = over && run.phase().is_some_and(WorkflowPhase::is_completed);
        match &watch.nodes {
            Some(nodes) => {
                let look = Look {
                    nodes: Some(nodes.clone()),
                    ..Look::usual(watch.style)
                };
                let text = || describe(&run.workflow(), &look);
                if over {
                    screen.print(&text());
                } else if terminal && Instant::now() >= next_tree {
                    let (started, size) = (Instant::now(), Size::of_terminal());
                    screen.draw(&fitting(&text(), size.rows), size);
                    next_tree = Instant::now() + CLOCK.max(started.elapsed() * SHARE);
                }
            }
            None if over => live.ended(&run),
            None => live.pulse(std::iter::once(&run)),
        }
        if over {
            return Ok(());
        }
        std::thread::sleep(PACE);
    }
}

/// As many lines of a text as a terminal has, less one for the cursor.
fn fitting(text: &str, rows: usize) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    let most = rows.saturating_sub(1).max(2);
    if all.len() <= most {
        return all.into_iter().map(str::to_owned).collect();
    }
    let (shown, rest) = all.split_at(most - 1);
    let more = format!("… {} more lines", rest.len());
    shown
        .iter()
        .map(|line| (*line).to_owned())
        .chain([more])
        .collect()
}
