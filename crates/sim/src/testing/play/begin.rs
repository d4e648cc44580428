//! Begins what the engine has asked for, and decides by the mocks when and how it will end.

use argosy_api::{NodePhase, NodeStatus, NodeType, Outputs, Parameter};
use argosy_engine::effect::{Layout, TaskRequest};
use argosy_engine::ids::PodKey;

use super::end::Due;
use super::{Leaf, Player};
use crate::pods::Outcome;
use crate::testing::Unmocked;
use crate::testing::action::Action;
use crate::testing::mock::{Mock, told};
use crate::testing::put_out::{Wanted, attempts_name, made_up, made_up_with, mocked};

impl Player<'_> {
    /// Begins all that has not begun yet; says whether there was anything.
    pub(super) fn begin_what_is_new(&mut self) -> bool {
        let known = self.play.leaves.len();
        self.begin_pods();
        self.begin_tasks();
        if self.may_suspend {
            self.begin_suspended();
        }
        self.play.leaves.len() > known
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
            let containers = pod.step_containers();
            let wanted = Wanted {
                looped: self.looped,
                declared: &declared,
                containers: &containers,
                keeps_result,
            };
            let (seconds, outcome) = self.outcome(&node, wanted);
            self.play.world.start_pod(key);
            let leaf = self.begin(node, Some(key));
            // A daemon goes on until it is told to end, unless it fails.
            if !daemon || outcome.fails() {
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
                containers: &[],
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
                        containers: &[],
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
        let (now, attempt) = (self.play.world.now(), self.attempt(node));
        let mut mocks = self.mocks.iter();
        let fitting = mocks.find_map(|mock| match mock.is_for(node, attempt, now) {
            Ok(false) => None,
            fits => Some((mock, fits)),
        });
        match fitting {
            Some((mock, Ok(_))) => return self.mocked(mock, node, wanted),
            Some((mock, Err(text))) => {
                let path = mock.path.clone().field("when");
                self.hinder(text, Some(node.clone()), Some(path));
            }
            None if self.unmocked == Unmocked::Fail => {
                let text = format!("no mock is for the node {}", node.name);
                self.hinder(text, Some(node.clone()), None);
            }
            None => {}
        }
        (0, made_up(node, wanted))
    }

    /// How a node ends as its mock says, and after how many seconds.
    fn mocked(&mut self, mock: &Mock, node: &NodeStatus, wanted: Wanted<'_>) -> (i64, Outcome) {
        let (now, attempt) = (self.play.world.now(), self.attempt(node));
        let (seconds, outcome, fault) = match told(mock.outcome(attempt), node, attempt, now) {
            Err(fault) => (0, made_up(node, wanted), Some(fault)),
            Ok(told) => match mocked(&told, node, wanted, self.unmocked) {
                Ok(outcome) => (told.seconds, outcome, None),
                Err(fault) => (told.seconds, made_up_with(&told, node, wanted), Some(fault)),
            },
        };
        if let Some(fault) = fault {
            self.hinder(fault, Some(node.clone()), Some(mock.path.clone()));
        }
        (seconds, outcome)
    }
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
