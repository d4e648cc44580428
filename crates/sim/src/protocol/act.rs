//! `act`: what users ask.

use argosy_api::{NodePhase, Workflow};
use argosy_engine::fact::{Command, NodeSelector};
use argosy_engine::ids::RunId;
use argosy_engine::revision::Revision;
use argosy_engine::run::RestartChoice;

use super::request::{Act, Verb};
use super::submit::override_parameters;
use super::{Answer, ProtocolError, find, one};
use crate::objects::{read, refusal, typed};
use crate::world::World;

/// The letters that Kubernetes takes for generated names.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Does what a user asks.
///
/// # Errors
/// If it can't be done, in Argo's words.
pub(crate) fn act(world: &mut World, act: &Act) -> Result<Answer, ProtocolError> {
    let id = find(world, &act.workflow)?;
    check_fields(act)?;
    let selector = act
        .selector
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(selector)
        .transpose()?;
    let message = act.message.as_deref().map(Box::from);
    let over = world
        .workflow(id)
        .and_then(|workflow| workflow.status.phase)
        .is_some_and(|phase| phase.is_completed());
    let command = match (act.verb, selector) {
        (Verb::Stop | Verb::Terminate, None) if over => {
            let (namespace, name) = world.place_of(id);
            return Err(ProtocolError::Refused(format!(
                "cannot shutdown a completed workflow: workflow: {name:?}, namespace: {namespace:?}"
            )));
        }
        (Verb::Suspend, _) if over => {
            return Err(ProtocolError::Refused(
                "cannot suspend completed workflows".to_owned(),
            ));
        }
        (Verb::Stop, None) => {
            let selector = None;
            world.ask_later(id, Command::Stop { selector, message });
            return Ok(Answer::new());
        }
        (Verb::Terminate, _) => {
            world.ask_later(id, Command::Terminate);
            return Ok(Answer::new());
        }
        (Verb::Resume, None) if over => return Ok(Answer::new()),
        (Verb::Resume, None) => {
            check_resume(world, id)?;
            Command::Resume { selector: None }
        }
        (Verb::Set, None) => {
            return Err(ProtocolError::Refused(
                "'set' currently only targets suspend nodes, use a node field selector to target them"
                    .to_owned(),
            ));
        }
        (Verb::Stop, Some(selector)) => {
            check_set(world, id, &selector, act, true)?;
            let selector = Some(selector);
            Command::Stop { selector, message }
        }
        (Verb::Resume, Some(selector)) => {
            check_set(world, id, &selector, act, true)?;
            let selector = Some(selector);
            Command::Resume { selector }
        }
        (Verb::Set, Some(selector)) => {
            let changes = act.phase.is_some() || act.message.is_some();
            check_set(world, id, &selector, act, changes)?;
            Command::SetNode {
                selector,
                phase: act.phase.as_deref().map(phase).transpose()?,
                message,
                output_parameters: pairs(&act.output_parameters.0),
            }
        }
        (Verb::Suspend, _) => Command::Suspend,
        (Verb::Retry, selector) => {
            let revision = revision(world, id, act)?;
            check_retry(world, id, act, selector.as_ref(), revision.as_ref())?;
            Command::Retry {
                restart_successful: act.restart_successful,
                selector,
                parameters: pairs(&act.parameters.0),
                from: node_from(world, id, act)?,
                revision: revision.map(Box::new),
            }
        }
        (Verb::Resubmit, _) => return resubmit(world, id, act),
        (Verb::Delete, _) => {
            world.delete(id);
            return Ok(Answer::new());
        }
    };
    // Argo's API server writes these into the status itself, before the controller looks.
    world.ask_now(id, command);
    Ok(Answer::new())
}

fn check_set(
    world: &World,
    id: RunId,
    selector: &NodeSelector,
    act: &Act,
    changes_something: bool,
) -> Result<(), ProtocolError> {
    let text = act.selector.as_deref().unwrap_or_default();
    let values = pairs(&act.output_parameters.0);
    match world.run(id) {
        Some(run) => run
            .check_set(selector, text, changes_something, &values)
            .map_err(ProtocolError::Refused),
        None => Err(ProtocolError::Refused(format!(
            "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: {text}"
        ))),
    }
}

fn check_resume(world: &World, id: RunId) -> Result<(), ProtocolError> {
    match world.run(id) {
        Some(run) => run.check_resume().map_err(ProtocolError::Refused),
        None => Ok(()),
    }
}

fn check_retry(
    world: &World,
    id: RunId,
    act: &Act,
    selector: Option<&NodeSelector>,
    revision: Option<&Revision>,
) -> Result<(), ProtocolError> {
    let run = world.run(id).ok_or_else(|| {
        ProtocolError::Refused("a workflow that never began can't be retried".to_owned())
    })?;
    let from = node_from(world, id, act)?;
    let choice = RestartChoice {
        restart_successful: act.restart_successful,
        selector,
        from: from.as_ref(),
        new_parameters: !act.parameters.0.is_empty(),
        revision,
    };
    run.plan_restart(choice)
        .map(drop)
        .map_err(ProtocolError::Refused)
}

