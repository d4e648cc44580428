//! Plays the cases of `cases.yaml`: each is a `WorkflowTest` and what its report says.

use argosy_api::{Document, Limits, Source, read_documents};
use argosy_sim::testing::{Failure, Files, Unmocked, read_tests, run_test};
use serde_json::{Value, json};

const CASES: &str = include_str!("cases.yaml");
const WORKFLOWS: &str = include_str!("workflows.yaml");

fn documents(name: &str, text: &str) -> Vec<Document> {
    let (documents, faults) = read_documents(&Source::new(name, text), &Limits::default());
    assert!(faults.is_empty(), "{name}: {faults:?}");
    documents
}

/// The workflows of `workflows.yaml`, each as a file that is called by its name.
struct Known(Vec<(String, Vec<Document>)>);

impl Known {
    fn new() -> Self {
        let all = documents("workflows.yaml", WORKFLOWS);
        let file = |document: Document| {
            let name = document.to_json()["metadata"]["name"].clone();
            let name = name.as_str().expect("each has a name");
            (format!("{name}.yaml"), vec![document])
        };
        Self(all.into_iter().map(file).collect())
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
    for document in documents("cases.yaml", CASES) {
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
            for test in &tests {
                let report = run_test(test, &known, unmocked);
                assert_eq!(report.passed(), report.failures.is_empty());
                lines.extend(report.failures.iter().map(line));
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
    let report = run_test(&tests[0], &Known::new(), Unmocked::Succeed);
    let failure = report.failures.first().expect("B failed");
    assert_eq!(failure.at.to_string(), "a_test.yaml:12");
    let origin = failure.origin.as_ref().expect("B has a template");
    let line = WORKFLOWS.lines().nth(origin.line as usize - 1);
    assert_eq!(line.map(str::trim), Some("- name: echo"));
}
