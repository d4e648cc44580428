//! DAGs. A task begins when the tasks that it depends on are settled and its `depends` holds; the
//! DAG ends when its targets are. Argo: `workflow/controller/dag.go`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};
use argosy_expr::TaskResult;

use super::Run;
use super::body::Body;
use super::limits::FAIL_FAST;
use super::looping::{EMPTY, Verdict, inherited, not_held, task_group};
use super::node::{Flags, NO_ITEM, Role};
use super::start::{Begun, Place, TOO_DEEP};
use crate::ids::NodeIndex;
use crate::plan::{ContinueOn, DagPlan, PlannedTemplate};

impl Run {
    /// Begins the tasks that are ready, and ends the DAG when nothing is left.
    pub(super) fn advance_dag(&mut self, index: NodeIndex) {
        if self.node(index).phase.is_fulfilled() {
            return;
        }
        let Some(template) = self.template_of(index) else {
            return;
        };
        let Some(plan) = template.dag() else {
            return;
        };
        if let Body::Dag(body) = &self.node(index).body
            && !body.unjudged.is_empty()
        {
            self.judge_ready(index, plan);
        }
        if !self.begin_ready(index, plan) {
            self.dirty.insert(index);
            return;
        }
        self.end_dag_if_over(index);
    }

    /// Begins the tasks that are ready, in order; `false` if the turn is spent before. Where a limit
    /// holds one back, those behind it that nobody has tried yet are tried nevertheless: some need
    /// no place, and Argo makes these.
    fn begin_ready(&mut self, index: NodeIndex, plan: &DagPlan) -> bool {
        let mut held = false;
        // Nothing more begins where a template fails fast, skipped tasks and loops included.
        while !self.fails_fast(index) {
            let spent = self.spent >= super::turn::TURN_BUDGET;
            let Body::Dag(body) = &mut self.nodes[index.offset()].body else {
                return true;
            };
            let next = match held {
                true => body.untried.first(),
                false => body.ready.first(),
            };
            let Some(&rank) = next else {
                if !held {
                    self.wake_held_back(index);
                }
                return true;
            };
            if spent {
                return false;
            }
            body.untried.remove(&rank);
            held |= !self.begin_task(index, plan.order[rank as usize]);
        }
        true
    }

    fn task_place(&self, index: NodeIndex, slot: u32) -> Place {
        Place {
            role: Role::Task,
            parent: index,
            boundary: index,
            owner: NodeIndex::NONE,
            slot,
            item: NO_ITEM,
            around: index,
            flags: inherited(self.node(index).flags),
        }
    }

    /// Begins one ready task; `false` if a limit holds it back.
    fn begin_task(&mut self, index: NodeIndex, slot: u32) -> bool {
        let Some(template) = self.template_of(index) else {
            return false;
        };
        let Some(task) = template.dag().map(|dag| &dag.tasks[slot as usize]) else {
            return false;
        };
        let call = &task.call;
        let place = self.task_place(index, slot);
        if let Some(error) = self.spoilt_before(index, template.dag(), slot) {
            self.add_unrun_task(place, NodePhase::Error, &error);
            return true;
        }
        let verdict = match self.judge(call, index, None) {
            Ok(verdict) => verdict,
            Err(error) => {
                self.add_unrun_task(place, NodePhase::Error, &error);
                return true;
            }
        };
        if let Some(looping) = &call.looping {
            let expanded = self.expand(call, looping, index, &verdict);
            let tried = expanded.and_then(|items| {
                self.try_items(call, index, &items, &verdict)
                    .map(|()| items)
            });
            match tried {
                Err(error) => self.add_unrun_task(place, NodePhase::Error, &error),
                Ok(items) if items.len() == 0 => {
                    self.add_unrun_task(place, NodePhase::Skipped, EMPTY);
                }
                Ok(items) => {
                    let node = self.add_node(task_group(place, items, self.now));
                    self.task_made(index, slot, node);
                    self.dirty.insert(node);
                    self.phase_changed(node);
                }
            }
            return true;
        }
        if let Verdict::Skip(when) = verdict {
            self.add_unrun_task(place, NodePhase::Skipped, &not_held(&when));
            return true;
        }
        // The task's node may settle at once, so the DAG must know it first.
        let expected = NodeIndex(self.nodes.len() as u32);
        match self.begin_call(call, place, None, &[]) {
            Begun::Held(held) => {
                self.hold_back(index, index, held);
                false
            }
            Begun::Made(node) => {
                debug_assert_eq!(node, expected);
                self.task_made(index, slot, node);
                self.run_first_hooks(node, call);
                true
            }
            Begun::Refused(node, error) => {
                self.task_made(index, slot, node);
                self.wrap_task_error(node, &error);
                true
            }
        }
    }

