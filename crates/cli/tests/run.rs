//! The program, end to end: what a user types and what comes of it.

mod place;

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use place::{Place, node, text};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
}

#[test]
fn the_four_examples_run_to_success() {
    for name in [
        "hello-world.yaml",
        "array-job.yaml",
        "dag-diamond.yaml",
        "map-reduce.yaml",
    ] {
        let place = Place::new();
        let workflow = place.run(&example(name));
        assert_eq!(
            workflow["status"]["phase"], "Succeeded",
            "{name}: {workflow:#}"
        );
    }
}

#[test]
fn map_reduce_passes_its_data_on() {
    let place = Place::new();
    let workflow = place.run(&example("map-reduce.yaml"));
    let total = &workflow["status"]["outputs"]["parameters"][0];
    assert_eq!(
        (total["name"].as_str(), total["value"].as_str()),
        (Some("total"), Some("30"))
    );
    let reduce = node(&workflow, "reduce");
    assert_eq!(
        reduce["inputs"]["parameters"][0]["value"],
        r#"["1","4","9","16"]"#
    );
    let logs = text(&place.argosy(&["logs", "@latest", "--grep", "sum"]));
    assert!(logs.ends_with(": the sum of the squares is 30\n"), "{logs}");
}

#[test]
fn a_failed_step_fails_the_workflow_and_says_so() {
    let place = Place::new();
    let file = place.write(
        "fail.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: fail}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [sh, -c, 'echo bad; exit 3']}
",
    );
    let output = place.argosy(&["run", "--host", &file.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("main: Error (exit code 3)"),
        "{}",
        text(&output)
    );
    assert_eq!(place.phase("fail"), "Failed");
    let why = text(&place.argosy(&["why", "fail"]));
    assert!(why.contains("main: Error (exit code 3)"), "{why}");
}

#[test]
fn faults_are_reported_with_their_place_and_nothing_runs() {
    let place = Place::new();
    let file = place.write(
        "bad.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: bad}
spec:
  entrypont: main
  templates: []
",
    );
    let output = place.argosy(&["run", "--host", &file.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("bad.yaml:5:3: error: spec.entrypont"),
        "{errors}"
    );
    assert!(errors.contains("entrypoint"), "{errors}");
    assert!(text(&place.argosy(&["list"])).contains("No workflows found"));
}

#[test]
fn templates_config_maps_and_secrets_come_from_apply() {
    let place = Place::new();
    let kept = place.write(
        "kept.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: greet}
spec:
  templates:
  - name: hello
    inputs: {parameters: [{name: who}]}
    container:
      image: busybox
      command: [sh, -c, 'echo $GREETING {{inputs.parameters.who}} $WORD']
      env:
      - {name: GREETING, valueFrom: {configMapKeyRef: {name: words, key: greeting}}}
      - {name: WORD, valueFrom: {secretKeyRef: {name: safe, key: word}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {greeting: hello}
---
apiVersion: v1
kind: Secret
metadata: {name: safe}
stringData: {word: sesame}
",
    );
    assert!(
        place
            .argosy(&["apply", "-f", &kept.to_string_lossy()])
            .status
            .success()
    );
    let file = place.write(
        "use.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: use}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: greet
        templateRef: {name: greet, template: hello}
        arguments: {parameters: [{name: who, value: world}]}
",
    );
    let workflow = place.run(&file);
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert!(
        !workflow.to_string().contains("sesame"),
        "a secret stands in the workflow"
    );
    let logs = text(&place.argosy(&["logs", "use"]));
    assert!(logs.ends_with(": hello world sesame\n"), "{logs}");
}

#[test]
fn parallel_steps_that_write_the_same_file_do_not_meet() {
    let place = Place::new();
    let file = place.write(
        "same.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: same}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: each
        template: write
        withSequence: {count: '6'}
        arguments: {parameters: [{name: k, value: '{{item}}'}]}
  - name: write
    inputs: {parameters: [{name: k}]}
    container:
      image: busybox
      command: [sh, -c]
      args: ['echo {{inputs.parameters.k}} > /tmp/part; sleep 0.1; cat /tmp/part > /tmp/out']
    outputs: {parameters: [{name: out, valueFrom: {path: /tmp/out}}]}
",
    );
    let workflow = place.run(&file);
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    for k in 0..6 {
        let each = node(&workflow, &format!("each({k}:{k})"));
        assert_eq!(each["outputs"]["parameters"][0]["value"], k.to_string());
    }
}

/// A workflow of steps that each leave a line where it is counted.
fn counted(place: &Place, steps: usize) -> PathBuf {
    let marks = place.dir.path().join("marks");
    std::fs::create_dir_all(&marks).expect("a folder");
    place.write(
        "counted.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: counted}}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: each
        template: mark
        withSequence: {{count: '{steps}'}}
        arguments: {{parameters: [{{name: k, value: '{{{{item}}}}'}}]}}
  - name: mark
    inputs: {{parameters: [{{name: k}}]}}
    container:
      image: busybox
      command: [sh, -c, 'echo x >> {}/{{{{inputs.parameters.k}}}}; sleep 0.05']
",
            marks.display()
        ),
    )
}

fn kill(child: &mut Child) {
    child.kill().expect("the runner can be killed");
    child.wait().expect("the runner has ended");
}

#[test]
fn a_killed_run_goes_on_and_no_step_runs_twice() {
    let place = Place::new();
    let steps = 40;
    let file = counted(&place, steps);
    let marks = place.dir.path().join("marks");
    let done = || std::fs::read_dir(&marks).map_or(0, Iterator::count);
    let mut child = place
        .command(&["run", "--host", &file.to_string_lossy()])
        .stdout(Stdio::null())
        .spawn()
        .expect("argosy runs");
    for round in 1..=3 {
        place.wait_until("some steps", || done() >= round * 6);
        kill(&mut child);
        child = place
            .command(&["run", "--resume", "--host"])
            .stdout(Stdio::null())
            .spawn()
            .expect("argosy runs");
    }
    let status = child.wait().expect("the runner ends");
    assert_eq!(
        (status.success(), place.phase("counted").as_str()),
        (true, "Succeeded")
    );
    for k in 0..steps {
        let mark = std::fs::read_to_string(marks.join(k.to_string())).unwrap_or_default();
        assert_eq!(mark, "x\n", "step {k} ran {} times", mark.lines().count());
    }
}

#[test]
fn what_is_submitted_is_carried_out_in_the_background() {
    let place = Place::new();
    let file = example("dag-diamond.yaml");
    let output = place.argosy(&[
        "submit",
        &file.to_string_lossy(),
        "--name",
        "later",
        "--wait",
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(place.phase("later"), "Succeeded");
}

#[test]
fn a_stop_from_another_terminal_ends_the_steps_and_runs_the_exit_handler() {
    let place = Place::new();
    let file = place.write(
        "long.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: long}
spec:
  entrypoint: main
  onExit: bye
  templates:
  - name: main
    container: {image: busybox, command: [sleep, '600']}
  - name: bye
    container: {image: busybox, command: [echo, 'it was {{workflow.status}}']}
",
    );
    let mut child = place
        .command(&["run", "--host", &file.to_string_lossy()])
        .stdout(Stdio::null())
        .spawn()
        .expect("argosy runs");
    place.wait_until("the step runs", || {
        text(&place.argosy(&["get", "long"])).contains("● long")
    });
    assert!(place.argosy(&["stop", "long"]).status.success());
    assert_eq!(child.wait().expect("the runner ends").code(), Some(1));
    let logs = text(&place.argosy(&["logs", "long"]));
    assert!(logs.contains("it was Failed"), "{logs}");
    let get = text(&place.argosy(&["get", "long"]));
    assert!(get.contains("Stopped with strategy 'Stop'"), "{get}");
}

#[test]
fn what_is_kept_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let file = place.write(
        "one.yaml",
        "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: one}
spec:
  entrypoint: main
  templates: [{name: main, container: {image: none, command: ['true']}}]
",
    );
    place.run(&file);
    let data = place.dir.path().join("data");
    let mode = std::fs::metadata(data)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
