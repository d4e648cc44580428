//! How mocked steps end, and what is made up for those without a mock.

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{Artifact, FieldPath, NodeStatus, Outputs, nearest};
use argosy_engine::ids::Seconds;
use argosy_expr::{EvalContext, Layered, Map, MapScope, Program, Value, ValueScope};

use super::Unmocked;
use super::names::{no_node, no_template, only_calls};
use super::observe::base_name;
use super::says::{MockSays, OutcomeSays};
use super::span::filled;
use super::subject::Subject;
use crate::pods::Outcome;

/// What a step without anything better puts out: one word, so that a `when` can be made of it.
const MADE_UP: &str = "sample";

/// What an item of a loop prints without anything better: what all items print is made a list of,
/// which is JSON only if each of them is.
const MADE_UP_ITEM: &str = "\"sample\"";

/// What a step makes up of which a loop is made.
const MADE_UP_LIST: &str = "[\"sample\"]";

/// What a step is to put out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// What loops are made of, by steps and output parameters.
    pub looped: &'a BTreeSet<(String, Option<String>)>,
    /// What its template declares.
    pub declared: &'a Outputs,
    /// The containers that carry it out.
    pub containers: &'a [String],
    /// Whether what it prints is kept: if something refers to it.
    pub keeps_result: bool,
}

/// A mock, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Mock {
    template: Option<String>,
    node: Option<String>,
    when: Option<Program>,
    outcomes: Vec<OutcomeSays>,
    pub path: FieldPath,
}

impl Mock {
    pub fn new(says: &MockSays, path: FieldPath) -> Result<Self, String> {
        if says.template.is_none() && says.node.is_none() {
            return Err("a mock is for a `template` or a `node`".to_owned());
        }
        let says_one = says.outcome != OutcomeSays::default();
        let outcomes = match says.outcomes.is_empty() {
            true => vec![says.outcome.clone()],
            false if says_one => {
                return Err("a mock says how steps end either itself or in `outcomes`".to_owned());
            }
            false => says.outcomes.clone(),
        };
        for outcome in &outcomes {
            for (name, place) in &outcome.outputs.artifacts {
                is_place(place).map_err(|why| format!("outputs.artifacts.{name}: {why}"))?;
            }
        }
        let when = says
            .when
            .as_deref()
            .map(Program::compile)
            .transpose()
            .map_err(|error| format!("when: {}", error.message))?;
        Ok(Self {
            template: says.template.clone(),
            node: says.node.clone(),
            when,
            outcomes,
            path,
        })
    }

    /// What is wrong with what the mock is for: a name that nothing in the workflow can have, or a
    /// template that does nothing by itself. The field, and why.
    pub fn misnamed(&self, subject: &Subject<'_>) -> Option<(FieldPath, String)> {
        let template = self.template.as_deref().and_then(|name| {
            let why = no_template(subject, name).or_else(|| only_calls(subject, name))?;
            Some(("template", why))
        });
        let wrong = template.or_else(|| {
            let why = no_node(subject, self.node.as_deref()?)?;
            Some(("node", why))
        });
        wrong.map(|(field, why)| (self.path.clone().field(field), why))
    }

    /// Whether the mock is for an attempt, counted from 0, at a node.
    pub fn is_for(&self, node: &NodeStatus, attempt: usize, now: Seconds) -> Result<bool, String> {
        let template = match &node.template_ref {
            Some(reference) => &reference.template,
            None => &node.template_name,
        };
        let of_template = self.template.as_ref().is_none_or(|name| name == template);
        let of_node = self.node.as_ref().is_none_or(|name| {
            *name == node.name
                || *name == node.display_name
                || name == base_name(&node.display_name)
        });
        if !of_template || !of_node {
            return Ok(false);
        }
        let Some(when) = &self.when else {
            return Ok(true);
        };
        when.eval_bool(&scope(node, attempt), &context(now))
            .map_err(|error| error.message)
    }

    /// How an attempt ends, counted from 0.
    pub fn outcome(&self, attempt: usize) -> &OutcomeSays {
        &self.outcomes[attempt.min(self.outcomes.len() - 1)]
    }
}

fn context(now: Seconds) -> EvalContext {
    EvalContext::new(now.0, 0, 0)
}

