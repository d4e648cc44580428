//! Randomised simulation: workflows from a grammar, in a world in which pods end, fail, vanish and
//! report late, twice and out of order, the clock jumps, and the program is killed at any commit.
//! All of it follows from a seed.

mod dice;
mod grammar;

use std::collections::BTreeMap;

use argosy_api::{NodePhase, Workflow, WorkflowPhase};
use argosy_engine::fact::{Command, NodeSelector, ResultSeen, TaskSeen};
use argosy_engine::ids::{PodKey, RunId};
use argosy_engine::run::RestartChoice;

use crate::check::{check, check_adopted};
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
    let steps = lazy.iter().zip(&diligent).enumerate();
    for (number, (lazy, diligent)) in steps {
        if lazy == diligent {
            continue;
        }
        let only = |these: &[String], those: &[String]| -> String {
            let mut those = those.to_vec();
            let mut lines = these.to_vec();
            lines.retain(|line| match those.iter().position(|that| that == line) {
                Some(place) => {
                    those.remove(place);
                    false
                }
                None => true,
            });
            lines.join("\n  ")
        };
        return Err(format!(
            "after {number} steps the lazy engine differs from the diligent one:\n- {}\n+ {}",
            only(lazy, diligent),
            only(diligent, lazy)
        ));
    }
    if lazy.len() != diligent.len() {
        return Err("the diligent engine takes other steps than the lazy one".to_owned());
    }
    Ok(())
}

