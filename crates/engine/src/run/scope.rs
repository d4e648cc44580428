//! The variables that a text sees, depending on where it stands. Argo: `wfScope`,
//! `localParams` in `executeTemplate`.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use argosy_api::{Artifact, NodeType};
use argosy_expr::{Scope, Value, Visit};

use super::Run;
use super::aggregate::Aggregate;
use super::body::{Body, Items};
use super::node::{Node, NodeInputs, Role};
use super::siblings::{Found, Sibling};
use crate::go_json;
use crate::ids::NodeIndex;
use crate::plan::PlannedTemplate;

/// Variables that belong to the node that runs a template.
const LOCALS: [&str; 9] = [
    "node.name",
    "pod.name",
    "steps.name",
    "tasks.name",
    "retries",
    "lastRetry.exitCode",
    "lastRetry.status",
    "lastRetry.duration",
    "lastRetry.message",
];

/// Takes the name of a variable; breaks off when it has seen enough.
pub(super) type Offer<'a> = dyn FnMut(&str) -> ControlFlow<()> + 'a;

/// The inputs of a template and what belongs to the node that runs it.
#[derive(Clone)]
pub(super) struct Frame<'a> {
    pub template: &'a PlannedTemplate,
    pub inputs: &'a NodeInputs,
    /// The node, for `node.name`, `pod.name`, `steps.name`, `retries`, `lastRetry.*`.
    pub node: NodeIndex,
}

/// The variables that a text sees.
#[derive(Clone)]
pub(super) struct Variables<'a> {
    pub run: &'a Run,
    /// The template around the text.
    pub frame: Option<Frame<'a>>,
    /// The `steps` or `dag` node around the text, whose children's outputs it sees.
    pub siblings: Option<NodeIndex>,
    /// The item of the loop.
    pub item: Option<(&'a Items, usize)>,
    /// Variables that come before all others.
    pub extra: &'a [(String, Option<String>)],
}

impl<'a> Variables<'a> {
    /// Those of the workflow alone.
    pub fn global(run: &'a Run) -> Self {
        Self {
            run,
            frame: None,
            siblings: None,
            item: None,
            extra: &[],
        }
    }

    fn input(&self, name: &str) -> Option<&'a Arc<str>> {
        let frame = self.frame.as_ref()?;
        let place = frame
            .template
            .inputs
            .iter()
            .position(|input| *input.name == *name)?;
        frame.inputs.parameters.get(place)?.as_ref()
    }

    fn of_frame(&self, name: &str) -> Option<Cow<'a, str>> {
        let frame = self.frame.as_ref()?;
        if let Some(local) = self.run.local_variable(frame.node, name) {
            return Some(Cow::Owned(local));
        }
        if let Some(parameter) = name.strip_prefix("inputs.parameters.") {
            return self.input(parameter).map(|value| Cow::Borrowed(&**value));
        }
        let template = &frame.template.template;
        if name == "inputs.parameters" {
            return Some(Cow::Owned(inputs_json(frame)));
        }
        if let Some(path) = name.strip_suffix(".path") {
            let path = if let Some(artifact) = path.strip_prefix("inputs.artifacts.") {
                &find(&template.inputs.artifacts, artifact)?.path
            } else if let Some(artifact) = path.strip_prefix("outputs.artifacts.") {
                &find(&template.outputs.artifacts, artifact)?.path
            } else if let Some(parameter) = path.strip_prefix("outputs.parameters.") {
                let declared = &template.outputs.parameters;
                let declared = declared
                    .iter()
                    .find(|declared| declared.name == parameter)?;
                &declared.value_from.as_ref()?.path
            } else {
                return None;
            };
            return (!path.is_empty()).then(|| Cow::Owned(path.clone()));
        }
        None
    }

    fn of_item(&self, name: &str) -> Option<Cow<'a, str>> {
        let (items, index) = self.item?;
        if name == "item" {
            return Some(Cow::Owned(items.text(index)));
        }
        let key = name.strip_prefix("item.")?;
        match items {
            Items::Values(values) => values[index].member(key).map(Cow::Owned),
            Items::Sequence { .. } => None,
        }
    }

    /// A variable of a sibling: `steps.NAME.…` or `tasks.NAME.…`.
    fn of_sibling(&self, name: &str) -> Sibling<'a> {
        let Some(around) = self.siblings else {
            return Sibling::Unknown;
        };
        let rest = match &self.run.node(around).body {
            Body::Steps(_) => name.strip_prefix("steps."),
            Body::Dag(_) => name.strip_prefix("tasks."),
            Body::None | Body::Group(_) | Body::Loop(_) | Body::Retry(_) | Body::Gate(_) => None,
        };
        let Some((sibling, field)) = rest.and_then(|rest| rest.split_once('.')) else {
            return Sibling::Unknown;
        };
        match self.run.sibling(around, sibling) {
            None => Sibling::Unknown,
            Some(Found::Node(node)) => self.run.node_variable(node, field),
            Some(Found::Loop { owner, slot, group }) => {
                match self.run.aggregate(owner, slot, field) {
                    Some(Aggregate::Text(text)) => Sibling::Text(Cow::Owned(text.to_string())),
                    Some(Aggregate::None) => Sibling::Unknown,
                    None => self.run.node_variable(group, field),
                }
            }
        }
    }
}

