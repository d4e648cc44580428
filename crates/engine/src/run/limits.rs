//! What holds a new node back: `parallelism` of the workflow and of the template around it, and
//! the template's `failFast`. Argo: `checkParallelism`, `node_counters.go`.

use super::Run;
use super::body::Body;
use crate::ids::NodeIndex;

/// Why no node may be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The workflow's `parallelism` is used up.
    Workflow,
    /// The template's `parallelism` is used up.
    Template,
    /// A child failed and the template says `failFast`.
    FailFast,
}

/// What Argo says of a template that ends by its `failFast`.
pub(super) const FAIL_FAST: &str = "template has failed or errored children and failFast enabled";

impl Run {
    /// Whether a new node may be made inside `boundary`; if not, why.
    pub(super) fn held(&self, boundary: NodeIndex) -> Option<Held> {
        if let Some(limit) = self.plan.workflow.spec.parallelism
            && i64::from(self.counts.active_pods) >= limit
        {
            return Some(Held::Workflow);
        }
        let boundary = boundary.some()?;
        if self.fails_fast(boundary) {
            return Some(Held::FailFast);
        }
        let limit = self.template_of(boundary)?.template.parallelism?;
        let active = self.node(boundary).body.boundary()?.active;
        (i64::from(active) >= limit).then_some(Held::Template)
    }

    /// Whether a `steps` or `dag` node makes no more children because of its `failFast`.
    pub(super) fn fails_fast(&self, boundary: NodeIndex) -> bool {
        let unsuccessful = self
            .node(boundary)
            .body
            .boundary()
            .is_some_and(|boundary| boundary.unsuccessful > 0);
        unsuccessful
            && self
                .template_of(boundary)
                .is_some_and(|template| template.template.fail_fast == Some(true))
    }

    /// Remembers that a composite wanted to make a child and could not.
    pub(super) fn hold_back(&mut self, composite: NodeIndex, boundary: NodeIndex, held: Held) {
        match held {
            Held::Workflow => {
                self.held_back.insert(composite);
            }
            Held::Template => {
                if let Some(boundary) = self.nodes[boundary.offset()].body.boundary_mut() {
                    boundary.held_back.insert(composite);
                }
            }
            Held::FailFast => {}
        }
    }

    /// A place has become free: whoever was held back for want of one may try again. Each tries,
    /// and passes the word on when it has nothing to make.
    pub(super) fn wake_held_back(&mut self, boundary: NodeIndex) {
        self.wake_next();
        let Some(boundary) = boundary.some() else {
            return;
        };
        let waits = self.node(boundary).body.boundary();
        if waits.is_none_or(|boundary| boundary.held_back.is_empty())
            || self.held(boundary) == Some(Held::Template)
        {
            return;
        }
        let woken = self.nodes[boundary.offset()]
            .body
            .boundary_mut()
            .and_then(|boundary| boundary.held_back.pop_first());
        self.dirty.extend(woken);
    }

    /// Wakes the next that the workflow's `parallelism` held back, if there is a place.
    pub(super) fn wake_next(&mut self) {
        if let Some(limit) = self.plan.workflow.spec.parallelism
            && i64::from(self.counts.active_pods) < limit
            && let Some(first) = self.held_back.pop_first()
        {
            self.dirty.insert(first);
        }
    }

    /// Has the children of a template that fails fast looked at that would otherwise go on: retried
    /// nodes between two attempts, and loops none of whose items runs. They end when their turn
    /// comes, so that it does not matter who noticed first.
    pub(super) fn look_at_idle(&mut self, children: &[NodeIndex]) {
        for &child in children {
            let node = self.node(child);
            if matches!(node.body, Body::Retry(_) | Body::Loop(_)) && !node.phase.is_fulfilled() {
                self.dirty.insert(child);
            }
        }
    }
}
