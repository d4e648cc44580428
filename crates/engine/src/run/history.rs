//! What has become of a node, told by running its run again from the log: the past half of `why`.
//!
//! The run is a pure function of its definition and its log, so the same turns are taken again, and
//! after each one the node is looked at. What a turn costs is what it cost then, so of a large run
//! only what the log says outright is told.

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::body::Body;
use super::limits::Held;
use super::node::Role;
use super::why::{Why, WhyStep};
use crate::fact::{Command, Fact, PodPhase, TimedFact};
use crate::ids::{NodeIndex, Seconds};
use crate::log::{self, LogError};

/// Runs of more nodes are not run again to tell of one of them.
const MOST_REPLAYED: usize = 10_000;

const POD_BEGAN: &str = "its pod began";
const POD_DELETED: &str = "its pod was deleted";

impl Run {
    /// Why a node is where it is, with what its run's log tells of it. Where the log can't be run
    /// again (it was written by another version, or the run did not begin empty), the state alone
    /// tells.
    pub fn why_with_log(&self, index: NodeIndex, rows: &[Vec<u8>]) -> Why {
        let mut why = self.why(index);
        if self.nodes.len() > MOST_REPLAYED {
            // What ended it comes last, whatever was asked in that second.
            let end = why.chain.len() - usize::from(self.node(index).phase.is_fulfilled());
            let rows = self.rows_around(index, rows).map(log::decode);
            why.chain.splice(end..end, self.heard(index, rows));
        } else if let Some(told) = self.replayed(index, rows.iter().map(|row| log::decode(row))) {
            why.chain = self.led_here(index);
            why.chain.extend(told);
        }
        // What led here may have happened in the same second as what it led to: order stays.
        why.chain.sort_by_key(|step| step.at);
        why
    }

    /// The rows of the log from the time in which a node was open: few of them, and the others need
    /// not be read.
    fn rows_around<'a>(
        &self,
        index: NodeIndex,
        rows: &'a [Vec<u8>],
    ) -> impl Iterator<Item = &'a [u8]> {
        let node = self.node(index);
        let (begin, end) = (node.started_at(), node.finished_at());
        let starts = |place: usize| rows.get(place).and_then(|row: &Vec<u8>| log::first_at(row));
        // The facts of a row come before those of the next.
        let is_before = move |place: usize| starts(place + 1).is_some_and(|at| at < begin);
        let is_behind =
            move |place: usize| starts(place).is_some_and(|at| end.is_some_and(|end| end < at));
        let places = (0..rows.len()).filter(move |&place| !is_before(place) && !is_behind(place));
        places.map(|place| rows[place].as_slice())
    }

    /// What the log says of a node outright: what was asked of the workflow while the node was
    /// open, and what was seen of its pod. As far as the log can be read.
    fn heard(
        &self,
        index: NodeIndex,
        log: impl Iterator<Item = Result<Vec<TimedFact>, LogError>>,
    ) -> Vec<WhyStep> {
        let node = self.node(index);
        let asked_as = self.pod_key(index).node;
        let mut began = false;
        let mut steps = Vec::new();
        for fact in log.map_while(Result::ok).flatten() {
            let over = node.finished_at().is_some_and(|end| end < fact.at);
            let text = match &fact.fact {
                Fact::Asked(command) if !over => asked(command),
                Fact::PodSeen(pod, seen) if pod.node == asked_as && seen.deleted => POD_DELETED,
                Fact::PodSeen(pod, seen)
                    if pod.node == asked_as && seen.phase == PodPhase::Running && !began =>
                {
                    began = true;
                    POD_BEGAN
                }
                _ => continue,
            };
            steps.push(WhyStep {
                at: Some(fact.at),
                text: text.to_owned(),
            });
        }
        steps
    }

    fn replayed(
        &self,
        index: NodeIndex,
        log: impl Iterator<Item = Result<Vec<TimedFact>, LogError>>,
    ) -> Option<Vec<WhyStep>> {
        let definition = self.definition().clone();
        let mut run = Run::new(self.id(), definition, self.settings.clone()).ok()?;
        let mut watch = Watch {
            live: self,
            index,
            name: self.name(index),
            seen: None,
            held: None,
            steps: Vec::new(),
        };
        for entry in log {
            let facts = entry.ok()?;
            let Some(at) = facts.last().map(|fact| fact.at) else {
                continue;
            };
            while let Some(due) = run.next_due().filter(|due| *due <= at) {
                let before = run.next_due();
                watch.take_turns(&mut run, due);
                if run.next_due() == before {
                    break;
                }
            }
            for fact in facts {
                watch.hear(&run, &fact);
                run.tell(fact.at, fact.fact);
            }
            watch.take_turns(&mut run, at);
        }
        let same = run.nodes.len() == self.nodes.len()
            && run.status.phase == self.status.phase
            && run.nodes.get(index.offset()).map(|node| node.phase) == Some(self.node(index).phase);
        same.then_some(watch.steps)
    }
}

/// An eye on one node while its run is run again.
struct Watch<'a> {
    live: &'a Run,
    index: NodeIndex,
    name: String,
    /// The node as it was seen last; `None` while it is not there.
    seen: Option<Seen>,
    held: Option<Held>,
    steps: Vec<WhyStep>,
}

#[derive(Clone, PartialEq, Eq)]
struct Seen {
    phase: NodePhase,
    message: String,
    attempts: usize,
    last_attempt: Option<NodePhase>,
}

