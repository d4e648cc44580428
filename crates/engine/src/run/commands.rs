//! What people ask of a run. Argo: `workflow/util/util.go`, `exec_control.go`,
//! `failNodesWithoutCreatedPodsAfterDeadlineOrShutdown`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType, ShutdownStrategy};

use super::Run;
use super::body::{Body, Gate};
use super::node::{Flags, NodeOutputs};
use super::restart_plan::RestartChoice;
use super::suspend::not_supplied;
use super::workflow::DEADLINE;
use crate::fact::{Command, NodeSelector};
use crate::ids::NodeIndex;

impl Run {
    pub(super) fn asked(&mut self, command: &Command) {
        match command {
            Command::Stop {
                selector: None,
                message: _,
            } => self.shut_down(ShutdownStrategy::Stop),
            Command::Stop {
                selector: Some(selector),
                message,
            } => {
                for index in self.suspended_nodes(selector) {
                    self.end(index, NodePhase::Failed, message.as_deref());
                }
                self.end_strangers(selector, NodePhase::Failed, message.as_deref());
            }
            Command::Terminate => self.shut_down(ShutdownStrategy::Terminate),
            Command::Suspend => {
                // What is being brought down is not held up.
                if !self.has_ended() && self.status.shutdown.is_none() {
                    self.status.suspended = true;
                    self.status_changed = true;
                }
            }
            Command::Resume { selector } => self.resume(selector.as_ref()),
            Command::SetNode {
                selector,
                phase,
                message,
                output_parameters,
            } => {
                for index in self.suspended_nodes(selector) {
                    self.set_node(index, *phase, message.as_deref(), output_parameters);
                }
                self.set_strangers(selector, *phase, message.as_deref(), output_parameters);
            }
            Command::Retry {
                restart_successful,
                selector,
                parameters,
                from,
                revision,
            } => {
                let choice = RestartChoice {
                    restart_successful: *restart_successful,
                    selector: selector.as_ref(),
                    from: from.as_ref(),
                    new_parameters: !parameters.is_empty(),
                    revision: revision.as_deref(),
                };
                self.restart(choice, parameters);
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.status.phase.is_some_and(|phase| phase.is_completed())
    }

    fn shut_down(&mut self, strategy: ShutdownStrategy) {
        if self.has_ended() || self.status.shutdown == Some(ShutdownStrategy::Terminate) {
            return;
        }
        self.status.shutdown = Some(strategy);
        // A stop also ends what was suspended, so that it can come to an end.
        self.status.suspended = false;
        self.status_changed = true;
        if self.awaits_start() && self.status.phase.is_some() {
            if strategy == ShutdownStrategy::Terminate {
                self.terminate_before_start();
            }
            return;
        }
        if strategy == ShutdownStrategy::Terminate {
            self.forgo_own_locks();
        }
        self.bring_down_what_runs();
    }

    /// Brings down what the workflow's shutdown ends. A run that is taken up may have been told of
    /// it elsewhere.
    pub(super) fn bring_down_what_runs(&mut self) {
        let Some(strategy) = self.status.shutdown else {
            return;
        };
        if self.has_ended() || self.awaits_start() {
            return;
        }
        self.forgo_locks(Self::is_shut_down);
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            if self.is_shut_down(index) {
                self.bring_down(index, strategy);
            } else if self.is_open_composite(index) {
                // What retries makes no further attempt, in exit handlers too.
                self.dirty.insert(index);
            }
        }
    }

    fn bring_down(&mut self, index: NodeIndex, strategy: ShutdownStrategy) {
        let node = self.node(index);
        if node.phase.is_fulfilled() {
            return;
        }
        let untried = matches!(&node.body, Body::Retry(body) if body.attempts.is_empty());
        if matches!(node.body, Body::Gate(Gate::Locks(_))) || untried {
            self.end(index, NodePhase::Failed, Some(&stopped(strategy)));
            return;
        }
        if node.flags.has(Flags::DAEMONED) {
            self.bring_down_daemon(index);
            return;
        }
        match node.kind {
            NodeType::Pod => {
                let exists = node.flags.has(Flags::POD_ASKED) || node.phase == NodePhase::Running;
                // Argo's own text has two spaces where the pod exists.
                let gap = if exists { "  " } else { " " };
                self.stop_pod(index);
                let message = format!("workflow shutdown with strategy:{gap}{strategy}");
                self.end(index, NodePhase::Failed, Some(&message));
            }
            NodeType::Suspend | NodeType::HTTP | NodeType::Plugin => {
                self.end(index, NodePhase::Failed, Some(&stopped(strategy)));
            }
            _ => {
                self.dirty.insert(index);
            }
        }
    }

    /// A daemon that is up is ended with the template around it, and well. One that is tried again
    /// and waits for its next attempt makes none, and ends as the last did.
    fn bring_down_daemon(&mut self, index: NodeIndex) {
        if matches!(self.node(index).body, Body::Retry(_)) {
            self.dirty.insert(index);
        }
    }

    /// The workflow's time is over.
    pub(super) fn deadline_reached(&mut self) {
        if self.has_ended() {
            return;
        }
        self.forgo_locks(|run, index| !run.node(index).flags.has(Flags::EXIT_HANDLER));
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            if node.phase.is_fulfilled() || node.flags.has(Flags::EXIT_HANDLER) {
                continue;
            }
            if node.flags.has(Flags::DAEMONED) {
                self.bring_down_daemon(index);
                continue;
            }
            match node.kind {
                NodeType::Pod => {
                    self.stop_pod(index);
                    self.end(index, NodePhase::Failed, Some(DEADLINE));
                }
                NodeType::Suspend => self.end(index, NodePhase::Failed, Some(DEADLINE)),
                // What a resubmission took over is pending, and may have children: those go first.
                _ if node.phase == NodePhase::Pending && node.body.is_empty() => {
                    self.end(index, NodePhase::Failed, Some(DEADLINE));
                }
                _ => {
                    self.dirty.insert(index);
                }
            }
        }
    }

