//! How long large files take. Run with `cargo test --release -p argosy-api --test speed -- --ignored --nocapture`.

use std::fmt::Write;
use std::time::{Duration, Instant};

use argosy_api::{Limits, Object, Source, Strictness, read_documents, read_objects};

/// A DAG of tasks that each depend on an earlier one.
fn dag(tasks: usize) -> String {
    let mut text = String::from(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  generateName: big-\nspec:\n  \
         entrypoint: main\n  templates:\n  - name: main\n    dag:\n      tasks:\n",
    );
    for task in 0..tasks {
        let _ = write!(
            text,
            "      - name: task-{task}\n        template: work\n        dependencies: [task-{}]\n        \
             arguments:\n          parameters: [{{name: x, value: \"{task}\"}}]\n",
            task / 2
        );
    }
    text.push_str(
        "  - name: work\n    inputs: {parameters: [{name: x}]}\n    container: {image: alpine}\n",
    );
    text
}

#[test]
#[ignore = "a measurement; only a release build tells something"]
#[expect(clippy::print_stdout, reason = "it is there to print")]
fn ten_thousand_tasks() {
    let source = Source::new("dag.yaml", dag(10_000));
    let (mut trees, mut types) = (Duration::MAX, Duration::MAX);
    for _ in 0..20 {
        let start = Instant::now();
        let (documents, _) = read_documents(&source, &Limits::default());
        trees = trees.min(start.elapsed());
        assert_eq!(documents.len(), 1);
        let start = Instant::now();
        let parsed = read_objects(&source, Strictness::Strict);
        types = types.min(start.elapsed());
        assert!(
            matches!(parsed.objects[0].0, Object::Workflow(_)) && parsed.diagnostics.is_empty()
        );
    }
    println!(
        "{} bytes: tree {trees:?}, types {types:?}",
        source.text.len()
    );
}
