//! Those of one workflow who wait for the same locks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lock::{Front, Lock, Needs};
use crate::ids::NodeIndex;

type Locks = BTreeMap<Arc<str>, Lock>;

/// All groups. The first member of each is parked with one of the locks that it needs.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<(Front, Needs), Group>,
}

struct Group {
    members: BTreeSet<NodeIndex>,
    /// The lock with which the first of them is parked.
    at: Arc<str>,
}

impl Group {
    fn first(&self) -> NodeIndex {
        self.members.first().copied().unwrap_or(NodeIndex::NONE)
    }
}

impl Groups {
    /// Adds a member. Until it is known what holds a new group up, that is the first of its locks.
    pub fn join(&mut self, locks: &mut Locks, front: Front, node: NodeIndex, needs: &Needs) {
        let Some(lock) = needs.first() else {
            return;
        };
        let group = (self.groups.entry((front, needs.clone()))).or_insert_with(|| Group {
            members: BTreeSet::new(),
            at: lock.name.clone(),
        });
        let before = group.first();
        group.members.insert(node);
        if group.first() == node {
            let at = locks.get_mut(&group.at);
            move_first(at, front, before, Some(node));
        }
    }

    /// Takes a member out.
    pub fn leave(&mut self, locks: &mut Locks, front: Front, node: NodeIndex, needs: &Needs) {
        let key = (front, needs.clone());
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        let was_first = group.first() == node;
        group.members.remove(&node);
        if was_first {
            let next = group.members.first().copied();
            move_first(locks.get_mut(&group.at), front, node, next);
        }
        if group.members.is_empty() {
            self.groups.remove(&key);
        }
    }

    /// Says by which lock a member, and so its group, is held up.
    pub fn park(
        &mut self,
        locks: &mut Locks,
        front: Front,
        node: NodeIndex,
        needs: &Needs,
        at: &Arc<str>,
    ) {
        let group = self.groups.get_mut(&(front, needs.clone()));
        if let Some(group) = group.filter(|group| group.at != *at && group.first() == node) {
            move_first(locks.get_mut(&group.at), front, node, None);
            group.at = at.clone();
            move_first(locks.get_mut(at), front, node, Some(node));
        }
    }
}

fn move_first(lock: Option<&mut Lock>, front: Front, before: NodeIndex, now: Option<NodeIndex>) {
    if let Some(lock) = lock {
        lock.parked.remove(&(front, before));
        lock.parked.extend(now.map(|now| (front, now)));
    }
}
