use super::*;

#[test]
fn patches_apply_in_order() {
    let got = pod(
        json!({"podSpecPatch": r#"{"terminationGracePeriodSeconds": 5, "hostname": "{{workflow.name}}", "containers": [{"name": "main", "resources": {"limits": {"cpu": "1"}}}]}"#}),
        &container(
            json!({"podSpecPatch": r#"{"containers": [{"name": "main", "resources": {"limits": {"cpu": "2"}}, "env": [{"name": "ARGO_NODE_ID", "value": "mine"}]}]}"#}),
        ),
    );
    let main = &got["spec"]["containers"][0];
    assert_eq!(main["image"], "busybox");
    assert_eq!(main["resources"]["limits"]["cpu"], "2");
    assert_eq!(got["spec"]["hostname"], "wf");
    let env = main["env"].as_array().expect("a list");
    assert!(env.contains(&json!({"name": "ARGO_NODE_ID", "value": "mine"})));
    assert!(env.contains(&json!({"name": "ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "value": "5"})));
}

#[test]
fn what_is_about_the_executor_is_handed_on() {
    let t = container(json!({
        "outputs": {"parameters": [{"name": "a", "valueFrom": {"path": "/a"}}]},
        "podSpecPatch": r#"{"containers": [{"name": "wait", "resources": {"limits": {"cpu": "2"}}}], "initContainers": [{"name": "init", "image": "x"}]}"#,
    }));
    let spec = json!({"podSpecPatch": r#"{"containers": [{"name": "wait", "image": "y"}]}"#});
    let request = lowered(spec, &t).expect("lowered");
    let pod_spec = request.pod.spec.clone().expect("a spec");
    assert_eq!(pod_spec.containers.len(), 1);
    assert_eq!(pod_spec.init_containers.unwrap_or_default().len(), 0);
    let rest: Value =
        serde_json::from_str(&supervision(request).template.pod_spec_patch).expect("JSON");
    assert_eq!(
        rest,
        json!({
            "containers": [{"name": "wait", "image": "y", "resources": {"limits": {"cpu": "2"}}}],
            "initContainers": [{"name": "init", "image": "x"}],
        })
    );
}

#[test]
fn yaml_is_read_by_the_caller() {
    let (workflow, repository) = (workflow(json!({})), s3());
    let template = container(json!({"podSpecPatch": "hostname: h"}));
    let input = LowerInput {
        read_yaml: |text| Ok(json!({text.split_once(": ").ok_or("no")?.0: "h"})),
        ..input(&workflow, &template, &repository)
    };
    assert_eq!(
        lower(&input)
            .expect("lowered")
            .pod
            .spec
            .expect("a spec")
            .hostname
            .as_deref(),
        Some("h")
    );
}

#[test]
fn a_container_that_a_patch_adds_is_a_sidecar() {
    let t =
        container(json!({"podSpecPatch": r#"{"containers": [{"name": "extra", "image": "i"}]}"#}));
    let request = lowered(json!({}), &t).expect("lowered");
    assert_eq!(
        request.pod.spec.clone().expect("a spec").containers[0].name,
        "extra"
    );
    supervision(request);
}

#[test]
fn bad_patches() {
    for (patch, expected) in [
        (
            r#"{"containers": "x"}"#,
            "Error applying PodSpecPatch: invalid podSpecPatch",
        ),
        (
            r#"{"containers": [{"name": "main", "resources": {"limits": {"cpu": "{{none}}"}}}]}"#,
            r#"Error applying PodSpecPatch: invalid podSpecPatch "{\"containers\": [{\"name\": \"main\", \"resources\": {\"limits\": {\"cpu\": \"{{none}}\"}}}]}": quantities must match the regular expression"#,
        ),
        (
            "a: b",
            "Error applying PodSpecPatch: Failed to convert the PodSpecPatch yaml to json: no YAML here",
        ),
        (
            r#"{"containers": [{"image": "x"}]}"#,
            r#"Error applying PodSpecPatch: Error occurred during strategic merge patch: map: {"image":"x"} does not contain declared merge key: name"#,
        ),
    ] {
        let error =
            lowered(json!({}), &container(json!({"podSpecPatch": patch}))).expect_err("refused");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn what_a_patch_takes_away() {
    let fields = json!({
        "podSpecPatch": r#"{"containers": [{"name": "main", "workingDir": null, "resources": {"limits": {"cpu": null, "memory": 2}}}]}"#,
    });
    let mut template = container(fields);
    let own = template.container.as_mut().expect("a container");
    let given: k8s_openapi::api::core::v1::Container =
        serde_json::from_value(json!({"name": "", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, "workingDir": "/w"}))
            .expect("a container");
    own.resources = given.resources;
    own.working_dir = given.working_dir;
    let got = &pod(json!({}), &template)["spec"]["containers"][0];
    assert_eq!(got["resources"]["limits"], json!({"memory": "2"}));
    assert_eq!(got.get("workingDir"), None);
}
