//! The protocol of `argosy sim`: what it refuses, and that the same lines give the same answers.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

const WORKFLOW: &str = "
metadata: {name: wf}
spec:
  entrypoint: main
  arguments: {parameters: [{name: p, value: old}]}
  templates:
  - name: main
    steps: [[{name: a, template: work, withItems: [1, 2]}]]
  - name: work
    container: {image: busybox, args: ['{{workflow.parameters.p}}']}
";

fn ask(session: &mut Session, request: Value) -> Value {
    serde_json::from_str(&session.answer(&request.to_string())).expect("an answer is JSON")
}

#[test]
fn what_is_not_understood_is_refused_and_changes_nothing() {
    let mut session = Session::default();
    let refused = [
        ("", "the line is empty"),
        ("{", "cannot read the request: EOF"),
        ("[]", "a request is an object with `op`"),
        ("{}", "missing field `op`"),
        (r#"{"op":3}"#, "op: expected a text, not 3"),
        (
            r#"{"op":"bogus"}"#,
            r#"there is no op "bogus", expected one of config, apply"#,
        ),
        (
            r#"{"op":"deletePod"}"#,
            r#"there is no op "deletePod" (did you mean "delete_pod"?)"#,
        ),
        (r#"{"op":"now","x":1}"#, "x: unknown field, there are none"),
        (r#"{"op":"get"}"#, "missing field `workflow`"),
        (r#"{"op":"get","workflow":"wf"}"#, "not found"),
        (
            r#"{"op":"get","name":"wf"}"#,
            "name: unknown field, expected one of workflow",
        ),
        (
            r#"{"op":"get","workflow":["wf"]}"#,
            "workflow: expected a text, not a list",
        ),
        (
            r#"{"op":"list","kind":"things"}"#,
            r#"kind: there is no kind "things", expected one of"#,
        ),
        (
            r#"{"op":"list","kind":"evnts"}"#,
            r#"(did you mean "events"?)"#,
        ),
        (r#"{"op":"advance"}"#, "either `seconds` or `to`"),
        (r#"{"op":"advance","seconds":-1}"#, "does not go back"),
        (r#"{"op":"advance","seconds":"soon"}"#, "seconds: "),
        (
            r#"{"op":"pods","all":"perhaps"}"#,
            "all: expected true or false",
        ),
        (r#"{"op":"crash","at":-1}"#, "at: expected a number from 0"),
        (r#"{"op":"pod","name":"none"}"#, "not found"),
        (
            r#"{"op":"pod","exit_code":1}"#,
            r#"exit_code: unknown field (did you mean "exitCode"?)"#,
        ),
        (
            r#"{"op":"pod","where":{"color":"red"}}"#,
            "where.color: unknown field, expected one of",
        ),
        (
            r#"{"op":"pod","outputs":{"progress":[1]}}"#,
            "outputs.progress: expected ",
        ),
        (r#"{"op":"submit","yaml":"kind: Secret"}"#, "no workflow"),
        (r#"{"op":"submit","yaml":"a: [b"}"#, "cannot read the YAML"),
        (r#"{"op":"apply","yaml":"kind: Thing"}"#, "can't be applied"),
        (
            r#"{"op":"apply","yaml":"kind: ConfigMap"}"#,
            "a ConfigMap without metadata.name",
        ),
        (r#"{"op":"config","set":{"parallelisme":1}}"#, "unknown key"),
        (
            r#"{"op":"config","set":"parallelism"}"#,
            "set: expected keys with values",
        ),
        (r#"{"op":"act","verb":"stop","workflow":"wf"}"#, "not found"),
        (
            r#"{"op":"act","verb":"sotp","workflow":"wf"}"#,
            r#"verb: there is no verb "sotp" (did you mean "stop"?)"#,
        ),
    ];
    for (line, text) in refused {
        let answer: Value = serde_json::from_str(&session.answer(line)).expect("it is JSON");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(text), "{line}: {answer}");
        assert!(answer.get("ok").is_none(), "{line}: {answer}");
    }
    let workflows = ask(&mut session, json!({"op": "list", "kind": "workflows"}));
    assert_eq!(workflows, json!({"ok": true, "items": []}));
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
fn what_is_refused_in_part_is_not_done_at_all() {
    let mut session = Session::default();
    ask(&mut session, json!({"op": "submit", "yaml": SEVERAL}));
    ask(&mut session, json!({"op": "settle"}));
    let map = "{kind: ConfigMap, metadata: {name: a}, data: {b: c}}";
    for request in [
        json!({"op": "apply", "yaml": format!("{map}\n---\nkind: Thing")}),
        json!({"op": "apply", "yaml": format!("{map}\n---\n{{kind: SyncLimit, metadata: {{name: a}}}}")}),
        json!({"op": "apply", "yaml": format!("{map}\n---\n{{kind: Secret, metadata: {{name: a}}, data: 5}}")}),
        json!({"op": "apply", "yaml": format!("{map}\n---\n{WORKFLOW}\n---\n{WORKFLOW}")}),
        json!({"op": "submit", "yaml": format!("{WORKFLOW}\n---\n{SEVERAL}")}),
        json!({"op": "submit", "yaml": format!("{WORKFLOW}\n---\n{WORKFLOW}")}),
        json!({"op": "pod", "phase": "Succeeded", "status": {"nothing": 1}}),
        json!({"op": "pod", "phase": "Succeeded", "outputs": {"progress": "x"}}),
        json!({"op": "pod", "phase": "Ended", "message": "m"}),
    ] {
        let before: Vec<String> = look(&mut session);
        let answer = ask(&mut session, request.clone());
        assert!(answer.get("error").is_some(), "{request}: {answer}");
        assert_eq!(look(&mut session), before, "{request}");
    }
}

fn look(session: &mut Session) -> Vec<String> {
    let requests = [
        json!({"op": "list", "kind": "workflows"}),
        json!({"op": "list", "kind": "configmaps"}),
        json!({"op": "list", "kind": "taskresults"}),
        json!({"op": "pods", "all": true}),
    ];
    requests
        .iter()
        .map(|request| session.answer(&request.to_string()))
        .collect()
}

/// The two attempts of two items, and what a step prepares.
const SEVERAL: &str = "
metadata: {name: wf, namespace: far}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: loop, template: work, withItems: [a, b]}, {name: other, template: work}]]
  - name: work
    metadata: {labels: {role: worker, size: '3'}}
    retryStrategy: {limit: 2}
    container: {image: busybox}
";

#[test]
fn pods_are_meant_in_many_ways() {
    for (request, wanted) in [
        (json!({}), vec!["loop(0:a)(0)", "loop(1:b)(0)", "other(0)"]),
        (
            json!({"where": {}}),
            vec!["loop(0:a)(0)", "loop(1:b)(0)", "other(0)"],
        ),
        (json!({"name": "other"}), vec!["other(0)"]),
        (json!({"name": "wf[0].loop(1:b)"}), vec!["loop(1:b)(0)"]),
        (
            json!({"where": {"node": "loop"}}),
            vec!["loop(0:a)(0)", "loop(1:b)(0)"],
        ),
        (
            json!({"where": {"displayName": "loop", "index": 1}}),
            vec!["loop(1:b)(0)"],
        ),
        (
            json!({"where": {"nodeName": "wf[0].loop(0:a)"}}),
            vec!["loop(0:a)(0)"],
        ),
        (json!({"where": {"index": "2"}}), vec!["other(0)"]),
        (json!({"where": {"index": 3}}), vec![]),
        (
            json!({"where": {"labels": {"role": "worker", "size": 3}, "index": 0}}),
            vec!["loop(0:a)(0)"],
        ),
        (
            json!({"where": {"labels": "role=worker,size=3", "node": "other"}}),
            vec!["other(0)"],
        ),
        (json!({"where": {"labels": "role=cook"}}), vec![]),
        (
            json!({"where": {"workflow": "far/wf", "node": "other"}}),
            vec!["other(0)"],
        ),
        (json!({"where": {"namespace": "near"}}), vec![]),
        (json!({"where": {"phase": "Running"}}), vec![]),
    ] {
        let mut session = Session::default();
        ask(&mut session, json!({"op": "submit", "yaml": SEVERAL}));
        ask(&mut session, json!({"op": "settle"}));
        let mut report = request.clone();
        report["op"] = json!("pod");
        report["nodeName"] = json!("machine");
        let answer = ask(&mut session, report);
        let count = answer["pods"].as_array().map(Vec::len);
        assert_eq!(count, Some(wanted.len()), "{request}: {answer}");
        let pods = ask(&mut session, json!({"op": "pods"}));
        let named = pods["pods"].as_array().into_iter().flatten();
        let named: Vec<&str> = named
            .filter(|pod| pod["spec"]["nodeName"] == "machine")
            .filter_map(|pod| {
                pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"].as_str()
            })
            .filter_map(|name| name.split_once("].").map(|(_, name)| name))
            .collect();
        assert_eq!(named, wanted, "{request}");
    }
}

#[test]
fn other_spellings_are_taken() {
    let mut session = Session::default();
    for request in [
        json!({"op": "config", "set": "parallelism: 5"}),
        json!({"op": "submit", "yaml": WORKFLOW, "parameters": "p=a=b"}),
        json!({"op": "settle", "workflow": "default/wf"}),
        json!({"op": "pods", "all": "true"}),
        json!({"op": "advance", "seconds": "1m30s"}),
        json!({"op": "advance", "to": "1767225700"}),
        json!({"op": "pod", "name": "a(0:1)", "exitCode": 3.0}),
        json!({"op": "pod", "name": "a(1:2)", "exitCode": "4"}),
        json!({"op": "crash", "at": "0"}),
        json!({"op": "settle"}),
        json!({"op": "list", "kind": "taskResult"}),
        json!({"op": "list", "kind": "ConfigMaps"}),
        json!({"op": "act", "verb": "retry", "workflow": "wf", "restartSuccessful": "true",
               "selector": {"displayName": "a(0:1)"}, "parameters": {"p": "new", "q": null}}),
    ] {
        let answer = ask(&mut session, request.clone());
        assert_eq!(answer["ok"], true, "{request}: {answer}");
    }
    let line = session.answer("\u{feff} {\"op\":\"get\",\"workflow\":\"wf\"}\r");
    let workflow: Value = serde_json::from_str(&line).expect("it is JSON");
    let parameters = &workflow["workflow"]["spec"]["arguments"]["parameters"];
    assert_eq!(parameters[0]["value"], "new", "{workflow}");
}

#[test]
fn a_raw_status_has_fields_of_a_pods_status() {
    let mut session = Session::default();
    ask(&mut session, json!({"op": "submit", "yaml": SEVERAL}));
    ask(&mut session, json!({"op": "settle"}));
    for (status, error) in [
        (
            json!({"fase": "Failed"}),
            "status.fase: a PodStatus has no such field",
        ),
        (
            json!({"containerStatuses": [{"name": "main", "state": {"terminated": {"exitcode": 1}}}]}),
            "status.containerStatuses[0].state.terminated.exitcode: a PodStatus has no such field",
        ),
        (
            json!({"containerStatuses": [{"name": "main", "stat": {}}]}),
            "status.containerStatuses[0].stat: a PodStatus has no such field",
        ),
        (
            json!({"phase": 5}),
            "status: invalid type: integer `5`, expected a string",
        ),
        (json!({"startTime": "yesterday"}), "status: "),
    ] {
        let request = json!({"op": "pod", "name": "other", "status": status});
        let answer = ask(&mut session, request);
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(said.starts_with(error), "{status}: {answer}");
    }
}

/// A conversation that touches most of what there is.
fn conversation() -> Vec<Value> {
    vec![
        json!({"op": "config", "set": {"parallelism": 2}}),
        json!({"op": "submit", "yaml": WORKFLOW, "parameters": {"p": "new"}}),
        json!({"op": "settle"}),
        json!({"op": "pods"}),
        json!({"op": "pod", "where": {"template": "work"}, "phase": "Running"}),
        json!({"op": "advance", "seconds": 10}),
        json!({"op": "pod", "name": "wf[0].a(0:1)", "exitCode": 2}),
        json!({"op": "evict_pod", "name": "wf[0].a(1:2)"}),
        json!({"op": "crash", "at": 1}),
        json!({"op": "settle", "workflow": "wf"}),
        json!({"op": "settle"}),
        json!({"op": "act", "verb": "retry", "workflow": "wf"}),
        json!({"op": "settle"}),
        json!({"op": "pod", "where": {}, "phase": "Succeeded"}),
        json!({"op": "settle"}),
        json!({"op": "act", "verb": "resubmit", "workflow": "wf"}),
        json!({"op": "crash"}),
        json!({"op": "settle"}),
        json!({"op": "list", "kind": "workflows"}),
        json!({"op": "list", "kind": "events"}),
        json!({"op": "list", "kind": "taskresults"}),
        json!({"op": "facts", "workflow": "wf"}),
        json!({"op": "why", "workflow": "wf", "node": "a(0:1)"}),
        json!({"op": "pods", "all": true}),
        json!({"op": "now"}),
    ]
}

#[test]
fn the_same_lines_give_the_same_answers() {
    let play = || -> Vec<String> {
        let mut session = Session::default();
        let lines = conversation();
        lines
            .iter()
            .map(|line| session.answer(&line.to_string()))
            .collect()
    };
    let (one, other) = (play(), play());
    assert_eq!(one, other);
    for (line, answer) in conversation().iter().zip(&one) {
        assert!(answer.contains(r#""ok":true"#), "{line}: {answer}");
    }
}

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
    let mut session = Session::default();
    let run = |name: &str| {
        json!({"op": "submit", "yaml": {
            "metadata": {"name": name, "labels": {"workflows.argoproj.io/workflow-template": "t"}},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "i"}}]},
        }})
    };
    for request in [
        run("one"),
        json!({"op": "settle"}),
        json!({"op": "advance", "seconds": 20}),
        json!({"op": "pod", "phase": "Succeeded"}),
        json!({"op": "settle"}),
        run("two"),
        json!({"op": "settle"}),
    ] {
        ask(&mut session, request);
    }
    let answer = ask(&mut session, json!({"op": "get", "workflow": "two"}));
    let status = &answer["workflow"]["status"];
    assert_eq!(status["estimatedDuration"], 20, "{answer}");
    assert_eq!(status["nodes"]["two"]["estimatedDuration"], 20, "{answer}");
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
