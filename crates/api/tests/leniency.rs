//! Values that aren't what their field is made for: what Go's readers make of them.

use argosy_api::{
    Object, Parameter, Severity, Source, Strictness, Workflow, from_json, from_value, read_objects,
};
use serde_json::json;

#[test]
fn a_parameter_takes_any_scalar_as_text() {
    for (written, text) in [
        ("plain", "plain"),
        ("''", ""),
        ("5", "5"),
        ("5.0", "5"),
        ("0.2", "0.2"),
        ("1e3", "1000"),
        ("1e21", "1000000000000000000000"),
        ("881217801864", "881217801864"),
        ("0o17", "15"),
        ("017", "15"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("true", "true"),
        ("Yes", "true"),
        ("n", "false"),
        ("'yes'", "yes"),
        ("2026-01-02", "2026-01-02"),
        ("9007199254740993", "9007199254740992"),
        // Argo drops what is no scalar.
        ("{a: 1}", ""),
        ("[1, 2]", ""),
    ] {
        let source = Source::new(
            "case",
            format!(
                "{{apiVersion: argoproj.io/v1alpha1, kind: Workflow, spec: {{arguments: {{parameters: \
                 [{{name: p, value: {written}}}]}}}}}}"
            ),
        );
        let parsed = read_objects(&source, Strictness::Strict);
        let Object::Workflow(workflow) = &parsed.objects[0].0 else {
            panic!("a workflow");
        };
        let value = &workflow.spec.arguments.parameters[0].value;
        assert_eq!(
            value.as_ref().map(|value| value.as_str()),
            Some(text),
            "{written}"
        );
        let is_compound = written.starts_with(['{', '[']);
        assert_eq!(
            parsed.diagnostics.len(),
            usize::from(is_compound),
            "{written}"
        );
        assert!(!parsed.has_errors(), "{written}");
    }
}

#[test]
fn without_strictness_a_scalar_serves_as_text() {
    let source = Source::new(
        "case",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  entrypoint: 123\n  onExit: on\n  \
         nodeSelector: {a: 1.5}\n  nope: 1\n  templates: 5\n",
    );
    for (strictness, errors, warnings) in [
        (Strictness::Strict, 5, 0),
        // A list is needed all the same.
        (Strictness::Lenient, 1, 4),
    ] {
        let parsed = read_objects(&source, strictness);
        let count = |severity| {
            parsed
                .diagnostics
                .iter()
                .filter(|diagnostic| diagnostic.severity == severity)
                .count()
        };
        assert_eq!(count(Severity::Error), errors, "{:?}", parsed.diagnostics);
        assert_eq!(
            count(Severity::Warning),
            warnings,
            "{:?}",
            parsed.diagnostics
        );
    }
    let parsed = read_objects(&source, Strictness::Lenient);
    let Object::Workflow(workflow) = &parsed.objects[0].0 else {
        panic!("a workflow");
    };
    assert_eq!(workflow.spec.entrypoint, "123");
    assert_eq!(workflow.spec.on_exit, "true");
    assert_eq!(workflow.spec.node_selector["a"], "1.5");
}

#[test]
fn without_strictness_the_case_of_fields_is_free() {
    let source = Source::new(
        "case",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  ENTRYPOINT: a\n  podgc: {strategy: OnPodSuccess}\n",
    );
    let strict = read_objects(&source, Strictness::Strict);
    assert_eq!(strict.diagnostics.len(), 2);
    assert!(strict.has_errors());
    let lenient = read_objects(&source, Strictness::Lenient);
    assert_eq!(lenient.diagnostics.len(), 2);
    assert!(!lenient.has_errors());
    let Object::Workflow(workflow) = &lenient.objects[0].0 else {
        panic!("a workflow");
    };
    assert_eq!(workflow.spec.entrypoint, "a");
    let strategy = workflow.spec.pod_gc.as_ref().map(|gc| gc.strategy.as_str());
    assert_eq!(strategy, Some("OnPodSuccess"));
}

#[test]
fn json_is_read_as_go_reads_it() {
    let odd = json!({
        "metadata": {"name": null, "labels": null, "annotations": {"a": null}},
        "spec": {
            "entrypoint": null, "templates": [{"name": "a", "steps": null, "container": {"image": null, "env": null}}],
            "arguments": {"parameters": [{"name": "p", "value": 5, "enum": null}, {"name": "q", "value": {"a": 1}}]},
            "unknown": {"any": "thing"}
        },
        "status": null
    });
    let workflow: Workflow = from_value(odd.clone()).expect("Go reads it");
    let same: Workflow = from_json(odd.to_string().as_bytes()).expect("Go reads it");
    assert_eq!(workflow, same);
    assert_eq!(workflow.spec.entrypoint, "");
    assert_eq!(workflow.metadata.annotations.unwrap_or_default()["a"], "");
    let values: Vec<_> = workflow
        .spec
        .arguments
        .parameters
        .iter()
        .map(|parameter| parameter.value.as_ref().map(|value| value.as_str()))
        .collect();
    assert_eq!(values, [Some("5"), Some("")]);
    for wrong in ["{", "[1]", r#"{"name": 5}"#, r#"{"name": ["a"]}"#] {
        assert!(from_json::<Parameter>(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn faults_of_a_kind_are_bounded() {
    let mut text = String::from("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n");
    for key in 0..5_000 {
        text.push_str(&format!("  field{key}: 1\n  same: 1\n"));
    }
    let two = format!("{text}---\n{text}");
    let parsed = read_objects(&Source::new("case", two), Strictness::Strict);
    let codes: Vec<_> = parsed.diagnostics.iter().map(|fault| fault.code).collect();
    let count = |code| codes.iter().filter(|found| **found == code).count();
    assert_eq!(count("unknown-field"), 100);
    assert_eq!(count("duplicate-key"), 100);
    assert!(
        parsed
            .diagnostics
            .iter()
            .any(|fault| fault.message.ends_with("more faults of this kind)"))
    );
}

#[test]
fn an_unknown_field_is_told_in_argos_words() {
    let source = Source::new(
        "case",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  templates:\n  - container: {extra: 1}\n",
    );
    let parsed = read_objects(&source, Strictness::Strict);
    assert_eq!(
        parsed.diagnostics[0].message,
        "unknown field \"spec.templates[0].container.extra\""
    );
}

#[test]
fn a_workflow_that_does_not_say_so_is_read_on() {
    for (text, objects) in [
        ("metadata: {name: a}\nspec: {entrypoint: b, extra: 1}", 1),
        ("metadata: {name: a}\nspec: {templates: []}", 1),
        ("metadata: {name: a}\nspec: {replicas: 1}", 0),
        ("metadata: {name: a}", 0),
    ] {
        let parsed = read_objects(&Source::new("case", text), Strictness::Strict);
        assert_eq!(parsed.diagnostics[0].code, "missing-kind", "{text}");
        assert_eq!(parsed.objects.len(), objects, "{text}");
    }
}
