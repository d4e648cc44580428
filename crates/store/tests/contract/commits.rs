//! Commits, and the commands that they consume.

use std::sync::mpsc::channel;

use argosy_engine::commit::{Commit, NodeRow, RunSummary, ValueHash};
use argosy_engine::ids::RunId;
use argosy_store::{CommandId, Durability, Epoch, RunFilter, Store, StoreError};

use crate::world::{log, new_run, nodes, numbered, on_each};

fn owned(store: &dyn Store, name: &str) -> (RunId, argosy_store::Claim) {
    let id = store.create_run(new_run("default", name)).expect("created");
    let claim = store.claim(id).expect("claimed").expect("free");
    (id, claim)
}

#[test]
fn what_is_committed_is_there_after_a_crash() {
    on_each(|world| {
        let store = world.open();
        let (id, claim) = owned(&*store, "one");
        for number in 0..3 {
            let durability = [Durability::Process, Durability::Power][number as usize % 2];
            store
                .commit(claim.epoch, numbered(id, number), durability)
                .expect("stored");
        }
        let change = Commit {
            run: Some(id),
            nodes: vec![NodeRow {
                index: 1,
                record: b"changed".to_vec(),
            }],
            removed_nodes: vec![2, 77],
            values: vec![(ValueHash([1; 16]), "value 1".into())],
            labels: Some([("team".to_owned(), "a".to_owned())].into()),
            ..Commit::default()
        };
        store
            .commit(claim.epoch, change, Durability::Process)
            .expect("stored");
        drop((store, claim));
        let store = world.open();
        let mut loaded = Vec::new();
        let stored = store
            .load(id, &mut |row| loaded.push(row.index))
            .expect("loaded");
        assert_eq!(stored.state, Some(2u32.to_le_bytes().to_vec()));
        assert_eq!(stored.row.summary.progress_done, 2);
        assert_eq!(stored.row.labels["team"], "a");
        assert_eq!(loaded, [0, 1]);
        let expected = [(0, "node 0".to_owned()), (1, "changed".to_owned())];
        assert_eq!(nodes(&*store, id), expected);
        assert_eq!(store.node(id, 1).expect("read"), Some(b"changed".to_vec()));
        assert_eq!(store.node(id, 2).expect("read"), None);
        let turns = ["turn 0", "turn 1", "turn 2"];
        let turns: Vec<(u64, String)> = (0..).zip(turns.map(str::to_owned)).collect();
        assert_eq!(
            log(&*store, id, 0),
            turns,
            "a turn without facts leaves no entry"
        );
        assert_eq!(log(&*store, id, 2), turns[2..]);
        let value = |number| store.value(id, ValueHash([number; 16])).expect("read");
        assert_eq!(value(2).as_deref(), Some("value 2"));
        assert_eq!(value(9), None);
        let mut values = 0;
        store.values(id, &mut |_, _| values += 1).expect("read");
        assert_eq!(values, 3);
    });
}

#[test]
fn commits_are_answered_in_order_and_one_that_is_refused_spoils_no_other() {
    on_each(|world| {
        let store = world.open();
        let (id, claim) = owned(&*store, "one");
        let (other, _claim) = owned(&*store, "other");
        let (answer, answers) = channel();
        for number in 0..100u32 {
            let (epoch, commit) = match number % 10 {
                3 => (Epoch(7), numbered(id, number)),
                5 => (claim.epoch, numbered(RunId(99), number)),
                7 => (claim.epoch, Commit::default()),
                8 => (claim.epoch, numbered(other, number)),
                _ => (claim.epoch, numbered(id, number)),
            };
            let answer = answer.clone();
            store.submit(
                epoch,
                commit,
                Durability::Process,
                Box::new(move |result| drop(answer.send((number, result)))),
            );
        }
        for number in 0..100u32 {
            let (answered, result) = answers.recv().expect("an answer");
            assert_eq!(answered, number);
            let fits = match number % 10 {
                3 => matches!(result, Err(StoreError::Fenced { .. })),
                5 => matches!(result, Err(StoreError::RunMissing { .. })),
                7 => matches!(result, Err(StoreError::CommitWithoutRun)),
                _ => result.is_ok(),
            };
            assert!(fits, "{number}: {result:?}");
        }
        assert_eq!(nodes(&*store, id).len(), 60);
        assert_eq!(nodes(&*store, other).len(), 10);
    });
}

#[test]
fn commands_wait_until_a_commit_consumes_them() {
    on_each(|world| {
        let store = world.open();
        let (id, claim) = owned(&*store, "one");
        let (other, _claim) = owned(&*store, "other");
        let done = Commit {
            run: Some(id),
            summary: Some(RunSummary {
                completed: true,
                ..RunSummary::default()
            }),
            ..Commit::default()
        };
        store
            .commit(claim.epoch, done, Durability::Process)
            .expect("stored");
        let first = store.push_command(id, b"stop".to_vec()).expect("pushed");
        let second = store
            .push_command(other, b"resume".to_vec())
            .expect("pushed");
        let third = store.push_command(id, b"retry".to_vec()).expect("pushed");
        assert!(first < second && second < third);
        let row = &store
            .runs(&RunFilter {
                ids: vec![id],
                ..RunFilter::default()
            })
            .expect("read")[0];
        assert!(!row.summary.completed, "there is something to do again");
        let waiting = |run, after| -> Vec<CommandId> {
            let rows = store.commands(run, after).expect("read");
            rows.iter().map(|row| row.id).collect()
        };
        assert_eq!(waiting(None, CommandId(0)), [first, second, third]);
        assert_eq!(waiting(None, first), [second, third]);
        assert_eq!(waiting(Some(id), CommandId(0)), [first, third]);
        let consume = Commit {
            run: Some(id),
            consumed_commands: vec![first.0],
            ..Commit::default()
        };
        let late = store.commit(Epoch(9), consume.clone(), Durability::Process);
        assert!(late.is_err());
        assert_eq!(waiting(Some(id), CommandId(0)), [first, third]);
        store
            .commit(claim.epoch, consume, Durability::Process)
            .expect("stored");
        let rows = store.commands(Some(id), CommandId(0)).expect("read");
        assert_eq!(rows[0].command, b"retry");
        assert_eq!(waiting(Some(id), CommandId(0)), [third]);
    });
}

#[test]
fn a_change_by_anyone_is_noticed() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let (id, claim) = owned(&*one, "one");
        let mut before = two.change_counter().expect("read");
        assert_eq!(two.change_counter().expect("read"), before);
        let mut changed = |what: &str| {
            let now = two.change_counter().expect("read");
            assert_ne!(now, before, "{what}");
            before = now;
        };
        one.commit(claim.epoch, numbered(id, 0), Durability::Process)
            .expect("stored");
        changed("a commit of another");
        two.push_command(id, Vec::new()).expect("pushed");
        changed("one's own command");
    });
}
