//! What steps and tasks see of each other: `steps.NAME.…` and `tasks.NAME.…`. Argo:
//! `buildLocalScope`, `addSkippedNodeOutputsToScope`.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use argosy_api::{Artifact, NodePhase};

use super::Run;
use super::body::{Body, StepState};
use super::node::{Node, NodeOutputs};
use super::scope::{Offer, find};
use crate::ids::NodeIndex;
use crate::timestamp;

/// The variables of a sibling, beside its outputs' parameters and artifacts.
const FIELDS: [&str; 8] = [
    "id",
    "status",
    "startedAt",
    "finishedAt",
    "ip",
    "hostNodeName",
    "exitCode",
    "outputs.result",
];

/// What a variable of a sibling is.
pub(super) enum Sibling<'a> {
    /// Not a variable.
    Unknown,
    /// Its text.
    Text(Cow<'a, str>),
    /// An output of a node that was never run: known to have no value.
    Absent,
}

/// A step or task that has a node.
pub(super) enum Found {
    /// One node.
    Node(NodeIndex),
    /// A loop: its items are kept by `owner` (under `slot`, if that is a group of steps), and
    /// `group` is the node whose status stands for it.
    Loop {
        owner: NodeIndex,
        slot: u32,
        group: NodeIndex,
    },
}

impl Run {
    /// The step or task of this name inside a `steps` or `dag` node.
    pub(super) fn sibling(&self, around: NodeIndex, name: &str) -> Option<Found> {
        let template = self.template_of(around)?;
        match &self.node(around).body {
            Body::Steps(body) => {
                let (group, slot) = *template.steps()?.by_name.get(name)?;
                let group = *body.groups.get(group as usize)?;
                let Body::Group(state) = &self.node(group).body else {
                    return None;
                };
                match state.steps.get(slot as usize)? {
                    StepState::Unmade => None,
                    StepState::Single(node) => Some(Found::Node(*node)),
                    StepState::Loop(_) => Some(Found::Loop {
                        owner: group,
                        slot,
                        group,
                    }),
                }
            }
            Body::Dag(body) => {
                let slot = *template.dag()?.by_name.get(name)?;
                let node = body.tasks[slot as usize].node.some()?;
                Some(match &self.node(node).body {
                    Body::Loop(_) => Found::Loop {
                        owner: node,
                        slot: 0,
                        group: node,
                    },
                    _ => Found::Node(node),
                })
            }
            Body::None | Body::Group(_) | Body::Loop(_) | Body::Retry(_) | Body::Gate(_) => None,
        }
    }

