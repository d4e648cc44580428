//! What steps put out, as their mocks say, and what is made up where they say nothing.

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{Artifact, NodeStatus, Outputs, nearest};

use super::Unmocked;
use super::mock::Told;
use super::observe::base_name;
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

/// What is put out by a step that ends as its mock says. Output parameters of which the mock says
/// nothing are made up, unless `unsaid` has it that they are a failure.
pub(super) fn mocked(
    told: &Told,
    node: &NodeStatus,
    wanted: Wanted<'_>,
    unsaid: Unmocked,
) -> Result<Outcome, String> {
    check_containers(told, wanted.containers)?;
    let says = &told.says;
    let declared = wanted.declared;
    let parameters = &says.outputs.parameters.0;
    let undeclared = |(name, _): &&(String, String)| declared.parameter(name).is_none();
    if let Some((name, _)) = parameters.iter().find(undeclared) {
        return Err(format!(
            "the template declares no output parameter {name:?}"
        ));
    }
    let result = says.outputs.result.as_ref().map(|text| text.0.clone());
    let outcome = Outcome {
        exit_code: told.exit_code,
        containers: told.containers.clone(),
        message: says.message.clone(),
        reason: says.reason.clone(),
        error: says.error.clone(),
        lost: says.lost,
        result: result.filter(|_| wanted.keeps_result),
        parameters: parameters.clone(),
        artifacts: artifacts(&says.outputs.artifacts, declared)?,
    };
    match outcome.fails() {
        true => Ok(outcome),
        false => completed(outcome, told, made_up(node, wanted), unsaid),
    }
}

/// Refuses exit codes of containers that the step does not have.
fn check_containers(told: &Told, known: &[String]) -> Result<(), String> {
    let mut names = told.containers.keys();
    let Some(name) = names.find(|name| !known.contains(name)) else {
        return Ok(());
    };
    let meant = nearest(name, known.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    Err(format!("the step has no container {name:?}{meant}"))
}

/// The artifacts that a mock says were saved.
fn artifacts(
    said: &BTreeMap<String, serde_json::Value>,
    declared: &Outputs,
) -> Result<Vec<Artifact>, String> {
    let mut artifacts = Vec::new();
    for (name, place) in said {
        let Some(artifact) = declared.artifact(name) else {
            return Err(format!("the template declares no output artifact {name:?}"));
        };
        if !place.is_null() {
            artifacts.push(saved(artifact, place)?);
        }
    }
    Ok(artifacts)
}

/// Adds what is made up of which the mock says nothing.
fn completed(
    mut outcome: Outcome,
    told: &Told,
    made_up: Outcome,
    unsaid: Unmocked,
) -> Result<Outcome, String> {
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
    let said = &told.says.outputs.artifacts;
    let others = made_up.artifacts.into_iter();
    let others = others.filter(|artifact| !said.contains_key(&artifact.name));
    outcome.artifacts.extend(others);
    outcome.result = outcome.result.or(made_up.result);
    Ok(outcome)
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
