//! What must hold of every run at every settled instant.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeStatus, SynchronizationStatus, WorkflowStatus};
use argosy_engine::effect::Effect;
use argosy_engine::fact::{Fact, PodPhase};
use argosy_engine::ids::RunId;
use argosy_engine::run::Run;

use crate::World;
use crate::world::load;

/// Checks a settled world: the run rebuilt from what is stored shows the same status as the live
/// one, and finds nothing to do that the live one left undone.
///
/// # Errors
/// What does not hold.
pub fn check(world: &World, id: RunId) -> Result<(), String> {
    let Some(live) = world.run(id) else {
        return Err("there is no such run".to_owned());
    };
    let stored = world
        .stored
        .get(&id)
        .ok_or("nothing is stored of the run")?;
    let mut rebuilt =
        load(id, stored, &world.settings).map_err(|error| format!("cannot rebuild: {error}"))?;
    let (shown, again) = (live.workflow_status(), rebuilt.workflow_status());
    if live.is_over() {
        check_nothing_is_open(&shown)?;
    }
    if shown != again {
        return Err(format!(
            "the rebuilt run differs from the live one: {}",
            difference(&shown, &again)
        ));
    }
    // A rebuilt run looks at every composite, so it is the diligent engine.
    for fact in world.facts_of_pods(id) {
        rebuilt.tell(world.now(), fact);
    }
    let turn = rebuilt.turn(world.now());
    // A row that is written again as it stands is no change.
    let changed: Vec<String> = turn
        .commit
        .nodes
        .iter()
        .filter(|row| stored.rows.get(&row.index) != Some(row))
        .map(|row| rebuilt.node_status_at(row.index).name)
        .collect();
    let found_work = turn.effects.iter().any(|effect| is_work(world, effect));
    if !changed.is_empty() || found_work {
        let after = rebuilt.workflow_status();
        return Err(format!(
            "not settled: looking at everything changed {changed:?}, effects {:?}: {}",
            turn.effects,
            difference(&again, &after)
        ));
    }
    Ok(())
}

fn check_nothing_is_open(ended: &WorkflowStatus) -> Result<(), String> {
    let is_open = |node: &&NodeStatus| node.phase.is_none_or(|phase| !phase.is_fulfilled());
    match ended.nodes.values().find(is_open) {
        None => Ok(()),
        Some(open) => Err(format!(
            "{} is {} in a workflow that is over",
            open.name,
            open.phase.map_or("nothing", NodePhase::as_str)
        )),
    }
}

/// Whether an effect is more than a question that is asked again after each restart.
fn is_work(world: &World, effect: &Effect) -> bool {
    match effect {
        Effect::AskLocks(_)
        | Effect::LoadCache { .. }
        | Effect::SaveCache { .. }
        | Effect::MakeClaim { .. }
        | Effect::RunTask(_) => false,
        Effect::StopPod { pod, .. } => world.pods.get(pod).is_none_or(|pod| !pod.told_to_end),
        Effect::ForgetPod { .. }
        | Effect::DeletePod { .. }
        | Effect::DropClaim { .. }
        | Effect::MakeBudget { .. }
        | Effect::DropBudget { .. }
        | Effect::Event(_)
        | Effect::DeleteArtifacts(_)
        | Effect::RunEnded
        | Effect::ReleaseLocks(_)
        | Effect::StopTask { .. } => true,
    }
}

