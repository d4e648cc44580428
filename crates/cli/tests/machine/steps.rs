//! What a step is given and what it may leave: files, arguments, streams, containers beside it.

use crate::place::{Place, errors, node, text};

#[test]
fn what_a_step_leaves_behind_ends_with_it() {
    let place = Place::new();
    let workflow = place.run_spec("leave",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: first, template: leave}
    - - {name: second, template: look}
  - name: leave
    container:
      image: busybox
      command: [sh, -c]
      args: ['setsid sh -c \"sleep 1107; true\" & sleep 1108 & (setsid sleep 1109 &) ; sleep 0.1']
  - name: look
    container:
      image: busybox
      command: [sh, -c]
      args: ['for i in $(seq 100); do pgrep -f \"^sleep 110[789]\" > $PWD/left || exit 0; sleep 0.05; done; exit 1']
",
    );
    assert_eq!(
        workflow["status"]["phase"],
        "Succeeded",
        "left: {:?}",
        place.lines("left")
    );
    place.wait_until("nothing is left", || place.processes().is_empty());
}

#[test]
fn init_containers_run_first_and_sidecars_end_with_the_work() {
    let place = Place::new();
    let workflow = place.run_spec(
        "aside",
        "  entrypoint: main
  templates:
  - name: main
    initContainers:
    - {name: one, image: x, command: [sh, -c, 'sleep 0.1; echo one >> order']}
    - {name: two, image: x, command: [sh, -c, 'echo two >> order']}
    sidecars:
    - {name: beside, image: x, command: [sh, -c, 'echo beside >> aside; exec sleep 1000']}
    container:
      image: x
      command: [sh, -c, 'while [ ! -e aside ]; do sleep 0.01; done; echo main >> order']
",
    );
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert_eq!(place.lines("order"), ["one", "two", "main"]);
    assert_eq!(place.lines("aside"), ["beside"]);
    let failed = place.run_spec(
        "init-fails",
        "  entrypoint: main
  templates:
  - name: main
    initContainers:
    - {name: one, image: x, command: [sh, -c, 'exit 4']}
    container: {image: x, command: [touch, ran]}
",
    );
    assert_eq!(failed["status"]["phase"], "Failed", "{failed:#}");
    assert_eq!(
        node(&failed, "init-fails")["message"],
        "one: Error (exit code 4)"
    );
    assert!(!place.path("ran").exists());
}

#[test]
fn volumes_are_as_their_mounts_and_types_say() {
    let place = Place::new();
    let map = "apiVersion: v1
kind: ConfigMap
metadata: {name: tools}
data:
  say: |
    #!/bin/sh
    echo $0 >> $OUT
  plain: text
";
    place.write("tools.yaml", map);
    place.says(&["apply", "-f", "tools.yaml"]);
    let out = place.path("out").display().to_string();
    let made = place.path("made/deep").display().to_string();
    let workflow = place.run_spec(
        "volumes",
        &format!(
            "  entrypoint: main
  volumes:
  - {{name: tools, configMap: {{name: tools, defaultMode: 0555}}}}
  - {{name: some, configMap: {{name: tools, items: [{{key: say, path: bin/say, mode: 0700}}]}}}}
  - {{name: own, emptyDir: {{}}}}
  - {{name: made, hostPath: {{path: '{made}', type: DirectoryOrCreate}}}}
  templates:
  - name: main
    container:
      image: busybox
      command: [sh, -ec]
      args: ['/tools/say; /some/bin/say; stat -c %a /tools/plain >> $OUT; touch /part/x; ls /own >> $OUT; touch /made/here']
      env: [{{name: OUT, value: '{out}'}}, {{name: PART, value: five}}]
      volumeMounts:
      - {{name: tools, mountPath: /tools}}
      - {{name: some, mountPath: /some}}
      - {{name: own, mountPath: /own}}
      - {{name: own, mountPath: /part, subPathExpr: $(PART)}}
      - {{name: made, mountPath: /made}}
"
        ),
    );
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    let expected = ["/tools/say", "/some/bin/say", "555", "five"];
    assert_eq!(place.lines("out"), expected);
    assert!(place.path("made/deep/here").exists());
}

