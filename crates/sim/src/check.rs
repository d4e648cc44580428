//! What must hold of every run at every settled instant.

use argosy_engine::effect::Effect;
use argosy_engine::ids::RunId;

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
    if shown != again {
        return Err(format!(
            "the rebuilt run differs from the live one:\n{}\n---\n{}",
            serde_json::to_string_pretty(&shown).unwrap_or_default(),
            serde_json::to_string_pretty(&again).unwrap_or_default()
        ));
    }
    // A rebuilt run looks at every composite, so it is the diligent engine.
    let turn = rebuilt.turn(world.now());
    let changed = turn.commit.nodes.len();
    // What waits for an answer asks again after a restart.
    let found_work = turn.effects.iter().any(|effect| {
        !matches!(
            effect,
            Effect::AskLocks(_) | Effect::LoadCache { .. } | Effect::RunTask(_)
        )
    });
    if changed > 0 || found_work {
        let after = rebuilt.workflow_status();
        return Err(format!(
            "not settled: looking at everything changed {changed} nodes, effects {:?}\nbefore {}\nafter {}",
            turn.effects,
            serde_json::to_string_pretty(&again).unwrap_or_default(),
            serde_json::to_string_pretty(&after).unwrap_or_default()
        ));
    }
    Ok(())
}
