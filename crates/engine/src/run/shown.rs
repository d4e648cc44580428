//! The search for the nodes that a `status` shows: by their names, from the root down, as the plan
//! says which there may be. What has the name of such a node and not its ID is none of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{NodePhase, NodeStatus, NodeType, WorkflowStatus};

use super::Run;
use super::adopt_node::{adopted_inputs, shown_salt, untold_kind};
use super::node::{Node, Role};
use super::resubmit::TAKEN_OVER;
use crate::ids::NodeIndex;
use crate::plan::{
    CallPlan, Origin, PlannedTemplate, Target, TemplateBody, TemplateIndex, compile_late,
};
use crate::timestamp;

/// The items that are shown of a loop: the step that loops, and each item's index and text.
pub(super) type ShownLoop = (u32, Arc<CallPlan>, Vec<(u32, String)>);

/// A shown node that has been found, and where it belongs.
pub(super) struct Found<'a> {
    pub status: &'a NodeStatus,
    pub kind: NodeType,
    pub role: Role,
    /// Places among the found; `None` for none.
    pub parent: Option<usize>,
    pub boundary: Option<usize>,
    pub owner: Option<usize>,
    pub slot: u32,
    pub item: Option<u32>,
    pub exit_handler: bool,
    /// When it began, as it says.
    pub started: i64,
    /// By this the nodes are put in order: never before what it hangs on.
    pub began: i64,
    pub call: Option<Arc<CallPlan>>,
    pub template: Option<Arc<PlannedTemplate>>,
    /// The loops in it.
    pub loops: Vec<ShownLoop>,
}

/// The index of an item, its text, its node.
type ShownItem<'a> = (u32, &'a str, &'a NodeStatus);

/// The shown nodes, by name and by what they are items of or attempts at.
#[derive(Default)]
pub(super) struct Shown<'a> {
    by_name: BTreeMap<&'a str, &'a NodeStatus>,
    /// Of `name(3:text)`: by what is around the loop and its name, each with its index and text.
    items: BTreeMap<&'a str, BTreeMap<&'a str, Vec<ShownItem<'a>>>>,
    /// Of `name(3)`: by the name of the retried node, with their IDs. Argo finds them as its children,
    /// whatever their IDs are.
    attempts: BTreeMap<&'a str, Vec<(u32, &'a str, &'a NodeStatus)>>,
}

