//! What running again would do: which nodes are made anew and which are opened again.
//! Argo: `FormulateRetryWorkflow`, `resetPath` in `workflow/util/util.go`.
//!
//! Argo works on the graph that clients draw, so this does too. From each node that is to run
//! again it goes up: what is drawn below is taken out, groups and boundaries above are opened.

use std::collections::{BTreeSet, VecDeque};

use argosy_api::{NodePhase, NodeType, WorkflowPhase};

use super::Run;
use super::node::{Flags, Role};
use super::refit::Refit;
use crate::fact::NodeSelector;
use crate::ids::NodeIndex;
use crate::revision::Revision;

/// What running again would do.
#[derive(Clone, Debug, Default)]
pub struct RestartPlan {
    /// The nodes that are taken out, to be made again.
    pub removed: BTreeSet<NodeIndex>,
    /// The nodes that are opened again.
    pub reopened: BTreeSet<NodeIndex>,
    /// What becomes of nodes that are opened again under changed templates.
    pub(super) refit: Refit,
}

/// Which nodes are run again.
#[derive(Clone, Copy, Debug)]
pub struct RestartChoice<'a> {
    /// Nodes that succeeded too, where the selector means them.
    pub restart_successful: bool,
    /// Which of them.
    pub selector: Option<&'a NodeSelector>,
    /// Beyond Argo: these nodes, however they ended, whatever came of the workflow.
    pub from: Option<&'a NodeSelector>,
    /// Parameters get new values, so loops are gone over anew.
    pub new_parameters: bool,
    /// Beyond Argo: templates that take the place of the run's.
    pub revision: Option<&'a Revision>,
}

/// The graph that clients draw, with one parent for each node.
pub(super) struct Drawn {
    children: Vec<Vec<NodeIndex>>,
    parents: Vec<NodeIndex>,
}

impl Drawn {
    pub fn below(&self, start: NodeIndex) -> BTreeSet<NodeIndex> {
        let mut found = BTreeSet::new();
        let mut open = vec![start];
        while let Some(index) = open.pop() {
            for &child in &self.children[index.offset()] {
                if found.insert(child) {
                    open.push(child);
                }
            }
        }
        found
    }

    fn parent(&self, index: NodeIndex) -> Option<NodeIndex> {
        self.parents[index.offset()].some()
    }
}

