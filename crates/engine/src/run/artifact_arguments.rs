//! From artifact arguments to the artifacts of a template's inputs: `from`, `fromExpression`,
//! `subPath`. Argo: `ProcessArgs`, `wfScope.resolveArtifact`.

use argosy_api::Artifact;
use argosy_expr::{EvalContext, Program, Unresolved};

use super::Run;
use super::arguments::InputError;
use super::filling::fill_json;
use super::node::NodeInputs;
use super::passes::again;
use super::scope::{Variables, find};
use super::siblings::Found;
use super::sub_path::append_to_key;
use crate::ids::NodeIndex;
use crate::plan::{CallPlan, PlannedTemplate, pure_reference};

impl Run {
    pub(super) fn input_artifacts(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        call: &CallPlan,
        outside: &Variables<'_>,
        context: &EvalContext,
        inputs: &NodeInputs,
    ) -> Result<Box<[Artifact]>, InputError> {
        let mut artifacts = Vec::new();
        for declared in &planned.template.inputs.artifacts {
            let given = call
                .artifacts
                .iter()
                .find(|artifact| artifact.name == declared.name);
            let given = match given {
                Some(given) => self.argument_artifact(given, call, outside, context)?,
                None => None,
            };
            let required = !declared.optional && !declared.has_location_or_key();
            let mut artifact = match given {
                None if required => {
                    return Err(InputError::Input(format!(
                        "inputs.artifacts.{} was not supplied",
                        declared.name
                    )));
                }
                Some(given) if required && !given.has_location_or_key() => {
                    return Err(InputError::Input(format!(
                        "inputs.artifacts.{} missing location information",
                        declared.name
                    )));
                }
                None => declared.clone(),
                Some(given) => Artifact {
                    path: declared.path.clone(),
                    mode: declared.mode,
                    recurse_mode: declared.recurse_mode,
                    optional: given.optional || declared.optional,
                    ..given
                },
            };
            let inside = self.inside(index, planned, inputs);
            fill_artifact(&mut artifact, &inside, context)?;
            artifacts.push(artifact);
        }
        Ok(artifacts.into())
    }

    /// An artifact that an argument names. `None` if it is optional and not there.
    fn argument_artifact(
        &self,
        given: &Artifact,
        call: &CallPlan,
        outside: &Variables<'_>,
        context: &EvalContext,
    ) -> Result<Option<Artifact>, InputError> {
        let mut given = given.clone();
        if given.from.is_empty() && given.from_expression.is_empty() {
            if call.artifacts_tagged {
                fill_artifact(&mut given, outside, context)?;
            }
            return Ok(Some(given));
        }
        match self.resolve_artifact(&given, outside, context) {
            Ok(found) => Ok(Some(Artifact {
                name: given.name,
                ..found
            })),
            Err(_) if given.optional => Ok(None),
            Err(error) => Err(InputError::Argument(error)),
        }
    }

    /// The artifact that `from` or `fromExpression` names. Argo: `wfScope.resolveArtifact`.
    pub(super) fn resolve_artifact(
        &self,
        artifact: &Artifact,
        variables: &Variables<'_>,
        context: &EvalContext,
    ) -> Result<Artifact, String> {
        let mut found = if artifact.from_expression.is_empty() {
            let from = again(&artifact.from, variables, Unresolved::Keep, context)
                .map_err(|error| error.to_string())?;
            let name = pure_reference(&from).unwrap_or(&from);
            self.artifact_variable(name, variables)
                .ok_or_else(|| format!("Unable to resolve: {{{{{name}}}}}"))?
        } else {
            let program =
                Program::compile(&artifact.from_expression).map_err(|error| error.to_string())?;
            let value = program
                .eval(variables, context)
                .map_err(|error| error.to_string())?;
            serde_json::from_value::<Artifact>(value.to_json())
                .ok()
                .filter(|artifact| !artifact.name.is_empty() || artifact.has_location_or_key())
                .ok_or_else(|| {
                    format!(
                        "Unable to resolve: {{{{{}}}}} is not an artifact",
                        artifact.from_expression
                    )
                })?
        };
        if !artifact.sub_path.is_empty() {
            let sub_path = again(&artifact.sub_path, variables, Unresolved::Keep, context)
                .map_err(|error| error.to_string())?;
            append_to_key(&mut found, &sub_path)?;
        }
        found.optional = found.optional || artifact.optional;
        Ok(found)
    }

    fn artifact_variable(&self, name: &str, variables: &Variables<'_>) -> Option<Artifact> {
        if let Some(name) = name.strip_prefix("inputs.artifacts.") {
            return find(&variables.frame.as_ref()?.inputs.artifacts, name).cloned();
        }
        if let Some(name) = name.strip_prefix("workflow.outputs.artifacts.") {
            return find(&self.globals.outputs.artifacts, name).cloned();
        }
        if let Some(name) = name.strip_prefix("workflow.artifacts.") {
            return find(&self.plan.workflow.spec.arguments.artifacts, name).cloned();
        }
        let (before, output) = name.split_once(".outputs.artifacts.")?;
        let sibling = before
            .strip_prefix("steps.")
            .or_else(|| before.strip_prefix("tasks."))?;
        match self.sibling(variables.siblings?, sibling)? {
            Found::Node(node) => self.node_artifact(node, output).cloned(),
            Found::Loop { .. } => None,
        }
    }
}

/// Fills in the tags of an artifact.
fn fill_artifact(
    artifact: &mut Artifact,
    variables: &Variables<'_>,
    context: &EvalContext,
) -> Result<(), InputError> {
    let failed = |error: &dyn std::fmt::Display| InputError::Argument(error.to_string());
    let value = serde_json::to_value(&*artifact).map_err(|error| failed(&error))?;
    if !value.to_string().contains("{{") {
        return Ok(());
    }
    let filled = fill_json(&value, variables, context, 0).map_err(|error| failed(&error))?;
    *artifact = serde_json::from_value(filled).map_err(|error| failed(&error))?;
    Ok(())
}
