//! Tags that are left when a template has been filled in: those of the workflow's own volumes and
//! settings, of the repository's key format and of the workflow's `podSpecPatch`.
//!
//! Argo fills them into the text of the whole pod. Here it is done string by string, and only
//! where there is a tag.

use std::cell::OnceCell;

use argosy_expr::{EvalContext, MapScope, Scope, Template as Tagged, Unresolved};
use k8s_openapi::jiff::fmt::strtime;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::LowerInput;
use super::error::LowerError;

/// The characters that Argo accepts in `workflow.creationTimestamp.<character>`.
const TIME_CHARACTERS: [char; 16] = [
    'B', 'b', 'm', 'A', 'a', 'd', 'H', 'I', 'M', 'S', 'Y', 'y', 'p', 'Z', 'z', 'L',
];

/// The variables that such tags may use: those of the workflow, the inputs' values, `pod.name`.
pub(super) struct LateTags<'a> {
    input: &'a LowerInput<'a>,
    /// The variables, if the caller knows them all.
    given: Option<&'a dyn Scope>,
    /// Most steps have no such tags, and need no scope.
    scope: OnceCell<MapScope>,
    context: EvalContext,
}

impl<'a> LateTags<'a> {
    pub(super) fn new(input: &'a LowerInput<'a>) -> Self {
        let seed = super::fnv1a32(input.node_name.as_bytes());
        Self {
            input,
            given: None,
            scope: OnceCell::new(),
            context: EvalContext::new(0, 0, u64::from(seed)),
        }
    }

    /// The same, with variables that the caller knows.
    pub(super) fn within(input: &'a LowerInput<'a>, scope: &'a dyn Scope) -> Self {
        Self {
            given: Some(scope),
            ..Self::new(input)
        }
    }

    /// Fills in what can be filled in; the rest stays.
    pub(super) fn fill_text(&self, text: &str) -> Result<String, LowerError> {
        // A text with braces of its own is no template.
        let Ok(template) = Tagged::parse(text) else {
            return Ok(text.to_owned());
        };
        let scope = match self.given {
            Some(given) => given,
            None => self.scope.get_or_init(|| scope(self.input)),
        };
        Ok(template
            .render(scope, Unresolved::Keep, &self.context)?
            .text)
    }

    /// The same for all texts of an object.
    pub(super) fn fill<T: Serialize + DeserializeOwned>(&self, object: T) -> Result<T, LowerError> {
        let unreadable = |error: serde_json::Error| LowerError::Render(error.to_string());
        let text = serde_json::to_string(&object).map_err(unreadable)?;
        if !text.contains("{{") {
            return Ok(object);
        }
        let mut value = serde_json::from_str(&text).map_err(unreadable)?;
        if !self.fill_value(&mut value)? {
            return Ok(object);
        }
        serde_json::from_value(value).map_err(unreadable)
    }

    /// Whether something has changed. The objects are typed, so they nest only so deep.
    fn fill_value(&self, value: &mut Value) -> Result<bool, LowerError> {
        let mut changed = false;
        match value {
            Value::String(text) if text.contains("{{") => {
                let filled = self.fill_text(text)?;
                changed = filled != *text;
                *text = filled;
            }
            Value::Array(values) => {
                for value in values {
                    changed |= self.fill_value(value)?;
                }
            }
            Value::Object(map) => {
                for value in map.values_mut() {
                    changed |= self.fill_value(value)?;
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(changed)
    }

    /// Complains about a tag that is left.
    pub(super) fn check_filled<T: Serialize>(&self, object: &T) -> Result<(), LowerError> {
        let Ok(text) = serde_json::to_string(object) else {
            return Ok(());
        };
        if text.contains("{{")
            && let Ok(template) = Tagged::parse(&text)
        {
            template.render(&MapScope::default(), Unresolved::Error, &self.context)?;
        }
        Ok(())
    }
}

fn scope(input: &LowerInput) -> MapScope {
    let mut scope = MapScope::default();
    add_metadata(&mut scope, input);
    let of_workflow = input.workflow.spec.arguments.parameters.iter();
    let of_inputs = input.template.inputs.parameters.iter();
    let parameters = of_workflow
        .map(|parameter| ("workflow", parameter))
        .chain(of_inputs.map(|parameter| ("inputs", parameter)));
    for (root, parameter) in parameters {
        if let Some(value) = &parameter.value {
            let name = format!("{root}.parameters.{}", parameter.name);
            set(&mut scope, &name, value.as_str());
        }
    }
    set(&mut scope, "pod.name", input.pod_name);
    scope
}

fn set(scope: &mut MapScope, name: &str, value: &str) {
    scope.0.insert(name.to_owned(), value.to_owned());
}

fn add_metadata(scope: &mut MapScope, input: &LowerInput) {
    let workflow = input.workflow;
    let metadata = &workflow.metadata;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    set(scope, "workflow.name", &text(&metadata.name));
    set(scope, "workflow.namespace", &text(&metadata.namespace));
    set(scope, "workflow.uid", &text(&metadata.uid));
    set(scope, "workflow.mainEntrypoint", &workflow.spec.entrypoint);
    set(
        scope,
        "workflow.serviceAccountName",
        &workflow.spec.service_account_name,
    );
    if let Some(priority) = workflow.spec.priority {
        set(scope, "workflow.priority", &priority.to_string());
    }
    for (key, value) in metadata.labels.iter().flatten() {
        set(scope, &format!("workflow.labels.{key}"), value);
    }
    for (key, value) in metadata.annotations.iter().flatten() {
        set(scope, &format!("workflow.annotations.{key}"), value);
    }
    if let Some(created) = &metadata.creation_timestamp {
        let seconds = created.0.as_second();
        set(
            scope,
            "workflow.creationTimestamp",
            &super::containers::deadline_text(Some(seconds)),
        );
        set(
            scope,
            "workflow.creationTimestamp.RFC3339",
            &super::containers::deadline_text(Some(seconds)),
        );
        set(scope, "workflow.creationTimestamp.s", &seconds.to_string());
        let zoned = created.0.to_zoned(k8s_openapi::jiff::tz::TimeZone::UTC);
        for character in TIME_CHARACTERS {
            let formatted = match character {
                'L' => format!(".{:03}", zoned.millisecond()),
                'Z' => "UTC".to_owned(),
                other => strtime::format(format!("%{other}"), &zoned).unwrap_or_default(),
            };
            set(
                scope,
                &format!("workflow.creationTimestamp.{character}"),
                &formatted,
            );
        }
    }
}
