//! A DAG of 10,000 tasks: read, validated and compiled.

use std::fmt::Write;
use std::time::Instant;

use argosy_api::{Object, Source, Strictness, read_objects};
use argosy_engine::definition::Definition;
use argosy_engine::source::TemplateSet;
use argosy_engine::validate::{ValidateOptions, validate_workflow};

use crate::table::{Better, Table};

const TASKS: usize = 10_000;
const ROUNDS: usize = 7;

pub fn measure(table: &mut Table) {
    let text = dag();
    let mut times: Vec<(f64, [f64; 3])> = (0..ROUNDS)
        .map(|_| {
            let parts = once(&text);
            (parts.iter().sum(), parts)
        })
        .collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (all, [read, validated, compiled]) = times[ROUNDS / 2];
    table.figure(
        "a DAG of 10,000 tasks read, validated, compiled (median)",
        all * 1e3,
        "ms",
        50.0,
        Better::Less,
    );
    table.note(
        "of that",
        &format!(
            "{:.0} ms read, {:.0} ms validated, {:.0} ms compiled",
            read * 1e3,
            validated * 1e3,
            compiled * 1e3
        ),
    );
}

fn dag() -> String {
    let mut text = "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: large}
spec:
  entrypoint: main
  templates:
  - name: work
    inputs:
      parameters:
      - name: i
    container:
      image: busybox
      command: [echo, '{{inputs.parameters.i}}']
  - name: main
    dag:
      tasks:
"
    .to_owned();
    for task in 0..TASKS {
        // Writing to a String can't fail.
        let _ = write!(
            text,
            "      - name: t{task}
        template: work
        arguments:
          parameters:
          - name: i
            value: 'number {task}'
"
        );
        if task >= 100 {
            let _ = writeln!(
                text,
                "        dependencies: [t{}, t{}]",
                task - 100,
                task - task % 100 - 100 + (task * 7 + 1) % 100
            );
        }
    }
    text
}

fn once(text: &str) -> [f64; 3] {
    let began = Instant::now();
    let parsed = read_objects(&Source::new("dag.yaml", text), Strictness::Strict);
    let read = began.elapsed().as_secs_f64();
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let Some((Object::Workflow(workflow), _)) = parsed.objects.into_iter().next() else {
        panic!("no workflow was read");
    };
    let definition = Definition {
        workflow: *workflow,
        ..Definition::default()
    };
    let began = Instant::now();
    let faults = validate_workflow(
        &definition.workflow,
        &TemplateSet::default(),
        &ValidateOptions::default(),
    );
    let validated = began.elapsed().as_secs_f64();
    assert!(faults.is_empty(), "{faults:?}");
    let began = Instant::now();
    let plan = argosy_engine::plan::compile(&definition);
    let compiled = began.elapsed().as_secs_f64();
    assert!(plan.is_ok(), "{:?}", plan.err());
    [read, validated, compiled]
}