impl Run {
    /// The shown nodes that fit the plan; each stands behind those that it hangs on.
    pub(super) fn find_shown<'a>(&mut self, status: &'a WorkflowStatus) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        let plan = self.plan.clone();
        let definition = self.definition.clone();
        let name = definition.name();
        let shown = Shown::new(name, &status.nodes);
        let top = Place {
            role: Role::Root,
            parent: None,
            boundary: None,
            owner: None,
            slot: 0,
            item: None,
        };
        if let Some(root) = shown.by_name.get(name) {
            self.enter(&mut found, root, top, Some(plan.entrypoint.clone()));
        }
        if let Some(hook) = &plan.on_exit
            && let Some(exit) = shown.by_name.get(format!("{name}.onExit").as_str())
        {
            let place = Place {
                role: Role::OnExit,
                ..top
            };
            self.enter(&mut found, exit, place, Some(hook.call.clone()));
        }
        for (slot, hook) in (0u32..).zip(&plan.hooks) {
            let hook_name = format!("{name}.hooks.{}", hook.call.name);
            if let Some(node) = shown.by_name.get(hook_name.as_str()) {
                let place = Place {
                    role: Role::Hook,
                    slot,
                    ..top
                };
                self.enter(&mut found, node, place, Some(hook.call.clone()));
            }
        }
        let mut next = 0;
        while next < found.len() {
            self.find_below(&shown, &mut found, next);
            next += 1;
        }
        found
    }

    pub(super) fn enter<'a>(
        &mut self,
        found: &mut Vec<Found<'a>>,
        status: &'a NodeStatus,
        place: Place,
        call: Option<Arc<CallPlan>>,
    ) -> usize {
        let above = [place.parent, place.boundary, place.owner];
        let not_before = above
            .iter()
            .flatten()
            .map(|&above| found[above].began)
            .max();
        let own = status.started_at.as_ref().map(timestamp::seconds);
        let own = own.or(self.status.started_at).unwrap_or(self.now).0;
        // A resubmitted workflow shows what it took over as skipped, with its outputs.
        let ran = match status.r#type {
            Some(NodeType::Skipped) => {
                let taken_over = status.message.starts_with(TAKEN_OVER);
                taken_over || status.inputs.is_some() || status.outputs.is_some()
            }
            Some(NodeType::StepGroup | NodeType::TaskGroup) => false,
            Some(_) => true,
            None => {
                let loops =
                    place.item.is_none() && call.as_ref().is_some_and(|it| it.looping.is_some());
                place.role != Role::StepGroup && !loops
            }
        };
        let around = place
            .boundary
            .and_then(|around| found[around].template.clone());
        let template = match place.role {
            Role::Attempt | Role::Container => {
                place.parent.and_then(|above| found[above].template.clone())
            }
            _ if ran => call
                .as_deref()
                .and_then(|call| self.shown_template(call, status, around.as_deref())),
            _ => None,
        };
        let template = template.map(|template| self.compile_shown(status, template));
        let kind = status
            .r#type
            .unwrap_or_else(|| untold_kind(place.role, template.as_deref()));
        let inherits = |above: Option<usize>| above.is_some_and(|above| found[above].exit_handler);
        let exit_handler = place.role == Role::OnExit
            || inherits(place.boundary)
            || inherits(place.owner)
            || inherits(place.parent);
        found.push(Found {
            status,
            kind,
            role: place.role,
            parent: place.parent,
            boundary: place.boundary,
            owner: place.owner,
            slot: place.slot,
            item: place.item,
            exit_handler,
            started: own,
            began: not_before.map_or(own, |not_before| not_before.max(own)),
            call,
            template,
            loops: Vec::new(),
        });
        found.len() - 1
    }

    /// A template whose structure has tags, as it is with the inputs that are shown.
    fn compile_shown(
        &mut self,
        status: &NodeStatus,
        planned: Arc<PlannedTemplate>,
    ) -> Arc<PlannedTemplate> {
        if !matches!(planned.body, TemplateBody::Late) {
            return planned;
        }
        // The inputs are looked up in a node that stands there for as long as that takes.
        let index = NodeIndex(self.nodes.len() as u32);
        let mut node = Node::new(Role::Root, NodeType::Skipped, NodePhase::Pending, self.now);
        node.template = planned.index;
        node.inputs = Some(Arc::new(adopted_inputs(status, &planned)));
        self.nodes.push(node);
        let filled = self.filled_template(index, &planned);
        self.nodes.pop();
        filled
            .ok()
            .and_then(|filled| compile_late(&self.definition, &self.plan, &planned, filled).ok())
            .map_or(planned, Arc::new)
    }

    fn shown_template(
        &self,
        call: &CallPlan,
        status: &NodeStatus,
        around: Option<&PlannedTemplate>,
    ) -> Option<Arc<PlannedTemplate>> {
        let index = match (&call.target, &status.template_ref) {
            (Target::Static(index), _) => *index,
            (Target::Missing(_), _) => return None,
            (Target::Dynamic { .. }, None) => {
                let origin = around.map_or(Origin::Local, |around| around.origin.clone());
                self.plan.find(&origin, &status.template_name)?
            }
            (Target::Dynamic { .. }, Some(reference)) => {
                let name = Arc::from(reference.name.as_str());
                let origin = Origin::kept(reference.scope(), name);
                self.plan.find(&origin, &reference.template)?
            }
        };
        (index != TemplateIndex::NONE).then(|| self.plan.template(index).clone())
    }

    /// Finds what stands directly below a node, and hangs on it.
    fn find_below<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        match found[at].kind {
            NodeType::Retry => self.find_attempts(shown, found, at),
            NodeType::Steps => self.find_groups(shown, found, at),
            NodeType::StepGroup => self.find_steps(shown, found, at),
            NodeType::DAG => self.find_tasks(shown, found, at),
            NodeType::TaskGroup => self.find_items(shown, found, at),
            // Those of a pod that a memoized resubmission took over are skipped, as it is.
            NodeType::Pod | NodeType::Skipped => self.find_containers(shown, found, at),
            _ => {}
        }
        if matches!(found[at].role, Role::Step | Role::Task) {
            self.find_hooks(shown, found, at);
        }
    }

    fn find_attempts<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        let (status, boundary) = (found[at].status, found[at].boundary);
        // `argo retry` may have taken some out.
        let attempts = shown.attempts.get(status.name.as_str());
        let mut last = None;
        for &(attempt, id, node) in attempts.into_iter().flatten() {
            let known = status.children.iter().any(|child| child == id);
            let known = known || shown.by_name.contains_key(node.name.as_str());
            if !known || last.replace(attempt) == Some(attempt) {
                continue;
            }
            let place = Place {
                role: Role::Attempt,
                parent: Some(at),
                boundary,
                owner: None,
                slot: attempt,
                item: None,
            };
            let call = found[at].call.clone();
            self.enter(found, node, place, call);
        }
    }

    fn find_groups<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        let status = found[at].status;
        let template = found[at].template.clone();
        let groups = template
            .as_deref()
            .and_then(PlannedTemplate::steps)
            .map_or(0, |steps| steps.groups.len() as u32);
        for slot in 0..groups {
            let name = format!("{}[{slot}]", status.name);
            if let Some(node) = shown.by_name.get(name.as_str()) {
                let place = Place {
                    role: Role::StepGroup,
                    parent: Some(at),
                    boundary: Some(at),
                    owner: None,
                    slot,
                    item: None,
                };
                self.enter(found, node, place, None);
            }
        }
    }

    fn find_steps<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        let (status, boundary) = (found[at].status, found[at].boundary);
        let Some(template) = boundary.and_then(|boundary| found[boundary].template.clone()) else {
            return;
        };
        let group = found[at].slot as usize;
        let calls = template.steps().and_then(|steps| steps.groups.get(group));
        let mut steps = Vec::new();
        for (slot, call) in (0u32..).zip(calls.into_iter().flatten()) {
            let name = format!("{}.{}", status.name, call.name);
            let place = Place {
                role: Role::Step,
                parent: Some(at),
                boundary,
                owner: None,
                slot,
                item: None,
            };
            if let Some(node) = shown.by_name.get(name.as_str()) {
                steps.push((*node, place, call.clone()));
                continue;
            }
            let items = shown.items(&status.boundary_id, &name);
            if items.is_empty() {
                continue;
            }
            for (item, _, node) in items {
                let item = Some(*item);
                steps.push((*node, Place { item, ..place }, call.clone()));
            }
            found[at].loops.push((slot, call.clone(), texts_of(items)));
        }
        // The group lists its children in the order in which they were made.
        let order: BTreeMap<&str, usize> = (status.children.iter().map(String::as_str))
            .zip(0..)
            .collect();
        steps.sort_by_key(|(node, _, _)| order.get(node.id.as_str()).copied());
        for (node, place, call) in steps {
            self.enter(found, node, place, Some(call));
        }
    }

    fn find_tasks<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        let status = found[at].status;
        let Some(template) = found[at].template.clone() else {
            return;
        };
        let Some(dag) = template.dag() else {
            return;
        };
        for slot in dag.in_order() {
            let call = &dag.tasks[slot as usize].call;
            let name = format!("{}.{}", status.name, call.name);
            if let Some(node) = shown.by_name.get(name.as_str()) {
                let place = Place {
                    role: Role::Task,
                    parent: Some(at),
                    boundary: Some(at),
                    owner: None,
                    slot,
                    item: None,
                };
                self.enter(found, node, place, Some(call.clone()));
            }
        }
    }

    fn find_items<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        let (status, slot) = (found[at].status, found[at].slot);
        let Some(call) = found[at].call.clone() else {
            return;
        };
        let boundary = found[at].boundary;
        let items = shown.items(&status.boundary_id, &status.name);
        for (item, _, node) in items {
            let place = Place {
                role: Role::Task,
                parent: Some(at),
                boundary,
                owner: None,
                slot,
                item: Some(*item),
            };
            self.enter(found, node, place, Some(call.clone()));
        }
        found[at].loops.push((0, call, texts_of(items)));
    }

    fn find_hooks<'a>(&mut self, shown: &Shown<'a>, found: &mut Vec<Found<'a>>, at: usize) {
        let Some(call) = found[at].call.clone() else {
            return;
        };
        let (status, slot) = (found[at].status, 0);
        let place = Place {
            role: Role::OnExit,
            parent: found[at].parent,
            boundary: found[at].boundary,
            owner: Some(at),
            slot,
            item: None,
        };
        if let Some(exit) = &call.exit
            && let Some(node) = shown
                .by_name
                .get(format!("{}.onExit", status.name).as_str())
        {
            self.enter(found, node, place, Some(exit.call.clone()));
        }
        for (slot, hook) in (0u32..).zip(&call.hooks) {
            let name = format!("{}.hooks.{}", status.name, hook.call.name);
            if let Some(node) = shown.by_name.get(name.as_str()) {
                let place = Place {
                    role: Role::Hook,
                    slot,
                    ..place
                };
                self.enter(found, node, place, Some(hook.call.clone()));
            }
        }
    }
}

