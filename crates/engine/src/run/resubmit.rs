//! A new run that takes over what succeeded in an old one: `argo resubmit --memoized`.
//! Argo: `FormulateResubmitWorkflow`.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_api::{NodePhase, NodeType, WorkflowPhase};

use super::body::Body;
use super::node::{Flags, Node, Role};
use super::rebuild::LoadError;
use super::row;
use super::{Run, Undone};
use crate::definition::Definition;
use crate::ids::{NodeIndex, RunId, Seconds};
use crate::plan::PlannedTemplate;

/// What Argo says of a pod that is taken over, before its node's ID.
pub(super) const TAKEN_OVER: &str = "original pod: ";

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
        let done = self.done_nodes();
        let mut moved = vec![NodeIndex::NONE; self.nodes.len()];
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            let above = [node.parent, node.boundary, node.owner];
            let is_gone = |above: &NodeIndex| {
                above
                    .some()
                    .is_some_and(|at| moved[at.offset()].some().is_none())
            };
            if above.iter().any(is_gone) || !self.is_carried_over(index, &done) {
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
        new.want_locks_anew();
        for place in 0..new.nodes.len() as u32 {
            new.change(NodeIndex(place));
        }
        new.status.undone = Undone::Unseen(None);
        new.status_changed = true;
        Ok(new)
    }

    /// The workflow's exit handler is run anew, and so is what failed. What stands behind it is
    /// begun when it is reached, so it is left out: the ways on may be others then.
    fn is_carried_over(&self, index: NodeIndex, done: &[bool]) -> bool {
        let node = self.node(index);
        let is_done = |index: NodeIndex| done[index.offset()];
        match node.role {
            Role::OnExit if node.owner == NodeIndex::NONE => return false,
            // What runs again ends again, and tells so.
            Role::OnExit => return is_done(index) && is_done(node.owner),
            Role::Hook if node.owner != NodeIndex::NONE => return is_done(index),
            Role::StepGroup => {
                let before = self.groups_of(node.parent).iter();
                let mut before = before.take_while(|group| **group != index);
                if !before.all(|&group| is_done(group)) {
                    return false;
                }
            }
            Role::Task if matches!(self.node(node.parent).body, Body::Dag(_)) => {
                if !self.is_behind_done(index, done) {
                    return false;
                }
            }
            Role::Root | Role::Step | Role::Task | Role::Attempt | Role::Container | Role::Hook => {
            }
        }
        if is_done(index) {
            return true;
        }
        let is_composite = !matches!(node.body, Body::None | Body::Gate(_));
        is_composite && !self.is_superseded(index)
    }

    fn groups_of(&self, index: NodeIndex) -> &[NodeIndex] {
        match &self.node(index).body {
            Body::Steps(body) => &body.groups,
            _ => &[],
        }
    }

    /// Whether all tasks that a task depends on are done.
    fn is_behind_done(&self, index: NodeIndex, done: &[bool]) -> bool {
        let node = self.node(index);
        let template = self.template_of(node.parent);
        let plan = template.as_deref().and_then(PlannedTemplate::dag);
        let (Some(plan), Body::Dag(body)) = (plan, &self.node(node.parent).body) else {
            return false;
        };
        let task = plan.tasks.get(node.slot as usize);
        task.is_some_and(|task| {
            task.dependencies.iter().all(|&dependency| {
                let node = body.tasks[dependency as usize].node;
                node.some().is_some_and(|node| done[node.offset()])
            })
        })
    }

    /// Which nodes have nothing to do in the new run: what ran well, with all that stands in it, and
    /// what was skipped before it.
    fn done_nodes(&self) -> Vec<bool> {
        let edges = self.children();
        let mut done = vec![false; self.nodes.len()];
        // Whether all that stands in a node, or hangs on it, is done. What stands in another comes
        // behind it.
        let mut inside = vec![true; self.nodes.len()];
        for place in (0..self.nodes.len()).rev() {
            let index = NodeIndex(place as u32);
            let node = self.node(index);
            let own = match node.kind {
                NodeType::Pod | NodeType::Container => !node.phase.is_failed_or_error(),
                NodeType::Skipped => self.succeeded_below(index, &edges),
                NodeType::Suspend | NodeType::HTTP | NodeType::Plugin => false,
                NodeType::Steps
                | NodeType::StepGroup
                | NodeType::DAG
                | NodeType::TaskGroup
                | NodeType::Retry => {
                    node.phase == NodePhase::Succeeded && !matches!(node.body, Body::None)
                }
            };
            done[place] = own && inside[place] && !self.is_superseded(index);
            if done[place] || self.is_superseded(index) {
                continue;
            }
            let above = match node.role {
                // What was skipped begins no hooks.
                Role::OnExit | Role::Hook => node.owner.some().filter(|&owner| {
                    let owner = self.node(owner);
                    !matches!(owner.kind, NodeType::Pod | NodeType::Container)
                }),
                _ => node.parent.some(),
            };
            if let Some(above) = above {
                inside[above.offset()] = false;
            }
        }
        done
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
                    let message = format!("{TAKEN_OVER}{}", self.node_id(index));
                    node.message = Some(Arc::from(message));
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
