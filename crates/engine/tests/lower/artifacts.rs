use super::*;

/// The output artifacts with the archive location that lowering gives them.
fn outputs(spec: Value, fields: Value, repository: &ArtifactRepositoryView) -> (Value, Value) {
    let (workflow, template) = (workflow(spec), container(fields));
    let request = lower(&input(&workflow, &template, repository)).expect("lowered");
    let template = supervision(request).template;
    (
        serde_json::to_value(&template.outputs.artifacts).expect("JSON"),
        serde_json::to_value(&template.archive_location).expect("JSON"),
    )
}

fn repository(repository: Value) -> ArtifactRepositoryView {
    let repository: argosy_api::ArtifactRepository =
        serde_json::from_value(repository).expect("a repository");
    ArtifactRepositoryView::from(&repository)
}

#[test]
fn keys_of_outputs() {
    for (artifact, expected) in [
        (
            json!({"name": "a", "path": "/tmp/x.txt"}),
            "wf/wf-t-123/a.tgz",
        ),
        (
            json!({"name": "a", "path": "/tmp/x.txt", "archive": {"tar": {"compressionLevel": 0}}}),
            "wf/wf-t-123/a.tgz",
        ),
        (
            json!({"name": "a", "path": "/tmp/x.txt", "archive": {"zip": {}}}),
            "wf/wf-t-123/a.zip",
        ),
        (
            json!({"name": "a", "path": "/tmp/x.txt", "archive": {"none": {}}}),
            "wf/wf-t-123/x.txt",
        ),
        (
            json!({"name": "a", "path": "/tmp/dir/", "archive": {"none": {}}}),
            "wf/wf-t-123/dir",
        ),
        (
            json!({"name": "a", "path": "/tmp/x.txt", "s3": {"key": "own/key"}}),
            "own/key",
        ),
    ] {
        let (artifacts, location) = outputs(
            json!({}),
            json!({"outputs": {"artifacts": [artifact]}}),
            &s3(),
        );
        assert_eq!(artifacts[0]["s3"], json!({"key": expected}));
        assert_eq!(
            location,
            json!({"archiveLogs": false, "s3": {"endpoint": "minio", "bucket": "b", "key": "wf/wf-t-123"}})
        );
    }
}

#[test]
fn stores() {
    let artifact = json!({"outputs": {"artifacts": [{"name": "a", "path": "/a"}]}});
    for (store, expected) in [
        (
            json!({"s3": {"bucket": "b", "keyPrefix": "pre"}}),
            json!({"s3": {"key": "pre/wf/wf-t-123/a.tgz"}}),
        ),
        (
            json!({"s3": {"bucket": "b", "keyFormat": "{{workflow.creationTimestamp.Y}}/{{workflow.labels.team}}/{{workflow.parameters.p}}"}}),
            json!({"s3": {"key": "2026/a/v/a.tgz"}}),
        ),
        (
            json!({"gcs": {"bucket": "b"}}),
            json!({"gcs": {"key": "wf/wf-t-123/a.tgz"}}),
        ),
        (
            json!({"azure": {"endpoint": "e", "container": "c"}}),
            json!({"azure": {"endpoint": "", "container": "", "blob": "wf/wf-t-123/a.tgz"}}),
        ),
        (
            json!({"oss": {"bucket": "b", "keyFormat": "k//x"}}),
            json!({"oss": {"key": "k/x/a.tgz"}}),
        ),
        (
            json!({"hdfs": {"addresses": ["h"], "pathFormat": "/data"}}),
            json!({"hdfs": {"path": "/data/a.tgz"}}),
        ),
        (
            json!({"artifactory": {"repoURL": "https://h/r"}}),
            json!({"artifactory": {"url": "/r/wf/wf-t-123/a.tgz"}}),
        ),
        (
            json!({"plugin": {"name": "p", "configuration": "c"}}),
            json!({"plugin": {"key": "wf/wf-t-123/a.tgz"}}),
        ),
    ] {
        let spec = json!({"arguments": {"parameters": [{"name": "p", "value": "v"}]}});
        let (mut artifacts, _) = outputs(spec, artifact.clone(), &repository(store));
        let got = artifacts[0].as_object_mut().expect("a map");
        got.remove("name");
        got.remove("path");
        assert_eq!(json!(got), expected);
    }
}

#[test]
fn own_archive_locations_win() {
    let own = json!({"s3": {"endpoint": "e", "bucket": "o", "key": "mine"}});
    let (artifacts, location) = outputs(
        json!({}),
        json!({"archiveLocation": own, "outputs": {"artifacts": [{"name": "a", "path": "/a"}]}}),
        &s3(),
    );
    assert_eq!(artifacts[0]["s3"]["key"], "mine/a.tgz");
    assert_eq!(location, own);
    // Nothing is to be saved: no location.
    let placed =
        json!({"name": "a", "path": "/a", "s3": {"endpoint": "e", "bucket": "o", "key": "k"}});
    let (_, location) = outputs(
        json!({}),
        json!({"outputs": {"artifacts": [placed]}}),
        &s3(),
    );
    assert_eq!(location, Value::Null);
    // No repository: saving will fail, not the making of the pod.
    let (artifacts, location) = outputs(
        json!({}),
        json!({"outputs": {"artifacts": [{"name": "a", "path": "/a"}]}}),
        &ArtifactRepositoryView::default(),
    );
    assert_eq!(
        (artifacts, location),
        (json!([{"name": "a", "path": "/a"}]), Value::Null)
    );
}

#[test]
fn logs() {
    let (artifacts, location) = outputs(json!({"archiveLogs": true}), json!({}), &s3());
    assert_eq!(
        artifacts,
        json!([{"name": "main-logs", "archiveLogs": true, "archive": {"none": {}},
        "s3": {"key": "wf/wf-t-123/main.log"}}])
    );
    assert_eq!(location["archiveLogs"], true);
}

#[test]
fn unknown_tags_in_keys() {
    let t = container(json!({"outputs": {"artifacts": [{"name": "a", "path": "/a"}]}}));
    let repository = repository(json!({"s3": {"bucket": "b", "keyFormat": "{{workflow.nope}}"}}));
    let error = lower(&input(&workflow(json!({})), &t, &repository)).expect_err("unknown");
    assert_eq!(error.to_string(), "failed to resolve {{workflow.nope}}");
}

#[test]
fn input_paths() {
    for (path, expected) in [
        ("/a/b", None),
        (
            "",
            Some("error in inputs.artifacts.a: Artifact 'a' did not specify a path"),
        ),
        (
            "/a/../b",
            Some(
                "error in inputs.artifacts.a: Artifact 'a' attempted to use a path containing '..'. Directory traversal is not permitted",
            ),
        ),
        (
            "/a/..",
            Some(
                "error in inputs.artifacts.a: Artifact 'a' attempted to use a path containing '..'. Directory traversal is not permitted",
            ),
        ),
        ("/a/b/../../a/b/c", None),
    ] {
        let t = container(
            json!({"inputs": {"artifacts": [{"name": "a", "path": path, "raw": {"data": "x"}}]}}),
        );
        let got = lowered(json!({}), &t).err().map(|error| error.to_string());
        assert_eq!(got.as_deref(), expected, "{path}");
    }
}
