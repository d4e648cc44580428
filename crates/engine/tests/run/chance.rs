//! Courses by chance: whatever happens to pods, claims and the clock, and whatever is asked, what
//! is stored tells the run, and the run ends with all that it made. The same seed gives the same
//! courses; `CHANCE_ROUNDS` asks for more of them, `CHANCE_SEED` for others.

use argosy_engine::effect::Effect;
use argosy_engine::fact::{ClaimSeen, Command, ContainerSeen, Fact, PodPhase, PodSeen, ResultSeen};
use argosy_engine::ids::{PodKey, Seconds};

use crate::{Bench, ended, pod, running, waiting};

const WORKFLOWS: [&str; 5] = [
    // Steps with loops, retries, a daemon, a container set and all that is left behind.
    "
spec:
  entrypoint: main
  onExit: leaf
  podGC: {strategy: OnPodCompletion}
  ttlStrategy: {secondsAfterCompletion: 60}
  podDisruptionBudget: {minAvailable: 1}
  volumeClaimGC: {strategy: OnWorkflowCompletion}
  volumeClaimTemplates:
  - metadata: {name: work}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  workflowMetadata: {labels: {a: b}, labelsFrom: {c: {expression: workflow.name}}}
  metrics: {prometheus: [{name: whole, help: h, counter: {value: '1'}}]}
  templates:
  - name: main
    steps:
    - - {name: set, template: set}
      - {name: many, template: again, withItems: [1, 2], continueOn: {failed: true}}
    - - {name: serve, template: daemon}
    - - {name: last, template: leaf, when: '\"{{steps.set.status}}\" == Succeeded'}
  - name: set
    metrics: {prometheus: [{name: ended, help: h, counter: {value: '1'}}]}
    containerSet:
      containers:
      - {name: a, image: busybox}
      - {name: main, image: busybox, dependencies: [a]}
  - name: again
    retryStrategy: {limit: 2, retryPolicy: Always, backoff: {duration: 3s, factor: 2}}
    metrics: {prometheus: [{name: ended, help: h, counter: {value: '1'}}]}
    container: {image: busybox}
  - name: daemon
    daemon: true
    metrics: {prometheus: [{name: ended, help: h, counter: {value: '1'}}]}
    container: {image: busybox}
  - name: leaf
    metrics: {prometheus: [{name: ended, help: h, counter: {value: '1'}}]}
    container: {image: busybox}
",
    // A DAG with hooks, a retried set, suspension and a deadline.
    "
spec:
  entrypoint: main
  activeDeadlineSeconds: 60
  podGC: {strategy: OnWorkflowSuccess, deleteDelayDuration: 5s}
  templates:
  - name: main
    dag:
      tasks:
      - {name: a, template: set}
      - {name: b, template: leaf, depends: a.Succeeded || a.Failed, hooks: {exit: {template: leaf}}}
      - {name: wait, template: wait, depends: a}
      - {name: c, template: nested, depends: b && wait}
      - {name: d, template: leaf, depends: a.Failed}
  - name: nested
    steps: [[{name: x, template: leaf}, {name: z, template: leaf, hooks: {running: {template: leaf, expression: steps.z.status == \"Running\"}}}]]
  - name: wait
    suspend: {duration: '7'}
  - name: set
    retryStrategy: {limit: 1}
    containerSet:
      retryStrategy: {retries: 1}
      containers: [{name: a, image: busybox}, {name: b, image: busybox}]
  - name: leaf
    activeDeadlineSeconds: 20
    metrics: {prometheus: [{name: ended, help: h, gauge: {value: '{{duration}}'}}, {name: lasts, help: h, gauge: {realtime: true, value: '{{duration}}'}}]}
    container: {image: busybox}
",
    // Failing fast, values that go on, and pods that may be made anew.
    "
spec:
  entrypoint: main
  parallelism: 2
  podGC: {strategy: OnPodSuccess}
  artifactGC: {strategy: OnWorkflowCompletion}
  templates:
  - name: main
    failFast: true
    parallelism: 1
    inputs: {parameters: [{name: p, value: x}]}
    steps:
    - - {name: give, template: give}
    - - {name: take, template: take, withSequence: {count: '3'}, arguments: {parameters: [{name: v, value: '{{steps.give.outputs.parameters.o}}'}]}}
  - name: give
    outputs: {parameters: [{name: o, valueFrom: {path: /o, default: d}}]}
    container: {image: busybox}
  - name: take
    inputs: {parameters: [{name: v}]}
    pendingTimeout: 30s
    retryStrategy: {limit: 1, expression: 'lastRetry.exitCode != \"2\"'}
    container: {image: busybox, args: ['{{inputs.parameters.v}}']}
",
    // The workflow is one pod.
    "
spec:
  entrypoint: main
  volumeClaimTemplates:
  - metadata: {name: work}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  hooks:
    exit: {template: after}
    running: {template: after, expression: workflow.status == \"Running\"}
  templates:
  - name: main
    retryStrategy: {limit: 3, backoff: {duration: 2s, maxDuration: 10s}}
    container: {image: busybox}
  - name: after
    suspend: {}
",
    // Daemons, and steps that wait for somebody.
    "
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: serve, template: daemon}
      - {name: inner, template: inner}
    - - {name: ask, template: ask}
      - {name: use, template: leaf, arguments: {parameters: [{name: ip, value: '{{steps.serve.ip}}'}]}}
  - name: inner
    dag:
      tasks:
      - {name: serve, template: daemon}
      - {name: use, template: leaf, dependencies: [serve], arguments: {parameters: [{name: ip, value: '{{tasks.serve.ip}}'}]}}
  - name: daemon
    daemon: true
    retryStrategy: {limit: 1}
    container: {image: busybox}
  - name: ask
    suspend: {}
    outputs: {parameters: [{name: said, valueFrom: {supplied: {}, default: nothing}}]}
  - name: leaf
    inputs: {parameters: [{name: ip}]}
    container: {image: busybox}
",
];

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// One course: what happened is kept for when something does not hold.
struct Course {
    bench: Bench,
    chance: Chance,
    /// How many claims have been answered.
    claims: usize,
    retried: bool,
}

impl Course {
    fn containers(&mut self, key: PodKey, state: usize) -> Vec<ContainerSeen> {
        let request = self.bench.pods.iter().find(|pod| pod.key == key);
        let spec = request.and_then(|request| request.pod.spec.clone());
        let names: Vec<String> = spec
            .map(|spec| spec.containers.into_iter().map(|one| one.name).collect())
            .unwrap_or_default();
        let now = self.bench.now;
        let begun = Seconds(now.0 - 2);
        let mut one = |name: &str| match state {
            0 => waiting(name, "ContainerCreating"),
            1 => match self.chance.below(3) {
                0 => ended(name, self.chance.below(2) as i32, begun, now),
                _ => running(name, begun),
            },
            2 => ended(name, 0, begun, now),
            _ => ended(name, self.chance.below(3) as i32, begun, now),
        };
        names.iter().map(|name| one(name)).collect()
    }

    fn see(&mut self, key: PodKey) {
        let state = self.chance.below(4);
        let phase = [
            PodPhase::Pending,
            PodPhase::Running,
            PodPhase::Succeeded,
            PodPhase::Failed,
        ][state];
        let containers = match self.chance.below(5) {
            0 => Vec::new(),
            _ => self.containers(key, state),
        };
        let reason = ["Evicted", "NodeLost", "DeadlineExceeded"];
        let mut seen: PodSeen = pod(phase, containers);
        if phase == PodPhase::Failed && self.chance.below(3) == 0 {
            seen.reason = Some(reason[self.chance.below(3)].into());
            seen.message = Some("because".into());
        }
        if phase == PodPhase::Running {
            seen.ip = Some("10.0.0.1".into());
        }
        seen.deleted = self.chance.below(12) == 0;
        self.bench.tell(Fact::PodSeen(key, seen));
    }

    fn give(&mut self, key: PodKey) {
        let result = ResultSeen {
            parameters: match self.chance.below(2) {
                0 => vec![("o".into(), "given".into())],
                _ => Vec::new(),
            },
            result: (self.chance.below(2) == 0).then(|| "text".into()),
            progress: (self.chance.below(2) == 0).then_some((1, 3)),
            error: (self.chance.below(10) == 0).then(|| "not collected".into()),
            complete: self.chance.below(3) > 0,
            ..ResultSeen::default()
        };
        self.bench.tell(Fact::ResultSeen(key, result));
    }

    fn answer_claims(&mut self, well: bool) {
        let asked: Vec<Box<str>> = self
            .bench
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::MakeClaim { claim, .. } => {
                    Some(claim.metadata.name.clone().unwrap_or_default().into())
                }
                _ => None,
            })
            .collect();
        for name in asked.into_iter().skip(self.claims) {
            let seen = match self.chance.below(12) {
                0 if !well => ClaimSeen::Refused("no".into()),
                1 | 2 if !well => {
                    let seen = ClaimSeen::Waiting("soon".into());
                    self.bench.tell(Fact::ClaimSeen(name, seen));
                    return;
                }
                _ => ClaimSeen::Made,
            };
            self.claims += 1;
            self.bench.tell(Fact::ClaimSeen(name, seen));
        }
    }

    fn happen(&mut self) {
        let keys: Vec<PodKey> = self.bench.pods.iter().map(|pod| pod.key).collect();
        let key = (!keys.is_empty()).then(|| keys[self.chance.below(keys.len())]);
        match (self.chance.below(16), key) {
            (0..=6, Some(key)) => self.see(key),
            (7..=9, Some(key)) => self.give(key),
            (10, _) => {
                let seconds = self.chance.below(9) as i64;
                self.bench.advance(seconds);
            }
            (11, _) => self.answer_claims(false),
            (12, _) => self.bench.reload(),
            (13, _) if self.chance.below(3) == 0 => {
                let pods = &mut self.bench.pods;
                pods.retain(|pod| pod.key.node.0 % 3 > 0);
                let left = pods.iter().map(|pod| pod.key).collect();
                self.bench.tell(Fact::Inventory(left));
            }
            (14, _) => {
                let command = match self.chance.below(12) {
                    0 => Command::Stop {
                        selector: None,
                        message: Some("enough".into()),
                    },
                    1 => Command::Terminate,
                    2..=4 => Command::Suspend,
                    5 => {
                        self.retried = true;
                        Command::Retry {
                            restart_successful: false,
                            selector: None,
                            parameters: Vec::new(),
                            from: None,
                            revision: None,
                        }
                    }
                    _ => Command::Resume { selector: None },
                };
                self.bench.ask(command);
            }
            _ => self.answer_claims(true),
        }
    }

    /// All goes well from here on.
    fn finish(&mut self) {
        for _ in 0..200 {
            if self.bench.run.is_over() {
                return;
            }
            self.bench.ask(Command::Resume { selector: None });
            self.answer_claims(true);
            let keys: Vec<PodKey> = self.bench.pods.iter().map(|pod| pod.key).collect();
            for key in keys {
                let result = ResultSeen {
                    parameters: vec![("o".into(), "given".into())],
                    complete: true,
                    ..ResultSeen::default()
                };
                self.bench.tell(Fact::ResultSeen(key, result));
                let seen = pod(PodPhase::Succeeded, self.containers(key, 2));
                self.bench.tell(Fact::PodSeen(key, seen));
            }
            self.bench.advance(5);
        }
        panic!("it does not end: {:#}", self.bench.shown());
    }

    /// What must hold of a run that is over.
    fn over(&self) {
        let bench = &self.bench;
        let status = bench.status();
        assert!(bench.pods.is_empty(), "pods are left");
        for node in status.nodes.values() {
            let phase = node.phase.map(|phase| phase.to_string());
            let open = matches!(phase.as_deref(), None | Some("Pending" | "Running"));
            assert!(!open, "{} is {phase:?}", node.name);
        }
        let count =
            |what: fn(&Effect) -> bool| bench.effects.iter().filter(|one| what(one)).count();
        if self.retried {
            return;
        }
        assert_eq!(count(|one| matches!(one, Effect::RunEnded)), 1);
        let observed = |name: &str| {
            let told = bench.observations.iter();
            told.filter(|told| told.name == name).count()
        };
        let whole = observed("whole");
        // As in Argo, one whose claims can't be made tells none, nor one whose entry template is at fault.
        let defined = bench.run.definition().workflow.spec.metrics.is_some();
        let goes_on = !status.nodes.is_empty()
            && !status
                .message
                .starts_with("error in entry template execution");
        assert_eq!(whole, usize::from(defined && goes_on));
        let told = observed("ended");
        let ran = status.nodes.values().filter(|node| {
            let kind = node.r#type.map(|kind| kind.to_string());
            let empty = kind.as_deref() == Some("Retry") && node.children.is_empty();
            let with = bench.run.definition().workflow.spec.templates.iter();
            let mut with = with.filter(|template| template.metrics.is_some());
            (kind.as_deref() == Some("Pod") || empty)
                && with.any(|template| template.name == node.template_name)
        });
        assert_eq!(told, ran.count(), "metrics: {:#}", bench.shown());
    }
}

/// A course of this workflow.
fn run_one(workflow: &str, seed: u64) {
    let mut course = Course {
        bench: Bench::with(workflow, "nodeEvents: {enabled: true}", |_| {}),
        chance: Chance(seed | 1),
        claims: 0,
        retried: false,
    };
    for _ in 0..course.chance.below(120) {
        course.happen();
    }
    course.finish();
    course.over();
}

#[test]
fn whatever_happens_the_run_ends_whole() {
    let mut seed = number("CHANCE_SEED", 0x5eed);
    for round in 0..number("CHANCE_ROUNDS", 12) {
        for (which, workflow) in WORKFLOWS.iter().enumerate() {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let outcome = std::panic::catch_unwind(|| run_one(workflow, seed));
            assert!(
                outcome.is_ok(),
                "round {round}, workflow {which}, seed {seed:#x}"
            );
        }
    }
}
