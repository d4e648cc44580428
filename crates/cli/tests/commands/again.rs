//! What runs again: `retry` and `resubmit`.

use crate::place::Place;

#[test]
fn what_failed_is_retried_and_what_succeeded_is_carried_over() {
    let place = Place::new();
    let file = place.workflow(
        "two",
        "  entrypoint: main
  arguments: {parameters: [{name: code, value: '1'}]}
  templates:
  - name: main
    dag:
      tasks:
      - {name: A, template: good}
      - {name: B, template: exits, depends: A}
  - name: good
    container: {image: busybox, command: ['true']}
  - name: exits
    container: {image: busybox, command: [sh, -c, 'exit {{workflow.parameters.code}}']}
",
    );
    place.argosy(&["run", "--host", &file]);
    assert_eq!(place.phase("two"), "Failed");
    let plan = place.says(&["retry", "two", "--dry-run"]);
    assert_eq!(
        plan,
        "two.B would be made anew\ntwo would be opened again\n"
    );
    let from_a = "two.A would be made anew\ntwo.B would be made anew\ntwo would be opened again\n";
    for node in ["A", "two.A", "displayName=A"] {
        let plan = place.says(&["retry", "two", "--from", node, "--dry-run"]);
        assert_eq!(plan, from_a, "{node}");
    }
    let unknown = place.fails(&["retry", "two", "--from", "tow.A", "--dry-run"]);
    assert!(unknown.contains("there is no node \"tow.A\""), "{unknown}");
    let why = place.says(&["why", "two", "B"]);
    for part in [
        "two started",
        "A succeeded",
        "made",
        "failed: main: Error (exit code 1)",
    ] {
        assert!(why.contains(part), "no {part:?} in\n{why}");
    }

    let said = place.says(&[
        "resubmit",
        "two",
        "--memoized",
        "-p",
        "code=0",
        "--wait",
        "-o",
        "name",
    ]);
    // Nothing but the name, which is for a program to read.
    let name = said.trim_end();
    assert_eq!(place.phase(name), "Succeeded");
    let carried = place.says(&["get", name]);
    assert!(carried.contains("original pod: two-"), "{carried}");

    let said = place.says(&["retry", "two", "-p", "code=0", "--wait", "-o", "name"]);
    assert_eq!(said, "two\n");
    assert_eq!(place.phase("two"), "Succeeded");
    let why = place.says(&["why", "two", "B"]);
    assert!(why.contains("the workflow was retried"), "{why}");
    assert!(
        place
            .fails(&["retry", "two"])
            .contains("cannot retry workflow two")
    );
    assert!(
        place
            .says(&["list", "--resubmitted", "-o", "name"])
            .contains(name)
    );
}

const CHANGING: &str = "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: A, template: says}
      - {name: B, template: exits, depends: A}
  - name: says
    container: {image: busybox, command: [echo, old]}
  - name: exits
    container: {image: busybox, command: [sh, -c, 'echo old; exit 1']}
";

#[test]
fn a_retry_takes_changed_templates() {
    let place = Place::new();
    let file = place.workflow("wf", CHANGING);
    place.argosy(&["run", "--host", &file]);
    place.write(
        "fixed.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: any}
spec:
  templates:
  - name: exits
    container: {image: busybox, command: [echo, new]}
",
    );
    place.workflow(
        "faulty",
        &CHANGING.replace("template: says", "template: sais"),
    );
    place.write(
        "map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n",
    );
    place.workflow(
        "other",
        &CHANGING
            .replace("says", "x")
            .replace("exits", "w")
            .replace("name: main", "name: z"),
    );
    for (file, part) in [
        (
            "faulty.yaml",
            "faulty.yaml:10:29: error: spec.templates[0].dag.tasks[0].template: ",
        ),
        ("map.yaml", "a ConfigMap has no templates"),
        ("other.yaml", "it has main, says, exits"),
        ("nothing.yaml", "nothing.yaml does not exist"),
    ] {
        let said = place.fails(&["retry", "wf", "--template-from", file]);
        assert!(said.contains(part), "{file}: {said}");
    }
    let plan = ["retry", "wf", "--template-from", "fixed.yaml", "--dry-run"];
    assert_eq!(
        place.says(&plan),
        "template exits would be taken from the file
wf.B would be made anew
wf would be opened again
"
    );
    let from = [&plan[..], &["--from", "displayName=A"]].concat();
    assert!(place.says(&from).contains("wf.A would be made anew"));
    place.says(&["retry", "wf", "--template-from", "fixed.yaml", "--wait"]);
    assert_eq!(place.phase("wf"), "Succeeded");
    let logs = place.says(&["logs", "wf"]);
    let mut lines: Vec<&str> = logs
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, ["new", "old"]);
    let kept = place.says(&["get", "wf", "-o", "yaml"]);
    assert!(kept.contains("- new"), "{kept}");
    let said = place.fails(&["resubmit", "wf", "--memoized"]);
    assert!(said.contains("cannot resubmit: "), "{said}");
}
