//! Beginning a node: from a call to a pod that waits, a composite, or an error.
//! Argo: `executeTemplate`.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};

use super::Run;
use super::arguments::InputError;
use super::body::{Body, DagBody, Items, RetryBody, StepsBody};
use super::limits::Held;
use super::node::{Flags, Node, Role};
use super::passes::fill;
use super::scope::{Frame, Variables};
use crate::ids::NodeIndex;
use crate::plan::{CallPlan, Origin, PlannedTemplate, Target, TemplateBody, TemplateIndex};

/// How deep templates may call each other. Argo: `maxStackDepth`.
const MAX_DEPTH: u16 = 100;

/// What Argo says beyond that.
pub(super) const TOO_DEEP: &str = "Maximum recursion depth exceeded. See https://argo-workflows.readthedocs.io/en/latest/scaling/#maximum-recursion-depth";

/// Where a new node belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub role: Role,
    pub parent: NodeIndex,
    pub boundary: NodeIndex,
    pub owner: NodeIndex,
    pub slot: u32,
    pub item: u32,
    /// The node whose template the call stands in, whose variables its arguments see.
    pub around: NodeIndex,
    pub flags: Flags,
}

/// What became of a call.
pub(super) enum Begun {
    /// It has a node.
    Made(NodeIndex),
    /// It may not have one now.
    Held(Held),
    /// It has a node that is an error for this reason.
    Refused(NodeIndex, Arc<str>),
}

impl Run {
    /// Begins a call. Limits are looked at first, unless the node's name is already taken.
    pub(super) fn begin_call(
        &mut self,
        call: &Arc<CallPlan>,
        place: Place,
        items: Option<(&Items, usize)>,
        extra: &[(String, Option<String>)],
    ) -> Begun {
        if let Some(held) = self.held(place.boundary) {
            return Begun::Held(held);
        }
        let depth = match place.around.some() {
            None => 0,
            Some(around) => self.node(around).depth + 1,
        };
        let mut node = Node::new(place.role, NodeType::Skipped, NodePhase::Pending, self.now);
        node.parent = place.parent;
        node.boundary = place.boundary;
        node.owner = place.owner;
        node.slot = place.slot;
        node.item = place.item;
        node.flags = place.flags;
        node.depth = depth;
        if call.wants_result {
            node.flags.set(Flags::WANTS_RESULT);
        }
        let index = self.add_node(node);
        if depth + 1 >= MAX_DEPTH {
            return self.refuse(index, TOO_DEEP);
        }
        let planned = match self.resolve_target(call, place.around, items, extra, index) {
            Ok(planned) => planned,
            Err(error) => return self.refuse(index, &error),
        };
        self.change(index).template = planned.index;
        match self.resolve_inputs(index, &planned, call, place.around, items, extra) {
            Ok(inputs) => self.change(index).inputs = Some(Arc::new(inputs)),
            Err(error) => {
                if matches!(error, InputError::Argument(_)) {
                    self.argument_errors.insert(index);
                }
                return self.refuse(index, error.message());
            }
        }
        if let Err(error) = self.read_display_name(index, &planned) {
            return self.refuse(index, &error);
        }
        self.pass_gate(index, &planned)
    }

    /// Begins a node that has all that it needs.
    pub(super) fn begin_open(&mut self, index: NodeIndex, planned: &Arc<PlannedTemplate>) -> Begun {
        if planned.retry.is_some() {
            self.set_kind(index, NodeType::Retry, NodePhase::Running);
            self.change(index).body = Body::Retry(Box::<RetryBody>::default());
            self.make_attempt(index, planned);
            return Begun::Made(index);
        }
        self.begin_template(index, planned)
    }

    pub(super) fn refuse(&mut self, index: NodeIndex, error: &str) -> Begun {
        self.end(index, NodePhase::Error, Some(error));
        Begun::Refused(index, Arc::from(error))
    }

    /// Begins a node by what its template is.
    pub(super) fn begin_template(
        &mut self,
        index: NodeIndex,
        planned: &Arc<PlannedTemplate>,
    ) -> Begun {
        let planned = match self.compile_if_late(index, planned) {
            Ok(planned) => planned,
            Err(error) => return self.refuse(index, &error),
        };
        match &planned.body {
            TemplateBody::Pod => self.begin_pod(index, &planned),
            TemplateBody::Steps(_) => {
                self.change(index).body = Body::Steps(Box::<StepsBody>::default());
                self.set_kind(index, NodeType::Steps, NodePhase::Running);
                self.dirty.insert(index);
            }
            TemplateBody::Dag(dag) => {
                let ready: BTreeSet<u32> = (dag.tasks.iter())
                    .filter(|task| task.needed && task.dependencies.is_empty())
                    .map(|task| task.rank)
                    .collect();
                let body = DagBody {
                    untried: ready.clone(),
                    ready,
                    ..DagBody::new(dag)
                };
                self.change(index).body = Body::Dag(Box::new(body));
                self.set_kind(index, NodeType::DAG, NodePhase::Running);
                self.dirty.insert(index);
            }
            TemplateBody::Suspend { .. } => self.begin_suspend(index, &planned),
            TemplateBody::Agent => self.begin_task_node(index),
            TemplateBody::Late | TemplateBody::Nothing => {
                let error = format!("Template '{}' missing specification", planned.name);
                return self.refuse(index, &error);
            }
        }
        Begun::Made(index)
    }

