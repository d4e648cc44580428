//! What is seen of pods, and what that makes of their nodes.

use argosy_engine::effect::Effect;
use argosy_engine::fact::{ContainerKind, PodPhase, PodSeen};
use argosy_engine::ids::Seconds;

use crate::{Bench, START, ended, pod, running, waiting};

const LEAF: &str = "
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox}
";

fn failed(reason: &str, message: &str) -> PodSeen {
    PodSeen {
        reason: Some(reason.into()),
        message: (!message.is_empty()).then(|| message.into()),
        ..pod(PodPhase::Failed, Vec::new())
    }
}

#[test]
fn pods_that_failed_before_they_began_are_made_anew() {
    let config = "failedPodRestart: {enabled: true, maxRestarts: 2}";
    let mut bench = Bench::with(LEAF, config, |_| {});
    for restarts in 1..=2 {
        let before = bench.key("wf");
        bench.see("wf", failed("Evicted", "The node was low on memory"));
        let message = "Pod auto-restarting due to Evicted: The node was low on memory";
        assert_eq!(
            bench.phase("wf"),
            ("Pending".to_owned(), message.to_owned())
        );
        assert_eq!(bench.node("wf").failed_pod_restarts, restarts);
        assert!(bench.effects.iter().any(
            |effect| matches!(effect, Effect::DeletePod { pod, name, .. } if *pod == before && &**name == "wf")
        ));
        assert_eq!(bench.key("wf").incarnation, before.incarnation + 1);
    }
    bench.see("wf", failed("Evicted", "again"));
    assert_eq!(bench.phase("wf"), ("Failed".to_owned(), "again".to_owned()));
}

#[test]
fn not_every_failure_is_a_reason_to_begin_anew() {
    let began = |state| PodSeen {
        containers: vec![state],
        ..failed("Evicted", "m")
    };
    let cases = [
        (true, failed("NodeShutdown", "m"), "Pending"),
        (true, failed("NodeAffinity", ""), "Pending"),
        (true, failed("UnexpectedAdmissionError", ""), "Pending"),
        (true, began(waiting("main", "ContainerCreating")), "Pending"),
        (
            true,
            began(ended("main", 137, Seconds(0), START)),
            "Pending",
        ),
        (true, began(ended("main", 137, START, START)), "Failed"),
        (true, began(running("main", START)), "Failed"),
        (true, failed("OOMKilled", "m"), "Failed"),
        (false, failed("Evicted", "m"), "Failed"),
    ];
    for (enabled, seen, phase) in cases {
        let config = format!("failedPodRestart: {{enabled: {enabled}}}");
        let mut bench = Bench::with(LEAF, &config, |_| {});
        bench.see("wf", seen.clone());
        assert_eq!(bench.phase("wf").0, phase, "{seen:?}");
    }
}

#[test]
fn a_pod_says_why_it_waits() {
    let with = |reason: &str, message: &str| PodSeen {
        reason: (!reason.is_empty()).then(|| reason.into()),
        message: (!message.is_empty()).then(|| message.into()),
        ..pod(PodPhase::Pending, Vec::new())
    };
    let mut pulling = with("Unschedulable", "no room");
    pulling.containers = vec![waiting("main", "ImagePullBackOff")];
    for (seen, expected) in [
        (with("", ""), ""),
        (
            with("Unschedulable", "0/3 nodes are available"),
            "Unschedulable: 0/3 nodes are available",
        ),
        (with("Unschedulable", ""), "Unschedulable"),
        (pulling, "ImagePullBackOff"),
    ] {
        let mut bench = Bench::new(LEAF);
        bench.see("wf", seen);
        assert_eq!(
            bench.phase("wf"),
            ("Pending".to_owned(), expected.to_owned())
        );
        bench.runs("wf");
        assert_eq!(bench.phase("wf"), ("Running".to_owned(), String::new()));
    }
}

