//! Plays the cases of `cases.yaml` and `slips.yaml`: each is a `WorkflowTest` and what its report says.

use argosy_api::{Document, Limits, Source, read_documents};
use argosy_sim::testing::{Failure, Files, Options, Unmocked, read_tests, run_test};
use serde_json::{Value, json};

const CASES: [(&str, &str); 2] = [
    ("cases.yaml", include_str!("cases.yaml")),
    ("slips.yaml", include_str!("slips.yaml")),
];
const WORKFLOWS: &str = include_str!("workflows.yaml");

fn documents(name: &str, text: &str) -> Vec<Document> {
    let (documents, faults) = read_documents(&Source::new(name, text), &Limits::default());
    assert!(faults.is_empty(), "{name}: {faults:?}");
    documents
}

/// The workflows of `workflows.yaml`, each in a file that is called by its name, or by its label
/// `file`.
struct Known(Vec<(String, Vec<Document>)>);

impl Known {
    fn new() -> Self {
        let mut files: Vec<(String, Vec<Document>)> = Vec::new();
        for document in documents("workflows.yaml", WORKFLOWS) {
            let metadata = document.to_json()["metadata"].clone();
            let name = metadata["labels"]["file"].as_str();
            let name = name.or(metadata["name"].as_str()).expect("each has a name");
            let name = format!("{name}.yaml");
            match files.iter_mut().find(|(known, _)| *known == name) {
                Some((_, documents)) => documents.push(document),
                None => files.push((name, vec![document])),
            }
        }
        Self(files)
    }
}

impl Files for Known {
    fn documents(&self, name: &str) -> Option<&[Document]> {
        let file = self.0.iter().find(|(known, _)| known == name)?;
        Some(&file.1)
    }
}

fn line(failure: &Failure) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (expected, actual) = (shown(&failure.expected), shown(&failure.actual));
    format!("{}: {expected} != {actual}", failure.subject)
}

