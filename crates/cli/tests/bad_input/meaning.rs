//! Workflows that are read and mean nothing.

use crate::{ECHO, check, echo, workflow};

#[test]
fn what_a_workflow_refers_to() {
    let dag = |tasks: &str| {
        workflow(&format!(
            "  templates:\n{ECHO}  - name: main\n    dag:\n      tasks:\n{tasks}"
        ))
    };
    check(&[
        (
            "cycle",
            dag(
                "      - {name: A, template: print, depends: C}\n      - {name: B, template: print, depends: A}\n      - {name: C, template: print, depends: B}\n",
            ),
            &[
                "cycle.yaml:11:9: error: ",
                "graph with cycle",
                "A -> C -> B -> A",
            ],
        ),
        (
            "depends",
            dag(
                "      - {name: A, template: print}\n      - {name: B, template: print, depends: Z.Succeeded}\n      - {name: C, template: print, depends: A.Succeded}\n",
            ),
            &[
                "depends.yaml:12:45: error: spec.templates[1].dag.tasks[1].depends: ",
                "invalid dependency Z",
                "did you mean 'Succeeded'?",
            ],
        ),
        (
            "missing",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: prnt}}\n"
            )),
            &[
                "missing.yaml:10:29: error: ",
                "template name 'prnt' undefined",
                "did you mean 'print'?",
            ],
        ),
        (
            "entrypoint",
            workflow(&format!("  templates:\n{ECHO}")),
            &["entrypoint.yaml:5:15: error: spec.entrypoint: template name 'main' undefined"],
        ),
    ]);
}

#[test]
fn what_shows_when_it_runs() {
    let param = |value: &str| {
        workflow(&format!(
            "  arguments: {{parameters: [{{name: list, value: '{value}'}}]}}\n  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, withParam: '{{{{workflow.parameters.list}}}}'}}\n"
        ))
    };
    let sequence = |sequence: &str| {
        workflow(&format!(
            "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, withSequence: {{{sequence}}}}}\n"
        ))
    };
    check(&[
        (
            "no-list",
            param("not a list"),
            &["withParam value could not be parsed as a JSON list: not a list"],
        ),
        (
            "a-map",
            param(r#"{"a": 1}"#),
            &["withParam value could not be parsed as a JSON list"],
        ),
        ("sequence", sequence("start: x, end: '3'"), &["x"]),
        (
            "endless",
            sequence("count: '1000000000000'"),
            &["1000000000000"],
        ),
        (
            "recursion",
            workflow(
                "  templates:\n  - name: main\n    steps:\n    - - {name: again, template: main}\n",
            ),
            &["recursion"],
        ),
        ("expression", echo("{{=1 +}}"), &["unexpected token EOF"]),
        (
            "no-number",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print}}\n    outputs: {{parameters: [{{name: n, valueFrom: {{expression: 'asInt(\"abc\")'}}}}]}}\n"
            )),
            &["abc"],
        ),
        (
            "when",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, when: '((1 == 1'}}\n"
            )),
            &["Invalid 'when' expression '((1 == 1'"],
        ),
    ]);
}