/// What a mock's condition and its tags can look at.
fn scope(node: &NodeStatus, attempt: usize) -> ValueScope {
    let mut scope: BTreeMap<String, Value> = BTreeMap::new();
    let inputs = node.inputs.clone().unwrap_or_default();
    if inputs.parameters.is_empty() {
        let empty = Value::Map(std::sync::Arc::new(Map::default()));
        scope.insert("inputs.parameters".to_owned(), empty);
    }
    for parameter in inputs.parameters {
        let value = parameter.value.or(parameter.default).unwrap_or_default();
        let name = format!("inputs.parameters.{}", parameter.name);
        scope.insert(name, Value::from(value.as_str()));
    }
    scope.insert("node.name".to_owned(), node.name.as_str().into());
    let display_name = node.display_name.as_str().into();
    scope.insert("node.displayName".to_owned(), display_name);
    let attempt = i64::try_from(attempt).unwrap_or(i64::MAX);
    scope.insert("attempt".to_owned(), Value::from(attempt));
    ValueScope(scope)
}

/// What an attempt's mock says of it, tags filled in.
pub(super) struct Told {
    says: OutcomeSays,
    exit_code: i32,
    containers: BTreeMap<String, i32>,
    /// After how many seconds it ends.
    pub seconds: i64,
}

/// Fills in the tags of what a mock says.
pub(super) fn told(
    says: &OutcomeSays,
    node: &NodeStatus,
    attempt: usize,
    now: Seconds,
) -> Result<Told, String> {
    let values = scope(node, attempt);
    // What is a number in an expression is its text in a tag.
    let texts: MapScope = [("attempt".to_owned(), attempt.to_string())]
        .into_iter()
        .collect();
    let scope = Layered(&[&values, &texts]);
    let context = context(now);
    let fill = |text: &mut String| {
        *text = filled(text, &scope, &context)?;
        Ok::<(), String>(())
    };
    let mut filled_in = says.clone();
    let outputs = &mut filled_in.outputs;
    let values = outputs.parameters.0.iter_mut().map(|(_, value)| value);
    let texts = [
        &mut filled_in.message,
        &mut filled_in.reason,
        &mut filled_in.error,
    ];
    values
        .chain(outputs.result.as_mut().map(|result| &mut result.0))
        .chain(texts.into_iter().flatten())
        .try_for_each(fill)?;
    for place in outputs.artifacts.values_mut() {
        fill_texts(place, &fill)?;
    }
    let exit_code = says.exit_code.told(&scope, &context)?.0;
    let seconds = says.duration.told(&scope, &context)?.0;
    let mut containers = BTreeMap::new();
    for (name, code) in &says.containers {
        containers.insert(name.clone(), code.told(&scope, &context)?.0);
    }
    Ok(Told {
        says: filled_in,
        exit_code,
        containers,
        seconds,
    })
}

/// Fills in the texts within a value.
fn fill_texts(
    value: &mut serde_json::Value,
    fill: &dyn Fn(&mut String) -> Result<(), String>,
) -> Result<(), String> {
    match value {
        serde_json::Value::String(text) => fill(text),
        serde_json::Value::Array(items) => {
            items.iter_mut().try_for_each(|item| fill_texts(item, fill))
        }
        serde_json::Value::Object(fields) => fields
            .values_mut()
            .try_for_each(|field| fill_texts(field, fill)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
            Ok(())
        }
    }
}

/// The name that all attempts at a node have in common.
pub(super) fn attempts_name(node: &NodeStatus) -> &str {
    let retried = node.node_flag.as_ref().is_some_and(|flag| flag.retried);
    let parent = node
        .name
        .strip_suffix(')')
        .and_then(|name| name.rsplit_once('('))
        .map(|(parent, _)| parent);
    parent.filter(|_| retried).unwrap_or(&node.name)
}

/// What is put out by a step that ends as its mock says. Output parameters of which the mock says
/// nothing are made up, unless `unsaid` has it that they are a failure.
pub(super) fn mocked(
    told: &Told,
    node: &NodeStatus,
    wanted: Wanted<'_>,
    unsaid: Unmocked,
) -> Result<Outcome, String> {
    let Wanted {
        declared,
        keeps_result,
        containers,
        ..
    } = wanted;
    let says = &told.says;
    if let Some(name) = told
        .containers
        .keys()
        .find(|name| !containers.contains(name))
    {
        let known = containers.iter().map(String::as_str);
        let meant = nearest(name, known)
            .map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        return Err(format!("the step has no container {name:?}{meant}"));
    }
    let result = says.outputs.result.as_ref().map(|text| text.0.clone());
    let mut outcome = Outcome {
        exit_code: told.exit_code,
        containers: told.containers.clone(),
        message: says.message.clone(),
        reason: says.reason.clone(),
        error: says.error.clone(),
        lost: says.lost,
        result: result.filter(|_| keeps_result),
        ..Outcome::default()
    };
    for (name, value) in &says.outputs.parameters.0 {
        if declared.parameter(name).is_none() {
            return Err(format!(
                "the template declares no output parameter {name:?}"
            ));
        }
        outcome.parameters.push((name.clone(), value.clone()));
    }
    let said = &says.outputs.artifacts;
    for (name, place) in said {
        let Some(artifact) = declared.artifact(name) else {
            return Err(format!("the template declares no output artifact {name:?}"));
        };
        if !place.is_null() {
            outcome.artifacts.push(saved(artifact, place)?);
        }
    }
    if outcome.fails() {
        return Ok(outcome);
    }
    let made_up = made_up(node, wanted);
    for (name, value) in made_up.parameters {
        if outcome.parameters.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if unsaid == Unmocked::Fail {
            return Err(format!(
                "the mock says nothing of the output parameter {name:?}"
            ));
        }
        outcome.parameters.push((name, value));
    }
    let others = made_up.artifacts.into_iter();
    let others = others.filter(|artifact| !said.contains_key(&artifact.name));
    outcome.artifacts.extend(others);
    outcome.result = outcome.result.or(made_up.result);
    Ok(outcome)
}

