//! What is told of nodes whose phase has changed in a turn: events and metrics.
//! Argo: `recordNodePhaseChangeEvents`.

use std::borrow::Cow;

use argosy_api::{NodePhase, NodeType, WorkflowPhase, labels};

use super::Run;
use crate::effect::Effect;
use crate::events::Event;
use crate::ids::NodeIndex;
use crate::settings::Events;

/// What this run tells of at all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Telling {
    pub metrics: bool,
    pub node_events: bool,
}

impl Run {
    pub(super) fn telling(&self) -> Telling {
        let templates = &self.plan.templates;
        Telling {
            metrics: templates
                .iter()
                .any(|planned| planned.template.metrics.is_some()),
            node_events: self.settings.events == Events::Kept
                && self.settings.config.node_events.enabled != Some(false),
        }
    }

    /// Tells of the nodes that have changed in this turn.
    pub(super) fn tell_changes(&mut self) {
        let telling = self.telling;
        if !telling.metrics && !telling.node_events {
            return;
        }
        for place in 0..self.changed.len() {
            let index = self.changed[place];
            let (before, phase) = (self.node(index).told, self.node(index).phase);
            if telling.metrics {
                self.tell_metrics(index, before.is_none());
            }
            if before == Some(phase) {
                continue;
            }
            self.nodes[index.offset()].told = Some(phase);
            if telling.node_events {
                self.tell_phase(index, before, phase);
            }
        }
    }

    fn tell_phase(&mut self, index: NodeIndex, before: Option<NodePhase>, phase: NodePhase) {
        let completed = self.node(index).is_completed();
        let new = before.is_none();
        // An event says that it ran, also where it ended in the turn in which it began.
        if completed && matches!(before, None | Some(NodePhase::Pending)) {
            self.tell_event(index, NodePhase::Running);
        }
        if !new || completed || phase == NodePhase::Running {
            self.tell_event(index, phase);
        }
    }

    fn tell_event(&mut self, index: NodeIndex, phase: NodePhase) {
        let node = self.node(index);
        let (name, id) = (self.name(index), self.node_id(index));
        let mut message = format!("{phase} node {name}");
        if let Some(text) = node.message.as_deref().filter(|text| !text.is_empty()) {
            message.push_str(": ");
            message.push_str(text);
        }
        let nanoseconds = node.started_at().0.saturating_mul(1_000_000_000);
        let mut annotations: Vec<(Cow<'static, str>, Box<str>)> = vec![
            (labels::NODE_TYPE.into(), node.kind.as_str().into()),
            (labels::NODE_NAME.into(), name.into()),
            (labels::NODE_ID.into(), id.into()),
            (
                labels::NODE_START_TIME.into(),
                nanoseconds.to_string().into(),
            ),
        ];
        let as_pod = self.settings.config.node_events.send_as_pod && node.kind == NodeType::Pod;
        if as_pod {
            let uid = self.definition.workflow.metadata.uid.as_deref();
            annotations.push((labels::WORKFLOW_NAME.into(), self.definition.name().into()));
            annotations.push((labels::WORKFLOW_UID.into(), uid.unwrap_or_default().into()));
        }
        let event = Event {
            run: self.id,
            pod: as_pod.then(|| self.pod_name(index).into()),
            warning: !matches!(phase, NodePhase::Succeeded | NodePhase::Running),
            reason: format!("WorkflowNode{phase}").into(),
            message: message.into(),
            annotations,
        };
        self.effects.push(Effect::Event(Box::new(event)));
    }

    /// Tells of the workflow's phase, where it is a new one.
    pub(super) fn tell_workflow_phase(&mut self, phase: WorkflowPhase, message: &str) {
        let config = &self.settings.config.workflow_events;
        if self.settings.events == Events::Unheard || config.enabled == Some(false) {
            return;
        }
        let (reason, message, warning) = match phase {
            WorkflowPhase::Pending => return,
            WorkflowPhase::Running => ("WorkflowRunning", "Workflow Running", false),
            WorkflowPhase::Succeeded => ("WorkflowSucceeded", "Workflow completed", false),
            WorkflowPhase::Failed | WorkflowPhase::Error => ("WorkflowFailed", message, true),
        };
        let event = Event {
            run: self.id,
            pod: None,
            warning,
            reason: reason.into(),
            message: message.into(),
            annotations: Vec::new(),
        };
        self.effects.push(Effect::Event(Box::new(event)));
    }
}