#[test]
fn a_pod_says_why_it_failed() {
    let mut init = ended("init", 2, START, START);
    init.kind = ContainerKind::Init;
    let main = |code| ended("main", code, START, START);
    let wait = |code| ended("wait", code, START, START);
    let supervisor = |code| ended("supervisor", code, START, START);
    let cases = [
        (
            vec![],
            "Failed",
            "can't find failed message for pod wf namespace default",
        ),
        (vec![main(1)], "Failed", "main: Error (exit code 1)"),
        (
            vec![main(1), init.clone()],
            "Error",
            "init: Error (exit code 2)",
        ),
        (vec![wait(1), main(0)], "Error", "wait: Error (exit code 1)"),
        (
            vec![supervisor(1), main(65)],
            "Error",
            "supervisor: Error (exit code 1)",
        ),
        (
            vec![supervisor(1), main(3)],
            "Failed",
            "main: Error (exit code 3)",
        ),
        (
            vec![main(0), ended("side", 3, START, START)],
            "Failed",
            "side: Error (exit code 3)",
        ),
        (
            vec![main(0), wait(0), ended("side", 137, START, START)],
            "Succeeded",
            "",
        ),
        (
            vec![main(0)],
            "Failed",
            "pod failed: wait container did not complete successfully",
        ),
        (
            vec![wait(0)],
            "Failed",
            "pod failed: main container did not complete successfully",
        ),
        (
            vec![waiting("main", "ErrImagePull")],
            "Error",
            "Pod failed before main container starts due to ErrImagePull: ",
        ),
    ];
    for (containers, phase, message) in cases {
        let mut bench = Bench::new(LEAF);
        bench.see("wf", pod(PodPhase::Failed, containers.clone()));
        assert_eq!(
            bench.phase("wf"),
            (phase.to_owned(), message.to_owned()),
            "{containers:?}"
        );
    }
}

#[test]
fn a_daemon_that_ends_by_itself_has_failed() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: d, template: daemon}], [{name: a, template: leaf}]]
  - name: daemon
    daemon: true
    container: {image: busybox}
  - name: leaf
    container: {image: busybox}
",
    );
    bench.runs("wf[0].d");
    assert_eq!(bench.node("wf[0].d").daemoned, Some(true));
    let seen = vec![ended("main", 0, START, START)];
    bench.see("wf[0].d", pod(PodPhase::Succeeded, seen));
    assert_eq!(bench.phase("wf[0].d").0, "Failed");
    assert_eq!(bench.node("wf[0].d").daemoned, None);
    bench.exits("wf[1].a", 0);
    assert_eq!(bench.end().0, "Succeeded");
}

#[test]
fn a_pods_annotation_gives_its_first_progress() {
    let annotated = LEAF.replace(
        "container:",
        "metadata: {annotations: {workflows.argoproj.io/progress: 0/100}}\n    container:",
    );
    let mut bench = Bench::new(&annotated);
    let progress = bench.status().progress;
    assert_eq!((progress.done, progress.total), (0, 100));
    bench.exits("wf", 0);
    let progress = bench.status().progress;
    assert_eq!((progress.done, progress.total), (100, 100));
}

#[test]
fn everything_that_ran_counts_in_resources() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: a, template: leaf}]]
  - name: leaf
    inputs: {parameters: [{name: cpu, value: '3'}]}
    container: {image: busybox, resources: {requests: {cpu: '{{inputs.parameters.cpu}}'}, limits: {nvidia.com/gpu: '1'}}}
    sidecars: [{name: side, image: busybox}]
",
    );
    let at = START;
    let containers = vec![
        ended("main", 0, at, at.plus(5)),
        ended("side", 0, at, at.plus(25)),
        ended("wait", 0, at, at.plus(6)),
    ];
    let key = bench.key("wf[0].a");
    bench.tell(argosy_engine::fact::Fact::ResultSeen(
        key,
        argosy_engine::fact::ResultSeen {
            complete: true,
            ..Default::default()
        },
    ));
    bench.see("wf[0].a", pod(PodPhase::Succeeded, containers));
    let expected = [("cpu", 17), ("memory", 36), ("nvidia.com/gpu", 5)]
        .map(|(name, seconds)| (name.to_owned(), seconds))
        .into();
    assert_eq!(bench.node("wf[0].a").resources_duration, expected);
    assert_eq!(bench.node("wf").resources_duration, expected);
    assert_eq!(bench.status().resources_duration, expected);
}

