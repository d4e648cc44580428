//! A run from the `status` that Argo shows: how a workflow that began elsewhere is taken up.
//!
//! Nodes are found by their names, from the root down, as the plan says which there may be. What
//! composites count is not read but made: all nodes are entered as open, and those that are over
//! are settled in the first turn, in the order in which they began.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{
    Condition, NodePhase, NodeStatus, NodeType, TemplateScope, WorkflowPhase, WorkflowStatus,
    labels,
};

use super::adopt_node::{adopt_details, adopted_inputs, adopted_outputs, shown_salt};
use super::adopt_rest::adopt_pod;
use super::body::{Gate, Items, RetryBody};
use super::globals::GlobalOutputs;
use super::looping::Verdict;
use super::node::{Flags, NO_ITEM, Node, Role};
use super::packed::unpack_nodes;
use super::pod::TIMEOUT;
use super::rebuild::LoadError;
use super::row::StoredBody;
use super::shown::Found;
use super::synchronization::{ShownHolder, shown_locks, shown_wait};
use super::{Run, Undone};
use crate::definition::Definition;
use crate::ids::{NodeIndex, RunId, Seconds};
use crate::item::Item;
use crate::locks::LockName;
use crate::plan::CallPlan;
use crate::settings::Settings;
use crate::timestamp;

