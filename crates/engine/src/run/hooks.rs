//! Lifecycle hooks and exit handlers of steps and tasks.
//!
//! Argo evaluates hooks at every pass; here a hook is evaluated when the phase of its node changes
//! or, if its expression speaks of the time, each second. Once a hook has a node it is evaluated no
//! more. Argo: `workflow/controller/hooks.go`, `exit_handler.go`.

use argosy_api::{NodePhase, NodeType, ShutdownStrategy};
use argosy_expr::{EvalContext, condition_of, evaluate_bool};

use super::Run;
use super::body::{Body, Items, StepState};
use super::limits::Held;
use super::node::{Flags, NO_ITEM, Role};
use super::passes::fill;
use super::scope::Variables;
use super::start::{Begun, Place};
use crate::ids::{NodeIndex, Seconds};
use crate::plan::{CallPlan, Condition, HookPlan, Read};

impl Run {
    /// Begins the hooks of a step or task whose expression holds now.
    pub(super) fn run_hooks(&mut self, index: NodeIndex) {
        if !matches!(self.node(index).role, Role::Step | Role::Task) {
            return;
        }
        self.hooks_due.remove(&index);
        self.hooks_held.remove(&index);
        // The items of a task's loop have no hooks of their own; the loop has.
        if self.node(self.node(index).parent).kind == NodeType::TaskGroup {
            return;
        }
        let Some(call) = self.call_of(index) else {
            return;
        };
        if call.hooks.is_empty() || !self.is_seen_by_hooks(index) {
            return;
        }
        // Nothing begins in what is over.
        if self.node(self.node(index).parent).phase.is_fulfilled() {
            return;
        }
        if self.is_behind_locks(index) {
            self.hooks_due.insert(index);
            return;
        }
        for (slot, hook) in (0u32..).zip(&call.hooks) {
            if self.has_hook(index, slot) {
                continue;
            }
            match self.hook_holds(index, hook) {
                Ok(false) => {}
                Ok(true) => {
                    self.begin_hook(index, hook, Role::Hook, slot);
                }
                Err(error) => {
                    let message = format!("hook '{}': {error}", hook.call.name);
                    self.set_message(index, Some(&message));
                }
            }
        }
    }

    /// Lets the hooks that speak of another step of their group see that its phase has changed.
    pub(super) fn tell_watchers(&mut self, index: NodeIndex) {
        for watcher in self.watchers_of(index) {
            self.run_hooks(watcher);
            self.reconsider_exit(watcher);
        }
    }

    /// The nodes beside a step whose hooks speak of it. Of a step that is retried they see the last
    /// attempt.
    pub(super) fn watchers_of(&self, index: NodeIndex) -> Vec<NodeIndex> {
        let index = match self.node(index).role {
            Role::Attempt => self.node(index).parent,
            _ => index,
        };
        let node = self.node(index);
        if node.role != Role::Step {
            return Vec::new();
        }
        let (group, slot) = (node.parent, node.slot);
        let Some(template) = self.template_of(node.boundary) else {
            return Vec::new();
        };
        let number = self.node(group).slot;
        let watchers = template.steps().map(|steps| &steps.watchers);
        let watchers = watchers.and_then(|watchers| watchers.get(&(number, slot)));
        let watchers = watchers.into_iter().flatten();
        watchers
            .flat_map(|&watcher| self.made_of(group, watcher))
            .collect()
    }

    /// The nodes that a step has, one or those of its items.
    fn made_of(&self, group: NodeIndex, slot: u32) -> Vec<NodeIndex> {
        let Body::Group(body) = &self.node(group).body else {
            return Vec::new();
        };
        match body.steps.get(slot as usize) {
            Some(StepState::Single(node)) => vec![*node],
            Some(StepState::Loop(state)) => {
                state.nodes.iter().filter_map(|node| node.some()).collect()
            }
            Some(StepState::Unmade) | None => Vec::new(),
        }
    }

