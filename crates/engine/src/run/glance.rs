//! What a display needs of a node, at a cost that doesn't grow with the run.

use std::collections::BTreeMap;

use argosy_api::{NodePhase, NodeType, labels};

use super::Run;
use super::node::Role;
use crate::ids::{NodeIndex, Seconds};

/// A node, as far as a line about it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// How far it is.
    pub phase: NodePhase,
    /// What it is.
    pub kind: NodeType,
    /// The node below which it is shown: groups of steps are not.
    pub above: Option<u32>,
    /// When it was made.
    pub started_at: Seconds,
    /// When it ended.
    pub finished_at: Option<Seconds>,
}

impl Run {
    /// One node; `None` if there is none of this index.
    pub fn glance(&self, index: u32) -> Option<Glance> {
        let node = self.nodes.get(index as usize)?;
        let mut above = match node.role {
            Role::Root => None,
            Role::OnExit | Role::Hook => node.boundary.some().or(node.owner.some()),
            Role::StepGroup | Role::Step | Role::Task | Role::Attempt | Role::Container => {
                node.parent.some()
            }
        };
        if let Some(group) = above.filter(|&above| self.node(above).role == Role::StepGroup) {
            above = self.node(group).parent.some();
        }
        Some(Glance {
            phase: node.phase,
            kind: node.kind,
            above: above.map(|above| above.0),
            started_at: node.started_at(),
            finished_at: node.finished_at(),
        })
    }

    /// The loop that a node is an item of: the node below which it is shown, and a number that tells
    /// the loops there apart.
    pub fn loop_at(&self, index: u32) -> Option<(u32, u32)> {
        let node = self.nodes.get(index as usize)?;
        node.item()?;
        let holder = node.parent.some()?;
        match self.node(holder).kind {
            NodeType::TaskGroup => {
                let above = self.node(holder).boundary.some().unwrap_or(holder);
                Some((above.0, holder.0))
            }
            _ => Some((holder.0, node.slot)),
        }
    }

    /// A node's full name; empty if there is none of this index.
    pub fn name_at(&self, index: u32) -> String {
        match self.nodes.get(index as usize) {
            Some(_) => self.name(NodeIndex(index)),
            None => String::new(),
        }
    }

    /// The name that a node is shown by.
    pub fn display_name_at(&self, index: u32) -> String {
        match self.nodes.get(index as usize) {
            Some(_) => self.display_name(NodeIndex(index)),
            None => String::new(),
        }
    }

    /// A node's ID.
    pub fn node_id_at(&self, index: u32) -> String {
        match self.nodes.get(index as usize) {
            Some(_) => self.node_id(NodeIndex(index)),
            None => String::new(),
        }
    }

    /// Why a node is where it is, as far as its message says.
    pub fn message_at(&self, index: u32) -> &str {
        self.nodes
            .get(index as usize)
            .and_then(|node| node.message.as_deref())
            .unwrap_or_default()
    }

    /// The labels of a node's pod, as far as its template gives them.
    pub fn pod_labels_at(&self, index: u32) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        let Some(node) = self.nodes.get(index as usize) else {
            return labels;
        };
        if let Some(template) = self.template_of(NodeIndex(index)) {
            labels.extend(template.template.metadata.labels.clone());
        }
        let name = self.definition.name().to_owned();
        labels.insert(labels::WORKFLOW.to_owned(), name);
        let over = node.phase.is_fulfilled().to_string();
        labels.insert(labels::COMPLETED.to_owned(), over);
        labels
    }

    /// Whether the workflow is asked to begin nothing new.
    pub fn is_suspended(&self) -> bool {
        self.status.suspended
    }
}