/// What was done in each step, in an order that says nothing.
type Trace = Vec<Vec<String>>;

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

    fn name_of(&self, key: PodKey) -> String {
        let pod = self.world.pods.get(&key);
        pod.map_or_else(String::new, |pod| pod.request.node_name.to_string())
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

    /// A pod to which something can still happen.
    fn some_pod(&mut self) -> Option<PodKey> {
        let mut live = self.world.pods();
        live.sort_by(|(one, a), (other, b)| (one.run, a).cmp(&(other.run, b)));
        self.dice.choose(&live).map(|(key, _)| *key)
    }

    /// A task that an agent carries out.
    fn some_task(&mut self) -> Option<PodKey> {
        let mut tasks: Vec<(RunId, &str, PodKey)> = (self.world.tasks())
            .map(|task| (task.key.run, &*task.node_id, task.key))
            .collect();
        tasks.sort_unstable();
        self.dice.choose(&tasks).map(|(_, _, key)| *key)
    }

    fn end_task(&mut self, key: PodKey) {
        let phase = match self.dice.below(4) {
            0 => NodePhase::Failed,
            1 => NodePhase::Running,
            _ => NodePhase::Succeeded,
        };
        self.tell(&format!("task {} of {}: {phase}", key.node.0, key.run.0));
        self.tell_task(key, phase);
    }

    fn tell_task(&mut self, key: PodKey, phase: NodePhase) {
        let outputs = ResultSeen {
            result: Some("{}".into()),
            ..ResultSeen::default()
        };
        let seen = TaskSeen {
            phase,
            message: None,
            outputs,
            exit_code: None,
        };
        self.world.tell_task(key, seen);
    }

    fn some_run(&mut self) -> Option<RunId> {
        let all: Vec<RunId> = self.world.all().collect();
        self.dice.choose(&all).copied()
    }

    /// Lets one thing happen.
    fn happen(&mut self) -> Result<(), String> {
        match self.dice.below(24) {
            0..=2 => {
                if let Some(key) = self.some_pod() {
                    self.tell(&format!("runs {}", self.name_of(key)));
                    self.world.start_pod(key);
                }
            }
            3..=9 => {
                if let Some(key) = self.some_pod() {
                    self.end(key);
                }
            }
            10 => {
                if let Some(key) = self.some_pod() {
                    self.tell(&format!("is deleted {}", self.name_of(key)));
                    self.world.remove_pod(key);
                }
            }
            11 => self.tell_again(),
            12..=13 => {
                if let Some(key) = self.late.pop() {
                    self.tell(&format!("puts out {}", self.name_of(key)));
                    self.tell_outputs(key);
                }
            }
            14..=15 => {
                let seconds = match self.dice.one_in(20) {
                    true => 100_000,
                    false => self.dice.below(100),
                };
                self.tell(&format!("seconds pass {seconds}"));
                self.world.advance(seconds as i64);
            }
            16 => {
                self.tell("crash");
                self.world.crash().map_err(|error| error.to_string())?;
            }
            17 => {
                let at = self.dice.below(4) + 1;
                self.tell(&format!("crash after {at} commits"));
                self.world.crash_later(at);
            }
            18 => self.ask(),
            19 => {
                if let Some(key) = self.some_task() {
                    self.end_task(key);
                }
            }
            20 => self.evict()?,
            21 => self.limit()?,
            22 => self.again()?,
            _ => {
                if let Some(id) = self.some_run() {
                    self.world.settle_some(Some(id));
                }
            }
        }
        Ok(())
    }

    fn evict(&mut self) -> Result<(), String> {
        if let Some(key) = self.some_pod() {
            self.tell(&format!("is evicted {}", self.name_of(key)));
            if let Some(pod) = self.world.pods.get_mut(&key) {
                pod.evict(None);
            }
            self.world.tell_pod(key);
        }
        Ok(())
    }

    /// A semaphore gets another limit, whoever holds it.
    fn limit(&mut self) -> Result<(), String> {
        let limit = 1 + self.dice.below(3);
        self.tell(&format!("the semaphores have room for {limit}"));
        let object = match self.dice.one_in(2) {
            true => {
                format!("{{kind: ConfigMap, metadata: {{name: limits}}, data: {{two: '{limit}'}}}}")
            }
            false => {
                format!("{{kind: SyncLimit, metadata: {{name: shared}}, spec: {{limit: {limit}}}}}")
            }
        };
        self.world.apply(&object).map_err(|error| error.to_string())
    }

    /// A workflow is submitted again, or, seldom, deleted.
    fn again(&mut self) -> Result<(), String> {
        let Some(id) = self.some_run() else {
            return Ok(());
        };
        if self.dice.one_in(6) {
            self.tell(&format!("{} is deleted", id.0));
            self.late.retain(|key| key.run != id);
            self.world.delete(id);
            return Ok(());
        }
        let Some(run) = self.world.run(id).filter(|_| self.submitted < MOST_RUNS) else {
            return Ok(());
        };
        let failed = [WorkflowPhase::Failed, WorkflowPhase::Error];
        let memoized = run.is_over() && run.phase().is_some_and(|phase| failed.contains(&phase));
        let mut workflow = Workflow {
            spec: run.definition().workflow.spec.clone(),
            ..Workflow::default()
        };
        workflow.spec.shutdown = None;
        workflow
            .metadata
            .namespace
            .clone_from(&run.definition().workflow.metadata.namespace);
        workflow.metadata.name = Some(format!("wf{}", self.submitted));
        self.submitted += 1;
        self.tell(&format!("submit {} again, memoized: {memoized}", id.0));
        match memoized {
            true => self.world.resubmit_memoized(id, workflow),
            false => self.world.create(workflow),
        }
        .map(drop)
        .map_err(|error| error.to_string())
    }

    /// A pod ends, well or badly; what it put out may come later.
    fn end(&mut self, key: PodKey) {
        let outcome = self.outcome();
        self.tell(&format!("ends {} {outcome:?}", self.name_of(key)));
        if outcome.exit_code == 0 && self.dice.one_in(4) {
            let now = self.world.now();
            if let Some(pod) = self.world.pods.get_mut(&key) {
                pod.enter("Succeeded", 0, now);
            }
            self.late.push(key);
            self.world.tell_pod(key);
            return;
        }
        self.world.end_pod(key, &outcome);
    }

    fn outcome(&mut self) -> Outcome {
        match self.dice.below(4) {
            0 => Outcome::exit(1 + self.dice.below(3) as i32),
            _ => {
                let result = self.dice.choose(&["1", "[1,2]", "true", "\"x\"", "text"]);
                Outcome {
                    parameters: vec![("o".to_owned(), self.dice.below(3).to_string())],
                    result: result.map(|text| (*text).to_owned()),
                    ..Outcome::default()
                }
            }
        }
    }

    fn tell_outputs(&mut self, key: PodKey) {
        let outcome = Outcome {
            exit_code: 0,
            ..self.outcome()
        };
        let seen = ResultSeen {
            parameters: vec![("o".into(), "0".into())],
            result: Some(outcome.result.as_deref().unwrap_or("[]").into()),
            complete: true,
            ..ResultSeen::default()
        };
        self.world.tell_result(key, seen);
    }

    /// An older state of a pod is told, or one that is known already.
    fn tell_again(&mut self) {
        let mut keys: Vec<(RunId, &str, PodKey)> = (self.world.all_pods())
            .map(|pod| {
                (
                    pod.request.key.run,
                    &*pod.request.node_name,
                    pod.request.key,
                )
            })
            .collect();
        keys.sort_unstable();
        if let Some(&(_, _, key)) = self.dice.choose(&keys) {
            let forgotten = self.world.pods.get(&key).is_some_and(|pod| pod.forgotten);
            if !(forgotten && self.retried) {
                self.tell(&format!("is told again {}", self.name_of(key)));
                self.world.tell_pod(key);
            }
        }
    }

    fn ask(&mut self) {
        let Some(id) = self.some_run() else {
            return;
        };
        let command = match self.dice.below(10) {
            0..=2 => Command::Suspend,
            3..=6 => Command::Resume { selector: None },
            7 => Command::Stop {
                selector: None,
                message: None,
            },
            8 => Command::Terminate,
            _ => {
                let template = NodeSelector::only("templateName", "t1");
                let (successful, from) = match self.dice.below(4) {
                    0 => (true, None),
                    1 => (false, Some(template.clone())),
                    _ => (false, None),
                };
                let selector = successful.then(|| template.clone());
                let choice = RestartChoice {
                    restart_successful: successful,
                    selector: selector.as_ref(),
                    from: from.as_ref(),
                    new_parameters: false,
                    revision: None,
                };
                let can = self
                    .world
                    .run(id)
                    .is_some_and(|run| run.is_over() && run.plan_restart(choice).is_ok());
                if !can {
                    return;
                }
                self.retried = true;
                self.late.retain(|key| key.run != id);
                Command::Retry {
                    restart_successful: successful,
                    selector,
                    parameters: Vec::new(),
                    from,
                    revision: None,
                }
            }
        };
        self.tell(&format!("asks {command:?} of {}", id.0));
        match command {
            Command::Stop { .. } | Command::Terminate => self.world.ask_later(id, command),
            // Written into the status before the controller looks, as `argosy sim` has it.
            _ => self.world.ask_now(id, command),
        }
    }

    /// What must hold at every settled instant.
    fn check(&mut self) -> Result<(), String> {
        let runs: Vec<RunId> = self.world.all().collect();
        // Taking up a run anew from its status costs more than all else.
        let adopt = self.dice.one_in(4);
        self.note_step(&runs);
        // What is looked at in the first play need not be in the second.
        if self.diligence == Diligence::Diligent {
            return Ok(());
        }
        for id in runs {
            let Some(run) = self.world.run(id) else {
                continue;
            };
            // What has ended, and was found right since, stays as it is.
            let turns = run.is_over().then(|| self.world.stored_turns(id));
            if turns.is_some() && self.found_over.get(&id) == turns.as_ref() {
                continue;
            }
            check(&self.world, id)?;
            if adopt {
                check_adopted(&self.world, id)?;
                self.found_over.extend(turns.map(|turns| (id, turns)));
            }
        }
        // What a pod has done is not done again, unless a user asks for it.
        let mut done: BTreeMap<(RunId, &str), bool> = BTreeMap::new();
        for pod in self.world.all_pods().filter(|_| !self.retried) {
            let name = &*pod.request.node_name;
            let before = done.entry((pod.request.key.run, name)).or_default();
            if *before {
                return Err(format!("the node {name} was started again after its end"));
            }
            *before = pod.has_ended();
        }
        let mut live: BTreeMap<(RunId, u32), u32> = BTreeMap::new();
        for (key, name) in self.world.pods() {
            let count = live.entry((key.run, key.node.0)).or_default();
            *count += 1;
            let told = self.world.pods.get(&key).is_some_and(|pod| pod.told_to_end);
            if *count > 1 && !told {
                return Err(format!("the node {name} has two pods at once"));
            }
        }
        Ok(())
    }

    /// Keeps what was done since the last step, and how the runs stand.
    fn note_step(&mut self, runs: &[RunId]) {
        let mut step = self.world.trace.replace(Vec::new()).unwrap_or_default();
        for &id in runs {
            let status = self.world.status(id);
            for (node_id, node) in &status.nodes {
                let phase = node.phase.map(|phase| phase.as_str());
                step.push(format!("{} {node_id} {phase:?} {}", id.0, node.message));
            }
            step.push(format!("{} {:?} {}", id.0, status.phase, status.message));
        }
        step.sort_unstable();
        self.steps.push(step);
    }

    /// Lets all pods end well, time pass and every run come to its end.
    fn finish(&mut self) -> Result<(), String> {
        self.tell("comes to its end");
        for _ in 0..MOST_ROUNDS {
            let runs: Vec<RunId> = self.world.all().collect();
            let open: Vec<RunId> = runs
                .into_iter()
                .filter(|&id| {
                    let phase = self.world.run(id).and_then(|run| run.phase());
                    self.world.run(id).is_some() && !phase.is_some_and(WorkflowPhase::is_completed)
                })
                .collect();
            if open.is_empty() {
                return self.check_end();
            }
            for id in open {
                self.world.ask_later(id, Command::Resume { selector: None });
            }
            while let Some(key) = self.late.pop() {
                self.tell_outputs(key);
            }
            let tasks: Vec<PodKey> = self.world.tasks().map(|task| task.key).collect();
            for key in tasks {
                self.tell_task(key, NodePhase::Succeeded);
            }
            let pods = self.world.pods();
            for (key, _) in pods {
                self.world.end_pod(
                    key,
                    &Outcome {
                        parameters: vec![("o".to_owned(), "0".to_owned())],
                        result: Some("[1]".to_owned()),
                        ..Outcome::default()
                    },
                );
            }
            self.world.settle();
            self.world.advance(1_000);
            self.check()?;
        }
        let pods: Vec<String> = (self.world.all_pods())
            .map(|pod| format!("{} {} gone {}", pod.name(), pod.phase(), pod.gone))
            .collect();
        self.tell(&pods.join(", "));
        let open: Vec<String> = (self.world.all())
            .map(|id| self.world.status(id))
            .filter(|status| !status.phase.is_some_and(WorkflowPhase::is_completed))
            .flat_map(|status| status.nodes.into_values())
            .filter(|node| !node.phase.is_some_and(|phase| phase.is_fulfilled()))
            .map(|node| serde_json::to_string(&node).unwrap_or_default())
            .collect();
        Err(format!("a run never ends: {}", open.join("\n")))
    }

    fn check_end(&mut self) -> Result<(), String> {
        for view in self.world.locks() {
            if !view.holders.is_empty() || !view.waiting.is_empty() {
                return Err(format!("the dead hold the lock {}", view.lock.name));
            }
        }
        Ok(())
    }
}
