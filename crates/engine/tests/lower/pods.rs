use super::*;

#[test]
fn metadata() {
    let pod = pod(
        json!({"podMetadata": {"labels": {"l": "wf", "m": "wf"}, "annotations": {"a": "wf"}}}),
        &container(json!({"metadata": {"labels": {"l": "t"}, "annotations": {"b": "t"}}})),
    );
    assert_eq!(
        pod["metadata"],
        json!({
            "name": "wf-t-123",
            "namespace": "ns",
            "labels": {
                "workflows.argoproj.io/workflow": "wf",
                "workflows.argoproj.io/completed": "false",
                "l": "t", "m": "wf",
            },
            "annotations": {
                "workflows.argoproj.io/node-name": "wf.step",
                "workflows.argoproj.io/node-id": "wf-123",
                "kubectl.kubernetes.io/default-container": "main",
                "a": "wf", "b": "t",
            },
            "ownerReferences": [{
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "wf", "uid": "u1",
                "controller": true, "blockOwnerDeletion": true,
            }],
        })
    );
}

#[test]
fn main_container() {
    let pod = pod(json!({}), &container(json!({})));
    assert_eq!(
        pod["spec"],
        json!({
            "restartPolicy": "Never",
            "containers": [{
                "name": "main", "image": "busybox", "command": ["echo"], "args": ["hi"],
                "env": [
                    {"name": "ARGO_CONTAINER_NAME", "value": "main"},
                    {"name": "ARGO_NODE_ID", "value": "wf-123"},
                    {"name": "ARGO_INCLUDE_SCRIPT_OUTPUT", "value": "false"},
                    {"name": "ARGO_DEADLINE", "value": "0001-01-01T00:00:00Z"},
                    {"name": "ARGO_WORKFLOW_NAME", "value": "wf"},
                ],
            }],
        })
    );
}

#[test]
fn exit_handlers_are_labelled() {
    let (workflow, template, repository) = (workflow(json!({})), container(json!({})), s3());
    let input = LowerInput {
        on_exit: true,
        ..input(&workflow, &template, &repository)
    };
    let pod = lower(&input).expect("lowered").pod;
    let labels = pod.metadata.labels.expect("labels");
    assert_eq!(
        labels
            .get("workflows.argoproj.io/on-exit")
            .map(String::as_str),
        Some("true")
    );
}

#[test]
fn scripts() {
    let script = template(json!({
        "name": "t",
        "script": {"image": "python", "command": ["python"], "args": ["-u"], "source": "print(1)"},
    }));
    let request = lowered(json!({}), &script).expect("lowered");
    let spec = request.pod.spec.clone().expect("a spec");
    assert_eq!(
        spec.containers[0].args,
        Some(vec!["-u".to_owned(), "/argo/staging/script".to_owned()])
    );
    let script = supervision(request).script.expect("a script");
    assert_eq!(
        (script.source.as_str(), script.argument_index),
        ("print(1)", 1)
    );
    // Without a source there is no file.
    let empty = template(
        json!({"name": "t", "script": {"image": "python", "command": ["python"], "source": ""}}),
    );
    let request = lowered(json!({}), &empty).expect("lowered");
    assert!(matches!(request.layout, Layout::Bare));
    assert_eq!(request.pod.spec.expect("a spec").containers[0].args, None);
}

#[test]
fn workflow_and_template_level() {
    let spec = json!({
        "nodeSelector": {"n": "wf"}, "affinity": {"podAffinity": {}}, "schedulerName": "wf",
        "tolerations": [{"key": "wf"}], "podPriorityClassName": "wf", "serviceAccountName": "wf",
        "hostAliases": [{"ip": "1"}], "securityContext": {"runAsUser": 1}, "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["8"]}, "hostNetwork": true, "imagePullSecrets": [{"name": "s"}],
        "podResources": {"limits": {"cpu": "1"}}, "resourceClaims": [{"name": "wf"}],
    });
    let from_workflow = pod(spec.clone(), &container(json!({})));
    let spec_of = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        spec["containers"].take();
        spec
    };
    assert_eq!(
        spec_of(&from_workflow),
        json!({
            "containers": null, "restartPolicy": "Never",
            "nodeSelector": {"n": "wf"}, "affinity": {"podAffinity": {}}, "schedulerName": "wf",
            "tolerations": [{"key": "wf"}], "priorityClassName": "wf", "serviceAccountName": "wf",
            "hostAliases": [{"ip": "1"}], "securityContext": {"runAsUser": 1}, "dnsPolicy": "None",
            "dnsConfig": {"nameservers": ["8"]}, "hostNetwork": true, "imagePullSecrets": [{"name": "s"}],
            "resources": {"limits": {"cpu": "1"}}, "resourceClaims": [{"name": "wf"}],
        })
    );
    let from_template = pod(
        spec,
        &container(json!({
            "nodeSelector": {"n": "t"}, "affinity": {"nodeAffinity": {}}, "schedulerName": "t",
            "tolerations": [{"key": "t"}], "priorityClassName": "t", "serviceAccountName": "t",
            "hostAliases": [{"ip": "2"}], "securityContext": {"runAsUser": 2},
            "podResources": {"limits": {"cpu": "2"}}, "resourceClaims": [{"name": "t"}],
        })),
    );
    assert_eq!(
        spec_of(&from_template),
        json!({
            "containers": null, "restartPolicy": "Never",
            "nodeSelector": {"n": "t"}, "affinity": {"nodeAffinity": {}}, "schedulerName": "t",
            "tolerations": [{"key": "t"}], "priorityClassName": "t", "serviceAccountName": "t",
            "hostAliases": [{"ip": "1"}, {"ip": "2"}], "securityContext": {"runAsUser": 2}, "dnsPolicy": "None",
            "dnsConfig": {"nameservers": ["8"]}, "hostNetwork": true, "imagePullSecrets": [{"name": "s"}],
            "resources": {"limits": {"cpu": "2"}}, "resourceClaims": [{"name": "t"}],
        })
    );
}

