//! Randomised simulation: workflows from a grammar, in a world in which pods end, fail, vanish and
//! report late, twice and out of order, the clock jumps, and the program is killed at any commit.
//! All of it follows from a seed.

mod dice;
mod events;
mod grammar;
mod held;

use std::collections::BTreeMap;

use argosy_api::{NodePhase, Workflow, WorkflowPhase};
use argosy_engine::fact::Command;
use argosy_engine::ids::{PodKey, RunId};

use crate::pods::Outcome;
use crate::world::{Diligence, Halting, World};
use dice::Dice;

/// How many things happen in one world before it is brought to its end.
const MOST_EVENTS: u64 = 60;
/// How many workflows there are at most.
const MOST_RUNS: u64 = 5;
/// After so many rounds in which all pods end well and a day passes, every run must have ended.
const MOST_ROUNDS: usize = 400;

/// Plays one world through.
///
/// # Errors
/// What did not hold.
pub fn simulate(seed: u64) -> Result<(), String> {
    simulate_aloud(seed, &mut |_| {})
}

/// Plays one world through, and tells what happens in it; then once more with runs that look at all
/// of their nodes in each turn, which must come to the same.
///
/// # Errors
/// What did not hold.
pub fn simulate_aloud(seed: u64, teller: &mut dyn FnMut(&str)) -> Result<(), String> {
    let lazy = play(seed, Diligence::Lazy, teller)?;
    let mut events = Vec::new();
    let diligent = play(seed, Diligence::Diligent, &mut |what| {
        events.push(what.to_owned());
    })?;
    compare(&lazy, &diligent)
}

/// What was done in each step, in an order that says nothing.
type Trace = Vec<Vec<String>>;

/// What the lazy engine has done must be what the diligent one did.
fn compare(lazy: &Trace, diligent: &Trace) -> Result<(), String> {
    let mut steps = lazy.iter().zip(diligent);
    if let Some(number) = steps.position(|(lazy, diligent)| lazy != diligent) {
        let (lazy, diligent) = (&lazy[number], &diligent[number]);
        return Err(format!(
            "after {number} steps the lazy engine differs from the diligent one:\n- {}\n+ {}",
            without(lazy, diligent),
            without(diligent, lazy)
        ));
    }
    if lazy.len() != diligent.len() {
        return Err("the diligent engine takes other steps than the lazy one".to_owned());
    }
    Ok(())
}

/// These lines, but for those that stand among the others as well, each as often as there.
fn without(these: &[String], others: &[String]) -> String {
    let mut others = others.to_vec();
    let mut lines = these.to_vec();
    lines.retain(|line| match others.iter().position(|other| other == line) {
        Some(place) => {
            others.remove(place);
            false
        }
        None => true,
    });
    lines.join("\n  ")
}

fn play(seed: u64, diligence: Diligence, teller: &mut dyn FnMut(&str)) -> Result<Trace, String> {
    let mut dice = Dice::new(seed);
    let halting = match dice.one_in(2) {
        true => Halting::AtOnce,
        false => Halting::WhenTold,
    };
    let mut play = Play {
        world: World::halting(halting),
        diligence,
        steps: Vec::new(),
        dice,
        late: Vec::new(),
        retried: false,
        submitted: 0,
        found_over: BTreeMap::new(),
        teller,
    };
    play.world.diligence = diligence;
    play.begin()?;
    for _ in 0..play.dice.below(MOST_EVENTS) + 5 {
        play.happen()?;
        play.world.settle();
        play.check()?;
    }
    play.finish()?;
    Ok(play.steps)
}

struct Play<'a> {
    world: World,
    diligence: Diligence,
    /// What was done in each step so far.
    steps: Trace,
    dice: Dice,
    /// Pods that have ended and whose outputs have not been told yet.
    late: Vec<PodKey>,
    /// Nodes may run again.
    retried: bool,
    /// How many workflows there have been.
    submitted: u64,
    /// Runs that had ended when all checks were made of them, with the turns that they had had.
    found_over: BTreeMap<RunId, usize>,
    teller: &'a mut dyn FnMut(&str),
}

impl Play<'_> {
    fn tell(&mut self, what: &str) {
        (self.teller)(what);
    }

    fn begin(&mut self) -> Result<(), String> {
        self.world
            .apply(grammar::SURROUNDINGS)
            .map_err(|error| error.to_string())?;
        if self.dice.one_in(4) {
            self.world.set_parallelism(1, 0);
        }
        let runs = 1 + self.dice.below(2);
        for number in 0..runs {
            let workflow = grammar::workflow(&mut self.dice, &format!("wf{number}"));
            self.submitted += 1;
            self.tell(&format!("submit {workflow}"));
            let id = self.submit(workflow)?;
            let message = self.world.workflow(id).unwrap_or_default().status.message;
            if message.starts_with("invalid spec") {
                return Err(format!("the grammar is wrong: {message}"));
            }
        }
        self.world.settle();
        self.check()
    }

    fn submit(&mut self, value: serde_json::Value) -> Result<RunId, String> {
        let workflow: Workflow = serde_json::from_value(value)
            .map_err(|error| format!("the grammar is wrong: {error}"))?;
        self.world
            .create(workflow)
            .map_err(|error| error.to_string())
    }

    /// Lets all pods end well, time pass and every run come to its end.
    fn finish(&mut self) -> Result<(), String> {
        self.tell("comes to its end");
        for _ in 0..MOST_ROUNDS {
            let open: Vec<RunId> = (self.world.all())
                .filter(|&id| {
                    let run = self.world.run(id);
                    let phase = run.map(|run| run.phase());
                    phase.is_some_and(|phase| !phase.is_some_and(WorkflowPhase::is_completed))
                })
                .collect();
            if open.is_empty() {
                return self.check_locks_are_free();
            }
            for id in open {
                self.world.ask_later(id, Command::Resume { selector: None });
            }
            self.end_all_well();
            self.world.settle();
            self.world.advance(1_000);
            self.check()?;
        }
        let pods: Vec<String> = (self.world.all_pods())
            .map(|pod| format!("{} {} gone {}", pod.name(), pod.phase(), pod.gone))
            .collect();
        self.tell(&pods.join(", "));
        Err(format!(
            "a run never ends: {}",
            self.open_nodes().join("\n")
        ))
    }

    /// Lets all that has begun end well, and tells what it puts out.
    fn end_all_well(&mut self) {
        while let Some(key) = self.late.pop() {
            self.tell_outputs(key);
        }
        let tasks: Vec<PodKey> = self.world.tasks().map(|task| task.key).collect();
        for key in tasks {
            self.tell_task(key, NodePhase::Succeeded);
        }
        let well = Outcome {
            parameters: vec![("o".to_owned(), "0".to_owned())],
            result: Some("[1]".to_owned()),
            ..Outcome::default()
        };
        for (key, _) in self.world.pods() {
            self.world.end_pod(key, &well);
        }
    }

    /// The nodes that are open in workflows that have not ended, as `status` shows them.
    fn open_nodes(&self) -> Vec<String> {
        (self.world.all())
            .map(|id| self.world.status(id))
            .filter(|status| !status.phase.is_some_and(WorkflowPhase::is_completed))
            .flat_map(|status| status.nodes.into_values())
            .filter(|node| !node.phase.is_some_and(NodePhase::is_fulfilled))
            .map(|node| serde_json::to_string(&node).unwrap_or_default())
            .collect()
    }
}
