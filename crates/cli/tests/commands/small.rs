//! Commands that are small.

use crate::one_step;
use crate::place::Place;

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
    place.write("w.yaml", &one_step("w", "team: a", "true"));
    let dry = place.says(&[
        "submit",
        "w.yaml",
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

#[test]
fn artifacts_are_copied() {
    let place = Place::new();
    let file = place.workflow(
        "art",
        "  entrypoint: main
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
    let copied = std::fs::read_to_string(place.path("into/art/out/out"));
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

#[test]
fn what_is_kept_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let file = place.workflow(
        "one",
        "  entrypoint: main
  templates: [{name: main, container: {image: none, command: ['true']}}]
",
    );
    place.run(&file);
    let data = place.data("");
    let mode = std::fs::metadata(data)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