#[test]
fn service_account_tokens() {
    for (spec, fields, expected) in [
        (
            json!({}),
            json!({"automountServiceAccountToken": true}),
            Ok(None),
        ),
        (
            json!({"executor": {"serviceAccountName": "e"}}),
            json!({"automountServiceAccountToken": false}),
            Ok(Some(false)),
        ),
        (
            json!({"automountServiceAccountToken": false}),
            json!({}),
            Err(
                "executor.serviceAccountName must not be empty if automountServiceAccountToken is false",
            ),
        ),
    ] {
        let got = lowered(spec, &container(fields))
            .map(|request| {
                request
                    .pod
                    .spec
                    .expect("a spec")
                    .automount_service_account_token
            })
            .map_err(|error| error.to_string());
        assert_eq!(got, expected.map_err(str::to_owned));
    }
}

#[test]
fn volumes() {
    let spec = json!({
        "volumes": [{"name": "used", "emptyDir": {}}, {"name": "unused", "emptyDir": {}},
            {"name": "p", "persistentVolumeClaim": {"claimName": "{{inputs.parameters.claim}}"}}],
        "volumeClaimTemplates": [{"metadata": {"name": "work"}}],
    });
    let mounts = |names: &[&str]| {
        names
            .iter()
            .map(|n| json!({"name": n, "mountPath": format!("/{n}")}))
            .collect::<Vec<_>>()
    };
    let mut t = json!({
        "name": "t",
        "inputs": {"parameters": [{"name": "claim", "value": "c7"}]},
        "volumes": [{"name": "own", "emptyDir": {}}],
        "container": {"image": "i", "volumeMounts": mounts(&["used", "own", "work", "p"])},
        "sidecars": [{"name": "side", "image": "i", "mirrorVolumeMounts": true, "volumeMounts": mounts(&["used"])}],
        "initContainers": [{"name": "pre", "image": "i", "mirrorVolumeMounts": true}],
    });
    let got = pod(spec.clone(), &template(t.clone()));
    assert_eq!(
        got["spec"]["volumes"],
        json!([
            {"name": "own", "emptyDir": {}},
            {"name": "used", "emptyDir": {}},
            {"name": "work", "persistentVolumeClaim": {"claimName": "wf-work"}},
            {"name": "p", "persistentVolumeClaim": {"claimName": "c7"}},
        ])
    );
    assert_eq!(got["spec"]["containers"][1]["name"], "side");
    assert_eq!(
        got["spec"]["containers"][1]["volumeMounts"],
        json!(mounts(&["used", "used", "own", "work", "p"]))
    );
    assert_eq!(
        got["spec"]["initContainers"][0]["volumeMounts"],
        json!(mounts(&["used", "own", "work", "p"]))
    );
    t["sidecars"][0]["volumeMounts"] = json!(mounts(&["missing"]));
    let error = lowered(spec, &template(t)).expect_err("no such volume");
    assert_eq!(
        error.to_string(),
        "volume 'missing' not found in workflow spec"
    );
}

