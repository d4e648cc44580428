//! What is not understood, or can't be done whole, changes nothing.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

use crate::{SEVERAL, WORKFLOW, ask};

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