/// Refuses what says nothing of where an artifact was saved.
fn is_place(place: &serde_json::Value) -> Result<(), String> {
    if place.is_null() {
        return Ok(());
    }
    if !place.is_object() {
        return Err("expected where it was saved, such as {s3: {key: a}}".to_owned());
    }
    let read: Artifact =
        argosy_api::from_value(place.clone()).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(read).map_err(|error| error.to_string())?;
    match lost(place, &kept) {
        Some(field) => Err(format!("an artifact has no field {field:?}")),
        None => Ok(()),
    }
}

/// The first field that says something and was not kept.
fn lost<'v>(written: &'v serde_json::Value, kept: &serde_json::Value) -> Option<&'v str> {
    let fields = written.as_object()?;
    fields
        .iter()
        .find_map(|(name, value)| match kept.get(name) {
            Some(kept) => lost(value, kept),
            None => says_something(value).then_some(name),
        })
}

/// Whether a value is more than the zero value of its type, which is not written again.
fn says_something(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::Bool(truth) => *truth,
        serde_json::Value::Number(number) => number.as_f64() != Some(0.0),
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(items) => !items.is_empty(),
        serde_json::Value::Object(fields) => fields.values().any(says_something),
    }
}

/// An artifact where the mock says that it was saved.
fn saved(declared: &Artifact, place: &serde_json::Value) -> Result<Artifact, String> {
    let mut value = serde_json::to_value(declared).map_err(|error| error.to_string())?;
    if let (Some(value), Some(place)) = (value.as_object_mut(), place.as_object()) {
        value.extend(place.clone());
    }
    argosy_api::from_value(value)
        .map_err(|error| format!("the output artifact {:?}: {error}", declared.name))
}

/// Outputs of the shape that a template declares, with what a mock says is printed.
pub(super) fn made_up_with(told: &Told, node: &NodeStatus, wanted: Wanted<'_>) -> Outcome {
    let mut outcome = made_up(node, wanted);
    if let Some(result) = &told.says.outputs.result {
        outcome.result = Some(result.0.clone());
    }
    outcome
}

/// Outputs of the shape that a template declares.
pub(super) fn made_up(node: &NodeStatus, wanted: Wanted<'_>) -> Outcome {
    let declared = wanted.declared;
    let is_item = attempts_name(node).ends_with(')');
    let step = base_name(&node.display_name);
    let is_looped = |parameter: Option<&str>| {
        let mut looped = wanted.looped.iter();
        looped.any(|(name, known)| name == step && known.as_deref() == parameter)
    };
    let result = match (is_item, is_looped(None)) {
        (true, _) => MADE_UP_ITEM,
        (false, true) => MADE_UP_LIST,
        (false, false) => MADE_UP,
    };
    let parameters = declared
        .parameters
        .iter()
        .filter(|parameter| parameter.value.is_none())
        .map(|parameter| {
            let from = parameter.value_from.as_ref();
            let default = from.and_then(|from| from.default.as_ref());
            let value = default
                .or(parameter.default.as_ref())
                .or_else(|| parameter.enum_values().first())
                .map_or_else(
                    || match is_looped(Some(&parameter.name)) {
                        true => MADE_UP_LIST,
                        false => MADE_UP,
                    },
                    |value| value.as_str(),
                );
            (parameter.name.clone(), value.to_owned())
        })
        .collect();
    Outcome {
        parameters,
        artifacts: declared.artifacts.clone(),
        result: wanted.keeps_result.then(|| result.to_owned()),
        ..Outcome::default()
    }
}
