//! By what a node's pod is told from all others of the run, across retries that move nodes.

use super::Run;
use super::node::Node;
use crate::ids::{NodeIndex, PodKey};

impl Run {
    /// The key of the pod that a node asks for, or last asked for.
    pub(super) fn pod_key(&self, index: NodeIndex) -> PodKey {
        let node = self.node(index);
        PodKey {
            run: self.id,
            node: asked_as(node).unwrap_or(index),
            incarnation: node.incarnation,
        }
    }

    /// The node whose pod or task this is, if it is still the one that the node asks for.
    pub fn node_of_pod(&self, key: PodKey) -> Option<NodeIndex> {
        let moved = self.moved_pods.get(&key).copied();
        let index = moved.unwrap_or(key.node);
        let known = index.offset() < self.nodes.len() && self.pod_key(index) == key;
        known.then_some(index)
    }

    /// The pod before this one of the same node, if it was made anew.
    pub fn previous_pod_key(&self, key: PodKey) -> Option<PodKey> {
        let began = self.status.first_incarnations.iter().rev();
        let first = began
            .copied()
            .find(|&first| first <= key.incarnation)
            .unwrap_or(0);
        (key.incarnation > first).then(|| PodKey {
            incarnation: key.incarnation - 1,
            ..key
        })
    }

    /// The incarnation in which a new node's first pod is asked for.
    pub(super) fn first_incarnation(&self) -> u32 {
        let last = self.status.first_incarnations.last();
        last.copied().unwrap_or(0)
    }

    /// Sees to it that no pod of a node that is made from here on has the key of an earlier one.
    pub(super) fn begin_incarnations(&mut self) {
        let last = self.nodes.iter().map(|node| node.incarnation).max();
        let next = last.unwrap_or(0).max(self.first_incarnation()) + 1;
        self.status.first_incarnations.push(next);
    }

    /// Notes that a node's pod is known under another index than its own.
    pub(super) fn note_moved_pod(&mut self, index: NodeIndex) {
        if asked_as(self.node(index)).is_some() {
            self.moved_pods.insert(self.pod_key(index), index);
        }
    }
}

/// Keeps the index under which a node's pod is known while the node moves from there.
pub(super) fn keep_asked_as(node: &mut Node, from: NodeIndex, to: NodeIndex) {
    let known = asked_as(node).unwrap_or(from);
    if known != to {
        node.details_mut().asked_as = Some(known);
    } else if let Some(details) = &mut node.details {
        details.asked_as = None;
    }
}

fn asked_as(node: &Node) -> Option<NodeIndex> {
    node.details.as_ref()?.asked_as
}
