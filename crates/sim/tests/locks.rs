//! Mutexes, semaphores, memoization, the controller's parallelism and agents' tasks, in whole runs.

use argosy_api::{NodePhase, WorkflowPhase, WorkflowStatus};
use argosy_engine::fact::{Command, ResultSeen, TaskSeen};
use argosy_engine::ids::RunId;
use argosy_sim::{Outcome, World, check};

fn sound(world: &World, id: RunId) {
    if let Err(fault) = check(world, id) {
        panic!("{fault}");
    }
}

fn node(status: &WorkflowStatus, name: &str) -> String {
    let node = status.nodes.values().find(|node| node.name == name);
    node.map_or_else(
        || "none".to_owned(),
        |node| {
            let phase = node.phase.expect("a node has a phase");
            let kind = node.r#type.expect("a node has a type");
            format!("{kind} {phase} {}", node.message).trim().to_owned()
        },
    )
}

const LOOP: &str = "
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, template: work, withItems: [0, 1, 2]}
  - name: work
    synchronization: {mutexes: [{name: m}]}
    container: {image: busybox, command: ['true']}
";

#[test]
fn a_mutex_lets_one_pod_of_a_loop_run() {
    let mut world = World::default();
    let id = world.submit(LOOP).expect("compiles");
    world.settle();
    for step in 0..3 {
        sound(&world, id);
        assert_eq!(world.pods().len(), 1, "step {step}");
        let status = world.status(id);
        let holder = &status.synchronization.expect("there is a lock");
        let mutex = holder.mutex.as_ref().expect("it is a mutex");
        assert_eq!(mutex.holding.len(), 1);
        assert_eq!(mutex.holding[0].mutex, "default/Mutex/m");
        if step < 2 {
            let waiting = node(&world.status(id), "wf[0].a(2:2)");
            assert_eq!(
                waiting,
                "Pod Pending Waiting for default/Mutex/m lock. Lock status: 0/1"
            );
        }
        world.crash().expect("loads");
        world.settle();
        assert_eq!(world.pods().len(), 1, "after a crash in step {step}");
        let name = world.pods()[0].1.clone();
        world.end(&name, &Outcome::exit(0));
    }
    let status = world.status(id);
    assert_eq!(status.phase, Some(WorkflowPhase::Succeeded));
    assert_eq!(status.synchronization, None);
    assert!(world.locks().iter().all(|lock| lock.holders.is_empty()));
    sound(&world, id);
}

#[test]
fn a_stopped_workflow_leaks_no_lock() {
    let mut world = World::default();
    let first = world.submit(LOOP).expect("compiles");
    let second = world
        .submit(&LOOP.replace("name: wf", "name: other"))
        .expect("compiles");
    world.settle();
    assert_eq!(world.pods().len(), 1);
    world.ask(
        first,
        Command::Stop {
            selector: None,
            message: None,
        },
    );
    let status = world.status(first);
    assert_eq!(status.phase, Some(WorkflowPhase::Failed));
    assert_eq!(
        node(&status, "wf[0].a(1:1)"),
        "Pod Failed Stopped with strategy 'Stop'"
    );
    assert_eq!(world.pods().len(), 1);
    assert!(world.pods()[0].1.starts_with("other"));
    sound(&world, first);
    sound(&world, second);
}

#[test]
fn a_workflow_waits_for_its_own_lock_and_ignores_stop() {
    let whole = "
metadata: {name: wf}
spec:
  entrypoint: main
  synchronization: {semaphores: [{configMapKeyRef: {name: limits, key: workflow}}]}
  templates:
  - {name: main, container: {image: busybox, command: ['true']}}
";
    let mut world = World::default();
    world
        .apply("{kind: ConfigMap, metadata: {name: limits}, data: {workflow: '1'}}")
        .expect("applies");
    let first = world.submit(whole).expect("compiles");
    let second = world
        .submit(&whole.replace("name: wf", "name: other"))
        .expect("compiles");
    let third = world
        .submit(&whole.replace("name: wf", "name: third"))
        .expect("compiles");
    world.settle();
    let status = world.status(second);
    assert_eq!(status.phase, Some(WorkflowPhase::Pending));
    assert_eq!(
        status.message,
        "Waiting for default/ConfigMap/limits/workflow lock. Lock status: 0/1"
    );
    assert!(status.nodes.is_empty());
    let stop = Command::Stop {
        selector: None,
        message: None,
    };
    world.ask(second, stop);
    assert_eq!(world.status(second).phase, Some(WorkflowPhase::Pending));
    world.ask(third, Command::Terminate);
    let status = world.status(third);
    assert_eq!(status.phase, Some(WorkflowPhase::Failed));
    assert_eq!(status.message, "Stopped with strategy 'Terminate'");
    world.crash().expect("loads");
    world.settle();
    assert_eq!(world.status(second).phase, Some(WorkflowPhase::Pending));
    world.end("wf", &Outcome::exit(0));
    assert_eq!(world.status(first).phase, Some(WorkflowPhase::Succeeded));
    let status = world.status(second);
    assert_eq!(status.phase, Some(WorkflowPhase::Failed));
    assert_eq!(status.message, "Stopped with strategy 'Stop'");
    for id in [first, second, third] {
        sound(&world, id);
    }
}

