//! The tree of a workflow that is under way: redrawn on a terminal, plain lines elsewhere.
//!
//! A change costs what the changed node costs, and a picture what its lines cost: neither grows with
//! the workflow. Of many nodes below one, those that run or went wrong have lines; the rest are
//! counted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use argosy_api::{NodePhase, NodeType, WorkflowPhase};
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::run::{Glance, Run};

use crate::output::short_duration;
use crate::style::{Style, shortened, width};

/// More children than these are counted, not shown.
const FEW: usize = 10;

/// How many of those that run, and of those that went wrong, have lines all the same.
const ACTIVE: usize = 8;
const BAD: usize = 5;

/// How often the picture is drawn anew: where something has changed, and for the clock's sake.
const PACE: Duration = Duration::from_millis(100);
const CLOCK: Duration = Duration::from_secs(1);

/// The longest message that is printed whole.
const LONGEST: usize = 600;

/// In a workflow of more nodes than these, plain lines tell only what goes wrong, and from time to
/// time how far it is.
const MANY: usize = 200;
const SUMS: Duration = Duration::from_secs(10);

/// What is known of a run's nodes.
#[derive(Default)]
struct Nodes {
    seen: Vec<Option<Glance>>,
    below: BTreeMap<u32, Below>,
    roots: Vec<u32>,
}

/// The nodes below one.
#[derive(Default)]
struct Below {
    children: Vec<u32>,
    counts: BTreeMap<NodePhase, u32>,
    active: BTreeSet<u32>,
    bad: BTreeSet<u32>,
}

impl Nodes {
    /// Takes a node's state up; gives the phase in which it was seen before, or `None` where there
    /// is nothing to tell.
    fn learn(&mut self, run: &Run, index: u32) -> Option<Change> {
        let now = run.glance(index)?;
        let place = index as usize;
        if self.seen.len() <= place {
            self.seen.resize(place + 1, None);
        }
        let before = self.seen[place].replace(now);
        if before.map(|before| before.phase) == Some(now.phase) {
            return None;
        }
        if now.kind != NodeType::StepGroup {
            self.enter(index, before, now);
        }
        Some(Change { now })
    }

    fn enter(&mut self, index: u32, before: Option<Glance>, now: Glance) {
        let Some(above) = now.above else {
            if before.is_none() {
                self.roots.push(index);
            }
            return;
        };
        let below = self.below.entry(above).or_default();
        match before {
            None => below.children.push(index),
            Some(before) => {
                if let Some(count) = below.counts.get_mut(&before.phase) {
                    *count = count.saturating_sub(1);
                }
            }
        }
        *below.counts.entry(now.phase).or_default() += 1;
        if now.phase == NodePhase::Running {
            below.active.insert(index);
        } else {
            below.active.remove(&index);
        }
        if now.phase.is_failed_or_error() {
            below.bad.insert(index);
        } else {
            below.bad.remove(&index);
        }
    }
}

struct Change {
    now: Glance,
}

/// Shows how runs fare.
pub struct Live {
    style: Style,
    terminal: bool,
    runs: BTreeMap<RunId, Nodes>,
    /// Why pods wait, for people.
    waiting: String,
    /// How many lines stand on the screen.
    lines: usize,
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
            terminal: std::io::stdout().is_terminal(),
            runs: BTreeMap::new(),
            waiting: String::new(),
            lines: 0,
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
        if !self.terminal && !why.is_empty() {
            self.print(&format!("◷ {why}\n"));
        }
    }

    /// Prints lines that stay, above the picture.
    pub fn print(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        // Nobody reads on when the pipe is closed; the workflow goes on all the same.
        let _ = out.write_all(erased(self.lines).as_bytes());
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
        self.lines = 0;
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
        let (columns, rows) = terminal_size::terminal_size().map_or(
            (80, 24),
            |(terminal_size::Width(w), terminal_size::Height(h))| (usize::from(w), usize::from(h)),
        );
        let mut picture = Picture {
            style: self.style,
            now: crate::submission::now(),
            lines: Vec::new(),
            most: rows.saturating_sub(2).max(3),
        };
        for run in runs {
            if let Some(nodes) = self.runs.get(&run.id()) {
                picture.run(run, nodes);
            }
        }
        if !self.waiting.is_empty() {
            picture.lines.push(format!(" ◷ {}", self.waiting));
        }
        let mut text = erased(self.lines);
        for line in &picture.lines {
            text.push_str(&cut(line, columns));
            text.push('\n');
        }
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
        self.lines = picture.lines.len();
        self.drawn = Instant::now();
        self.changed = false;
    }

    /// A run has ended: its last picture stays, with a line that sums it up.
    pub fn ended(&mut self, run: &Run) {
        if self.terminal {
            let others = std::mem::take(&mut self.lines);
            let mut picture = Picture {
                style: self.style,
                now: crate::submission::now(),
                lines: Vec::new(),
                most: 200,
            };
            if let Some(nodes) = self.runs.get(&run.id()) {
                picture.run(run, nodes);
            }
            self.lines = others;
            let text: String = picture
                .lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect();
            self.print(&text);
        } else {
            let text = format!("{}\n", summary(self.style, run));
            self.print(&text);
        }
        self.runs.remove(&run.id());
    }
}

