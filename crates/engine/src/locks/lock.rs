//! One lock of the table: who holds it, and whose turn it is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::request::{LockHolder, LockKind, LockName, LockRequest};
use crate::ids::{NodeIndex, RunId, Seconds};

/// How many holders of other workflows a workflow that waits is told of.
const MOST_TOLD: usize = 32;

/// One lock.
pub(super) struct Lock {
    pub kind: LockKind,
    pub limit: i64,
    pub holders: BTreeMap<LockHolder, Arc<str>>,
    /// Holders beyond those, of whom a part of a table knows no more.
    pub unseen: i64,
    /// Those who wait, in the order in which they go.
    pub queue: BTreeMap<Front, Line>,
    /// The first members of the groups of which this lock is what they can't have. Each group stands
    /// with one lock only, so a change of a lock concerns those alone whom it held up.
    pub parked: BTreeSet<(Front, NodeIndex)>,
}

/// The locks that somebody who waits still needs.
pub(super) type Needs = Arc<[LockName]>;

/// A place in the order of a queue: a workflow, or all of its nodes. Those pass each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Front {
    priority: Reverse<i32>,
    created_at: Seconds,
    run: RunId,
    is_node: bool,
}

/// Those of one place.
#[derive(Default)]
pub(super) struct Line {
    pub waiters: BTreeSet<NodeIndex>,
    /// The holders of other workflows that they have been told of.
    pub told: Vec<Arc<str>>,
}

impl Front {
    pub fn of(request: &LockRequest) -> Self {
        Self {
            priority: Reverse(request.priority),
            created_at: request.created_at,
            run: request.holder.run,
            is_node: request.holder.node != NodeIndex::NONE,
        }
    }

    pub fn holder(self, node: NodeIndex) -> LockHolder {
        LockHolder {
            run: self.run,
            node,
        }
    }
}

impl Lock {
    pub fn new(kind: LockKind, limit: i64) -> Self {
        Self {
            kind,
            limit,
            holders: BTreeMap::new(),
            unseen: 0,
            queue: BTreeMap::new(),
            parked: BTreeSet::new(),
        }
    }

    /// How many hold it.
    pub fn held(&self) -> i64 {
        self.unseen + self.holders.len() as i64
    }

    pub fn free(&self) -> i64 {
        self.limit - self.held()
    }

    /// Who goes first.
    pub fn front(&self) -> Option<Front> {
        self.queue.first_key_value().map(|(front, _)| *front)
    }

    /// Whether somebody of this place can have the lock now.
    pub fn admits(&self, front: Front) -> bool {
        self.free() > 0 && self.front().is_none_or(|first| first == front)
    }

    pub fn line_up(&mut self, holder: LockHolder, front: Front) {
        self.queue
            .entry(front)
            .or_default()
            .waiters
            .insert(holder.node);
    }

    pub fn leave(&mut self, holder: LockHolder, front: Front) {
        if let Some(line) = self.queue.get_mut(&front) {
            line.waiters.remove(&holder.node);
            if line.waiters.is_empty() {
                self.queue.remove(&front);
            }
        }
    }

    /// The first of those whose turn it is.
    pub fn first_waiter(&self) -> Option<LockHolder> {
        let (front, line) = self.queue.first_key_value()?;
        Some(front.holder(*line.waiters.first()?))
    }

    /// The first member of the first group whose turn it is and that this lock holds up.
    pub fn first_parked(&self) -> Option<(Front, NodeIndex)> {
        let front = self.front()?;
        let mut places = (self.parked).range((front, NodeIndex(0))..=(front, NodeIndex::NONE));
        places.next().copied()
    }

    /// The first of the holders of other workflows, if those of this place were told of others.
    pub fn news_for(&mut self, front: Front) -> Option<Vec<Arc<str>>> {
        let own = front.holder(NodeIndex(0))..=front.holder(NodeIndex::NONE);
        let before = self.holders.range(..own.start());
        let behind = self.holders.range((
            std::ops::Bound::Excluded(own.end()),
            std::ops::Bound::Unbounded,
        ));
        let holders: Vec<Arc<str>> = before
            .chain(behind)
            .take(MOST_TOLD)
            .map(|(_, key)| key.clone())
            .collect();
        let line = self.queue.get_mut(&front)?;
        if line.told == holders {
            return None;
        }
        line.told.clone_from(&holders);
        Some(holders)
    }

    /// Locks of a ConfigMap count what is free, those of the database what is held.
    pub fn message(&self, name: &str) -> String {
        let mut parts = name.splitn(3, '/');
        let (namespace, source) = (parts.next().unwrap_or_default(), parts.next());
        if source == Some("Database") {
            let prefix = match self.kind {
                LockKind::Mutex => "mtx",
                LockKind::Semaphore => "sem",
            };
            return format!(
                "Waiting for {name} lock ({prefix}/{namespace}/{}). Lock status: {}/{}",
                parts.next().unwrap_or_default(),
                self.held(),
                self.limit
            );
        }
        format!(
            "Waiting for {name} lock. Lock status: {}/{}",
            self.free(),
            self.limit
        )
    }
}
