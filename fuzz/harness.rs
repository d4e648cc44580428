//! What is done with a text of any kind. Nothing may panic, and each assertion holds for all texts.
//!
//! The targets in `fuzz_targets/` give the texts that libFuzzer finds; `crates/engine/tests/fuzz.rs`
//! gives the corpus and texts made from it, with the stable compiler.

use argosy_api::{Object, Source, Strictness, convert_to_yaml, from_value, read_objects};
use argosy_engine::definition::Definition;
use argosy_engine::plan::compile;
use argosy_engine::source::TemplateSet;
use argosy_engine::strategic::{Schema, strategic_merge};
use argosy_engine::validate::{
    ValidateOptions, validate_cluster_workflow_template, validate_cron_workflow, validate_workflow,
    validate_workflow_template,
};
use argosy_expr::{
    Depends, EvalContext, JsonPath, Limits, MapScope, Program, Template, Unresolved,
    evaluate_cron_when, evaluate_when,
};

/// Manifests: read, validated, compiled, written and read again.
pub fn yaml(text: &str) {
    let source = Source::new("fuzz", text);
    let parsed = read_objects(&source, Strictness::Strict);
    let lenient = read_objects(&source, Strictness::Lenient);
    // What holds no fault when read strictly is read the same way leniently. (Of a key that stands twice
    // the last one counts when read leniently, so texts with faults may give fewer objects.)
    if !parsed.has_errors() {
        assert_eq!(lenient.objects.len(), parsed.objects.len());
    }
    let mut known = TemplateSet::default();
    let mut definition = Definition::default();
    for (object, _) in &parsed.objects {
        match object {
            Object::WorkflowTemplate(template) => {
                known.add_workflow_template((**template).clone());
                let name = template.metadata.name.clone().unwrap_or_default();
                definition
                    .workflow_templates
                    .insert(name, (**template).clone());
            }
            Object::ClusterWorkflowTemplate(template) => {
                known.add_cluster_workflow_template((**template).clone());
            }
            _ => {}
        }
    }
    let options = ValidateOptions::default();
    for (object, document) in &lenient.objects {
        let faults = match object {
            Object::Workflow(workflow) => {
                let faults = validate_workflow(workflow, &known, &options);
                definition.workflow = (**workflow).clone();
                let _ = compile(&definition);
                same_when_written(&**workflow);
                faults
            }
            Object::WorkflowTemplate(template) => {
                same_when_written(&**template);
                validate_workflow_template(template, &known, &options)
            }
            Object::ClusterWorkflowTemplate(template) => {
                same_when_written(&**template);
                validate_cluster_workflow_template(template, &known, &options)
            }
            Object::CronWorkflow(cron) => {
                same_when_written(&**cron);
                validate_cron_workflow(cron, &known, &options)
            }
            _ => Vec::new(),
        };
        for fault in faults {
            let placed = document.place(fault.into());
            assert!(placed.span.is_some());
        }
    }
}

/// What is written reads as it was written.
fn same_when_written<T>(object: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let json = serde_json::to_value(object).expect("an object can be written");
    let again: T = from_value(json.clone()).expect("what was written can be read");
    let twice = serde_json::to_value(&again).expect("an object can be written");
    assert_eq!(twice, json);
    let text = convert_to_yaml(&json).expect("an object can be written");
    let (documents, faults) =
        argosy_api::read_documents(&Source::new("again", text), &argosy_api::Limits::default());
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(documents[0].to_json(), json);
}

fn context() -> EvalContext {
    let mut context = EvalContext::new(1_700_000_000, 0, 7);
    context.limits = Limits {
        steps: 100_000,
        memory: 16 << 20,
    };
    context
}

fn scope() -> MapScope {
    [
        ("a", "1"),
        ("item", "x"),
        ("inputs.parameters.p", "{\"k\": [1, 2]}"),
        ("tasks.t-1.outputs.result", "5"),
        ("steps.s.status", "Succeeded"),
    ]
    .into_iter()
    .collect()
}

/// Expressions: the same each time.
pub fn expression(text: &str) {
    let checked = Program::check(text);
    if let Err(mistake) = &checked {
        assert!(mistake.offset + mistake.length <= text.len());
        assert!(text.is_char_boundary(mistake.offset));
    }
    let Ok(program) = Program::compile(text) else {
        assert!(checked.is_err());
        return;
    };
    assert!(
        program
            .required_places()
            .all(|(_, place)| place.end <= text.len())
    );
    let _ = program.references().count() + program.required().count();
    let once = program.eval(&scope(), &context());
    let twice = program.eval(&scope(), &context());
    match (once, twice) {
        (Ok(once), Ok(twice)) => assert_eq!(once.to_string(), twice.to_string()),
        (once, twice) => assert_eq!(once.is_err(), twice.is_err()),
    }
}

/// Texts with tags.
pub fn tags(text: &str) {
    let Ok(template) = Template::parse(text) else {
        return;
    };
    assert_eq!(template.source(), text);
    let _ = template.references().count() + template.errors().count();
    let kept = template.render(&scope(), Unresolved::Keep, &context());
    if template.is_literal() {
        assert_eq!(kept.map(|kept| kept.text).as_deref(), Ok(text));
    }
    let _ = template.render(&scope(), Unresolved::Error, &context());
    let _ = template.render(&scope(), Unresolved::ErrorUnder(&["tasks"]), &context());
}

/// `depends` logic.
pub fn depends(text: &str) {
    let _ = Depends::read(text, |_| Vec::new())
        .expr()
        .eval(&mut |_, _| true);
    let Ok(depends) = Depends::parse(text) else {
        return;
    };
    // Without a negation, more results never make less hold.
    let none = depends.expr().eval(&mut |_, _| false) == Ok(true);
    let all = depends.expr().eval(&mut |_, _| true) == Ok(true);
    if !text.contains('!') && !text.contains("not") {
        assert!(all || !none);
    }
}

/// `when` conditions.
pub fn when(text: &str) {
    let _ = evaluate_when(text);
    let _ = evaluate_cron_when(text);
}

/// A path on the first line, a JSON document after it.
pub fn jsonpath(text: &str) {
    let (path, document) = text.split_once('\n').unwrap_or((text, "{}"));
    let json: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    if let Ok(path) = JsonPath::parse(path) {
        let _ = path.find(&json);
        let _ = path.render(&json);
    }
    let call = format!(
        "jsonpath({}, {})",
        serde_json::Value::from(document),
        serde_json::Value::from(path)
    );
    expression(&call);
}

/// A patch on the first line, a pod's spec after it.
pub fn patch(text: &str) {
    let (patch, original) = text.split_once('\n').unwrap_or((text, "{}"));
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let (patch, original) = (read(patch), read(original));
    for schema in [Schema::Plain, Schema::PodSpec] {
        if let Ok(merged) = strategic_merge(original.clone(), patch.clone(), schema) {
            assert!(merged.is_object());
        }
    }
}
