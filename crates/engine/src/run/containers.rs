//! The containers of a set, each with a node of its own below the pod's.
//! Argo: `executeContainerSet`, the containers' part of `assessNodeStatus`.

use argosy_api::{ContainerNode, NodePhase, NodeType};

use super::Run;
use super::node::{Flags, Node, Role};
use crate::fact::{ContainerKind, ContainerState, PodPhase, PodSeen};
use crate::ids::NodeIndex;
use crate::plan::PlannedTemplate;

/// The exit code by which the executor says that it failed, not the user's command.
const EXECUTOR_FAILED: i32 = 64;

impl Run {
    /// Makes a node for each container of a set, next to each other.
    pub(super) fn make_container_nodes(&mut self, pod: NodeIndex, planned: &PlannedTemplate) {
        let Some(set) = &planned.template.container_set else {
            return;
        };
        if self.container_nodes.contains_key(&pod) {
            // They were shown when the run was taken up.
            return;
        }
        let above = self.node(pod);
        let (depth, at) = (above.depth, self.now);
        let flags = Flags(above.flags.0 & (Flags::EXIT_HANDLER.0 | Flags::HOOKED.0));
        for slot in 0..set.containers.len() as u32 {
            let mut node = Node::new(Role::Container, NodeType::Container, NodePhase::Pending, at);
            node.parent = pod;
            node.boundary = pod;
            node.slot = slot;
            node.template = planned.index;
            node.depth = depth;
            node.flags = flags;
            let index = self.add_node(node);
            self.container_nodes.entry(pod).or_insert(index);
        }
    }

    /// The nodes of a pod's containers, if it runs a set.
    pub(super) fn containers_of(&self, pod: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        let first = self.container_nodes.get(&pod).copied();
        let count = first.map_or(0, |_| self.container_set(pod).map_or(0, <[_]>::len));
        let first = first.map_or(0, |index| index.0);
        (first..first + count as u32).map(NodeIndex)
    }

    /// The containers of a pod that runs a set.
    pub(super) fn container_set(&self, pod: NodeIndex) -> Option<&[ContainerNode]> {
        let template = self.node(pod).template;
        let planned = self.plan.templates.get(template.0 as usize)?;
        let set = planned.template.container_set.as_ref()?;
        Some(&set.containers)
    }

    /// The name of the container that a node stands for.
    pub(super) fn container_name(&self, index: NodeIndex) -> &str {
        let node = self.node(index);
        self.container_set(node.parent)
            .and_then(|containers| containers.get(node.slot as usize))
            .map_or("", |container| container.name.as_str())
    }

    /// The containers that wait for this one, or those that wait for none if it is the pod.
    pub(super) fn containers_behind(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let node = self.node(index);
        let (pod, name) = match node.role {
            Role::Container => (node.parent, Some(self.container_name(index))),
            _ => (index, None),
        };
        let containers = self.container_set(pod).unwrap_or_default();
        let behind = |container: &ContainerNode| match name {
            None => container.dependencies.is_empty(),
            Some(name) => container.dependencies.iter().any(|before| before == name),
        };
        self.containers_of(pod)
            .zip(containers)
            .filter(|(_, container)| behind(container))
            .map(|(index, _)| index)
            .collect()
    }

    /// The containers that a container waits for.
    pub(super) fn containers_before(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let pod = self.node(index).parent;
        let containers = self.container_set(pod).unwrap_or_default();
        let slot = self.node(index).slot as usize;
        let before = containers.get(slot).map_or(&[][..], |c| &c.dependencies);
        self.containers_of(pod)
            .zip(containers)
            .filter(|(_, container)| before.contains(&container.name))
            .map(|(index, _)| index)
            .collect()
    }

    /// What is seen of a pod's containers, in their nodes.
    pub(super) fn containers_seen(&mut self, pod: NodeIndex, seen: &PodSeen) {
        if !self.container_nodes.contains_key(&pod) {
            return;
        }
        let nodes: Vec<NodeIndex> = self.containers_of(pod).collect();
        for index in nodes {
            let name = self.container_name(index);
            let state = seen
                .containers
                .iter()
                .find(|container| {
                    container.kind == ContainerKind::Regular && *container.name == *name
                })
                .map(|container| container.state.clone());
            let Some(state) = state.filter(|_| !self.node(index).phase.is_fulfilled()) else {
                continue;
            };
            let failed = seen.phase == PodPhase::Failed;
            match state {
                ContainerState::Terminated { exit_code: 0, .. } => {
                    self.end(index, NodePhase::Succeeded, None);
                }
                ContainerState::Terminated {
                    exit_code,
                    reason,
                    message,
                    ..
                } => {
                    let text = format!("{name}: {reason} (exit code {exit_code}): {message}");
                    let phase = match exit_code {
                        EXECUTOR_FAILED => NodePhase::Error,
                        _ => NodePhase::Failed,
                    };
                    self.end(index, phase, Some(&text));
                }
                ContainerState::Waiting { .. } | ContainerState::Running { .. } if failed => {}
                ContainerState::Waiting { .. } => self.set_phase(index, NodePhase::Pending),
                ContainerState::Running { .. } => self.set_phase(index, NodePhase::Running),
            }
        }
    }

    /// Ends the containers of a pod that has ended, as far as nothing was seen of their own ends.
    pub(super) fn end_containers(&mut self, pod: NodeIndex) {
        if !self.container_nodes.contains_key(&pod) {
            return;
        }
        let node = self.node(pod);
        let (phase, message) = match node.phase {
            NodePhase::Succeeded => (NodePhase::Succeeded, None),
            _ if node.flags.has(Flags::POD_ENDED) => (
                NodePhase::Failed,
                Some("Pod Failed whilst container running".into()),
            ),
            _ => (NodePhase::Failed, node.message.clone()),
        };
        let nodes: Vec<NodeIndex> = self.containers_of(pod).collect();
        for index in nodes {
            self.end(index, phase, message.as_deref());
        }
    }

    /// The containers of a pod that is gone are errors, also those that had ended.
    /// Argo: `markAllContainersDeleted`.
    pub(super) fn containers_deleted(&mut self, pod: NodeIndex) {
        if !self.container_nodes.contains_key(&pod) {
            return;
        }
        let nodes: Vec<NodeIndex> = self.containers_of(pod).collect();
        for index in nodes {
            if self.node(index).phase.is_fulfilled() {
                self.set_phase(index, NodePhase::Error);
                self.set_message(index, Some("container deleted"));
            } else {
                self.end(index, NodePhase::Error, Some("container deleted"));
            }
        }
    }
}
