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
        ("", "cannot read the request"),
        ("[]", "cannot read the request"),
        (r#"{"op":"bogus"}"#, "unknown variant `bogus`"),
        (r#"{"op":"now","x":1}"#, "unknown field `x`"),
        (r#"{"op":"get"}"#, "missing field `workflow`"),
        (r#"{"op":"get","workflow":"wf"}"#, "not found"),
        (
            r#"{"op":"list","kind":"things"}"#,
            "unknown variant `things`",
        ),
        (r#"{"op":"advance"}"#, "either `seconds` or `to`"),
        (r#"{"op":"advance","seconds":-1}"#, "does not go back"),
        (r#"{"op":"pod","name":"none"}"#, "not found"),
        (
            r#"{"op":"pod","where":{"color":"red"}}"#,
            "unknown field `color`",
        ),
        (r#"{"op":"submit","yaml":"kind: Secret"}"#, "no workflow"),
        (r#"{"op":"submit","yaml":"a: [b"}"#, "cannot read the YAML"),
        (r#"{"op":"apply","yaml":"kind: Thing"}"#, "can't be applied"),
        (r#"{"op":"config","set":{"parallelisme":1}}"#, "unknown key"),
        (r#"{"op":"act","verb":"stop","workflow":"wf"}"#, "not found"),
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
