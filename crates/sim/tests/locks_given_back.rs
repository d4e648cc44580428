//! No lock is leaked, and none is held twice: whatever becomes of who holds it or waits for it.

use argosy_api::Workflow;
use argosy_engine::fact::Command;
use argosy_engine::ids::RunId;
use argosy_sim::{Outcome, World, check};

/// Locks that workflows of two namespaces share.
const LOCKS: [(&str, &str); 5] = [
    ("a mutex", "mutexes: [{name: m, namespace: default}]"),
    (
        "a semaphore",
        "semaphores: [{namespace: default, configMapKeyRef: {name: limits, key: one}}]",
    ),
    (
        "a mutex of the database",
        "mutexes: [{name: m, namespace: default, database: true}]",
    ),
    (
        "a semaphore of the database",
        "semaphores: [{namespace: default, database: {key: one}}]",
    ),
    (
        "several",
        "semaphores: [{namespace: default, configMapKeyRef: {name: limits, key: one}}, \
         {namespace: default, database: {key: one}}], \
         mutexes: [{name: m, namespace: default}, {name: another, namespace: other}]",
    ),
];

const LIMITS: &str = "
{kind: ConfigMap, metadata: {name: limits}, data: {one: '1'}}
---
{kind: SyncLimit, metadata: {name: one}, spec: {limit: 1}}
";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Workflow,
    Template,
}

fn submit(world: &mut World, name: &str, namespace: &str, level: Level, locks: &str) -> RunId {
    let (whole, part) = match level {
        Level::Workflow => (format!("synchronization: {{{locks}}}, "), String::new()),
        Level::Template => (String::new(), format!("synchronization: {{{locks}}}, ")),
    };
    let yaml = format!(
        "{{metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{whole}entrypoint: main, \
         templates: [{{name: main, {part}container: {{image: i}}}}]}}}}"
    );
    world.submit(&yaml).expect("compiles")
}

fn stop() -> Command {
    Command::Stop {
        selector: None,
        message: None,
    }
}

fn retry() -> Command {
    Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
        from: None,
        revision: None,
    }
}

/// The names of the nodes whose pods live.
fn live(world: &World) -> Vec<String> {
    world.pods().into_iter().map(|(_, name)| name).collect()
}

fn assert_free(world: &World, case: &str) {
    for lock in world.locks() {
        assert!(
            lock.holders.is_empty() && lock.waiting.is_empty(),
            "{case}: {lock:?}"
        );
    }
}

/// Three workflows that want the same locks, in this order; the first has them.
fn three(level: Level, locks: &str) -> (World, [RunId; 3]) {
    let mut world = World::default();
    world.apply(LIMITS).expect("applies");
    let holder = submit(&mut world, "holder", "default", level, locks);
    let waiter = submit(&mut world, "waiter", "other", level, locks);
    let next = submit(&mut world, "next", "default", level, locks);
    world.settle();
    assert_eq!(live(&world), ["holder"]);
    (world, [holder, waiter, next])
}

fn each(mut play: impl FnMut(&str, Level, &str)) {
    for (name, locks) in LOCKS {
        for level in [Level::Workflow, Level::Template] {
            play(&format!("{name}, {level:?}"), level, locks);
        }
    }
}

