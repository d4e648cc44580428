//! What a simulation shows of a workflow.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

/// How often pods are ended and the clock moved.
const ROUNDS: usize = 8;

/// Runs a workflow with the objects that it uses; everything that is to be seen, as text.
pub fn observe(workflow: &Value, with: &[Value]) -> String {
    let mut session = Session::default();
    let mut seen = Vec::new();
    for object in with {
        ask(
            &mut session,
            &json!({"op": "apply", "yaml": object.to_string()}),
        );
    }
    seen.push(ask(
        &mut session,
        &json!({"op": "submit", "yaml": workflow.to_string()}),
    ));
    for _ in 0..ROUNDS {
        ask(&mut session, &json!({"op": "settle"}));
        look(&mut session, &["workflows", "timers", "locks"], &mut seen);
        end_pods(&mut session);
        ask(&mut session, &json!({"op": "settle"}));
        ask(&mut session, &json!({"op": "advance", "seconds": 7}));
    }
    ask(&mut session, &json!({"op": "advance", "seconds": 100_000}));
    let last = [
        "workflows",
        "caches",
        "configmaps",
        "events",
        "metrics",
        "pvcs",
    ];
    look(&mut session, &last, &mut seen);
    seen.iter().map(|seen| format!("{seen}\n")).collect()
}

/// The pods that a workflow has when it begins.
pub fn pods_of(workflow: &Value) -> Value {
    let mut session = Session::default();
    let submit = json!({"op": "submit", "yaml": workflow.to_string()});
    ask(&mut session, &submit);
    ask(&mut session, &json!({"op": "settle"}));
    let mut answer = ask(&mut session, &json!({"op": "pods"}));
    let mut listed = ask(&mut session, &json!({"op": "list", "kind": "workflows"}));
    match answer["pods"].as_array().is_some_and(Vec::is_empty) {
        // Why there is none.
        true => listed["items"][0]["status"].take(),
        false => answer["pods"].take(),
    }
}

fn look(session: &mut Session, kinds: &[&str], seen: &mut Vec<Value>) {
    seen.push(ask(session, &json!({"op": "pods", "all": true})));
    for kind in kinds {
        let mut answer = ask(session, &json!({"op": "list", "kind": kind}));
        for item in answer["items"].as_array_mut().into_iter().flatten() {
            // What was given is no sight.
            for given in [
                "/spec",
                "/status/storedTemplates",
                "/status/storedWorkflowTemplateSpec",
            ] {
                if let Some(value) = item.pointer_mut(given) {
                    value.take();
                }
            }
        }
        seen.push(answer);
    }
}

/// Ends the pods that there are, as the names of their templates say.
fn end_pods(session: &mut Session) {
    let pods = ask(session, &json!({"op": "pods"}));
    for pod in pods["pods"].as_array().into_iter().flatten() {
        let name = &pod["metadata"]["name"];
        let text = name.as_str().unwrap_or_default();
        let spec = pod["spec"].to_string();
        let report = if text.contains("lost") {
            json!({"op": "delete_pod", "name": name})
        } else if text.contains("fail") || spec.contains("\"command\":[\"false\"") {
            json!({"op": "pod", "name": name, "phase": "Failed", "exitCode": 1})
        } else if text.contains("hang") {
            json!({"op": "now"})
        } else {
            json!({"op": "pod", "name": name, "phase": "Succeeded", "outputs": {"result": "5"}})
        };
        // A pod that is deleted before it has run is made anew.
        ask(
            session,
            &json!({"op": "pod", "name": name, "phase": "Running", "nodeName": "machine"}),
        );
        ask(session, &json!({"op": "settle"}));
        ask(session, &report);
    }
}

fn ask(session: &mut Session, request: &Value) -> Value {
    let answer = session.answer(&request.to_string());
    serde_json::from_str(&answer).expect("answers are JSON")
}
