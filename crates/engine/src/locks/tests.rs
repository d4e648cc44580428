use super::*;
use crate::ids::Seconds;

fn request(run: u64, node: u32, locks: &[&str]) -> LockRequest {
    LockRequest {
        holder: LockHolder {
            run: RunId(run),
            node: NodeIndex(node),
        },
        key: Arc::from(format!("ns/wf{run}/{node}")),
        locks: locks
            .iter()
            .map(|name| LockName {
                kind: if name.contains("/Mutex/") {
                    LockKind::Mutex
                } else {
                    LockKind::Semaphore
                },
                name: Arc::from(*name),
            })
            .collect(),
        priority: 0,
        created_at: Seconds(run as i64),
    }
}

fn granted(answers: &[LockAnswer]) -> Vec<(u64, u32)> {
    answers
        .iter()
        .filter(|(_, seen)| matches!(seen, LockSeen::Granted(_)))
        .map(|(holder, _)| (holder.run.0, holder.node.0))
        .collect()
}

#[test]
fn waiters_go_by_priority_then_age_and_siblings_pass_each_other() {
    let mut table = LockTable::default();
    assert_eq!(
        granted(&table.ask(request(3, 1, &["ns/Mutex/m"]))),
        [(3, 1)]
    );
    assert!(granted(&table.ask(request(2, 1, &["ns/Mutex/m"]))).is_empty());
    assert!(granted(&table.ask(request(1, 1, &["ns/Mutex/m"]))).is_empty());
    let urgent = LockRequest {
        priority: 5,
        ..request(9, 1, &["ns/Mutex/m"])
    };
    assert!(granted(&table.ask(urgent)).is_empty());
    for (before, next) in [((3, 1), (9, 1)), ((9, 1), (1, 1)), ((1, 1), (2, 1))] {
        let holder = LockHolder {
            run: RunId(before.0),
            node: NodeIndex(before.1),
        };
        assert_eq!(granted(&table.release(holder)), [next]);
    }
}

#[test]
fn all_locks_are_had_at_once_or_none() {
    let mut table = LockTable::default();
    table.ask(request(1, 1, &["ns/Mutex/a"]));
    let answers = table.ask(request(1, 2, &["ns/Mutex/a", "ns/Mutex/b"]));
    let LockSeen::Waiting { message, .. } = &answers[0].1 else {
        panic!("{answers:?}");
    };
    assert_eq!(&**message, "Waiting for ns/Mutex/a lock. Lock status: 0/1");
    // b is free, and a sibling may have it meanwhile.
    assert_eq!(
        granted(&table.ask(request(1, 3, &["ns/Mutex/b"]))),
        [(1, 3)]
    );
    let free_a = table.release(request(1, 1, &[]).holder);
    assert!(granted(&free_a).is_empty());
    let free_b = table.release(request(1, 3, &[]).holder);
    assert_eq!(granted(&free_b), [(1, 2)]);
}

#[test]
fn a_semaphore_follows_its_limit() {
    let mut table = LockTable::default();
    let name = "ns/ConfigMap/limits/workflow";
    let refused = table.ask(request(1, 1, &[name]));
    assert!(matches!(&refused[0].1, LockSeen::Refused(error)
        if &**error == "failed to initialize semaphore ns/ConfigMap/limits/workflow with limit"));
    table.set_limit(name, Some(1));
    assert_eq!(granted(&table.ask(request(1, 1, &[name]))), [(1, 1)]);
    assert!(granted(&table.ask(request(1, 2, &[name]))).is_empty());
    assert!(granted(&table.ask(request(1, 3, &[name]))).is_empty());
    assert_eq!(granted(&table.set_limit(name, Some(3))), [(1, 2), (1, 3)]);
    table.set_limit(name, Some(1));
    assert!(granted(&table.ask(request(1, 4, &[name]))).is_empty());
    assert!(granted(&table.release(request(1, 1, &[]).holder)).is_empty());
    assert!(granted(&table.release(request(1, 2, &[]).holder)).is_empty());
    assert_eq!(granted(&table.release(request(1, 3, &[]).holder)), [(1, 4)]);
}

