//! How runs go, step by step, against what Argo does.

use argosy_api::NodePhase;
use argosy_engine::fact::Command;
use argosy_engine::ids::RunId;
use argosy_sim::{Outcome, World, check};

fn submitted(yaml: &str) -> (World, RunId) {
    let mut world = World::default();
    let id = world.submit(yaml).expect("the workflow compiles");
    world.settle();
    (world, id)
}

fn phases(world: &World, id: RunId) -> Vec<(String, NodePhase)> {
    let mut nodes: Vec<(String, NodePhase)> = world
        .status(id)
        .nodes
        .into_values()
        .map(|node| (node.name, node.phase.expect("every node has a phase")))
        .collect();
    nodes.sort();
    nodes
}

fn phase_of(world: &World, id: RunId, name: &str) -> String {
    phases(world, id)
        .into_iter()
        .find(|(node, _)| node == name)
        .map_or_else(|| "none".to_owned(), |(_, phase)| phase.to_string())
}

fn sound(world: &World, id: RunId) {
    if let Err(fault) = check(world, id) {
        panic!("{fault}");
    }
}

const DIAMOND: &str = "
metadata: {name: diamond}
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: A, template: echo, arguments: {parameters: [{name: m, value: A}]}}
      - {name: B, template: echo, depends: A, arguments: {parameters: [{name: m, value: B}]}}
      - {name: C, template: echo, depends: A, arguments: {parameters: [{name: m, value: C}]}}
      - {name: D, template: echo, depends: B && C, arguments: {parameters: [{name: m, value: D}]}}
  - name: echo
    inputs: {parameters: [{name: m}]}
    container: {image: busybox, command: [echo, '{{inputs.parameters.m}}']}
";

#[test]
fn a_diamond_runs_in_order() {
    let (mut world, id) = submitted(DIAMOND);
    let names =
        |world: &World| -> Vec<String> { world.pods().into_iter().map(|(_, n)| n).collect() };
    assert_eq!(names(&world), ["diamond.A"]);
    sound(&world, id);
    world.end("diamond.A", &Outcome::exit(0));
    assert_eq!(names(&world), ["diamond.B", "diamond.C"]);
    sound(&world, id);
    world.end("diamond.C", &Outcome::exit(0));
    assert_eq!(names(&world), ["diamond.B"]);
    world.end("diamond.B", &Outcome::exit(0));
    assert_eq!(names(&world), ["diamond.D"]);
    let (key, _) = world.pods()[0].clone();
    let pod = world.pod(key).expect("the pod is there");
    let main = &pod.pod.spec.as_ref().expect("a pod has a spec").containers[0];
    assert_eq!(
        main.command.as_deref(),
        Some(&["echo".to_owned(), "D".to_owned()][..])
    );
    world.end("diamond.D", &Outcome::exit(0));
    assert_eq!(
        world.status(id).phase.map(|p| p.to_string()).as_deref(),
        Some("Succeeded")
    );
    sound(&world, id);
}

#[test]
fn a_failed_branch_fails_the_dag_and_omits_what_is_behind() {
    let (mut world, id) = submitted(DIAMOND);
    world.end("diamond.A", &Outcome::exit(0));
    world.end("diamond.B", &Outcome::exit(2));
    assert_eq!(phase_of(&world, id, "diamond.D"), "none");
    world.end("diamond.C", &Outcome::exit(0));
    assert_eq!(phase_of(&world, id, "diamond.D"), "Omitted");
    let status = world.status(id);
    assert_eq!(
        status.phase.map(|p| p.to_string()).as_deref(),
        Some("Failed")
    );
    let b = status
        .nodes
        .values()
        .find(|n| n.name == "diamond.B")
        .expect("B has a node");
    assert_eq!(b.message, "main: Error (exit code 2)");
    sound(&world, id);
}

#[test]
fn loops_aggregate_and_fan_out() {
    let (mut world, id) = submitted(
        "
metadata: {name: fan}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: list, template: print}
    - - name: each
        template: print
        withParam: '{{steps.list.outputs.result}}'
        arguments: {parameters: [{name: x, value: '{{item}}'}]}
    - - name: sum
        template: print
        arguments: {parameters: [{name: x, value: '{{steps.each.outputs.result}}'}]}
  - name: print
    inputs: {parameters: [{name: x, value: none}]}
    script: {image: busybox, command: [sh], source: 'echo {{inputs.parameters.x}}'}
",
    );
    world.end("fan[0].list", &Outcome::result("[1,2,3]"));
    let names: Vec<String> = world.pods().into_iter().map(|(_, n)| n).collect();
    assert_eq!(
        names,
        ["fan[1].each(0:1)", "fan[1].each(1:2)", "fan[1].each(2:3)"]
    );
    sound(&world, id);
    world.end("fan[1].each(1:2)", &Outcome::result("20"));
    world.end("fan[1].each(0:1)", &Outcome::result("10"));
    world.end("fan[1].each(2:3)", &Outcome::result("30"));
    let status = world.status(id);
    let sum = status
        .nodes
        .values()
        .find(|n| n.name == "fan[2].sum")
        .expect("sum has a node");
    let value = sum
        .inputs
        .as_ref()
        .and_then(|i| i.parameters[0].value.clone());
    assert_eq!(value.map(|v| v.0).as_deref(), Some("[10,20,30]"));
    sound(&world, id);
    world.end("fan[2].sum", &Outcome::exit(0));
    assert_eq!(
        world.status(id).phase.map(|p| p.to_string()).as_deref(),
        Some("Succeeded")
    );
}