    /// A template whose structure has tags is compiled for each node, once its inputs are known.
    fn compile_if_late(
        &mut self,
        index: NodeIndex,
        planned: &Arc<PlannedTemplate>,
    ) -> Result<Arc<PlannedTemplate>, String> {
        if !matches!(planned.body, TemplateBody::Late) {
            return Ok(planned.clone());
        }
        let filled = self.filled_template(index, planned)?;
        let compiled = crate::plan::compile_late(&self.definition, &self.plan, planned, filled)
            .map_err(|error| error.to_string())?;
        let compiled = Arc::new(compiled);
        self.late.insert(index, compiled.clone());
        Ok(compiled)
    }

    /// The template that a call names.
    pub(super) fn resolve_target(
        &self,
        call: &CallPlan,
        around: NodeIndex,
        items: Option<(&Items, usize)>,
        extra: &[(String, Option<String>)],
        index: NodeIndex,
    ) -> Result<Arc<PlannedTemplate>, String> {
        match &call.target {
            Target::Static(template) => Ok(self.plan.template(*template).clone()),
            Target::Missing(error) => Err(error.to_string()),
            Target::Dynamic {
                template,
                reference,
            } => {
                let outer = around.some().and_then(|around| self.template_of(around));
                let variables = self.variables(around, outer.as_deref(), items, extra);
                let context = self.eval_context(index, 0, &["template"]);
                let fill =
                    |text| fill(text, &variables, &context).map_err(|error| error.to_string());
                let name = fill(template)?;
                let origin = match reference {
                    None => outer.as_ref().map_or(Origin::Local, |t| t.origin.clone()),
                    Some((scope, reference)) => Origin::kept(*scope, fill(reference)?),
                };
                self.plan
                    .find(&origin, &name)
                    .map(|found| self.plan.template(found).clone())
                    .ok_or_else(|| format!("template name '{name}' undefined"))
            }
        }
    }

    /// The variables that texts inside the template of the node `around` see.
    pub(super) fn variables<'a>(
        &'a self,
        around: NodeIndex,
        outer: Option<&'a PlannedTemplate>,
        item: Option<(&'a Items, usize)>,
        extra: &'a [(String, Option<String>)],
    ) -> Variables<'a> {
        let around = around.some();
        Variables {
            run: self,
            frame: around.zip(outer).map(|(around, template)| Frame {
                template,
                inputs: self.inputs_of(around),
                node: around,
            }),
            siblings: around,
            item,
            extra,
        }
    }

    /// What the node was called by.
    pub(crate) fn call_of(&self, index: NodeIndex) -> Option<Arc<CallPlan>> {
        let node = self.node(index);
        match node.role {
            Role::Root => Some(self.plan.entrypoint.clone()),
            Role::StepGroup => None,
            Role::Attempt | Role::Container => self.call_of(node.parent),
            Role::Step => {
                let group = self.node(node.parent);
                let steps = self.template_of(group.parent)?;
                let group = steps.steps()?.groups.get(group.slot as usize)?;
                group.get(node.slot as usize).cloned()
            }
            Role::Task => {
                let dag = self.template_of(node.boundary)?;
                Some(dag.dag()?.tasks.get(node.slot as usize)?.call.clone())
            }
            Role::OnExit => match node.owner.some() {
                None => self.plan.on_exit.as_ref().map(|hook| hook.call.clone()),
                Some(owner) => Some(self.call_of(owner)?.exit.as_ref()?.call.clone()),
            },
            Role::Hook => {
                let slot = node.slot as usize;
                match node.owner.some() {
                    None => self.plan.hooks.get(slot).map(|hook| hook.call.clone()),
                    Some(owner) => Some(self.call_of(owner)?.hooks.get(slot)?.call.clone()),
                }
            }
        }
    }

    /// The template of a node, also of one that was never run.
    pub(super) fn called_template(&self, index: NodeIndex) -> Option<Arc<PlannedTemplate>> {
        if self.node(index).template != TemplateIndex::NONE {
            return self.template_of(index);
        }
        let node = self.node(index);
        let around = match node.role {
            Role::Step | Role::Task => node.boundary,
            _ => NodeIndex::NONE,
        };
        let call = self.call_of(index)?;
        self.resolve_target(&call, around, None, &[], index).ok()
    }
}