#[test]
fn a_run_that_is_gone_holds_nothing() {
    let mut table = LockTable::default();
    table.ask(request(1, 1, &["ns/Mutex/a"]));
    table.ask(request(1, 2, &["ns/Mutex/a"]));
    table.ask(request(2, 1, &["ns/Mutex/a"]));
    assert_eq!(granted(&table.forget(RunId(1))), [(2, 1)]);
    assert_eq!(table.list()[0].holders.len(), 1);
    assert!(table.list()[0].waiting.is_empty());
}

#[test]
fn what_is_entered_twice_is_held_once() {
    let rows = [(request(1, 1, &["ns/Mutex/m", "ns/Mutex/n"]), true)];
    let mut table = LockTable::stored(&rows);
    table.hold(request(1, 1, &["ns/Mutex/n"]));
    let held: Vec<(LockRequest, bool)> = table
        .requests()
        .map(|(request, held)| (request.clone(), held))
        .collect();
    assert_eq!(held, rows);
}

/// What the table does, by looking at everything after each change.
#[derive(Default)]
struct Plain {
    limits: BTreeMap<&'static str, i64>,
    held: BTreeMap<LockHolder, Vec<&'static str>>,
    waiting: BTreeMap<(Front, NodeIndex), Vec<&'static str>>,
}

impl Plain {
    fn may_have(&self, front: Front, name: &str) -> bool {
        let holders = self.held.values().filter(|locks| locks.contains(&name));
        let first = self.waiting.iter().find(|(_, locks)| locks.contains(&name));
        (holders.count() as i64) < self.limits.get(name).copied().unwrap_or(1)
            && first.is_none_or(|((first, _), _)| *first == front)
    }

    /// Grants what can be granted; the holders of all locks, and those who wait.
    fn settle(&mut self) {
        while let Some(place) = self.waiting.iter().find_map(|(place, locks)| {
            let all = locks.iter().all(|name| self.may_have(place.0, name));
            all.then_some(*place)
        }) {
            let locks = self.waiting.remove(&place).unwrap_or_default();
            self.held.insert(place.0.holder(place.1), locks);
        }
    }
}

#[test]
fn it_grants_what_one_who_looks_at_everything_would() {
    const LOCKS: [&str; 5] = [
        "ns/ConfigMap/limits/a",
        "ns/ConfigMap/limits/b",
        "other/Database/c",
        "ns/Mutex/d",
        "other/Mutex/e",
    ];
    for seed in 1..200u64 {
        let mut state = seed;
        let mut random = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        let (mut table, mut plain) = (LockTable::default(), Plain::default());
        for name in &LOCKS[..3] {
            table.set_limit(name, Some(1));
        }
        let mut next_node = 0;
        for step in 0..300 {
            match random(10) {
                0..5 => {
                    next_node += 1;
                    let first = random(5) as usize;
                    let count = 1 + random(3) as usize;
                    let names: Vec<&'static str> =
                        (0..count).map(|place| LOCKS[(first + place) % 5]).collect();
                    let mut asked = request(1 + random(3), next_node, &names);
                    asked.priority = (asked.holder.run.0 % 2) as i32;
                    if plain.held.len() + plain.waiting.len() > 20 {
                        continue;
                    }
                    let place = (Front::of(&asked), asked.holder.node);
                    plain.waiting.insert(place, names);
                    table.ask(asked);
                }
                5..9 => {
                    let holders: Vec<LockHolder> = (1..=3)
                        .flat_map(|run| table.holders_of(RunId(run)))
                        .collect();
                    if holders.is_empty() {
                        continue;
                    }
                    let holder = holders[random(holders.len() as u64) as usize];
                    plain.held.remove(&holder);
                    plain
                        .waiting
                        .retain(|(front, node), _| front.holder(*node) != holder);
                    table.release(holder);
                }
                _ => {
                    let name = LOCKS[random(3) as usize];
                    let limit = 1 + random(4) as i64;
                    plain.limits.insert(name, limit);
                    table.set_limit(name, Some(limit));
                }
            }
            plain.settle();
            let held: Vec<LockHolder> = table
                .requests()
                .filter_map(|(request, held)| held.then_some(request.holder))
                .collect();
            let expected: Vec<LockHolder> = plain.held.keys().copied().collect();
            assert_eq!(held, expected, "seed {seed}, step {step}");
        }
    }
}
