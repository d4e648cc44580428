//! Runs: handing over, finding, owning and deleting.

use argosy_api::WorkflowPhase;
use argosy_engine::commit::{Commit, RunSummary};
use argosy_engine::ids::{RunId, Seconds};
use argosy_store::{Durability, Epoch, RunFilter, Store, StoreError};

use crate::world::{new_run, nodes, numbered, on_each};

fn names(store: &dyn Store, filter: &RunFilter) -> Vec<String> {
    let runs = store.runs(filter).expect("the runs are read");
    runs.into_iter().map(|row| row.name).collect()
}

#[test]
fn a_run_is_as_it_was_handed_over() {
    on_each(|world| {
        let store = world.open();
        let id = store
            .create_run(new_run("default", "one"))
            .expect("created");
        drop(store);
        let store = world.open();
        let given = new_run("default", "one");
        assert_eq!(store.definition(id).expect("read"), given.definition);
        assert_eq!(store.environment(id).expect("read"), given.environment);
        let stored = store
            .load(id, &mut |_| panic!("no nodes yet"))
            .expect("loaded");
        assert_eq!(stored.options, given.options);
        assert_eq!(stored.state, None);
        let row = stored.row;
        assert_eq!((row.id, row.name, row.uid), (id, given.name, given.uid));
        assert_eq!(
            (row.labels, row.annotations),
            (given.labels, given.annotations)
        );
        assert_eq!(row.summary, RunSummary::default());
        assert_eq!((row.epoch, row.owner_process), (Epoch(0), None));
    });
}

#[test]
fn a_name_is_taken_once_in_a_namespace_until_its_run_is_deleted() {
    on_each(|world| {
        let store = world.open();
        let first = store.create_run(new_run("a", "x")).expect("created");
        let other = store.create_run(new_run("b", "x")).expect("created");
        let again = store.create_run(new_run("a", "x"));
        assert!(matches!(again, Err(StoreError::NameTaken { .. })));
        assert!(store.delete_run(first).expect("deleted"));
        assert!(!store.delete_run(first).expect("looked"));
        let second = store.create_run(new_run("a", "x")).expect("created");
        assert!(
            second > other && other > first,
            "numbers are not used again"
        );
    });
}

#[test]
fn what_is_deleted_is_gone_with_all_that_was_its() {
    on_each(|world| {
        let store = world.open();
        let id = store
            .create_run(new_run("default", "one"))
            .expect("created");
        let claim = store.claim(id).expect("claimed").expect("free");
        store
            .commit(claim.epoch, numbered(id, 0), Durability::Process)
            .expect("stored");
        store.push_command(id, b"stop".to_vec()).expect("pushed");
        store.delete_run(id).expect("deleted");
        let missing = |result: Result<(), StoreError>| matches!(result, Err(StoreError::RunMissing { run, .. }) if run == id);
        assert!(missing(store.load(id, &mut |_| {}).map(drop)));
        assert!(missing(store.definition(id).map(drop)));
        assert!(missing(store.environment(id).map(drop)));
        assert!(missing(store.push_command(id, Vec::new()).map(drop)));
        assert!(missing(store.commit(
            claim.epoch,
            numbered(id, 1),
            Durability::Process
        )));
        drop(claim);
        assert!(missing(store.claim(id).map(drop)));
        assert!(nodes(&*store, id).is_empty());
        assert!(
            store
                .commands(None, Default::default())
                .expect("read")
                .is_empty()
        );
        assert!(store.unowned_runs().expect("read").is_empty());
    });
}

