//! Steps that the executor carries out, and what the controller's ConfigMap adds to pods.

use argosy_engine::config::Config;
use argosy_engine::lower::{LowerInput, lower, offload};
use serde_json::{Value, json};

use crate::{container, input, lowered, pod, s3, supervision, template, workflow};

fn main(pod: &Value) -> Value {
    pod["spec"]["containers"][0].clone()
}

#[test]
fn a_resource_is_handled_by_the_executor() {
    let manifest = "{\"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"m\"}}";
    let resource = template(json!({"name": "t", "resource": {
        "action": "create", "manifest": manifest, "setOwnerReference": true,
        "successCondition": "status.ok == true", "failureCondition": "status.bad == true",
        "flags": ["--validate=false"]}}));
    let main = main(&pod(json!({}), &resource));
    assert_eq!(main["name"], "main");
    assert_eq!(main["command"], json!(["argoexec", "resource", "create"]));
    assert_eq!(main["securityContext"]["runAsUser"], 8737);
    assert_eq!(main["securityContext"]["readOnlyRootFilesystem"], true);
    let handed = supervision(lowered(json!({}), &resource).expect("a pod"));
    let handed = handed.template.resource.expect("the resource");
    assert_eq!(handed.success_condition, "status.ok == true");
    assert_eq!(handed.failure_condition, "status.bad == true");
    assert_eq!(handed.flags, ["--validate=false"]);
    let manifest: Value = serde_json::from_str(&handed.manifest).expect("a manifest");
    assert_eq!(
        manifest["metadata"]["ownerReferences"][0]["kind"],
        "Workflow"
    );
    assert_eq!(manifest["metadata"]["ownerReferences"][0]["uid"], "u1");
}

#[test]
fn the_executor_has_the_token_of_its_own_account() {
    let resource = json!({"resource": {"action": "get", "manifest": "kind: Pod"}});
    let data = json!({"data": {
        "source": {"artifactPaths": {"name": "files", "s3": {"bucket": "b"}}},
        "transformation": [{"expression": "data"}]}});
    let command = json!({"container": {"image": "a", "command": ["b"]}});
    let account = |name: &str| json!({"serviceAccountName": name});
    for (of_workflow, own, fields, token, mounts) in [
        (Some("wf"), None, &resource, Some("wf"), true),
        (Some("wf"), Some("own"), &resource, Some("own"), true),
        (Some("wf"), Some(""), &data, Some("wf"), true),
        // The executor's other containers mount it.
        (Some("wf"), None, &command, Some("wf"), false),
        (None, None, &resource, None, false),
    ] {
        let spec = of_workflow.map_or(json!({}), |name| json!({"executor": account(name)}));
        let mut fields = fields.clone();
        fields["name"] = json!("t");
        fields["volumes"] = json!([{"name": "other", "emptyDir": {}}]);
        if let Some(own) = own {
            fields["executor"] = account(own);
        }
        let pod = pod(spec, &template(fields.clone()));
        let volume = &pod["spec"]["volumes"][0];
        let secret = token.map(|token| format!("{token}.service-account-token"));
        assert_eq!(volume["secret"]["secretName"].as_str(), secret.as_deref());
        assert_eq!(
            volume["name"] == "exec-sa-token",
            token.is_some(),
            "{fields}"
        );
        let mount = &main(&pod)["volumeMounts"][0];
        assert_eq!(mount["name"] == "exec-sa-token", mounts, "{fields}");
        if mounts {
            let folder = "/var/run/secrets/kubernetes.io/serviceaccount";
            assert_eq!(mount["mountPath"], folder);
            assert_eq!(mount["readOnly"], true);
        }
    }
}

#[test]
fn data_is_listed_by_the_executor() {
    let data = template(json!({"name": "t", "data": {
        "source": {"artifactPaths": {"name": "files", "s3": {"bucket": "b"}}},
        "transformation": [{"expression": "filter(data, {# endsWith '.pdf'})"}]}}));
    let main = main(&pod(json!({}), &data));
    assert_eq!(main["command"][0], "argoexec");
    assert_eq!(main["command"][1], "data");
    let told = main["command"][2].as_str().expect("the template");
    assert!(told.contains("endsWith '.pdf'"), "{told}");
    assert_eq!(main.get("securityContext"), None);
    let handed = supervision(lowered(json!({}), &data).expect("a pod")).template;
    assert!(handed.data.is_some());
    assert!(
        handed.archive_location.is_some(),
        "the artifact has no place of its own"
    );
}

fn with_config(config: Value, spec: Value, template: &argosy_api::Template) -> Value {
    let config = Config::from_value(&config).expect("a configuration");
    let (workflow, repository) = (workflow(spec), s3());
    let around = crate::template(json!({"name": "around", "dag": {"tasks": []},
        "nodeSelector": {"disk": "around"}, "tolerations": [{"key": "around"}]}));
    let input = LowerInput {
        config: &config,
        boundary: Some(&around),
        workflow_deadline: Some(0),
        deadline: Some(3_600),
        ..input(&workflow, template, &repository)
    };
    serde_json::to_value(lower(&input).expect("a pod").pod).expect("JSON")
}

