//! Every field that Argo's objects have can be read from YAML, and is written back as it was.

mod data;

use std::collections::{BTreeMap, VecDeque};

use argosy_api::{Object, Source, Strictness, from_json, from_value, read_objects};
use serde_json::{Value, json};

/// The kinds that people write.
const KINDS: &[&str] = &[
    "Workflow",
    "WorkflowTemplate",
    "ClusterWorkflowTemplate",
    "CronWorkflow",
    "WorkflowEventBinding",
];

/// Fields, each with its type.
type Way<'t> = Vec<(&'t str, &'t str)>;

/// The fields of each type.
type Fields<'t> = BTreeMap<&'t str, Way<'t>>;

/// Fields of a text type that take certain words only.
const WORDS: &[(&str, &str)] = &[
    ("NodeStatus.phase", "Running"),
    ("NodeStatus.type", "Pod"),
    ("NodeStatus.templateScope", "local/x"),
    ("NodeStatus.progress", "1/2"),
    ("WorkflowStatus.phase", "Failed"),
    ("WorkflowStatus.progress", "1/2"),
    ("WorkflowSpec.shutdown", "Stop"),
    ("CronWorkflowStatus.phase", "Active"),
    ("core.PersistentVolumeClaim.apiVersion", "v1"),
    ("core.PersistentVolumeClaim.kind", "PersistentVolumeClaim"),
];

/// What a field of a type looks like.
fn example(field: &str, kind: &str) -> Value {
    if let Some((_, word)) = WORDS.iter().find(|(name, _)| *name == field) {
        return json!(word);
    }
    if let Some(inner) = kind.strip_prefix("[]") {
        return json!([example(field, inner)]);
    }
    if let Some(inner) = kind.strip_prefix("map[string]") {
        return json!({"key": example(field, inner)});
    }
    match kind.split(':').next().unwrap_or(kind) {
        "string" if kind == "string:byte" => json!("aGk="),
        "string" if kind == "string:date-time" => json!("2026-01-02T03:04:05.000000Z"),
        "string" => json!("text"),
        "integer" => json!(3),
        "number" => json!(1.5),
        "boolean" => json!(true),
        "api.resource.Quantity" => json!("100m"),
        "meta.Time" => json!("2026-01-02T03:04:05Z"),
        "k8s.util.intstr.IntOrString" => json!("5%"),
        "Item" => json!({"any": ["thing", 1, null]}),
        "ParallelSteps" => json!([{"name": "a"}]),
        "Plugin" => json!({"name": {"any": "thing"}}),
        "Amount" => json!(1.5),
        _ => json!({}),
    }
}

/// The types of a field's type: `[]map[string]X` holds X.
fn inner(mut kind: &str) -> &str {
    while let Some(rest) = kind
        .strip_prefix("[]")
        .or_else(|| kind.strip_prefix("map[string]"))
    {
        kind = rest;
    }
    kind
}

/// A value inside lists and maps of a type: `[]X` around it gives a list of one.
fn wrap(kind: &str, value: Value) -> Value {
    if let Some(rest) = kind.strip_prefix("[]") {
        return json!([wrap(rest, value)]);
    }
    match kind.strip_prefix("map[string]") {
        Some(rest) => json!({"key": wrap(rest, value)}),
        None if kind == "ParallelSteps" => json!([value]),
        None => value,
    }
}

/// Argo's fields by the type that has them.
fn fields(text: &str) -> Fields<'_> {
    let mut types = Fields::new();
    for line in text.lines() {
        let (path, kind) = line.split_once(": ").expect("a field and its type");
        // Lines without a field say what a type is made of.
        let Some((owner, field)) = path
            .rsplit_once('.')
            .filter(|(_, field)| field.starts_with(|c: char| !c.is_uppercase()))
        else {
            continue;
        };
        types.entry(owner).or_default().push((field, kind));
    }
    types
}