/// What takes so many lines off the screen.
fn erased(lines: usize) -> String {
    match lines {
        0 => String::new(),
        lines => format!("\x1b[{lines}A\x1b[J"),
    }
}

/// How a run as a whole fares.
fn summary(style: Style, run: &Run) -> String {
    let phase = run.phase().map_or("Pending", WorkflowPhase::as_str);
    let phase = match run.phase() {
        Some(WorkflowPhase::Succeeded) => style.good(phase),
        Some(WorkflowPhase::Failed | WorkflowPhase::Error) => style.bad(phase),
        Some(WorkflowPhase::Pending | WorkflowPhase::Running) | None => phase.to_owned(),
    };
    let suspended = match run.is_suspended() {
        true => " (Suspended)",
        false => "",
    };
    let (done, total) = run.progress();
    let mut text = format!(
        "{} {phase}{suspended} {done}/{total}",
        run.definition().name()
    );
    if !run.message().is_empty() {
        text.push_str("  ");
        text.push_str(&shortened(run.message(), LONGEST));
    }
    text
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
        message => format!("  {}", shortened(message, LONGEST)),
    };
    told.push_str(&format!(
        "{} {} {}{message}\n",
        style.glyph(Some(node.phase)),
        run.name_at(index),
        node.phase
    ));
}

/// A text cut to so many columns.
fn cut(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let (mut text, mut taken, mut in_code) = (String::new(), 0, false);
    for letter in line.chars() {
        if letter == '\x1b' {
            in_code = true;
        } else if in_code {
            in_code = !letter.is_ascii_alphabetic();
        } else {
            taken += 1;
            if taken == columns {
                text.push('…');
                break;
            }
        }
        text.push(letter);
    }
    text.push_str("\x1b[0m");
    text
}

struct Picture {
    style: Style,
    now: Seconds,
    lines: Vec<String>,
    most: usize,
}

impl Picture {
    fn run(&mut self, run: &Run, nodes: &Nodes) {
        let glyph = match run.phase() {
            Some(WorkflowPhase::Succeeded) => Some(NodePhase::Succeeded),
            Some(WorkflowPhase::Failed) => Some(NodePhase::Failed),
            Some(WorkflowPhase::Error) => Some(NodePhase::Error),
            Some(WorkflowPhase::Running) => Some(NodePhase::Running),
            Some(WorkflowPhase::Pending) | None => Some(NodePhase::Pending),
        };
        let glyph = self.style.glyph(glyph);
        self.lines
            .push(format!(" {glyph} {}", summary(self.style, run)));
        for &root in &nodes.roots {
            // The main root's line is the workflow's own.
            if root != 0 {
                let line = self.line(run, nodes, root);
                self.lines.push(format!(" {line}"));
            }
            self.below(run, nodes, root, " ");
        }
    }

    fn line(&self, run: &Run, nodes: &Nodes, index: u32) -> String {
        let Some(node) = nodes.seen.get(index as usize).copied().flatten() else {
            return String::new();
        };
        let suspended = node.kind == NodeType::Suspend && node.phase == NodePhase::Running;
        let glyph = match suspended {
            true => self.style.suspend_glyph(),
            false => self.style.glyph(Some(node.phase)),
        };
        let mut text = format!("{glyph} {}", run.display_name_at(index));
        if let Some(below) = nodes
            .below
            .get(&index)
            .filter(|below| below.children.len() > FEW)
        {
            text.push_str(&format!(
                "  {}",
                self.counts(below.counts.iter().map(|(&a, &b)| (a, b)))
            ));
        }
        if node.phase != NodePhase::Pending && node.kind == NodeType::Pod {
            let span = node.finished_at.unwrap_or(self.now).since(node.started_at);
            text.push_str(&format!("  {}", short_duration(span)));
        }
        let message = run.message_at(index);
        if !message.is_empty() {
            text.push_str(&format!("  {}", message.replace('\n', " ")));
        }
        text
    }