#[test]
fn retries_follow_their_limit_and_backoff() {
    let (mut world, id) = submitted(
        "
metadata: {name: again}
spec:
  entrypoint: main
  templates:
  - name: main
    retryStrategy: {limit: 2, backoff: {duration: '10', factor: 2}}
    container: {image: busybox, command: [sh, -c, 'exit {{retries}}']}
",
    );
    world.end("again(0)", &Outcome::exit(1));
    assert!(world.pods().is_empty());
    let root = |world: &World| world.status(id).nodes["again"].clone();
    assert_eq!(root(&world).message, "Backoff for 10 seconds");
    sound(&world, id);
    world.advance(10);
    world.end("again(1)", &Outcome::exit(1));
    assert_eq!(root(&world).message, "Backoff for 20 seconds");
    world.advance(19);
    assert!(world.pods().is_empty());
    world.advance(1);
    world.end("again(2)", &Outcome::exit(3));
    assert_eq!(root(&world).message, "No more retries left");
    assert_eq!(root(&world).phase, Some(NodePhase::Failed));
    sound(&world, id);
}

#[test]
fn parallelism_holds_back_and_a_crash_forgets_nothing() {
    let (mut world, id) = submitted("
metadata: {name: many}
spec:
  entrypoint: main
  templates:
  - name: main
    parallelism: 2
    steps:
    - - {name: each, template: work, withSequence: {count: 5}, arguments: {parameters: [{name: k, value: '{{item}}'}]}}
  - name: work
    inputs: {parameters: [{name: k}]}
    container: {image: busybox, command: [sleep, '{{inputs.parameters.k}}']}
");
    let mut most = 0;
    for _ in 0..5 {
        most = most.max(world.pods().len());
        sound(&world, id);
        let (_, name) = world.pods()[0].clone();
        world.end(&name, &Outcome::exit(0));
        world.crash().expect("what is stored can be loaded");
        world.settle();
    }
    assert_eq!(most, 2);
    assert_eq!(
        world.status(id).phase.map(|p| p.to_string()).as_deref(),
        Some("Succeeded")
    );
    assert_eq!(phases(&world, id).len(), 7);
}

#[test]
fn a_stop_runs_the_exit_handler_and_a_termination_does_not() {
    for (command, handler, message) in [
        (
            Command::Stop {
                selector: None,
                message: None,
            },
            "Succeeded",
            "Stopped with strategy 'Stop'",
        ),
        (
            Command::Terminate,
            "none",
            "Stopped with strategy 'Terminate'",
        ),
    ] {
        let (mut world, id) = submitted(
            "
metadata: {name: halt}
spec:
  entrypoint: main
  onExit: bye
  templates:
  - name: main
    steps: [[{name: a, template: work}], [{name: b, template: work}]]
  - name: work
    container: {image: busybox, command: [sleep, '9']}
  - name: bye
    container: {image: busybox, command: [echo, '{{workflow.status}}']}
",
        );
        world.run_pod("halt[0].a");
        world.ask(id, command);
        world.run_all(10, |_| Outcome::exit(0));
        let status = world.status(id);
        assert_eq!(phase_of(&world, id, "halt.onExit"), handler);
        assert_eq!(
            status.phase.map(|p| p.to_string()).as_deref(),
            Some("Failed")
        );
        assert_eq!(status.message, message);
        let a = status
            .nodes
            .values()
            .find(|n| n.name == "halt[0].a")
            .expect("a has a node");
        let gap = "workflow shutdown with strategy:  ";
        assert!(a.message.starts_with(gap), "{}", a.message);
        sound(&world, id);
    }
}

#[test]
fn a_retry_runs_again_what_failed() {
    let (mut world, id) = submitted(DIAMOND);
    world.end("diamond.A", &Outcome::exit(0));
    world.end("diamond.B", &Outcome::exit(1));
    world.end("diamond.C", &Outcome::exit(0));
    world.ask(
        id,
        Command::Retry {
            restart_successful: false,
            selector: None,
            parameters: Vec::new(),
            from: None,
            revision: None,
        },
    );
    let names: Vec<String> = world.pods().into_iter().map(|(_, n)| n).collect();
    assert_eq!(names, ["diamond.B"]);
    sound(&world, id);
    world.run_all(10, |_| Outcome::exit(0));
    assert_eq!(
        world.status(id).phase.map(|p| p.to_string()).as_deref(),
        Some("Succeeded")
    );
    sound(&world, id);
}

#[test]
fn suspended_nodes_wait_for_a_word_or_a_time() {
    let (mut world, id) = submitted(
        "
metadata: {name: wait}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: gate, template: gate}], [{name: nap, template: nap}]]
  - name: gate
    suspend: {}
    outputs: {parameters: [{name: go, valueFrom: {supplied: {}, default: 'yes'}}]}
  - name: nap
    suspend: {duration: '20'}
",
    );
    assert_eq!(phase_of(&world, id, "wait[0].gate"), "Running");
    sound(&world, id);
    world.ask(id, Command::Resume { selector: None });
    assert_eq!(phase_of(&world, id, "wait[1].nap"), "Running");
    world.advance(19);
    assert_eq!(phase_of(&world, id, "wait[1].nap"), "Running");
    world.advance(1);
    assert_eq!(
        world.status(id).phase.map(|p| p.to_string()).as_deref(),
        Some("Succeeded")
    );
    sound(&world, id);
}

#[test]
fn what_is_told_late_of_an_ended_pod_keeps_no_run_open() {
    let (mut world, id) = submitted(
        "
metadata: {name: late}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [echo]}
",
    );
    let (key, _) = world.pods().remove(0);
    world.end_pod(key, &Outcome::exit(0));
    world.start_pod(key);
    world.settle();
    assert_eq!(phase_of(&world, id, "late"), "Succeeded");
    assert!(world.run(id).is_none_or(argosy_engine::run::Run::is_over));
}
