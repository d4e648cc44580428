//! Many runs: whose turn it is, what is due when, whose pods go next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::effect::PodRequest;
use crate::fact::Fact;
use crate::ids::{RunId, Seconds};
use crate::run::{Run, Turn};

/// The runs that this process owns.
#[derive(Default)]
pub struct Controller {
    runs: BTreeMap<RunId, Run>,
    /// Runs that have something to do, in turn.
    ready: VecDeque<RunId>,
    queued: BTreeSet<RunId>,
    /// When a run has something to do.
    due: BTreeSet<(Seconds, RunId)>,
    due_of: BTreeMap<RunId, Seconds>,
    /// Runs whose pods wait for slots, in turn.
    wanting: VecDeque<RunId>,
}

impl Controller {
    /// Takes a run over.
    pub fn add(&mut self, run: Run) {
        let id = run.id();
        self.runs.insert(id, run);
        self.wake(id);
    }

    /// Gives a run up: it has ended, or another process owns it now.
    pub fn remove(&mut self, id: RunId) -> Option<Run> {
        if let Some(at) = self.due_of.remove(&id) {
            self.due.remove(&(at, id));
        }
        self.wanting.retain(|&wanting| wanting != id);
        self.runs.remove(&id)
    }

    /// One of the runs.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// All runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Tells a run a fact. A fact about a run that is not here is dropped.
    pub fn tell(&mut self, at: Seconds, id: RunId, fact: Fact) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.tell(at, fact);
            self.wake(id);
        }
    }

    fn wake(&mut self, id: RunId) {
        if self.queued.insert(id) {
            self.ready.push_back(id);
        }
    }

    /// Gives the next run its turn; `None` if no run has anything to do by `now`.
    pub fn turn(&mut self, now: Seconds) -> Option<(RunId, Turn)> {
        while let Some(&(at, id)) = self.due.first() {
            if at > now {
                break;
            }
            self.due.pop_first();
            self.due_of.remove(&id);
            self.wake(id);
        }
        while let Some(id) = self.ready.pop_front() {
            self.queued.remove(&id);
            let Some(run) = self.runs.get_mut(&id) else {
                continue;
            };
            let turn = run.turn(now);
            let more = turn.unfinished || run.has_work();
            let next = run.next_due();
            let wants = run.wanted_pods() > 0;
            if more {
                self.wake(id);
            }
            self.set_due(id, next);
            if wants && !self.wanting.contains(&id) {
                self.wanting.push_back(id);
            }
            return Some((id, turn));
        }
        None
    }

    /// Gives one run its turn; `None` if it has nothing to do by `now`.
    pub fn turn_of(&mut self, now: Seconds, id: RunId) -> Option<Turn> {
        let due = self.due_of.get(&id).is_some_and(|&at| at <= now);
        if !due && !self.queued.contains(&id) {
            return None;
        }
        self.queued.insert(id);
        self.ready.retain(|&ready| ready != id);
        self.ready.push_front(id);
        self.turn(now).map(|(_, turn)| turn)
    }

    fn set_due(&mut self, id: RunId, next: Option<Seconds>) {
        if let Some(before) = self.due_of.remove(&id) {
            self.due.remove(&(before, id));
        }
        if let Some(at) = next {
            self.due.insert((at, id));
            self.due_of.insert(id, at);
        }
    }

    /// The next time at which a run has something to do.
    pub fn next_due(&self) -> Option<Seconds> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether a run has something to do at once.
    pub fn has_work(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Lowers up to `most` pods, going round the runs that want some.
    pub fn pull(&mut self, most: usize) -> Vec<PodRequest> {
        let mut requests = Vec::new();
        while requests.len() < most {
            let Some(id) = self.wanting.pop_front() else {
                break;
            };
            let Some(run) = self.runs.get_mut(&id) else {
                continue;
            };
            let others = !self.wanting.is_empty();
            let share = if others { 1 } else { most - requests.len() };
            requests.extend(run.pull(share));
            let (wants, work) = (run.wanted_pods() > 0, run.has_work());
            if wants {
                self.wanting.push_back(id);
            }
            if work {
                self.wake(id);
            }
        }
        requests
    }

    /// How many pods wait to be pulled.
    pub fn wanted_pods(&self) -> usize {
        self.wanting
            .iter()
            .filter_map(|id| self.runs.get(id))
            .map(Run::wanted_pods)
            .sum()
    }
}
