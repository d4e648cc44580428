//! Steps: groups that run one after the other, of steps that run side by side.
//! Argo: `workflow/controller/steps.go`.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::body::{Body, GroupBody, Items, LoopState, StepState};
use super::dag::continues;
use super::limits::FAIL_FAST;
use super::looping::{EMPTY, Verdict, inherited, not_held};
use super::node::{NO_ITEM, Node, Role};
use super::pod::TIMEOUT;
use super::start::{Begun, Place, TOO_DEEP};
use crate::ids::NodeIndex;
use crate::plan::{CallPlan, PlannedTemplate};

impl Run {
    /// Begins the next group, or ends the steps.
    pub(super) fn advance_steps(&mut self, index: NodeIndex) {
        if self.node(index).phase.is_fulfilled() {
            return;
        }
        let Some(template) = self.template_of(index) else {
            return;
        };
        let Body::Steps(body) = &self.node(index).body else {
            return;
        };
        let (begun, mut over) = (body.groups.len(), body.over);
        while over < begun {
            let Body::Steps(body) = &mut self.nodes[index.offset()].body else {
                return;
            };
            body.over = over;
            let at = body.groups[over];
            let group = self.node(at);
            if !group.phase.is_fulfilled() {
                return;
            }
            if group.phase.is_failed_or_error() {
                // Steps are Failed even when their group is an error.
                let message = group.message.clone();
                self.end(
                    index,
                    NodePhase::Failed,
                    Some(message.as_deref().unwrap_or("")),
                );
                return;
            }
            if let Err(error) = self.check_group_results(at, &template) {
                self.refuse_late(index, &error);
                return;
            }
            over += 1;
        }
        match template.steps().and_then(|steps| steps.groups.get(begun)) {
            Some(steps) => self.begin_group(index, begun as u32, steps.len()),
            None => self.succeed_with_outputs(index, &template),
        }
    }

    fn begin_group(&mut self, index: NodeIndex, slot: u32, steps: usize) {
        let mut node = Node::new(
            Role::StepGroup,
            NodeType::StepGroup,
            NodePhase::Running,
            self.now,
        );
        node.parent = index;
        node.boundary = index;
        node.slot = slot;
        node.flags = inherited(self.node(index).flags);
        node.body = Body::Group(Box::new(GroupBody {
            steps: vec![StepState::Unmade; steps],
            ..GroupBody::default()
        }));
        let group = self.add_node(node);
        if let Body::Steps(body) = &mut self.nodes[index.offset()].body {
            body.groups.push(group);
        }
        self.dirty.insert(group);
    }

    /// The results of a group's loops become JSON lists, so each must be JSON.
    fn check_group_results(
        &self,
        group: NodeIndex,
        template: &PlannedTemplate,
    ) -> Result<(), String> {
        let node = self.node(group);
        let steps = template
            .steps()
            .and_then(|steps| steps.groups.get(node.slot as usize));
        for (slot, call) in (0u32..).zip(steps.into_iter().flatten()) {
            if call.looping.is_some() {
                self.check_results(group, slot)?;
            }
        }
        Ok(())
    }

    /// Makes the children of a group, as far as limits allow.
    pub(super) fn advance_group(&mut self, index: NodeIndex) {
        if self.node(index).phase.is_fulfilled() {
            return;
        }
        let steps_node = self.node(index).parent;
        let Some(template) = self.template_of(steps_node) else {
            return;
        };
        let slot = self.node(index).slot as usize;
        let Some(calls) = template.steps().map(|steps| &steps.groups[slot]) else {
            return;
        };
        if !self.check_group(index, steps_node, calls) {
            return;
        }
        loop {
            let Body::Group(body) = &self.node(index).body else {
                return;
            };
            let step = body.made;
            let over = body.doomed.is_some() || step as usize >= calls.len();
            if over || self.fails_fast(steps_node) {
                self.wake_held_back(steps_node);
                break;
            }
            if self.spent >= super::turn::TURN_BUDGET {
                self.dirty.insert(index);
                return;
            }
            if let StepState::Single(_) = body.steps[step as usize] {
                // A retry has left it, and taken one before it out.
                self.pass_step(index);
                continue;
            }
            if !self.make_step(index, steps_node, step, &calls[step as usize]) {
                break;
            }
        }
        self.end_group_if_over(index, calls);
    }

