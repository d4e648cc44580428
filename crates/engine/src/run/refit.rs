//! Going on with changed templates: `argosy retry --template-from`.
//!
//! What has run stays as it was, under the templates that it was made of. What is opened again goes
//! on under the changed ones: its steps and tasks are found again by their names. What does not fit
//! there any more runs again, with what follows it, or falls away.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::NodeType;

use super::Run;
use super::node::{Flags, Role};
use super::restart_plan::{Drawn, RestartPlan};
use crate::definition::Definition;
use crate::ids::NodeIndex;
use crate::plan::{
    CallPlan, Plan, PlannedTemplate, Target, TemplateBody, TemplateIndex, compile_after,
};
use crate::revision::Revision;

/// What becomes of nodes that are opened again under changed templates.
#[derive(Clone, Debug, Default)]
pub(super) struct Refit {
    /// The templates that they go on with.
    pub templates: BTreeMap<NodeIndex, TemplateIndex>,
    /// The places of tasks and hooks in the template or call around them.
    pub slots: BTreeMap<NodeIndex, u32>,
    /// What the run goes on with.
    pub revised: Option<Revised>,
}

/// What a run goes on with.
#[derive(Clone, Debug)]
pub(super) struct Revised {
    pub revision: Revision,
    pub definition: Arc<Definition>,
    pub plan: Arc<Plan>,
}

/// What calls a node under the changed templates.
enum Caller {
    /// What did before: the template around it is not opened again.
    Same,
    /// This, and its place there.
    Other(Arc<CallPlan>, u32),
    /// Nothing.
    None,
}

impl Run {
    /// Adds to a plan what changed templates make of it.
    pub(super) fn refit(
        &self,
        revision: &Revision,
        drawn: &Drawn,
        plan: &mut RestartPlan,
    ) -> Result<(), String> {
        let definition = self
            .definition
            .revised(revision)
            .map_err(|error| error.to_string())?;
        let after = compile_after(&definition, &self.plan.templates)
            .map_err(|error| format!("the changed templates can't be used: {error}"))?;
        if let Some((_, refusal)) = &after.refusal {
            return Err(refusal.clone());
        }
        for index in self.all_nodes() {
            let node = self.node(index);
            let above = [node.parent, node.boundary, node.owner];
            if above.iter().any(|above| plan.removed.contains(above)) {
                plan.removed.insert(index);
            }
            if plan.removed.contains(&index) {
                continue;
            }
            if node.role == Role::StepGroup {
                if !self.group_fits(index, plan, &after) {
                    remove(index, drawn, plan);
                }
                continue;
            }
            let call = match self.caller(index, &plan.refit, &after) {
                Caller::Same => continue,
                Caller::Other(call, slot) => {
                    plan.refit.slots.insert(index, slot);
                    call
                }
                Caller::None => {
                    remove(index, drawn, plan);
                    continue;
                }
            };
            if self.must_run_again(index, &call, plan) {
                self.run_again(index, drawn, plan);
            } else if plan.reopened.contains(&index) && node.template != TemplateIndex::NONE {
                match self.fitting(index, &call, &after) {
                    Some(template) => {
                        plan.refit.templates.insert(index, template);
                    }
                    None if node.role == Role::Root => {
                        return Err("the entrypoint does something else now, so that nothing of this run fits it: submit the workflow anew".to_owned());
                    }
                    None => self.run_again(index, drawn, plan),
                }
            }
        }
        plan.refit.revised = Some(Revised {
            revision: revision.clone(),
            definition: Arc::new(definition),
            plan: Arc::new(after),
        });
        Ok(())
    }

    /// A node runs again, and so does what is drawn below it; what it stands in is open.
    fn run_again(&self, index: NodeIndex, drawn: &Drawn, plan: &mut RestartPlan) {
        remove(index, drawn, plan);
        let node = self.node(index);
        if node.role == Role::Step {
            plan.reopened.insert(node.parent);
        }
    }

    /// The template of a node as it goes on.
    fn template_after(
        &self,
        index: NodeIndex,
        refit: &Refit,
        after: &Plan,
    ) -> Option<Arc<PlannedTemplate>> {
        let template = after.template(*refit.templates.get(&index)?);
        match template.body {
            // It fits because it has not changed.
            TemplateBody::Late => self.template_of(index),
            _ => Some(template.clone()),
        }
    }

