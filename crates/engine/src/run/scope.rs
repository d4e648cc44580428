//! The variables that a text sees, depending on where it stands, and the passes in which Argo
//! fills them in. Argo: `wfScope`, `buildLocalScope`, `SubstituteParams`, `resolveReferences`.

use std::borrow::Cow;
use std::sync::Arc;

use argosy_api::{Artifact, NodePhase, NodeType};
use argosy_expr::{EvalContext, Scope, TagError, Template, Unresolved, Value, Visit};

use super::Run;
use super::aggregate::Aggregate;
use super::body::{Body, Items, StepState};
use super::node::{Node, NodeInputs, NodeOutputs, Role};
use crate::go_json;
use crate::ids::NodeIndex;
use crate::lower::fnv1a32;
use crate::plan::{PlannedTemplate, Text};
use crate::timestamp;

/// The variables that begin with this when they speak of outputs of other nodes: where one is
/// missing, that is an error.
const STRICT: [&str; 2] = ["tasks", "steps"];

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
            Items::Values(values) => {
                let value = values[index].as_object()?.get(key)?;
                Some(Cow::Owned(super::names::item_text(value)))
            }
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

    /// The last attempt of a retried node, else the node itself. Argo: `possiblyGetRetryChildNode`.
    pub(super) fn last_attempt(&self, index: NodeIndex) -> NodeIndex {
        match &self.node(index).body {
            Body::Retry(body) => body.attempts.last().copied().unwrap_or(index),
            _ => index,
        }
    }

    /// What an evaluation sees of time and chance: the time of the fact, and a random stream that
    /// depends on the run, the node and the field only.
    pub(super) fn eval_context(
        &self,
        node_name: &str,
        incarnation: u32,
        field: &str,
    ) -> EvalContext {
        let uid = self.definition.workflow.metadata.uid.as_deref();
        let seed = format!(
            "{}/{node_name}/{incarnation}/{field}",
            uid.unwrap_or_default()
        );
        let high = u64::from(fnv1a32(seed.as_bytes()));
        let low = u64::from(fnv1a32(format!("{seed}#").as_bytes()));
        EvalContext::new(self.now.0, 0, high << 32 | low)
    }
}

/// Fills in the tags of a text of a step, a task or a template, in Argo's passes.
///
/// All passes are made at once; only where a value has brought new tags, or a tag has been left,
/// they are made one after the other, as Argo does it in text.
pub(super) fn fill(
    text: &Text,
    variables: &Variables<'_>,
    context: &EvalContext,
) -> Result<Arc<str>, TagError> {
    let template = match text {
        Text::Literal(literal) => return Ok(literal.clone()),
        Text::Tagged(template) => template,
    };
    match template.render(variables, Unresolved::Keep, context) {
        Ok(rendered) if !rendered.text.contains("{{") => Ok(Arc::from(rendered.text)),
        Ok(_) | Err(_) => fill_in_passes(template, variables, context).map(Arc::from),
    }
}

fn fill_in_passes(
    template: &Template,
    variables: &Variables<'_>,
    context: &EvalContext,
) -> Result<String, TagError> {
    let global = Variables {
        siblings: None,
        item: None,
        extra: &[],
        frame: variables.frame.as_ref().map(|frame| Frame {
            inputs: &NO_INPUTS,
            ..frame.clone()
        }),
        ..variables.clone()
    };
    let framed = Variables {
        siblings: None,
        item: None,
        extra: &[],
        ..variables.clone()
    };
    let mut text = template.render(&global, Unresolved::Keep, context)?.text;
    text = again(&text, &framed, Unresolved::Keep, context)?;
    if variables.siblings.is_some() || !variables.extra.is_empty() {
        let around = Variables {
            item: None,
            ..variables.clone()
        };
        // What a hook is given may speak of outputs that its node never made: the tag stays.
        // Argo: `resolveExitTmplArgument`.
        let unresolved = match variables.extra {
            [] => Unresolved::ErrorUnder(&STRICT),
            _ => Unresolved::Keep,
        };
        text = again(&text, &around, unresolved, context)?;
    }
    if variables.item.is_some() {
        text = again(&text, variables, Unresolved::Error, context)?;
    }
    Ok(text)
}

static NO_INPUTS: std::sync::LazyLock<NodeInputs> = std::sync::LazyLock::new(NodeInputs::default);

