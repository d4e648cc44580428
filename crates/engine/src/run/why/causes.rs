//! What led to a node's state, told from the state itself.

use argosy_api::NodePhase;

use super::{NAMED, WhyStep};
use crate::ids::NodeIndex;
use crate::run::Run;
use crate::run::body::Body;
use crate::run::history::ended;
use crate::run::node::{Flags, Role};

impl Run {
    /// What had to come before the node: the template around it, the group of steps before it, the
    /// tasks it depends on, the node that it is a hook of.
    pub(in crate::run) fn led_here(&self, index: NodeIndex) -> Vec<WhyStep> {
        let mut chain = Vec::new();
        let node = self.node(index);
        if let Some(around) = node.boundary.some() {
            chain.push(WhyStep {
                at: Some(self.node(around).started_at()),
                text: format!("{} started", self.name(around)),
            });
        }
        match node.role {
            Role::Task => chain.extend(self.dependency_causes(index)),
            Role::Step => chain.extend(self.group_before(node.parent)),
            Role::StepGroup => chain.extend(self.group_before(index)),
            Role::Hook | Role::OnExit => {
                let owner = node.owner.some();
                chain.extend(owner.map(|owner| self.said_before(owner, index)));
            }
            Role::Root | Role::Attempt | Role::Container => {}
        }
        chain
    }

    /// The group of steps that had to be over before this one began.
    fn group_before(&self, group: NodeIndex) -> Option<WhyStep> {
        let node = self.node(group);
        let Body::Steps(body) = &self.node(node.parent.some()?).body else {
            return None;
        };
        let before = (node.slot as usize).checked_sub(1)?;
        Some(self.said_before(*body.groups.get(before)?, group))
    }

    fn dependency_causes(&self, index: NodeIndex) -> Vec<WhyStep> {
        let node = self.node(index);
        let Some(template) = self.template_of(node.boundary) else {
            return Vec::new();
        };
        let (Some(dag), Body::Dag(body)) = (template.dag(), &self.node(node.boundary).body) else {
            return Vec::new();
        };
        let Some(task) = dag.tasks.get(node.slot as usize) else {
            return Vec::new();
        };
        let dependencies = task.dependencies.iter();
        dependencies
            .filter_map(|&dependency| body.tasks.get(dependency as usize)?.node.some())
            .take(NAMED)
            .map(|dependency| self.said_before(dependency, index))
            .collect()
    }

    /// What had become of a node by the time another one began.
    fn said_before(&self, before: NodeIndex, index: NodeIndex) -> WhyStep {
        let node = self.node(before);
        let word = match node.phase {
            NodePhase::Running if node.flags.has(Flags::DAEMONED) => {
                "was up as a daemon".to_owned()
            }
            NodePhase::Running => "began".to_owned(),
            phase => phase.as_str().to_lowercase(),
        };
        let began = self.node(index).started_at();
        let name = match node.role {
            Role::StepGroup => format!("group {}", self.display_name(before)),
            _ => self.display_name(before),
        };
        WhyStep {
            // A daemon, or a node with a hook, goes on.
            at: Some(node.finished_at().unwrap_or(began).min(began)),
            text: format!("{name} {word}"),
        }
    }

    pub(super) fn causes(&self, index: NodeIndex) -> Vec<WhyStep> {
        let mut chain = self.led_here(index);
        let node = self.node(index);
        chain.push(WhyStep {
            at: Some(node.started_at()),
            text: match node.phase {
                NodePhase::Skipped | NodePhase::Omitted => {
                    ended(node.phase, self.message_of(index))
                }
                NodePhase::Pending => "made".to_owned(),
                _ => "started".to_owned(),
            },
        });
        for (number, &attempt) in self.attempts(index).iter().enumerate() {
            let attempt_node = self.node(attempt);
            let text = match attempt_node.phase.is_fulfilled() {
                true => format!(
                    "attempt {} {}",
                    number + 1,
                    ended(attempt_node.phase, self.message_of(attempt))
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

    pub(super) fn message_of(&self, index: NodeIndex) -> &str {
        self.node(index).message.as_deref().unwrap_or_default()
    }
}