type Happening = (&'static str, fn(&mut World, RunId));

#[test]
fn whatever_becomes_of_its_holder_the_next_one_has_the_lock() {
    const HAPPENINGS: [Happening; 8] = [
        ("ends well", |world, _| {
            world.end("holder", &Outcome::exit(0))
        }),
        ("fails", |world, _| world.end("holder", &Outcome::exit(1))),
        ("loses its pod", |world, _| {
            world.run_pod("holder");
            world.delete_pod("holder");
        }),
        ("is stopped", |world, id| world.ask(id, stop())),
        ("is terminated", |world, id| {
            world.ask(id, Command::Terminate)
        }),
        ("is deleted", |world, id| world.delete(id)),
        ("ends after a crash", |world, _| {
            world.crash().expect("loads");
            world.settle();
            assert_eq!(live(world), ["holder"]);
            world.end("holder", &Outcome::exit(0));
        }),
        ("ends, and a crash comes with the commit", |world, _| {
            world.crash_later(1);
            world.end("holder", &Outcome::exit(0));
        }),
    ];
    each(|case, level, locks| {
        for (what, happen) in HAPPENINGS {
            let case = format!("{case}, {what}");
            let (mut world, ids) = three(level, locks);
            happen(&mut world, ids[0]);
            world.settle();
            assert_eq!(live(&world), ["waiter"], "{case}");
            world.end("waiter", &Outcome::exit(0));
            assert_eq!(live(&world), ["next"], "{case}");
            world.end("next", &Outcome::exit(0));
            assert_free(&world, &case);
            for id in ids.into_iter().filter(|&id| world.run(id).is_some()) {
                check(&world, id).unwrap_or_else(|fault| panic!("{case}: {fault}"));
            }
        }
    });
}

#[test]
fn who_leaves_the_queue_lets_the_next_one_by() {
    const HAPPENINGS: [Happening; 5] = [
        ("is stopped", |world, id| world.ask(id, stop())),
        ("is terminated", |world, id| {
            world.ask(id, Command::Terminate)
        }),
        ("is deleted", |world, id| world.delete(id)),
        ("is stopped after a crash", |world, id| {
            world.crash().expect("loads");
            world.ask(id, stop());
        }),
        (
            "is terminated, and a crash comes with the commit",
            |world, id| {
                world.crash_later(1);
                world.ask(id, Command::Terminate);
            },
        ),
    ];
    each(|case, level, locks| {
        for (what, happen) in HAPPENINGS {
            let case = format!("{case}, {what}");
            let (mut world, ids) = three(level, locks);
            happen(&mut world, ids[1]);
            world.settle();
            assert_eq!(live(&world), ["holder"], "{case}");
            world.end("holder", &Outcome::exit(0));
            // A workflow that waits for its own lock and is stopped has its turn, and ends.
            assert_eq!(live(&world), ["next"], "{case}");
            world.end("next", &Outcome::exit(0));
            assert_free(&world, &case);
        }
    });
}

#[test]
fn a_retried_workflow_waits_its_turn() {
    each(|case, level, locks| {
        let (mut world, ids) = three(level, locks);
        world.end("holder", &Outcome::exit(1));
        assert_eq!(live(&world), ["waiter"], "{case}");
        world.ask(ids[0], retry());
        for crash in [false, true] {
            if crash {
                world.crash().expect("loads");
                world.settle();
            }
            assert_eq!(live(&world), ["waiter"], "{case}");
        }
        for name in ["waiter", "holder", "next"] {
            assert_eq!(live(&world), [name], "{case}");
            world.end(name, &Outcome::exit(0));
        }
        assert!(live(&world).is_empty(), "{case}");
        assert_free(&world, case);
    });
}

#[test]
fn a_workflow_taken_up_from_its_status_holds_what_that_shows() {
    each(|case, level, locks| {
        let (world, ids) = three(level, locks);
        let shown: Vec<Workflow> = ids.iter().filter_map(|&id| world.workflow(id)).collect();
        let mut world = World::default();
        world.apply(LIMITS).expect("applies");
        for workflow in shown {
            world.create(workflow).expect("is taken up");
        }
        world.settle();
        for name in ["holder", "waiter", "next"] {
            assert_eq!(live(&world), [name], "{case}");
            world.end(name, &Outcome::exit(0));
        }
        assert_free(&world, case);
    });
}

#[test]
fn a_limit_that_changes_while_it_is_held_lets_as_many_in() {
    let locks = "semaphores: [{namespace: default, configMapKeyRef: {name: limits, key: one}}, \
                 {namespace: default, database: {key: one}}]";
    let set = |world: &mut World, limit: u32| {
        let yaml = LIMITS.replace("'1'", &format!("'{limit}'"));
        let yaml = yaml.replace("limit: 1", &format!("limit: {limit}"));
        world.apply(&yaml).expect("applies");
        world.settle();
    };
    for level in [Level::Workflow, Level::Template] {
        let (mut world, _) = three(level, locks);
        set(&mut world, 2);
        assert_eq!(live(&world), ["holder", "waiter"]);
        set(&mut world, 1);
        world.end("holder", &Outcome::exit(0));
        assert_eq!(live(&world), ["waiter"]);
        world.end("waiter", &Outcome::exit(0));
        assert_eq!(live(&world), ["next"]);
        world.end("next", &Outcome::exit(0));
        assert_free(&world, "limits");
    }
}
