//! `get` and `logs`.

use crate::ended;
use crate::place::{Place, errors, text};

#[test]
fn a_workflow_is_shown_as_argo_shows_it() {
    let place = ended();
    let shown = place.says(&["get", "bad"]);
    // On a busy machine it takes a second.
    let shown = shown.replace("  1s  ", "  0s  ");
    for part in [
        "Name:                bad\n",
        "Namespace:           default\n",
        "ServiceAccount:      unset (will run with the default ServiceAccount)\n",
        "Status:              Failed\n",
        "Message:             main: Error (exit code 3)\n",
        "Conditions:          \n PodRunning          False\n Completed           True\n",
        "Progress:            0/1\n",
        "Parameters:          \n  who:               world\n",
        "\nSTEP    TEMPLATE  PODNAME  DURATION  MESSAGE\n ✖ bad  main      bad      0s        main: Error (exit code 3)\n",
    ] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    assert_eq!(
        place.says(&["get", "good", "@latest", "-o", "name"]),
        "good\nbad\n"
    );
    let wide = place.says(&["get", "good", "-o", "wide"]);
    assert!(
        wide.contains("RESOURCESDURATION") && wide.contains("NODENAME"),
        "{wide}"
    );
    let short = place.says(&["get", "good", "-o", "short", "--no-utf8"]);
    assert!(
        short.starts_with("STEP") && short.contains(" Succeeded good"),
        "{short}"
    );
    let none = place.says(&["get", "good", "--status", "Failed"]);
    assert!(!none.contains("✔ good"), "{none}");
    assert!(
        place
            .fails(&["get", "nothing"])
            .contains("\"nothing\" not found")
    );
}

#[test]
fn logs_are_picked_and_cut() {
    let place = ended();
    for (arguments, expected) in [
        (&["logs", "good"][..], "good: hello\ngood: there\n"),
        (
            &["logs", "good", "good", "-f"],
            "good: hello\ngood: there\n",
        ),
        (&["logs", "good", "--tail", "1"], "good: there\n"),
        (&["logs", "good", "--tail", "0"], ""),
        (
            &["logs", "good", "--tail", "-1", "--grep", "t"],
            "good: there\n",
        ),
        (&["logs", "good", "--tail", "1", "--grep", "^h"], ""),
        (&["logs", "good", "--grep", "^h"], "good: hello\n"),
        (
            &["logs", "good", "--since", "1h", "-c", "main"],
            "good: hello\ngood: there\n",
        ),
        (
            &["logs", "good", "--since-time", "2099-01-01T00:00:00Z"],
            "",
        ),
        (
            &["logs", "good", "-l", "workflows.argoproj.io/workflow=good"],
            "good: hello\ngood: there\n",
        ),
        (&["logs", "good", "-l", "app=x"], ""),
        (&["logs", "good", "-c", "wait"], ""),
        (&["logs", "good", "-p"], ""),
        (&["logs", "@latest", "--no-color"], "bad: oh no\n"),
    ] {
        assert_eq!(place.says(arguments), expected, "{arguments:?}");
    }
    let said = place.fails(&["logs", "good", "nope"]);
    assert!(said.contains("workflow good has no pod \"nope\""), "{said}");
    assert!(
        place
            .fails(&["logs", "good", "--since", "soon"])
            .contains("no span of time")
    );
    assert!(
        place
            .fails(&["logs", "good", "--grep", "("])
            .contains("regular expression")
    );
}

#[test]
fn no_branch_leads_to_what_is_not_shown() {
    let place = Place::new();
    place.run_spec(
        "dag",
        "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: a, template: one}
      - {name: b, template: inner}
      - {name: z, template: one, depends: a.Failed}
  - name: inner
    steps:
    - - {name: x, template: one}
    - - {name: w, template: one, when: 'false'}
  - name: one
    container: {image: busybox, command: ['true']}
",
    );
    let tree = |arguments: &[&str]| {
        let shown = place.says(&[&["get", "dag", "-o", "short"][..], arguments].concat());
        let lines = shown.lines().skip(1);
        let steps = lines.map(|line| {
            let line = line.trim_start();
            line.split("  ").next().unwrap_or_default().to_owned()
        });
        steps.collect::<Vec<_>>()
    };
    assert_eq!(tree(&[]), ["✔ dag", "├─✔ a", "└─✔ b", "├───✔ x", "└───○ w"]);
    let skipped = tree(&["--status", "Skipped"]);
    assert!(
        skipped.len() == 1 && skipped[0].ends_with("○ w"),
        "{skipped:?}"
    );
}

