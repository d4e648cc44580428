//! The commands beside `run`: what each prints, and that it does what it says.

mod place;

use place::Place;

/// A workflow of one step.
fn one_step(name: &str, labels: &str, command: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  entrypoint: main
  priority: 7
  workflowMetadata: {{labelsFrom: {{greeted: {{expression: workflow.parameters.who}}}}}}
  arguments: {{parameters: [{{name: who, value: world}}]}}
  templates:
  - name: main
    container: {{image: busybox, command: [sh, -c, '{command}']}}
"
    )
}

/// Two workflows that have ended: `good` and `bad`.
fn ended() -> Place {
    let place = Place::new();
    let good = place.write(
        "good.yaml",
        &one_step("good", "team: a", "echo hello; echo there"),
    );
    let bad = place.write(
        "bad.yaml",
        &one_step("bad", "team: b", "echo oh no; exit 3"),
    );
    for file in [good, bad] {
        place.argosy(&["run", "--host", &file.to_string_lossy()]);
    }
    place
}

#[test]
fn lists_show_what_is_asked_for() {
    let place = ended();
    for (arguments, names) in [
        (&["list"][..], &["bad", "good"][..]),
        (&["list", "--completed"], &["bad", "good"]),
        (&["list", "--running"], &[]),
        (&["list", "--status", "Failed,Error"], &["bad"]),
        (&["list", "--prefix", "go"], &["good"]),
        (&["list", "-l", "team=a"], &["good"]),
        (&["list", "-l", "greeted=world"], &["bad", "good"]),
        (
            &["list", "-l", "team in (a,b)", "--chunk-size", "1"],
            &["bad", "good"],
        ),
        (
            &["list", "-l", "workflows.argoproj.io/phase=Failed"],
            &["bad"],
        ),
        (
            &["list", "--field-selector", "metadata.name=good"],
            &["good"],
        ),
        (&["list", "--since", "1h"], &["bad", "good"]),
        (&["list", "--older", "1h"], &[]),
        (&["list", "--resubmitted"], &[]),
        (&["list", "-n", "elsewhere"], &[]),
        (&["list", "-n", "elsewhere", "-A"], &["bad", "good"]),
    ] {
        let said = place.says(&[arguments, &["-o", "name"]].concat());
        let mut found: Vec<&str> = said.lines().filter(|line| !line.contains(' ')).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{arguments:?}");
    }
    let table = place.says(&["list", "-o", "wide"]);
    let head = table.lines().next().unwrap_or_default();
    let columns: Vec<&str> = head.split_whitespace().collect();
    let expected = "NAME STATUS AGE DURATION PRIORITY MESSAGE P/R/C PARAMETERS";
    assert_eq!(columns.join(" "), expected);
    assert!(
        table.contains("0/0/1") && table.contains("who=world"),
        "{table}"
    );
    let json: Vec<serde_json::Value> =
        serde_json::from_str(&place.says(&["list", "-o", "json"])).expect("JSON");
    assert_eq!(json.len(), 2);
    for (arguments, error) in [
        (
            &["list", "--completed", "--running"][..],
            "cannot be used together",
        ),
        (&["list", "--status", "Done"], "the phases are"),
        (&["list", "-l", "a in b"], "label selector"),
        (
            &["list", "--field-selector", "spec.x=1"],
            "can't be selected",
        ),
    ] {
        let said = place.fails(arguments);
        assert!(said.contains(error), "{arguments:?}: {said}");
    }
}

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
fn what_runs_can_be_suspended_resumed_and_set() {
    let place = Place::new();
    let file = place.write(
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
    place.says(&["submit", &file.to_string_lossy(), "-o", "name"]);
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
fn artifacts_are_copied() {
    let place = Place::new();
    let file = place.write(
        "art.yaml",
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: art}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [sh, -c, 'echo data > /tmp/out']}
    outputs: {artifacts: [{name: out, path: /tmp/out, archive: {none: {}}}]}
",
    );
    place.run(&file);
    let said = place.says(&[
        "cp",
        "art",
        "into",
        "--path",
        "{workflowName}/{artifactName}",
    ]);
    assert_eq!(said, "Created into/art/out/out\n");
    let copied = std::fs::read_to_string(place.dir.path().join("into/art/out/out"));
    assert_eq!(copied.expect("it is there"), "data\n");
    assert!(
        place
            .fails(&["cp", "art", "into", "--artifact-name", "x"])
            .contains("no such output")
    );
    assert!(
        place
            .fails(&["cp", "art", "x", "--path", "../{nodeId}"])
            .contains("leads out")
    );
}

const KEPT: &str = "apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: greet, labels: {team: a}}
spec:
  entrypoint: hello
  templates:
  - name: hello
    container: {image: busybox, command: [echo, hello]}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: everywhere}
spec:
  entrypoint: hello
  templates:
  - name: hello
    container: {image: busybox, command: [echo, hello]}
---
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: daily}
spec:
  schedules: ['0 2 * * *']
  workflowSpec: {workflowTemplateRef: {name: greet}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: safe}
stringData: {word: sesame}
";

