//! `data` templates on this machine, and `resource` templates, which it can't carry out.

use crate::place::{Place, node};

#[test]
fn files_of_the_store_are_listed_and_looped_over() {
    let place = Place::new();
    let file = place.workflow("wf", r#"  entrypoint: main
  templates:
  - name: main
    dag:
      failFast: false
      tasks:
      - {name: make, template: make}
      - {name: list, template: list, depends: make}
      - name: read
        template: read
        depends: list
        withParam: '{{tasks.list.outputs.result}}'
        arguments: {artifacts: [{name: log, s3: {key: '{{item}}'}}]}
      - {name: missing, template: missing}
      - {name: broken, template: broken, depends: make}
  - name: make
    container: {image: none, command: [sh, -c], args: ['mkdir -p /tmp/out/b; echo one > /tmp/out/a.log; echo two > /tmp/out/b/c.log; echo x > /tmp/out/d.txt']}
    outputs: {artifacts: [{name: out, path: /tmp/out, archive: {none: {}}, s3: {key: logs}}]}
  - name: list
    data:
      source: {artifactPaths: {name: logs, s3: {key: logs}}}
      transformation: [{expression: "filter(data, {# endsWith '.log'})"}]
  - name: read
    inputs: {artifacts: [{name: log, path: /tmp/log}]}
    container: {image: none, command: [cat, /tmp/log]}
  - name: missing
    data: {source: {artifactPaths: {name: logs, s3: {key: nothing}}}, transformation: [{expression: data}]}
  - name: broken
    data: {source: {artifactPaths: {name: logs, s3: {key: logs}}}, transformation: [{expression: 'map(data'}]}
"#,
    );
    let ended = place.run(&file);
    assert_eq!(
        node(&ended, "list")["outputs"]["result"],
        r#"["logs/a.log","logs/b/c.log"]"#
    );
    assert_eq!(node(&ended, "read(1:logs/b/c.log)")["phase"], "Succeeded");
    let logs = place.says(&["logs", "wf"]);
    assert!(logs.contains("one") && logs.contains("two"), "{logs}");
    for (name, text) in [
        (
            "missing",
            "unable to process data source: unable to source artifact paths: ",
        ),
        (
            "broken",
            "unable to process data transformation: error processing data step 0: ",
        ),
    ] {
        let node = node(&ended, name);
        let message = node["message"].as_str().unwrap_or_default();
        let whole = format!("main: Error (exit code 64): unable to process data template: {text}");
        assert_eq!(node["phase"], "Failed", "{name}");
        assert!(message.starts_with(&whole), "{name}: {message}");
    }
}

#[test]
fn a_workflow_that_comes_to_a_resource_step_does_not_begin() {
    let workflow = |calls: &str| {
        format!(
            "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: wf}}
spec:
  entrypoint: main
  templates:
  - {{name: main, {calls}}}
  - {{name: fine, container: {{image: none, command: [echo, fine]}}}}
  - {{name: make, resource: {{action: get, manifest: '{{apiVersion: v1, kind: Pod}}'}}}}
"
        )
    };
    for calls in [
        "steps: [[{name: a, template: fine}], [{name: b, template: make}]]",
        "steps: [[{name: a, withItems: [1], inline: {steps: [[{name: b, template: make}]]}}]]",
        "dag: {tasks: [{name: a, template: fine}, {name: b, template: make, dependencies: [a]}]}",
    ] {
        let place = Place::new();
        place.write("wf.yaml", &workflow(calls));
        let error = place.fails(&["run", "--host", "wf.yaml"]);
        let text = "workflow wf can't run on this machine: template make is a resource step";
        assert!(error.contains(text), "{calls}: {error}");
        assert!(
            place.says(&["list"]).contains("No workflows found"),
            "{calls}"
        );
    }
    for (calls, phase) in [
        (
            "steps: [[{name: a, template: make, when: 'false'}]]",
            "Succeeded",
        ),
        (
            "dag: {tasks: [{name: a, template: fine}, {name: b, template: make, depends: a.Failed}]}",
            "Succeeded",
        ),
        (
            "steps: [[{name: a, template: make, withParam: '[1]'}]]",
            "Failed",
        ),
    ] {
        let place = Place::new();
        let ended = place.run(place.write("wf.yaml", &workflow(calls)));
        assert_eq!(ended["status"]["phase"], phase, "{calls}: {ended}");
    }
}
