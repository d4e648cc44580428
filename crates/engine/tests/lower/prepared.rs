use std::sync::Arc;

use super::*;
use argosy_engine::lower::{NodeInput, PreparedTemplate};

/// Fills the parameter `p` and the names of workflow and pod into a text.
fn fill(text: &str) -> String {
    text.replace("{{inputs.parameters.p}}", "v")
        .replace("{{workflow.name}}", "wf")
        .replace("{{pod.name}}", "wf-t-123")
}

fn prepare(spec: &Value, body: &Value) -> Option<PreparedTemplate> {
    let (workflow, template, repository) = (workflow(spec.clone()), template(body.clone()), s3());
    PreparedTemplate::new(&input(&workflow, &template, &repository))
}

fn node(name: &Arc<str>) -> NodeInput<'_> {
    NodeInput {
        key: KEY,
        pod_name: "wf-t-123",
        node_id: "wf-123",
        node_name: name,
        input_artifacts: &[],
        deadline: None,
        active_deadline_seconds: Some(100),
        workflow_deadline: Some(1_000_000),
        template_timeout_left: Some(50),
        retry_hosts: &[],
    }
}

/// Both ways must give the same.
#[track_caller]
fn check_same(spec: Value, body: Value) {
    let name: Arc<str> = "wf.step".into();
    let prepared = prepare(&spec, &body).expect("it can be prepared");
    let fast = prepared
        .lower(&node(&name), &mut |_, raw| Ok(fill(raw)))
        .expect("lowered")
        .expect("the fast way");
    let text = fill(&body.to_string());
    let (workflow, template, repository) = (
        workflow(serde_json::from_str(&fill(&spec.to_string())).expect("JSON")),
        template(serde_json::from_str(&text).expect("JSON")),
        s3(),
    );
    let slow = lower(&LowerInput {
        active_deadline_seconds: Some(100),
        workflow_deadline: Some(1_000_000),
        template_timeout_left: Some(50),
        ..input(&workflow, &template, &repository)
    })
    .expect("lowered");
    assert_eq!(format!("{fast:#?}"), format!("{slow:#?}"));
}

#[test]
fn fast_equals_slow() {
    let p = "{{inputs.parameters.p}}";
    let spec = json!({"volumes": [{"name": "w", "persistentVolumeClaim": {"claimName": p}}], "podMetadata": {"labels": {"l": p}}});
    check_same(
        json!({}),
        json!({"name": "t", "container": {"image": "i", "command": ["echo"], "args": [p]}}),
    );
    check_same(
        spec.clone(),
        json!({"name": "t", "metadata": {"annotations": {"x": p}}, "nodeSelector": {"a": p},
        "initContainers": [{"name": "pre", "image": p, "args": [p, "x"], "resources": {}}],
        "container": {"image": p, "command": [p], "args": ["-", p], "workingDir": p, "env": [{"name": "A", "value": p}],
            "volumeMounts": [{"name": "w", "mountPath": "/w", "subPath": p}], "resources": {"limits": {"cpu": p}}}}),
    );
    check_same(
        spec,
        json!({"name": "t", "script": {"image": "i", "command": ["sh"], "resources": {}, "source": "echo {{inputs.parameters.p}}"},
        "outputs": {"parameters": [{"name": "a", "valueFrom": {"path": p, "default": p}}],
            "artifacts": [{"name": "b", "path": "/x/{{inputs.parameters.p}}"}, {"name": "c", "path": "/c", "s3": {"key": p}}]}}),
    );
    check_same(
        json!({"archiveLogs": true}),
        json!({"name": "t", "container": {"image": "i", "args": [p], "resources": {}},
        "sidecars": [{"name": "s", "image": p, "mirrorVolumeMounts": true, "resources": {}}]}),
    );
    check_same(
        json!({"podSpecPatch": "{\"hostname\": \"h\", \"terminationGracePeriodSeconds\": 3}"}),
        json!({"name": "t", "activeDeadlineSeconds": 40, "container": {"image": "i", "args": [p]}}),
    );
}

#[test]
fn what_cannot_be_prepared() {
    let p = "{{inputs.parameters.p}}";
    let c = json!({"image": "i"});
    for (spec, body) in [
        (
            json!({"podSpecPatch": "{\"hostname\": \"{{pod.name}}\"}"}),
            json!({"name": "t", "container": c}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": c, "podSpecPatch": p}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": c, "activeDeadlineSeconds": p}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": {"image": "i", "lifecycle": {"postStart": {"exec": {"command": [p]}}}}}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": {"image": "i", "volumeMounts": [{"name": p, "mountPath": "/"}]}}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": c, "metadata": {"labels": {p: "x"}}}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": c, "outputs": {"artifacts": [{"name": "a", "path": p, "archive": {"none": {}}}]}}),
        ),
        (
            json!({}),
            json!({"name": "t", "container": {"image": "{{open"}}),
        ),
        (
            json!({}),
            json!({"name": "t", "resource": {"action": "get", "manifest": p}}),
        ),
    ] {
        assert!(prepare(&spec, &body).is_none(), "{body}");
    }
}

#[test]
fn values_that_ask_for_the_general_way() {
    let name: Arc<str> = "wf.step".into();
    let body =
        json!({"name": "t", "container": {"image": "i", "args": ["{{inputs.parameters.p}}"]}});
    let prepared = prepare(&json!({}), &body).expect("it can be prepared");
    assert!(prepared.is_bare());
    for value in ["{{more}}", "cat $ARGO_PROGRESS_FILE", &"x".repeat(100_000)] {
        let got = prepared.lower(&node(&name), &mut |_, _| Ok(value.to_owned()));
        assert!(got.expect("no error").is_none());
    }
    let late = NodeInput {
        deadline: Some(1),
        ..node(&name)
    };
    assert!(
        prepared
            .lower(&late, &mut |_, raw| Ok(fill(raw)))
            .expect("no error")
            .is_none()
    );
    let over = NodeInput {
        template_timeout_left: Some(0),
        ..node(&name)
    };
    let error = prepared
        .lower(&over, &mut |_, raw| Ok(fill(raw)))
        .expect_err("too late");
    assert_eq!(error.to_string(), "wf.step exceeded its deadline");
}