/// Checks that the run taken up from the status that it shows, as one that began elsewhere is,
/// comes to show the same.
///
/// # Errors
/// What differs.
pub fn check_adopted(world: &World, id: RunId) -> Result<(), String> {
    let Some(live) = world.run(id) else {
        return Err("there is no such run".to_owned());
    };
    if live.awaits_start() {
        return Ok(());
    }
    let workflow = live.workflow();
    let shown = workflow.status.clone();
    let mut definition = (**live.definition()).clone();
    definition.workflow = workflow;
    let mut adopted = Run::adopt(
        id,
        Arc::new(definition),
        world.settings.clone(),
        world.now(),
    )
    .map_err(|error| format!("cannot take the run up: {error}"))?;
    let mut inventory = Vec::new();
    let pods = world.all_pods().filter(|pod| pod.request.key.run == id);
    for pod in pods.filter(|pod| !pod.gone && !pod.forgotten) {
        let Some(index) = adopted.find_nodes(&pod.request.node_name).first().copied() else {
            return Err(format!("there is no node {}", pod.request.node_name));
        };
        let Some(key) = adopted.pod_key_at(index.0) else {
            continue;
        };
        inventory.push(key);
        if let Some(result) = &pod.result {
            adopted.tell(world.now(), Fact::ResultSeen(key, result.clone()));
        }
        if let Fact::PodSeen(_, seen) = pod.seen()
            && (seen.phase != PodPhase::Pending || seen.message.is_some())
        {
            adopted.tell(world.now(), Fact::PodSeen(key, seen));
        }
    }
    adopted.tell(world.now(), Fact::Inventory(inventory));
    while adopted.has_work() {
        adopted.turn(world.now());
    }
    let (shown, again) = (comparable(shown), comparable(adopted.workflow_status()));
    if shown == again {
        return Ok(());
    }
    Err(format!(
        "the run taken up from its status differs: {}",
        difference(&shown, &again)
    ))
}

/// A status without what can't be told from it: the order in which nodes began within one second,
/// and how long containers ran.
fn comparable(mut status: WorkflowStatus) -> WorkflowStatus {
    status.resources_duration.clear();
    let locks = status.synchronization.as_mut();
    if let Some(SynchronizationStatus { semaphore, mutex }) = locks {
        if let Some(semaphore) = semaphore {
            for list in [&mut semaphore.holding, &mut semaphore.waiting] {
                list.iter_mut().for_each(|lock| lock.holders.sort());
                list.sort_by(|one, other| one.semaphore.cmp(&other.semaphore));
            }
        }
        if let Some(mutex) = mutex {
            for list in [&mut mutex.holding, &mut mutex.waiting] {
                list.sort_by(|one, other| one.mutex.cmp(&other.mutex));
            }
        }
    }
    for node in status.nodes.values_mut() {
        node.children.sort();
        node.outbound_nodes.sort();
        node.resources_duration.clear();
    }
    // Locks are told in the order of the nodes.
    if let Some(locks) = &mut status.synchronization {
        let semaphores = locks.semaphore.iter_mut();
        for semaphore in semaphores.flat_map(|all| [&mut all.holding, &mut all.waiting]) {
            semaphore.sort_by(|one, other| one.semaphore.cmp(&other.semaphore));
            for lock in semaphore {
                lock.holders.sort();
            }
        }
        let mutexes = locks.mutex.iter_mut();
        for mutex in mutexes.flat_map(|all| [&mut all.holding, &mut all.waiting]) {
            mutex.sort_by(|one, other| one.mutex.cmp(&other.mutex));
        }
    }
    status
}

/// The lines in which two statuses differ, each with the node that it is about.
fn difference(one: &WorkflowStatus, other: &WorkflowStatus) -> String {
    let mut lines = Vec::new();
    let text = |value: serde_json::Value| value.to_string();
    let nodes = |status: &WorkflowStatus, id: &str| status.nodes.get(id).cloned();
    let ids: std::collections::BTreeSet<&String> =
        one.nodes.keys().chain(other.nodes.keys()).collect();
    for id in ids {
        let (before, after) = (nodes(one, id), nodes(other, id));
        if before != after {
            let show = |node| text(serde_json::to_value(node).unwrap_or_default());
            lines.push(format!("- {}\n  + {}", show(before), show(after)));
        }
    }
    let rest = |status: &WorkflowStatus| {
        let mut status = status.clone();
        status.nodes.clear();
        text(serde_json::to_value(&status).unwrap_or_default())
    };
    if rest(one) != rest(other) {
        lines.push(format!("- {}\n  + {}", rest(one), rest(other)));
    }
    lines.join("\n  ")
}
