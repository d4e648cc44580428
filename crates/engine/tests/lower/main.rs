//! Lowering, behaviour by behaviour.

mod artifacts;
mod executor;
mod layouts;
mod names;
mod patches;
mod pods;
mod prepared;

use std::sync::LazyLock;

use argosy_api::{Template, Workflow};
use argosy_engine::config::Config;
use argosy_engine::effect::{Layout, PodRequest, Supervision};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_engine::lower::{ArtifactRepositoryView, LowerError, LowerInput, lower};
use serde_json::{Value, json};

pub(crate) const KEY: PodKey = PodKey {
    run: RunId(1),
    node: NodeIndex(2),
    incarnation: 0,
};

/// A workflow called `wf` with this spec.
pub(crate) fn workflow(spec: Value) -> Workflow {
    serde_json::from_value(json!({
        "metadata": {"name": "wf", "namespace": "ns", "uid": "u1", "labels": {"team": "a"},
            "creationTimestamp": "2026-02-03T04:05:06Z"},
        "spec": spec,
    }))
    .expect("a workflow")
}

pub(crate) fn template(template: Value) -> Template {
    serde_json::from_value(template).expect("a template")
}

/// A container template with these fields besides the container.
pub(crate) fn container(mut fields: Value) -> Template {
    fields["name"] = json!("t");
    fields["container"] = json!({"image": "busybox", "command": ["echo"], "args": ["hi"]});
    template(fields)
}

pub(crate) fn s3() -> ArtifactRepositoryView {
    let repository: argosy_api::ArtifactRepository = serde_json::from_value(json!({
        "s3": {"endpoint": "minio", "bucket": "b"}
    }))
    .expect("a repository");
    ArtifactRepositoryView::from(&repository)
}

pub(crate) fn input<'a>(
    workflow: &'a Workflow,
    template: &'a Template,
    repository: &'a ArtifactRepositoryView,
) -> LowerInput<'a> {
    LowerInput {
        key: KEY,
        workflow,
        template,
        pod_name: "wf-t-123",
        node_id: "wf-123",
        node_name: "wf.step",
        capture_result: false,
        on_exit: false,
        deadline: None,
        active_deadline_seconds: None,
        template_timeout_left: None,
        retry_hosts: &[],
        repository,
        read_yaml: |text| serde_json::from_str(text).map_err(|_| "no YAML here".to_owned()),
        config: &CONFIG,
        boundary: None,
        workflow_deadline: None,
    }
}

/// What a controller without a ConfigMap is told.
pub(crate) static CONFIG: LazyLock<Config> = LazyLock::new(Config::default);

/// Lowers a template of a workflow with this spec.
pub(crate) fn lowered(spec: Value, template: &Template) -> Result<PodRequest, LowerError> {
    let repository = s3();
    lower(&input(&workflow(spec), template, &repository))
}

/// The same, as JSON of the pod.
#[track_caller]
pub(crate) fn pod(spec: Value, template: &Template) -> Value {
    let request = lowered(spec, template).expect("it can be lowered");
    serde_json::to_value(request.pod).expect("a pod is JSON")
}

#[track_caller]
pub(crate) fn supervision(request: PodRequest) -> Supervision {
    match request.layout {
        Layout::Supervised(supervision) => *supervision,
        Layout::Bare => panic!("the pod is bare"),
    }
}