/// Where a shown node belongs, by places among the found.
#[derive(Clone, Copy)]
pub(super) struct Place {
    role: Role,
    parent: Option<usize>,
    boundary: Option<usize>,
    owner: Option<usize>,
    slot: u32,
    item: Option<u32>,
}

impl Place {
    /// A container of the set that a pod runs.
    pub(super) fn container(pod: usize, slot: u32) -> Self {
        Self {
            role: Role::Container,
            parent: Some(pod),
            boundary: Some(pod),
            owner: None,
            slot,
            item: None,
        }
    }
}

impl<'a> Shown<'a> {
    /// The node of this name.
    pub(super) fn named(&self, name: &str) -> Option<&'a NodeStatus> {
        self.by_name.get(name).copied()
    }

    fn new(workflow: &str, nodes: &'a BTreeMap<String, NodeStatus>) -> Self {
        let mut shown = Self::default();
        for (id, node) in nodes {
            let is_own = shown_salt(workflow, &node.name, id).is_some();
            if is_own {
                shown.by_name.insert(&node.name, node);
            }
            let inner = node.name.strip_suffix(')');
            // A text in parentheses holds none.
            let Some((name, inner)) = inner.and_then(|inner| inner.rsplit_once('(')) else {
                continue;
            };
            let (number, text) = match inner.split_once(':') {
                Some((number, text)) => (number, Some(text)),
                None => (inner, None),
            };
            match (number.parse(), text) {
                (Ok(item), Some(text)) if is_own => {
                    let around = shown.items.entry(&node.boundary_id).or_default();
                    let items = around.entry(name).or_default();
                    items.push((item, text, node));
                }
                (Ok(attempt), None) => {
                    let attempts = shown.attempts.entry(name).or_default();
                    attempts.push((attempt, id.as_str(), node));
                }
                (Ok(_) | Err(_), _) => {}
            }
        }
        for items in shown.items.values_mut().flat_map(BTreeMap::values_mut) {
            items.sort_by_key(|(item, _, _)| *item);
        }
        for attempts in shown.attempts.values_mut() {
            // One that has the ID of its name goes first.
            let strange = |id: &str, name: &str| shown_salt(workflow, name, id).is_none();
            attempts.sort_by_key(|(attempt, id, node)| (*attempt, strange(id, &node.name)));
        }
        shown
    }

    /// The items of a loop, in order.
    fn items(&self, boundary: &str, name: &str) -> &[(u32, &'a str, &'a NodeStatus)] {
        let items = self.items.get(boundary).and_then(|around| around.get(name));
        items.map_or(&[], Vec::as_slice)
    }
}

fn texts_of(items: &[(u32, &str, &NodeStatus)]) -> Vec<(u32, String)> {
    let texts = items.iter();
    texts
        .map(|(item, text, _)| (*item, (*text).to_owned()))
        .collect()
}