    /// What is wrong with the results of a loop that a task stands behind, if something is: Argo makes
    /// lists of those of all tasks before it. Argo: `buildLocalScopeFromTask`.
    fn spoilt_before(
        &self,
        index: NodeIndex,
        plan: Option<&DagPlan>,
        slot: u32,
    ) -> Option<Arc<str>> {
        let (Some(plan), Body::Dag(body)) = (plan, &self.node(index).body) else {
            return None;
        };
        if body.spoilt.is_empty() {
            return None;
        }
        let mut seen = vec![false; plan.tasks.len()];
        let mut open = vec![slot];
        while let Some(slot) = open.pop() {
            for &dependency in &plan.tasks[slot as usize].dependencies {
                if let Some(error) = body.spoilt.get(&dependency) {
                    return Some(error.clone());
                }
                if !std::mem::replace(&mut seen[dependency as usize], true) {
                    open.push(dependency);
                }
            }
        }
        None
    }

    /// Notes whether a list can be made of the results of a task that loops, once it is settled.
    pub(super) fn note_results(&mut self, index: NodeIndex, slot: u32, child: NodeIndex) {
        if self.node(child).kind == NodeType::TaskGroup
            && let Err(error) = self.check_results(child, 0)
            && let Body::Dag(body) = &mut self.nodes[index.offset()].body
        {
            body.spoilt.insert(slot, error.into());
        }
    }

    fn task_made(&mut self, index: NodeIndex, slot: u32, node: NodeIndex) {
        let template = self.template_of(index);
        let dag = template.as_deref().and_then(PlannedTemplate::dag);
        let rank = dag.map(|dag| dag.tasks[slot as usize].rank);
        if let Body::Dag(body) = &mut self.nodes[index.offset()].body {
            if let Some(rank) = rank {
                body.ready.remove(&rank);
                body.untried.remove(&rank);
            }
            body.tasks[slot as usize].node = node;
            body.open += 1;
        }
    }

    fn add_unrun_task(&mut self, place: Place, phase: NodePhase, message: &str) {
        let node = self.add_skipped(place, phase, message);
        self.task_made(place.parent, place.slot, node);
    }

    /// Argo says which task an error belongs to, unless it is the depth of recursion.
    pub(super) fn wrap_task_error(&mut self, node: NodeIndex, error: &str) {
        if error != TOO_DEEP && !self.argument_errors.remove(&node) {
            let message = format!("task '{}' errored: {error}", self.name(node));
            self.set_message(node, Some(&message));
        }
    }

    /// A task is over, with its hooks: those that depend on it may begin.
    pub(super) fn task_settled(&mut self, index: NodeIndex, child: NodeIndex) {
        let slot = self.node(child).slot;
        let Some(template) = self.template_of(index) else {
            return;
        };
        let Some(plan) = template.dag() else {
            return;
        };
        let branch = self.branch_phase(index, plan, slot, child);
        self.note_results(index, slot, child);
        let Body::Dag(body) = &mut self.nodes[index.offset()].body else {
            return;
        };
        body.tasks[slot as usize].branch = Some(branch);
        body.open -= 1;
        body.unsettled -= 1;
        for &dependent in &plan.tasks[slot as usize].dependents {
            let state = &mut body.tasks[dependent as usize];
            state.waits -= 1;
            if state.waits > 0 || !plan.tasks[dependent as usize].needed {
                continue;
            }
            if state.node == NodeIndex::NONE {
                let rank = plan.tasks[dependent as usize].rank;
                body.ready.insert(rank);
                body.untried.insert(rank);
                body.unjudged.insert(rank);
            }
        }
        self.judge_ready(index, plan);
        self.dirty.insert(index);
    }

    /// Of the tasks that have just become ready, those whose `depends` does not hold are omitted.
    fn judge_ready(&mut self, index: NodeIndex, plan: &DagPlan) {
        if self.fails_fast(index) {
            return;
        }
        let Body::Dag(body) = &mut self.nodes[index.offset()].body else {
            return;
        };
        for rank in std::mem::take(&mut body.unjudged) {
            let slot = plan.order[rank as usize];
            let holds = self.depends_holds(index, plan, slot);
            let place = self.task_place(index, slot);
            match holds {
                Ok(true) => {}
                Ok(false) => {
                    let message = "omitted: depends condition not met";
                    self.add_unrun_task(place, NodePhase::Omitted, message);
                }
                Err(error) => self.add_unrun_task(place, NodePhase::Error, &error),
            }
        }
    }

    fn depends_holds(&self, index: NodeIndex, plan: &DagPlan, slot: u32) -> Result<bool, String> {
        let task = &plan.tasks[slot as usize];
        let (Some(depends), Body::Dag(body)) = (&task.depends, &self.node(index).body) else {
            return Ok(true);
        };
        depends.eval(&mut |dependency, result| {
            let node = body.tasks[task.dependencies[dependency] as usize].node;
            self.has_result(node, result)
        })
    }