    /// An exit handler whose expression did not hold when its step ended may begin as long as the
    /// group is open, where the expression speaks of another step. The group then waits for it.
    fn reconsider_exit(&mut self, index: NodeIndex) {
        let node = self.node(index);
        let passed_over = node.is_completed()
            && node.flags.has(Flags::EXIT_DECIDED)
            && !self
                .attached_to(index)
                .iter()
                .any(|&hook| self.node(hook).role == Role::OnExit);
        let group = node.parent;
        if !passed_over
            || self.node(group).phase.is_fulfilled()
            || self.status.shutdown == Some(ShutdownStrategy::Terminate)
        {
            return;
        }
        let call = self.call_of(index);
        let exit = call.as_ref().and_then(|call| call.exit.as_ref());
        let condition = exit.and_then(|exit| exit.expression.as_ref());
        if condition.is_none_or(|condition| self.expression_holds(index, condition) != Ok(true)) {
            return;
        }
        self.change(index).flags.clear(Flags::EXIT_DECIDED);
        if self.node(index).flags.has(Flags::SETTLED) {
            self.change(index).flags.clear(Flags::SETTLED);
            match self.settled.iter().position(|&settled| settled == index) {
                Some(place) => drop(self.settled.remove(place)),
                None => self.reopen_step(group, index),
            }
        }
        self.settle(index);
    }

    /// A group has been told that a step is over which is not.
    fn reopen_step(&mut self, group: NodeIndex, step: NodeIndex) {
        let slot = self.node(step).slot as usize;
        if let Body::Group(body) = &mut self.nodes[group.offset()].body {
            body.open += 1;
            if let Some(StepState::Loop(state)) = body.steps.get_mut(slot) {
                state.unsettled += 1;
            }
        }
    }

    /// Has a group, a DAG or a loop wait for one more.
    pub(super) fn hold_open(&mut self, parent: NodeIndex) {
        match &mut self.nodes[parent.offset()].body {
            Body::Group(body) => body.open += 1,
            Body::Dag(body) => body.open += 1,
            Body::Loop(state) => state.unsettled += 1,
            Body::None | Body::Steps(_) | Body::Retry(_) | Body::Gate(_) => {}
        }
    }

    /// A hook that its parent waits for is over.
    pub(super) fn hold_open_no_more(&mut self, hook: NodeIndex) {
        let parent = self.node(hook).parent;
        match &mut self.nodes[parent.offset()].body {
            Body::Group(body) => body.open -= 1,
            Body::Dag(body) => body.open -= 1,
            Body::Loop(state) => state.unsettled -= 1,
            Body::None | Body::Steps(_) | Body::Retry(_) | Body::Gate(_) => return,
        }
        self.dirty.insert(parent);
    }

    /// Begins the hooks that hold as soon as a step or task has a node.
    pub(super) fn run_first_hooks(&mut self, index: NodeIndex, call: &CallPlan) {
        if !call.hooks.is_empty() && !self.node(index).phase.is_fulfilled() {
            self.run_hooks(index);
        }
    }

    /// Whether the phase that a step or task is in is one in which Argo evaluates its hooks: a step
    /// that is run in each; a task once it runs, and one that the DAG aims at before that.
    fn is_seen_by_hooks(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        match node.role {
            Role::Step => !matches!(node.phase, NodePhase::Skipped | NodePhase::Omitted),
            _ if node.phase == NodePhase::Pending => self
                .template_of(node.boundary)
                .as_deref()
                .and_then(|template| template.dag())
                .and_then(|dag| dag.tasks.get(node.slot as usize))
                .is_some_and(|task| task.is_target),
            _ => true,
        }
    }

    /// Whether a step or task has hooks, or an exit handler that nobody has decided on.
    pub(super) fn may_begin_hooks(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        let undecided = node.is_completed() && !node.flags.has(Flags::EXIT_DECIDED);
        matches!(node.role, Role::Step | Role::Task)
            && self
                .call_of(index)
                .is_some_and(|call| !call.hooks.is_empty() || (undecided && call.exit.is_some()))
    }

