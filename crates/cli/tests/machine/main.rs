//! What this machine gives steps, end to end: keepers and cgroups, volume claims, slots, sets of
//! containers, and what ended workflows leave.

mod claims;
mod keeper;
mod leftovers;
mod logs;
#[path = "../place/mod.rs"]
mod place;
mod sets;
mod slots;

use std::path::PathBuf;

use place::Place;

/// Writes a workflow named after the file; `spec` is indented by two spaces.
fn workflow(place: &Place, name: &str, spec: &str) -> PathBuf {
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    );
    place.write(&format!("{name}.yaml"), &text)
}

/// Runs a workflow to its end.
fn run(place: &Place, name: &str, spec: &str) -> serde_json::Value {
    place.run(&workflow(place, name, spec))
}

/// A workflow of one step that runs a line of shell.
fn one_step(line: &str) -> String {
    format!(
        "  entrypoint: main
  templates:
  - name: main
    container: {{image: busybox, command: [sh, -c], args: [{}]}}
",
        serde_json::to_string(line).expect("JSON")
    )
}
