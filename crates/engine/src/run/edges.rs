//! The edges of the graph that clients draw. Argo: `addChildNode`, `getOutboundNodes`.

use argosy_api::NodeType;

use super::Run;
use super::body::{Body, StepState};
use super::node::Role;
use crate::ids::NodeIndex;

impl Run {
    /// The edges of the graph that clients draw.
    pub(super) fn children(&self) -> Vec<Vec<NodeIndex>> {
        let mut children: Vec<Vec<NodeIndex>> = vec![Vec::new(); self.nodes.len()];
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            for above in self.drawn_below(index) {
                let list = &mut children[above.offset()];
                if list.last() != Some(&index) {
                    list.push(index);
                }
            }
        }
        children
    }

    /// The nodes below which a node is drawn.
    fn drawn_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let node = self.node(index);
        match node.role {
            Role::Root => Vec::new(),
            Role::OnExit | Role::Hook => match node.owner.some() {
                Some(owner) => vec![owner],
                None if node.role == Role::Hook => vec![NodeIndex::ROOT],
                None => Vec::new(),
            },
            Role::Container => match self.containers_before(index) {
                none if none.is_empty() => vec![node.parent],
                before => before,
            },
            Role::Attempt | Role::Step => vec![node.parent],
            Role::StepGroup => {
                let Body::Steps(body) = &self.node(node.parent).body else {
                    return vec![node.parent];
                };
                match node
                    .slot
                    .checked_sub(1)
                    .and_then(|before| body.groups.get(before as usize))
                {
                    None => vec![node.parent],
                    Some(&before) => {
                        let outbound = self.outbound(before);
                        if outbound.is_empty() {
                            vec![before]
                        } else {
                            outbound
                        }
                    }
                }
            }
            Role::Task => {
                if self.node(node.parent).kind == NodeType::TaskGroup {
                    return vec![node.parent];
                }
                let Body::Dag(body) = &self.node(node.parent).body else {
                    return vec![node.parent];
                };
                let template = self.template_of(node.parent);
                let dependencies = template
                    .as_deref()
                    .and_then(|template| template.dag())
                    .map_or(&[][..], |dag| &dag.tasks[node.slot as usize].dependencies);
                if dependencies.is_empty() {
                    return vec![node.parent];
                }
                dependencies
                    .iter()
                    .filter_map(|&dependency| body.tasks[dependency as usize].node.some())
                    .flat_map(|dependency| self.outbound(dependency))
                    .collect()
            }
        }
    }

    /// The leaves at the far end of a node. Argo: `getOutboundNodes`.
    pub(super) fn outbound(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let mut found = Vec::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            let below = self.outbound_below(index);
            let is_end = !matches!(
                self.node(index).kind,
                NodeType::Steps | NodeType::DAG | NodeType::StepGroup
            );
            if below.is_empty() && (is_end || self.is_from_cache(index)) {
                // Several containers of a set may lead to the same last one.
                let seen = self.node(index).role == Role::Container && found.contains(&index);
                if !seen {
                    found.push(index);
                }
            }
            open.extend(below.into_iter().rev());
        }
        found
    }

    fn is_from_cache(&self, index: NodeIndex) -> bool {
        let details = self.node(index).details.as_deref();
        details
            .and_then(|details| details.memo.as_deref())
            .is_some_and(|memo| memo.hit)
    }

    fn outbound_below(&self, index: NodeIndex) -> Vec<NodeIndex> {
        match &self.node(index).body {
            Body::Gate(_) => Vec::new(),
            Body::None if self.container_nodes.is_empty() => Vec::new(),
            Body::None => self.containers_behind(index),
            Body::Steps(body) => body.groups.last().copied().into_iter().collect(),
            Body::Group(body) => {
                let mut nodes: Vec<NodeIndex> = body
                    .steps
                    .iter()
                    .flat_map(|step| match step {
                        StepState::Unmade => Vec::new(),
                        StepState::Single(node) => vec![*node],
                        StepState::Loop(state) => {
                            state.nodes.iter().filter_map(|node| node.some()).collect()
                        }
                    })
                    .collect();
                nodes.sort_unstable();
                nodes
            }
            Body::Loop(state) => state.nodes.iter().filter_map(|node| node.some()).collect(),
            Body::Retry(body) => body.attempts.last().copied().into_iter().collect(),
            Body::Dag(body) => {
                let template = self.template_of(index);
                let targets = template
                    .as_deref()
                    .and_then(|template| template.dag())
                    .map_or(&[][..], |dag| &dag.targets);
                targets
                    .iter()
                    .filter_map(|&target| body.tasks[target as usize].node.some())
                    .collect()
            }
        }
    }
}
