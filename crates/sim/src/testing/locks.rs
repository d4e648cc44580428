//! Who held which locks while a workflow was played.

use std::collections::{BTreeMap, BTreeSet};

use argosy_engine::ids::RunId;
use serde_json::{Value, json};

use crate::world::World;

/// What was seen of one lock.
#[derive(Clone, Debug, Default)]
struct Seen {
    limit: i64,
    /// Who holds it now.
    now: BTreeSet<String>,
    /// Whoever got it, in order; once more for each time.
    holders: Vec<String>,
    /// Whoever had to wait, in the order in which they were first seen to.
    waited: Vec<String>,
    most: usize,
}

/// Who held which locks, by the locks' names.
#[derive(Clone, Debug, Default)]
pub(super) struct LockHistory(BTreeMap<String, Seen>);

impl LockHistory {
    /// Looks at all locks.
    pub fn note(&mut self, world: &World, run: RunId) {
        let views = world.locks();
        // A lock that nobody holds or waits for any more is not shown.
        for (name, seen) in &mut self.0 {
            if !views.iter().any(|view| view.lock.name.to_string() == *name) {
                seen.now.clear();
            }
        }
        for view in views {
            let seen = self.0.entry(view.lock.name.to_string()).or_default();
            let name = |holder: &str| holder_name(world, run, holder);
            let now: BTreeSet<String> = view.holders.iter().map(|holder| name(holder)).collect();
            seen.limit = view.limit;
            seen.most = seen.most.max(view.holders.len());
            for holder in view.holders.iter().map(|holder| name(holder)) {
                if !seen.now.contains(&holder) {
                    seen.holders.push(holder);
                }
            }
            for waiter in view.waiting.iter().map(|waiter| name(waiter)) {
                if !seen.waited.contains(&waiter) {
                    seen.waited.push(waiter);
                }
            }
            seen.now = now;
        }
    }

    /// What was seen of the lock of a name, or of the last part of one.
    pub fn find(&self, name: &str) -> Option<Value> {
        let last = |full: &str| full.rsplit('/').next() == Some(name);
        let found = self.0.iter().find(|(full, _)| *full == name);
        let (full, seen) = found.or_else(|| self.0.iter().find(|(full, _)| last(full)))?;
        Some(json!({
            "name": full,
            "limit": seen.limit,
            "holders": seen.holders,
            "held": seen.now,
            "waited": seen.waited,
            "most": seen.most,
        }))
    }

    /// The names of all locks.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The display name of the node that holds a lock, or the name of the workflow: a holder is
/// `<namespace>/<workflow>`, for a node with `/<node ID>`.
fn holder_name(world: &World, run: RunId, holder: &str) -> String {
    let mut parts = holder.splitn(3, '/').skip(1);
    let workflow = parts.next().unwrap_or(holder);
    let Some(id) = parts.next() else {
        return workflow.to_owned();
    };
    let run = world.run(run);
    let node = run.and_then(|run| {
        let index = run.find_nodes(id).into_iter().next()?;
        Some(run.node_status_at(index.0).display_name)
    });
    node.unwrap_or_else(|| id.to_owned())
}