    /// Whether a step or task has hooks that have not begun.
    pub(super) fn has_hooks_to_come(&self, index: NodeIndex) -> bool {
        matches!(self.node(index).role, Role::Step | Role::Task)
            && self.call_of(index).is_some_and(|call| {
                let mut hooks = (0u32..).zip(&call.hooks);
                hooks.any(|(slot, _)| !self.has_hook(index, slot))
            })
    }

    fn has_hook(&self, owner: NodeIndex, slot: u32) -> bool {
        self.attached_to(owner)
            .iter()
            .any(|&hook| self.node(hook).role == Role::Hook && self.node(hook).slot == slot)
    }

    pub(super) fn attached_to(&self, owner: NodeIndex) -> &[NodeIndex] {
        self.attached.get(&owner).map_or(&[], Vec::as_slice)
    }

    fn hook_holds(&self, owner: NodeIndex, hook: &HookPlan) -> Result<bool, String> {
        let expression = hook
            .expression
            .as_ref()
            .ok_or_else(|| "Expression required for hook".to_owned())?;
        self.expression_holds(owner, expression)
    }

    fn expression_holds(&self, owner: NodeIndex, condition: &Condition) -> Result<bool, String> {
        let around = self.node(owner).boundary;
        let template = self.template_of(around);
        let extra = self.own_variables(owner);
        let item = self.hook_item(owner);
        let item = item.as_ref().map(|(items, at)| (items, *at));
        let variables = self.variables(around, template.as_deref(), item, &extra);
        let context = self.eval_context(owner, 0, &["hook"]);
        evaluate(condition, &variables, &context)
    }

    /// The item that hooks of an item of a step's loop see; those of a task's items see none.
    /// Argo: `expandStep` fills it in the whole step, `executeDAGTask` takes the hooks as they stand.
    fn hook_item(&self, owner: NodeIndex) -> Option<(Items, usize)> {
        let node = self.node(owner);
        let at = node.item().filter(|_| node.role == Role::Step)?;
        Some((self.items_around(owner)?.clone(), at))
    }

    /// What hooks of a step or task see of it: also of one item of a loop.
    fn own_variables(&self, owner: NodeIndex) -> Vec<(String, Option<String>)> {
        let node = self.node(owner);
        let root = match node.role {
            Role::Step => "steps",
            _ => "tasks",
        };
        let name = self.call_name(owner);
        let base = format!("{root}.{name}");
        let mut extra = vec![(
            format!("{base}.status"),
            Some(node.phase.as_str().to_owned()),
        )];
        let last = self.node(self.last_attempt(owner));
        if let Some(outputs) = &last.outputs {
            for parameter in &outputs.parameters {
                let value = parameter.value.as_deref().unwrap_or_default().to_owned();
                extra.push((
                    format!("{base}.outputs.parameters.{}", parameter.name),
                    Some(value),
                ));
            }
            if let Some(result) = &outputs.result {
                extra.push((format!("{base}.outputs.result"), Some(result.to_string())));
            }
            if let Some(code) = outputs.exit_code {
                extra.push((format!("{base}.exitCode"), Some(code.to_string())));
            }
        }
        extra
    }

    /// Begins a hook; `false` if a limit holds it back.
    fn begin_hook(&mut self, owner: NodeIndex, hook: &HookPlan, role: Role, slot: u32) -> bool {
        let node = self.node(owner);
        let mut flags = Flags::default().with(Flags::HOOKED);
        if role == Role::OnExit || node.flags.has(Flags::EXIT_HANDLER) {
            flags.set(Flags::EXIT_HANDLER);
        }
        let place = Place {
            role,
            parent: node.parent,
            boundary: node.boundary,
            owner,
            slot,
            item: NO_ITEM,
            around: node.boundary,
            flags,
        };
        let extra = self.own_variables(owner);
        let call = match role {
            Role::OnExit => self.exit_call(&hook.call),
            _ => hook.call.clone(),
        };
        let item = self.hook_item(owner);
        let item = item.as_ref().map(|(items, at)| (items, *at));
        match self.begin_call(&call, place, item, &extra) {
            // A limit holds the hook back: it is tried again when the node is looked at next.
            // A template that fails fast begins nothing more, hooks included.
            Begun::Held(Held::FailFast) => true,
            Begun::Held(held) => {
                self.hold_back(owner, place.boundary, held);
                self.hooks_due.insert(owner);
                if role == Role::Hook {
                    self.hooks_held.insert(owner);
                }
                false
            }
            Begun::Made(made) | Begun::Refused(made, _) => {
                self.attach(owner, made);
                true
            }
        }
    }

