//! Plays a workflow to its end: pods begin at once and end as their mocks say, and the clock moves
//! to whatever comes next.

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{FieldPath, NodePhase, NodeStatus, NodeType, Outputs, Parameter};
use argosy_engine::effect::{Layout, TaskRequest};
use argosy_engine::fact::{Command, NodeSelector, ResultSeen, TaskSeen};
use argosy_engine::ids::{PodKey, RunId, Seconds};

use super::action::{Action, Moment};
use super::check;
use super::file::{Layer, ReadTest};
use super::locks::LockHistory;
use super::mock::{Mock, Wanted, attempts_name, made_up, made_up_with, mocked, told};
use super::subject::Subject;
use super::{Failure, Files, Unmocked};
use crate::pods::Outcome;
use crate::protocol;
use crate::world::World;

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

/// What ends, and how.
enum Due {
    Pod(PodKey, Box<Outcome>),
    Task(PodKey, Box<Outcome>),
    Suspended(Box<NodeStatus>, Box<Outcome>),
}

struct Player<'a> {
    play: Play,
    test: &'a ReadTest,
    mocks: &'a [Mock],
    /// What is still to be done, in order.
    actions: &'a [Action],
    unmocked: Unmocked,
    subject: &'a Subject<'a>,
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
        subject,
        files,
        attempts: BTreeMap::new(),
        seen_pods: BTreeSet::new(),
        seen_tasks: BTreeSet::new(),
        seen_suspended: BTreeSet::new(),
        dues: BTreeMap::new(),
        moves: 0,
    };
    for mock in player.mocks {
        if let Some((path, text)) = mock.misnamed(subject) {
            player.hinder(text, None, Some(path));
        }
    }
    player.play_on();
    for action in player.actions {
        let text = format!("the workflow was over before this came: {}", action.when());
        player.hinder(text, None, Some(action.path.clone()));
    }
    player.play
}