/// The templates that take the place of the workflow's, checked.
fn revision(world: &World, id: RunId, act: &Act) -> Result<Option<Revision>, ProtocolError> {
    let (Some(run), Some(yaml)) = (world.run(id), &act.template_from) else {
        return Ok(None);
    };
    let definition = run.definition();
    let mut revision = Revision::default();
    for value in read(&yaml.0)? {
        match value["kind"].as_str() {
            None | Some("Workflow") => revision.add_workflow(&typed(value)?),
            Some("WorkflowTemplate") => {
                revision.add_workflow_template(definition, &typed(value)?);
            }
            Some("ClusterWorkflowTemplate") => {
                revision.add_cluster_workflow_template(definition, &typed(value)?);
            }
            Some(other) => {
                return Err(ProtocolError::Refused(format!(
                    "a {other} has no templates"
                )));
            }
        }
    }
    let there_is = world.objects.definition(definition.workflow.clone());
    revision.add_missing(definition, &there_is);
    let revised = definition
        .revised(&revision)
        .map_err(|error| ProtocolError::Refused(error.to_string()))?;
    match refusal(&revised) {
        Some(refusal) => Err(ProtocolError::Refused(refusal)),
        // Elsewhere it is handed over, and stored, as JSON.
        None => Ok(Some(serde_json::from_value(serde_json::to_value(
            &revision,
        )?)?)),
    }
}

/// The node to run again from, by its ID, its name or the name that is shown.
fn node_from(world: &World, id: RunId, act: &Act) -> Result<Option<NodeSelector>, ProtocolError> {
    let Some(wanted) = &act.from else {
        return Ok(None);
    };
    let status = world.status(id);
    let nodes = || status.nodes.values();
    let found = nodes()
        .find(|node| node.id == *wanted || node.name == *wanted)
        .or_else(|| nodes().find(|node| node.display_name == *wanted));
    match found {
        Some(node) => Ok(Some(NodeSelector::only("id", &node.id))),
        None => Err(ProtocolError::Refused(format!(
            "there is no node {wanted:?}"
        ))),
    }
}

/// The same workflow once more. Argo: `FormulateResubmitWorkflow`.
fn resubmit(world: &mut World, id: RunId, act: &Act) -> Result<Answer, ProtocolError> {
    let old = world
        .workflow(id)
        .ok_or_else(|| ProtocolError::NoWorkflow(act.workflow.clone()))?;
    let name = old.metadata.name.clone().unwrap_or_default();
    let prefix = old
        .metadata
        .generate_name
        .clone()
        .unwrap_or_else(|| format!("{name}-"));
    let number = world.all().map(|id| id.0).max().unwrap_or_default() + 1;
    let mut spec = old.spec;
    spec.active_deadline_seconds = spec.active_deadline_seconds.filter(|&left| left != 0);
    spec.shutdown = None;
    override_parameters(&mut spec.arguments.parameters, &act.parameters.0);
    let mut new = Workflow {
        spec,
        ..Workflow::default()
    };
    let mut labels = old.metadata.labels.unwrap_or_default();
    labels.retain(|key, _| !DROPPED_LABELS.contains(&key.as_str()));
    labels.insert(
        "workflows.argoproj.io/resubmitted-from-workflow".to_owned(),
        name,
    );
    let metadata = &mut new.metadata;
    metadata.name = Some(format!("{prefix}{}", suffix(number)));
    metadata.generate_name = Some(prefix);
    metadata.namespace = old.metadata.namespace;
    metadata.labels = Some(labels);
    metadata.annotations = old.metadata.annotations;
    metadata.owner_references = old.metadata.owner_references;
    let id = match act.memoized {
        true => world.resubmit_memoized(id, new)?,
        false => world.create(new)?,
    };
    let name = world.place_of(id).1.to_owned();
    Ok(one("workflows", vec![name]))
}

/// Labels that a resubmitted workflow does not carry over.
const DROPPED_LABELS: &[&str] = &[
    "workflows.argoproj.io/creator",
    "workflows.argoproj.io/creator-email",
    "workflows.argoproj.io/creator-preferred-username",
    "workflows.argoproj.io/phase",
    "workflows.argoproj.io/completed",
    "workflows.argoproj.io/workflow-archiving-status",
];

/// Refuses what the verb has no use for.
fn check_fields(act: &Act) -> Result<(), ProtocolError> {
    use Verb::{Resubmit, Resume, Retry, Set, Stop};
    let given = [
        (
            "selector",
            act.selector.is_some(),
            &[Stop, Resume, Set, Retry][..],
        ),
        ("message", act.message.is_some(), &[Stop, Set][..]),
        ("phase", act.phase.is_some(), &[Set][..]),
        (
            "outputParameters",
            !act.output_parameters.0.is_empty(),
            &[Set][..],
        ),
        (
            "parameters",
            !act.parameters.0.is_empty(),
            &[Retry, Resubmit][..],
        ),
        ("restartSuccessful", act.restart_successful, &[Retry][..]),
        ("memoized", act.memoized, &[Resubmit][..]),
        ("from", act.from.is_some(), &[Retry][..]),
        ("templateFrom", act.template_from.is_some(), &[Retry][..]),
    ];
    for (field, is_given, verbs) in given {
        if is_given && !verbs.contains(&act.verb) {
            let word = act.verb.word();
            return Err(ProtocolError::Refused(format!("{word} takes no `{field}`")));
        }
    }
    Ok(())
}

fn pairs(list: &[(String, String)]) -> Vec<(Box<str>, Box<str>)> {
    list.iter()
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
        .collect()
}

fn phase(text: &str) -> Result<NodePhase, ProtocolError> {
    NodePhase::parse(text)
        .ok_or_else(|| ProtocolError::Refused(format!("there is no phase {text:?}")))
}

/// Reads a `--node-field-selector`.
fn selector(text: &str) -> Result<NodeSelector, ProtocolError> {
    NodeSelector::parse(text)
        .map_err(|error| ProtocolError::Refused(format!("invalid selector: {error}")))
}

/// Five letters that follow from a number.
fn suffix(number: u64) -> String {
    let mut left = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..5)
        .map(|_| {
            let letter = (left % ALPHABET.len() as u64) as usize;
            left /= ALPHABET.len() as u64;
            char::from(ALPHABET[letter])
        })
        .collect()
}
