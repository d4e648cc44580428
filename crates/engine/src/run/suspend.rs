//! Suspended nodes: they wait for somebody, or for a time. Argo: `executeSuspend`,
//! `util.updateSuspendedNode`.

use std::sync::Arc;

use argosy_api::{AnyString, NodePhase, NodeType, Parameter};

use super::Run;
use super::commands::stopped;
use super::node::{NodeOutputs, OutputParameter};
use super::passes::fill;
use crate::duration;
use crate::ids::{NodeIndex, Seconds};
use crate::plan::{PlannedTemplate, TemplateBody};

impl Run {
    /// Begins a suspended node.
    pub(super) fn begin_suspend(&mut self, index: NodeIndex, planned: &Arc<PlannedTemplate>) {
        self.set_kind(index, NodeType::Suspend, NodePhase::Running);
        let supplied: Vec<OutputParameter> = planned
            .template
            .outputs
            .parameters
            .iter()
            .filter(|parameter| is_supplied(parameter))
            .map(|parameter| OutputParameter {
                name: Arc::from(parameter.name.as_str()),
                value: None,
            })
            .collect();
        if !supplied.is_empty() {
            self.change(index).outputs = Some(Arc::new(NodeOutputs {
                parameters: supplied.into(),
                ..NodeOutputs::default()
            }));
        }
        if self.ends_before_it_begins(index, stopped) {
            return;
        }
        match self.suspended_until(index) {
            Err(error) => self.refuse_late(index, &error),
            Ok(until) => {
                if let Some(until) = until {
                    self.due.insert((until, index));
                }
                self.phase_changed(index);
            }
        }
    }

    /// When a suspended node goes on by itself.
    pub(super) fn suspended_until(&self, index: NodeIndex) -> Result<Option<Seconds>, String> {
        let Some(template) = self.template_of(index) else {
            return Ok(None);
        };
        let TemplateBody::Suspend { duration } = &template.body else {
            return Ok(None);
        };
        let mut variables = self.variables(index, Some(&template), None, &[]);
        variables.siblings = None;
        let context = self.eval_context(index, 0, &["duration"]);
        let text = fill(duration, &variables, &context).map_err(|error| error.to_string())?;
        if text.is_empty() {
            return Ok(None);
        }
        let seconds = duration::parse_seconds(&text)?;
        Ok(Some(self.node(index).started_at().plus(seconds)))
    }

    /// The time of a suspended node has come: it goes on with the defaults of what it was to be
    /// given.
    pub(super) fn suspension_over(&mut self, index: NodeIndex) {
        if self.node(index).kind != NodeType::Suspend || self.node(index).phase.is_fulfilled() {
            return;
        }
        match self.resume_node(index) {
            Ok(()) => {}
            Err(error) => self.refuse_late(index, &error),
        }
    }

    /// Lets a suspended node go on. Supplied outputs that were not given take their defaults.
    /// Argo: `OverrideOutputParametersWithDefault`.
    pub(super) fn resume_node(&mut self, index: NodeIndex) -> Result<(), String> {
        if let Some(outputs) = self.node(index).outputs.clone() {
            let mut outputs = (*outputs).clone();
            for output in &mut outputs.parameters {
                if output.value.is_none() {
                    output.value = Some(
                        self.supplied_default(index, &output.name)
                            .ok_or_else(|| not_supplied(&output.name))?,
                    );
                }
            }
            self.export_outputs(index, &outputs);
            self.change(index).outputs = Some(Arc::new(outputs));
        }
        self.end(index, NodePhase::Succeeded, None);
        Ok(())
    }

    /// The default of a supplied output: its own, else that of the input of the same name.
    /// Argo: `addRawOutputFields`.
    pub(super) fn supplied_default(&self, index: NodeIndex, name: &str) -> Option<Arc<str>> {
        let template = self.template_of(index)?;
        let declared = template
            .template
            .outputs
            .parameters
            .iter()
            .find(|parameter| parameter.name == name)?;
        if let Some(default) = &declared.value_from.as_ref()?.default {
            return Some(Arc::from(default.as_str()));
        }
        let mut inputs = template.template.inputs.parameters.iter();
        let input = inputs.find(|input| input.name == name)?;
        Some(Arc::from(input.default.as_ref()?.as_str()))
    }

    /// A supplied output as it is shown: with the default that it will take, until it has a value.
    /// Argo: `addRawOutputFields`, `OverrideOutputParametersWithDefault`.
    pub(super) fn show_supplied(&self, index: NodeIndex, parameter: &mut Parameter) {
        if parameter.value.is_some() {
            parameter.value_from = None;
        } else if let Some(from) = &mut parameter.value_from {
            let default = self.supplied_default(index, &parameter.name);
            from.default = default.as_deref().map(AnyString::from);
        }
    }
}

/// An input of a suspended node as it is shown: one whose value is a parameter written as JSON
/// offers the choices that stand there. Argo: `resolveInputFieldsForSuspendNode`.
pub(super) fn show_choices(parameter: &mut Parameter) {
    let value = parameter.value.as_ref();
    let told = value.and_then(|value| serde_json::from_str::<Parameter>(value.as_str()).ok());
    let Some(choices) = told.map(|told| told.enum_values().to_vec()) else {
        return;
    };
    if let Some(first) = choices.first() {
        parameter.default.get_or_insert_with(|| first.clone());
        parameter.r#enum = Some(choices);
    }
}

/// What lacks a value before a suspended node can go on, in Argo's words.
pub(super) fn not_supplied(name: &str) -> String {
    format!("raw output parameter '{name}' has not been set and does not have a default value")
}

fn is_supplied(parameter: &Parameter) -> bool {
    parameter
        .value_from
        .as_ref()
        .is_some_and(|from| from.supplied.is_some())
}
