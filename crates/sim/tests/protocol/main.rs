//! The protocol of `argosy sim`: what it refuses, and that the same lines give the same answers.

mod pods;
mod refused;
mod submitted;

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
