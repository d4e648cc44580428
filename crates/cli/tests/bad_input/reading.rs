//! Files that can't be read as workflows.

use crate::place::Place;
use crate::{check, run, workflow};

#[test]
fn text_that_is_no_workflow() {
    check(&[
        (
            "truncated",
            workflow(
                "  templates:\n  - name: main\n    container:\n      image: a\n      command: [echo",
            ),
            &[
                "truncated.yaml:10:16: error: this '[' is not closed",
                "nothing was run",
            ],
        ),
        (
            "cut-quote",
            workflow("  templates:\n  - name: main\n    container: {image: a, command: [echo, \"x"),
            &["cut-quote.yaml:8:43: error: this quote is not closed"],
        ),
        (
            "tab",
            "spec:\n\ttemplates: []\n".to_owned(),
            &["tab.yaml:2:1: error: ", "indent with spaces"],
        ),
        (
            "scalar",
            "hello".to_owned(),
            &["scalar.yaml:1:1: error: expected an object"],
        ),
        (
            "list",
            "- a\n- b\n".to_owned(),
            &["list.yaml:1:1: error: expected an object"],
        ),
        (
            "nokind",
            "metadata: {name: x}\n".to_owned(),
            &["nokind.yaml:1:1: error: this object has no `kind`"],
        ),
        (
            "empty",
            String::new(),
            &["error: no workflow found in given files"],
        ),
    ]);
}

#[test]
fn bytes_that_are_no_text() {
    for (bytes, expected) in [
        (
            &b"\x7fELF\0\x80"[..],
            "it is no text, but some other kind of file",
        ),
        (
            b"a: b\nc: d\xe9\n",
            "what stands in line 2, column 5 is not UTF-8",
        ),
        // UTF-16 is read.
        (b"\xff\xfea\0", "error: expected an object"),
    ] {
        let place = Place::new();
        let path = place.dir.path().join("binary.yaml");
        std::fs::write(&path, bytes).expect("a file");
        let said = run(&place, &path);
        assert_eq!(said.code, Some(1));
        assert!(said.errors.contains(expected), "{}", said.errors);
    }
}

#[test]
fn wrong_types_all_at_once() {
    check(&[(
        "types",
        workflow(
            "  parallelism: many\n  templates:\n  - name: main\n    retryStrategy: 3\n    container: {image: a, command: echo, args: {a: b}}\n",
        ),
        &[
            "types.yaml:6:16: error: spec.parallelism: expected a whole number",
            "types.yaml:9:20: error: spec.templates[0].retryStrategy: expected a map",
            "types.yaml:10:36: error: spec.templates[0].container.command: expected a list",
            "types.yaml:10:48: error: spec.templates[0].container.args: expected a list",
            "4 faults found; nothing was run",
        ],
    )]);
}
