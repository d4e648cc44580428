//! Why a node is not there yet: a task, a step or an item of a loop that has not begun.

use super::Listed;
use crate::ids::NodeIndex;
use crate::plan::{DagPlan, StepsPlan};
use crate::run::Run;
use crate::run::body::{Body, DagBody, LoopState, StepState, StepsBody};
use crate::run::history::ended;

/// A name taken apart: `each(5:value)` is item 5 of the loop `each`.
struct Wanted<'a> {
    whole: &'a str,
    call: &'a str,
    item: Option<usize>,
}

impl<'a> Wanted<'a> {
    fn of(name: &'a str) -> Self {
        let taken_apart = name.split_once('(').and_then(|(call, rest)| {
            let number = rest.split([':', ')']).next()?;
            Some((call, number.parse().ok()?))
        });
        // Of a full name, what stands behind the template's own.
        let last = |call: &'a str| call.rsplit('.').next().unwrap_or(call);
        match taken_apart {
            Some((call, item)) => Self {
                whole: name,
                call: last(call),
                item: Some(item),
            },
            None => Self {
                whole: name,
                call: last(name),
                item: None,
            },
        }
    }
}

/// What is wanted is not there.
enum Unmade {
    /// It has not begun, for this reason.
    Because(String),
    /// It is a loop, which has no node of its own.
    Loop { items: usize, unmade: u32 },
}

impl Run {
    /// Whether a task, a step or an item of a loop has this name and no node yet; then, why not.
    pub fn why_unmade(&self, name: &str) -> Option<String> {
        if self.nodes.is_empty() {
            return Some(format!("not begun: {}", self.held_up()?));
        }
        let wanted = Wanted::of(name);
        let mut all = (0..self.nodes.len() as u32).map(NodeIndex);
        all.find_map(|index| Some((index, self.unmade_in(index, &wanted)?)))
            .map(|(index, why)| self.told_of(index, &wanted, why))
    }

    fn told_of(&self, composite: NodeIndex, wanted: &Wanted<'_>, why: Unmade) -> String {
        let node = self.node(composite);
        let begun = match why {
            Unmade::Loop { items, unmade: 0 } => {
                return format!(
                    "a loop of {items} items, all of which have begun; name one as `{}(0:…)`",
                    wanted.call
                );
            }
            Unmade::Loop { items, unmade } => {
                format!("a loop of {items} items, of which {unmade} have not begun: ")
            }
            Unmade::Because(_) => "not begun: ".to_owned(),
        };
        if node.phase.is_fulfilled() {
            let end = ended(node.phase, self.message_of(composite));
            return format!("{begun}{} ended before, {end}", self.name(composite));
        }
        let why = match why {
            Unmade::Because(why) => why,
            Unmade::Loop { .. } => self.unmade_because(composite, &Listed::default()),
        };
        format!("{begun}{why}")
    }

    /// Whether the wanted node would stand in this one.
    fn unmade_in(&self, index: NodeIndex, wanted: &Wanted<'_>) -> Option<Unmade> {
        match &self.node(index).body {
            Body::Dag(body) => {
                self.unmade_task(index, body, self.template_of(index)?.dag()?, wanted)
            }
            Body::Steps(body) => {
                self.unmade_step(index, body, self.template_of(index)?.steps()?, wanted)
            }
            Body::Loop(state) if *self.call_name(index) == *wanted.call => {
                self.unmade_item(self.node(index).boundary, state, wanted)
            }
            Body::None | Body::Group(_) | Body::Loop(_) | Body::Retry(_) | Body::Gate(_) => None,
        }
    }

    fn unmade_task(
        &self,
        index: NodeIndex,
        body: &DagBody,
        plan: &DagPlan,
        wanted: &Wanted<'_>,
    ) -> Option<Unmade> {
        let find = |name: &str| plan.by_name.get(name).copied();
        let slot = find(wanted.whole).or_else(|| find(wanted.call))?;
        if body.tasks[slot as usize].node != NodeIndex::NONE {
            return None;
        }
        let task = &plan.tasks[slot as usize];
        if !task.needed {
            let why = "no target of its DAG needs it";
            return Some(Unmade::Because(why.to_owned()));
        }
        let mut waits = Listed::default();
        for &dependency in &task.dependencies {
            let before = body.tasks[dependency as usize];
            if before.branch.is_some() {
                continue;
            }
            let hooks = before.node.some().map(|node| self.open_hooks(node));
            match hooks.filter(|hooks| !hooks.is_empty()) {
                Some(hooks) => hooks
                    .into_iter()
                    .for_each(|hook| waits.add(|| self.display_name(hook))),
                None => waits.add(|| plan.tasks[dependency as usize].call.name.to_string()),
            }
        }
        Some(Unmade::Because(self.unmade_because(index, &waits)))
    }

    /// What a node that is over has still to wait for: its hooks.
    fn open_hooks(&self, index: NodeIndex) -> Vec<NodeIndex> {
        if !self.node(index).phase.is_fulfilled() {
            return Vec::new();
        }
        let hooks = self.attached_to(index).iter().copied();
        hooks
            .filter(|&hook| !self.node(hook).phase.is_fulfilled())
            .collect()
    }

    fn unmade_step(
        &self,
        index: NodeIndex,
        body: &StepsBody,
        plan: &StepsPlan,
        wanted: &Wanted<'_>,
    ) -> Option<Unmade> {
        let (group, place) = *plan.by_name.get(wanted.call)?;
        let Some(&node) = body.groups.get(group as usize) else {
            let last = *body.groups.last()?;
            let waits = self.open_children(last);
            return Some(Unmade::Because(self.unmade_because(index, &waits)));
        };
        let Body::Group(group) = &self.node(node).body else {
            return None;
        };
        match group.steps.get(place as usize)? {
            StepState::Unmade => {
                let why = self.unmade_because(index, &Listed::default());
                Some(Unmade::Because(why))
            }
            StepState::Loop(state) => self.unmade_item(index, state, wanted),
            StepState::Single(_) => None,
        }
    }

    fn unmade_item(
        &self,
        boundary: NodeIndex,
        state: &LoopState,
        wanted: &Wanted<'_>,
    ) -> Option<Unmade> {
        let Some(item) = wanted.item else {
            return Some(Unmade::Loop {
                items: state.nodes.len(),
                unmade: state.unmade,
            });
        };
        let is_unmade = *state.nodes.get(item)? == NodeIndex::NONE;
        let why = || self.unmade_because(boundary, &Listed::default());
        is_unmade.then(|| Unmade::Because(why()))
    }

    /// What keeps a child of a template from being made.
    fn unmade_because(&self, boundary: NodeIndex, waits: &Listed) -> String {
        if !waits.is_empty() {
            return format!("waits for {waits}");
        }
        if let Some(held_up) = self.held_up() {
            return held_up;
        }
        match self.held(boundary) {
            Some(held) => self.held_text(held, boundary),
            None => "is about to begin".to_owned(),
        }
    }
}
