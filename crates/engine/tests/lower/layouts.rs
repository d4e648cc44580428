use super::*;
use argosy_engine::lower::needs_executor;

#[test]
fn what_needs_the_executor() {
    let long = "x".repeat(200_000);
    for (spec, fields, needed) in [
        (json!({}), json!({}), false),
        (
            json!({}),
            json!({"inputs": {"parameters": [{"name": "a", "value": "1"}]}}),
            false,
        ),
        (
            json!({}),
            json!({"initContainers": [{"name": "pre", "image": "i"}]}),
            false,
        ),
        (json!({}), json!({"daemon": true}), false),
        (
            json!({}),
            json!({"retryStrategy": {"limit": 3, "backoff": {"duration": "1"}}}),
            false,
        ),
        (json!({"archiveLogs": false}), json!({}), false),
        (
            json!({"archiveLogs": true}),
            json!({"archiveLocation": {"archiveLogs": false}}),
            false,
        ),
        (
            json!({}),
            json!({"outputs": {"parameters": [{"name": "a", "value": "1"}]}}),
            false,
        ),
        (
            json!({}),
            json!({"inputs": {"artifacts": [{"name": "a", "path": "/a"}]}}),
            true,
        ),
        (
            json!({}),
            json!({"outputs": {"artifacts": [{"name": "a", "path": "/a"}]}}),
            true,
        ),
        (
            json!({}),
            json!({"outputs": {"parameters": [{"name": "a", "valueFrom": {"path": "/a"}}]}}),
            true,
        ),
        (
            json!({}),
            json!({"sidecars": [{"name": "s", "image": "i"}]}),
            true,
        ),
        (
            json!({}),
            json!({"archiveLocation": {"archiveLogs": true}}),
            true,
        ),
        (json!({"archiveLogs": true}), json!({}), true),
        (
            json!({}),
            json!({"retryStrategy": {"backoff": {"maxDuration": "1m"}}}),
            true,
        ),
        (
            json!({"retryStrategy": {"backoff": {"maxDuration": "1m"}}}),
            json!({}),
            true,
        ),
        (
            json!({"podSpecPatch": "{\"containers\":[{\"name\":\"main\",\"env\":[{\"name\":\"ARGO_DEBUG_PAUSE_AFTER\"}]}]}"}),
            json!({}),
            true,
        ),
    ] {
        let template = container(fields.clone());
        assert_eq!(
            needs_executor(&template, &workflow(spec), false),
            needed,
            "{fields}"
        );
    }
    for (body, needed) in [
        (
            json!({"container": {"command": ["sh", "-c", "echo 1/2 > $ARGO_PROGRESS_FILE"]}}),
            true,
        ),
        (
            json!({"container": {"command": ["cat", "/var/run/argo/template"]}}),
            true,
        ),
        (
            json!({"container": {"command": ["sh", "-c", "echo $ARGO_NODE_ID"]}}),
            false,
        ),
        (
            json!({"container": {"env": [{"name": "ARGO_DEBUG_PAUSE_BEFORE", "value": "true"}]}}),
            true,
        ),
        (json!({"container": {"args": [long]}}), true),
        (json!({"script": {"source": "x"}}), true),
        (
            json!({"containerSet": {"containers": [{"name": "a"}, {"name": "b"}]}}),
            false,
        ),
        (
            json!({"containerSet": {"containers": [{"name": "a"}, {"name": "b", "dependencies": ["a"]}]}}),
            true,
        ),
        (
            json!({"containerSet": {"containers": [{"name": "a"}], "retryStrategy": {"retries": 2}}}),
            true,
        ),
    ] {
        let template = template(body.clone());
        assert_eq!(
            needs_executor(&template, &workflow(json!({})), false),
            needed
        );
    }
    assert!(needs_executor(
        &container(json!({})),
        &workflow(json!({})),
        true
    ));
}

#[test]
fn supervision_says_what_the_executor_is_to_do() {
    let (workflow, template, mut repository) = (workflow(json!({})), container(json!({})), s3());
    let capturing = LowerInput {
        capture_result: true,
        deadline: Some(1_700_000_000),
        ..input(&workflow, &template, &repository)
    };
    let request = lower(&capturing).expect("lowered");
    let env = request.pod.spec.as_ref().expect("a spec").containers[0]
        .env
        .clone()
        .expect("variables");
    let value = |name: &str| {
        env.iter()
            .find(|v| v.name == name)
            .and_then(|v| v.value.clone())
    };
    assert_eq!(value("ARGO_INCLUDE_SCRIPT_OUTPUT").as_deref(), Some("true"));
    assert_eq!(
        value("ARGO_DEADLINE").as_deref(),
        Some("2023-11-14T22:13:20Z")
    );
    assert_eq!(
        value("ARGO_PROGRESS_FILE").as_deref(),
        Some("/var/run/argo/progress")
    );
    let supervision = supervision(request);
    assert!(supervision.capture_result);
    assert_eq!(supervision.deadline, Some(1_700_000_000));
    assert!(supervision.script.is_none());
    // A deadline or a repository that keeps logs are enough.
    let late = LowerInput {
        deadline: Some(1),
        ..input(&workflow, &template, &repository)
    };
    assert!(matches!(
        lower(&late).expect("lowered").layout,
        Layout::Supervised(_)
    ));
    repository.archive_logs = true;
    let logged = input(&workflow, &template, &repository);
    assert!(matches!(
        lower(&logged).expect("lowered").layout,
        Layout::Supervised(_)
    ));
}