#[test]
fn a_semaphore_without_a_limit_refuses_its_node() {
    let mut world = World::default();
    let id = world
        .submit(&LOOP.replace(
            "mutexes: [{name: m}]",
            "semaphores: [{configMapKeyRef: {name: none, key: k}}]",
        ))
        .expect("compiles");
    world.settle();
    let status = world.status(id);
    let error = "failed to initialize semaphore default/ConfigMap/none/k with limit";
    assert_eq!(status.phase, Some(WorkflowPhase::Failed));
    assert_eq!(
        status.message,
        format!("step group deemed errored due to child wf[0].a(0:0) error: {error}")
    );
    sound(&world, id);
}

#[test]
fn what_is_in_the_cache_is_not_run_again() {
    let memoized = "
metadata: {name: wf}
spec:
  entrypoint: main
  arguments: {parameters: [{name: k, value: one}]}
  templates:
  - name: main
    steps:
    - - {name: a, template: work}
    - - {name: b, template: work}
  - name: work
    memoize: {key: '{{workflow.parameters.k}}', maxAge: 10s, cache: {configMap: {name: c}}}
    container: {image: busybox, command: ['true']}
    outputs: {parameters: [{name: p, valueFrom: {path: /p}}]}
";
    let mut world = World::default();
    let id = world.submit(memoized).expect("compiles");
    world.settle();
    sound(&world, id);
    world.crash().expect("loads");
    world.settle();
    let put_out = Outcome::parameter("p", "7");
    world.end("wf[0].a", &put_out);
    let status = world.status(id);
    assert_eq!(status.phase, Some(WorkflowPhase::Succeeded));
    let hit = status
        .nodes
        .values()
        .find(|node| node.name == "wf[1].b")
        .expect("the second step has a node");
    let memo = hit.memoization_status.as_ref().expect("it is memoized");
    assert!(memo.hit);
    assert_eq!((&*memo.key, &*memo.cache_name), ("one", "c"));
    let outputs = hit.outputs.as_ref().expect("it has outputs");
    let value = outputs.parameters[0].value.as_ref();
    assert_eq!(value.map(|value| value.as_str()), Some("7"));
    sound(&world, id);

    world.advance(11);
    let late = world
        .submit(&memoized.replace("name: wf", "name: late"))
        .expect("compiles");
    world.settle();
    assert_eq!(world.pods().len(), 1, "the entry is too old");
    sound(&world, late);
    let bad = world
        .submit(
            &memoized
                .replace("name: wf", "name: bad")
                .replace("one", "'a b'"),
        )
        .expect("compiles");
    world.settle();
    assert_eq!(
        world.status(bad).message,
        "step group deemed errored due to child bad[0].a error: invalid cache key: a b"
    );
}

#[test]
fn the_controller_lets_so_many_workflows_run() {
    let simple = "
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - {name: main, container: {image: busybox, command: ['true']}}
";
    let mut world = World::default();
    world.set_parallelism(1, 0);
    let first = world.submit(simple).expect("compiles");
    let second = world
        .submit(&simple.replace("name: wf", "name: second"))
        .expect("compiles");
    world.settle();
    let status = world.status(second);
    assert_eq!(status.phase, Some(WorkflowPhase::Pending));
    assert_eq!(
        status.message,
        "Workflow processing has been postponed because too many workflows are already running"
    );
    world.crash().expect("loads");
    world.settle();
    assert_eq!(world.status(second).phase, Some(WorkflowPhase::Pending));
    world.end("wf", &Outcome::exit(0));
    assert_eq!(world.status(first).phase, Some(WorkflowPhase::Succeeded));
    let status = world.status(second);
    assert_eq!(status.phase, Some(WorkflowPhase::Running));
    assert_eq!(status.message, "");
    world.end("second", &Outcome::exit(0));
    assert_eq!(world.status(second).phase, Some(WorkflowPhase::Succeeded));
}

#[test]
fn an_agent_carries_out_http() {
    let http = "
metadata: {name: wf}
spec:
  entrypoint: main
  arguments: {parameters: [{name: u, value: example}]}
  templates:
  - name: main
    steps:
    - - {name: a, template: get}
    - - {name: b, template: get}
  - name: get
    http: {url: 'http://{{workflow.parameters.u}}/'}
";
    let mut world = World::default();
    let id = world.submit(http).expect("compiles");
    world.settle();
    assert!(world.pods().is_empty());
    assert_eq!(node(&world.status(id), "wf[0].a"), "HTTP Pending");
    sound(&world, id);
    world.crash().expect("loads");
    world.settle();
    let task = world.tasks().next().expect("there is a task").clone();
    let url = task.template.http.as_ref().map(|http| http.url.clone());
    assert_eq!(url.as_deref(), Some("http://example/"));
    let seen = TaskSeen {
        phase: NodePhase::Succeeded,
        message: None,
        outputs: ResultSeen {
            result: Some("body".into()),
            ..ResultSeen::default()
        },
        exit_code: None,
    };
    world.report_task(task.key, seen);
    assert_eq!(node(&world.status(id), "wf[0].a"), "HTTP Succeeded");
    world.ask(
        id,
        Command::Stop {
            selector: None,
            message: None,
        },
    );
    let status = world.status(id);
    assert_eq!(
        node(&status, "wf[1].b"),
        "HTTP Failed Stopped with strategy 'Stop'"
    );
    assert_eq!(status.phase, Some(WorkflowPhase::Failed));
    assert_eq!(world.tasks().count(), 0);
    sound(&world, id);
}
