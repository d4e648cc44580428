//! A new run that takes over what succeeded in an old one: `argo resubmit --memoized`.
//! Argo: `FormulateResubmitWorkflow`.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_api::{NodePhase, NodeType, WorkflowPhase};

use super::Run;
use super::body::Body;
use super::node::{Flags, Node, Role};
use super::rebuild::LoadError;
use super::row;
use crate::definition::Definition;
use crate::ids::{NodeIndex, RunId, Seconds};

impl Run {
    /// The run of a workflow that was resubmitted from this one: nodes whose pod succeeded are
    /// skipped with their outputs, what failed is made again. It begins as any new run does.
    ///
    /// # Errors
    /// If this workflow did not fail, or the new one is of another shape.
    pub fn resubmitted(
        &self,
        id: RunId,
        definition: Arc<Definition>,
        now: Seconds,
    ) -> Result<Self, LoadError> {
        match self.status.phase {
            Some(WorkflowPhase::Failed | WorkflowPhase::Error) => {}
            _ => {
                return Err(LoadError::Refused(
                    "workflow must be Failed/Error to resubmit in memoized mode".to_owned(),
                ));
            }
        }
        if !self.status.revisions.is_empty() {
            return Err(LoadError::Refused(
                "the workflow's templates were changed by a retry, so that its nodes don't fit one that is begun anew: resubmit it without memoizing".to_owned(),
            ));
        }
        let mut new = Self::new(id, definition, self.settings.clone())?;
        new.now = now;
        let children = self.children();
        let mut moved = vec![NodeIndex::NONE; self.nodes.len()];
        let mut left_out = BTreeSet::new();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            let gone = |above: NodeIndex| above != NodeIndex::NONE && left_out.contains(&above);
            if gone(node.parent)
                || gone(node.boundary)
                || gone(node.owner)
                || !self.is_carried_over(index, &children)
            {
                left_out.insert(index);
                continue;
            }
            moved[index.offset()] = NodeIndex(new.nodes.len() as u32);
            let carried = self.carried(index, &moved, now);
            let mut values = Vec::new();
            let record = row::encode(&carried, &mut values);
            let find = |hash| {
                let mut known = values.iter();
                known
                    .find(|(known, _)| *known == hash)
                    .map(|(_, value)| Arc::clone(value))
            };
            let (node, body) = row::decode(&record, &find)?;
            new.load_node(node, body)?;
        }
        new.link_all()?;
        for place in 0..new.nodes.len() as u32 {
            new.change(NodeIndex(place));
        }
        new.status_changed = true;
        Ok(new)
    }

    /// Exit handlers are run anew, and so is what failed, and what was left out because of it.
    fn is_carried_over(&self, index: NodeIndex, children: &[Vec<NodeIndex>]) -> bool {
        let node = self.node(index);
        if node.flags.has(Flags::EXIT_HANDLER) || node.role == Role::OnExit {
            return false;
        }
        if self.is_superseded(index) {
            return false;
        }
        match node.kind {
            NodeType::Skipped => self.succeeded_below(index, children),
            NodeType::Pod | NodeType::Container => !node.phase.is_failed_or_error(),
            NodeType::Suspend | NodeType::HTTP | NodeType::Plugin => false,
            NodeType::Steps
            | NodeType::StepGroup
            | NodeType::DAG
            | NodeType::TaskGroup
            | NodeType::Retry => true,
        }
    }

    fn succeeded_below(&self, index: NodeIndex, children: &[Vec<NodeIndex>]) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            for &child in &children[index.offset()] {
                if self.node(child).phase == NodePhase::Succeeded {
                    return true;
                }
                if seen.insert(child) {
                    open.push(child);
                }
            }
        }
        false
    }

    fn carried(&self, index: NodeIndex, moved: &[NodeIndex], now: Seconds) -> Node {
        let mut node = self.node(index).clone();
        for link in [&mut node.parent, &mut node.boundary, &mut node.owner] {
            if *link != NodeIndex::NONE {
                *link = moved[link.offset()];
            }
        }
        node.set_started_at(now);
        node.flags = Flags(node.flags.0 & (Flags::HOOKED.0 | Flags::WANTS_RESULT.0));
        match node.body {
            Body::None => {
                node.set_finished_at(Some(now));
                if matches!(node.kind, NodeType::Pod | NodeType::Container) {
                    node.kind = NodeType::Skipped;
                    node.phase = NodePhase::Skipped;
                    node.message =
                        Some(Arc::from(format!("original pod: {}", self.node_id(index))));
                }
            }
            _ => {
                node.phase = NodePhase::Pending;
                node.message = None;
                node.set_finished_at(None);
                if let Body::Group(body) = &mut node.body {
                    body.doomed = None;
                }
                if let Body::Retry(body) = &mut node.body {
                    body.wait_until = None;
                    body.deadline = None;
                }
            }
        }
        node
    }
}