    fn attach(&mut self, owner: NodeIndex, hook: NodeIndex) {
        self.attached.entry(owner).or_default().push(hook);
        let settled = self.node(owner).flags.has(Flags::SETTLED);
        if settled && !self.node(hook).flags.has(Flags::SETTLED) {
            self.change(hook).flags.set(Flags::HELD_OPEN);
            self.hold_open(self.node(hook).parent);
        }
        // The hook may have ended before its owner knew of it.
        if self.node(hook).flags.has(Flags::SETTLED) {
            self.settle(owner);
        }
    }

    /// Begins the exit handler of a step or task that has run, if it has one, and says whether the
    /// node's hooks are all over.
    pub(super) fn decide_exit(&mut self, index: NodeIndex) -> bool {
        let node = self.node(index);
        let completed = node.is_completed();
        if completed && !node.flags.has(Flags::EXIT_DECIDED) {
            // A retry keeps the exit handler of a node that it opens again.
            let begun = self
                .attached_to(index)
                .iter()
                .any(|&hook| self.node(hook).role == Role::OnExit);
            // Decided first: a handler that can't begin ends at once, and tells its owner.
            self.nodes[index.offset()].flags.set(Flags::EXIT_DECIDED);
            if !begun
                && let Some(hook) = self.call_of(index).and_then(|call| call.exit.clone())
                && !self.begin_exit(index, &hook)
            {
                // Nothing has changed that a row would tell.
                self.nodes[index.offset()].flags.clear(Flags::EXIT_DECIDED);
                return false;
            }
            self.change(index);
        }
        self.attached_to(index)
            .iter()
            .all(|&hook| self.node(hook).is_fulfilled())
    }

    /// Begins an exit handler if its expression holds; `false` if a limit holds it back.
    fn begin_exit(&mut self, index: NodeIndex, hook: &HookPlan) -> bool {
        // A daemon is ended with what it stands in, where nothing begins any more.
        let over = self.node(self.node(index).parent).phase.is_fulfilled();
        if over || self.status.shutdown == Some(ShutdownStrategy::Terminate) {
            return true;
        }
        let holds = match &hook.expression {
            None => Ok(true),
            Some(expression) => self.expression_holds(index, expression),
        };
        match holds {
            Ok(false) => true,
            Ok(true) => self.begin_hook(index, hook, Role::OnExit, 0),
            Err(error) => {
                // The phase stays; Argo's node would never end here.
                self.set_message(index, Some(&format!("exit hook: {error}")));
                true
            }
        }
    }

    /// Tries again what a limit held back of the hooks of a node that makes no others.
    pub(super) fn advance_leaf(&mut self, index: NodeIndex) {
        if self.hooks_due.remove(&index) {
            self.run_hooks(index);
            self.reconsider_exit(index);
        }
        self.settle(index);
        self.wake_held_back(self.node(index).boundary);
    }

    /// The next second, if a hook of the workflow that has not begun speaks of the time.
    pub(super) fn next_hook_time(&self) -> Option<Seconds> {
        let running = self.status.phase.is_some_and(|phase| !phase.is_completed());
        let timed = running
            && (0u32..).zip(&self.plan.hooks).any(|(slot, hook)| {
                let speaks = hook
                    .expression
                    .as_ref()
                    .map(|condition| &condition.source)
                    .is_some_and(|text| text.contains("duration") || text.contains("now("));
                speaks && !self.has_workflow_hook(slot)
            });
        timed.then(|| self.now.plus(1))
    }