#[test]
fn templates_and_other_objects_are_kept() {
    let place = Place::new();
    let file = place.write("kept.yaml", KEPT);
    let file = file.to_string_lossy();
    let made = "workflowtemplate.argoproj.io/greet created
clusterworkflowtemplate.argoproj.io/everywhere created
cronworkflow.argoproj.io/daily created
configmap/words created
secret/safe created
";
    assert_eq!(place.says(&["apply", "-f", &file]), made);
    assert!(
        place
            .says(&["apply", "-f", &file])
            .contains("configmap/words configured")
    );
    for (arguments, expected) in [
        (&["template", "list"][..], "NAME\ngreet\n"),
        (
            &["template", "list", "-l", "team!=a"],
            "No workflowtemplates found\n",
        ),
        (&["template", "get", "greet", "-o", "name"], "greet\n"),
        (&["cluster-template", "list", "-o", "name"], "everywhere\n"),
        (&["cron", "list", "-o", "name"], "daily\n"),
        (&["get", "configmap"], "words\n"),
        (&["get", "secret/safe", "-o", "name"], "safe\n"),
        (
            &["cron", "suspend", "daily"],
            "CronWorkflow 'daily' suspended\n",
        ),
        (
            &["cron", "resume", "daily"],
            "CronWorkflow 'daily' resumed\n",
        ),
    ] {
        assert_eq!(place.says(arguments), expected, "{arguments:?}");
    }
    let cron = place.says(&["cron", "get", "daily"]);
    assert!(
        cron.contains("Schedules:                    0 2 * * *\n"),
        "{cron}"
    );
    let known = place.fails(&["template", "create", &file]);
    assert!(known.contains("already exists"), "{known}");
    assert!(
        place
            .says(&["template", "update", &file])
            .starts_with("Name:")
    );
    assert!(
        place
            .says(&["template", "lint", &file])
            .contains("no linting errors found!")
    );
    for from in [
        "workflowtemplate/greet",
        "clusterworkflowtemplate/everywhere",
        "cronwf/daily",
    ] {
        let said = place.says(&["submit", "--from", from, "--dry-run"]);
        assert!(said.contains("generateName: "), "{said}");
    }
    for (arguments, expected) in [
        (
            &["delete", "configmap", "words"][..],
            "configmap/words deleted\n",
        ),
        (
            &["template", "delete", "greet"],
            "WorkflowTemplate 'greet' deleted\n",
        ),
        (
            &["cluster-template", "delete", "--all"],
            "ClusterWorkflowTemplate 'everywhere' deleted\n",
        ),
        (
            &["cron", "delete", "daily"],
            "CronWorkflow 'daily' deleted\n",
        ),
    ] {
        assert_eq!(place.says(arguments), expected, "{arguments:?}");
    }
    assert!(
        place
            .fails(&["template", "get", "greet"])
            .contains("\"greet\" not found")
    );
}

#[test]
fn lint_reads_every_kind_and_prints_what_is_asked_for() {
    let place = Place::new();
    place.write("kept.yaml", KEPT);
    assert_eq!(
        place.says(&["lint", "--offline", "."]),
        "✔ no linting errors found!\n"
    );
    place.write(
        "bad.yaml",
        &KEPT.replace("entrypoint: hello", "entrypoint: helo"),
    );
    for (arguments, part) in [
        (&["lint", "bad.yaml"][..], "✖ 3 linting errors found!"),
        (
            &["lint", "bad.yaml", "-o", "simple"],
            "bad.yaml:5:15: error: spec.entrypoint: ",
        ),
        (&["lint", "bad.yaml", "-o", "json"], "\"line\": 5"),
        (&["lint", "bad.yaml", "-o", "sarif"], "\"startLine\": 5"),
        (
            &["lint", "--kinds", "clusterworkflowtemplates", "bad.yaml"],
            "✖ 1 linting errors found!",
        ),
    ] {
        let output = place.argosy(arguments);
        let said = place::text(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let nothing = place.fails(&["lint", "--kinds", "workflows", "kept.yaml"]);
    assert!(nothing.contains("found nothing to lint"), "{nothing}");
}

#[test]
fn small_commands() {
    let place = Place::new();
    assert_eq!(
        place.says(&["version", "--short"]),
        format!("argosy: v{}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(place.says(&["completion", "bash"]).contains("_argosy()"));
    place.write(
        "old.yaml",
        "kind: CronWorkflow\nspec: {schedule: '* * * * *'}\n",
    );
    let new = place.says(&["convert", "old.yaml"]);
    assert!(
        new.starts_with("---\n") && new.contains("schedules:"),
        "{new}"
    );
    let file = place.write("w.yaml", &one_step("w", "team: a", "true"));
    let dry = place.says(&[
        "submit",
        &file.to_string_lossy(),
        "--dry-run",
        "-o",
        "json",
        "-p",
        "who=you",
        "--name",
        "x",
        "--labels",
        "a=b",
        "--entrypoint",
        "main",
        "--priority",
        "-3",
        "--serviceaccount",
        "me",
    ]);
    let workflow: serde_json::Value = serde_json::from_str(&dry).expect("JSON");
    for (path, value) in [
        ("/metadata/name", "x"),
        ("/metadata/labels/a", "b"),
        ("/metadata/labels/team", "a"),
        ("/spec/arguments/parameters/0/value", "you"),
        ("/spec/serviceAccountName", "me"),
    ] {
        let found = workflow.pointer(path).and_then(|value| value.as_str());
        assert_eq!(found, Some(value), "{path}");
    }
    assert_eq!(workflow["spec"]["priority"], -3);
    assert!(place.says(&["list"]).contains("No workflows found"));
}