impl Player<'_> {
    fn play_on(&mut self) {
        let may_suspend = self.subject.may_suspend();
        let notes_locks = self.test.looks_at_locks();
        while self.moves < MOST_MOVES {
            self.moves += 1;
            self.play.world.settle();
            self.note_ends();
            if notes_locks {
                self.play.locks.note(&self.play.world, self.play.run);
            }
            if self.act_if_called_for() {
                continue;
            }
            let run = self.play.world.run(self.play.run);
            if run.is_none_or(|run| run.is_over()) {
                match self.next_action() {
                    Some(at) => self.play.world.advance_to(at.max(self.play.world.now())),
                    None => return,
                }
                self.act();
                continue;
            }
            let known = self.play.leaves.len();
            self.begin_pods();
            self.begin_tasks();
            if may_suspend {
                self.begin_suspended();
            }
            // A daemon that runs may let others begin.
            if self.play.leaves.len() > known {
                continue;
            }
            let running = self.running();
            self.play.max_running = self.play.max_running.max(running);
            if self.end_what_is_due() {
                continue;
            }
            let now = self.play.world.now();
            let action = self.next_action();
            if action.is_some_and(|at| at <= now) {
                self.act();
                continue;
            }
            let ends = self.dues.first_key_value().map(|((at, _), _)| *at);
            let timers = self.play.world.next_due();
            match ends.into_iter().chain(timers).chain(action).min() {
                Some(at) => self.play.world.advance_to(at.max(now)),
                None => {
                    let waits = self.what_it_waits_for();
                    let text = format!("nothing more happens, and the workflow waits: {waits}");
                    self.hinder(text, None, None);
                    return;
                }
            }
        }
        let text = format!("after {MOST_MOVES} moves the workflow has not ended");
        self.hinder(text, None, None);
    }

    /// When the next action is due by the clock.
    fn next_action(&self) -> Option<Seconds> {
        self.actions.first()?.due(self.play.began)
    }

    /// Does the next action if the state of the workflow says that it is time.
    fn act_if_called_for(&mut self) -> bool {
        let run = self.play.world.run(self.play.run);
        let called = match (self.actions.first(), run) {
            (Some(action), Some(run)) => action.is_called_for(run),
            // A workflow that was refused has ended.
            (Some(action), None) => action.moment == Moment::End,
            (None, _) => false,
        };
        if called {
            self.act();
        }
        called
    }

    /// Does the next action.
    fn act(&mut self) {
        let Some((action, left)) = self.actions.split_first() else {
            return;
        };
        self.actions = left;
        if let Some(expect) = &action.expect {
            let layer = Layer {
                path: action.path.clone().field("expect"),
                expect: expect.clone(),
            };
            let implied = check::Implied::Nothing;
            let found = check::failures(self.test, &layer, implied, self.subject, &self.play);
            self.play.failures.extend(found);
        }
        let documents = action.file().and_then(|file| {
            let documents = self.files.documents(file)?;
            Some(
                documents
                    .iter()
                    .map(argosy_api::Document::to_json)
                    .collect(),
            )
        });
        if let Some(file) = action.file().filter(|_| documents.is_none()) {
            let text = format!("the file {file:?} is not there");
            self.hinder(text, None, Some(action.path.clone()));
            return;
        }
        let (namespace, name) = self.play.world.place_of(self.play.run);
        let Some(act) = action.act(format!("{namespace}/{name}"), documents) else {
            return;
        };
        let refused = protocol::act(&mut self.play.world, &act).err();
        let refused = refused.map(|error| error.to_string());
        let fits = match (&action.refused, &refused) {
            (None, None) => true,
            (Some(part), Some(text)) => text.contains(part),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !fits {
            let text = match refused {
                Some(text) => format!("it is refused: {text}"),
                None => "it is not refused".to_owned(),
            };
            self.hinder(text, None, Some(action.path.clone()));
        }
        // What runs again waits again.
        let run = self.play.world.run(self.play.run);
        self.seen_suspended.retain(|&index| {
            run.and_then(|run| run.glance(index))
                .is_some_and(|glance| !glance.phase.is_fulfilled())
        });
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

    /// Notes which leaves have ended by now, of themselves or because they were told to.
    fn note_ends(&mut self) {
        let play = &mut self.play;
        let Some(run) = play.world.run(play.run) else {
            return;
        };
        for leaf in play.leaves.iter_mut().filter(|leaf| leaf.ended.is_none()) {
            let ended = match leaf.pod {
                Some(key) => !play.world.pods.get(&key).is_some_and(|pod| pod.is_live()),
                None => run
                    .find_nodes(&leaf.node.id)
                    .first()
                    .and_then(|index| run.glance(index.0))
                    .is_none_or(|glance| glance.phase.is_fulfilled()),
            };
            if ended {
                leaf.ended = Some(self.moves);
            }
        }
    }

    fn begin_pods(&mut self) {
        let new: Vec<PodKey> = self
            .play
            .world
            .all_pods()
            .filter(|pod| pod.is_live() && !self.seen_pods.contains(&pod.request.key))
            .map(|pod| pod.request.key)
            .collect();
        for key in new {
            self.seen_pods.insert(key);
            let node = self.node(key);
            let Some(pod) = self.play.world.pods.get(&key) else {
                continue;
            };
            let daemon = pod.request.daemon;
            let (declared, keeps_result) = match &pod.request.layout {
                Layout::Supervised(supervision) => (
                    supervision.template.outputs.clone(),
                    supervision.capture_result,
                ),
                Layout::Bare => (Outputs::default(), false),
            };
            let wanted = Wanted {
                looped: self.looped,
                declared: &declared,
                keeps_result,
            };
            let (seconds, outcome) = self.outcome(&node, wanted);
            self.play.world.start_pod(key);
            let leaf = self.begin(node, Some(key));
            // A daemon goes on until it is told to end, unless it fails.
            let fails = outcome.exit_code != 0 || outcome.error.is_some() || outcome.lost.is_some();
            if !daemon || fails {
                let at = self.play.world.now().plus(seconds);
                self.dues
                    .insert((at, leaf), Due::Pod(key, Box::new(outcome)));
            }
        }
    }

    fn begin_tasks(&mut self) {
        let new: Vec<TaskRequest> = self
            .play
            .world
            .tasks()
            .filter(|task| !self.seen_tasks.contains(&task.key))
            .cloned()
            .collect();
        for task in new {
            self.seen_tasks.insert(task.key);
            let node = self.node(task.key);
            let wanted = Wanted {
                looped: self.looped,
                declared: &task.template.outputs,
                keeps_result: true,
            };
            let (seconds, outcome) = self.outcome(&node, wanted);
            let leaf = self.begin(node, None);
            let at = self.play.world.now().plus(seconds);
            self.dues
                .insert((at, leaf), Due::Task(task.key, Box::new(outcome)));
        }
    }

    /// Nodes that wait for somebody go on as their mocks say; without one, those that would wait
    /// without end go on at once.
    fn begin_suspended(&mut self) {
        let Some(run) = self.play.world.run(self.play.run) else {
            return;
        };
        let count = u32::try_from(run.node_count()).unwrap_or(u32::MAX);
        let new: Vec<u32> = (0..count)
            .filter(|index| !self.seen_suspended.contains(index))
            .filter(|&index| {
                run.glance(index).is_some_and(|glance| {
                    glance.kind == NodeType::Suspend && glance.phase == NodePhase::Running
                })
            })
            .collect();
        for index in new {
            self.seen_suspended.insert(index);
            let run = self.play.world.run(self.play.run);
            let node = run.map(|run| run.node_status_at(index)).unwrap_or_default();
            let declared = supplied(&node);
            let template = self.subject.template_of(&node);
            let timed = template.is_some_and(|(_, template)| {
                let duration = &template["suspend"]["duration"];
                !duration.is_null() && *duration != ""
            });
            let attempt = self.attempt(&node);
            let now = self.play.world.now();
            let is_mocked = self
                .mocks
                .iter()
                .any(|mock| mock.is_for(&node, attempt, now) != Ok(false));
            let is_answered = self.actions.iter().any(Action::answers);
            let by_itself = (timed || is_answered) && !is_mocked;
            let (seconds, outcome) = match by_itself {
                true => (0, Outcome::default()),
                false => self.outcome(
                    &node,
                    Wanted {
                        looped: self.looped,
                        declared: &declared,
                        keeps_result: false,
                    },
                ),
            };
            let leaf = self.begin(node.clone(), None);
            if !by_itself {
                let at = self.play.world.now().plus(seconds);
                let due = Due::Suspended(Box::new(node), Box::new(outcome));
                self.dues.insert((at, leaf), due);
            }
        }
    }

    /// How often a node was tried before.
    fn attempt(&self, node: &NodeStatus) -> usize {
        let tried = self.attempts.get(attempts_name(node));
        tried.copied().unwrap_or_default()
    }

    fn begin(&mut self, node: NodeStatus, pod: Option<PodKey>) -> usize {
        let tried = self.attempts.entry(attempts_name(&node).to_owned());
        *tried.or_default() += 1;
        self.play.leaves.push(Leaf {
            node,
            pod,
            began: self.moves,
            ended: None,
        });
        self.play.leaves.len() - 1
    }

    /// How a node ends, and after how many seconds.
    fn outcome(&mut self, node: &NodeStatus, wanted: Wanted<'_>) -> (i64, Outcome) {
        let now = self.play.world.now();
        let attempt = self.attempt(node);
        for mock in self.mocks {
            match mock.is_for(node, attempt, now) {
                Ok(false) => {}
                Ok(true) => {
                    let strict = self.unmocked == Unmocked::Fail;
                    let told = match told(mock.outcome(attempt), node, attempt, now) {
                        Ok(told) => told,
                        Err(text) => {
                            self.hinder(text, Some(node.clone()), Some(mock.path.clone()));
                            return (0, made_up(node, wanted));
                        }
                    };
                    let outcome = mocked(&told, node, wanted, strict).unwrap_or_else(|text| {
                        self.hinder(text, Some(node.clone()), Some(mock.path.clone()));
                        made_up_with(&told, node, wanted)
                    });
                    return (told.seconds, outcome);
                }
                Err(text) => {
                    let path = mock.path.clone().field("when");
                    self.hinder(text, Some(node.clone()), Some(path));
                    return (0, made_up(node, wanted));
                }
            }
        }
        if self.unmocked == Unmocked::Fail {
            let text = format!("no mock is for the node {}", node.name);
            self.hinder(text, Some(node.clone()), None);
        }
        (0, made_up(node, wanted))
    }

    /// Ends what is due by now; says whether there was anything.
    fn end_what_is_due(&mut self) -> bool {
        let mut any = false;
        while let Some(first) = self.dues.first_entry() {
            let (at, _) = *first.key();
            if at > self.play.world.now() {
                break;
            }
            any = true;
            match first.remove() {
                Due::Pod(key, outcome) => self.end_pod(key, &outcome),
                Due::Task(key, outcome) => self.end_task(key, *outcome),
                Due::Suspended(node, outcome) => self.resume(&node, *outcome),
            }
        }
        any
    }

    fn end_pod(&mut self, key: PodKey, outcome: &Outcome) {
        // It may have been told to end before.
        let world = &mut self.play.world;
        if world.pods.get(&key).is_some_and(|pod| pod.is_live()) {
            world.end_pod(key, outcome);
        }
    }

    fn end_task(&mut self, key: PodKey, outcome: Outcome) {
        let seen = TaskSeen {
            phase: match (outcome.is_error(), outcome.exit_code) {
                (true, _) => NodePhase::Error,
                (false, 0) => NodePhase::Succeeded,
                (false, _) => NodePhase::Failed,
            },
            message: outcome.why().map(Into::into),
            outputs: ResultSeen {
                parameters: boxed(&outcome.parameters),
                artifacts: outcome.artifacts,
                result: outcome.result.as_deref().map(Into::into),
                complete: true,
                ..ResultSeen::default()
            },
            exit_code: None,
        };
        self.play.world.tell_task(key, seen);
    }

    fn resume(&mut self, node: &NodeStatus, outcome: Outcome) {
        let selector = NodeSelector::only("id", &node.id);
        let ends = match (outcome.is_error(), outcome.exit_code) {
            (true, _) => Some(NodePhase::Error),
            (false, 0) => None,
            (false, _) => Some(NodePhase::Failed),
        };
        let failed = ends.is_some();
        let set = Command::SetNode {
            selector: selector.clone(),
            phase: ends,
            message: outcome.why().map(Into::into),
            output_parameters: boxed(&outcome.parameters),
        };
        let says_something = failed || outcome.why().is_some() || !outcome.parameters.is_empty();
        let world = &mut self.play.world;
        if says_something {
            world.ask(self.play.run, set);
        }
        if !failed {
            let resume = Command::Resume {
                selector: Some(selector),
            };
            world.ask(self.play.run, resume);
        }
    }
}

fn boxed(pairs: &[(String, String)]) -> Vec<(Box<str>, Box<str>)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
        .collect()
}

/// The outputs that a suspended node is to be given.
fn supplied(node: &NodeStatus) -> Outputs {
    let outputs = node.outputs.clone().unwrap_or_default();
    let missing = |parameter: &Parameter| parameter.value.is_none();
    Outputs {
        parameters: outputs.parameters.into_iter().filter(missing).collect(),
        ..Outputs::default()
    }
}
