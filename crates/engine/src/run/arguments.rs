//! From arguments to the values of a template's inputs. Argo: `ProcessArgs`,
//! `resolveReferences`, `markAbsentOptionalArgs`.

use argosy_api::labels;
use std::sync::Arc;

use argosy_expr::{EvalContext, Scope, Unresolved};

use super::Run;
use super::body::Items;
use super::node::NodeInputs;
use super::passes::{again, fill};
use super::scope::{Frame, Variables};
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
            self.eval_context(index, 0, &["arguments"])
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
                let context = self.eval_context(NodeIndex::NONE, 0, &[name]);
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
    pub(super) fn inside<'a>(
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
        let Some(name) = planned.template.annotations.get(labels::DISPLAY_NAME) else {
            return Ok(());
        };
        let variables = self.inside(index, planned, self.inputs_of(index));
        let context = self.eval_context(index, 0, &[labels::DISPLAY_NAME]);
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
