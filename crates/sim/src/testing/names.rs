//! Names in a test that nothing in its workflow can have: most often slips, which would have a test
//! look at nothing and pass.

use std::collections::BTreeSet;

use argosy_api::labels::DISPLAY_NAME;
use argosy_api::nearest;
use argosy_engine::definition::speaks_of_all_parameters;
use serde_json::Value;

use super::subject::Subject;

/// Why there can be no template of a name.
pub(super) fn no_template(subject: &Subject<'_>, name: &str) -> Option<String> {
    let named = subject.templates();
    let known: BTreeSet<&str> = named
        .filter_map(|template| template.value["name"].as_str())
        .collect();
    (!known.contains(name)).then(|| unknown("template", name, &known))
}

/// Why there can be no node of a name. Full names, and those of hooks, items and attempts, are made
/// of more than one name: of them nothing is said.
pub(super) fn no_node(subject: &Subject<'_>, name: &str) -> Option<String> {
    if name.contains(['.', '(', '[']) {
        return None;
    }
    let known = subject.calls();
    let shown_otherwise = |template: &Value| !template["annotations"][DISPLAY_NAME].is_null();
    let is_known = known.contains(name)
        || subject
            .templates()
            .any(|template| shown_otherwise(template.value));
    (!is_known).then(|| unknown("node", name, &known))
}

/// Why a mock for a template would be for nothing: the template only calls others.
pub(super) fn only_calls(subject: &Subject<'_>, name: &str) -> Option<String> {
    let mut kinds = subject
        .templates()
        .filter(|template| template.value["name"] == name)
        .map(|template| calling(template.value));
    let kind = kinds.next()??;
    kinds.all(|kind| kind.is_some()).then(|| {
        format!("{name:?} is made of {kind}, which do nothing by themselves: mock what they call")
    })
}

/// What a template calls others by.
fn calling(template: &Value) -> Option<&'static str> {
    [("steps", "steps"), ("dag", "tasks")]
        .into_iter()
        .find(|(field, _)| !template[*field].is_null())
        .map(|(_, kind)| kind)
}

/// Why an argument of a name is for nothing: the workflow declares no such parameter, and no text
/// speaks of it.
pub(super) fn no_parameter(subject: &Subject<'_>, name: &str) -> Option<String> {
    let spoken = format!("parameters.{name}");
    let speaks =
        |text: &str| text == name || text.contains(&spoken) || speaks_of_all_parameters(text);
    if subject.specs().any(|(_, _, spec)| any_text(spec, &speaks)) {
        return None;
    }
    let lists = subject
        .specs()
        .filter_map(|(_, _, spec)| spec["arguments"]["parameters"].as_array());
    let known: BTreeSet<&str> = lists
        .flatten()
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let meant = meant(name, &known);
    Some(format!(
        "nothing in the workflow speaks of a parameter {name:?}{meant}"
    ))
}

/// Whether a text within a value fits.
fn any_text(value: &Value, fits: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => fits(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, fits)),
        Value::Object(fields) => fields.values().any(|item| any_text(item, fits)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn unknown(what: &str, name: &str, known: &BTreeSet<&str>) -> String {
    format!("no {what} is called {name:?}{}", meant(name, known))
}

fn meant(name: &str, known: &BTreeSet<&str>) -> String {
    let near = nearest(name, known.iter().copied());
    near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
}
