//! Plays a workflow to its end: pods begin at once and end as their mocks say, and the clock moves
//! to whatever comes next.

mod act;
mod begin;
mod end;

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{FieldPath, NodeStatus};
use argosy_engine::ids::{PodKey, RunId, Seconds};

use super::action::Action;
use super::file::ReadTest;
use super::locks::LockHistory;
use super::mock::Mock;
use super::names::no_parameter;
use super::subject::Subject;
use super::{Failure, Files, Unmocked};
use crate::world::World;
use end::Due;

/// More moves than this, and the workflow has no end.
const MOST_MOVES: usize = 100_000;

/// A node that did something: a pod, a task of an agent, or one that waited for somebody.
pub(super) struct Leaf {
    pub node: NodeStatus,
    /// Its pod.
    pub pod: Option<PodKey>,
    /// In which move it began and ended.
    pub began: usize,
    pub ended: Option<usize>,
}

/// Something that keeps the test from saying what it was to say.
pub(super) struct Obstacle {
    /// What can't be done.
    pub text: String,
    /// The node in question.
    pub node: Option<NodeStatus>,
    /// The mock or the action in question.
    pub at: Option<FieldPath>,
}

/// What was seen while a workflow was played.
pub(super) struct Play {
    pub world: World,
    pub run: RunId,
    /// In the order in which they began.
    pub leaves: Vec<Leaf>,
    pub obstacles: Vec<Obstacle>,
    /// What was not as an action expected.
    pub failures: Vec<Failure>,
    /// When the workflow was submitted.
    pub began: Seconds,
    pub max_running: usize,
    pub locks: LockHistory,
}

impl Play {
    /// The virtual seconds that it took, so far.
    pub fn virtual_seconds(&self) -> i64 {
        self.world.now().since(self.began)
    }
}

struct Player<'a> {
    play: Play,
    test: &'a ReadTest,
    mocks: &'a [Mock],
    /// What is still to be done, in order.
    actions: &'a [Action],
    unmocked: Unmocked,
    subject: &'a Subject<'a>,
    /// Some node may wait for somebody.
    may_suspend: bool,
    files: &'a dyn Files,
    /// What loops are made of.
    looped: &'a BTreeSet<(String, Option<String>)>,
    /// How often each node was tried.
    attempts: BTreeMap<String, usize>,
    seen_pods: BTreeSet<PodKey>,
    seen_tasks: BTreeSet<PodKey>,
    seen_suspended: BTreeSet<u32>,
    /// What will end, by time and in the order in which it began, with its leaf.
    dues: BTreeMap<(Seconds, usize), Due>,
    moves: usize,
}

/// Plays a workflow to its end.
pub(super) fn play<'a>(
    world: World,
    run: RunId,
    test: &'a ReadTest,
    subject: &'a Subject<'a>,
    files: &'a dyn Files,
    unmocked: Unmocked,
) -> Play {
    let began = world.now();
    let looped = subject.looped();
    let mut player = Player {
        looped: &looped,
        play: Play {
            world,
            run,
            leaves: Vec::new(),
            obstacles: Vec::new(),
            failures: Vec::new(),
            began,
            max_running: 0,
            locks: LockHistory::default(),
        },
        test,
        mocks: &test.mocks,
        actions: &test.actions,
        unmocked,
        may_suspend: subject.may_suspend(),
        subject,
        files,
        attempts: BTreeMap::new(),
        seen_pods: BTreeSet::new(),
        seen_tasks: BTreeSet::new(),
        seen_suspended: BTreeSet::new(),
        dues: BTreeMap::new(),
        moves: 0,
    };
    player.check_names();
    player.play_on();
    player.tell_what_never_came();
    player.play
}

impl Player<'_> {
    /// Tells of names in mocks and arguments that nothing in the workflow can have.
    fn check_names(&mut self) {
        for mock in self.mocks {
            if let Some((path, text)) = mock.misnamed(self.subject) {
                self.hinder(text, None, Some(path));
            }
        }
        let own = match self.test.path.is_root() {
            true => FieldPath::default().field("spec"),
            false => self.test.path.clone(),
        };
        let parameters = own.field("arguments").field("parameters");
        for (name, _) in &self.test.spec.arguments.parameters.0 {
            if let Some(text) = no_parameter(self.subject, name) {
                let path = parameters.clone().field(name.clone());
                self.hinder(text, None, Some(path));
            }
        }
    }

    /// Tells of actions whose moment did not come.
    fn tell_what_never_came(&mut self) {
        let run = self.play.world.run(self.play.run);
        let never = match run.is_none_or(argosy_engine::run::Run::is_over) {
            true => "the workflow was over before this came",
            false => "this never came",
        };
        for action in self.actions {
            let text = format!("{never}: {}", action.when());
            self.hinder(text, None, Some(action.path.clone()));
        }
    }

    fn play_on(&mut self) {
        while self.moves < MOST_MOVES {
            self.moves += 1;
            self.play.world.settle();
            self.note_ends();
            if self.test.looks_at_locks() {
                self.play.locks.note(&self.play.world, self.play.run);
            }
            if self.act_if_called_for() {
                continue;
            }
            let run = self.play.world.run(self.play.run);
            if run.is_none_or(|run| run.is_over()) {
                let Some(at) = self.next_action() else {
                    return;
                };
                self.play.world.advance_to(at.max(self.play.world.now()));
                self.act();
                continue;
            }
            // A daemon that runs may let others begin.
            if self.begin_what_is_new() {
                continue;
            }
            self.play.max_running = self.play.max_running.max(self.running());
            if self.end_what_is_due() || self.act_if_due() {
                continue;
            }
            if !self.wait() {
                let waits = self.what_it_waits_for();
                let text = format!("nothing more happens, and the workflow waits: {waits}");
                self.hinder(text, None, None);
                return;
            }
        }
        let text = format!("after {MOST_MOVES} moves the workflow has not ended");
        self.hinder(text, None, None);
    }

    /// Moves the clock to what comes next; says whether anything comes.
    fn wait(&mut self) -> bool {
        let ends = self.dues.first_key_value().map(|((at, _), _)| *at);
        let timers = self.play.world.next_due();
        let next = ends.into_iter().chain(timers).chain(self.next_action());
        let Some(at) = next.min() else {
            return false;
        };
        self.play.world.advance_to(at.max(self.play.world.now()));
        true
    }

    fn hinder(&mut self, text: String, node: Option<NodeStatus>, at: Option<FieldPath>) {
        self.play.obstacles.push(Obstacle { text, node, at });
    }

    fn what_it_waits_for(&self) -> String {
        let run = self.play.world.run(self.play.run);
        let answers = run.map(argosy_engine::run::Run::why_workflow);
        let waits = answers.into_iter().flatten().filter_map(|why| {
            let waits = why.waits_for?;
            Some(format!("{}: {waits}", why.node))
        });
        waits.take(5).collect::<Vec<_>>().join("; ")
    }

    fn node(&self, pod: PodKey) -> NodeStatus {
        let run = self.play.world.run(self.play.run);
        run.and_then(|run| Some(run.node_status_at(run.node_of_pod(pod)?.0)))
            .unwrap_or_default()
    }

    fn running(&self) -> usize {
        let pods = self.play.world.all_pods();
        pods.filter(|pod| pod.is_live()).count() + self.play.world.tasks().count()
    }
}
