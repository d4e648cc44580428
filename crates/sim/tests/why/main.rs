//! What `why` says of each state in which a node can wait: one plain line that names the cause, and
//! who uses up what is waited for.

mod limits;
mod order;
mod states;

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

/// A workflow of this name.
fn submit(name: &str, spec: &str) -> Value {
    json!({"op": "submit", "yaml": format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    )})
}

fn settle() -> Value {
    json!({"op": "settle"})
}

fn running(node: &str) -> Value {
    json!({"op": "pod", "name": node, "phase": "Running"})
}

fn ended(node: &str, code: i32) -> Value {
    json!({"op": "pod", "name": node, "exitCode": code})
}

const ONE: &str = "  - {name: one, container: {image: a}}\n";

/// A loop of eight items, with more fields of the workflow, of the loop's template and of the items'.
fn looping(of_workflow: &str, of_main: &str, of_one: &str) -> String {
    format!(
        "  entrypoint: main
{of_workflow}  templates:
  - name: main
{of_main}    steps:
    - - {{name: a, template: one, withItems: [1, 2, 3, 4, 5, 6, 7, 8]}}
    - - {{name: z, template: one}}
  - name: one
{of_one}    container: {{image: a}}
"
    )
}

/// Tasks A, B and C, and D behind A and B.
fn graph(of_workflow: &str, of_main: &str) -> String {
    format!(
        "  entrypoint: main
{of_workflow}  templates:
  - name: main
{of_main}    dag:
      target: D C
      tasks:
      - {{name: A, template: one}}
      - {{name: B, template: one}}
      - {{name: C, template: one}}
      - {{name: D, template: one, depends: A && B}}
{ONE}"
    )
}

/// A workflow of one template.
fn single(template: &str) -> String {
    format!("  entrypoint: main\n  templates:\n  - name: main\n{template}")
}

/// Plays requests and asks `why`: of nodes, `NODE: what it waits for`, of the workflow what holds it
/// up.
fn check(requests: &[Value], asked: &[(&str, &str, &[&str])]) {
    let mut session = Session::default();
    let mut ask = |request: &Value| -> Value {
        let answer = session.answer(&request.to_string());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    };
    for request in requests {
        ask(request);
    }
    for (workflow, node, expected) in asked {
        let mut request = json!({"op": "why", "workflow": workflow});
        if !node.is_empty() {
            request["node"] = json!(node);
        }
        let answer = ask(&request);
        let lines: Vec<String> = answer["why"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|why| {
                let text = |key: &str| why[key].as_str().unwrap_or_default().to_owned();
                let name = [text("node"), text("workflow")].concat();
                let waits = match text("waitsFor") {
                    waits if waits.is_empty() => text("phase"),
                    waits => waits,
                };
                match text("alike") {
                    alike if alike.is_empty() => format!("{name}: {waits}"),
                    alike => format!("{name} (and {alike}): {waits}"),
                }
            })
            .collect();
        assert_eq!(lines, *expected, "{workflow} {node}");
    }
}
