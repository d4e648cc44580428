//! `argosy sync`: the limits of semaphores.

use crate::place::{Place, node};

const WORKFLOW: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: NAME}
spec:
  entrypoint: main
  templates:
  - name: main
    synchronization: {semaphores: [{database: {key: mine}}, {configMapKeyRef: {name: limits, key: mine}}]}
    container: {image: none, command: [echo, hello]}
";

fn database(verb: &'static str) -> Vec<&'static str> {
    vec!["sync", verb, "mine", "--type", "database"]
}

fn map(verb: &'static str) -> Vec<&'static str> {
    let kind = ["--type", "ConfigMap", "--cm-name", "limits"];
    [&["sync", verb, "mine"][..], &kind].concat()
}

fn with(mut arguments: Vec<&'static str>, limit: &'static str) -> Vec<&'static str> {
    arguments.extend(["--limit", limit]);
    arguments
}

#[test]
fn limits_are_written_and_read_as_argo_writes_them() {
    let place = Place::new();
    let refused = |arguments: &[&str], text: &str| {
        let error = place.fails(arguments);
        assert!(error.contains(text), "{arguments:?}: {error}");
    };
    refused(
        &["sync", "get", "mine", "--type", "other"],
        "--type must be either 'database' or 'configmap'",
    );
    refused(
        &["sync", "get", "mine", "--type", "configmap"],
        "--cm-name is required when type is configmap",
    );
    refused(
        &with(database("create"), "0"),
        "failed to create sync limit: limit must be greater than zero",
    );
    refused(
        &database("get"),
        "failed to get sync limit: Database sync limit not found in namespace \"default\".",
    );
    refused(
        &with(database("update"), "1"),
        "Database sync limit not found in namespace \"default\".",
    );
    assert_eq!(
        place.says(&with(database("create"), "2")),
        "Sync limit created\nKey: mine\nType: database\nNamespace: default\nLimit: 2\n"
    );
    refused(
        &with(database("create"), "2"),
        "Database sync limit already exists in namespace \"default\".",
    );
    assert_eq!(
        place.says(&with(database("update"), "3")),
        "Sync limit updated\nKey: mine\nType: database\nNamespace: default\nLimit: 3\n"
    );
    assert_eq!(
        place.says(&database("get")),
        "Key: mine\nType: database\nNamespace: default\nLimit: 3\n"
    );
    refused(&map("get"), "configmaps \"limits\" not found");
    assert_eq!(
        place.says(&with(map("create"), "1")),
        "Sync limit created\nKey: mine\nType: configmap\nConfigMap Name: limits\nNamespace: default\nLimit: 1\n"
    );
    refused(
        &with(map("create"), "1"),
        "sync limit cannot be created as it already exists",
    );
    let ended = place.run(place.write("wf.yaml", &WORKFLOW.replace("NAME", "one")));
    assert_eq!(node(&ended, "one")["phase"], "Succeeded", "{ended}");
    assert_eq!(place.says(&map("delete")), "Sync limit deleted\n");
    refused(
        &map("get"),
        "key mine not found in configmap default/limits",
    );
    refused(
        &with(map("update"), "1"),
        "key mine not found in configmap default/limits - please create it first",
    );
    place.says(&with(map("create"), "1"));
    assert_eq!(place.says(&database("delete")), "Sync limit deleted\n");
    let fresh = Place::new();
    let text = WORKFLOW
        .replace("NAME", "two")
        .replace(", {configMapKeyRef: {name: limits, key: mine}}", "");
    let ended = fresh.run(fresh.write("wf.yaml", &text));
    let message = node(&ended, "two")["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("failed to initialize semaphore default/Database/mine with limit"),
        "{message}"
    );
}
