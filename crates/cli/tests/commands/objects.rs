//! `apply`, `template`, `cluster-template`, `cron`: objects that are kept.

use crate::place::Place;

pub const KEPT: &str = "apiVersion: argoproj.io/v1alpha1
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
    place.write("kept.yaml", KEPT);
    let file = "kept.yaml";
    let made = "workflowtemplate.argoproj.io/greet created
clusterworkflowtemplate.argoproj.io/everywhere created
cronworkflow.argoproj.io/daily created
configmap/words created
secret/safe created
";
    assert_eq!(place.says(&["apply", "-f", file]), made);
    assert!(
        place
            .says(&["apply", "-f", file])
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
    let secret = place.says(&["get", "secret", "safe", "-o", "yaml"]);
    assert!(secret.contains("word: c2VzYW1l"), "{secret}");
    assert!(secret.contains("type: Opaque"), "{secret}");
    assert!(!secret.contains("sesame"), "{secret}");
    let cron = place.says(&["cron", "get", "daily"]);
    assert!(
        cron.contains("Schedules:                    0 2 * * *\n"),
        "{cron}"
    );
    let known = place.fails(&["template", "create", file]);
    assert!(known.contains("already exists"), "{known}");
    assert!(
        place
            .says(&["template", "update", file])
            .starts_with("Name:")
    );
    assert!(
        place
            .says(&["template", "lint", file])
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
fn what_can_not_be_kept_is_told_with_its_file() {
    let place = Place::new();
    std::fs::create_dir(place.path("all")).expect("a folder");
    place.write("all/kept.yaml", KEPT);
    place.write("all/one.yaml", &crate::one_step("one", "", "true"));
    let said = place.fails(&["apply", "-f", "all"]);
    let expected =
        "error: all/one.yaml: a Workflow is not applied but submitted: argosy submit FILE\n";
    assert_eq!(said, expected);
    assert_eq!(
        place.says(&["template", "list"]),
        "No workflowtemplates found\n"
    );
}
