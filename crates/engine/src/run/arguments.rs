//! From arguments to the values of a template's inputs. Argo: `ProcessArgs`,
//! `resolveReferences`, `markAbsentOptionalArgs`.

use std::sync::Arc;

use argosy_api::{AnyString, Artifact, Template};
use argosy_expr::{EvalContext, Program, Scope, Unresolved};
use serde_json::Value;

use super::Run;
use super::body::Items;
use super::node::NodeInputs;
use super::scope::{Found, Frame, Variables, again, fill, find};
use super::sub_path::append_to_key;
use crate::ids::NodeIndex;
use crate::plan::{ArgumentPlan, CallPlan, InputDefault, PlannedTemplate, Text};

/// Why a template's inputs have no values.
#[derive(Clone, Debug)]
pub(super) enum InputError {
    /// The caller's texts could not be filled in.
    Argument(String),
    /// The template's inputs and the arguments don't fit.
    Input(String),
}

impl InputError {
    pub fn message(&self) -> &str {
        match self {
            Self::Argument(text) | Self::Input(text) => text,
        }
    }
}

/// How deep JSON in a workflow may nest when its strings are filled in.
const MAX_JSON_DEPTH: usize = 128;

impl Run {
    /// The inputs of a node; empty ones for a node without.
    pub(super) fn inputs_of(&self, index: NodeIndex) -> &NodeInputs {
        static NONE: std::sync::LazyLock<NodeInputs> =
            std::sync::LazyLock::new(NodeInputs::default);
        self.node(index).inputs.as_deref().unwrap_or(&NONE)
    }

    /// The inputs for a new node.
    pub(super) fn resolve_inputs(
        &self,
        index: NodeIndex,
        planned: &PlannedTemplate,
        call: &CallPlan,
        around: NodeIndex,
        items: Option<(&Items, usize)>,
        extra: &[(String, Option<String>)],
    ) -> Result<NodeInputs, InputError> {
        let outer = around.some().and_then(|around| self.template_of(around));
        let outside = self.variables(around, outer.as_deref(), items, extra);
        // The name seeds random functions only, and few arguments have any text to fill in.
        let context = self.call_context(index, call);
        let mut inputs = NodeInputs {
            parameters: vec![None; planned.inputs.len()].into(),
            artifacts: Box::default(),
        };
        for (place, input) in planned.inputs.iter().enumerate() {
            let argument = call
                .parameters
                .iter()
                .find(|argument| argument.name == input.name);
            let given = match argument {
                Some(argument) => self.argument(argument, &outside, &context)?,
                None => Given::Nothing,
            };
            let value = match given {
                Given::Value(value) => Some(value),
                Given::Nothing => {
                    self.default_of(&input.name, &input.default, index, planned, &inputs)?
                }
                Given::Absent => match &input.default {
                    InputDefault::None => {
                        return Err(InputError::Input(format!(
                            "inputs.parameters.{}: argument references an absent optional (skipped/omitted node output with no default)",
                            input.name
                        )));
                    }
                    default => self.default_of(&input.name, default, index, planned, &inputs)?,
                },
            };
            let value = match value {
                Some(value) if value.contains("{{") => {
                    Some(self.later_passes(&value, index, planned, &inputs, &context)?)
                }
                value => value,
            };
            inputs.parameters[place] = value;
        }
        if !planned.template.inputs.artifacts.is_empty() {
            inputs.artifacts =
                self.input_artifacts(index, planned, call, &outside, &context, &inputs)?;
        }
        Ok(inputs)
    }

    fn call_context(&self, index: NodeIndex, call: &CallPlan) -> EvalContext {
        let tagged = call
            .parameters
            .iter()
            .any(|argument| matches!(argument.value, Some(Text::Tagged(_))));
        if tagged || call.artifacts_tagged {
            self.eval_context(&self.name(index), 0, "arguments")
        } else {
            EvalContext::new(self.now.0, 0, 0)
        }
    }

    fn argument(
        &self,
        argument: &ArgumentPlan,
        outside: &Variables<'_>,
        context: &EvalContext,
    ) -> Result<Given, InputError> {
        if let Some(value) = &argument.value {
            if let Some(name) = value.pure_reference()
                && outside.is_absent(name)
            {
                return Ok(Given::Absent);
            }
            return fill(value, outside, context)
                .map(Given::Value)
                .map_err(|error| InputError::Argument(error.to_string()));
        }
        let from = argument.value_from.as_ref();
        if let Some((from, key)) =
            from.and_then(|from| from.config_map_key_ref.as_ref().map(|key| (from, key)))
        {
            let name = Text::parse(&key.name).map_err(|e| InputError::Argument(e.to_string()))?;
            let key = Text::parse(&key.key).map_err(|e| InputError::Argument(e.to_string()))?;
            let default = from.default.as_ref().map(|text| Arc::from(text.as_str()));
            return self
                .config_map_value(
                    &argument.name,
                    &name,
                    &key,
                    default.as_ref(),
                    outside,
                    context,
                )
                .map(Given::Value);
        }
        Ok(Given::Nothing)
    }

