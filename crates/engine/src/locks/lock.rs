//! One lock of the table, and the order in which it is waited for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::request::{LockHolder, LockKind, LockRequest};
use crate::ids::{NodeIndex, RunId, Seconds};

/// One lock: who holds it, and who waits.
pub(super) struct Lock {
    pub kind: LockKind,
    pub limit: i64,
    pub holders: BTreeMap<LockHolder, Arc<str>>,
    pub queue: BTreeSet<Place>,
    /// Counts changes of the holders.
    pub version: u64,
    /// The version that each waiting run was told last.
    pub told: BTreeMap<RunId, u64>,
}

impl Lock {
    pub fn new(kind: LockKind, limit: i64) -> Self {
        Self {
            kind,
            limit,
            holders: BTreeMap::new(),
            queue: BTreeSet::new(),
            version: 0,
            told: BTreeMap::new(),
        }
    }

    pub fn free(&self) -> i64 {
        self.limit - self.holders.len() as i64
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
                self.holders.len(),
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

/// A place in a queue. A workflow and its nodes queue apart, as in Argo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    priority: Reverse<i32>,
    created_at: Seconds,
    run: RunId,
    is_node: bool,
    node: NodeIndex,
}

impl Place {
    pub fn of(request: &LockRequest) -> Self {
        Self {
            priority: Reverse(request.priority),
            created_at: request.created_at,
            run: request.holder.run,
            is_node: request.holder.node != NodeIndex::NONE,
            node: request.holder.node,
        }
    }

    pub fn holder(self) -> LockHolder {
        LockHolder {
            run: self.run,
            node: self.node,
        }
    }

    pub fn same_front(self, other: Self) -> bool {
        (self.run, self.is_node) == (other.run, other.is_node)
    }
}
