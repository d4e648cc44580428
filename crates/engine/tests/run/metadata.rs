//! Labels, annotations and events of the workflow, and what `status` says of it as a whole.

use argosy_engine::definition::Baseline;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{Fact, ResultSeen};
use serde_json::{Value, json};

use crate::{Bench, read};

fn workflow(spec: &str) -> String {
    format!(
        "
metadata: {{name: wf, labels: {{team: a}}}}
spec:
  entrypoint: main
  arguments: {{parameters: [{{name: p, value: pear}}]}}
  templates:
  - name: main
    steps: [[{{name: one, template: leaf}}]]
  - name: leaf
    container: {{image: busybox, command: [echo, '{{{{workflow.labels.x}}}}', '{{{{workflow.annotations.note}}}}']}}
  {spec}
"
    )
}

#[test]
fn the_workflow_carries_its_metadata() {
    let spec = "workflowMetadata: {labels: {x: '{{workflow.parameters.p}}', z: over}, annotations: {note: written}, labelsFrom: {z: {expression: \"workflow.parameters.p + '-2'\"}}}";
    let mut bench = Bench::new(&workflow(spec));
    let shown = bench.shown();
    let labels = &shown["metadata"]["labels"];
    assert_eq!(labels["team"], "a");
    assert_eq!(labels["x"], "pear");
    assert_eq!(labels["z"], "pear-2");
    assert_eq!(labels["workflows.argoproj.io/phase"], "Running");
    assert_eq!(labels["workflows.argoproj.io/completed"], "false");
    let annotations = &shown["metadata"]["annotations"];
    assert_eq!(annotations["note"], "written");
    assert_eq!(annotations["workflows.argoproj.io/pod-name-format"], "v2");
    let pod = bench.pod_json("wf[0].one");
    assert_eq!(
        pod["spec"]["containers"][0]["command"],
        json!(["echo", "pear", "written"])
    );
    bench.exits("wf[0].one", 0);
    let labels = bench.shown()["metadata"]["labels"].clone();
    assert_eq!(labels["workflows.argoproj.io/completed"], "true");
    assert_eq!(labels["workflows.argoproj.io/phase"], "Succeeded");
    assert_eq!(
        labels["workflows.argoproj.io/workflow-archiving-status"],
        Value::Null
    );
}

#[test]
fn bad_labels_end_the_workflow() {
    const SHAPE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    for (metadata, expected) in [
        (
            "labels: {l: '$!'}",
            format!("invalid label value \"$!\" for label \"l\": {SHAPE}"),
        ),
        (
            "labelsFrom: {l: {expression: \"'$!'\"}}",
            format!("invalid label value \"$!\" for label \"l\" and expression \"'$!'\": {SHAPE}"),
        ),
        (
            "labelsFrom: {l: {expression: '1'}}",
            "failed to evaluate label \"l\" expression \"1\" evaluted to int but must be a string"
                .to_owned(),
        ),
    ] {
        let bench = Bench::new(&workflow(&format!("workflowMetadata: {{{metadata}}}")));
        assert_eq!(bench.end(), ("Error".to_owned(), expected));
    }
}

#[test]
fn ended_workflows_await_their_archiving() {
    for (persistence, expected) in [
        ("{archive: true}", json!("Pending")),
        ("{archive: false}", Value::Null),
        (
            "{archive: true, archiveLabelSelector: {matchLabels: {team: a}}}",
            json!("Pending"),
        ),
        (
            "{archive: true, archiveLabelSelector: {matchLabels: {team: b}}}",
            Value::Null,
        ),
    ] {
        let config = format!("persistence: {persistence}");
        let mut bench = Bench::with(&workflow(""), &config, |_| {});
        bench.exits("wf[0].one", 0);
        let labels = &bench.shown()["metadata"]["labels"];
        assert_eq!(
            labels["workflows.argoproj.io/workflow-archiving-status"],
            expected
        );
    }
}