impl Watch<'_> {
    fn tell(&mut self, at: Seconds, text: String) {
        self.steps.push(WhyStep { at: Some(at), text });
    }

    fn take_turns(&mut self, run: &mut Run, at: Seconds) {
        loop {
            let unfinished = run.turn(at).unfinished;
            self.look(run, at);
            // Pods are handed out at once: that one waited for a slot shows by when it began.
            let pulled = run.pull(usize::MAX);
            if !unfinished && (pulled.is_empty() || !run.has_work()) {
                return;
            }
        }
    }

    /// What somebody asked, and what became of the node's pod.
    fn hear(&mut self, run: &Run, fact: &TimedFact) {
        let text = match &fact.fact {
            Fact::Asked(command) => asked(command),
            Fact::PodSeen(pod, seen) if pod.node == self.index && seen.deleted => POD_DELETED,
            _ => return,
        };
        let over = run
            .nodes
            .get(self.index.offset())
            .is_some_and(|node| node.phase.is_fulfilled());
        let matters = !over || matches!(&fact.fact, Fact::Asked(Command::Retry { .. }));
        if matters {
            self.tell(fact.at, text.to_owned());
        }
    }

    fn look(&mut self, run: &Run, at: Seconds) {
        let known = self.seen.is_some();
        let there =
            self.index.offset() < run.nodes.len() && (known || run.name(self.index) == self.name);
        if !there {
            if self.seen.take().is_some() {
                self.tell(at, "taken out, to be made again".to_owned());
            }
            return self.look_at_what_holds(run, at);
        }
        let now = seen(run, self.index);
        let before = self.seen.replace(now.clone());
        if before.as_ref() == Some(&now) {
            return;
        }
        let attempt = self.attempt_text(run, before.as_ref(), &now);
        let phase = self.phase_text(run, before.as_ref(), &now);
        // An attempt's end comes before what it brings about, its beginning after.
        let over = now.last_attempt.is_some_and(NodePhase::is_fulfilled);
        let texts = if over {
            [attempt, phase]
        } else {
            [phase, attempt]
        };
        for text in texts.into_iter().flatten() {
            self.tell(at, text);
        }
    }

    fn phase_text(&self, run: &Run, before: Option<&Seen>, now: &Seen) -> Option<String> {
        let same_phase = before.is_some_and(|seen| seen.phase == now.phase);
        let kind = run.node(self.index).kind;
        Some(match now.phase {
            NodePhase::Pending if now.message.is_empty() && same_phase => return None,
            NodePhase::Pending if now.message.is_empty() => "made".to_owned(),
            NodePhase::Pending => format!("waits: {}", now.message),
            _ if same_phase => return None,
            NodePhase::Running if kind == NodeType::Pod => POD_BEGAN.to_owned(),
            NodePhase::Running => "started".to_owned(),
            over => ended(over, &now.message),
        })
    }

    fn attempt_text(&self, run: &Run, before: Option<&Seen>, now: &Seen) -> Option<String> {
        let (number, phase) = (now.attempts, now.last_attempt?);
        let known = before.is_some_and(|seen| seen.attempts == number);
        if !phase.is_fulfilled() {
            return (!known).then(|| format!("attempt {number} was made"));
        }
        if known && before.is_some_and(|seen| seen.last_attempt == Some(phase)) {
            return None;
        }
        let last = *run.attempts(self.index).last()?;
        let message = run.node(last).message.as_deref().unwrap_or_default();
        Some(format!("attempt {number} {}", ended(phase, message)))
    }

    /// The node is not there yet: whether anything but what it depends on holds it back.
    fn look_at_what_holds(&mut self, run: &Run, at: Seconds) {
        let node = self.live.node(self.index);
        let boundary = node.boundary;
        let parent_is_there = node.parent.offset() < run.nodes.len();
        let around_is_there = boundary != NodeIndex::NONE && boundary.offset() < run.nodes.len();
        if !parent_is_there || !around_is_there || !self.may_begin(run) {
            return;
        }
        let held = run.held(boundary);
        if held != self.held
            && let Some(held) = held
        {
            let text = run.held_text(held, boundary);
            self.tell(at, text);
        }
        self.held = held;
    }

    /// Whether all that the node depends on is over.
    fn may_begin(&self, run: &Run) -> bool {
        let node = self.live.node(self.index);
        if node.role != Role::Task {
            return true;
        }
        let Some(template) = self.live.template_of(node.boundary) else {
            return true;
        };
        match (template.dag(), &run.node(node.boundary).body) {
            (Some(dag), Body::Dag(body)) => dag.tasks[node.slot as usize]
                .dependencies
                .iter()
                .all(|&dependency| body.tasks[dependency as usize].branch.is_some()),
            _ => true,
        }
    }
}

fn seen(run: &Run, index: NodeIndex) -> Seen {
    let node = run.node(index);
    let attempts = run.attempts(index);
    Seen {
        phase: node.phase,
        message: node.message.as_deref().unwrap_or_default().to_owned(),
        attempts: attempts.len(),
        last_attempt: attempts.last().map(|&last| run.node(last).phase),
    }
}

/// `failed: main: Error (exit code 3)`. Argo's messages may begin with the phase already.
pub(super) fn ended(phase: NodePhase, message: &str) -> String {
    let word = phase.as_str().to_lowercase();
    match message {
        "" => word,
        message if message.to_lowercase().starts_with(&word) => message.to_owned(),
        message => format!("{word}: {message}"),
    }
}

fn asked(command: &Command) -> &'static str {
    match command {
        Command::Stop { selector: None, .. } => "the workflow was asked to stop",
        Command::Stop {
            selector: Some(_), ..
        } => "suspended nodes were asked to fail",
        Command::Terminate => "the workflow was asked to end at once",
        Command::Suspend => "the workflow was suspended",
        Command::Resume { .. } => "the workflow was asked to go on",
        Command::SetNode { .. } => "a suspended node was given values",
        Command::Retry { .. } => "the workflow was retried",
    }
}
