//! The controller's ConfigMap: how it is read, its defaults and restrictions.

use std::collections::BTreeMap;

use argosy_engine::config::{Config, TemplateReferencing};

use crate::{Bench, read, yaml};

fn data(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |text: &&str| (*text).to_owned();
    entries
        .iter()
        .map(|(key, text)| (own(key), own(text)))
        .collect()
}

#[test]
fn keys_are_read_one_by_one_or_together() {
    let apart = data(&[
        ("instanceID", "007"),
        ("parallelism", "10"),
        ("namespaceParallelism", "0"),
        ("nodeEvents", "enabled: false\nsendAsPod: true\n"),
        ("workflowRestrictions", "templateReferencing: Secure\n"),
        ("podGCDeleteDelayDuration", "30s"),
        ("failedPodRestart", "enabled: true\n"),
        ("mainContainer", "imagePullPolicy: Never\n"),
        ("links", "- name: x\n"),
    ]);
    let read_apart = Config::read(&apart, yaml).expect("a configuration");
    assert_eq!(read_apart.instance_id, "007");
    assert_eq!(read_apart.parallelism, Some(10));
    assert_eq!(read_apart.namespace_parallelism, None);
    assert_eq!(read_apart.node_events.enabled, Some(false));
    assert_eq!(read_apart.pod_gc_delay_seconds, Some(30));
    assert_eq!(read_apart.max_pod_restarts(), 3);
    assert_eq!(read_apart.elsewhere, ["links"]);
    assert_eq!(
        read_apart.template_referencing(),
        Some(TemplateReferencing::Secure)
    );
    let together = data(&[("config", "instanceID: '007'\nparallelism: 10\n")]);
    let read_together = Config::read(&together, yaml).expect("a configuration");
    assert_eq!(read_together.instance_id, "007");
    assert_eq!(read_together.parallelism, Some(10));
}

#[test]
fn what_does_not_fit_is_refused() {
    for (entries, message) in [
        (
            data(&[("config", "{}"), ("instanceID", "a")]),
            "if you have an item in your config map named 'config', you must only have one item",
        ),
        (
            data(&[("paralelism", "10")]),
            "unknown key \"paralelism\", did you mean \"parallelism\"?",
        ),
        (
            data(&[("parallelism", "many")]),
            "cannot read parallelism: invalid type: string \"many\", expected i64",
        ),
        (
            data(&[("nodeEvents", "wanted: true\n")]),
            "cannot read nodeEvents: unknown field `wanted`, expected `enabled` or `sendAsPod`",
        ),
    ] {
        let error = Config::read(&entries, yaml).expect_err("a fault");
        assert_eq!(error.to_string(), message);
    }
}

const HELLO: &str = "
metadata: {name: hello, labels: {own: a}}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [echo]}
";