#[test]
fn references_to_templates_are_labels() {
    let template = "{metadata: {name: tpl}, spec: {entrypoint: main, templates: [{name: main, container: {image: busybox}}]}}";
    for (scope, label) in [
        (false, "workflows.argoproj.io/workflow-template"),
        (true, "workflows.argoproj.io/cluster-workflow-template"),
    ] {
        let workflow =
            format!("spec: {{workflowTemplateRef: {{name: tpl, clusterScope: {scope}}}}}");
        let bench = Bench::with(&workflow, "", |definition| {
            let name = "tpl".to_owned();
            definition
                .workflow_templates
                .insert(name.clone(), read(template));
            definition
                .cluster_workflow_templates
                .insert(name, read(template));
        });
        assert_eq!(bench.shown()["metadata"]["labels"][label], "tpl");
    }
}

fn events(bench: &Bench) -> Vec<String> {
    let events = bench.effects.iter().filter_map(|effect| match effect {
        Effect::Event(event) => Some(event),
        _ => None,
    });
    events
        .map(|event| {
            let kind = if event.warning { "Warning" } else { "Normal" };
            format!("{kind} {} {}", event.reason, event.message)
        })
        .collect()
}

#[test]
fn events_tell_of_the_course() {
    let mut bench = Bench::new(&workflow(""));
    bench.runs("wf[0].one");
    bench.exits("wf[0].one", 1);
    let child = format!("child '{}' failed", bench.node("wf[0].one").id);
    assert_eq!(
        events(&bench),
        [
            "Normal WorkflowRunning Workflow Running".to_owned(),
            "Normal WorkflowNodeRunning Running node wf".to_owned(),
            "Normal WorkflowNodeRunning Running node wf[0]".to_owned(),
            "Normal WorkflowNodeRunning Running node wf[0].one".to_owned(),
            format!("Warning WorkflowFailed {child}"),
            "Warning WorkflowNodeFailed Failed node wf[0].one: main: Error (exit code 1)"
                .to_owned(),
            format!("Warning WorkflowNodeFailed Failed node wf[0]: {child}"),
            format!("Warning WorkflowNodeFailed Failed node wf: {child}"),
        ]
    );
}

#[test]
fn events_can_be_turned_off_or_be_about_pods() {
    let off = "{nodeEvents: {enabled: false}, workflowEvents: {enabled: false}}";
    let mut bench = Bench::with(&workflow(""), off, |_| {});
    bench.exits("wf[0].one", 0);
    assert_eq!(events(&bench), [""; 0]);
    let mut bench = Bench::with(&workflow(""), "nodeEvents: {sendAsPod: true}", |_| {});
    bench.runs("wf[0].one");
    let event = bench.effects.iter().find_map(|effect| match effect {
        Effect::Event(event) if event.pod.is_some() => Some(event),
        _ => None,
    });
    let event = event.expect("an event about a pod");
    let pod = &bench.pod("wf[0].one").pod.metadata.name;
    assert_eq!(event.pod.as_deref(), pod.as_deref());
    let annotation = |key: &str| {
        let mut annotations = event.annotations.iter();
        annotations
            .find(|(known, _)| *known == key)
            .map(|(_, value)| &**value)
    };
    assert_eq!(
        annotation("workflows.argoproj.io/workflow-uid"),
        Some("uid-1")
    );
    assert_eq!(
        annotation("workflows.argoproj.io/node-start-time"),
        Some("1767225600000000000")
    );
}