    /// One field of a node as others see it. For a retried node, its last attempt's.
    pub(super) fn node_variable(&self, index: NodeIndex, field: &str) -> Sibling<'_> {
        let index = self.last_attempt(index);
        let node = self.node(index);
        let text = match field {
            "id" => Some(Cow::Owned(self.node_id(index))),
            "status" => Some(Cow::Borrowed(node.phase.as_str())),
            "startedAt" => Some(Cow::Owned(timestamp::rfc3339(node.started_at()))),
            "finishedAt" => node
                .finished_at()
                .map(|at| Cow::Owned(timestamp::rfc3339(at))),
            "ip" => node
                .details
                .as_ref()
                .and_then(|details| details.ip.as_deref())
                .map(Cow::Borrowed),
            "hostNodeName" => node
                .details
                .as_ref()
                .and_then(|details| details.host.as_deref())
                .map(Cow::Borrowed),
            "exitCode" => node
                .outputs
                .as_ref()
                .and_then(|outputs| outputs.exit_code)
                .map(|code| Cow::Owned(code.to_string())),
            "outputs.result" => node
                .outputs
                .as_ref()
                .and_then(|outputs| outputs.result.as_deref())
                .map(Cow::Borrowed),
            _ => field
                .strip_prefix("outputs.parameters.")
                .and_then(|name| output(node, name))
                .map(|value| Cow::Borrowed(&**value)),
        };
        match text {
            Some(text) => Sibling::Text(text),
            None => self.absent_variable(index, node, field),
        }
    }

    /// An output of a node that was skipped or omitted: its declared default, or known to be
    /// absent. Argo: `addSkippedNodeOutputsToScope`. Argo keeps to declared parameters and waits
    /// for ever on `outputs.result`; here a result ends by the same rule.
    fn absent_variable(&self, index: NodeIndex, node: &Node, field: &str) -> Sibling<'_> {
        let never_ran = matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted);
        if !never_ran || node.outputs.is_some() {
            return Sibling::Unknown;
        }
        if field == "outputs.result" {
            return Sibling::Absent;
        }
        let Some(name) = field.strip_prefix("outputs.parameters.") else {
            return Sibling::Unknown;
        };
        let Some(template) = self.called_template(index) else {
            return Sibling::Unknown;
        };
        let declared = &template.template.outputs.parameters;
        let Some(declared) = declared.iter().find(|declared| declared.name == name) else {
            return Sibling::Unknown;
        };
        match declared
            .value_from
            .as_ref()
            .and_then(|from| from.default.as_ref())
        {
            Some(default) => Sibling::Text(Cow::Owned(default.as_str().to_owned())),
            None => Sibling::Absent,
        }
    }

    /// An output artifact of a node, as others see it.
    pub(super) fn node_artifact(&self, index: NodeIndex, name: &str) -> Option<&Artifact> {
        let index = self.last_attempt(index);
        find(&self.node(index).outputs.as_ref()?.artifacts, name)
    }

    /// The last attempt of a retried node, else the node itself. Argo: `possiblyGetRetryChildNode`.
    pub(super) fn last_attempt(&self, index: NodeIndex) -> NodeIndex {
        match &self.node(index).body {
            Body::Retry(body) => body.attempts.last().copied().unwrap_or(index),
            _ => index,
        }
    }

    /// The names of the variables of siblings that are there, for expressions that use a whole map.
    /// Where the prefix names one of them, nobody else is looked at.
    pub(super) fn sibling_names(
        &self,
        around: NodeIndex,
        prefix: &str,
        offer: &mut Offer<'_>,
    ) -> ControlFlow<()> {
        let Some(template) = self.template_of(around) else {
            return ControlFlow::Continue(());
        };
        let mut parts = prefix.splitn(3, '.');
        let root = match (parts.next(), template.steps(), template.dag()) {
            (Some("steps" | ""), Some(_), _) => "steps",
            (Some("tasks" | ""), _, Some(_)) => "tasks",
            _ => return ControlFlow::Continue(()),
        };
        if let Some(name) = parts.next() {
            let below = parts.next().unwrap_or_default();
            return self.names_of_sibling(around, root, name, below, offer);
        }
        let groups = template.steps().into_iter().flat_map(|steps| &steps.groups);
        let steps = groups.flatten().map(|call| &call.name);
        let tasks = template.dag().into_iter().flat_map(|dag| &dag.tasks);
        for name in steps.chain(tasks.map(|task| &task.call.name)) {
            self.names_of_sibling(around, root, name, "", offer)?;
        }
        ControlFlow::Continue(())
    }

    /// The names of one sibling's variables; of those that can't be below `below`, some.
    fn names_of_sibling(
        &self,
        around: NodeIndex,
        root: &str,
        name: &str,
        below: &str,
        offer: &mut Offer<'_>,
    ) -> ControlFlow<()> {
        let Some(found) = self.sibling(around, name) else {
            return ControlFlow::Continue(());
        };
        let base = format!("{root}.{name}");
        let node = match found {
            Found::Node(node) => node,
            Found::Loop { group, .. } => {
                offer(&format!("{base}.outputs.parameters"))?;
                offer(&format!("{base}.outputs.result"))?;
                group
            }
        };
        self.own_names(node, below, &mut |field| offer(&format!("{base}.{field}")))
    }

    fn own_names(&self, index: NodeIndex, below: &str, offer: &mut Offer<'_>) -> ControlFlow<()> {
        // Below a field that has none below it nothing needs to be looked at.
        if !below.is_empty() && below != "outputs" && !below.starts_with("outputs.") {
            return ControlFlow::Continue(());
        }
        for field in FIELDS {
            if !field.starts_with(below) {
                continue;
            }
            if !matches!(self.node_variable(index, field), Sibling::Unknown) {
                offer(field)?;
            }
        }
        let node = self.node(self.last_attempt(index));
        let outputs: Option<&NodeOutputs> = node.outputs.as_deref();
        for parameter in outputs.iter().flat_map(|outputs| outputs.parameters.iter()) {
            offer(&format!("outputs.parameters.{}", parameter.name))?;
        }
        for artifact in outputs.iter().flat_map(|outputs| outputs.artifacts.iter()) {
            offer(&format!("outputs.artifacts.{}", artifact.name))?;
        }
        if outputs.is_none()
            && let Some(template) = self.called_template(index)
        {
            for parameter in &template.template.outputs.parameters {
                let field = format!("outputs.parameters.{}", parameter.name);
                if !matches!(self.node_variable(index, &field), Sibling::Unknown) {
                    offer(&field)?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn output<'a>(node: &'a Node, name: &str) -> Option<&'a Arc<str>> {
    node.outputs
        .as_ref()?
        .parameters
        .iter()
        .find(|output| *output.name == *name)?
        .value
        .as_ref()
}