    /// Whether a task ended so. Argo: `evaluateDependsLogic`.
    fn has_result(&self, index: NodeIndex, result: TaskResult) -> bool {
        let Some(index) = index.some() else {
            return false;
        };
        let node = self.node(index);
        match result {
            TaskResult::Succeeded => node.phase == NodePhase::Succeeded,
            TaskResult::Failed => node.phase == NodePhase::Failed,
            TaskResult::Errored => node.phase == NodePhase::Error,
            TaskResult::Skipped => node.phase == NodePhase::Skipped,
            TaskResult::Omitted => node.phase == NodePhase::Omitted,
            TaskResult::Daemoned => {
                node.flags.has(Flags::DAEMONED) && node.phase != NodePhase::Pending
            }
            TaskResult::AnySucceeded => self
                .items_of(index)
                .any(|item| self.node(item).phase == NodePhase::Succeeded),
            TaskResult::AllFailed => {
                let mut items = self.items_of(index).peekable();
                items.peek().is_some()
                    && items.all(|item| self.node(item).phase == NodePhase::Failed)
            }
        }
    }

    /// The items of a loop that were made: not all are where it was cut short.
    fn items_of(&self, index: NodeIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        let nodes = match &self.node(index).body {
            Body::Loop(state) => state.nodes.as_slice(),
            _ => &[],
        };
        nodes.iter().filter_map(|node| node.some())
    }

    /// The phase that a settled task hands down: its own if it ran; else the worst of those
    /// before it. Argo: `assessDAGPhase`.
    pub(super) fn branch_phase(
        &self,
        index: NodeIndex,
        plan: &DagPlan,
        slot: u32,
        child: NodeIndex,
    ) -> NodePhase {
        let node = self.node(child);
        if node.is_completed() {
            return node.phase;
        }
        let Body::Dag(body) = &self.node(index).body else {
            return node.phase;
        };
        plan.tasks[slot as usize]
            .dependencies
            .iter()
            .filter_map(|&dependency| body.tasks[dependency as usize].branch)
            .find(|branch| branch.is_failed_or_error())
            .unwrap_or(NodePhase::Succeeded)
    }

    /// Ends a DAG that has nothing left to do.
    fn end_dag_if_over(&mut self, index: NodeIndex) {
        let Body::Dag(body) = &self.node(index).body else {
            return;
        };
        if body.open > 0 {
            if self.fails_fast(index) {
                let children: Vec<NodeIndex> = body
                    .tasks
                    .iter()
                    .filter_map(|task| task.node.some())
                    .collect();
                self.look_at_idle(&children);
            }
            return;
        }
        if self.fails_fast(index) {
            self.end(index, NodePhase::Failed, Some(FAIL_FAST));
            return;
        }
        let over = body.unsettled == 0;
        if self.is_shut_down(index) {
            self.end(index, NodePhase::Failed, None);
            return;
        }
        let Some(template) = self.template_of(index) else {
            return;
        };
        let Some(plan) = template.dag() else {
            return;
        };
        let phase = self.targets_phase(index, plan);
        match phase {
            Some(phase) if phase.is_failed_or_error() && (over || plan.fail_fast) => {
                self.end(index, phase, None);
            }
            _ if !over => {}
            _ => {
                let spoilt = match &self.node(index).body {
                    Body::Dag(body) => body.spoilt.values().next().cloned(),
                    _ => None,
                };
                match spoilt {
                    Some(error) => self.refuse_late(index, &error),
                    None => self.succeed_with_outputs(index, &template),
                }
            }
        }
    }

    /// The phase that the targets give the DAG; `None` while one of them is not known.
    fn targets_phase(&self, index: NodeIndex, plan: &DagPlan) -> Option<NodePhase> {
        let Body::Dag(body) = &self.node(index).body else {
            return None;
        };
        let mut result = Some(NodePhase::Succeeded);
        for &target in &plan.targets {
            let Some(branch) = body.tasks[target as usize].branch else {
                result = None;
                if !plan.fail_fast {
                    return None;
                }
                continue;
            };
            if branch.is_failed_or_error() {
                let on = plan.tasks[target as usize].call.continue_on;
                if continues(on, branch) {
                    continue;
                }
                result = Some(branch);
                if plan.fail_fast {
                    return result;
                }
            }
        }
        result
    }
}

/// Whether a bad end does not count. Argo: `ContinuesOn`.
pub(super) fn continues(on: ContinueOn, phase: NodePhase) -> bool {
    match phase {
        NodePhase::Error => on.error,
        NodePhase::Failed => on.failed,
        NodePhase::Pending
        | NodePhase::Running
        | NodePhase::Succeeded
        | NodePhase::Skipped
        | NodePhase::Omitted => false,
    }
}
