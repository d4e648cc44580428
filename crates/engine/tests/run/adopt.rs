//! Runs that are taken up from what they show.

use std::sync::Arc;

use argosy_engine::definition::Definition;
use argosy_engine::fact::{ClaimSeen, Fact, PodPhase, ResultSeen};
use argosy_engine::run::Run;

use crate::{Bench, START, ended, json, pod, running, waiting};

/// Takes the run up from its shown state; it shows the same.
fn check(bench: &Bench) -> Run {
    let workflow = bench.run.workflow();
    let definition = Definition {
        workflow: workflow.clone(),
        ..(**bench.run.definition()).clone()
    };
    let adopted = Run::adopt(
        bench.run.id(),
        Arc::new(definition),
        bench.settings.clone(),
        bench.now,
    )
    .expect("it can be taken up");
    assert_eq!(json(&adopted.workflow()), json(&workflow));
    adopted
}

#[test]
fn containers_are_found_again() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: set, template: set}, {name: other, template: leaf}]]
  - name: set
    retryStrategy: {limit: 1}
    containerSet:
      containers:
      - {name: a, image: busybox}
      - {name: main, image: busybox, dependencies: [a]}
  - name: leaf
    container: {image: busybox}
",
    );
    check(&bench);
    let seen = vec![
        ended("a", 0, START, START.plus(4)),
        running("main", START.plus(4)),
    ];
    bench.see("wf[0].set(0)", pod(PodPhase::Running, seen));
    check(&bench);
    let seen = vec![
        ended("a", 0, START, START.plus(4)),
        ended("main", 1, START, START.plus(9)),
    ];
    bench.see("wf[0].set(0)", pod(PodPhase::Failed, seen));
    check(&bench);
    let seen = vec![waiting("a", "x"), waiting("main", "x")];
    bench.see("wf[0].set(1)", pod(PodPhase::Pending, seen));
    bench.exits("wf[0].other", 0);
    check(&bench);
}

#[test]
fn what_stands_beside_the_nodes_is_kept() {
    let config = "failedPodRestart: {enabled: true}";
    let mut bench = Bench::with(
        "
spec:
  entrypoint: main
  volumeClaimTemplates: [{metadata: {name: work}}]
  workflowMetadata: {labelsFrom: {z: {expression: \"'x'\"}}}
  templates:
  - name: main
    container: {image: busybox}
    metrics: {prometheus: [{name: m, counter: {value: '1'}}]}
",
        config,
        |_| {},
    );
    bench.tell(Fact::ClaimSeen("wf-work".into(), ClaimSeen::Made));
    let mut evicted = pod(PodPhase::Failed, Vec::new());
    evicted.reason = Some("Evicted".into());
    bench.see("wf", evicted);
    let key = bench.key("wf");
    let progress = ResultSeen {
        progress: Some((3, 9)),
        ..ResultSeen::default()
    };
    bench.tell(Fact::ResultSeen(key, progress));
    let mut adopted = check(&bench);
    assert_eq!(adopted.turn(bench.now).effects, [], "claims are there");
    let main = ended("main", 1, START, START.plus(90));
    bench.see("wf", pod(PodPhase::Failed, vec![main]));
    let conditions = bench.status().conditions;
    assert!(
        conditions
            .iter()
            .any(|condition| condition.r#type == "MetricsError")
    );
    check(&bench);
}