#[test]
fn a_workflow_is_estimated_by_the_last_one_of_its_template() {
    let place = Place::new();
    place.apply(
        "apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: slow}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [sleep, '1.2']}
",
    );
    let from = [
        "submit",
        "--from",
        "workflowtemplate/slow",
        "--wait",
        "-o",
        "name",
    ];
    place.says(&from);
    assert_eq!(
        place.get("@latest")["status"].get("estimatedDuration"),
        None
    );
    let label = "workflows.argoproj.io/workflow-template=slow";
    assert_eq!(
        place
            .says(&["list", "-l", label, "-o", "name"])
            .lines()
            .count(),
        1
    );
    place.says(&from);
    let second = place.get("@latest");
    let estimate = second["status"]["estimatedDuration"].as_i64();
    assert!(estimate.is_some_and(|seconds| seconds >= 1), "{second:#}");
}

#[test]
fn who_waits_learns_how_it_ended_and_who_watches_sees_it() {
    let place = ended();
    assert!(place.says(&["watch", "bad"]).contains("bad Failed 0/1"));
    assert!(
        place
            .says(&["wait", "good"])
            .starts_with("good Succeeded at ")
    );
    place.fails(&["wait", "good", "bad"]);
    place.fails(&["wait", "nothing"]);
    place.says(&["wait", "nothing", "--ignore-not-found"]);
    place.says(&["resubmit", "bad", "--watch"]);
    place.fails(&["resubmit", "bad", "--wait"]);
}

#[test]
fn long_loops_are_counted_whatever_they_stand_in() {
    let place = Place::new();
    let file = place.workflow(
        "long",
        "  entrypoint: main
  onExit: dag
  templates:
  - name: main
    steps:
    - - {name: few, template: leaf, withSequence: {count: '3'}, when: '{{item}} == 1'}
      - {name: each, template: leaf, withSequence: {count: '130'}, when: '{{item}} > 127', continueOn: {failed: true}}
      - name: nested
        template: inner
        withSequence: {count: '120'}
        when: '{{item}} < 2'
        hooks: {exit: {template: leaf}}
        arguments: {parameters: [{name: p, value: '{{item}}'}]}
  - name: inner
    inputs: {parameters: [{name: p}]}
    steps: [[{name: a, template: leaf}]]
  - name: dag
    dag:
      tasks:
      - {name: task, template: leaf, withSequence: {count: '110'}, when: '{{item}} == 109', continueOn: {failed: true}}
  - name: leaf
    container: {image: busybox, command: [sh, -c], args: ['case \"{{node.name}}\" in *128*) exit 3;; esac']}
",
    );
    let output = place.argosy(&["run", "--host", &file]);
    assert_eq!(errors(&output), "", "{}", text(&output));
    let shown = place.says(&["get", "long", "-o", "short"]);
    for (line, times) in [
        ("✖ each(128:128)", 1),
        (" │ ├─… each: 129 more, ✔ 1  ○ 128", 1),
        (" │ └─… nested: 120 more, ✔ 2  ○ 118", 1),
        ("   └─… task: 110 more, ✔ 1  ○ 109", 0),
        (" └─… task: 110 more, ✔ 1  ○ 109", 1),
        ("few(", 3),
    ] {
        let found = shown.lines().filter(|shown| shown.contains(line)).count();
        assert_eq!(found, times, "{line}:\n{shown}");
    }
    // Nodes that are picked are picked from all.
    let every = "phase!=None";
    let all = place.says(&["get", "long", "-o", "short", "--node-field-selector", every]);
    assert_eq!(shown, all);
}