    // As deep as the templates call each other, which is bounded; as long as there are lines.
    fn below(&mut self, run: &Run, nodes: &Nodes, index: u32, prefix: &str) {
        let Some(below) = nodes.below.get(&index) else {
            return;
        };
        let many = below.children.len() > FEW;
        let shown: Vec<u32> = match many {
            false => below.children.clone(),
            true => below
                .active
                .iter()
                .take(ACTIVE)
                .chain(below.bad.iter().take(BAD))
                .copied()
                .collect(),
        };
        let rest = below.children.len() - shown.len();
        let last = shown.len() + usize::from(rest > 0);
        for (place, &child) in shown.iter().enumerate() {
            if self.lines.len() >= self.most {
                return;
            }
            let (part, inner) = match place + 1 == last {
                true => ("└─", "  "),
                false => ("├─", "│ "),
            };
            let line = self.line(run, nodes, child);
            self.lines.push(format!("{prefix}{part}{line}"));
            let seen = nodes.seen.get(child as usize).copied().flatten();
            let over = seen.is_none_or(|seen| seen.phase == NodePhase::Succeeded);
            if !(over
                && nodes
                    .below
                    .get(&child)
                    .is_some_and(|below| below.children.len() > FEW))
            {
                self.below(run, nodes, child, &format!("{prefix}{inner}"));
            }
        }
        if rest > 0 && self.lines.len() < self.most {
            let mut counts = below.counts.clone();
            for &child in &shown {
                if let Some(seen) = nodes.seen.get(child as usize).copied().flatten()
                    && let Some(count) = counts.get_mut(&seen.phase)
                {
                    *count = count.saturating_sub(1);
                }
            }
            let counts = self.counts(counts.into_iter());
            self.lines
                .push(format!("{prefix}└─… {rest} more: {counts}"));
        }
    }

    fn counts(&self, counts: impl Iterator<Item = (NodePhase, u32)>) -> String {
        let parts: Vec<String> = counts
            .filter(|(_, count)| *count > 0)
            .map(|(phase, count)| format!("{} {count}", self.style.glyph(Some(phase))))
            .collect();
        parts.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_sim::{Outcome, World};

    const LOOP: &str = "
metadata: {name: wide}
spec:
  entrypoint: main
  templates:
  - name: main
    failFast: false
    dag:
      tasks:
      - {name: each, template: one, withSequence: {count: '1000'}}
      - {name: after, template: one, depends: each}
  - name: one
    container: {image: busybox, command: ['true']}
";

    #[test]
    fn a_long_loop_is_counted_and_what_matters_has_lines() {
        let mut world = World::default();
        let id = world.submit(LOOP).expect("the workflow compiles");
        world.settle();
        let pods = world.pods();
        for (key, _) in &pods[..2] {
            world.start_pod(*key);
        }
        for (key, _) in &pods[2..500] {
            world.end_pod(*key, &Outcome::exit(0));
        }
        world.end_pod(pods[500].0, &Outcome::exit(3));
        world.settle();

        let run = world.run(id).expect("it is there");
        let mut nodes = Nodes::default();
        for index in 0..run.node_count() as u32 {
            nodes.learn(run, index);
        }
        let mut picture = Picture {
            style: Style::new(false, true),
            now: world.now(),
            lines: Vec::new(),
            most: 40,
        };
        picture.run(run, &nodes);
        let expected = [
            " ● wide Running 498/1000",
            " └─● each  ◷ 499  ● 2  ✔ 498  ✖ 1",
            "   ├─● each(0:0)  0s",
            "   ├─● each(1:1)  0s",
            "   ├─✖ each(500:500)  0s  main: Error (exit code 3)",
            "   └─… 997 more: ◷ 499  ✔ 498",
        ];
        assert_eq!(picture.lines, expected);
    }

    #[test]
    fn lines_are_cut_to_the_terminal() {
        for (line, columns, expected) in [
            ("short", 10, "short"),
            ("a longer line", 5, "a lo…\x1b[0m"),
            ("\x1b[31mred\x1b[0m", 3, "\x1b[31mred\x1b[0m"),
        ] {
            assert_eq!(cut(line, columns), expected, "{line:?}");
        }
    }
}
