//! Locks that several owners share.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_engine::commit::{Commit, RunSummary};
use argosy_engine::ids::{NodeIndex, RunId, Seconds};
use argosy_engine::locks::{
    LockAnswer, LockHolder, LockKind, LockName, LockRequest, LockSeed, LockSeen,
};
use argosy_store::{Durability, Store};

use crate::world::{new_run, on_each};

fn request(run: RunId, node: u32) -> LockRequest {
    LockRequest {
        holder: LockHolder {
            run,
            node: NodeIndex(node),
        },
        key: Arc::from(format!("ns/wf/{node}")),
        locks: Arc::from([LockName {
            kind: LockKind::Mutex,
            name: Arc::from("ns/Mutex/m"),
        }]),
        priority: 0,
        created_at: Seconds(1),
    }
}

fn granted(answers: Vec<LockAnswer>) -> Vec<u32> {
    answers
        .into_iter()
        .filter(|(_, seen)| matches!(seen, LockSeen::Granted(_)))
        .map(|(holder, _)| holder.node.0)
        .collect()
}

fn ask(store: &dyn Store, request: &LockRequest) -> Vec<u32> {
    let seeds = BTreeSet::from([LockSeed::Lock(Arc::from("ns/Mutex/m"))]);
    let answers = store.with_locks(&seeds, &mut |table| table.ask(request.clone()));
    granted(answers.expect("asked"))
}

fn release(store: &dyn Store, holder: LockHolder) -> Vec<u32> {
    let seeds = BTreeSet::from([LockSeed::Holder(holder)]);
    let answers = store.with_locks(&seeds, &mut |table| table.release(holder));
    granted(answers.expect("released"))
}

#[test]
fn a_lock_is_held_by_one_whoever_asks_and_survives_a_crash() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let run = one.create_run(new_run("ns", "wf")).expect("created");
        assert_eq!(ask(&*one, &request(run, 1)), [1]);
        assert_eq!(ask(&*two, &request(run, 2)), [0; 0]);
        drop((one, two));
        let one = world.open();
        assert_eq!(ask(&*one, &request(run, 3)), [0; 0]);
        assert_eq!(ask(&*one, &request(run, 1)), [1], "it holds it still");
        assert_eq!(release(&*one, request(run, 1).holder), [2]);
        assert_eq!(release(&*one, request(run, 3).holder), [0; 0]);
        assert_eq!(release(&*one, request(run, 2).holder), [0; 0]);
        assert_eq!(ask(&*one, &request(run, 4)), [4]);
    });
}

#[test]
fn a_run_that_is_deleted_holds_nothing() {
    on_each(|world| {
        let store = world.open();
        let gone = store.create_run(new_run("ns", "gone")).expect("created");
        let waits = store.create_run(new_run("ns", "waits")).expect("created");
        assert_eq!(ask(&*store, &request(gone, 1)), [1]);
        assert_eq!(ask(&*store, &request(waits, 1)), [0; 0]);
        assert!(store.delete_run(gone).expect("deleted"));
        let seeds = BTreeSet::from([LockSeed::Lock(Arc::from("ns/Mutex/m"))]);
        let answers = store.with_locks(&seeds, &mut |table| table.wake_all());
        assert_eq!(granted(answers.expect("looked")), [1]);
    });
}

#[test]
fn a_completed_run_holds_nothing_whatever_its_owner_got_to() {
    on_each(|world| {
        let store = world.open();
        let over = store.create_run(new_run("ns", "over")).expect("created");
        let waits = store.create_run(new_run("ns", "waits")).expect("created");
        assert_eq!(ask(&*store, &request(over, 1)), [1]);
        assert_eq!(ask(&*store, &request(over, 2)), [0; 0]);
        assert_eq!(ask(&*store, &request(waits, 3)), [0; 0]);
        let claim = store.claim(over).expect("claimed").expect("free");
        let end = Commit {
            run: Some(over),
            summary: Some(RunSummary {
                completed: true,
                ..RunSummary::default()
            }),
            ..Commit::default()
        };
        store
            .commit(claim.epoch, end, Durability::Process)
            .expect("stored");
        // Whoever comes by next finds it free; its owner may still give it back.
        assert_eq!(release(&*store, request(over, 1).holder), [3]);
        assert_eq!(release(&*store, request(over, 2).holder), [0; 0]);
        assert_eq!(ask(&*store, &request(waits, 4)), [0; 0]);
    });
}
