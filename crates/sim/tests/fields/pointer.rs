//! Sets and removes values inside a workflow.

use serde_json::{Map, Value, json};

/// The workflow with a field of the object at `at`.
pub fn with(workflow: &Value, at: &str, field: &str, value: &Value) -> Value {
    let mut workflow = workflow.clone();
    let object = object(&mut workflow, at);
    object.insert(field.to_owned(), value.clone());
    workflow
}

/// What the workflow says of it.
pub fn of<'v>(workflow: &'v Value, at: &str, field: &str) -> Option<&'v Value> {
    workflow.pointer(at)?.get(field)
}

/// The workflow without it.
pub fn without(workflow: &Value, at: &str, field: &str) -> Value {
    let mut workflow = workflow.clone();
    object(&mut workflow, at).remove(field);
    workflow
}

/// The object at a place, made where it is missing.
fn object<'v>(workflow: &'v mut Value, at: &str) -> &'v mut Map<String, Value> {
    let mut here = workflow;
    for step in at.split('/').skip(1) {
        here = match step.parse::<usize>() {
            Ok(index) => &mut here[index],
            Err(_) => &mut here[step],
        };
        if here.is_null() {
            *here = json!({});
        }
    }
    here.as_object_mut()
        .unwrap_or_else(|| panic!("there is no object at {at}"))
}