    /// Looks at all texts of a group before its first child is made: a fault in one is the
    /// group's.
    fn check_group(
        &mut self,
        index: NodeIndex,
        steps_node: NodeIndex,
        calls: &[Arc<CallPlan>],
    ) -> bool {
        let Body::Group(body) = &mut self.nodes[index.offset()].body else {
            return false;
        };
        if std::mem::replace(&mut body.checked, true) {
            return true;
        }
        let unbegun = body.made == 0;
        for call in calls {
            if let Err(error) = self.check_call(call, steps_node) {
                let message = format!("failed to resolve references: {error}");
                self.end(index, NodePhase::Error, Some(&message));
                return false;
            }
        }
        // A loop that is alone is tried when its items are known anyway.
        if calls.len() > 1
            && unbegun
            && let Err((fault, error)) = self.check_loops(calls, steps_node)
        {
            for (step, call) in (0u32..).zip(&calls[..fault]) {
                self.skip_empty_loop(index, step, call);
            }
            self.end(index, NodePhase::Error, Some(&error));
            return false;
        }
        true
    }

    /// A loop over nothing is skipped before others of its group are looked at.
    fn skip_empty_loop(&mut self, index: NodeIndex, step: u32, call: &CallPlan) {
        let place = self.step_place(index, step);
        if let Some(looping) = &call.looping
            && let Ok(verdict) = self.judge(call, place.around, None)
            && let Ok(items) = self.expand(call, looping, place.around, &verdict)
            && items.len() == 0
        {
            let node = self.add_skipped(place, NodePhase::Skipped, EMPTY);
            self.step_made(index, step, node);
        }
    }

    /// Tries the loops of a group, as far as the first at fault: which that is, and why.
    fn check_loops(
        &self,
        calls: &[Arc<CallPlan>],
        steps_node: NodeIndex,
    ) -> Result<(), (usize, String)> {
        for (place, call) in calls.iter().enumerate() {
            if let Some(looping) = &call.looping {
                self.judge(call, steps_node, None)
                    .and_then(|verdict| {
                        let items = self.expand(call, looping, steps_node, &verdict)?;
                        self.try_items(call, steps_node, &items, &verdict)
                    })
                    .map_err(|error| (place, error))?;
            }
        }
        Ok(())
    }

    /// What Argo resolves of a step before the items of its loop are known.
    fn check_call(&self, call: &CallPlan, steps_node: NodeIndex) -> Result<(), String> {
        match self.judge(call, steps_node, None)? {
            Verdict::Skip(_) => Ok(()),
            Verdict::Go | Verdict::Later => self.check_arguments(call, steps_node),
        }
    }