#[test]
fn deadlines() {
    type Case = (
        Value,
        Option<i64>,
        Option<i64>,
        bool,
        Result<Option<i64>, &'static str>,
    );
    let cases: [Case; 14] = [
        (json!(null), None, None, false, Ok(None)),
        (json!(30), None, None, false, Ok(Some(30))),
        (json!("30"), None, None, false, Ok(Some(30))),
        (
            json!("{{x}}"),
            None,
            None,
            false,
            Err("value '{{x}}' cannot be resolved to an int"),
        ),
        (json!(null), Some(10), None, false, Ok(Some(10))),
        (json!(30), Some(10), None, false, Ok(Some(10))),
        (json!(5), Some(10), None, false, Ok(Some(5))),
        (json!(30), Some(10), None, true, Ok(Some(30))),
        (
            json!(null),
            Some(0),
            None,
            false,
            Err("no pod is made since the workflow's deadline has passed"),
        ),
        (json!(null), Some(0), None, true, Ok(None)),
        (json!(null), None, Some(20), false, Ok(Some(20))),
        (json!(30), None, Some(20), false, Ok(Some(20))),
        (json!(10), None, Some(20), false, Ok(Some(10))),
        (
            json!(10),
            None,
            Some(1),
            false,
            Err("wf.step exceeded its deadline"),
        ),
    ];
    let (workflow, repository) = (workflow(json!({})), s3());
    for (own, left, timeout, on_exit, expected) in cases {
        let template = container(json!({"activeDeadlineSeconds": own}));
        let input = LowerInput {
            on_exit,
            active_deadline_seconds: left,
            template_timeout_left: timeout,
            ..input(&workflow, &template, &repository)
        };
        let got = lower(&input)
            .map(|request| request.pod.spec.expect("a spec").active_deadline_seconds)
            .map_err(|error| error.to_string());
        assert_eq!(
            got,
            expected.map_err(str::to_owned),
            "{own} {left:?} {timeout:?}"
        );
    }
    let paused = template(json!({"name": "t", "activeDeadlineSeconds": 5, "container":
        {"image": "i", "env": [{"name": "ARGO_DEBUG_PAUSE_AFTER", "value": "true"}]}}));
    assert_eq!(
        pod(json!({}), &paused)["spec"].get("activeDeadlineSeconds"),
        None
    );
}

#[test]
fn retries_avoid_hosts() {
    let not_in = |hosts: &[&str]| json!({"key": "kubernetes.io/hostname", "operator": "NotIn", "values": hosts});
    let terms = |terms: Value| json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
    let zone = json!({"key": "zone", "operator": "In", "values": ["z"]});
    for (own, expected) in [
        (
            json!(null),
            terms(json!([{"matchExpressions": [not_in(&["a", "b"])]}])),
        ),
        (json!({"podAffinity": {}}), {
            let mut both = terms(json!([{"matchExpressions": [not_in(&["a", "b"])]}]));
            both["podAffinity"] = json!({});
            both
        }),
        (
            terms(json!([{"matchExpressions": [zone]}])),
            terms(json!([{"matchExpressions": [zone, not_in(&["a", "b"])]}])),
        ),
        (
            terms(json!([{"matchExpressions": [zone, not_in(&["b", "c"])]}])),
            terms(json!([{"matchExpressions": [zone, not_in(&["b", "c", "a"])]}])),
        ),
    ] {
        let (workflow, template, repository) = (
            workflow(json!({})),
            container(json!({"affinity": own})),
            s3(),
        );
        let hosts = ["a", "b", "a"].map(str::to_owned);
        let input = LowerInput {
            retry_hosts: &hosts,
            ..input(&workflow, &template, &repository)
        };
        let spec = lower(&input).expect("lowered").pod.spec.expect("a spec");
        assert_eq!(serde_json::to_value(spec.affinity).expect("JSON"), expected);
    }
}

#[test]
fn container_sets() {
    let t = template(json!({
        "name": "t",
        "volumes": [{"name": "w", "emptyDir": {}}],
        "containerSet": {
            "volumeMounts": [{"name": "w", "mountPath": "/w"}],
            "containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}],
        },
    }));
    let got = pod(json!({}), &t);
    assert_eq!(
        got["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"],
        "b"
    );
    for (index, name) in ["a", "b"].iter().enumerate() {
        let container = &got["spec"]["containers"][index];
        assert_eq!(container["name"], *name);
        assert_eq!(
            container["volumeMounts"],
            json!([{"name": "w", "mountPath": "/w"}])
        );
    }
}

#[test]
fn what_has_no_pod() {
    for (body, expected) in [
        (
            json!({"http": {"url": "x"}}),
            "a template of type http is not run by a pod of its own here",
        ),
        (
            json!({"plugin": {"x": {}}}),
            "a template of type plugin is not run by a pod of its own here",
        ),
        (
            json!({"suspend": {}}),
            "a template of type steps, dag or suspend is not run by a pod of its own here",
        ),
        (json!({}), "Template 't' missing specification"),
    ] {
        let mut t = body;
        t["name"] = json!("t");
        let error = lowered(json!({}), &template(t)).expect_err("no pod");
        assert_eq!(error.to_string(), expected);
    }
}
