//! The program, end to end: what a user types and what comes of it.

use crate::place::{Place, example, node, text};

#[test]
fn the_four_examples_run_to_success() {
    for name in [
        "hello-world.yaml",
        "array-job.yaml",
        "dag-diamond.yaml",
        "map-reduce.yaml",
    ] {
        let place = Place::new();
        let workflow = place.run(example(name));
        assert_eq!(
            workflow["status"]["phase"], "Succeeded",
            "{name}: {workflow:#}"
        );
    }
}

#[test]
fn map_reduce_passes_its_data_on() {
    let place = Place::new();
    let workflow = place.run(example("map-reduce.yaml"));
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
    let file = place.workflow(
        "fail",
        "  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [sh, -c, 'echo bad; exit 3']}
",
    );
    let output = place.argosy(&["run", "--host", &file]);
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
    let file = place.workflow(
        "bad",
        "  entrypont: main
  templates: []
",
    );
    let errors = place.fails(&["run", "--host", &file]);
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
    place.apply(
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
    let file = place.workflow(
        "use",
        "  entrypoint: main
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
fn what_is_submitted_is_carried_out_in_the_background() {
    let place = Place::new();
    let file = example("dag-diamond.yaml");
    place.says(&["submit", &file, "--name", "later", "--wait"]);
    assert_eq!(place.phase("later"), "Succeeded");
}
