//! The tags in all strings of a template, filled in.

use argosy_api::{AnyString, Template};
use argosy_expr::EvalContext;
use serde_json::Value;

use super::Run;
use super::passes::fill;
use super::scope::Variables;
use crate::ids::NodeIndex;
use crate::plan::{PlannedTemplate, Text};

/// How deep JSON in a workflow may nest when its strings are filled in.
const MAX_JSON_DEPTH: usize = 128;

impl Run {
    /// The template of a node with all that can be filled in filled in.
    pub(super) fn filled_template(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<Template, String> {
        let inputs = self.inputs_of(index);
        let mut template = (*planned.template).clone();
        for (parameter, value) in template
            .inputs
            .parameters
            .iter_mut()
            .zip(&inputs.parameters)
        {
            if let Some(value) = value {
                parameter.value = Some(AnyString::from(&**value));
                parameter.value_from = None;
            }
        }
        if !inputs.artifacts.is_empty() {
            template.inputs.artifacts = inputs.artifacts.to_vec();
        }
        let value = serde_json::to_value(&template).map_err(|error| error.to_string())?;
        let variables = self.inside(index, planned, inputs);
        let context = self.eval_context(index, self.node(index).incarnation, &["template"]);
        let filled = fill_json(&value, &variables, &context, 0)?;
        serde_json::from_value(filled).map_err(|error| error.to_string())
    }
}

/// Fills in the tags of all strings in a JSON value.
pub(super) fn fill_json(
    value: &Value,
    variables: &Variables<'_>,
    context: &EvalContext,
    depth: usize,
) -> Result<Value, String> {
    if depth > MAX_JSON_DEPTH {
        return Err(format!("nested deeper than {MAX_JSON_DEPTH} levels"));
    }
    Ok(match value {
        Value::String(text) if text.contains("{{") => {
            let text = Text::parse(text).map_err(|error| error.to_string())?;
            let filled = fill(&text, variables, context).map_err(|error| error.to_string())?;
            Value::String(filled.to_string())
        }
        Value::Array(list) => Value::Array(
            list.iter()
                .map(|value| fill_json(value, variables, context, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| {
                    Ok((
                        key.clone(),
                        fill_json(value, variables, context, depth + 1)?,
                    ))
                })
                .collect::<Result<_, String>>()?,
        ),
        value => value.clone(),
    })
}