impl Run {
    /// What running again would do.
    ///
    /// # Errors
    /// If the workflow can't be retried, in Argo's words.
    pub fn plan_restart(&self, choice: RestartChoice<'_>) -> Result<RestartPlan, String> {
        self.check_restart(choice)?;
        let drawn = self.drawn();
        let chosen = self.chosen(choice);
        let mut starts = chosen.clone();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            if self.is_failed_leaf(index) && !self.is_passed_over(index, &drawn, &chosen) {
                starts.insert(index);
            }
        }
        let mut plan = RestartPlan::default();
        for index in self.in_drawn_order(&drawn) {
            if starts.contains(&index)
                && !plan.removed.contains(&index)
                && !self.is_in_superseded_attempt(index)
            {
                self.reset_path(index, &drawn, &mut plan);
            }
        }
        if choice.new_parameters {
            self.expand_anew(&drawn, &mut plan);
        }
        if let Some(revision) = choice.revision {
            self.refit(revision, &drawn, &mut plan)?;
        }
        self.take_whole(&mut plan);
        plan.reopened = plan.reopened.difference(&plan.removed).copied().collect();
        Ok(plan)
    }

    fn check_restart(&self, choice: RestartChoice<'_>) -> Result<(), String> {
        // What was taken up shows the end that it showed, for as long as nothing of it runs.
        let shown = self
            .status
            .shown_end
            .filter(|_| self.counts.asked_pods == 0);
        match shown.map(|(phase, _)| phase).or(self.status.phase) {
            Some(WorkflowPhase::Failed | WorkflowPhase::Error) => {}
            Some(WorkflowPhase::Succeeded) => {
                let asked = choice.restart_successful
                    && choice
                        .selector
                        .is_some_and(|selector| !selector.0.is_empty());
                if !asked && choice.from.is_none() {
                    return Err("To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector".to_owned());
                }
            }
            phase => {
                let phase = phase.map_or("", WorkflowPhase::as_str);
                return Err(format!("Cannot retry a workflow in phase {phase}"));
            }
        }
        if let Some(from) = choice.from
            && !self
                .all_nodes()
                .any(|index| self.matches(index, from) && !self.is_in_superseded_attempt(index))
        {
            return Err("no node matches what the workflow is to be run again from".to_owned());
        }
        Ok(())
    }

    pub(super) fn all_nodes(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.nodes.len() as u32).map(NodeIndex)
    }

    /// The nodes that were asked for by name.
    fn chosen(&self, choice: RestartChoice<'_>) -> BTreeSet<NodeIndex> {
        let selector = choice
            .selector
            .filter(|selector| choice.restart_successful && !selector.0.is_empty());
        self.all_nodes()
            .filter(|&index| {
                [selector, choice.from]
                    .into_iter()
                    .flatten()
                    .any(|selector| self.matches(index, selector))
            })
            .collect()
    }

    /// Whether a node stands in an attempt that another one followed: nothing waits for it any
    /// more. Argo opens such an attempt again, and never looks at it.
    fn is_in_superseded_attempt(&self, index: NodeIndex) -> bool {
        let above = |index: NodeIndex| {
            let node = self.node(index);
            let around = [node.parent, node.owner, node.boundary];
            around.into_iter().find_map(NodeIndex::some)
        };
        std::iter::successors(above(index), |&index| above(index))
            .any(|above| self.is_superseded(above))
    }

    /// Whether a node is an attempt that another one followed.
    pub(super) fn is_superseded(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        node.role == Role::Attempt && self.attempts(node.parent).last() != Some(&index)
    }

    fn is_failed_leaf(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        node.phase.is_failed_or_error()
            && matches!(
                node.kind,
                NodeType::Container | NodeType::Pod | NodeType::HTTP | NodeType::Plugin
            )
    }

    /// Whether something behind a failed node succeeded all the same, so that it is left alone.
    fn is_passed_over(
        &self,
        index: NodeIndex,
        drawn: &Drawn,
        chosen: &BTreeSet<NodeIndex>,
    ) -> bool {
        let node = self.node(index);
        let start = match node.role {
            Role::Attempt => node.parent,
            _ => index,
        };
        drawn
            .below(start)
            .iter()
            .any(|below| !chosen.contains(below) && self.node(*below).phase == NodePhase::Succeeded)
    }

    /// Of several nodes above one, Argo keeps the one whose ID sorts last.
    fn drawn(&self) -> Drawn {
        let children = self.children();
        let mut ids: Vec<(String, NodeIndex)> = self
            .all_nodes()
            .map(|index| (self.node_id(index), index))
            .collect();
        ids.sort_unstable();
        let mut parents = vec![NodeIndex::NONE; self.nodes.len()];
        for (_, above) in ids {
            for child in &children[above.offset()] {
                parents[child.offset()] = above;
            }
        }
        Drawn { children, parents }
    }

    /// Breadth first from the root: what stands higher is looked at first.
    fn in_drawn_order(&self, drawn: &Drawn) -> Vec<NodeIndex> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut open = VecDeque::new();
        if !self.nodes.is_empty() {
            open.push_back(NodeIndex::ROOT);
            seen[0] = true;
        }
        while let Some(index) = open.pop_front() {
            order.push(index);
            for &child in &drawn.children[index.offset()] {
                if !std::mem::replace(&mut seen[child.offset()], true) {
                    open.push_back(child);
                }
            }
        }
        order
    }

    fn reset_path(&self, start: NodeIndex, drawn: &Drawn, plan: &mut RestartPlan) {
        plan.removed.extend(drawn.below(start));
        plan.removed.insert(start);
        let mut current = Some(start);
        while let Some(index) = current {
            let node = self.node(index);
            match node.kind {
                NodeType::DAG | NodeType::TaskGroup | NodeType::StepGroup | NodeType::Steps => {
                    plan.reopened.insert(index);
                    current = self.reset_boundaries(index, drawn, plan);
                    continue;
                }
                NodeType::Retry if node.phase.is_failed_or_error() => {
                    plan.reopened.insert(index);
                }
                NodeType::Container => {
                    // The pod runs as a whole.
                    let pod = self.up_to(index, drawn, plan, |node| node.kind == NodeType::Pod);
                    if let Some(pod) = pod {
                        plan.removed.extend(drawn.below(pod));
                        plan.removed.insert(pod);
                    }
                    current = pod;
                    continue;
                }
                _ => {}
            }
            current = drawn.parent(index);
        }
    }

    /// Goes up to a node; it is opened.
    fn up_to(
        &self,
        start: NodeIndex,
        drawn: &Drawn,
        plan: &mut RestartPlan,
        wanted: impl Fn(&super::node::Node) -> bool,
    ) -> Option<NodeIndex> {
        let mut current = Some(start);
        while let Some(index) = current {
            if wanted(self.node(index)) {
                plan.reopened.insert(index);
                return Some(index);
            }
            current = drawn.parent(index);
        }
        None
    }

    /// Opens the boundaries around a group, one in another. Argo: `resetBoundaries`.
    fn reset_boundaries(
        &self,
        start: NodeIndex,
        drawn: &Drawn,
        plan: &mut RestartPlan,
    ) -> Option<NodeIndex> {
        let mut current = start;
        loop {
            if let Some(above) = drawn.parent(current)
                && self.node(above).kind == NodeType::Retry
            {
                plan.reopened.insert(above);
                current = above;
            }
            if let Some(above) = drawn.parent(current)
                && matches!(
                    self.node(above).kind,
                    NodeType::StepGroup | NodeType::TaskGroup
                )
            {
                plan.reopened.insert(above);
            }
            let Some(boundary) = self.node(current).boundary.some() else {
                return drawn.parent(current);
            };
            plan.reopened.insert(boundary);
            current = boundary;
        }
    }

    /// With new parameters, what loops is expanded anew.
    fn expand_anew(&self, drawn: &Drawn, plan: &mut RestartPlan) {
        let groups: Vec<NodeIndex> = plan
            .reopened
            .iter()
            .copied()
            .filter(|index| !plan.removed.contains(index))
            .filter(|&index| {
                matches!(
                    self.node(index).kind,
                    NodeType::TaskGroup | NodeType::StepGroup
                )
            })
            .collect();
        for group in groups {
            plan.removed.extend(drawn.below(group));
            // A task's group holds what it loops over; a step's group is filled again.
            if self.node(group).kind == NodeType::TaskGroup {
                plan.removed.insert(group);
            }
        }
    }

    /// Whatever stands in or on a removed node goes with it, and so does the exit handler.
    fn take_whole(&self, plan: &mut RestartPlan) {
        for index in self.all_nodes() {
            let node = self.node(index);
            let gone = |above: NodeIndex| above != NodeIndex::NONE && plan.removed.contains(&above);
            let exit_handler = node.role == Role::OnExit
                && node.owner == NodeIndex::NONE
                && node.flags.has(Flags::EXIT_HANDLER);
            if exit_handler || gone(node.parent) || gone(node.boundary) || gone(node.owner) {
                plan.removed.insert(index);
            }
        }
    }
}