impl Variables<'_> {
    fn offer_names(&self, prefix: &str, offer: &mut Offer<'_>) -> ControlFlow<()> {
        for (name, _) in self.extra {
            offer(name)?;
        }
        // What is below `steps.x` is neither an input nor an item.
        let may_be_below = |root: &str| prefix.is_empty() || prefix.split('.').next() == Some(root);
        if let Some(frame) = &self.frame {
            for name in LOCALS.into_iter().filter(|_| !prefix.contains('.')) {
                if self.run.local_variable(frame.node, name).is_some() {
                    offer(name)?;
                }
            }
            if may_be_below("inputs") {
                for input in &frame.template.inputs {
                    offer(&format!("inputs.parameters.{}", input.name))?;
                }
                for artifact in &frame.template.template.inputs.artifacts {
                    offer(&format!("inputs.artifacts.{}", artifact.name))?;
                }
            }
        }
        if let (Some((items, index)), true) = (self.item, may_be_below("item")) {
            offer("item")?;
            if let Items::Values(values) = items {
                for key in values[index].keys() {
                    offer(&format!("item.{key}"))?;
                }
            }
        }
        if may_be_below("workflow") {
            self.run.global_names(prefix, offer)?;
        }
        match self.siblings {
            Some(around) => self.run.sibling_names(around, prefix, offer),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Run {
    /// A variable that belongs to a node itself. Argo: `localParams` in `executeTemplate`.
    fn local_variable(&self, index: NodeIndex, name: &str) -> Option<String> {
        if !LOCALS.contains(&name) {
            return None;
        }
        let node = self.node(index);
        let attempt = node.role == Role::Attempt;
        let outer = if attempt { node.parent } else { index };
        match name {
            "node.name" => Some(self.name(outer)),
            "pod.name" => (node.kind == NodeType::Pod).then(|| self.pod_name(index)),
            "steps.name" | "tasks.name" => {
                let wanted = if name == "steps.name" {
                    Role::Step
                } else {
                    Role::Task
                };
                let outer = self.node(outer);
                (outer.role == wanted).then(|| self.call_name(index).to_string())
            }
            _ if !attempt => None,
            "retries" => Some(node.slot.to_string()),
            _ => self.last_retry(index, name),
        }
    }

    /// What the attempt before this one gave. The first attempt sees defaults.
    fn last_retry(&self, attempt: NodeIndex, name: &str) -> Option<String> {
        let node = self.node(attempt);
        let before = match &self.node(node.parent).body {
            Body::Retry(body) => {
                let at = body.attempts.iter().rposition(|&known| known == attempt);
                // One that is being made does not stand in the list yet.
                body.attempts[..at.unwrap_or(body.attempts.len())].last()
            }
            _ => None,
        };
        let before = before.map(|&before| self.node(before));
        Some(match name {
            "lastRetry.exitCode" => before
                .and_then(|before| before.outputs.as_ref()?.exit_code)
                .unwrap_or(0)
                .to_string(),
            "lastRetry.status" => {
                before.map_or_else(String::new, |before| before.phase.as_str().to_owned())
            }
            "lastRetry.duration" => before.map_or(0, Node::duration_seconds).to_string(),
            "lastRetry.message" => before
                .and_then(|before| before.message.as_deref())
                .unwrap_or_default()
                .to_owned(),
            _ => return None,
        })
    }
}

fn inputs_json(frame: &Frame<'_>) -> String {
    let declared = &frame.template.template.inputs.parameters;
    let list: Vec<argosy_api::Parameter> = declared
        .iter()
        .zip(frame.inputs.parameters.iter())
        .map(|(declared, value)| argosy_api::Parameter {
            value: value
                .as_ref()
                .map(|value| argosy_api::AnyString::from(&**value)),
            ..declared.clone()
        })
        .collect();
    go_json::text(&list)
}

pub(super) fn find<'a>(artifacts: &'a [Artifact], name: &str) -> Option<&'a Artifact> {
    artifacts.iter().find(|artifact| artifact.name == name)
}

impl Scope for Variables<'_> {
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some((_, value)) = self.extra.iter().find(|(extra, _)| extra == name) {
            return value.as_deref().map(Cow::Borrowed);
        }
        if name.starts_with("workflow.") {
            return self.run.global(name);
        }
        if let Some(text) = self.of_frame(name) {
            return Some(text);
        }
        if name.starts_with("item") {
            return self.of_item(name);
        }
        match self.of_sibling(name) {
            Sibling::Text(text) => Some(text),
            Sibling::Unknown | Sibling::Absent => None,
        }
    }

    fn value(&self, name: &str) -> Option<Value> {
        let artifact = |artifact: &Artifact| {
            let json = serde_json::to_value(artifact).ok()?;
            Value::from_json(&json).ok()
        };
        if let Some(name) = name.strip_prefix("inputs.artifacts.") {
            return artifact(find(&self.frame.as_ref()?.inputs.artifacts, name)?);
        }
        if let Some(name) = name.strip_prefix("workflow.outputs.artifacts.") {
            return artifact(find(&self.run.globals.outputs.artifacts, name)?);
        }
        let (before, name) = name.split_once(".outputs.artifacts.")?;
        let sibling = before
            .strip_prefix("steps.")
            .or_else(|| before.strip_prefix("tasks."))?;
        match self.run.sibling(self.siblings?, sibling)? {
            Found::Node(node) => artifact(self.run.node_artifact(node, name)?),
            Found::Loop { .. } => None,
        }
    }

    fn is_absent(&self, name: &str) -> bool {
        if let Some((_, value)) = self.extra.iter().find(|(extra, _)| extra == name) {
            return value.is_none();
        }
        matches!(self.of_sibling(name), Sibling::Absent)
    }

    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
        let mut offer = |name: &str| {
            let below = prefix.is_empty()
                || name
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with('.'));
            match below && found(name) == Visit::Stop {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        // One who has seen enough breaks it off.
        let _ = self.offer_names(prefix, &mut offer);
    }
}

/// The value of an expression as text: strings as they are, all else as JSON.
pub(super) fn value_text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => go_json::text(&value.to_json()),
    }
}