#[test]
fn a_retried_daemon_is_begun_anew() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: d, template: daemon}], [{name: a, template: leaf}]]
  - name: daemon
    daemon: true
    retryStrategy: {limit: 1}
    container: {image: busybox}
  - name: leaf
    container: {image: busybox}
",
    );
    let mut up = pod(PodPhase::Running, vec![running("main", START)]);
    up.ip = Some("10.0.0.1".into());
    bench.see("wf[0].d(0)", up.clone());
    let seen = vec![ended("main", 1, START, START)];
    bench.see("wf[0].d(0)", pod(PodPhase::Failed, seen));
    assert_eq!(bench.phase("wf[0].d(0)").0, "Failed");
    assert_eq!(bench.phase("wf[0].d(1)").0, "Pending");
    assert_eq!(bench.node("wf[0].d").daemoned, Some(true));
    up.ip = Some("10.0.0.2".into());
    bench.see("wf[0].d(1)", up);
    assert_eq!(bench.node("wf[0].d").pod_ip, "10.0.0.2");
    bench.exits("wf[1].a", 0);
    assert_eq!(bench.end().0, "Succeeded");
    assert_eq!(bench.phase("wf[0].d(1)").0, "Succeeded");
    assert!(bench.pods.is_empty());
}

#[test]
fn a_daemon_that_fails_beside_others_counts() {
    for parallel in [
        "steps: [[{name: d, template: daemon}, {name: a, template: leaf}]]",
        "dag: {tasks: [{name: d, template: daemon}, {name: a, template: leaf}]}",
    ] {
        let mut bench = Bench::new(&format!(
            "
spec:
  entrypoint: main
  templates:
  - name: main
    {parallel}
  - name: daemon
    daemon: true
    container: {{image: busybox}}
  - name: leaf
    container: {{image: busybox}}
"
        ));
        let inside = if parallel.starts_with("dag") {
            "wf"
        } else {
            "wf[0]"
        };
        bench.runs(&format!("{inside}.d"));
        let seen = vec![ended("main", 1, START, START)];
        bench.see(&format!("{inside}.d"), pod(PodPhase::Failed, seen));
        bench.exits(&format!("{inside}.a"), 0);
        assert_eq!(bench.end().0, "Failed", "{parallel}");
    }
}

#[test]
fn late_news_of_a_pod_changes_nothing() {
    let with_result = LEAF.replace(
        "container:",
        "outputs: {parameters: [{name: o, valueFrom: {path: /o}}]}\n    container:",
    );
    let mut bench = Bench::new(&with_result);
    let key = bench.key("wf");
    bench.runs("wf");
    bench.see(
        "wf",
        pod(
            PodPhase::Pending,
            vec![waiting("main", "ContainerCreating")],
        ),
    );
    assert_eq!(bench.phase("wf"), ("Running".to_owned(), String::new()));
    let seen = vec![ended("main", 0, START, START)];
    bench.see("wf", pod(PodPhase::Succeeded, seen));
    bench.runs("wf");
    let result = argosy_engine::fact::ResultSeen {
        parameters: vec![("o".into(), "x".into())],
        complete: true,
        ..Default::default()
    };
    bench.tell(argosy_engine::fact::Fact::ResultSeen(key, result));
    assert_eq!(bench.end().0, "Succeeded");
    assert!(bench.run.is_over() && bench.pods.is_empty());
}

#[test]
fn a_pod_that_waits_for_its_outputs_is_forgotten_with_its_node() {
    let with_result = LEAF.replace(
        "container:",
        "outputs: {parameters: [{name: o, valueFrom: {path: /o}}]}\n    container:",
    );
    let mut bench = Bench::new(&with_result);
    let seen = vec![ended("main", 0, START, START)];
    bench.see("wf", pod(PodPhase::Succeeded, seen));
    assert_eq!(bench.pods.len(), 1);
    bench.ask(argosy_engine::fact::Command::Terminate);
    assert_eq!(bench.end().0, "Failed");
    assert!(bench.pods.is_empty());
}