    fn resume(&mut self, selector: Option<&NodeSelector>) {
        match selector {
            Some(selector) => {
                for index in self.suspended_nodes(selector) {
                    self.end(index, NodePhase::Succeeded, None);
                }
                self.end_strangers(selector, NodePhase::Succeeded, None);
            }
            None => {
                if self.status.suspended {
                    self.status.suspended = false;
                    self.status_changed = true;
                    self.wake_held_back(NodeIndex::NONE);
                }
                let nodes = self.suspended_nodes(&NodeSelector::default());
                if self.check_resume().is_ok() {
                    for index in nodes {
                        // Checked just now.
                        let _ = self.resume_node(index);
                    }
                    self.resume_strangers();
                }
            }
        }
    }

    /// Whether all suspended nodes have what they were to be given.
    ///
    /// # Errors
    /// Argo's text, naming the parameter that lacks.
    pub fn check_resume(&self) -> Result<(), String> {
        self.suspended_nodes(&NodeSelector::default())
            .into_iter()
            .try_for_each(|index| self.can_resume(index))?;
        self.strangers_can_resume()
    }

    /// Whether a suspended node has all that it was to be given.
    ///
    /// # Errors
    /// Argo's text, naming the parameter that lacks.
    pub(crate) fn can_resume(&self, index: NodeIndex) -> Result<(), String> {
        let Some(outputs) = &self.node(index).outputs else {
            return Ok(());
        };
        for output in &outputs.parameters {
            if output.value.is_none() && self.supplied_default(index, &output.name).is_none() {
                return Err(not_supplied(&output.name));
            }
        }
        Ok(())
    }

    /// Whether suspended nodes can be set so. Argo: `updateSuspendedNode`.
    ///
    /// # Errors
    /// Argo's text: no node is meant, or one does not expect such an output.
    pub fn check_set(
        &self,
        selector: &NodeSelector,
        selector_text: &str,
        changes_something: bool,
        values: &[(Box<str>, Box<str>)],
    ) -> Result<(), String> {
        let own = self.suspended_nodes(selector);
        let mut nodes: Vec<Option<Vec<(&str, bool)>>> = own
            .into_iter()
            .map(|index| {
                let outputs = self.node(index).outputs.as_ref()?;
                let parameters = outputs.parameters.iter();
                let awaited = parameters.map(|output| (&*output.name, output.value.is_some()));
                Some(awaited.collect())
            })
            .collect();
        nodes.extend(self.awaited_of_strangers(selector));
        for awaited in nodes.iter().filter(|_| !values.is_empty()) {
            let Some(awaited) = awaited else {
                return Err(
                    "cannot set output parameters because node is not expecting any raw parameters"
                        .to_owned(),
                );
            };
            for (name, _) in values {
                match awaited.iter().find(|(known, _)| **known == **name) {
                    None => return Err(format!("node is not expecting output parameter '{name}'")),
                    Some((_, true)) => {
                        return Err(format!(
                            "cannot set output parameter '{name}' because it does not use valueFrom.raw or it was already set"
                        ));
                    }
                    Some((_, false)) => {}
                }
            }
        }
        if nodes.is_empty() || (values.is_empty() && !changes_something) {
            return Err(format!(
                "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: {selector_text}"
            ));
        }
        Ok(())
    }

