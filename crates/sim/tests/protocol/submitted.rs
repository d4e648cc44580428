//! What is submitted, and what it is shown as.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

use crate::{WORKFLOW, ask};

#[test]
fn parameters_and_an_entrypoint_are_overridden() {
    let mut session = Session::default();
    let request =
        json!({"op": "submit", "yaml": WORKFLOW, "parameters": ["p=new"], "entrypoint": "work"});
    ask(&mut session, request);
    ask(&mut session, json!({"op": "settle"}));
    let pods = ask(
        &mut session,
        json!({"op": "pods", "workflow": "default/wf"}),
    );
    assert_eq!(pods["pods"][0]["spec"]["containers"][0]["args"][0], "new");
    let again = ask(&mut session, json!({"op": "submit", "yaml": WORKFLOW}));
    let exists = "workflows.argoproj.io \"wf\" already exists";
    assert_eq!(again, json!({"error": exists}));
}

#[test]
fn a_workflow_that_is_refused_ends_when_it_is_looked_at() {
    let mut session = Session::default();
    let refused = "metadata: {name: wf}\nspec: {entrypoint: nowhere, templates: []}";
    let submit = json!({"op": "submit", "yaml": refused});
    assert_eq!(ask(&mut session, submit)["ok"], true);
    let get = json!({"op": "get", "workflow": "wf"});
    let before = ask(&mut session, get.clone());
    assert_eq!(before["workflow"]["status"]["phase"], Value::Null);
    ask(&mut session, json!({"op": "settle"}));
    let after = ask(&mut session, get);
    assert_eq!(after["workflow"]["status"]["phase"], "Failed");
}

#[test]
fn objects_that_say_nothing_of_it_are_in_the_sessions_namespace() {
    let workflow = "{metadata: {name: a}, spec: {workflowTemplateRef: {name: t}}}";
    let template = "{kind: WorkflowTemplate, metadata: {name: t}, spec: {entrypoint: m, \
                    templates: [{name: m, container: {image: i}}]}}";
    let elsewhere = workflow.replace("name: a", "name: a, namespace: elsewhere");
    for (mut session, namespace) in [
        (Session::default(), "default"),
        (Session::in_namespace("other"), "other"),
    ] {
        ask(&mut session, json!({"op": "apply", "yaml": template}));
        for yaml in [workflow, &elsewhere] {
            let answer = ask(&mut session, json!({"op": "submit", "yaml": yaml}));
            assert_eq!(answer["ok"], true, "{answer}");
        }
        ask(&mut session, json!({"op": "settle"}));
        for (name, phase) in [
            (format!("{namespace}/a"), "Running"),
            ("elsewhere/a".to_owned(), "Error"),
        ] {
            let seen = ask(&mut session, json!({"op": "get", "workflow": name}));
            assert_eq!(seen["workflow"]["status"]["phase"], phase, "{seen}");
        }
    }
}

#[test]
fn a_missing_name_stays_missing() {
    let mut session = Session::default();
    let yaml = WORKFLOW.replace("{name: wf}", "{generateName: wf-}");
    let answer = ask(&mut session, json!({"op": "submit", "yaml": yaml}));
    assert_eq!(answer, json!({"ok": true, "workflows": [""]}));
    ask(&mut session, json!({"op": "settle"}));
    let workflow = ask(&mut session, json!({"op": "get", "workflow": ""}));
    assert_eq!(workflow["workflow"]["status"]["phase"], "Running");
}

#[test]
fn numbers_are_texts_where_texts_are_wanted() {
    let mut session = Session::default();
    let yaml = "
metadata: {name: wf, labels: {done: false}}
spec:
  entrypoint: main
  templates: [{name: main, suspend: {duration: 3}}]
";
    ask(&mut session, json!({"op": "submit", "yaml": yaml}));
    ask(&mut session, json!({"op": "advance", "seconds": 3}));
    let workflow = ask(&mut session, json!({"op": "get", "workflow": "wf"}));
    assert_eq!(
        workflow["workflow"]["status"]["phase"], "Succeeded",
        "{workflow}"
    );
}

#[test]
fn what_users_write_into_the_status_shows_before_the_controller_looks() {
    let mut session = Session::default();
    let gate = "
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: a, template: wait}], [{name: b, template: work}]]
  - name: wait
    suspend: {}
    outputs: {parameters: [{name: p, globalName: g, valueFrom: {supplied: {}}}]}
  - name: work
    container: {image: busybox}