#[test]
fn status_says_what_clients_read() {
    let mut bench = Bench::with(
        &workflow(""),
        "artifactRepository: {s3: {bucket: b}}",
        |definition| {
            definition.baseline = Some(Baseline {
                seconds: 70,
                nodes: [("[0].one".to_owned(), 60)].into(),
            });
        },
    );
    let key = bench.key("wf[0].one");
    let progress = ResultSeen {
        progress: Some((3, 10)),
        ..ResultSeen::default()
    };
    bench.tell(Fact::ResultSeen(key, progress));
    let status = bench.shown()["status"].clone();
    assert_eq!(status["estimatedDuration"], 70);
    assert_eq!(status["progress"], "3/10");
    assert_eq!(status["nodes"]["wf"]["progress"], "3/10");
    assert_eq!(
        status["artifactRepositoryRef"],
        json!({"default": true, "artifactRepository": {"s3": {"bucket": "b"}}})
    );
    assert_eq!(status["artifactGCStatus"], json!({"notSpecified": true}));
    let one = bench.node("wf[0].one");
    assert_eq!(one.estimated_duration, 60);
    assert_eq!(one.task_result_synced, Some(false));
    bench.exits("wf[0].one", 0);
    let status = bench.status();
    assert_eq!((status.progress.done, status.progress.total), (10, 10));
    assert!(status.task_results_completion_status.is_empty());
    let conditions: Vec<&str> = status
        .conditions
        .iter()
        .map(|c| c.r#type.as_str())
        .collect();
    assert_eq!(conditions, ["PodRunning", "Completed"]);
    let baseline = Baseline::of(&bench.run.workflow()).expect("it succeeded");
    assert_eq!(baseline.nodes.len(), 3);
}

#[test]
fn metadata_is_known_wherever_tags_stand() {
    const OWN: &str = "labels: {l: own-l}, annotations: {a: own-a}";
    const SET: &str = "workflowMetadata: {labels: {l: set-l}, annotations: {a: set-a}}";
    let from = |expression: &str| {
        format!(
            "workflowMetadata: {{labelsFrom: {{l: {{expression: '{expression}'}}}}, annotations: {{a: set-a}}}}"
        )
    };
    let cases = [
        (
            "",
            "",
            "",
            "{{workflow.labels.l}}",
            "{{workflow.annotations.a}}",
        ),
        (OWN, "", "", "own-l", "own-a"),
        (OWN, "", SET, "set-l", "set-a"),
        (
            OWN,
            "workflowMetadata: {labels: {l: mine}}",
            SET,
            "mine",
            "set-a",
        ),
        (OWN, "", &from("workflow.parameters.p"), "pear", "set-a"),
        (
            OWN,
            &from("{{= sprig.quote(sprig.trim( workflow.annotations.a )) }}"),
            SET,
            "set-a",
            "set-a",
        ),
    ];
    for (metadata, own, theirs, label, annotation) in cases {
        for patch in ["", "podSpecPatch: '{\"hostname\": \"{{workflow.name}}\"}'"] {
            let workflow = format!(
                "
metadata: {{name: wf, {metadata}}}
spec:
  workflowTemplateRef: {{name: tpl}}
  nodeSelector: {{l: '{{{{workflow.labels.l}}}}', a: '{{{{workflow.annotations.a}}}}'}}
  {patch}
  {own}
"
            );
            let template = format!(
                "
metadata: {{name: tpl, labels: {{l: none}}}}
spec:
  entrypoint: main
  arguments: {{parameters: [{{name: p, value: pear}}]}}
  templates: [{{name: main, container: {{image: busybox}}}}]
  {theirs}
"
            );
            let bench = Bench::with(&workflow, "", |definition| {
                let template = read(&template);
                definition
                    .workflow_templates
                    .insert("tpl".to_owned(), template);
            });
            let pod = bench.pod_json("wf");
            let expected = json!({"l": label, "a": annotation});
            assert_eq!(
                pod["spec"]["nodeSelector"], expected,
                "{own} {theirs} {patch}"
            );
        }
    }
}

#[test]
fn conditions_come_when_something_is_seen() {
    let mut bench = Bench::new(&workflow(""));
    let conditions = |bench: &Bench| {
        let conditions = bench.status().conditions;
        let shown = conditions
            .iter()
            .map(|c| format!("{}={}", c.r#type, c.status));
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(conditions(&bench), "");
    let pending = crate::pod(argosy_engine::fact::PodPhase::Pending, Vec::new());
    bench.see("wf[0].one", pending);
    assert_eq!(conditions(&bench), "PodRunning=False");
    bench.runs("wf[0].one");
    assert_eq!(conditions(&bench), "PodRunning=True");
    bench.exits("wf[0].one", 0);
    assert_eq!(conditions(&bench), "PodRunning=False Completed=True");
}