    fn set_node(
        &mut self,
        index: NodeIndex,
        phase: Option<NodePhase>,
        message: Option<&str>,
        values: &[(Box<str>, Box<str>)],
    ) {
        if !values.is_empty() {
            let mut outputs: NodeOutputs = self
                .node(index)
                .outputs
                .as_deref()
                .cloned()
                .unwrap_or_default();
            for (name, value) in values {
                if let Some(output) = outputs
                    .parameters
                    .iter_mut()
                    .find(|output| *output.name == **name)
                {
                    output.value = Some(Arc::from(&**value));
                }
            }
            self.export_outputs(index, &outputs);
            self.change(index).outputs = Some(Arc::new(outputs));
        }
        if let Some(message) = message {
            self.set_message(index, Some(message));
        }
        match phase {
            Some(phase) if phase.is_fulfilled() => self.end(index, phase, None),
            _ => {}
        }
    }

    /// The suspended nodes that a selector means. Argo: `IsActiveSuspendNode`.
    pub(crate) fn suspended_nodes(&self, selector: &NodeSelector) -> Vec<NodeIndex> {
        (0..self.nodes.len() as u32)
            .map(NodeIndex)
            .filter(|&index| {
                let node = self.node(index);
                node.kind == NodeType::Suspend
                    && node.phase == NodePhase::Running
                    && self.matches(index, selector)
            })
            .collect()
    }

    /// Whether a node is one that a selector means. Argo: `SelectorMatchesNode`.
    pub(crate) fn matches(&self, index: NodeIndex, selector: &NodeSelector) -> bool {
        selector.0.iter().all(|term| {
            let value = self.selected_field(index, &term.key);
            (value.as_deref() == Some(&*term.value)) == term.equals
        })
    }

    fn selected_field(&self, index: NodeIndex, key: &str) -> Option<String> {
        let node = self.node(index);
        match key {
            "displayName" => Some(self.display_name(index)),
            "name" => Some(self.name(index)),
            "id" => Some(self.node_id(index)),
            "phase" => Some(node.phase.as_str().to_owned()),
            "templateName" => Some(self.template_name(index)),
            "templateRef.name" => Some(self.call_of(index)?.template_ref.as_ref()?.name.clone()),
            "templateRef.template" => {
                Some(self.call_of(index)?.template_ref.as_ref()?.template.clone())
            }
            _ => {
                let name = key
                    .strip_prefix("inputs.parameters.")?
                    .strip_suffix(".value")?;
                let template = self.template_of(index)?;
                let place = template
                    .inputs
                    .iter()
                    .position(|input| *input.name == *name)?;
                let value = self.inputs_of(index).parameters.get(place)?.as_ref()?;
                Some(value.to_string())
            }
        }
    }

    /// Has the next turn look at every node that is not over, and not only at those that something
    /// has happened to. It must come to the same.
    pub fn look_at_everything(&mut self) {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            if !(node.phase.is_fulfilled() && node.flags.has(Flags::SETTLED)) {
                self.hooks_due.insert(index);
                self.dirty.insert(index);
            }
        }
    }

    /// Has the next turn look at all composites: the run was loaded, or changed from outside.
    pub(super) fn mark_all_dirty(&mut self) {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            if !matches!(node.body, Body::None) && !node.phase.is_fulfilled() {
                self.dirty.insert(index);
            }
        }
    }
}

/// What is said of a node, or a workflow, that ends because the workflow is stopped.
pub(super) fn stopped(strategy: ShutdownStrategy) -> String {
    format!("Stopped with strategy '{strategy}'")
}