    fn default_of(
        &self,
        name: &str,
        default: &InputDefault,
        index: NodeIndex,
        planned: &PlannedTemplate,
        inputs: &NodeInputs,
    ) -> Result<Option<Arc<str>>, InputError> {
        match default {
            InputDefault::None => Err(InputError::Input(format!(
                "inputs.parameters.{name} was not supplied"
            ))),
            InputDefault::Other => Ok(None),
            InputDefault::Value(text) => match text {
                Text::Literal(value) => Ok(Some(value.clone())),
                Text::Tagged(template) => Ok(Some(Arc::from(template.source()))),
            },
            InputDefault::ConfigMap {
                name: map,
                key,
                default,
            } => {
                let inside = self.inside(index, planned, inputs);
                let context = self.eval_context("", 0, name);
                self.config_map_value(name, map, key, default.as_ref(), &inside, &context)
                    .map(Some)
            }
        }
    }

    fn config_map_value(
        &self,
        parameter: &str,
        map: &Text,
        key: &Text,
        default: Option<&Arc<str>>,
        variables: &Variables<'_>,
        context: &EvalContext,
    ) -> Result<Arc<str>, InputError> {
        let fill = |text| {
            fill(text, variables, context).map_err(|error| {
                InputError::Input(format!("failed to substitute configMapKeyRef: {error}"))
            })
        };
        let (map, key) = (fill(map)?, fill(key)?);
        match (self.definition.config_map_value(&map, &key), default) {
            (Ok(value), _) => Ok(Arc::from(value)),
            (Err(_), Some(default)) => Ok(default.clone()),
            (Err(error), None) => Err(InputError::Input(format!(
                "unable to retrieve inputs.parameters.{parameter} from ConfigMap: {error}"
            ))),
        }
    }

    /// The variables inside the template of a node whose inputs are being made.
    fn inside<'a>(
        &'a self,
        index: NodeIndex,
        planned: &'a PlannedTemplate,
        inputs: &'a NodeInputs,
    ) -> Variables<'a> {
        Variables {
            frame: Some(Frame {
                template: planned,
                inputs,
                node: index,
            }),
            ..Variables::global(self)
        }
    }

    /// A value that holds tags is seen by the passes over the template that it goes into.
    fn later_passes(
        &self,
        value: &str,
        index: NodeIndex,
        planned: &PlannedTemplate,
        inputs: &NodeInputs,
        context: &EvalContext,
    ) -> Result<Arc<str>, InputError> {
        let inside = self.inside(index, planned, inputs);
        again(value, &inside, Unresolved::Keep, context)
            .map(Arc::from)
            .map_err(|error| InputError::Input(error.to_string()))
    }

    fn input_artifacts(
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
            let required = !declared.optional && !has_location(declared);
            let mut artifact = match given {
                None if required => {
                    return Err(InputError::Input(format!(
                        "inputs.artifacts.{} was not supplied",
                        declared.name
                    )));
                }
                Some(given) if required && !has_location(&given) => {
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
            self.fill_artifact(&mut artifact, &inside, context)?;
            artifacts.push(artifact);
        }
        Ok(artifacts.into())
    }

    fn fill_artifact(
        &self,
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
                self.fill_artifact(&mut given, outside, context)?;
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
            let name = crate::plan::pure_reference(&from).unwrap_or(&from);
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
                .filter(|artifact| !artifact.name.is_empty() || has_location(artifact))
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
        let context =
            self.eval_context(&self.name(index), self.node(index).incarnation, "template");
        let filled = fill_json(&value, &variables, &context, 0)?;
        serde_json::from_value(filled).map_err(|error| error.to_string())
    }

    /// Reads the name that a template wants its nodes shown by: the one that a call has made, not
    /// the attempts at it. Argo: `executeTemplate`.
    ///
    /// # Errors
    /// Argo's text, if it is no such name.
    pub(super) fn read_display_name(
        &mut self,
        index: NodeIndex,
        planned: &PlannedTemplate,
    ) -> Result<(), String> {
        const KEY: &str = "workflows.argoproj.io/display-name";
        let Some(name) = planned.template.annotations.get(KEY) else {
            return Ok(());
        };
        let variables = self.inside(index, planned, self.inputs_of(index));
        let context = self.eval_context(&self.name(index), 0, KEY);
        let Ok(name) = again(name, &variables, Unresolved::Keep, &context) else {
            return Ok(());
        };
        if name.is_empty() {
            return Ok(());
        }
        if !is_display_name(&name) {
            return Err(
                "displayName must match the regex ^[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]$"
                    .to_owned(),
            );
        }
        self.change(index).details_mut().display_name = Some(name.into());
        Ok(())
    }
}

fn is_display_name(name: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (2..=63).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(inner)
}

enum Given {
    Value(Arc<str>),
    /// A reference to an output that is known to have no value.
    Absent,
    Nothing,
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

/// Whether it is said where an artifact lies, or at least under which key. Argo: `HasLocationOrKey`.
pub(super) fn has_location(artifact: &Artifact) -> bool {
    artifact.s3.is_some()
        || artifact.git.is_some()
        || artifact.http.is_some()
        || artifact.artifactory.is_some()
        || artifact.hdfs.is_some()
        || artifact.raw.is_some()
        || artifact.oss.is_some()
        || artifact.gcs.is_some()
        || artifact.azure.is_some()
        || artifact.plugin.is_some()
}
