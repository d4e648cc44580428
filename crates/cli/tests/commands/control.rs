//! What is asked of a workflow while it runs.

use crate::place::{Place, text};

#[test]
fn what_runs_can_be_suspended_resumed_and_set() {
    let place = Place::new();
    place.write(
        "gate.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: gate, labels: {team: a}}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: approve, template: approve}
    - - name: say
        template: say
        arguments: {parameters: [{name: word, value: '{{steps.approve.outputs.parameters.word}}'}]}
  - name: approve
    suspend: {}
    outputs: {parameters: [{name: word, valueFrom: {supplied: {}}}]}
  - name: say
    inputs: {parameters: [{name: word}]}
    container: {image: busybox, command: [echo, '{{inputs.parameters.word}}']}
",
    );
    place.says(&["submit", "gate.yaml", "-o", "name"]);
    place.wait_until("the gate is reached", || {
        place.says(&["get", "gate"]).contains("ǁ approve")
    });
    for command in [&["get", "gate"][..], &["list"]] {
        assert!(
            place.says(command).contains("Running (Suspended)"),
            "{command:?}"
        );
    }
    assert!(
        place
            .says(&["why", "gate", "approve"])
            .contains("now: suspended")
    );
    assert!(
        place
            .fails(&["resume", "gate"])
            .contains("has not been set")
    );
    let set = [
        "node",
        "set",
        "gate",
        "--node-field-selector",
        "displayName=approve",
    ];
    assert!(place.fails(&set).contains("nothing to set"));
    place.says(&[&set[..], &["-p", "word=yes", "-m", "fine"]].concat());
    place.wait_until("the value is there", || {
        place
            .says(&["get", "gate", "-o", "yaml"])
            .contains("value: yes")
            || place
                .says(&["get", "gate", "-o", "yaml"])
                .contains("value: \"yes\"")
    });
    assert!(
        place
            .says(&["stop", "-l", "team=a", "--dry-run"])
            .contains("gate stopped (dry-run)")
    );
    assert!(
        place
            .says(&["resume", "gate"])
            .contains("workflow gate resumed")
    );
    let said = place.says(&["wait", "gate"]);
    assert!(said.starts_with("gate Succeeded at "), "{said}");
    assert!(place.says(&["logs", "gate"]).ends_with(": yes\n"));
    for verb in ["stop", "terminate", "suspend", "resume"] {
        assert!(
            place.fails(&[verb, "gate"]).contains("has ended already"),
            "{verb}"
        );
    }
    assert!(
        place
            .fails(&["stop"])
            .contains("requires either a selector or a workflow")
    );
    assert_eq!(place.says(&["delete", "gate"]), "Workflow 'gate' deleted\n");
    assert_eq!(
        place.says(&["delete", "gate"]),
        "Workflow 'gate' not found\n"
    );
}

#[test]
fn a_stop_from_another_terminal_ends_the_steps_and_runs_the_exit_handler() {
    let place = Place::new();
    let file = place.workflow(
        "long",
        "  entrypoint: main
  onExit: bye
  templates:
  - name: main
    container: {image: busybox, command: [sleep, '600']}
  - name: bye
    container: {image: busybox, command: [echo, 'it was {{workflow.status}}']}
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("the step runs", || {
        text(&place.argosy(&["get", "long"])).contains("● long")
    });
    assert!(place.argosy(&["stop", "long"]).status.success());
    assert!(!runner.ends_well());
    let logs = text(&place.argosy(&["logs", "long"]));
    assert!(logs.contains("it was Failed"), "{logs}");
    let get = text(&place.argosy(&["get", "long"]));
    assert!(get.contains("Stopped with strategy 'Stop'"), "{get}");
}
