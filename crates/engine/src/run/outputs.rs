//! The outputs of `steps` and `dag` templates, made of those of their children.
//! Argo: `getTemplateOutputsFromScope`.

use std::sync::Arc;

use argosy_api::{NodePhase, Outputs, ValueFrom};
use argosy_expr::{Program, Scope};

use super::Run;
use super::node::{NodeOutputs, OutputParameter};
use super::scope::Variables;
use crate::ids::NodeIndex;
use crate::plan::{CallPlan, PlannedTemplate, pure_reference};

impl Run {
    /// Ends a composite well, or as an error if its outputs can't be made.
    pub(super) fn succeed_with_outputs(&mut self, index: NodeIndex, template: &PlannedTemplate) {
        match self.composite_outputs(index, template) {
            Err(error) => self.refuse_late(index, &error),
            Ok(None) => self.end(index, NodePhase::Succeeded, None),
            Ok(Some(outputs)) => {
                self.export_outputs(index, &outputs);
                self.change(index).outputs = Some(Arc::new(outputs));
                self.end(index, NodePhase::Succeeded, None);
            }
        }
    }

    fn composite_outputs(
        &self,
        index: NodeIndex,
        template: &PlannedTemplate,
    ) -> Result<Option<NodeOutputs>, String> {
        let declared = &template.template.outputs;
        if declared.parameters.is_empty() && declared.artifacts.is_empty() {
            return Ok(None);
        }
        let filled = if has_tags(declared) {
            Some(self.filled_part(index, template, declared, "outputs texts")?)
        } else {
            None
        };
        let declared = filled.as_ref().unwrap_or(declared);
        let variables = self.variables(index, Some(template), None, &[]);
        let context = self.eval_context(index, 0, &["outputs"]);
        let mut parameters = Vec::with_capacity(declared.parameters.len());
        for parameter in &declared.parameters {
            let Some(from) = &parameter.value_from else {
                return Err("output parameters must have a valueFrom specified".to_owned());
            };
            let default = from.default.as_ref().map(|default| default.as_str());
            let value = match (value_from(from, &variables, &context), default) {
                (Ok(Some(value)), _) => value,
                (Ok(None) | Err(_), Some(default)) => default.to_owned(),
                (Err(error), None) => return Err(error),
                (Ok(None), None) => {
                    return Err(format!(
                        "output parameter \"{}\": \"{}\" is an absent optional (skipped/omitted node output with no default)",
                        parameter.name, from.parameter
                    ));
                }
            };
            parameters.push(OutputParameter {
                name: Arc::from(parameter.name.as_str()),
                value: Some(Arc::from(value)),
            });
        }
        let mut artifacts = Vec::new();
        for artifact in &declared.artifacts {
            if artifact.from.is_empty() && artifact.from_expression.is_empty() {
                continue;
            }
            match self.resolve_artifact(artifact, &variables, &context) {
                Ok(found) => artifacts.push(argosy_api::Artifact {
                    name: artifact.name.clone(),
                    ..found
                }),
                Err(error) if artifact.optional && error.contains("Unable to resolve") => {}
                Err(error) => {
                    return Err(format!("unable to resolve outputs from scope: {error}"));
                }
            }
        }
        Ok(Some(NodeOutputs {
            parameters: parameters.into(),
            artifacts: artifacts.into(),
            ..NodeOutputs::default()
        }))
    }

    /// Whether the texts of a call can be filled in, as far as they don't need an item.
    pub(super) fn check_arguments(&self, call: &CallPlan, around: NodeIndex) -> Result<(), String> {
        let outer = self.template_of(around);
        let variables = self.variables(around, outer.as_deref(), None, &[]);
        let context = self.eval_context(around, 0, &[&call.name, "check"]);
        for value in call
            .parameters
            .iter()
            .filter_map(|argument| argument.value.as_ref())
        {
            let absent = value
                .pure_reference()
                .is_some_and(|name| variables.is_absent(name));
            if !absent {
                super::passes::fill(value, &variables, &context)
                    .map_err(|error| error.to_string())?;
            }
        }
        for artifact in &call.artifacts {
            let texts = [&artifact.from, &artifact.from_expression];
            let named = texts.iter().any(|text| !text.is_empty());
            let by_item = call.looping.is_some() && texts.iter().any(|text| text.contains("item"));
            if named && !by_item && !artifact.optional {
                self.resolve_artifact(artifact, &variables, &context)
                    .map_err(|error| format!("unable to resolve references: {error}"))?;
            }
        }
        Ok(())
    }
}

/// Whether declared outputs have tags that are filled in with the template, before anything is
/// looked up in its scope. Plain references of siblings are not. Argo: `ProcessArgs`.
fn has_tags(declared: &Outputs) -> bool {
    let tagged = |text: &str| text.contains("{{");
    let mixed = |text: &str| tagged(text) && pure_reference(text).is_none();
    let mut sources = declared
        .parameters
        .iter()
        .filter_map(|p| p.value_from.as_ref());
    let in_parameters = sources.any(|from| {
        let default = from.default.as_ref();
        tagged(&from.expression)
            || mixed(&from.parameter)
            || default.is_some_and(|default| tagged(default.as_str()))
    });
    in_parameters
        || declared.artifacts.iter().any(|artifact| {
            mixed(&artifact.from) || tagged(&artifact.from_expression) || tagged(&artifact.sub_path)
        })
}

/// The value of `valueFrom.parameter` or `.expression`; `None` for an output that is known to
/// have no value.
fn value_from(
    from: &ValueFrom,
    variables: &Variables<'_>,
    context: &argosy_expr::EvalContext,
) -> Result<Option<String>, String> {
    if !from.expression.is_empty() {
        let program = Program::compile(&from.expression).map_err(|error| error.to_string())?;
        let value = program
            .eval(variables, context)
            .map_err(|error| error.to_string())?;
        return match value {
            argosy_expr::Value::Nil => Err(format!(
                "failed to evaluate expression \"{}\"",
                from.expression
            )),
            value => Ok(Some(super::scope::value_text(&value))),
        };
    }
    if from.parameter.is_empty() {
        return Ok(Some(String::new()));
    }
    let name = pure_reference(&from.parameter).unwrap_or(&from.parameter);
    if variables.is_absent(name) {
        return Ok(None);
    }
    variables
        .lookup(name)
        .map(|value| Some(value.into_owned()))
        .ok_or_else(|| format!("Unable to resolve: {{{{{name}}}}}"))
}
