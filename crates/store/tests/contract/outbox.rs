//! What is still to be done, and runs that are to be deleted.

use argosy_engine::commit::{Commit, OutboxRow, RunSummary};
use argosy_engine::ids::{RunId, Seconds};
use argosy_store::{Durability, Epoch, Store, StoreError};

use crate::world::{new_run, on_each};

fn outbox(store: &dyn Store, run: RunId) -> Vec<(u64, String)> {
    let mut entries = Vec::new();
    store
        .outbox(run, &mut |number, entry| {
            entries.push((number, String::from_utf8_lossy(&entry).into_owned()));
        })
        .expect("the outbox is read");
    entries
}

fn asks(run: RunId, number: u64) -> Commit {
    Commit {
        run: Some(run),
        outbox: Some(OutboxRow {
            number,
            entry: format!("entry {number}").into_bytes(),
        }),
        summary: Some(RunSummary {
            completed: true,
            ..RunSummary::default()
        }),
        ..Commit::default()
    }
}

fn delivers(run: RunId, numbers: &[u64]) -> Commit {
    Commit {
        run: Some(run),
        delivered: numbers.to_vec(),
        ..Commit::default()
    }
}

#[test]
fn what_is_to_be_done_stays_until_it_is_delivered() {
    on_each(|world| {
        let store = world.open();
        let run = store.create_run(new_run("ns", "wf")).expect("created");
        let other = store.create_run(new_run("ns", "other")).expect("created");
        let claim = store.claim(run).expect("claimed").expect("free");
        let theirs = store.claim(other).expect("claimed").expect("free");
        let commit = |epoch, commit| store.commit(epoch, commit, Durability::Process);
        for number in [1, 2, 300] {
            commit(claim.epoch, asks(run, number)).expect("stored");
        }
        commit(theirs.epoch, asks(other, 2)).expect("stored");
        commit(claim.epoch, delivers(run, &[2, 99])).expect("stored");
        let late = commit(Epoch(9), delivers(run, &[1]));
        assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
        drop((store, claim, theirs));
        let store = world.open();
        let left = [(1, "entry 1".to_owned()), (300, "entry 300".to_owned())];
        assert_eq!(outbox(&*store, run), left);
        assert_eq!(
            store.unowned_runs().expect("looked"),
            [run, other],
            "something of them is left to do, though they are completed"
        );
        let claim = store.claim(run).expect("claimed").expect("free");
        store
            .commit(claim.epoch, delivers(run, &[1, 300]), Durability::Process)
            .expect("stored");
        drop(claim);
        assert_eq!(store.unowned_runs().expect("looked"), [other]);
        assert!(store.delete_run(other).expect("deleted"));
        assert_eq!(outbox(&*store, other), []);
        assert_eq!(store.unowned_runs().expect("looked"), []);
    });
}

#[test]
fn runs_are_found_when_their_time_has_come() {
    on_each(|world| {
        let store = world.open();
        let mut ids = Vec::new();
        for (name, at) in [("never", None), ("late", Some(20)), ("soon", Some(10))] {
            let id = store.create_run(new_run("ns", name)).expect("created");
            let claim = store.claim(id).expect("claimed").expect("free");
            let commit = Commit {
                run: Some(id),
                summary: Some(RunSummary {
                    delete_at: at.map(Seconds),
                    ..RunSummary::default()
                }),
                ..Commit::default()
            };
            store
                .commit(claim.epoch, commit, Durability::Process)
                .expect("stored");
            ids.push(id);
        }
        let expired = |at| store.expired_runs(Seconds(at)).expect("looked");
        assert_eq!(expired(9), []);
        assert_eq!(expired(10), [ids[2]]);
        assert_eq!(expired(20), [ids[1], ids[2]]);
        let rows = store.runs(&argosy_store::RunFilter::default());
        let rows = rows.expect("read");
        assert_eq!(rows[0].summary.delete_at, Some(Seconds(10)));
        assert!(store.delete_run(ids[2]).expect("deleted"));
        assert_eq!(expired(20), [ids[1]]);
    });
}
