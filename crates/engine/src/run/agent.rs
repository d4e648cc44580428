//! Nodes that an agent carries out: `http` and `plugin`. They have no pod of their own.
//! Argo: `http_template.go`, `plugin_template.go`, `taskset.go`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType, TemplateType};

use super::Run;
use super::commands::stopped;
use super::node::{Flags, NodeOutputs, OutputParameter};
use crate::effect::{AgentRequest, Effect, TaskRequest};
use crate::fact::TaskSeen;
use crate::ids::{NodeIndex, PodKey};
use crate::lower::{AgentInput, LowerError, agent_pod};

impl Run {
    /// Begins a node that an agent carries out.
    pub(super) fn begin_task_node(&mut self, index: NodeIndex) {
        let planned = self.template_of(index);
        let kind = match planned.as_ref().and_then(|planned| planned.kind) {
            Some(TemplateType::Plugin) => NodeType::Plugin,
            _ => NodeType::HTTP,
        };
        self.set_kind(index, kind, NodePhase::Pending);
        if self.ends_before_it_begins(index, stopped) {
            return;
        }
        if let Some(planned) = planned
            && let Some(at) = self.pending_until(index, &planned)
        {
            self.due.insert((at, index));
        }
        self.wanted_tasks.insert(index);
    }

    /// Asks the agent for what is wanted. Called once a turn.
    pub(super) fn ask_for_tasks(&mut self) {
        while let Some(index) = self.wanted_tasks.pop_first() {
            let task = self
                .template_of(index)
                .ok_or_else(|| "the node has no template".to_owned())
                .and_then(|planned| self.filled_template(index, &planned));
            let agent = self
                .agent()
                .map_err(|error| format!("create agent pod failed with reason:\"{error}\""));
            match task.and_then(|template| Ok((template, agent?))) {
                Ok((template, agent)) => {
                    self.nodes[index.offset()].flags.set(Flags::TASK_ASKED);
                    let request = TaskRequest {
                        key: self.pod_key(index),
                        node_id: Arc::from(self.node_id(index)),
                        namespace: Arc::from(self.definition.namespace()),
                        template,
                        agent,
                    };
                    self.effects.push(Effect::RunTask(Box::new(request)));
                }
                Err(error) => self.end(index, NodePhase::Error, Some(&error)),
            }
        }
    }

    /// The agent of this workflow.
    fn agent(&self) -> Result<Arc<AgentRequest>, LowerError> {
        if let Some(known) = self.agent.get() {
            return Ok(known.clone());
        }
        let workflow = &self.plan.workflow;
        let config = &self.settings.config;
        let pod = match config.disable_agent_pod_creation {
            true => None,
            false => Some(agent_pod(&AgentInput {
                workflow,
                plugins: &self.definition.executor_plugins,
                config,
                read_yaml: self.settings.read_yaml,
            })?),
        };
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        let agent = AgentRequest {
            workflow_name: text(&workflow.metadata.name),
            workflow_uid: text(&workflow.metadata.uid),
            pod,
        };
        Ok(self.agent.get_or_init(|| Arc::new(agent)).clone())
    }

    /// A node has ended: if an agent works for it, that is in vain.
    pub(super) fn end_task(&mut self, index: NodeIndex) {
        self.wanted_tasks.remove(&index);
        if self.node(index).flags.has(Flags::TASK_ASKED) {
            self.nodes[index.offset()].flags.clear(Flags::TASK_ASKED);
            self.effects.push(Effect::StopTask {
                task: self.pod_key(index),
            });
        }
    }

    /// An agent reports.
    pub(super) fn task_seen(&mut self, key: PodKey, seen: &TaskSeen) {
        let Some(index) = self.node_of_pod(key).filter(|&index| {
            let node = self.node(index);
            matches!(node.kind, NodeType::HTTP | NodeType::Plugin) && !node.phase.is_fulfilled()
        }) else {
            return;
        };
        if let Some(progress) = seen.outputs.progress {
            self.recount(index, |node| node.details_mut().progress = Some(progress));
        }
        let parameters: Vec<OutputParameter> = seen
            .outputs
            .parameters
            .iter()
            .map(|(name, value)| OutputParameter {
                name: self.shared_name(name),
                value: Some(Arc::from(&**value)),
            })
            .collect();
        let outputs = NodeOutputs {
            parameters: parameters.into(),
            artifacts: seen.outputs.artifacts.clone().into(),
            result: seen.outputs.result.as_deref().map(Arc::from),
            exit_code: seen.exit_code,
        };
        if outputs != NodeOutputs::default() {
            self.export_outputs(index, &outputs);
            self.change(index).outputs = Some(Arc::new(outputs));
        }
        self.set_message(index, seen.message.as_deref());
        match seen.phase {
            NodePhase::Pending => {}
            NodePhase::Running => {
                if self.node(index).phase == NodePhase::Pending {
                    self.set_phase(index, NodePhase::Running);
                    self.phase_changed(index);
                }
            }
            phase => {
                self.nodes[index.offset()].flags.clear(Flags::TASK_ASKED);
                self.end(index, phase, None);
            }
        }
    }
}