/// For each type, a way to it from a kind: the fields, with their types.
fn ways<'t>(types: &Fields<'t>) -> BTreeMap<&'t str, (&'static str, Way<'t>)> {
    let mut ways: BTreeMap<&str, (&'static str, Way<'_>)> = BTreeMap::new();
    let mut open: VecDeque<&str> = VecDeque::new();
    for kind in KINDS {
        ways.insert(kind, (kind, Vec::new()));
        open.push_back(kind);
    }
    while let Some(owner) = open.pop_front() {
        let (kind, way) = ways[owner].clone();
        for (field, field_type) in types.get(owner).into_iter().flatten() {
            let target = match inner(field_type) {
                "ParallelSteps" => "WorkflowStep",
                other => other,
            };
            if types.contains_key(target) && !ways.contains_key(target) {
                let mut way = way.clone();
                way.push((field, field_type));
                ways.insert(target, (kind, way));
                open.push_back(target);
            }
        }
    }
    ways
}

/// An object that has one field.
fn object(kind: &str, way: &[(&str, &str)], field: &str, value: Value) -> Value {
    let mut inside = json!({field: value});
    for (name, field_type) in way.iter().rev() {
        inside = json!({*name: wrap(field_type, inside)});
    }
    let map = inside.as_object_mut().expect("an object");
    map.entry("apiVersion")
        .or_insert(json!("argoproj.io/v1alpha1"));
    map.entry("kind").or_insert(json!(kind));
    inside
}

fn write(object: &Object) -> Value {
    match object {
        Object::Workflow(object) => serde_json::to_value(object),
        Object::WorkflowTemplate(object) => serde_json::to_value(object),
        Object::ClusterWorkflowTemplate(object) => serde_json::to_value(object),
        Object::CronWorkflow(object) => serde_json::to_value(object),
        Object::WorkflowEventBinding(object) => serde_json::to_value(object),
        _ => panic!("another kind"),
    }
    .expect("an object can be written")
}

/// Whether all of `part` is in `whole`.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| holds(whole, part))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| holds(w, p))
        }
        _ => whole == part,
    }
}

fn check(kind: &str, wanted: &Value) -> Result<(), String> {
    let source = Source::new("case", argosy_api::convert_to_yaml(wanted).expect("YAML"));
    let parsed = read_objects(&source, Strictness::Strict);
    if let Some(fault) = parsed.diagnostics.first() {
        return Err(fault.to_string());
    }
    let written = write(&parsed.objects[0].0);
    if !holds(&written, wanted) {
        return Err(format!("{wanted} is written as {written}"));
    }
    // The ways without places read the same.
    let again = match kind {
        "Workflow" => from_json::<argosy_api::Workflow>(wanted.to_string().as_bytes())
            .map(serde_json::to_value),
        "CronWorkflow" => {
            from_value::<argosy_api::CronWorkflow>(wanted.clone()).map(serde_json::to_value)
        }
        _ => return Ok(()),
    };
    match again {
        Ok(Ok(again)) if again == written => Ok(()),
        other => Err(format!("from JSON it is {other:?}, not {written}")),
    }
}

fn check_null(kind: &str, object: &Value) -> Result<(), String> {
    let text = object.to_string();
    let parsed = read_objects(&Source::new("case", text.as_str()), Strictness::Strict);
    if let Some(fault) = parsed.diagnostics.first() {
        return Err(fault.to_string());
    }
    match kind {
        "Workflow" => from_json::<argosy_api::Workflow>(text.as_bytes()).map(|_| ()),
        "CronWorkflow" => from_json::<argosy_api::CronWorkflow>(text.as_bytes()).map(|_| ()),
        _ => Ok(()),
    }
    .map_err(|error| error.to_string())
}

#[test]
fn every_field_is_read_and_written() {
    let Some(folder) = data::argo_data() else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("fields.txt")).expect("the list of fields");
    let types = fields(&text);
    let ways = ways(&types);
    let mut wrong = Vec::new();
    let mut count = 0;
    for (owner, fields) in &types {
        let Some((kind, way)) = ways.get(owner) else {
            wrong.push(format!("{owner} is not reached from any kind"));
            continue;
        };
        for (field, field_type) in fields {
            let name = format!("{owner}.{field}");
            if KINDS.contains(owner) && matches!(*field, "kind" | "apiVersion") {
                continue;
            }
            count += 1;
            let value = example(&name, field_type);
            if let Err(problem) = check(kind, &object(kind, way, field, value)) {
                wrong.push(format!("{name}: {problem}"));
            }
            // Go takes null for the zero value of any type.
            let null = object(kind, way, field, Value::Null);
            if let Err(problem) = check_null(kind, &null) {
                wrong.push(format!("{name}: null: {problem}"));
            }
        }
    }
    assert!(count > 1_000, "only {count} fields");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
