//! Workflows carried out on this machine, end to end.

mod claims;
mod data;
mod http;
mod keeper;
mod killed;
mod leftovers;
mod limits;
mod locks;
mod logs;
#[path = "../place/mod.rs"]
mod place;
mod plugins;
mod power;
mod privacy;
mod sets;
mod signals;
mod slots;
mod steps;

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
