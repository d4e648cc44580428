//! `argosy test` on 1,000 tests of ten nodes each: the whole process, files read included.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::table::{Better, Table};

const TESTS: usize = 1_000;
const FILES: usize = 100;
const ROUNDS: usize = 5;

/// A DAG of nine tasks, which with the DAG itself are ten nodes.
const WORKFLOW: &str = "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: ten}
spec:
  entrypoint: main
  arguments: {parameters: [{name: number, value: '0'}]}
  templates:
  - name: main
    dag:
      tasks:
      - {name: a, template: work}
      - {name: b, template: work, depends: a}
      - {name: c, template: work, depends: a}
      - {name: d, template: work, depends: a}
      - {name: e, template: work, depends: b && c}
      - {name: f, template: work, depends: c && d}
      - {name: g, template: work, depends: e || f}
      - {name: h, template: work, depends: g.Succeeded}
      - {name: i, template: work, depends: h}
  - name: work
    container: {image: busybox, command: [echo, '{{workflow.parameters.number}}']}
";

pub fn measure(table: &mut Table) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let per_file = TESTS / FILES;
    for file in 0..FILES {
        let path = |end: &str| folder.path().join(format!("{file}{end}"));
        std::fs::write(path(".yaml"), WORKFLOW).expect("the workflow can be written");
        let mut text = String::new();
        for number in file * per_file..(file + 1) * per_file {
            // Writing to a String can't fail.
            let _ = write!(
                text,
                "apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {{name: test {number}}}
spec:
  workflow: {file}.yaml
  arguments: {{parameters: {{number: {number}}}}}
  mocks: [{{template: work, duration: 10s}}]
  expect:
    duration: 1m
    order: [a, b, e, g, h, i]
    nodes: {{i: Succeeded}}
    pods: {{i: {{command: [echo, '{number}']}}}}
---
"
            );
        }
        std::fs::write(path("_test.yaml"), text).expect("the tests can be written");
    }
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let status = Command::new(env!("CARGO_BIN_EXE_argosy"))
                .arg("test")
                .arg(folder.path())
                .stdout(Stdio::null())
                .status();
            assert!(status.expect("argosy runs").success());
            began.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    table.figure(
        "1,000 tests of ten nodes, whole process (median)",
        times[ROUNDS / 2],
        "s",
        1.0,
        Better::Less,
    );
}
