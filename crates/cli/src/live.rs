//! The tree of a workflow that is under way: redrawn on a terminal, plain lines elsewhere.
//!
//! A change costs what the changed node costs, and a picture what its lines cost: neither grows with
//! the workflow. Of many nodes below one, those that run or went wrong have lines; the rest are
//! counted.

mod nodes;
mod picture;
mod screen;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use argosy_api::{NodePhase, NodeType, WorkflowPhase};
use argosy_engine::ids::RunId;
use argosy_engine::run::{Glance, Run};

use crate::style::{Style, drawn_on, one_line};
use nodes::Nodes;
use picture::{Picture, summary};
pub use screen::{Screen, Size};

/// How often the picture is drawn anew: where something has changed, and for the clock's sake.
const PACE: Duration = Duration::from_millis(100);
const CLOCK: Duration = Duration::from_secs(1);

/// In a workflow of more nodes than these, plain lines tell only what goes wrong, and from time to
/// time how far it is.
const MANY: usize = 200;
const SUMS: Duration = Duration::from_secs(10);

/// Shows how runs fare.
pub struct Live {
    style: Style,
    terminal: bool,
    runs: BTreeMap<RunId, Nodes>,
    /// Why pods wait, for people.
    waiting: String,
    /// When they were last told in plain lines.
    told_waiting: Option<Instant>,
    screen: Screen,
    drawn: Instant,
    changed: bool,
    summed: Instant,
}

impl Live {
    /// Shows on standard output, as it is.
    pub fn new(style: Style) -> Self {
        let now = Instant::now();
        Self {
            style,
            terminal: drawn_on(&std::io::stdout()),
            runs: BTreeMap::new(),
            waiting: String::new(),
            told_waiting: None,
            screen: Screen::default(),
            drawn: now.checked_sub(CLOCK).unwrap_or(now),
            changed: true,
            summed: now,
        }
    }

    /// Takes changed nodes up.
    pub fn learn(&mut self, run: &Run, changed: impl IntoIterator<Item = u32>) {
        let nodes = self.runs.entry(run.id()).or_default();
        if nodes.seen.len() > run.node_count() {
            // A retry has removed some: all is looked at anew.
            *nodes = Nodes::default();
            for index in 0..run.node_count() as u32 {
                nodes.learn(run, index);
            }
            return;
        }
        let mut told = String::new();
        for index in changed {
            let Some(change) = nodes.learn(run, index) else {
                continue;
            };
            self.changed = true;
            if !self.terminal {
                plain_line(self.style, run, index, change.now, &mut told);
            }
        }
        if !told.is_empty() {
            self.print(&told);
        }
    }

    /// Says why pods wait.
    pub fn waiting(&mut self, why: &str) {
        if self.waiting == why {
            return;
        }
        self.waiting = why.to_owned();
        self.changed = true;
        let told = self.told_waiting.is_some_and(|told| told.elapsed() < SUMS);
        if !self.terminal && !why.is_empty() && !told {
            self.told_waiting = Some(Instant::now());
            self.print(&format!("◷ {}\n", one_line(why)));
        }
    }

    /// Prints lines that stay, above the picture.
    pub fn print(&mut self, text: &str) {
        self.screen.print(text);
        self.changed = true;
    }

    /// Draws the picture if it is time to.
    pub fn pulse<'a>(&mut self, runs: impl Iterator<Item = &'a Run>) {
        let since = self.drawn.elapsed();
        if since < PACE || (!self.changed && since < CLOCK) {
            return;
        }
        if self.terminal {
            self.draw(runs);
        } else {
            self.drawn = Instant::now();
            self.changed = false;
            if self.summed.elapsed() >= SUMS {
                self.summed = Instant::now();
                let sums: String = runs
                    .filter(|run| run.node_count() > MANY)
                    .map(|run| format!("{}\n", summary(self.style, run)))
                    .collect();
                if !sums.is_empty() {
                    self.print(&sums);
                }
            }
        }
    }

    fn draw<'a>(&mut self, runs: impl Iterator<Item = &'a Run>) {
        let size = Size::of_terminal();
        let mut picture = Picture {
            style: self.style,
            now: crate::submission::now(),
            lines: Vec::new(),
            // What is above the screen can't be drawn anew; and two lines more may follow.
            most: size.rows.saturating_sub(3).max(1),
        };
        let mut more = 0;
        for run in runs {
            match self.runs.get(&run.id()) {
                Some(_) if picture.lines.len() >= picture.most => more += 1,
                Some(nodes) => picture.run(run, nodes),
                None => {}
            }
        }
        if more > 0 {
            picture.lines.push(format!(" … {more} more workflows"));
        }
        if !self.waiting.is_empty() {
            picture
                .lines
                .push(format!(" ◷ {}", one_line(&self.waiting)));
        }
        self.screen.draw(&picture.lines, size);
        self.drawn = Instant::now();
        self.changed = false;
    }

    /// A run has ended: its last picture stays, with a line that sums it up.
    pub fn ended(&mut self, run: &Run) {
        if self.terminal {
            let mut picture = Picture {
                style: self.style,
                now: crate::submission::now(),
                lines: Vec::new(),
                most: 200,
            };
            if let Some(nodes) = self.runs.get(&run.id()) {
                picture.run(run, nodes);
            }
            let mut text: String = picture
                .lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect();
            if run.phase() != Some(WorkflowPhase::Succeeded) {
                let name = run.definition().name();
                let help = self.style.helpful("help");
                text.push_str(&format!(
                    " {help}: `argosy why {name}` says what went wrong, `argosy logs {name}` what its steps printed\n"
                ));
            }
            self.print(&text);
        } else {
            let text = format!("{}\n", summary(self.style, run));
            self.print(&text);
        }
        self.runs.remove(&run.id());
    }
}

fn plain_line(style: Style, run: &Run, index: u32, node: Glance, told: &mut String) {
    let leaf = matches!(
        node.kind,
        NodeType::Pod | NodeType::Suspend | NodeType::Skipped | NodeType::HTTP | NodeType::Plugin
    );
    let worth = leaf && node.phase != NodePhase::Pending;
    if !worth || (run.node_count() > MANY && !node.phase.is_failed_or_error()) {
        return;
    }
    let message = match run.message_at(index) {
        "" => String::new(),
        message => format!("  {}", one_line(message)),
    };
    told.push_str(&format!(
        "{} {} {}{message}\n",
        style.glyph(Some(node.phase)),
        one_line(&run.name_at(index)),
        node.phase
    ));
}
