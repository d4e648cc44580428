//! The controller's configuration: the ConfigMap `workflow-controller-configmap`.

use crate::place::{Place, node};

const CONFIG: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: argo}
data:
  instanceID: mine
  parallelism: '1'
  workflowDefaults: |
    metadata: {labels: {team: a}}
    spec:
      entrypoint: main
      artifactRepositoryRef: {key: special}
  mainContainer: |
    env: [{name: GREETING, value: hi}]
";

const REPOSITORIES: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: artifact-repositories, namespace: argo}
data:
  special: |
    s3: {keyFormat: 'special/{{pod.name}}'}
  bucket: |
    s3: {endpoint: 's3.example.org', bucket: b, keyFormat: 'k'}
";

fn workflow(name: &str, more: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:{more}
  templates:
  - name: main
    container: {{image: busybox, command: [sh, -c, 'echo $GREETING > /tmp/out; echo $GREETING']}}
    outputs: {{artifacts: [{{name: out, path: /tmp/out}}]}}
"
    )
}

#[test]
fn what_is_not_a_configuration_is_told_at_its_place() {
    let place = Place::new();
    for (data, parts) in [
        (
            "  paralelism: '1'",
            &[
                "cm.yaml:5:",
                "unknown key \"paralelism\"",
                "did you mean \"parallelism\"?",
            ][..],
        ),
        (
            "  config: '{parallelism: x}'",
            &["cm.yaml:5:", "data.config", "cannot read parallelism"],
        ),
        (
            "  nodeEvents: '{enabld: true}'",
            &["data.nodeEvents", "enabld"],
        ),
        ("  metricsConfig: '{path: m}'", &["must begin with a /"]),
        (
            "  artifactRepository: 's3: {endpoint: e, bucket: b, keyFormat: k}'",
            &["data.artifactRepository", "a store of kind S3"],
        ),
        (
            "  config: '{}'\n  parallelism: '1'",
            &["must only have one item"],
        ),
    ] {
        let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: workflow-controller-configmap}\ndata:\n";
        place.write("cm.yaml", &format!("{head}{data}\n"));
        let said = place.fails(&["apply", "-f", "cm.yaml"]);
        for part in parts {
            assert!(said.contains(part), "no {part:?} in\n{said}");
        }
    }
}

#[test]
fn it_concerns_every_workflow() {
    let place = Place::new();
    place.apply(CONFIG);
    place.write("w.yaml", &workflow("w", ""));
    let elsewhere = CONFIG.replace("namespace: argo", "namespace: other");
    place.write("elsewhere.yaml", &elsewhere);
    let said = place.fails(&["apply", "-f", "elsewhere.yaml"]);
    assert!(said.contains("is kept in namespace argo"), "{said}");
    let said = place.fails(&["run", "--host", "w.yaml"]);
    assert!(
        said.contains("failed to find any artifact repository"),
        "{said}"
    );
    place.apply(REPOSITORIES);
    let own = "\n  artifactRepositoryRef: {key: bucket}";
    place.write("bucket.yaml", &workflow("bucket", own));
    let said = place.fails(&["run", "--host", "bucket.yaml"]);
    assert!(
        said.contains("the artifact repository bucket of ConfigMap"),
        "{said}"
    );

    let ended = place.run("w.yaml");
    assert_eq!(ended["status"]["phase"], "Succeeded");
    let labels = &ended["metadata"]["labels"];
    assert_eq!(labels["team"], "a");
    assert_eq!(
        labels["workflows.argoproj.io/controller-instanceid"],
        "mine"
    );
    let artifact = &node(&ended, "w")["outputs"]["artifacts"][0];
    assert_eq!(artifact["s3"]["key"], "special/w/out.tgz");
    assert_eq!(
        ended["status"]["artifactRepositoryRef"]["namespace"],
        "argo"
    );
    assert_eq!(place.says(&["logs", "w"]), "w: hi\n");
}

#[test]
fn limits_hold_in_the_runner_and_change_while_it_lives() {
    let place = Place::new();
    place.write("config.yaml", CONFIG);
    place.write("repositories.yaml", REPOSITORIES);
    place.says(&["apply", "-f", "config.yaml", "-f", "repositories.yaml"]);
    let plain = |name: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:
  templates:
  - name: main
    container: {{image: busybox, command: [sh, -c, 'while [ ! -e go ]; do sleep 0.05; done']}}
"
        )
    };
    for name in ["one", "two"] {
        let file = format!("{name}.yaml");
        place.write(&file, &plain(name));
        place.says(&["submit", &file, "-o", "name"]);
    }
    place.wait_until("one runs", || place.phase("one") == "Running");
    place.wait_until("two is put off", || {
        place
            .says(&["get", "two"])
            .contains("too many workflows are already running")
    });
    place.apply(&CONFIG.replace("parallelism: '1'", "parallelism: '2'"));
    place.wait_until("two runs", || place.phase("two") == "Running");
    place.write("go", "");
    place.says(&["wait", "one", "two"]);
}
