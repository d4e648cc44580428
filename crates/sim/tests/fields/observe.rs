//! What a simulation shows of a workflow.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

/// How often pods are ended and the clock moved.
const ROUNDS: usize = 8;

/// What is seen of a workflow: each answer with what it answers.
pub struct Sight(pub Vec<(String, Value)>);

impl Sight {
    /// All of it, as text.
    pub fn text(&self) -> String {
        self.0.iter().map(|(_, seen)| format!("{seen}\n")).collect()
    }
}

/// Runs a workflow with the objects that it uses; everything that is to be seen.
pub fn observe(workflow: &Value, with: &[Value]) -> Sight {
    let mut session = Session::default();
    let mut seen = Vec::new();
    for object in with {
        ask(
            &mut session,
            &json!({"op": "apply", "yaml": object.to_string()}),
        );
    }
    let submitted = ask(
        &mut session,
        &json!({"op": "submit", "yaml": workflow.to_string()}),
    );
    seen.push(("submit".to_owned(), submitted));
    let each = [
        "workflows",
        "timers",
        "locks",
        "executions",
        "tasksets",
        "poddisruptionbudgets",
    ];
    for round in 0..ROUNDS {
        ask(&mut session, &json!({"op": "settle"}));
        look(&mut session, &round.to_string(), &each, &mut seen);
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
        "artifactgctasks",
    ];
    look(&mut session, "end", &last, &mut seen);
    Sight(seen)
}

/// What there is when a workflow begins, by kinds.
pub fn begun(workflow: &Value) -> Value {
    let mut session = Session::default();
    let submit = json!({"op": "submit", "yaml": workflow.to_string()});
    ask(&mut session, &submit);
    ask(&mut session, &json!({"op": "settle"}));
    let mut begun = json!({"pods": ask(&mut session, &json!({"op": "pods"}))["pods"].take()});
    for kind in ["executions", "tasksets", "workflows"] {
        begun[kind] = ask(&mut session, &json!({"op": "list", "kind": kind}))["items"].take();
    }
    begun
}

fn look(session: &mut Session, when: &str, kinds: &[&str], seen: &mut Vec<(String, Value)>) {
    let mut pods = ask(session, &json!({"op": "pods", "all": true}));
    seen.push((format!("{when} pods"), pods["pods"].take()));
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
        seen.push((format!("{when} {kind}"), answer["items"].take()));
    }
}

/// Ends the pods that there are, as the names of their templates, or their commands, say.
fn end_pods(session: &mut Session) {
    let pods = ask(session, &json!({"op": "pods"}));
    for pod in pods["pods"].as_array().into_iter().flatten() {
        let name = &pod["metadata"]["name"];
        let text = name.as_str().unwrap_or_default();
        let spec = pod["spec"].to_string();
        let is =
            |word: &str| text.contains(word) || spec.contains(&format!("\"command\":[\"{word}\""));
        if is("wait") {
            continue;
        }
        let report = if is("lost") {
            json!({"op": "delete_pod", "name": name})
        } else if is("fail") || is("false") {
            json!({"op": "pod", "name": name, "phase": "Failed", "exitCode": 1})
        } else if is("hang") {
            json!({"op": "now"})
        } else if is("give") {
            let outputs = json!({"artifacts": [{"name": "a", "s3": {"key": "k"}}]});
            json!({"op": "pod", "name": name, "phase": "Succeeded", "outputs": outputs})
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