#[test]
fn reports_are_as_expected() {
    let known = Known::new();
    let mut wrong = String::new();
    let files = CASES.map(|(name, text)| documents(name, text));
    for document in files.into_iter().flatten() {
        for case in document.to_json().as_array().expect("a list of cases") {
            let name = case["name"].as_str().expect("a case has a name");
            let test = json!({
                "apiVersion": "argosy.dev/v1alpha1",
                "kind": "WorkflowTest",
                "metadata": {"name": name},
                "spec": case["spec"],
            });
            let (tests, faults) = read_tests(documents("case_test.yaml", &test.to_string()));
            let mut lines: Vec<String> = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.path, fault.message))
                .collect();
            let unmocked = match case["strict"].as_bool() {
                Some(true) => Unmocked::Fail,
                _ => Unmocked::Succeed,
            };
            let options = Options {
                unmocked,
                ..Options::default()
            };
            for test in &tests {
                let report = run_test(test, &known, options);
                assert_eq!(report.passed(), report.failures.is_empty());
                let cased = !case["spec"]["cases"].is_null();
                lines.extend(report.failures.iter().map(|failure| match cased {
                    true => format!("{}: {}", report.name, line(failure)),
                    false => line(failure),
                }));
                lines.extend(
                    report
                        .skipped
                        .iter()
                        .map(|why| format!("{}: {why}", report.name)),
                );
            }
            let expected: Vec<&str> = case["report"]
                .as_array()
                .map(|lines| lines.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            if lines != expected {
                wrong.push_str(&format!("{name}:\n{lines:#?}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_failure_says_where_it_is_in_both_files() {
    let text = "apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {name: places}
spec:
  workflow: diamond.yaml
  mocks:
  - {node: B, exitCode: 1}
  expect:
    phase: Failed
    nodes:
      B:
        phase: Succeeded
";
    let (tests, faults) = read_tests(documents("a_test.yaml", text));
    assert!(faults.is_empty(), "{faults:?}");
    let report = run_test(&tests[0], &Known::new(), Options::default());
    let failure = report.failures.first().expect("B failed");
    assert_eq!(failure.at.to_string(), "a_test.yaml:12");
    let origin = failure.origin.as_ref().expect("B has a template");
    let line = WORKFLOWS.lines().nth(origin.line as usize - 1);
    assert_eq!(line.map(str::trim), Some("- name: echo"));
}

#[test]
fn a_failed_workflow_names_what_went_wrong() {
    let text = "apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {name: causes}
spec:
  workflow: diamond.yaml
  mocks:
  - {node: B, exitCode: 2}
  - {node: C, error: no disk}
";
    let (tests, faults) = read_tests(documents("a_test.yaml", text));
    assert!(faults.is_empty(), "{faults:?}");
    let report = run_test(&tests[0], &Known::new(), Options::default());
    let failure = report.failures.first().expect("it failed");
    let causes: Vec<String> = failure
        .causes
        .iter()
        .map(|cause| format!("{} {}: {}", cause.node, cause.phase, cause.message))
        .collect();
    let line = |cause: &argosy_sim::testing::Cause| cause.at.as_ref().map(|at| at.line);
    assert_eq!(
        failure.origin.as_ref().map(|at| at.line),
        line(&failure.causes[0])
    );
    assert_eq!(
        causes,
        [
            "diamond.B Failed: main: Error (exit code 2)",
            "diamond.C Error: wait: Error (exit code 1): no disk"
        ]
    );
}

#[test]
fn the_branches_that_were_taken() {
    let wanted = [
        (
            "approve: exit 1",
            "approval",
            "{node: approve, exitCode: 1}",
            [
                "+ template main",
                "- when of deploy holds",
                "- when of deploy does not hold",
                "+ template approve",
                "- template wait",
                "- template call",
                "- template deploy",
            ]
            .as_slice(),
        ),
        (
            "approve: no",
            "approval",
            "{node: approve, outputs: {parameters: [answer=no]}}",
            &[
                "+ template main",
                "- when of deploy holds",
                "+ when of deploy does not hold",
                "+ template approve",
                "+ template wait",
                "+ template call",
                "- template deploy",
            ],
        ),
        (
            "A fails",
            "diamond",
            "{node: A, exitCode: 1}",
            &[
                "+ template diamond",
                "- depends of B holds",
                "+ depends of B does not hold",
                "- depends of C holds",
                "+ depends of C does not hold",
                "- depends of D holds",
                "+ depends of D does not hold",
                "+ template echo",
            ],
        ),
        (
            "loops, and templates by reference",
            "choosy",
            "{node: work, duration: 1}",
            &[
                "+ template main",
                "- when of none holds",
                "+ when of none does not hold",
                "+ depends of some holds",
                "+ when of some holds",
                "- depends of some does not hold",
                "+ when of some does not hold",
                "- when of empty holds",
                "- when of empty does not hold",
                "+ depends of after holds",
                "- depends of after does not hold",
                "+ template work",
                "+ template pick",
                "- when of one holds",
                "+ when of two holds",
                "+ when of one does not hold",
                "- when of two does not hold",
                "- template left",
                "+ template right",
            ],
        ),
        (
            "what stands inline, and hooks",
            "hooked",
            "{node: B, exitCode: 1}",
            &[
                "+ onExit of the workflow runs",
                "+ template main",
                "+ template in A",
                "+ when of one holds",
                "+ template in one",
                "- when of one does not hold",
                "+ onExit of A runs",
                "+ hooks.ran of A runs",
                "- hooks.failed of A runs",
                "- dependencies of B do not hold",
                "+ dependencies of B hold",
                "+ template work",
            ],
        ),
    ];
    for (name, workflow, mock, branches) in wanted {
        let text = format!(
            "apiVersion: argosy.dev/v1alpha1\nkind: WorkflowTest\nmetadata: {{name: '{name}'}}\n\
             spec: {{workflow: {workflow}.yaml, mocks: [{mock}]}}\n"
        );
        let (tests, faults) = read_tests(documents("a_test.yaml", &text));
        assert!(faults.is_empty(), "{faults:?}");
        let options = Options {
            notes_branches: true,
            ..Options::default()
        };
        let coverage = run_test(&tests[0], &Known::new(), options).coverage;
        let mut found: Vec<_> = coverage.all.iter().collect();
        // Of one line, that it holds goes first.
        found.sort_by_key(|branch| (branch.at.line, !branch.text.ends_with(" holds")));
        let found: Vec<String> = found
            .into_iter()
            .map(|branch| {
                let sign = if coverage.taken.contains(branch) {
                    '+'
                } else {
                    '-'
                };
                format!("{sign} {}", branch.text)
            })
            .collect();
        assert_eq!(found, branches, "{name}");
    }
}

const LIMITS: &str = "{kind: ConfigMap, metadata: {name: limits}, data: {two: '2'}}";

#[test]
fn a_snapshot_reads_as_it_was_written() {
    let mut known = Known::new();
    let files = known.0.iter().map(|(name, documents)| {
        let makes = documents
            .iter()
            .any(|document| document.to_json().to_string().contains("\"make\""));
        (name.clone(), makes)
    });
    for (name, makes) in files.collect::<Vec<_>>() {
        let mocks = match makes {
            true => "[{node: make, outputs: {result: '[\"y\", \"007\"]'}}]",
            false => "[]",
        };
        let text = format!(
            "apiVersion: argosy.dev/v1alpha1\nkind: WorkflowTest\nmetadata: {{name: a}}\nspec:\n  \
             workflow: {name}\n  objects: [{LIMITS}]\n  mocks: {mocks}\n  \
             expect: {{snapshot: kept-{name}}}\n"
        );
        let (tests, faults) = read_tests(documents("a_test.yaml", &text));
        assert!(faults.is_empty(), "{faults:?}");
        let play = |known: &Known| {
            let report = run_test(&tests[0], known, Options::default());
            (report.failures, report.snapshot.expect("it is asked for"))
        };
        let (failures, snapshot) = play(&known);
        assert!(
            snapshot.differs && failures[0].subject == "snapshot",
            "{failures:?}"
        );
        let yaml = argosy_api::convert_to_yaml(&snapshot.seen).expect("it is YAML");
        let file = documents(&snapshot.file, &yaml);
        known.0.push((snapshot.file, file));
        let (failures, snapshot) = play(&known);
        assert!(!snapshot.differs, "{failures:?}");
        assert!(failures.is_empty(), "{name}: {failures:?}");
    }
}
