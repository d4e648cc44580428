//! What is known of the nodes of a run that is shown.

use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{NodePhase, NodeType};
use argosy_engine::run::{Glance, Run};

/// What is known of a run's nodes.
#[derive(Default)]
pub(super) struct Nodes {
    pub seen: Vec<Option<Glance>>,
    pub below: BTreeMap<u32, Below>,
    pub roots: Vec<u32>,
}

/// The nodes below one.
#[derive(Default)]
pub(super) struct Below {
    pub children: Vec<u32>,
    pub counts: BTreeMap<NodePhase, u32>,
    pub active: BTreeSet<u32>,
    pub bad: BTreeSet<u32>,
}

impl Nodes {
    /// Takes a node's state up; gives the phase in which it was seen before, or `None` where there
    /// is nothing to tell.
    pub fn learn(&mut self, run: &Run, index: u32) -> Option<Change> {
        let now = run.glance(index)?;
        let place = index as usize;
        if self.seen.len() <= place {
            self.seen.resize(place + 1, None);
        }
        let before = self.seen[place].replace(now);
        if before.map(|before| before.phase) == Some(now.phase) {
            return None;
        }
        if now.kind != NodeType::StepGroup {
            self.enter(index, before, now);
        }
        Some(Change { now })
    }

    fn enter(&mut self, index: u32, before: Option<Glance>, now: Glance) {
        let Some(above) = now.above else {
            if before.is_none() {
                self.roots.push(index);
            }
            return;
        };
        let below = self.below.entry(above).or_default();
        match before {
            None => below.children.push(index),
            Some(before) => {
                if let Some(count) = below.counts.get_mut(&before.phase) {
                    *count = count.saturating_sub(1);
                }
            }
        }
        *below.counts.entry(now.phase).or_default() += 1;
        if now.phase == NodePhase::Running {
            below.active.insert(index);
        } else {
            below.active.remove(&index);
        }
        if now.phase.is_failed_or_error() {
            below.bad.insert(index);
        } else {
            below.bad.remove(&index);
        }
    }
}

pub(super) struct Change {
    pub now: Glance,
}