    fn has_workflow_hook(&self, slot: u32) -> bool {
        self.attached_to(NodeIndex::NONE)
            .iter()
            .any(|&hook| self.node(hook).role == Role::Hook && self.node(hook).slot == slot)
    }

    /// Begins the workflow's hooks whose expression holds; says whether those that have begun are
    /// over. Argo: `executeWfLifeCycleHook`.
    pub(super) fn run_workflow_hooks(&mut self) -> bool {
        let plan = self.plan.clone();
        for (slot, hook) in (0u32..).zip(&plan.hooks) {
            if self.has_workflow_hook(slot) {
                continue;
            }
            let Some(condition) = &hook.expression else {
                continue;
            };
            let variables = Variables::global(self);
            let context = self.eval_context(NodeIndex::NONE, 0, &[&hook.call.name, "hook"]);
            let holds = evaluate(condition, &variables, &context) == Ok(true);
            if holds {
                self.begin_workflow_hook(hook, Role::Hook, slot);
            }
        }
        self.attached_to(NodeIndex::NONE)
            .iter()
            .filter(|&&hook| self.node(hook).role == Role::Hook)
            .all(|&hook| self.node(hook).is_fulfilled())
    }

    /// Begins a hook or the exit handler of the workflow itself.
    pub(super) fn begin_workflow_hook(
        &mut self,
        hook: &HookPlan,
        role: Role,
        slot: u32,
    ) -> Option<NodeIndex> {
        let mut flags = Flags::default().with(Flags::HOOKED);
        if role == Role::OnExit {
            flags.set(Flags::EXIT_HANDLER);
        }
        let place = Place {
            role,
            parent: NodeIndex::NONE,
            boundary: NodeIndex::NONE,
            owner: NodeIndex::NONE,
            slot,
            item: NO_ITEM,
            around: NodeIndex::NONE,
            flags,
        };
        let call = match role {
            Role::OnExit => self.exit_call(&hook.call),
            _ => hook.call.clone(),
        };
        match self.begin_call(&call, place, None, &[]) {
            Begun::Held(_) => None,
            Begun::Refused(made, error) if role == Role::OnExit => {
                self.attached.entry(NodeIndex::NONE).or_default().push(made);
                self.doom_workflow(role, &error);
                Some(made)
            }
            Begun::Made(made) | Begun::Refused(made, _) => {
                self.attached.entry(NodeIndex::NONE).or_default().push(made);
                Some(made)
            }
        }
    }

    /// Whether a node is a composite that may still make children.
    pub(super) fn is_open_composite(&self, index: NodeIndex) -> bool {
        let node = self.node(index);
        !matches!(node.body, Body::None) && !node.phase.is_fulfilled()
    }

    /// Keeps a list of the daemons that a template has to end.
    pub(super) fn register_daemon(&mut self, boundary: NodeIndex, daemon: NodeIndex) {
        match boundary.some() {
            Some(boundary) => {
                if let Some(boundary) = self.nodes[boundary.offset()].body.boundary_mut() {
                    boundary.daemons.push(daemon);
                }
            }
            None => self.root_daemons.push(daemon),
        }
    }
}

/// Whether a condition holds, with the tags in it filled in, as in all texts of what it stands in,
/// before it is read.
fn evaluate(
    condition: &Condition,
    variables: &Variables<'_>,
    context: &EvalContext,
) -> Result<bool, String> {
    match &condition.read {
        Read::Program(program) => condition_of(&condition.source, program.eval(variables, context)),
        Read::Tagged(text) => {
            let text = fill(text, variables, context).map_err(|error| error.to_string())?;
            evaluate_bool(&text, variables, context)
        }
        Read::Wrong(error) => Err(error.to_string()),
    }
}