/// One more pass over a text.
pub(super) fn again(
    text: &str,
    variables: &dyn Scope,
    unresolved: Unresolved<'_>,
    context: &EvalContext,
) -> Result<String, TagError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    Ok(Template::parse(text)?
        .render(variables, unresolved, context)?
        .text)
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

fn output<'a>(node: &'a Node, name: &str) -> Option<&'a Arc<str>> {
    node.outputs
        .as_ref()?
        .parameters
        .iter()
        .find(|output| *output.name == *name)?
        .value
        .as_ref()
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
        let mut stopped = false;
        let mut offer = |name: &str| {
            let below = prefix.is_empty()
                || name
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with('.'));
            if below && !stopped && found(name) == Visit::Stop {
                stopped = true;
            }
        };
        for (name, _) in self.extra {
            offer(name);
        }
        if let Some(frame) = &self.frame {
            for name in LOCALS {
                if self.run.local_variable(frame.node, name).is_some() {
                    offer(name);
                }
            }
            for input in &frame.template.inputs {
                offer(&format!("inputs.parameters.{}", input.name));
            }
            for artifact in &frame.template.template.inputs.artifacts {
                offer(&format!("inputs.artifacts.{}", artifact.name));
            }
        }
        if let Some((items, index)) = self.item {
            offer("item");
            if let Items::Values(values) = items
                && let Some(map) = values[index].as_object()
            {
                for key in map.keys() {
                    offer(&format!("item.{key}"));
                }
            }
        }
        if prefix.is_empty() || prefix.starts_with("workflow") {
            self.run.global_names(&mut offer);
        }
        if let Some(around) = self.siblings {
            self.run.sibling_names(around, prefix, &mut offer);
        }
    }
}

impl Run {
    /// The names of the variables of siblings that are there, for expressions that use a whole map.
    fn sibling_names(&self, around: NodeIndex, prefix: &str, offer: &mut dyn FnMut(&str)) {
        let Some(template) = self.template_of(around) else {
            return;
        };
        let (root, names): (&str, Vec<Arc<str>>) = if let Some(steps) = template.steps() {
            ("steps", steps.by_name.keys().cloned().collect())
        } else if let Some(dag) = template.dag() {
            ("tasks", dag.by_name.keys().cloned().collect())
        } else {
            return;
        };
        for name in names {
            let base = format!("{root}.{name}");
            let related = prefix.is_empty()
                || base == prefix
                || base.starts_with(&format!("{prefix}."))
                || prefix.starts_with(&format!("{base}."));
            if !related {
                continue;
            }
            let Some(found) = self.sibling(around, &name) else {
                continue;
            };
            let node = match found {
                Found::Node(node) => node,
                Found::Loop { group, .. } => {
                    offer(&format!("{base}.outputs.parameters"));
                    offer(&format!("{base}.outputs.result"));
                    group
                }
            };
            self.own_names(node, &mut |field| offer(&format!("{base}.{field}")));
        }
    }

    fn own_names(&self, index: NodeIndex, offer: &mut dyn FnMut(&str)) {
        for field in [
            "id",
            "status",
            "startedAt",
            "finishedAt",
            "ip",
            "hostNodeName",
            "exitCode",
            "outputs.result",
        ] {
            if !matches!(self.node_variable(index, field), Sibling::Unknown) {
                offer(field);
            }
        }
        let node = self.node(self.last_attempt(index));
        let outputs: Option<&NodeOutputs> = node.outputs.as_deref();
        for parameter in outputs.iter().flat_map(|outputs| outputs.parameters.iter()) {
            offer(&format!("outputs.parameters.{}", parameter.name));
        }
        for artifact in outputs.iter().flat_map(|outputs| outputs.artifacts.iter()) {
            offer(&format!("outputs.artifacts.{}", artifact.name));
        }
        if outputs.is_none()
            && let Some(template) = self.called_template(index)
        {
            for parameter in &template.template.outputs.parameters {
                let field = format!("outputs.parameters.{}", parameter.name);
                if !matches!(self.node_variable(index, &field), Sibling::Unknown) {
                    offer(&field);
                }
            }
        }
    }
}

/// The value of an expression as text: strings as they are, all else as JSON.
pub(super) fn value_text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => go_json::text(&value.to_json()),
    }
}