#[test]
fn the_controllers_settings_reach_the_pod() {
    let own = container(json!({"tolerations": [{"key": "own"}]}));
    let config = json!({"instanceID": "mine", "mainContainer":
        {"imagePullPolicy": "Never", "image": "theirs", "resources": {"limits": {"cpu": "1"}}}});
    let pod = with_config(config, json!({"nodeSelector": {"disk": "workflow"}}), &own);
    let labels = &pod["metadata"]["labels"];
    assert_eq!(
        labels["workflows.argoproj.io/controller-instanceid"],
        "mine"
    );
    let main = main(&pod);
    assert_eq!(main["imagePullPolicy"], "Never");
    assert_eq!(main["image"], "busybox");
    assert_eq!(main["resources"]["limits"]["cpu"], "1");
    assert_eq!(pod["spec"]["nodeSelector"]["disk"], "around");
    assert_eq!(pod["spec"]["tolerations"][0]["key"], "own");
    let env = main["env"].as_array().expect("variables");
    let deadline = env
        .iter()
        .find(|variable| variable["name"] == "ARGO_DEADLINE");
    assert_eq!(
        deadline.expect("a deadline")["value"],
        "1970-01-01T00:00:00Z"
    );
}

#[test]
fn pods_say_when_they_go() {
    for (collection, config, expected) in [
        (json!({}), json!({}), "/5s"),
        (
            json!({"strategy": "OnPodSuccess"}),
            json!({}),
            "OnPodSuccess/5s",
        ),
        (
            json!({"strategy": "OnPodCompletion"}),
            json!({"podGCDeleteDelayDuration": "90s"}),
            "OnPodCompletion/1m30s",
        ),
        (
            json!({"strategy": "OnWorkflowSuccess", "deleteDelayDuration": "0s"}),
            json!({"podGCDeleteDelayDuration": "90s"}),
            "OnWorkflowSuccess/0s",
        ),
    ] {
        let pod = with_config(config, json!({"podGC": collection}), &container(json!({})));
        let annotations = &pod["metadata"]["annotations"];
        assert_eq!(
            annotations["workflows.argoproj.io/pod-gc-strategy"],
            expected
        );
    }
}

#[test]
fn what_is_too_long_goes_into_a_config_map() {
    let long = "x".repeat(140_000);
    let body = |args: Value| {
        template(json!({"name": "t", "container":
            {"image": "busybox", "command": ["echo"], "args": args}}))
    };
    let workflow = workflow(json!({}));
    let short = lowered(json!({}), &body(json!(["a"]))).expect("a pod");
    assert_eq!(offload(&mut short.pod.clone(), &workflow), None);
    let mut pod = *lowered(json!({}), &body(json!(["a", long])))
        .expect("a pod")
        .pod;
    let env = &mut pod.spec.as_mut().expect("a spec").containers[0].env;
    env.get_or_insert_default().push(
        serde_json::from_value(json!({"name": "ARGO_TEMPLATE", "value": long}))
            .expect("a variable"),
    );
    let map = offload(&mut pod, &workflow).expect("a ConfigMap");
    let map = serde_json::to_value(map).expect("JSON");
    assert_eq!(map["metadata"]["name"], "wf-t-123");
    assert_eq!(
        map["metadata"]["labels"]["workflows.argoproj.io/workflow"],
        "wf"
    );
    assert_eq!(map["data"]["ARGO_TEMPLATE"], long);
    let args = map["data"]["ARGO_CONTAINER_ARGS_FILE"]
        .as_str()
        .expect("arguments");
    assert_eq!(args, json!(["a", long]).to_string());
    let pod = serde_json::to_value(pod).expect("JSON");
    let main = main(&pod);
    assert_eq!(main.get("args"), None);
    let env = main["env"].as_array().expect("variables");
    let told = |name: &str| {
        let found = env.iter().find(|variable| variable["name"] == name);
        found.map(|variable| variable["value"].clone())
    };
    assert_eq!(told("ARGO_TEMPLATE"), Some(json!("offloaded")));
    let file = json!("/argo/config/ARGO_CONTAINER_ARGS_FILE");
    assert_eq!(told("ARGO_CONTAINER_ARGS_FILE"), Some(file));
    assert_eq!(main["volumeMounts"][0]["mountPath"], "/argo/config");
    assert_eq!(pod["spec"]["volumes"][0]["configMap"]["name"], "wf-t-123");
}

#[test]
fn the_index_of_images_gives_commands() {
    let config = json!({"images": {"mine": {"entrypoint": ["/run"], "cmd": ["all"]}}});
    let of = |body: Value| {
        let template = template(json!({"name": "t", "container": body}));
        main(&with_config(config.clone(), json!({}), &template))
    };
    let bare = of(json!({"image": "mine"}));
    assert_eq!(
        (&bare["command"], &bare["args"]),
        (&json!(["/run"]), &json!(["all"]))
    );
    let given = of(json!({"image": "mine", "args": ["some"]}));
    assert_eq!(
        (&given["command"], &given["args"]),
        (&json!(["/run"]), &json!(["some"]))
    );
    let own = of(json!({"image": "mine", "command": ["own"]}));
    assert_eq!((&own["command"], own.get("args")), (&json!(["own"]), None));
    assert_eq!(of(json!({"image": "other"})).get("command"), None);
}
