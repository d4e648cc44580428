//! Container sets: a node for each container, and what becomes of it.

use argosy_engine::fact::{Command, PodPhase};
use argosy_engine::ids::Seconds;

use crate::{Bench, START, ended, pod, running, waiting};

const SET: &str = "
spec:
  entrypoint: main
  activeDeadlineSeconds: 100
  templates:
  - name: main
    steps: [[{name: set, template: set}], [{name: next, template: next}]]
  - name: set
    containerSet:
      containers:
      - {name: a, image: busybox, resources: {requests: {cpu: '2'}}}
      - {name: b, image: busybox, dependencies: [a]}
      - {name: c, image: busybox, dependencies: [a]}
      - {name: main, image: busybox, dependencies: [b, c]}
  - name: next
    container: {image: busybox}
";

fn phases(bench: &Bench) -> Vec<(String, String)> {
    ["a", "b", "c", "main"]
        .map(|name| bench.phase(&format!("wf[0].set.{name}")))
        .to_vec()
}

fn plain(phases: [&str; 4]) -> Vec<(String, String)> {
    phases
        .map(|phase| (phase.to_owned(), String::new()))
        .to_vec()
}

#[test]
fn each_container_has_a_node_with_its_phase() {
    let mut bench = Bench::new(SET);
    assert_eq!(phases(&bench), plain(["Pending"; 4]));
    let at = START;
    let seen = vec![
        ended("a", 0, at, at.plus(3)),
        running("b", at),
        waiting("c", "PodInitializing"),
    ];
    bench.see("wf[0].set", pod(PodPhase::Running, seen));
    assert_eq!(
        phases(&bench),
        plain(["Succeeded", "Running", "Pending", "Pending"])
    );
    bench.advance(5);
    let all = ["a", "b", "c", "main"].map(|name| ended(name, 0, at, at.plus(3)));
    let key = bench.key("wf[0].set");
    bench.see("wf[0].set", pod(PodPhase::Succeeded, all.to_vec()));
    assert_eq!(
        bench.phase("wf[0].set").0,
        "Running",
        "its result is not in"
    );
    bench.tell(argosy_engine::fact::Fact::ResultSeen(
        key,
        argosy_engine::fact::ResultSeen {
            complete: true,
            ..Default::default()
        },
    ));
    assert_eq!(phases(&bench), plain(["Succeeded"; 4]));
    let set = bench.node("wf[0].set");
    assert_eq!(
        set.outputs.and_then(|outputs| outputs.exit_code).as_deref(),
        Some("0")
    );
    let used = |name: &str| set.resources_duration.get(name).copied();
    assert_eq!((used("cpu"), used("memory")), (Some(6), Some(12)));
    let (a, last) = (bench.node("wf[0].set.a"), bench.node("wf[0].set.main"));
    assert_eq!(a.boundary_id, set.id);
    assert_eq!(a.display_name, "a");
    assert_eq!(a.template_name, "set");
    assert_eq!(set.children, std::slice::from_ref(&a.id));
    assert_eq!(a.children.len(), 2);
    assert_eq!(
        last.children,
        [bench.node("wf[1]").id],
        "what comes next hangs on the last"
    );
    assert_eq!(bench.status().progress.total, 6);
}

#[test]
fn bad_ends_of_containers_are_told_apart() {
    for (code, phase) in [(1, "Failed"), (64, "Error")] {
        let mut bench = Bench::new(SET);
        let at = bench.now;
        let seen = vec![ended("a", code, at, at), waiting("b", "x")];
        bench.see("wf[0].set", pod(PodPhase::Failed, seen));
        let message = format!("a: Error (exit code {code}): ");
        assert_eq!(bench.phase("wf[0].set.a"), (phase.to_owned(), message));
        let whilst = "Pod Failed whilst container running".to_owned();
        assert_eq!(bench.phase("wf[0].set.b"), ("Failed".to_owned(), whilst));
    }
}

#[test]
fn containers_end_with_their_pod() {
    type Act = fn(&mut Bench);
    let cases: [(Act, &str, &str); 3] = [
        (
            |bench| bench.ask(Command::Terminate),
            "Failed",
            "workflow shutdown with strategy:  Terminate",
        ),
        (
            |bench| bench.advance(100),
            "Failed",
            "Step exceeded its deadline",
        ),
        (
            |bench| {
                let mut gone = pod(PodPhase::Running, Vec::new());
                gone.deleted = true;
                bench.see("wf[0].set", gone);
            },
            "Error",
            "container deleted",
        ),
    ];
    for (act, phase, message) in cases {
        let mut bench = Bench::new(SET);
        let seen = vec![
            ended("a", 0, bench.now, bench.now),
            running("b", Seconds(0)),
        ];
        bench.see("wf[0].set", pod(PodPhase::Running, seen));
        act(&mut bench);
        assert_eq!(
            bench.phase("wf[0].set.b"),
            (phase.to_owned(), message.to_owned())
        );
    }
}

#[test]
fn a_retried_set_has_containers_below_each_attempt() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: set
  templates:
  - name: set
    retryStrategy: {limit: 1}
    containerSet: {containers: [{name: main, image: busybox}]}
",
    );
    let seen = vec![ended("main", 3, bench.now, bench.now)];
    bench.see("wf(0)", pod(PodPhase::Failed, seen));
    assert_eq!(bench.phase("wf(0).main").0, "Failed");
    assert_eq!(bench.phase("wf(1).main").0, "Pending");
    let flag = bench.node("wf(1).main").node_flag.expect("a flag");
    assert!(flag.retried);
}

#[test]
fn a_retry_runs_a_failed_set_as_a_whole() {
    let mut bench = Bench::new(SET);
    let at = bench.now;
    let seen = vec![ended("a", 0, at, at), ended("b", 1, at, at)];
    bench.see("wf[0].set", pod(PodPhase::Failed, seen));
    assert_eq!(bench.end().0, "Failed");
    bench.ask(Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
        from: None,
        revision: None,
    });
    assert_eq!(phases(&bench), plain(["Pending"; 4]));
    assert_eq!(bench.pods.len(), 1);
}