    /// Makes what is left of one step; `false` if a limit holds it back or the turn is spent.
    fn make_step(
        &mut self,
        index: NodeIndex,
        steps_node: NodeIndex,
        step: u32,
        call: &Arc<CallPlan>,
    ) -> bool {
        let place = self.step_place(index, step);
        let Body::Group(body) = &self.node(index).body else {
            return false;
        };
        if let StepState::Loop(_) = &body.steps[step as usize] {
            return self.make_items(index, place, call);
        }
        let alone = body.steps.len() == 1;
        let verdict = match self.judge(call, steps_node, None) {
            Ok(verdict) => verdict,
            Err(error) => {
                let node = self.add_skipped(place, NodePhase::Error, &error);
                self.step_made(index, step, node);
                self.doom(index, &error);
                return true;
            }
        };
        if let Some(looping) = &call.looping {
            let mut items = self.expand(call, looping, steps_node, &verdict);
            if alone {
                items = items.and_then(|items| {
                    self.try_items(call, steps_node, &items, &verdict)
                        .map(|()| items)
                });
            }
            return self.make_loop(index, place, call, items);
        }
        if let Verdict::Skip(when) = verdict {
            let node = self.add_skipped(place, NodePhase::Skipped, &not_held(&when));
            self.step_made(index, step, node);
            return true;
        }
        match self.begin_call(call, place, None, &[]) {
            Begun::Held(held) => {
                self.hold_back(index, steps_node, held);
                false
            }
            Begun::Made(node) => {
                self.step_made(index, step, node);
                self.run_first_hooks(node, call);
                true
            }
            Begun::Refused(node, error) => {
                self.step_made(index, step, node);
                self.doom_by_child(index, node, &error);
                true
            }
        }
    }

    fn step_place(&self, index: NodeIndex, step: u32) -> Place {
        let steps_node = self.node(index).parent;
        Place {
            role: Role::Step,
            parent: index,
            boundary: steps_node,
            owner: NodeIndex::NONE,
            slot: step,
            item: NO_ITEM,
            around: steps_node,
            flags: inherited(self.node(index).flags),
        }
    }

    /// Makes a step that loops over these items; `false` if a limit holds some back.
    fn make_loop(
        &mut self,
        index: NodeIndex,
        place: Place,
        call: &Arc<CallPlan>,
        items: Result<Items, String>,
    ) -> bool {
        match items {
            Err(error) => {
                self.doom(index, &error);
                true
            }
            Ok(items) if items.len() == 0 => {
                let node = self.add_skipped(place, NodePhase::Skipped, EMPTY);
                self.step_made(index, place.slot, node);
                true
            }
            Ok(items) => {
                self.begin_loop(index, place.slot, items);
                self.make_items(index, place, call)
            }
        }
    }

    fn begin_loop(&mut self, index: NodeIndex, step: u32, items: Items) {
        if let Body::Group(body) = &mut self.nodes[index.offset()].body {
            body.steps[step as usize] = StepState::Loop(Box::new(LoopState::new(items)));
        }
        // How a step was expanded is part of its group's row.
        self.change(index);
    }

    /// Makes the items of a step's loop that have no node.
    fn make_items(&mut self, index: NodeIndex, place: Place, call: &Arc<CallPlan>) -> bool {
        loop {
            let Body::Group(body) = &mut self.nodes[index.offset()].body else {
                return false;
            };
            let StepState::Loop(state) = &mut body.steps[place.slot as usize] else {
                return false;
            };
            let Some(item) = state.next_hole() else {
                body.made = body.made.max(place.slot + 1);
                return true;
            };
            let items = state.items.clone();
            if self.spent >= super::turn::TURN_BUDGET {
                self.dirty.insert(index);
                return false;
            }
            match self.begin_item(call, place, &items, item) {
                Begun::Held(held) => {
                    self.hold_back(index, place.boundary, held);
                    return false;
                }
                Begun::Made(node) => {
                    self.step_item_made(index, place.slot, item, node);
                    self.run_first_hooks(node, call);
                }
                Begun::Refused(node, error) => {
                    self.step_item_made(index, place.slot, item, node);
                    self.doom_by_child(index, node, &error);
                    return true;
                }
            }
        }
    }

    fn pass_step(&mut self, index: NodeIndex) {
        if let Body::Group(body) = &mut self.nodes[index.offset()].body {
            body.made += 1;
        }
    }

    fn step_made(&mut self, index: NodeIndex, step: u32, node: NodeIndex) {
        if let Body::Group(body) = &mut self.nodes[index.offset()].body {
            body.steps[step as usize] = StepState::Single(node);
            body.made = step + 1;
            body.open += 1;
        }
        self.tell_watchers(node);
    }

