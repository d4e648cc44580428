//! YAML means what it means to Kubernetes.

use argosy_api::{Limits, Source, read_documents};
use serde_json::Value;

/// Texts with what sigs.k8s.io/yaml 1.6 (strict) makes of them.
const CASES: &str = include_str!("data/yaml.json");

/// Texts that Kubernetes refuses, or misreads, and we don't.
const MORE: &[(&str, &str)] = &[
    ("12345678901234567890: x\n.inf: y", "large numbers as keys"),
    ("a: \"x\\u00e9\\x41\\n\\/\"", "JSON's escaped slash"),
    ("{\"a\":\"\\/x\"}", "the same in JSON"),
    ("a: \"\\ud83d\\ude00\"", "JSON's surrogate pairs"),
    ("%YAML 1.2\n---\na: 1", "a version that isn't 1.1"),
    (
        "---\n---\na: 1",
        "Kubernetes' reader stops at the first document",
    ),
    ("'a'\n: 1", "Kubernetes' reader drops what follows"),
    ("a: \u{85}x", "the next-line control in a text"),
];

/// The first document as JSON, or the codes of its faults.
fn read(text: &str) -> Result<Value, Vec<&'static str>> {
    let (documents, diagnostics) =
        read_documents(&Source::new("test.yaml", text), &Limits::default());
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|fault| fault.is_error())
        .map(|fault| fault.code)
        .collect();
    if errors.is_empty() {
        Ok(documents
            .first()
            .map_or(Value::Null, |document| document.to_json()))
    } else {
        Err(errors)
    }
}

#[test]
fn yaml_reads_as_kubernetes_reads_it() {
    let cases: Vec<Value> = serde_json::from_str(CASES).expect("the cases are JSON");
    for case in cases {
        let text = case["yaml"].as_str().expect("each case has a text");
        let found = read(text);
        let agrees = match (&found, case.get("json")) {
            (Ok(found), Some(expected)) => found == expected,
            (Err(_), None) => true,
            _ => false,
        };
        let is_known = MORE.iter().any(|(known, _)| *known == text);
        assert_eq!(
            agrees, !is_known,
            "{text:?}: ours is {found:?}, Kubernetes' {case}"
        );
    }
}
