//! Strategic merge patches, case by case. The cases are facts about Kubernetes' implementation.

use argosy_engine::strategic::{Schema, StrategicError, strategic_merge};
use serde_json::{Value, json};

#[track_caller]
fn check(schema: Schema, original: Value, patch: Value, expected: Value) {
    let merged = strategic_merge(original, patch, schema).expect("the patch applies");
    assert_eq!(merged, expected, "got {merged}");
}

#[track_caller]
fn check_error(schema: Schema, original: Value, patch: Value, expected: &str) {
    let error: StrategicError =
        strategic_merge(original, patch, schema).expect_err("the patch is refused");
    let text = error.to_string();
    assert!(text.contains(expected), "got {text}");
}

#[test]
fn maps() {
    let s = Schema::Plain;
    check(
        s,
        json!({"a": 1, "b": 2}),
        json!({"b": 3, "c": 4}),
        json!({"a": 1, "b": 3, "c": 4}),
    );
    check(
        s,
        json!({"a": {"x": 1, "y": 2}}),
        json!({"a": {"y": null}}),
        json!({"a": {"x": 1}}),
    );
    check(s, json!({"a": 1}), json!({"b": null}), json!({"a": 1}));
    check(s, json!({"a": {"x": 1}}), json!({"a": 5}), json!({"a": 5}));
    check(
        s,
        json!({"a": null}),
        json!({"a": {"x": 1}}),
        json!({"a": {"x": 1}}),
    );
    check(
        s,
        json!({"a": [1, 2]}),
        json!({"a": [3]}),
        json!({"a": [3]}),
    );
    check(
        s,
        json!({"a": {"x": 1}}),
        json!({"a": {"$patch": "replace", "y": 2}}),
        json!({"a": {"y": 2}}),
    );
    check(
        s,
        json!({"a": {"x": 1}}),
        json!({"a": {"$patch": "delete"}}),
        json!({"a": {}}),
    );
    check(
        s,
        json!({"a": 1}),
        json!({"$patch": "replace", "b": 2}),
        json!({"b": 2}),
    );
    check_error(
        s,
        json!({"a": {}}),
        json!({"a": {"$patch": "merge"}}),
        "unknown patch type: merge in map: {}",
    );
    check_error(s, json!([]), json!({}), "Invalid JSON document");
}

#[test]
fn lists_of_maps() {
    let s = Schema::PodSpec;
    let original =
        json!({"containers": [{"name": "main", "image": "a"}, {"name": "wait", "image": "b"}]});
    check(
        s,
        original.clone(),
        json!({"containers": [{"name": "wait", "image": "c"}]}),
        json!({"containers": [{"name": "main", "image": "a"}, {"name": "wait", "image": "c"}]}),
    );
    // What the patch adds comes first.
    check(
        s,
        original.clone(),
        json!({"containers": [{"name": "new"}]}),
        json!({"containers": [{"name": "new"}, {"name": "main", "image": "a"}, {"name": "wait", "image": "b"}]}),
    );
    check(
        s,
        original.clone(),
        json!({"containers": [{"name": "wait"}, {"name": "main"}]}),
        json!({"containers": [{"name": "wait", "image": "b"}, {"name": "main", "image": "a"}]}),
    );
    check(
        s,
        original.clone(),
        json!({"containers": [{"name": "main", "$patch": "delete"}, {"name": "wait", "env": [{"name": "x"}]}]}),
        json!({"containers": [{"name": "wait", "image": "b", "env": [{"name": "x"}]}]}),
    );
    check(
        s,
        original.clone(),
        json!({"containers": [{"$patch": "replace"}, {"name": "only"}]}),
        json!({"containers": [{"name": "only"}]}),
    );
    check(s, original.clone(), json!({"containers": null}), json!({}));
    check(
        s,
        original.clone(),
        json!({"containers": []}),
        original.clone(),
    );
    check_error(
        s,
        original.clone(),
        json!({"containers": [{"image": "x"}]}),
        r#"map: {"image":"x"} does not contain declared merge key: name"#,
    );
    check_error(
        s,
        original.clone(),
        json!({"containers": [{"name": "main", "$patch": "merge"}]}),
        "merging lists cannot yet be specified in the patch",
    );
    check_error(
        s,
        original,
        json!({"containers": ["main"]}),
        "list element types are not identical",
    );
}