#[test]
fn all_that_could_not_be_collected_is_told() {
    let place = Place::new();
    let file = place.workflow(
        "lacks",
        "  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: ['true']}
    outputs:
      parameters:
      - {name: first, valueFrom: {path: /tmp/first}}
      - {name: second, valueFrom: {path: /tmp/second}}
",
    );
    let output = place.argosy(&["run", "--host", &file]);
    let said = text(&output) + &errors(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let message = &place.get("lacks")["status"]["message"];
    let message = message.as_str().expect("a message");
    assert!(
        message.contains("/tmp/first") && !message.contains("/tmp/second"),
        "{message}"
    );
    let warning = said
        .lines()
        .find(|line| line.starts_with("warning: lacks: "));
    assert!(
        warning.is_some_and(|line| line.contains("/tmp/second")),
        "{said}"
    );
}

#[test]
fn a_result_is_what_stands_on_the_standard_output() {
    let place = Place::new();
    let workflow = place.run_spec("streams",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: say, template: say}
    - - {name: hear, template: hear, arguments: {parameters: [{name: v, value: '{{steps.say.outputs.result}}'}]}}
  - name: say
    script: {image: x, command: [sh], source: 'echo warning >&2; echo 5'}
  - name: hear
    inputs: {parameters: [{name: v}]}
    container: {image: x, command: ['true']}
",
    );
    assert_eq!(node(&workflow, "say")["outputs"]["result"], "5");
    let logs = place.argosy(&["logs", "streams"]);
    let logs = String::from_utf8_lossy(&logs.stdout);
    assert!(logs.contains("warning") && logs.contains('5'), "{logs}");
}

#[test]
fn steps_see_what_argos_executor_tells_them() {
    let place = Place::new();
    let workflow = place.run_spec("told",
        "  entrypoint: main
  templates:
  - name: main
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
    container:
      image: x
      command: [sh, -c]
      args: ['echo $ARGO_NODE_ID $ARGO_CONTAINER_NAME $ARGO_WORKFLOW_NAME > /tmp/o; echo \"$ARGO_TEMPLATE\" > template; for i in 3 7; do echo $i/10 > $ARGO_PROGRESS_FILE; sleep 1.2; done']
",
    );
    let main = node(&workflow, "told");
    assert_eq!(main["phase"], "Succeeded", "{main:#}");
    assert_eq!(main["outputs"]["parameters"][0]["value"], "told main told");
    let template: serde_json::Value =
        serde_json::from_str(&place.lines("template").concat()).expect("a template");
    assert_eq!(template["outputs"]["parameters"][0]["name"], "o");
    let log = place.argosy(&["why", "told"]);
    assert!(log.status.success());
}

#[test]
fn long_arguments_go_through_files_and_long_data_directories_work() {
    let place = Place::with_data(&format!("{}/data", "long".repeat(30)));
    let value = "0123456789".repeat(20_000);
    let workflow = place.run_spec(
        "long",
        &"  entrypoint: main
  arguments: {parameters: [{name: v, value: 'LONG'}]}
  templates:
  - name: main
    container:
      image: x
      command: [sh, -c, 'head -c 12 \"${1#@}\" > began; wc -c < \"${1#@}\" >> count', sh]
      args: ['{{workflow.parameters.v}}']
"
        .replace("LONG", &value),
    );
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert_eq!(place.lines("began"), ["012345678901"]);
    assert_eq!(place.lines("count"), ["200000"]);
}

#[test]
fn parallel_steps_that_write_the_same_file_do_not_meet() {
    let place = Place::new();
    let file = place.workflow(
        "same",
        "  entrypoint: main
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
