//! `act`: what users ask.

use argosy_api::{NodePhase, WorkflowPhase};
use argosy_engine::fact::{Command, NodeSelector};
use argosy_engine::ids::{PodKey, RunId};
use argosy_engine::names::generated;
use argosy_engine::resubmission::resubmission;
use argosy_engine::revision::Revision;
use argosy_engine::run::RestartChoice;

use super::request::{Act, Verb};
use super::submit::override_parameters;
use super::{Answer, ProtocolError, find, one};
use crate::objects::{read, refusal, typed};
use crate::world::World;

/// Does what a user asks.
///
/// # Errors
/// If it can't be done, in Argo's words.
pub(crate) fn act(world: &mut World, act: &Act) -> Result<Answer, ProtocolError> {
    let id = find(world, &act.workflow)?;
    check_fields(act)?;
    let text = act.selector.as_deref().filter(|text| !text.is_empty());
    let selector = text.map(selector).transpose()?;
    match act.verb {
        Verb::Stop => stop(world, id, act, selector)?,
        Verb::Terminate => shut_down(world, id, Command::Terminate)?,
        Verb::Suspend => suspend(world, id)?,
        Verb::Resume => resume(world, id, act, selector)?,
        Verb::Set => set(world, id, act, selector)?,
        Verb::Retry => retry(world, id, act, selector)?,
        Verb::Resubmit => return resubmit(world, id, act),
        Verb::Delete => world.delete(id),
    }
    Ok(Answer::new())
}

// What is asked "now" is what Argo's API server writes into the status itself, before the controller
// looks; what is asked "later" is for the controller to find.

fn stop(
    world: &mut World,
    id: RunId,
    act: &Act,
    selector: Option<NodeSelector>,
) -> Result<(), ProtocolError> {
    let message = act.message.as_deref().map(Box::from);
    let Some(nodes) = &selector else {
        return shut_down(world, id, Command::Stop { selector, message });
    };
    check_set(world, id, nodes, act, true)?;
    world.ask_now(id, Command::Stop { selector, message });
    Ok(())
}

/// Stops or terminates a workflow as a whole.
fn shut_down(world: &mut World, id: RunId, command: Command) -> Result<(), ProtocolError> {
    if has_ended(world, id) {
        let (namespace, name) = world.place_of(id);
        return Err(ProtocolError::Refused(format!(
            "cannot shutdown a completed workflow: workflow: {name:?}, namespace: {namespace:?}"
        )));
    }
    world.ask_later(id, command);
    Ok(())
}

fn suspend(world: &mut World, id: RunId) -> Result<(), ProtocolError> {
    if has_ended(world, id) {
        let text = "cannot suspend completed workflows".to_owned();
        return Err(ProtocolError::Refused(text));
    }
    world.ask_now(id, Command::Suspend);
    Ok(())
}

fn resume(
    world: &mut World,
    id: RunId,
    act: &Act,
    selector: Option<NodeSelector>,
) -> Result<(), ProtocolError> {
    match &selector {
        Some(nodes) => check_set(world, id, nodes, act, true)?,
        None if has_ended(world, id) => return Ok(()),
        None => check_resume(world, id)?,
    }
    world.ask_now(id, Command::Resume { selector });
    Ok(())
}

fn set(
    world: &mut World,
    id: RunId,
    act: &Act,
    selector: Option<NodeSelector>,
) -> Result<(), ProtocolError> {
    let Some(selector) = selector else {
        return Err(ProtocolError::Refused(
            "'set' currently only targets suspend nodes, use a node field selector to target them"
                .to_owned(),
        ));
    };
    let changes_something = act.phase.is_some() || act.message.is_some();
    check_set(world, id, &selector, act, changes_something)?;
    let command = Command::SetNode {
        selector,
        phase: act.phase.as_deref().map(phase).transpose()?,
        message: act.message.as_deref().map(Box::from),
        output_parameters: pairs(&act.output_parameters.0),
    };
    world.ask_now(id, command);
    Ok(())
}

fn retry(
    world: &mut World,
    id: RunId,
    act: &Act,
    selector: Option<NodeSelector>,
) -> Result<(), ProtocolError> {
    let revision = revision(world, id, act)?;
    let from = node_from(world, id, act)?;
    let choice = RestartChoice {
        restart_successful: act.restart_successful,
        selector: selector.as_ref(),
        from: from.as_ref(),
        new_parameters: !act.parameters.0.is_empty(),
        revision: revision.as_ref(),
    };
    let run = world.run(id).ok_or_else(|| {
        ProtocolError::Refused("a workflow that never began can't be retried".to_owned())
    })?;
    let plan = run.plan_restart(choice).map_err(ProtocolError::Refused)?;
    let is_removed = |key| {
        let node = run.node_of_pod(key);
        node.is_some_and(|node| plan.removed.contains(&node))
    };
    let keys = world.all_pods().map(|pod| pod.request.key);
    let removed: Vec<PodKey> = keys
        .filter(|key| key.run == id && is_removed(*key))
        .collect();
    let command = Command::Retry {
        restart_successful: act.restart_successful,
        selector,
        parameters: pairs(&act.parameters.0),
        from,
        revision: revision.map(Box::new),
    };
    world.ask_now(id, command);
    // Whoever asks deletes the pods of what runs again. Argo: `FormulateRetryWorkflow`'s callers.
    for key in removed {
        world.drop_pod(key);
    }
    Ok(())
}

fn has_ended(world: &World, id: RunId) -> bool {
    let phase = world.workflow(id).and_then(|shown| shown.status.phase);
    phase.is_some_and(WorkflowPhase::is_completed)
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
    match NodeSelector::of_node(&status.nodes, wanted) {
        Some(selector) => Ok(Some(selector)),
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
    let mut new = resubmission(&old);
    override_parameters(&mut new.spec.arguments.parameters, &act.parameters.0);
    let number = world.all().map(|id| id.0).max().unwrap_or_default() + 1;
    let prefix = new.metadata.generate_name.as_deref().unwrap_or_default();
    // Spreads numbers that follow one another over all letters.
    let name = generated(prefix, number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    new.metadata.name = Some(name);
    let id = match act.memoized {
        true => world.resubmit_memoized(id, new)?,
        false => world.create(new)?,
    };
    let name = world.place_of(id).1.to_owned();
    Ok(one("workflows", vec![name]))
}

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
