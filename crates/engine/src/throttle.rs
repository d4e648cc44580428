//! How many workflows run at a time: the controller's `parallelism` and `namespaceParallelism`.
//! Argo: `workflow/sync/multi_throttler.go`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{RunId, Seconds};

/// What Argo says of a workflow that is held back.
pub const POSTPONED: &str =
    "Workflow processing has been postponed because too many workflows are already running";

/// Which workflows may run. A limit of 0 is none.
#[derive(Debug, Default)]
pub struct Throttle {
    total: u32,
    namespace_default: u32,
    namespaces: BTreeMap<Arc<str>, u32>,
    running: BTreeMap<RunId, Arc<str>>,
    in_namespace: BTreeMap<Arc<str>, u32>,
    pending: BTreeSet<Waiting>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    priority: Reverse<i32>,
    created_at: Seconds,
    run: RunId,
    namespace: Arc<str>,
}

impl Throttle {
    /// Sets the limits of the controller: of all workflows, and of each namespace.
    pub fn set_limits(&mut self, total: u32, namespace_default: u32) {
        self.total = total;
        self.namespace_default = namespace_default;
    }

    /// Sets the limit of one namespace (its label
    /// `workflows.argoproj.io/parallelism-limit`); `None` for the controller's.
    pub fn set_namespace(&mut self, namespace: &str, limit: Option<u32>) {
        let namespace = Arc::from(namespace);
        match limit {
            Some(limit) => self.namespaces.insert(namespace, limit),
            None => self.namespaces.remove(&namespace),
        };
    }

    /// Whether a workflow may run now; it queues up if not.
    pub fn admit(
        &mut self,
        run: RunId,
        namespace: &str,
        priority: i32,
        created_at: Seconds,
    ) -> bool {
        if self.running.contains_key(&run) {
            return true;
        }
        self.pending.insert(Waiting {
            priority: Reverse(priority),
            created_at,
            run,
            namespace: Arc::from(namespace),
        });
        // Those who wait already go first where they can.
        self.next().is_some_and(|next| {
            if next != run {
                return false;
            }
            self.take(run);
            true
        })
    }

    /// Counts a workflow that runs already, whatever the limits say.
    pub fn enter(&mut self, run: RunId, namespace: &str) {
        self.pending.retain(|waiting| waiting.run != run);
        let namespace: Arc<str> = Arc::from(namespace);
        if self.running.insert(run, namespace.clone()).is_none() {
            *self.in_namespace.entry(namespace).or_default() += 1;
        }
    }

    /// A workflow has ended or is gone.
    pub fn leave(&mut self, run: RunId) {
        self.pending.retain(|waiting| waiting.run != run);
        if let Some(namespace) = self.running.remove(&run)
            && let Some(count) = self.in_namespace.get_mut(&namespace)
        {
            *count -= 1;
        }
    }

    /// The workflows that may begin now, in order.
    pub fn admit_waiting(&mut self) -> Vec<RunId> {
        let mut admitted = Vec::new();
        while let Some(run) = self.next() {
            self.take(run);
            admitted.push(run);
        }
        admitted
    }

    fn take(&mut self, run: RunId) {
        let waiting = self
            .pending
            .iter()
            .find(|waiting| waiting.run == run)
            .cloned();
        if let Some(waiting) = waiting {
            self.enter(run, &waiting.namespace);
        }
    }

    fn next(&self) -> Option<RunId> {
        if self.total > 0 && self.running.len() >= self.total as usize {
            return None;
        }
        self.pending
            .iter()
            .find(|waiting| self.has_place(&waiting.namespace))
            .map(|waiting| waiting.run)
    }

    fn has_place(&self, namespace: &Arc<str>) -> bool {
        let limit = self
            .namespaces
            .get(namespace)
            .copied()
            .unwrap_or(self.namespace_default);
        limit == 0 || self.in_namespace.get(namespace).copied().unwrap_or(0) < limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_then_the_oldest_go_first_within_both_limits() {
        let mut throttle = Throttle::default();
        throttle.set_limits(2, 1);
        assert!(throttle.admit(RunId(1), "a", 0, Seconds(1)));
        assert!(!throttle.admit(RunId(2), "a", 0, Seconds(2)));
        assert!(throttle.admit(RunId(3), "b", 0, Seconds(3)));
        assert!(!throttle.admit(RunId(4), "a", 9, Seconds(4)));
        assert!(!throttle.admit(RunId(5), "c", 0, Seconds(5)));
        throttle.leave(RunId(1));
        assert_eq!(throttle.admit_waiting(), [RunId(4)]);
        throttle.set_limits(0, 0);
        assert_eq!(throttle.admit_waiting(), [RunId(2), RunId(5)]);
    }
}
