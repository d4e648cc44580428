//! What ended workflows leave, and when it goes.

use std::path::PathBuf;

use crate::one_step;
use crate::place::{Place, node};

/// A step with three artifacts, of which one goes at the end and one with the workflow.
fn with_artifacts(extra: &str) -> String {
    format!(
        "  entrypoint: main
{extra}  templates:
  - name: main
    container: {{image: busybox, command: [sh, -c], args: ['for f in soon late never; do echo $f > /tmp/$f; done']}}
    outputs:
      artifacts:
      - {{name: soon, path: /tmp/soon, s3: {{key: '{{{{workflow.name}}}}/soon'}}, archive: {{none: {{}}}}, artifactGC: {{strategy: OnWorkflowCompletion}}}}
      - {{name: late, path: /tmp/late, s3: {{key: '{{{{workflow.name}}}}/late'}}, archive: {{none: {{}}}}, artifactGC: {{strategy: OnWorkflowDeletion}}}}
      - {{name: never, path: /tmp/never, s3: {{key: '{{{{workflow.name}}}}/never'}}, archive: {{none: {{}}}}}}
"
    )
}

fn artifacts(place: &Place, workflow: &str) -> Vec<String> {
    let folder = place.data("artifacts").join(workflow);
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn folder_of_runs(place: &Place) -> PathBuf {
    place.data("runs")
}

#[test]
fn artifacts_go_when_their_strategy_says() {
    let place = Place::new();
    let ended = place.run_spec("gone", &with_artifacts(""));
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    assert_eq!(artifacts(&place, "gone"), ["late", "never"]);
    assert!(folder_of_runs(&place).join("1").exists());
    place.says(&["delete", "gone"]);
    assert_eq!(artifacts(&place, "gone"), ["never"]);
    assert!(!folder_of_runs(&place).join("1").exists());
}

#[test]
fn a_workflow_whose_time_has_come_is_deleted_by_whoever_runs_next() {
    let place = Place::new();
    place.run_spec(
        "brief",
        &with_artifacts("  ttlStrategy: {secondsAfterCompletion: 3}\n"),
    );
    let names = || place.says(&["list", "-o", "name"]);
    assert_eq!(names().trim(), "brief");
    place.run_spec(
        "lasting",
        &with_artifacts("  ttlStrategy: {secondsAfterFailure: 1}\n"),
    );
    let other = place.workflow("other", &one_step("true"));
    place.wait_until("the workflow is deleted", || {
        place.argosy(&["run", "--host", &other]);
        place.argosy(&["delete", "other"]);
        !names().contains("brief")
    });
    assert_eq!(artifacts(&place, "brief"), ["never"]);
    assert!(!folder_of_runs(&place).join("1").exists());
    assert_eq!(names().trim(), "lasting");
    assert_eq!(artifacts(&place, "lasting"), ["late", "never"]);
}

#[test]
fn the_runner_in_the_background_deletes_what_is_due_while_it_lives() {
    let place = Place::new();
    let spec = one_step("true") + "  ttlStrategy: {secondsAfterSuccess: 1}\n";
    let file = place.workflow("submitted", &spec);
    place.says(&["submit", "--wait", &file]);
    place.wait_until("the workflow is deleted", || {
        !place.says(&["list", "-o", "name"]).contains("submitted")
    });
}

#[test]
fn no_more_ended_workflows_are_kept_than_the_controller_says() {
    let place = Place::new();
    place.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: workflow-controller-configmap}, data: {retentionPolicy: '{completed: 2, failed: 1}'}}");
    for (name, line) in [
        ("a", "true"),
        ("b", "true"),
        ("c", "false"),
        ("d", "true"),
        ("e", "false"),
    ] {
        place.run_spec(name, &one_step(line));
    }
    let names = place.says(&["list", "-o", "name"]);
    let mut names: Vec<&str> = names.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["b", "d", "e"]);
}

#[test]
fn logs_are_kept_as_artifacts_where_that_is_asked_for() {
    let place = Place::new();
    let spec = "  entrypoint: main
  archiveLogs: true
  templates:
  - name: main
    steps: [[{name: kept, template: kept}, {name: bad, template: bad, continueOn: {failed: true}}, {name: not, template: not}]]
  - {name: kept, container: {image: busybox, command: [sh, -c], args: ['echo one; echo two >&2']}}
  - {name: bad, container: {image: busybox, command: [sh, -c], args: ['echo why; exit 1']}}
  - {name: not, archiveLocation: {archiveLogs: false}, container: {image: busybox, command: [echo, three]}}
";
    let ended = place.run_spec("logged", spec);
    for (step, log) in [("kept", "one\ntwo\n"), ("bad", "why\n")] {
        let artifact = &node(&ended, step)["outputs"]["artifacts"][0];
        assert_eq!(artifact["name"], "main-logs", "{step}");
        assert_eq!(artifact["archive"], serde_json::json!({"none": {}}));
        let key = artifact["s3"]["key"].as_str().expect("a key");
        assert!(
            key.starts_with("logged/") && key.ends_with("/main.log"),
            "{key}"
        );
        let file = place.data("artifacts").join(key);
        assert_eq!(std::fs::read_to_string(file).expect("the log"), log);
    }
    assert!(node(&ended, "not")["outputs"]["artifacts"].is_null());
    let said = place.says(&["logs", "logged", "--no-color"]);
    for line in ["one", "two", "why", "three"] {
        assert!(said.contains(line), "{said}");
    }
}