";
    let act = |verb: &str, more: Value| {
        let mut request = json!({"op": "act", "workflow": "wf", "verb": verb});
        for (key, value) in more.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        request
    };
    let node = |session: &mut Session, name: &str| -> Value {
        let answer = ask(session, json!({"op": "get", "workflow": "wf"}));
        let nodes = answer["workflow"]["status"]["nodes"].clone();
        let nodes = nodes.as_object().into_iter().flatten();
        let mut named = nodes.filter(|(_, node)| node["name"] == name);
        named
            .next()
            .map_or(Value::Null, |(_, node)| node["phase"].clone())
    };
    ask(&mut session, json!({"op": "submit", "yaml": gate}));
    ask(&mut session, json!({"op": "settle"}));
    ask(
        &mut session,
        act(
            "set",
            json!({"selector": "displayName=a", "outputParameters": {"p": "1"}}),
        ),
    );
    let answer = ask(&mut session, json!({"op": "get", "workflow": "wf"}));
    let outputs = &answer["workflow"]["status"]["outputs"];
    assert_eq!(outputs["parameters"][0]["value"], "1", "{answer}");
    ask(
        &mut session,
        act("resume", json!({"selector": "displayName=a"})),
    );
    assert_eq!(node(&mut session, "wf[0].a"), "Succeeded");
    assert_eq!(node(&mut session, "wf[1].b"), Value::Null);
    ask(&mut session, json!({"op": "settle"}));
    ask(&mut session, json!({"op": "pod", "exitCode": 1}));
    ask(&mut session, json!({"op": "settle"}));
    assert_eq!(node(&mut session, "wf"), "Failed");
    ask(&mut session, act("retry", json!({})));
    assert_eq!(node(&mut session, "wf"), "Running");
    assert_eq!(node(&mut session, "wf[1].b"), Value::Null);
    let shown = |session: &mut Session| {
        let answer = ask(session, json!({"op": "get", "workflow": "wf"}));
        let workflow = &answer["workflow"];
        let label = |key: &str| {
            workflow["metadata"]["labels"][format!("workflows.argoproj.io/{key}")].clone()
        };
        json!([
            workflow["status"]["phase"],
            label("phase"),
            label("completed")
        ])
    };
    assert_eq!(shown(&mut session), json!([null, "Failed", null]));
    ask(&mut session, json!({"op": "settle"}));
    assert_eq!(node(&mut session, "wf[1].b"), "Pending");
    assert_eq!(shown(&mut session), json!(["Running", "Running", "false"]));
    ask(&mut session, act("stop", json!({})));
    let answer = ask(&mut session, json!({"op": "get", "workflow": "wf"}));
    assert_eq!(answer["workflow"]["spec"]["shutdown"], "Stop");
    assert_eq!(shown(&mut session), json!(["Running", "Running", "false"]));
}

#[test]
fn an_earlier_run_of_the_same_template_tells_how_long_it_takes() {
    let labelled = |name: &str| {
        let label = json!({"workflows.argoproj.io/workflow-template": "t"});
        let templates = json!([{"name": "main", "container": {"image": "i"}}]);
        json!({
            "metadata": {"name": name, "labels": label},
            "spec": {"entrypoint": "main", "templates": templates},
        })
    };
    let referring = |name: &str| json!({"metadata": {"name": name}, "spec": {"workflowTemplateRef": {"name": "t"}}});
    let other = |name: &str| json!({"metadata": {"name": name}, "spec": {"workflowTemplateRef": {"name": "u"}}});
    for (first, second, estimate) in [
        (labelled("one"), labelled("two"), json!(20)),
        (referring("one"), referring("two"), json!(20)),
        (labelled("one"), referring("two"), json!(20)),
        (referring("one"), labelled("two"), json!(20)),
        (other("one"), referring("two"), Value::Null),
    ] {
        let mut session = Session::default();
        for name in ["t", "u"] {
            let template = json!({
                "kind": "WorkflowTemplate",
                "metadata": {"name": name},
                "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "i"}}]},
            });
            ask(&mut session, json!({"op": "apply", "yaml": template}));
        }
        for request in [
            json!({"op": "submit", "yaml": first}),
            json!({"op": "settle"}),
            json!({"op": "advance", "seconds": 20}),
            json!({"op": "pod", "phase": "Succeeded"}),
            json!({"op": "settle"}),
            json!({"op": "submit", "yaml": second}),
            json!({"op": "settle"}),
        ] {
            ask(&mut session, request);
        }
        let answer = ask(&mut session, json!({"op": "get", "workflow": "two"}));
        let status = &answer["workflow"]["status"];
        assert_eq!(status["estimatedDuration"], estimate, "{answer}");
        let node = &status["nodes"]["two"];
        assert_eq!(node["estimatedDuration"], estimate, "{answer}");
    }
}

#[test]
fn values_may_be_written_in_several_ways() {
    for (request, phase) in [
        (
            json!({"op": "pod", "name": "wf[0].a(0:1)", "phase": "Succeeded", "outputs": {"artifacts": ["o"]}}),
            "Succeeded",
        ),
        (
            json!({"op": "pod", "name": "a(0:1)", "exitCode": "0", "outputs": {"artifacts": {"o": {"s3": {"key": "k"}}}}}),
            "Succeeded",
        ),
        (
            json!({"op": "pod", "name": "default/wf-work-2239696689", "phase": "Failed", "outputs": {"exitCode": 3}}),
            "Failed",
        ),
        (
            json!({"op": "pod", "where": {"node": "a(0:1)"}, "phase": "Running"}),
            "Running",
        ),
        (json!({"op": "advance", "seconds": "1h"}), "Pending"),
        (json!({"op": "advance", "seconds": 0.5}), "Pending"),
        (json!({"op": "pods", "all": null}), "Pending"),
    ] {
        let mut session = Session::default();
        ask(&mut session, json!({"op": "submit", "yaml": WORKFLOW}));
        ask(&mut session, json!({"op": "settle"}));
        let answer = ask(&mut session, request.clone());
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        ask(&mut session, json!({"op": "settle"}));
        let answer = ask(&mut session, json!({"op": "get", "workflow": "wf"}));
        let nodes = answer["workflow"]["status"]["nodes"].as_object();
        let found = nodes
            .into_iter()
            .flatten()
            .find(|(_, node)| node["displayName"] == "a(0:1)");
        let found = found.map(|(_, node)| node["phase"].clone());
        assert_eq!(found, Some(json!(phase)), "{request}: {answer}");
    }
}