#[test]
fn merge_keys() {
    let container =
        |field: &str, list: Value| json!({"containers": [{"name": "main", field: list}]});
    for (field, key) in [
        ("env", "name"),
        ("ports", "containerPort"),
        ("volumeMounts", "mountPath"),
        ("volumeDevices", "devicePath"),
    ] {
        check(
            Schema::PodSpec,
            container(field, json!([{key: "1", "a": 1}, {key: "2"}])),
            container(field, json!([{key: "1", "b": 2}])),
            container(field, json!([{key: "1", "a": 1, "b": 2}, {key: "2"}])),
        );
    }
    for (schema, field, key) in [
        (Schema::PodSpec, "initContainers", "name"),
        (Schema::PodSpec, "ephemeralContainers", "name"),
        (Schema::PodSpec, "volumes", "name"),
        (Schema::PodSpec, "imagePullSecrets", "name"),
        (Schema::PodSpec, "hostAliases", "ip"),
        (Schema::PodSpec, "topologySpreadConstraints", "topologyKey"),
        (Schema::PodSpec, "resourceClaims", "name"),
        (Schema::PodSpec, "schedulingGates", "name"),
        (Schema::Template, "sidecars", "name"),
        (Schema::Template, "initContainers", "name"),
        (Schema::Template, "tolerations", "key"),
        (Schema::Template, "hostAliases", "ip"),
        (Schema::WorkflowSpec, "templates", "name"),
        (Schema::WorkflowSpec, "tolerations", "key"),
    ] {
        check(
            schema,
            json!({field: [{key: "1", "a": 1}]}),
            json!({field: [{key: "1", "b": 2}]}),
            json!({field: [{key: "1", "a": 1, "b": 2}]}),
        );
    }
    for (schema, field) in [
        (Schema::PodSpec, "tolerations"),
        (Schema::Template, "steps"),
        (Schema::Template, "resourceClaims"),
        (Schema::WorkflowSpec, "volumeClaimTemplates"),
        (Schema::WorkflowSpec, "executorPlugins"),
    ] {
        check(
            schema,
            json!({field: [{"key": "1", "name": "1"}]}),
            json!({field: [{"key": "2", "name": "2"}]}),
            json!({field: [{"key": "2", "name": "2"}]}),
        );
    }
}

#[test]
fn nested_argo_types() {
    check(
        Schema::Template,
        json!({"inputs": {"parameters": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}}),
        json!({"inputs": {"parameters": [{"name": "a", "value": "9"}]}}),
        json!({"inputs": {"parameters": [{"name": "a", "value": "9"}, {"name": "b", "value": "2"}]}}),
    );
    check(
        Schema::Template,
        json!({"script": {"env": [{"name": "a", "value": "1"}], "args": ["x"]}}),
        json!({"script": {"env": [{"name": "b", "value": "2"}], "args": ["y"]}}),
        json!({"script": {"env": [{"name": "b", "value": "2"}, {"name": "a", "value": "1"}], "args": ["y"]}}),
    );
    check(
        Schema::Workflow,
        json!({"spec": {"templates": [{"name": "t", "dag": {"tasks": [{"name": "A", "template": "x"}]}}]}}),
        json!({"spec": {"templates": [{"name": "t", "dag": {"tasks": [{"name": "A", "when": "y"}]}}]}}),
        json!({"spec": {"templates": [{"name": "t", "dag": {"tasks": [{"name": "A", "template": "x", "when": "y"}]}}]}}),
    );
}

#[test]
fn lists_of_scalars() {
    let of = |list: Value| json!({"metadata": {"finalizers": list}});
    check(
        Schema::Workflow,
        of(json!(["a", "b"])),
        of(json!(["b", "c"])),
        of(json!(["a", "b", "c"])),
    );
    check(
        Schema::Workflow,
        of(json!(["a", "b"])),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
        of(json!(["b"])),
    );
    check(
        Schema::Workflow,
        of(json!(["a", "b", "c"])),
        json!({"metadata": {"$setElementOrder/finalizers": ["c", "a"]}}),
        of(json!(["b", "c", "a"])),
    );
    check_error(
        Schema::Workflow,
        of(json!([["a"]])),
        of(json!([["b"]])),
        "Lists of lists are not supported",
    );
}

#[test]
fn retain_keys() {
    check(
        Schema::PodSpec,
        json!({"volumes": [{"name": "v", "emptyDir": {}}]}),
        json!({"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}),
        json!({"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}),
    );
    check_error(
        Schema::PodSpec,
        json!({"volumes": [{"name": "v"}]}),
        json!({"volumes": [{"name": "v", "$retainKeys": ["name"], "hostPath": {}}]}),
        "invalid patch format of retainKeys",
    );
    check_error(
        Schema::Plain,
        json!({}),
        json!({"$retainKeys": "name"}),
        "invalid patch format of retainKeys",
    );
}

#[test]
fn element_order() {
    let names = |names: &[&str]| names.iter().map(|n| json!({"name": n})).collect::<Vec<_>>();
    let original = json!({"containers": names(&["1", "2", "3"])});
    check(
        Schema::PodSpec,
        original.clone(),
        json!({"$setElementOrder/containers": names(&["3", "1"])}),
        json!({"containers": names(&["2", "3", "1"])}),
    );
    check(
        Schema::PodSpec,
        original.clone(),
        json!({"$setElementOrder/containers": names(&["4", "1", "2", "3"]), "containers": [{"name": "4"}]}),
        json!({"containers": names(&["4", "1", "2", "3"])}),
    );
    check(
        Schema::PodSpec,
        json!({}),
        json!({"$setElementOrder/containers": names(&["b", "a"]), "containers": names(&["b", "a"])}),
        json!({"containers": names(&["b", "a"])}),
    );
    check(
        Schema::PodSpec,
        json!({}),
        json!({"$setElementOrder/containers": names(&["b"])}),
        json!({}),
    );
    check_error(
        Schema::PodSpec,
        original.clone(),
        json!({"$setElementOrder/containers": names(&["1"]), "containers": names(&["4"])}),
        "doesn't match $setElementOrder list",
    );
    check_error(
        Schema::PodSpec,
        original,
        json!({"$setElementOrder/containers": 1}),
        "invalid patch format of setElementOrder list",
    );
}

#[test]
fn depth_is_bounded() {
    let mut deep = json!({"a": 1});
    for _ in 0..100 {
        deep = json!({"a": deep});
    }
    check_error(Schema::Plain, deep.clone(), deep, "nests more than");
}
