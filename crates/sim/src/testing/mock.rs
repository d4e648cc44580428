//! Which steps a mock is for, and what it says of each attempt.

use std::collections::BTreeMap;

use argosy_api::{Artifact, FieldPath, NodeStatus};
use argosy_engine::ids::Seconds;
use argosy_expr::{EvalContext, Layered, Map, MapScope, Program, Value, ValueScope};

use super::names::{no_node, no_template, only_calls};
use super::observe::base_name;
use super::says::{MockSays, OutcomeSays};
use super::span::filled;
use super::subject::Subject;

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
    pub says: OutcomeSays,
    pub exit_code: i32,
    pub containers: BTreeMap<String, i32>,
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
