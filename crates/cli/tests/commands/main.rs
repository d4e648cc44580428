//! The program's commands: what each prints, and that it does what it says.

mod again;
mod completion;
mod control;
mod controller;
mod flags;
mod lint;
mod list;
mod metrics;
mod objects;
#[path = "../place/mod.rs"]
mod place;
mod run;
mod shown;
mod small;
mod sync;
mod why;

use place::Place;

/// A workflow of one step.
fn one_step(name: &str, labels: &str, command: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  entrypoint: main
  priority: 7
  workflowMetadata: {{labelsFrom: {{greeted: {{expression: workflow.parameters.who}}}}}}
  arguments: {{parameters: [{{name: who, value: world}}]}}
  templates:
  - name: main
    container: {{image: busybox, command: [sh, -c, '{command}']}}
"
    )
}

/// Two workflows that have ended: `good` and `bad`.
fn ended() -> Place {
    let place = Place::new();
    for (name, label, command) in [
        ("good", "team: a", "echo hello; echo there"),
        ("bad", "team: b", "echo oh no; exit 3"),
    ] {
        place.run(place.write(&format!("{name}.yaml"), &one_step(name, label, command)));
    }
    place
}
