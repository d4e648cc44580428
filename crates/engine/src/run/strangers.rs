//! Strangers: nodes that the `status` of a workflow that was taken up shows, and that stand nowhere
//! in its templates. They stay in the status and are not worked on; what people ask of suspended
//! nodes, which Argo's API server writes into the status itself, is asked of them too.
//! Argo: `updateSuspendedNode`, `ResumeWorkflow`.
//!
//! They are part of the run's own state, which they make larger: there are some only where names
//! or templates have changed since a workflow began elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{AnyString, NodePhase, NodeStatus, NodeType, Outputs, Parameter, WorkflowStatus};

use super::Run;
use super::shown::Found;
use super::suspend::not_supplied;
use crate::fact::NodeSelector;
use crate::timestamp;

/// Strangers by their IDs.
pub(crate) type Strangers = BTreeMap<String, NodeStatus>;

impl Run {
    /// Keeps what is shown and was not found.
    pub(super) fn keep_strangers(&mut self, status: &WorkflowStatus, found: &[Found<'_>]) {
        let known: BTreeSet<*const NodeStatus> = found
            .iter()
            .map(|found| std::ptr::from_ref(found.status))
            .collect();
        let strangers = status
            .nodes
            .iter()
            .filter(|(_, node)| !known.contains(&std::ptr::from_ref(*node)));
        self.status.strangers = strangers
            .map(|(id, node)| (id.clone(), node.clone()))
            .collect();
    }

    /// Puts the strangers among the nodes that are shown.
    pub(super) fn show_strangers(&self, nodes: &mut BTreeMap<String, NodeStatus>) {
        for (id, stranger) in &self.status.strangers {
            nodes.entry(id.clone()).or_insert_with(|| stranger.clone());
        }
    }

    /// Ends the suspended strangers that a selector means.
    pub(super) fn end_strangers(
        &mut self,
        selector: &NodeSelector,
        phase: NodePhase,
        message: Option<&str>,
    ) {
        let now = timestamp::kubernetes(self.now);
        for stranger in self.waiting_strangers_mut(selector) {
            stranger.phase = Some(phase);
            stranger.finished_at = Some(now.clone());
            if let Some(message) = message {
                message.clone_into(&mut stranger.message);
            }
        }
    }

    /// Lets all suspended strangers go on, with the defaults of what they were to be given.
    pub(super) fn resume_strangers(&mut self) {
        for stranger in self.waiting_strangers_mut(&NodeSelector::default()) {
            for output in supplied_outputs_mut(stranger) {
                if output.value.is_none() {
                    output.value = default_of(output).cloned();
                }
                output.value_from = None;
            }
        }
        self.end_strangers(&NodeSelector::default(), NodePhase::Succeeded, None);
    }

    /// Gives the suspended strangers that a selector means outputs, a message, an end.
    pub(super) fn set_strangers(
        &mut self,
        selector: &NodeSelector,
        phase: Option<NodePhase>,
        message: Option<&str>,
        values: &[(Box<str>, Box<str>)],
    ) {
        let mut exported = Vec::new();
        for stranger in self.waiting_strangers_mut(selector) {
            for output in supplied_outputs_mut(stranger) {
                let Some((_, value)) = values.iter().find(|(name, _)| **name == *output.name)
                else {
                    continue;
                };
                output.value = Some(AnyString::from(&**value));
                output.value_from = None;
                if !output.global_name.is_empty() {
                    exported.push((output.global_name.clone(), value.clone()));
                }
            }
            if let Some(message) = message {
                message.clone_into(&mut stranger.message);
            }
        }
        for (name, value) in exported {
            self.export_parameter(&name, &value.into());
        }
        if let Some(phase) = phase.filter(|phase| phase.is_fulfilled()) {
            self.end_strangers(selector, phase, None);
        }
    }

    /// Whether all suspended strangers have what they were to be given.
    pub(super) fn strangers_can_resume(&self) -> Result<(), String> {
        let all = NodeSelector::default();
        let mut outputs = self
            .waiting_strangers(&all)
            .filter_map(|stranger| stranger.outputs.as_ref())
            .flat_map(|outputs| &outputs.parameters);
        let lacks = |output: &&Parameter| output.value.is_none() && default_of(output).is_none();
        match outputs.find(lacks) {
            Some(output) => Err(not_supplied(&output.name)),
            None => Ok(()),
        }
    }

    /// The outputs of each suspended stranger that a selector means: by name, and whether there is
    /// a value already.
    pub(super) fn awaited_of_strangers(
        &self,
        selector: &NodeSelector,
    ) -> Vec<Option<Vec<(&str, bool)>>> {
        self.waiting_strangers(selector)
            .map(|stranger| stranger.outputs.as_ref().map(awaited))
            .collect()
    }

    fn waiting_strangers(&self, selector: &NodeSelector) -> impl Iterator<Item = &NodeStatus> {
        let strangers = self.status.strangers.values();
        strangers.filter(|stranger| waits(stranger) && selector.fits(stranger))
    }

    fn waiting_strangers_mut(
        &mut self,
        selector: &NodeSelector,
    ) -> impl Iterator<Item = &mut NodeStatus> {
        self.status_changed |= !self.status.strangers.is_empty();
        let strangers = self.status.strangers.values_mut();
        strangers.filter(|stranger| waits(stranger) && selector.fits(stranger))
    }
}

fn awaited(outputs: &Outputs) -> Vec<(&str, bool)> {
    let parameters = outputs.parameters.iter();
    parameters
        .map(|output| (output.name.as_str(), output.value.is_some()))
        .collect()
}

fn waits(node: &NodeStatus) -> bool {
    node.r#type == Some(NodeType::Suspend) && node.phase == Some(NodePhase::Running)
}

fn supplied_outputs_mut(node: &mut NodeStatus) -> impl Iterator<Item = &mut Parameter> {
    let outputs = node.outputs.iter_mut();
    outputs.flat_map(|outputs| &mut outputs.parameters)
}

fn default_of(output: &Parameter) -> Option<&AnyString> {
    output.value_from.as_ref()?.default.as_ref()
}