    /// Whether a group of steps has the same steps.
    fn group_fits(&self, index: NodeIndex, plan: &RestartPlan, after: &Plan) -> bool {
        let node = self.node(index);
        let Some(new) = self.template_after(node.parent, &plan.refit, after) else {
            return true;
        };
        let old = self.template_of(node.parent);
        let groups = |template: &PlannedTemplate| -> Option<Vec<(Arc<str>, bool)>> {
            let group = template.steps()?.groups.get(node.slot as usize)?;
            let steps = group.iter();
            Some(
                steps
                    .map(|call| (call.name.clone(), call.looping.is_some()))
                    .collect(),
            )
        };
        let new = groups(&new);
        new.is_some() && old.is_some_and(|old| groups(&old) == new)
    }

    /// What calls a node under the changed templates.
    fn caller(&self, index: NodeIndex, refit: &Refit, after: &Plan) -> Caller {
        let node = self.node(index);
        let found = match node.role {
            Role::Root => Some((after.entrypoint.clone(), node.slot)),
            Role::StepGroup | Role::Container => return Caller::Same,
            Role::Attempt => {
                return match self.caller(node.parent, refit, after) {
                    Caller::Other(call, _) => Caller::Other(call, node.slot),
                    other => other,
                };
            }
            Role::Step => {
                let group = self.node(node.parent);
                let Some(template) = self.template_after(group.parent, refit, after) else {
                    return Caller::Same;
                };
                let steps = template.steps();
                let group = steps.and_then(|steps| steps.groups.get(group.slot as usize));
                let call = group.and_then(|group| group.get(node.slot as usize));
                call.map(|call| (call.clone(), node.slot))
            }
            Role::Task => {
                let Some(template) = self.template_after(node.boundary, refit, after) else {
                    return Caller::Same;
                };
                let old = self.call_of(index);
                template.dag().zip(old).and_then(|(dag, old)| {
                    let slot = *dag.by_name.get(&old.name)?;
                    let task = &dag.tasks[slot as usize];
                    task.needed.then(|| (task.call.clone(), slot))
                })
            }
            Role::OnExit | Role::Hook => {
                let old = self.call_of(index);
                let (exit, hooks) = match node.owner.some() {
                    None => (after.on_exit.clone(), after.hooks.clone()),
                    Some(owner) => match self.caller(owner, refit, after) {
                        Caller::Same => return Caller::Same,
                        Caller::None => return Caller::None,
                        Caller::Other(call, _) => {
                            (call.exit.as_deref().cloned(), call.hooks.clone())
                        }
                    },
                };
                if node.role == Role::OnExit {
                    exit.map(|hook| (hook.call, node.slot))
                } else {
                    let name = old.map(|call| call.name.clone());
                    let mut hooks = (0u32..).zip(hooks);
                    let found = hooks.find(|(_, hook)| Some(&hook.call.name) == name.as_ref());
                    found.map(|(slot, hook)| (hook.call, slot))
                }
            }
        };
        found.map_or(Caller::None, |(call, slot)| Caller::Other(call, slot))
    }

    /// Whether what is called now asks for what the node has not got.
    fn must_run_again(&self, index: NodeIndex, call: &CallPlan, plan: &RestartPlan) -> bool {
        let node = self.node(index);
        if !matches!(node.role, Role::Step | Role::Task) {
            return false;
        }
        let Some(old) = self.call_of(index) else {
            return true;
        };
        let ran = matches!(node.kind, NodeType::Pod | NodeType::Retry | NodeType::HTTP);
        if ran && call.wants_result && !node.flags.has(Flags::WANTS_RESULT) {
            return true;
        }
        // A loop that is open is gone over anew if it goes over other things.
        let looping = match (node.kind, node.item()) {
            (NodeType::TaskGroup, _) => plan.reopened.contains(&index),
            (_, Some(_)) => plan.reopened.contains(&node.parent),
            (_, None) => true,
        };
        let begins_or_ends = old.looping.is_some() != call.looping.is_some();
        begins_or_ends || (looping && old.looping != call.looping)
    }

    /// The template that an open node goes on with, if it does the same kind of thing.
    fn fitting(&self, index: NodeIndex, call: &CallPlan, after: &Plan) -> Option<TemplateIndex> {
        let old = self.plan.template(self.node(index).template);
        let found = match &call.target {
            Target::Static(template) => *template,
            Target::Missing(_) => return None,
            Target::Dynamic { .. } => after.find(&old.origin, &old.name)?,
        };
        let new = after.template(found);
        let late = |template: &PlannedTemplate| matches!(template.body, TemplateBody::Late);
        let same_structure = !(late(old) || late(new)) || old.template == new.template;
        let fits = old.name == new.name
            && old.origin == new.origin
            && old.kind == new.kind
            && old.retry.is_some() == new.retry.is_some()
            && same_structure;
        fits.then_some(found)
    }
}

fn remove(index: NodeIndex, drawn: &Drawn, plan: &mut RestartPlan) {
    plan.removed.extend(drawn.below(index));
    plan.removed.insert(index);
}