const DEFAULTS: &str = "
workflowDefaults:
  metadata:
    labels: {own: b, more: c}
    annotations: {note: d}
  spec:
    serviceAccountName: robot
    hooks:
      exit: {template: main}
    workflowMetadata:
      labelsFrom: {from: {expression: \"'x'\"}}
";

#[test]
fn a_workflow_has_the_controllers_defaults() {
    let bench = Bench::with(HELLO, DEFAULTS, |_| {});
    let shown = bench.shown();
    assert_eq!(shown["metadata"]["labels"]["own"], "a");
    assert_eq!(shown["metadata"]["labels"]["more"], "c");
    assert_eq!(shown["metadata"]["annotations"]["note"], "d");
    assert_eq!(shown["spec"]["serviceAccountName"], "robot");
    assert_eq!(shown["spec"]["hooks"]["exit"]["template"], "main");
    assert_eq!(
        bench.pod_json("hello")["spec"]["serviceAccountName"],
        "robot"
    );
}

const TEMPLATE: &str = "
metadata: {name: tpl}
spec:
  entrypoint: main
  serviceAccountName: theirs
  arguments:
    parameters:
    - {name: a, value: theirs}
    - {name: b, value: theirs}
  templates:
  - name: main
    container: {image: busybox, command: [echo, '{{workflow.parameters.a}}-{{workflow.parameters.b}}']}
";

fn refer(spec: &str, config: &str) -> Bench {
    let workflow = format!(
        "{{metadata: {{name: hello}}, spec: {{workflowTemplateRef: {{name: tpl}}, {spec}}}}}"
    );
    Bench::with(&workflow, config, |definition| {
        let template = read(TEMPLATE);
        definition
            .workflow_templates
            .insert("tpl".to_owned(), template);
    })
}

#[test]
fn own_over_templates_over_defaults() {
    let bench = refer(
        "arguments: {parameters: [{name: b, value: own}]}",
        "workflowDefaults: {spec: {serviceAccountName: robot, schedulerName: mine, arguments: {parameters: [{name: a, value: d}, {name: c, value: d}]}}}",
    );
    let pod = bench.pod_json("hello");
    assert_eq!(pod["spec"]["serviceAccountName"], "theirs");
    assert_eq!(pod["spec"]["schedulerName"], "mine");
    assert_eq!(pod["spec"]["containers"][0]["command"][1], "theirs-own");
    let shown = bench.shown();
    assert_eq!(shown["spec"]["schedulerName"], serde_json::Value::Null);
    assert_eq!(
        shown["status"]["storedWorkflowTemplateSpec"]["schedulerName"],
        "mine"
    );
}

#[test]
fn references_are_asked_for() {
    const STRICT: &str = "workflowRestrictions: {templateReferencing: Strict}";
    let bench = Bench::with(HELLO, STRICT, |_| {});
    let must = "workflows must use workflowTemplateRef to be executed when the controller is in reference mode";
    assert_eq!(bench.end(), ("Error".to_owned(), must.to_owned()));
    assert!(bench.pods.is_empty());
    for (spec, refused) in [
        (
            "entrypoint: main, ttlStrategy: {secondsAfterSuccess: 1}",
            "",
        ),
        (
            "podSpecPatch: '{}', dnsPolicy: Default",
            "DNSPolicy PodSpecPatch",
        ),
        (
            "artifactGC: {strategy: Never, serviceAccountName: root}",
            "ArtifactGC.ServiceAccountName",
        ),
    ] {
        let (phase, message) = refer(spec, STRICT).end();
        if refused.is_empty() {
            assert_eq!(phase, "Running");
            continue;
        }
        assert_eq!(phase, "Error");
        assert_eq!(
            message,
            format!(
                "fields [{refused}] are not permitted when using workflowTemplateRef with templateReferencing restriction"
            )
        );
    }
}

#[test]
fn own_entries_stand_before_inherited_ones() {
    let names = |list: &serde_json::Value| -> Vec<String> {
        let entries = list.as_array().cloned().unwrap_or_default();
        let name =
            |entry: &serde_json::Value| entry["name"].as_str().unwrap_or_default().to_owned();
        entries.iter().map(name).collect()
    };
    let exit = "{name: bye, container: {image: busybox}}";
    let defaults = format!("workflowDefaults: {{spec: {{onExit: bye, templates: [{exit}]}}}}");
    let shown = Bench::with(HELLO, &defaults, |_| {}).shown();
    assert_eq!(names(&shown["spec"]["templates"]), ["main", "bye"]);
    let own = "arguments: {artifacts: [{name: own, raw: {data: a}}, {name: both, s3: {key: own}}]}";
    let workflow = format!(
        "{{metadata: {{name: hello}}, spec: {{workflowTemplateRef: {{name: tpl}}, {own}}}}}"
    );
    let template = TEMPLATE.replace(
        "  arguments:\n",
        "  arguments:\n    artifacts: [{name: theirs, raw: {data: b}}, {name: both, s3: {bucket: kept, key: theirs}}]\n",
    );
    let bench = Bench::with(&workflow, &defaults, |definition| {
        let template = read(&template);
        definition
            .workflow_templates
            .insert("tpl".to_owned(), template);
    });
    let stored = &bench.shown()["status"]["storedWorkflowTemplateSpec"];
    assert_eq!(names(&stored["templates"]), ["main", "bye"]);
    let artifacts = &stored["arguments"]["artifacts"];
    assert_eq!(names(artifacts), ["own", "theirs", "both"], "{artifacts}");

    assert_eq!(
        artifacts[2]["s3"],
        serde_json::json!({"bucket": "kept", "key": "own"})
    );
}

#[test]
fn values_and_sources_do_not_mix() {
    let maps = |definition: &mut argosy_engine::definition::Definition, spec: &str| {
        let data = [("m".to_owned(), "from the map".to_owned())].into();
        definition.config_maps.insert("config".to_owned(), data);
        let template = format!(
            "{{metadata: {{name: tpl}}, spec: {{entrypoint: main, arguments: {{parameters: [{spec}]}}, templates: [{{name: main, container: {{image: busybox, args: ['{{{{workflow.parameters.m}}}}']}}}}]}}}}"
        );
        definition
            .workflow_templates
            .insert("tpl".to_owned(), read(&template));
    };
    let source = "{name: m, valueFrom: {configMapKeyRef: {name: config, key: m}}}";
    let value = "{name: m, value: given}";
    for (own, theirs, expected) in [(value, source, "given"), (source, value, "from the map")] {
        let workflow = format!(
            "{{metadata: {{name: hello}}, spec: {{workflowTemplateRef: {{name: tpl}}, arguments: {{parameters: [{own}]}}}}}}"
        );
        let bench = Bench::with(&workflow, "", |definition| maps(definition, theirs));
        let pod = bench.pod_json("hello");
        assert_eq!(pod["spec"]["containers"][0]["args"][0], expected);
    }
}