    fn step_item_made(&mut self, index: NodeIndex, step: u32, item: usize, node: NodeIndex) {
        if let Body::Group(body) = &mut self.nodes[index.offset()].body {
            body.open += 1;
            if let StepState::Loop(state) = &mut body.steps[step as usize] {
                state.made(item, node);
            }
        }
        self.tell_watchers(node);
    }

    /// The group will be an error, or fail by a timeout; the children that it has go on to their
    /// ends first.
    pub(super) fn doom(&mut self, index: NodeIndex, error: &str) {
        if let Body::Group(body) = &mut self.nodes[index.offset()].body
            && body.doomed.is_none()
        {
            body.doomed = Some(Arc::from(error));
            self.change(index);
        }
    }

    pub(super) fn doom_by_child(&mut self, index: NodeIndex, child: NodeIndex, error: &str) {
        if error == TOO_DEEP {
            return;
        }
        if self.argument_errors.remove(&child) {
            // What the step itself says is at fault, not what it calls.
            self.doom(index, error);
            return;
        }
        let message = format!(
            "step group deemed errored due to child {} error: {error}",
            self.name(child)
        );
        self.doom(index, &message);
    }

    /// A child of a group is over, with its hooks.
    pub(super) fn group_child_settled(&mut self, index: NodeIndex, child: NodeIndex) {
        let node = self.node(child);
        let slot = node.slot as usize;
        let Body::Group(body) = &mut self.nodes[index.offset()].body else {
            return;
        };
        body.open -= 1;
        if let StepState::Loop(state) = &mut body.steps[slot] {
            state.unsettled -= 1;
        }
        self.group_child_failed(index, child);
        let Body::Group(body) = &self.node(index).body else {
            return;
        };
        if body.open == 0 || self.fails_fast(self.node(index).parent) {
            self.dirty.insert(index);
        }
    }

    /// Notes the first child of a group that ended badly.
    pub(super) fn group_child_failed(&mut self, index: NodeIndex, child: NodeIndex) {
        let node = self.node(child);
        let (slot, item, phase) = (node.slot as usize, node.item, node.phase);
        let on = self.call_of(child).map(|call| call.continue_on);
        let counts = on.is_none_or(|on| !continues(on, phase));
        let Body::Group(body) = &mut self.nodes[index.offset()].body else {
            return;
        };
        if let StepState::Loop(state) = &mut body.steps[slot] {
            state.item_ended(item, phase);
        }
        let first = body.failed_child.is_none_or(|first| child < first);
        if phase.is_failed_or_error() && first && counts {
            body.failed_child = Some(child);
        }
    }

    fn end_group_if_over(&mut self, index: NodeIndex, calls: &[Arc<CallPlan>]) {
        let steps_node = self.node(index).parent;
        let Body::Group(body) = &self.node(index).body else {
            return;
        };
        if body.open > 0 {
            if self.fails_fast(steps_node) {
                let children: Vec<NodeIndex> = body
                    .steps
                    .iter()
                    .filter_map(|step| match step {
                        StepState::Single(node) => Some(*node),
                        StepState::Unmade | StepState::Loop(_) => None,
                    })
                    .collect();
                self.look_at_idle(&children);
            }
            return;
        }
        if self.fails_fast(steps_node) {
            self.end(index, NodePhase::Failed, Some(FAIL_FAST));
            return;
        }
        if let Some(message) = body.doomed.clone() {
            let phase = match &*message {
                TIMEOUT => NodePhase::Failed,
                _ => NodePhase::Error,
            };
            self.end(index, phase, Some(&message));
            return;
        }
        if (body.made as usize) < calls.len() {
            return;
        }
        match body.failed_child {
            Some(child) => {
                let message = format!("child '{}' failed", self.node_id(child));
                self.end(index, NodePhase::Failed, Some(&message));
            }
            None => self.end(index, NodePhase::Succeeded, None),
        }
    }
}
