//! How many nodes a second are lowered: the fast way and the general one, for a bare step and a
//! supervised script.
#![allow(clippy::print_stdout, reason = "what it measures is printed")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use argosy_api::{Template, Workflow};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_engine::lower::{
    ArtifactRepositoryView, LowerError, LowerInput, NodeInput, PreparedTemplate, lower, node_id,
    pod_name,
};
use argosy_expr::{EvalContext, MapScope, Unresolved};
use serde_json::json;

const NODES: u32 = 200_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let workflow: Workflow = serde_json::from_value(json!({
        "metadata": {"name": "fan-out", "namespace": "default", "uid": "6f1c"},
        "spec": {"serviceAccountName": "runner"},
    }))?;
    let bare = json!({
        "name": "work",
        "inputs": {"parameters": [{"name": "i", "value": "7"}]},
        "container": {"image": "busybox:1.36", "command": ["sh", "-c"],
            "args": ["echo {{inputs.parameters.i}}"], "env": [{"name": "I", "value": "{{inputs.parameters.i}}"}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}},
    });
    let supervised = json!({
        "name": "work",
        "inputs": {"parameters": [{"name": "i", "value": "7"}]},
        "script": {"image": "python:3.12", "command": ["python"], "source": "print({{inputs.parameters.i}})"},
        "outputs": {"artifacts": [{"name": "out", "path": "/tmp/out"}]},
    });
    let repository: argosy_api::ArtifactRepository =
        serde_json::from_value(json!({"s3": {"endpoint": "minio", "bucket": "b"}}))?;
    let repository = ArtifactRepositoryView::from(&repository);
    let config = argosy_engine::config::Config::default();
    for (label, template) in [("bare", bare), ("supervised", supervised)] {
        let tagged: Template = serde_json::from_value(template.clone())?;
        let text = template.to_string().replace("{{inputs.parameters.i}}", "7");
        let rendered: Template = serde_json::from_str(&text)?;
        let input = LowerInput {
            key: key(0),
            workflow: &workflow,
            template: &tagged,
            pod_name: "",
            node_id: "",
            node_name: "",
            capture_result: false,
            on_exit: false,
            deadline: None,
            active_deadline_seconds: None,
            template_timeout_left: None,
            retry_hosts: &[],
            repository: &repository,
            read_yaml: |_| Err("none is used".to_owned()),
            config: &config,
            boundary: None,
            workflow_deadline: None,
        };
        fast(label, &input)?;
        general(
            label,
            LowerInput {
                template: &rendered,
                ..input
            },
        )?;
    }
    Ok(())
}

fn key(node: u32) -> PodKey {
    PodKey {
        run: RunId(1),
        node: NodeIndex(node),
        incarnation: 0,
    }
}

fn fast(label: &str, input: &LowerInput) -> Result<(), LowerError> {
    let prepared = PreparedTemplate::new(input);
    let prepared = prepared.ok_or_else(|| LowerError::Render("not preparable".to_owned()))?;
    let context = EvalContext::new(0, 0, 0);
    let mut scope: MapScope = [
        ("workflow.name", "fan-out"),
        ("inputs.parameters.i", "7"),
        ("pod.name", ""),
    ]
    .into_iter()
    .collect();
    let start = Instant::now();
    for i in 0..NODES {
        let node_name: Arc<str> = format!("fan-out[0].work({i}:{i})").into();
        let pod = pod_name("fan-out", &node_name, "work", 0);
        scope.0.insert("pod.name".to_owned(), pod.clone());
        let node = NodeInput {
            key: key(i),
            pod_name: &pod,
            node_id: &node_id("fan-out", &node_name, 0),
            node_name: &node_name,
            input_artifacts: &[],
            deadline: None,
            active_deadline_seconds: None,
            workflow_deadline: None,
            template_timeout_left: None,
            retry_hosts: &[],
        };
        let request = prepared.lower(&node, &mut |text, _| {
            Ok(text.render(&scope, Unresolved::Error, &context)?.text)
        })?;
        black_box(request);
    }
    report(label, "fast", start);
    Ok(())
}

fn general(label: &str, input: LowerInput) -> Result<(), LowerError> {
    let start = Instant::now();
    for i in 0..NODES {
        let node_name = format!("fan-out[0].work({i}:{i})");
        let pod = pod_name("fan-out", &node_name, "work", 0);
        let request = lower(&LowerInput {
            pod_name: &pod,
            node_id: &node_id("fan-out", &node_name, 0),
            node_name: &node_name,
            ..input
        })?;
        black_box(request);
    }
    report(label, "general", start);
    Ok(())
}

fn report(label: &str, way: &str, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let rate = f64::from(NODES) / seconds;
    println!(
        "{label:>10} {way:>8}: {rate:>9.0} nodes/s, {:.2} us each",
        1e6 / rate
    );
}
