//! Validation, as tables of cases: the YAML files beside this one.
//!
//! A case gives `templates` (of a workflow that begins with the first), a `spec` or a whole
//! `object`; `with`, the templates that are stored; and what it is validated for (`purpose`).
//! It is accepted, or `refused` with all of these texts, the first of them being the fault that
//! Argo tells of, at the field `at`, with this `help`.

use std::path::Path;

use argosy_api::{Document, Limits, Source, Strictness, read_documents, read_typed};
use argosy_engine::source::TemplateSet;
use argosy_engine::validate::{
    Fault, Purpose, ValidateOptions, validate_cluster_workflow_template, validate_cron_workflow,
    validate_workflow, validate_workflow_template,
};
use serde_json::{Value, json};

#[test]
fn accepts_and_refuses_as_argo_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validate");
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of this test")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&file).expect("a file that was just listed");
        for case in cases(&text) {
            count += 1;
            if let Err(problem) = check(&case) {
                let title = case["name"].as_str().unwrap_or_default();
                wrong.push(format!("{name}: {title}: {problem}"));
            }
        }
    }
    assert!(count > 150, "only {count} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn cases(text: &str) -> Vec<Value> {
    let document = document(text);
    let Value::Array(cases) = document.to_json() else {
        panic!("a file of cases is a list");
    };
    cases
}

fn document(text: &str) -> Document {
    let (mut documents, diagnostics) =
        read_documents(&Source::new("case", text), &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    documents.pop().expect("one document")
}

fn check(case: &Value) -> Result<(), String> {
    for key in case.as_object().into_iter().flat_map(|case| case.keys()) {
        let known = [
            "name",
            "templates",
            "spec",
            "object",
            "with",
            "purpose",
            "refused",
            "warned",
            "at",
            "help",
            "defaults",
        ];
        if !known.contains(&key.as_str()) {
            return Err(format!("a case has no key {key}"));
        }
    }
    let mut stored = TemplateSet::default();
    for object in case["with"].as_array().into_iter().flatten() {
        match object["kind"].as_str() {
            Some("ClusterWorkflowTemplate") => {
                stored.add_cluster_workflow_template(read(object));
            }
            _ => stored.add_workflow_template(read(object)),
        }
    }
    let options = ValidateOptions {
        purpose: match case["purpose"].as_str() {
            Some("lint") => Purpose::Lint,
            Some("submit") => Purpose::Submit,
            _ => Purpose::Create,
        },
        workflow_metadata: case.get("defaults").map(read),
        ..ValidateOptions::default()
    };
    let faults = validate(&object(case), &stored, &options);
    let errors: Vec<String> = faults
        .iter()
        .filter(|fault| fault.is_error())
        .map(Fault::text)
        .collect();
    let wanted: Vec<&str> = match &case["refused"] {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let first_fits = match (wanted.first(), errors.first()) {
        (Some(wanted), Some(error)) => error.contains(wanted),
        (None, None) => true,
        _ => false,
    };
    let all_fit = wanted
        .iter()
        .all(|wanted| errors.iter().any(|error| error.contains(wanted)));
    if !first_fits || !all_fit {
        return Err(format!("wanted {wanted:?}, got {errors:#?}"));
    }
    let warning = case["warned"].as_str().map(|wanted| {
        let mut warnings = faults.iter().filter(|fault| !fault.is_error());
        warnings
            .find(|fault| fault.text().contains(wanted))
            .ok_or_else(|| format!("wanted the warning {wanted:?}, got {faults:#?}"))
    });
    let warning = warning.transpose()?;
    let first = warning.or_else(|| faults.iter().find(|fault| fault.is_error()));
    if let Some(wanted) = case["help"].as_str() {
        let help = first.and_then(|fault| fault.help.as_deref());
        if help != Some(wanted) {
            return Err(format!("wanted the help {wanted:?}, got {help:?}"));
        }
    }
    if let Some(at) = case["at"].as_str() {
        let path = first.map(|fault| fault.path.to_string());
        if path.as_deref() != Some(at) {
            return Err(format!("wanted the fault at {at}, got {path:?}"));
        }
    }
    Ok(())
}

fn object(case: &Value) -> Value {
    if let Some(object) = case.get("object") {
        return object.clone();
    }
    let spec = case.get("spec").cloned().unwrap_or_else(|| {
        let templates = &case["templates"];
        json!({"entrypoint": templates[0]["name"], "templates": templates})
    });
    json!({"kind": "Workflow", "metadata": {"generateName": "case-"}, "spec": spec})
}

fn validate(object: &Value, stored: &TemplateSet, options: &ValidateOptions) -> Vec<Fault> {
    match object["kind"].as_str() {
        Some("WorkflowTemplate") => validate_workflow_template(&read(object), stored, options),
        Some("ClusterWorkflowTemplate") => {
            validate_cluster_workflow_template(&read(object), stored, options)
        }
        Some("CronWorkflow") => validate_cron_workflow(&read(object), stored, options),
        _ => validate_workflow(&read(object), stored, options),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    let (object, diagnostics) = read_typed(&document(&value.to_string()), Strictness::Strict);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    object.expect("an object")
}