/// Makes a workflow that began elsewhere ready to be taken up.
///
/// The templates that its `status` keeps are put where the workflow looks for them: it goes on with
/// what it began with, whatever has become of them since. And as Argo's controller looks at the pods
/// of a workflow that has begun before all else, `status` tells from now on whether one runs.
///
/// # Errors
/// Why what it shows can't be read: it ends with that.
pub fn prepare_adoption(definition: &mut Definition) -> Result<(), String> {
    unpack_nodes(&mut definition.workflow.status)?;
    recall_templates(definition);
    let status = &mut definition.workflow.status;
    let goes_on = status.phase.is_some_and(|phase| !phase.is_completed());
    if goes_on
        && status
            .conditions
            .iter()
            .all(|known| known.r#type != "PodRunning")
    {
        status.conditions.push(Condition {
            r#type: "PodRunning".to_owned(),
            status: "False".to_owned(),
            ..Condition::default()
        });
    }
    Ok(())
}

fn recall_templates(definition: &mut Definition) {
    let status = &definition.workflow.status;
    if let (Some(reference), Some(spec)) = (
        &definition.workflow.spec.workflow_template_ref,
        &status.stored_workflow_template_spec,
    ) {
        let name = reference.name.clone();
        let known = match reference.scope() {
            TemplateScope::Namespaced => {
                &mut definition.workflow_templates.entry(name).or_default().spec
            }
            TemplateScope::Cluster => {
                let known = &mut definition.cluster_workflow_templates;
                &mut known.entry(name).or_default().spec
            }
        };
        *known = (**spec).clone();
    }
    let own = (definition.workflow.spec.workflow_template_ref.as_ref())
        .filter(|_| status.stored_workflow_template_spec.is_some())
        .map(|reference| (reference.cluster_scope, reference.name.clone()));
    for (key, template) in &status.stored_templates {
        let mut parts = key.splitn(3, '/');
        let (Some(scope), Some(name), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        // Those stand in the template that calls them as well.
        if rest.starts_with("inline/") {
            continue;
        }
        let templates = match scope {
            "namespaced" => {
                let known = &mut definition.workflow_templates;
                &mut known.entry(name.to_owned()).or_default().spec.templates
            }
            "cluster" => {
                let known = &mut definition.cluster_workflow_templates;
                &mut known.entry(name.to_owned()).or_default().spec.templates
            }
            _ => continue,
        };
        match templates
            .iter_mut()
            .find(|known| known.name == template.name)
        {
            // The spec that is kept whole says more than what was kept of each of its templates.
            Some(_) if own == Some((scope == "cluster", name.to_owned())) => {}
            Some(known) => *known = Arc::new(template.clone()),
            None => templates.push(Arc::new(template.clone())),
        }
    }
}

impl Run {
    /// A run as the `status` of its workflow shows it. It is to be told which pods there are; its
    /// first turn then writes all of it.
    ///
    /// # Errors
    /// If the workflow can't be compiled, or its nodes don't fit it.
    pub fn adopt(
        id: RunId,
        definition: Arc<Definition>,
        settings: Arc<Settings>,
        now: Seconds,
    ) -> Result<Self, LoadError> {
        let mut run = Self::new(id, definition.clone(), settings)?;
        let status = &definition.workflow.status;
        run.now = now;
        run.adopt_workflow(status, now);
        run.adopt_rest(status);
        let found = run.find_shown(status);
        run.keep_strangers(status, &found);
        let mut order: Vec<usize> = (0..found.len()).collect();
        // What was found first stands above, or before, what was found later.
        order.sort_by_key(|&place| {
            let node = &found[place];
            (node.role != Role::Root, node.began, place)
        });
        // Whoever takes workflows up enters what those that run hold, and no others. Argo: `initManagers`.
        let shown = status.synchronization.as_ref();
        let held = shown.filter(|_| !run.status.announced).map(shown_locks);
        let held = held.unwrap_or_default();
        let mut indices = vec![NodeIndex::NONE; found.len()];
        for place in order {
            indices[place] = NodeIndex(run.nodes.len() as u32);
            run.adopt_node(&found[place], &indices, &held)?;
            if let (Role::OnExit, Some(owner)) = (found[place].role, found[place].owner) {
                let owner = &mut run.nodes[indices[owner].offset()];
                owner.flags.set(Flags::EXIT_DECIDED);
            }
        }
        run.status.exit_node = found
            .iter()
            .position(|node| node.role == Role::OnExit && node.owner.is_none())
            .map(|place| indices[place]);
        run.complete_waits()?;
        run.link_all()?;
        run.make_missing_containers();
        run.enter_adopted();
        let holds = (run.status.locks.as_ref()).is_some_and(|notes| notes.held.is_some());
        if run.status.phase == Some(WorkflowPhase::Running) && !holds {
            run.ask_for_workflow_locks();
        }
        if run.status.phase == Some(WorkflowPhase::Running) {
            // Whoever kept its metrics is gone: those that show the time begin anew.
            run.tell_workflow_metrics();
        }
        Ok(run)
    }

    fn adopt_workflow(&mut self, status: &WorkflowStatus, now: Seconds) {
        let spec = &self.plan.workflow.spec;
        let began = |phase: &WorkflowPhase| *phase != WorkflowPhase::Pending;
        // `argo retry` hands a workflow over without a phase.
        let mut phase = status
            .phase
            .or((!status.nodes.is_empty()).then_some(WorkflowPhase::Running));
        let finished_at = status.finished_at.as_ref().map(timestamp::seconds);
        if let Some(end) = phase.filter(|_| self.has_more_to_do(status)) {
            self.status.shown_end = Some((end, finished_at));
            phase = Some(WorkflowPhase::Running);
        }
        self.status.undone = self.shown_undone(status);
        if self.status.undone == Undone::Waiting {
            phase = Some(WorkflowPhase::Running);
        }
        self.status.phase = phase;
        self.status.message = Arc::from(status.message.as_str());
        self.status.started_at = status
            .started_at
            .as_ref()
            .map(timestamp::seconds)
            .or(phase.filter(began).map(|_| now));
        self.status.finished_at = finished_at.filter(|_| self.status.shown_end.is_none());
        self.status.shutdown = spec.shutdown;
        self.status.suspended = spec.suspend == Some(true) && spec.shutdown.is_none();
        self.status.announced = phase.is_some_and(WorkflowPhase::is_completed);
        if let Some(synchronization) = &status.synchronization
            && !self.status.announced
        {
            self.adopt_locks(synchronization);
        }
        if let Some(outputs) = &status.outputs {
            self.globals.outputs = GlobalOutputs {
                parameters: outputs.parameters.clone(),
                artifacts: outputs.artifacts.clone(),
            };
        }
        self.status_changed = true;
    }

    /// Whether a workflow that shows an end goes on: Argo's controller works on each one that has
    /// not got the label `completed`.
    fn has_more_to_do(&self, status: &WorkflowStatus) -> bool {
        let labels = self.definition.workflow.metadata.labels.as_ref();
        let labelled = labels
            .and_then(|labels| labels.get(labels::COMPLETED))
            .is_some_and(|completed| completed == "true");
        let root = status.nodes.get(self.definition.name());
        let phase = root.and_then(|root| root.phase);
        let open = phase.is_some_and(|phase| !phase.is_fulfilled());
        let hooks = phase.is_some() && !self.plan.hooks.is_empty();
        !labelled && status.phase.is_some_and(WorkflowPhase::is_completed) && (open || hooks)
    }

    /// Has all rows written, and what is over settled once it is known which pods there are.
    fn enter_adopted(&mut self) {
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            self.change(index);
        }
        if self.status.phase.is_none_or(WorkflowPhase::is_completed) {
            for node in self.nodes.iter_mut() {
                node.flags.set(Flags::SETTLED);
            }
            self.unseen.clear();
            self.dirty.clear();
        }
    }

    fn adopt_node(
        &mut self,
        found: &Found<'_>,
        indices: &[NodeIndex],
        held: &BTreeMap<ShownHolder<'_>, Vec<LockName>>,
    ) -> Result<(), LoadError> {
        let status = found.status;
        let at = |place: Option<usize>| place.map_or(NodeIndex::NONE, |place| indices[place]);
        let kind = found.kind;
        let phase = status.phase.unwrap_or(NodePhase::Pending);
        let mut node = Node::new(found.role, kind, phase, Seconds(found.started));
        if phase.is_fulfilled() {
            let finished = status.finished_at.as_ref().map(timestamp::seconds);
            node.set_finished_at(Some(finished.unwrap_or(Seconds(found.started))));
        }
        node.parent = at(found.parent);
        node.boundary = at(found.boundary);
        node.owner = at(found.owner);
        node.slot = found.slot;
        node.item = found.item.unwrap_or(NO_ITEM);
        node.message = (!status.message.is_empty()).then(|| Arc::from(status.message.as_str()));
        node.flags = self.adopted_flags(found);
        if matches!(found.role, Role::Attempt | Role::Container) {
            node.depth = self.node(node.parent).depth;
        } else if let (Some(boundary), true) = (node.boundary.some(), found.call.is_some()) {
            node.depth = self.node(boundary).depth + 1;
        }
        if let (Some(template), Role::Container) = (&found.template, found.role) {
            node.template = template.index;
        } else if let Some(template) = &found.template {
            node.template = template.index;
            node.inputs = Some(Arc::new(adopted_inputs(status, template)));
            if kind == NodeType::Pod
                && self.is_supervised(template, node.flags.has(Flags::WANTS_RESULT))
            {
                node.flags.set(Flags::SUPERVISED);
            }
        }
        node.outputs = adopted_outputs(status);
        adopt_details(&mut node, status);
        let salt = shown_salt(self.definition.name(), &status.name, &status.id);
        if let Some(salt) = salt.filter(|&salt| salt > 0) {
            node.details_mut().salt = salt;
        }
        adopt_pod(&mut node, status);
        if let Some(template) = &found.template
            && found.role != Role::Attempt
            && template
                .template
                .annotations
                .contains_key(labels::DISPLAY_NAME)
        {
            node.details_mut().display_name = Some(status.display_name.as_str().into());
        }
        if let Some(template) = &found.template
            && template.template.synchronization.is_some()
            && let Some(locks) = held.get(&ShownHolder::Node(&status.id))
        {
            node.flags.set(Flags::HOLDS_LOCKS);
            node.details_mut().locks = Some(locks.as_slice().into());
        }
        let body = self.adopted_body(found, &node);
        if let StoredBody::Gate(Gate::Locks(_) | Gate::Place) = body {
            node.flags.set(Flags::WAITS_FOR_LOCK);
        } else if let Some(shown) = &status.synchronization_status
            && matches!(
                body,
                StoredBody::Steps | StoredBody::Dag | StoredBody::Retry(_)
            )
        {
            node.details_mut().waits = Some(Arc::new(shown_wait(Some(shown))));
        }
        self.load_node(node, body)
    }

    fn adopted_flags(&self, found: &Found<'_>) -> Flags {
        let status = found.status;
        let mut flags = Flags::default();
        if found.exit_handler {
            flags.set(Flags::EXIT_HANDLER);
        }
        if status.node_flag.as_ref().is_some_and(|flag| flag.hooked) {
            flags.set(Flags::HOOKED);
        }
        let phase = status.phase.unwrap_or(NodePhase::Pending);
        if status.daemoned == Some(true) && !phase.is_fulfilled() {
            flags.set(Flags::DAEMONED);
        }
        if found.call.as_ref().is_some_and(|call| call.wants_result) {
            flags.set(Flags::WANTS_RESULT);
        }
        let complete = &self
            .definition
            .workflow
            .status
            .task_results_completion_status;
        match complete.get(&status.id) {
            Some(true) => flags.set(Flags::RESULT_COMPLETE),
            Some(false) => flags.set(Flags::RESULT_AWAITED),
            None if status.task_result_synced == Some(false) => flags.set(Flags::RESULT_AWAITED),
            None => {}
        }
        flags
    }

    fn adopted_body(&self, found: &Found<'_>, node: &Node) -> StoredBody {
        // It is the retried node, or the pod, that has the locks, not its attempts or containers. What
        // has children is taken over from another workflow, and waits no more. Nothing of an ended
        // workflow waits.
        let waits = !self.status.announced
            && node.phase == NodePhase::Pending
            && !self.shows_children(found.status)
            && !node.flags.has(Flags::HOLDS_LOCKS)
            && !matches!(node.role, Role::Attempt | Role::Container);
        if let Some(template) = found.template.as_deref().filter(|_| waits) {
            if template.template.synchronization.is_some() {
                let shown = found.status.synchronization_status.as_ref();
                return StoredBody::Gate(Gate::Locks(Arc::new(shown_wait(shown))));
            }
            if template.template.memoize.is_some() && node.kind != NodeType::Pod {
                return StoredBody::Gate(Gate::Cache);
            }
        }
        // Under the workflow's `parallelism` a pod that does not exist has no place, as for Argo's
        // controller after a restart, and none is made while the workflow is suspended. Which exist is
        // told later.
        let limited = self.plan.workflow.spec.parallelism.is_some() || self.status.suspended;
        if limited && node.phase == NodePhase::Pending && node.kind == NodeType::Pod {
            return StoredBody::Gate(Gate::Place);
        }
        // One that waits for nothing first was taken over from another workflow.
        let has_gate = (found.template.as_deref()).is_some_and(|planned| {
            let template = &planned.template;
            template.synchronization.is_some() || template.memoize.is_some()
        });
        let held_back = node.phase == NodePhase::Pending
            && (has_gate || node.kind == NodeType::Suspend)
            && matches!(
                node.kind,
                NodeType::Retry | NodeType::Steps | NodeType::DAG | NodeType::Suspend
            )
            && !self.shows_children(found.status);
        if held_back {
            return StoredBody::Gate(Gate::Place);
        }
        match node.kind {
            NodeType::Steps => StoredBody::Steps,
            NodeType::DAG => StoredBody::Dag,
            NodeType::Retry => StoredBody::Retry(RetryBody::default()),
            NodeType::TaskGroup => match found.loops.first() {
                Some((_, call, shown)) => {
                    StoredBody::Loop(self.adopted_items(call, node.boundary, shown))
                }
                None => StoredBody::Loop(Items::Values(Arc::from([]))),
            },
            NodeType::StepGroup => StoredBody::Group {
                loops: found
                    .loops
                    .iter()
                    .map(|(slot, call, shown)| {
                        (*slot, self.adopted_items(call, node.boundary, shown))
                    })
                    .collect(),
                doomed: self.has_timed_out(found.status).then(|| TIMEOUT.into()),
            },
            _ => StoredBody::None,
        }
    }

    /// Whether a step of a group has waited for too long: the group makes no more, and fails.
    fn has_timed_out(&self, group: &NodeStatus) -> bool {
        let nodes = &self.definition.workflow.status.nodes;
        let mut steps = group.children.iter().filter_map(|id| nodes.get(id));
        steps.any(|step| {
            // A retried step takes the message of its last attempt.
            let own = step.r#type != Some(NodeType::Retry) || step.children.is_empty();
            own && step.phase == Some(NodePhase::Failed) && step.message == TIMEOUT
        })
    }

    /// Whether there is more below a node than hooks, which a node that waits may have.
    fn shows_children(&self, status: &NodeStatus) -> bool {
        let nodes = &self.definition.workflow.status.nodes;
        // The attempts at a hook carry its flag.
        let is_hook = |node: &NodeStatus| {
            let flag = node.node_flag.as_ref();
            flag.is_some_and(|flag| flag.hooked && !flag.retried)
        };
        let mut children = status.children.iter();
        children.any(|id| !nodes.get(id).is_some_and(is_hook))
    }

    /// What a loop goes over: what its text says, if the items that are shown fit, else what is
    /// shown.
    fn adopted_items(
        &self,
        call: &CallPlan,
        boundary: NodeIndex,
        shown: &[(u32, String)],
    ) -> Items {
        if let Some(looping) = &call.looping
            && let Ok(items) = self.expand(call, looping, boundary, &Verdict::Go)
        {
            let fits = shown.iter().all(|(item, text)| {
                let place = *item as usize;
                place < items.len() && without_parentheses(&items.display(place)) == *text
            });
            if fits {
                return items;
            }
        }
        let count = shown.iter().map(|(item, _)| item + 1).max().unwrap_or(0);
        let of = |text: &str| Item::from(&serde_json::Value::from(text));
        let mut values = vec![of(""); count as usize];
        for (item, text) in shown {
            values[*item as usize] = of(text);
        }
        Items::Values(values.into())
    }
}

fn without_parentheses(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '(' | ')')).collect()
}
