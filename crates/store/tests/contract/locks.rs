//! Locks that all owners share.

use std::collections::BTreeSet;

use argosy_engine::ids::{NodeIndex, RunId, Seconds};
use argosy_engine::locks::{LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen};
use argosy_store::Store;

use crate::world::{new_run, on_each};

const LOCK: &str = "default/Mutex/m";

fn request(run: RunId) -> LockRequest {
    LockRequest {
        holder: LockHolder {
            run,
            node: NodeIndex::NONE,
        },
        key: format!("default/{}", run.0).into(),
        locks: vec![LockName {
            kind: LockKind::Mutex,
            name: LOCK.into(),
        }],
        priority: 0,
        created_at: Seconds(run.0 as i64),
    }
}

/// Asks for the lock; gives who was granted it.
fn ask(store: &dyn Store, run: RunId) -> Vec<RunId> {
    let seeds = BTreeSet::from([LockSeed::Lock(LOCK.into())]);
    let answers = store.with_locks(&seeds, &mut |table| table.ask(request(run)));
    granted(answers.expect("asked"))
}

fn release(store: &dyn Store, run: RunId) -> Vec<RunId> {
    let holder = request(run).holder;
    let seeds = BTreeSet::from([LockSeed::Holder(holder)]);
    let answers = store.with_locks(&seeds, &mut |table| table.release(holder));
    granted(answers.expect("released"))
}

fn granted(answers: Vec<(LockHolder, LockSeen)>) -> Vec<RunId> {
    answers
        .into_iter()
        .filter(|(_, seen)| matches!(seen, LockSeen::Granted(_)))
        .map(|(holder, _)| holder.run)
        .collect()
}

#[test]
fn a_lock_is_seen_by_all_and_outlives_a_crash() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let runs = ["a", "b", "c"].map(|name| {
            let run = one.create_run(new_run("default", name));
            run.expect("created")
        });
        assert_eq!(ask(&*one, runs[0]), [runs[0]]);
        assert_eq!(ask(&*two, runs[1]), []);
        assert_eq!(ask(&*one, runs[2]), []);
        drop((one, two));
        let store = world.open();
        // Who waited and is deleted waits no more.
        store.delete_run(runs[1]).expect("deleted");
        assert_eq!(release(&*store, runs[0]), [runs[2]]);
        assert_eq!(ask(&*store, runs[0]), []);
    });
}
