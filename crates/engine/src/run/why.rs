//! Why a node is where it is: what it waits for now, and what came before.

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::body::{Body, Gate};
use super::history::ended;
use super::limits::Held;
use super::node::{Flags, Role};
use crate::fact::NodeSelector;
use crate::ids::{NodeIndex, Seconds};

/// An answer, in plain lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The node's full name.
    pub node: String,
    /// Its phase, or what the workflow as a whole is at.
    pub phase: String,
    /// What it waits for; `None` if it is over.
    pub waits_for: Option<String>,
    /// What led here, the earliest first.
    pub chain: Vec<WhyStep>,
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyStep {
    /// When it happened.
    pub at: Option<Seconds>,
    /// What happened.
    pub text: String,
}

/// How many others an answer names.
const NAMED: usize = 5;

/// How many nodes an answer for a whole workflow tells of.
const MOST_ANSWERS: usize = 20;

impl Run {
    /// Why the workflow is where it is: for each node that is not over and waits for something
    /// other than its children, or that ended badly first.
    pub fn why_workflow(&self) -> Vec<Why> {
        // What runs explains little; what is held up, or went wrong, is told first.
        let (mut telling, mut running) = (Vec::new(), Vec::new());
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            let leaf = matches!(node.body, Body::None | Body::Retry(_) | Body::Gate(_));
            let waits = leaf && !node.phase.is_fulfilled() && node.role != Role::Attempt;
            let failed = matches!(node.body, Body::None) && node.phase.is_failed_or_error();
            let runs = node.kind == NodeType::Pod && node.phase == NodePhase::Running;
            let list = match () {
                () if failed || self.is_held_back(index) || (waits && !runs) => &mut telling,
                () if waits => &mut running,
                () => continue,
            };
            if list.len() < MOST_ANSWERS {
                list.push(index);
            }
        }
        telling.extend(running);
        telling.truncate(MOST_ANSWERS);
        telling.into_iter().map(|index| self.why(index)).collect()
    }

    /// Why one node is where it is.
    pub fn why(&self, index: NodeIndex) -> Why {
        let node = self.node(index);
        Why {
            node: self.name(index),
            phase: node.phase.as_str().to_owned(),
            waits_for: (!node.phase.is_fulfilled()).then(|| self.waits_for(index)),
            chain: self.causes(index),
        }
    }

    /// The nodes that a name, a display name or an ID means.
    pub fn find_nodes(&self, text: &str) -> Vec<NodeIndex> {
        for key in ["id", "name", "displayName"] {
            let selector = NodeSelector(vec![crate::fact::Requirement {
                key: key.into(),
                equals: true,
                value: text.into(),
            }]);
            let found: Vec<NodeIndex> = (0..self.nodes.len() as u32)
                .map(NodeIndex)
                .filter(|&index| self.matches(index, &selector))
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Whether a task of a DAG has this name and no node yet; then, why not.
    pub fn why_unmade(&self, name: &str) -> Option<String> {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let Body::Dag(body) = &self.node(index).body else {
                continue;
            };
            let template = self.template_of(index)?;
            let plan = template.dag()?;
            let Some(&slot) = plan.by_name.get(name) else {
                continue;
            };
            if body.tasks[slot as usize].node != NodeIndex::NONE {
                continue;
            }
            let waits: Vec<String> = plan.tasks[slot as usize]
                .dependencies
                .iter()
                .filter(|&&dependency| body.tasks[dependency as usize].branch.is_none())
                .map(|&dependency| plan.tasks[dependency as usize].call.name.to_string())
                .collect();
            return Some(match self.held(index) {
                Some(held) if waits.is_empty() => {
                    format!("not begun: {}", self.held_text(held, index))
                }
                _ => format!("not begun: waits for {}", listed(&waits)),
            });
        }
        None
    }

    fn is_held_back(&self, index: NodeIndex) -> bool {
        let boundary = self.node(index).body.boundary();
        boundary.is_some_and(|boundary| !boundary.held_back.is_empty())
            || self.held_back.contains(&index)
    }

    fn waits_for(&self, index: NodeIndex) -> String {
        if self.status.suspended {
            return "the workflow is suspended; `argosy resume` lets it go on".to_owned();
        }
        let node = self.node(index);
        match (&node.body, node.kind) {
            (Body::Gate(Gate::Locks(_)), _) => match node.message.as_deref() {
                Some(message) if !message.is_empty() => message.to_owned(),
                _ => "waits for its locks".to_owned(),
            },
            (Body::Gate(Gate::Place), _) => self.held_text(Held::Workflow, NodeIndex::NONE),
            (Body::Gate(Gate::Cache), _) => "looks into the cache".to_owned(),
            (Body::None, NodeType::HTTP | NodeType::Plugin) => "an agent carries it out".to_owned(),
            (_, NodeType::Suspend) => match self.suspended_until(index) {
                Ok(Some(until)) => format!("suspended until {}", crate::timestamp::rfc3339(until)),
                _ => "suspended; `argosy resume` lets it go on".to_owned(),
            },
            (Body::None, NodeType::Pod) if node.phase == NodePhase::Pending => {
                if !node.flags.has(Flags::POD_ASKED) && self.wanted_pods.contains(&index) {
                    return "waits for a slot of this machine".to_owned();
                }
                match node.message.as_deref() {
                    Some(message) if !message.is_empty() => format!("its pod waits: {message}"),
                    _ => "waits for its pod to begin".to_owned(),
                }
            }
            (Body::None, _) if node.flags.has(Flags::POD_SUCCEEDED) => {
                "its pod has succeeded; its outputs are being collected".to_owned()
            }
            (Body::None, _) => "its pod runs".to_owned(),
            (Body::Retry(body), _) => match body.wait_until.filter(|&at| at > self.now.0) {
                Some(at) => format!(
                    "the next attempt waits until {} (backoff)",
                    crate::timestamp::rfc3339(Seconds(at))
                ),
                None => format!("attempt {} runs", body.attempts.len()),
            },
            (Body::Steps(_) | Body::Group(_) | Body::Dag(_) | Body::Loop(_), _) => {
                self.composite_waits(index)
            }
        }
    }

    fn composite_waits(&self, index: NodeIndex) -> String {
        let open: Vec<String> = (0..self.nodes.len() as u32)
            .map(NodeIndex)
            .filter(|&child| {
                let node = self.node(child);
                node.parent == index && !node.flags.has(Flags::SETTLED)
            })
            .map(|child| self.display_name(child))
            .collect();
        let boundary = match self.node(index).body.boundary() {
            Some(_) => index,
            None => self.node(index).boundary,
        };
        let held = self.held(boundary);
        match held {
            Some(held) => self.held_text(held, boundary),
            None if open.is_empty() => "is about to go on".to_owned(),
            None => format!("waits for {}", listed(&open)),
        }
    }

    pub(super) fn held_text(&self, held: Held, boundary: NodeIndex) -> String {
        let active: Vec<String> = (0..self.nodes.len() as u32)
            .map(NodeIndex)
            .filter(|&child| {
                let node = self.node(child);
                let counted = match held {
                    Held::Workflow => node.kind == NodeType::Pod,
                    Held::Template | Held::FailFast => node.boundary == boundary,
                };
                counted && matches!(node.phase, NodePhase::Pending | NodePhase::Running)
            })
            .map(|child| self.display_name(child))
            .collect();
        match held {
            Held::Workflow => format!(
                "waits for a slot: the workflow's parallelism {} is used up by {}",
                self.plan.workflow.spec.parallelism.unwrap_or_default(),
                listed(&active)
            ),
            Held::Template => format!(
                "waits for a slot: parallelism {} is used up by {}",
                self.template_of(boundary)
                    .and_then(|template| template.template.parallelism)
                    .unwrap_or_default(),
                listed(&active)
            ),
            Held::FailFast => format!(
                "makes nothing new, since a child failed and failFast is set; {} still running",
                active.len()
            ),
        }
    }

    /// What had to come before the node: the template around it, the tasks it depends on.
    pub(super) fn led_here(&self, index: NodeIndex) -> Vec<WhyStep> {
        let mut chain = Vec::new();
        let node = self.node(index);
        if let Some(around) = node.boundary.some() {
            chain.push(WhyStep {
                at: Some(self.node(around).started_at()),
                text: format!("{} started", self.name(around)),
            });
        }
        if node.role == Role::Task {
            chain.extend(self.dependency_causes(index));
        }
        chain
    }

    /// What led to a node's state, told from the state itself.
    fn causes(&self, index: NodeIndex) -> Vec<WhyStep> {
        let mut chain = self.led_here(index);
        let node = self.node(index);
        chain.push(WhyStep {
            at: Some(node.started_at()),
            text: match node.phase {
                NodePhase::Skipped | NodePhase::Omitted => {
                    ended(node.phase, self.message_of(index))
                }
                _ => "started".to_owned(),
            },
        });
        for (number, &attempt) in self.attempts(index).iter().enumerate() {
            let attempt_node = self.node(attempt);
            let text = match attempt_node.phase.is_fulfilled() {
                true => format!(
                    "attempt {} {}: {}",
                    number + 1,
                    attempt_node.phase.as_str().to_lowercase(),
                    self.message_of(attempt)
                ),
                false => format!("attempt {} is under way", number + 1),
            };
            chain.push(WhyStep {
                at: attempt_node
                    .finished_at()
                    .or(Some(attempt_node.started_at())),
                text,
            });
        }
        if node.phase.is_fulfilled()
            && !matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted)
        {
            chain.push(WhyStep {
                at: node.finished_at(),
                text: ended(node.phase, self.message_of(index)),
            });
        }
        chain
    }

    fn dependency_causes(&self, index: NodeIndex) -> Vec<WhyStep> {
        let node = self.node(index);
        let Some(template) = self.template_of(node.boundary) else {
            return Vec::new();
        };
        let (Some(dag), Body::Dag(body)) = (template.dag(), &self.node(node.boundary).body) else {
            return Vec::new();
        };
        dag.tasks[node.slot as usize]
            .dependencies
            .iter()
            .filter_map(|&dependency| body.tasks[dependency as usize].node.some())
            .take(NAMED)
            .map(|dependency| {
                let before = self.node(dependency);
                WhyStep {
                    at: before.finished_at(),
                    text: format!(
                        "{} {}",
                        self.display_name(dependency),
                        before.phase.as_str().to_lowercase()
                    ),
                }
            })
            .collect()
    }

    fn message_of(&self, index: NodeIndex) -> &str {
        self.node(index).message.as_deref().unwrap_or_default()
    }
}

/// A few names, and how many more.
fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        _ => format!(
            "{} and {} more",
            names[..NAMED].join(", "),
            names.len() - NAMED
        ),
    }
}
