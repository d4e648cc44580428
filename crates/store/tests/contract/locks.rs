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
    let seeds = [
        LockSeed::Lock(Arc::from("ns/Mutex/m")),
        LockSeed::Holder(request.holder),
    ];
    let answers = store.with_locks(
        &seeds.into(),
        &mut |table| table.ask(request.clone()),
        &|_| None,
    );
    granted(answers.expect("asked"))
}

fn release(store: &dyn Store, holder: LockHolder) -> Vec<u32> {
    let seeds = BTreeSet::from([LockSeed::Holder(holder)]);
    let answers = store.with_locks(&seeds, &mut |table| table.release(holder), &|_| None);
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
        let answers = store.with_locks(&seeds, &mut |table| table.wake_all(), &|_| None);
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

/// What is asked of a semaphore of this limit, by somebody whose run is another's.
fn semaphore(run: RunId, node: u32) -> LockRequest {
    LockRequest {
        locks: Arc::from([LockName {
            kind: LockKind::Semaphore,
            name: Arc::from("ns/ConfigMap/limits/s"),
        }]),
        ..request(run, node)
    }
}

/// Works on the semaphore under a limit; gives who was granted it.
fn limited(
    store: &dyn Store,
    limit: i64,
    more: &[LockSeed],
    mut work: impl FnMut(&mut argosy_engine::locks::LockTable) -> Vec<LockAnswer>,
) -> Vec<u32> {
    let name: Arc<str> = Arc::from("ns/ConfigMap/limits/s");
    let mut seeds = BTreeSet::from([LockSeed::Lock(name.clone())]);
    seeds.extend(more.iter().cloned());
    let answers = store.with_locks(
        &seeds,
        &mut |table| {
            let mut answers = table.set_limit(&name, Some(limit));
            answers.extend(work(table));
            answers
        },
        &|_| None,
    );
    granted(answers.expect("worked"))
}

#[test]
fn many_hold_a_lock_and_the_limit_is_kept_to_the_last() {
    const LIMIT: u32 = 300;
    on_each(|world| {
        let store = world.open();
        let (one, two) = (
            store.create_run(new_run("ns", "one")).expect("created"),
            store.create_run(new_run("ns", "two")).expect("created"),
        );
        for node in 0..LIMIT {
            let run = if node % 2 == 0 { one } else { two };
            let asked = limited(&*store, LIMIT.into(), &[], |table| {
                table.ask(semaphore(run, node))
            });
            assert_eq!(asked, [node]);
        }
        // Those who wait are told who else holds it, whatever their own workflow holds.
        let mut told = Vec::new();
        limited(&*store, LIMIT.into(), &[], |table| {
            for (_, seen) in table.ask(semaphore(one, LIMIT)) {
                if let LockSeen::Waiting {
                    message, holders, ..
                } = seen
                {
                    told.push((message, holders[0].1.len()));
                }
            }
            Vec::new()
        });
        let message = "Waiting for ns/ConfigMap/limits/s lock. Lock status: 0/300";
        assert_eq!(told, [(message.into(), 32)]);
        for node in LIMIT + 1..2 * LIMIT {
            let asked = limited(&*store, LIMIT.into(), &[], |table| {
                table.ask(semaphore(one, node))
            });
            assert_eq!(asked, [0; 0]);
        }
        // Each that is given back goes to the next; from anywhere in the table.
        for (given_back, next) in [(299, 300), (1, 301), (150, 302)] {
            let run = if given_back % 2 == 0 { one } else { two };
            let holder = semaphore(run, given_back).holder;
            let seed = LockSeed::Holder(holder);
            let granted = limited(&*store, LIMIT.into(), &[seed], |table| {
                table.release(holder)
            });
            assert_eq!(granted, [next]);
        }
        // A limit that is raised is handed out until nobody is left.
        let mut all = 0;
        loop {
            let some = limited(&*store, 10_000, &[], |table| table.wake_all()).len();
            all += some;
            if some == 0 {
                break;
            }
        }
        assert_eq!(all, 297);
        // One that is lowered admits nobody until enough have given it back.
        let asked = limited(&*store, 5, &[], |table| table.ask(semaphore(two, 5_000)));
        assert_eq!(asked, [0; 0]);
        assert!(store.delete_run(one).expect("deleted"));
        let left: Vec<u32> = (0..LIMIT).filter(|node| node % 2 == 1).collect();
        // Two of them have given theirs back already.
        for (place, node) in left
            .iter()
            .filter(|node| ![1, 299].contains(*node))
            .enumerate()
        {
            let holder = semaphore(two, *node).holder;
            let seed = LockSeed::Holder(holder);
            let granted = limited(&*store, 5, &[seed], |table| table.release(holder));
            let expected: &[u32] = if place == 143 { &[5_000] } else { &[] };
            assert_eq!(granted, expected, "{place}");
        }
    });
}

#[test]
fn a_letter_goes_with_what_it_tells_of() {
    on_each(|world| {
        let store = world.open();
        let (holds, waits) = (
            store.create_run(new_run("ns", "holds")).expect("created"),
            store.create_run(new_run("ns", "waits")).expect("created"),
        );
        assert_eq!(ask(&*store, &request(holds, 1)), [1]);
        assert_eq!(ask(&*store, &request(waits, 2)), [0; 0]);
        let holder = request(holds, 1).holder;
        let seeds = BTreeSet::from([LockSeed::Holder(holder)]);
        let to_others = |(other, seen): &LockAnswer| {
            let is_grant = matches!(seen, LockSeen::Granted(_));
            (is_grant && other.run != holds).then(|| format!("granted {}", other.node.0).into())
        };
        store
            .with_locks(&seeds, &mut |table| table.release(holder), &to_others)
            .expect("released");
        drop(store);
        let store = world.open();
        let letters = store.commands(None, argosy_store::CommandId(0));
        let letters: Vec<(RunId, Vec<u8>)> = letters
            .expect("read")
            .into_iter()
            .map(|row| (row.run, row.command))
            .collect();
        assert_eq!(letters, [(waits, b"granted 2".to_vec())]);
    });
}