#[test]
fn filters_find_what_they_say_the_latest_first() {
    on_each(|world| {
        let store = world.open();
        let mut ids = Vec::new();
        for (place, (namespace, name)) in [("a", "x-1"), ("a", "x-2"), ("b", "x-1"), ("a", "y*")]
            .into_iter()
            .enumerate()
        {
            let mut run = new_run(namespace, name);
            run.created_at = Seconds(place as i64);
            run.uid = format!("uid-{place}");
            let id = store.create_run(run).expect("created");
            ids.push(id);
            if place < 2 {
                let claim = store.claim(id).expect("claimed").expect("free");
                let summary = RunSummary {
                    phase: Some(WorkflowPhase::Succeeded),
                    completed: place == 0,
                    ..RunSummary::default()
                };
                let commit = Commit {
                    run: Some(id),
                    summary: Some(summary),
                    ..Commit::default()
                };
                store
                    .commit(claim.epoch, commit, Durability::Process)
                    .expect("stored");
            }
        }
        let all = RunFilter::default();
        let text = |text: &str| Some(text.to_owned());
        let cases: [(RunFilter, &[&str]); 12] = [
            (all.clone(), &["y*", "x-1", "x-2", "x-1"]),
            (
                RunFilter {
                    namespace: text("a"),
                    ..all.clone()
                },
                &["y*", "x-2", "x-1"],
            ),
            (
                RunFilter {
                    name: text("x-1"),
                    ..all.clone()
                },
                &["x-1", "x-1"],
            ),
            (
                RunFilter {
                    name_prefix: text("x-"),
                    ..all.clone()
                },
                &["x-1", "x-2", "x-1"],
            ),
            (
                RunFilter {
                    name_prefix: text("y*"),
                    ..all.clone()
                },
                &["y*"],
            ),
            (
                RunFilter {
                    name_prefix: text("*"),
                    ..all.clone()
                },
                &[],
            ),
            (
                RunFilter {
                    uid: text("uid-1"),
                    ..all.clone()
                },
                &["x-2"],
            ),
            (
                RunFilter {
                    phases: vec![Some(WorkflowPhase::Succeeded)],
                    ..all.clone()
                },
                &["x-2", "x-1"],
            ),
            (
                RunFilter {
                    phases: vec![None],
                    ..all.clone()
                },
                &["y*", "x-1"],
            ),
            (
                RunFilter {
                    completed: Some(true),
                    ..all.clone()
                },
                &["x-1"],
            ),
            (
                RunFilter {
                    created_since: Some(Seconds(2)),
                    ..all.clone()
                },
                &["y*", "x-1"],
            ),
            (
                RunFilter {
                    ids: vec![ids[1], ids[3]],
                    limit: 1,
                    ..all.clone()
                },
                &["y*"],
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(names(&*store, &filter), expected, "{filter:?}");
        }
        let mut page = RunFilter { limit: 3, ..all };
        assert_eq!(names(&*store, &page), ["y*", "x-1", "x-2"]);
        page.before = Some(ids[1]);
        assert_eq!(names(&*store, &page), ["x-1"]);
        assert_eq!(store.unowned_runs().expect("read"), ids[1..]);
    });
}

#[test]
fn those_that_are_owned_hide_none_behind_them() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let new = |number: u32| {
            let run = new_run("default", &format!("run-{number}"));
            one.create_run(run).expect("created")
        };
        let owned: Vec<_> = (0..1_001).map(new).collect();
        let last = new(1_001);
        let claims: Vec<_> = owned.iter().map(|run| one.claim(*run)).collect();
        assert!(claims.iter().all(|claim| matches!(claim, Ok(Some(_)))));
        assert_eq!(two.unowned_runs().expect("looked"), [last]);
        let are_known = |run| owned.contains(&run);
        let found = two.unowned_runs_besides(&are_known).expect("looked");
        assert_eq!(found, [last]);
        let are_all = |_| true;
        assert!(
            two.unowned_runs_besides(&are_all)
                .expect("looked")
                .is_empty()
        );
    });
}

#[test]
fn a_run_has_one_owner_and_each_has_an_epoch() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let id = one.create_run(new_run("default", "one")).expect("created");
        assert!(!one.is_owned(id).expect("looked"));
        let first = one.claim(id).expect("claimed").expect("free");
        assert_eq!(first.epoch, Epoch(1));
        assert!(two.is_owned(id).expect("looked"));
        assert!(two.claim(id).expect("asked").is_none());
        assert!(two.unowned_runs().expect("looked").is_empty());
        let epoch = first.epoch;
        drop(first);
        assert_eq!(two.unowned_runs().expect("looked"), [id]);
        let second = two.claim(id).expect("claimed").expect("free");
        assert_eq!(second.epoch, Epoch(2));
        let late = one.commit(epoch, numbered(id, 0), Durability::Process);
        assert!(
            matches!(
                late,
                Err(StoreError::Fenced {
                    current: Epoch(2),
                    ..
                })
            ),
            "{late:?}"
        );
        assert!(nodes(&*two, id).is_empty());
        let row = two.runs(&RunFilter::default()).expect("read").remove(0);
        assert_eq!(row.owner_process, Some(std::process::id()));
        assert!(one.claim(RunId(99)).is_err());
    });
}

#[test]
fn a_run_can_be_its_creators_from_the_beginning() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let claim = one
            .create_claimed_run(new_run("default", "one"))
            .expect("created");
        assert_eq!(claim.epoch, Epoch(1));
        assert!(two.unowned_runs().expect("looked").is_empty());
        assert!(two.claim(claim.run).expect("asked").is_none());
        let taken = one.create_claimed_run(new_run("default", "one"));
        assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
        one.commit(claim.epoch, numbered(claim.run, 0), Durability::Process)
            .expect("the owner may write");
        let run = claim.run;
        drop(claim);
        assert_eq!(two.unowned_runs().expect("looked"), [run]);
    });
}
