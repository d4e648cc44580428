//! What happens in a world: one thing at a time, as the dice fall.

use argosy_api::{NodePhase, Workflow, WorkflowPhase};
use argosy_engine::fact::{Command, NodeSelector, ResultSeen, TaskSeen};
use argosy_engine::ids::{PodKey, RunId};
use argosy_engine::run::RestartChoice;

use super::{MOST_RUNS, Play};
use crate::pods::Outcome;

impl Play<'_> {
    /// Lets one thing happen.
    pub(super) fn happen(&mut self) -> Result<(), String> {
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
            20 => self.evict(),
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

    fn name_of(&self, key: PodKey) -> String {
        let pod = self.world.pods.get(&key);
        pod.map_or_else(String::new, |pod| pod.request.node_name.to_string())
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

    pub(super) fn tell_task(&mut self, key: PodKey, phase: NodePhase) {
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

    fn evict(&mut self) {
        if let Some(key) = self.some_pod() {
            self.tell(&format!("is evicted {}", self.name_of(key)));
            if let Some(pod) = self.world.pods.get_mut(&key) {
                pod.evict(None);
            }
            self.world.tell_pod(key);
        }
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

    pub(super) fn tell_outputs(&mut self, key: PodKey) {
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

    /// A user asks for something.
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
            _ => match self.retry(id) {
                Some(command) => command,
                None => return,
            },
        };
        self.tell(&format!("asks {command:?} of {}", id.0));
        match command {
            Command::Stop { .. } | Command::Terminate => self.world.ask_later(id, command),
            // Written into the status before the controller looks, as `argosy sim` has it.
            _ => self.world.ask_now(id, command),
        }
    }

    /// A way to retry a workflow, if it has ended and can be retried so.
    fn retry(&mut self, id: RunId) -> Option<Command> {
        let template = NodeSelector::only("templateName", "t1");
        let (restart_successful, selector, from) = match self.dice.below(4) {
            0 => (true, Some(template), None),
            1 => (false, None, Some(template)),
            _ => (false, None, None),
        };
        let choice = RestartChoice {
            restart_successful,
            selector: selector.as_ref(),
            from: from.as_ref(),
            new_parameters: false,
            revision: None,
        };
        let run = self.world.run(id).filter(|run| run.is_over())?;
        run.plan_restart(choice).ok()?;
        self.retried = true;
        self.late.retain(|key| key.run != id);
        Some(Command::Retry {
            restart_successful,
            selector,
            parameters: Vec::new(),
            from,
            revision: None,
        })
    }
}
