//! The engine's pace: a loop with parallelism, and a DAG in layers, against simulated pods that end
//! when they are told to. Each item has an input parameter from `{{item}}`, an output parameter of
//! 16 bytes and an exit code, and every hundredth fails once and is retried. All that a run asks of
//! its surroundings is answered: locks by a table or by the store's, caches have nothing.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use argosy_engine::commit::Commit;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{
    CacheSeen, ContainerKind, ContainerSeen, ContainerState, Fact, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::locks::{LockAnswer, LockSeed, LockTable};
use argosy_engine::run::Run;
use argosy_store::{
    Claim, Durability, Environment, NewRun, OpenOptions, SqliteStore, Store, StoreError,
};

use crate::table::{Better, Table};
use crate::workloads::{Features, MARKED, SEMAPHORE, layered, looped};

const AT: Seconds = Seconds(1_767_225_600);

/// Pods that end between two turns.
const BATCH: usize = 256;

/// Commits under way at once.
const COMMITS: usize = 64;

const OUTPUT: &str = "0123456789abcdef";

/// Measures the loop and the DAG, plain and with all features.
pub fn measure(table: &mut Table, items: u64) {
    table.head("plain steps");
    measure_with(table, items, Features::Plain);
    table.head("with locks, retries, hooks and memoization");
    measure_with(table, items, Features::All);
}

fn measure_with(table: &mut Table, items: u64, features: Features) {
    let name = |items: u64, how: &str| format!("loop of {items}, parallelism 1,000, {how}");
    let mut small = looped(10_000, features);
    let few = pace(&name(10_000, "engine alone"), table, None, || {
        let seconds = drive(&mut small, Pods::Keys, None);
        (small.node_count(), seconds)
    });
    drop(small);
    let before = resident();
    let mut large = looped(items, features);
    let many = pace(&name(items, "engine alone"), table, Some(200_000.0), || {
        let seconds = drive(&mut large, Pods::Keys, None);
        (large.node_count(), seconds)
    });
    let parameters = 2 * OUTPUT.len() as u64;
    let bytes = resident().saturating_sub(before) / large.node_count() as u64;
    table.figure(
        &format!("time a node, {items} items to 10,000"),
        many / few,
        "",
        1.3,
        Better::Less,
    );
    table.figure(
        "resident bytes a node after the end, beyond its parameters",
        bytes.saturating_sub(parameters) as f64,
        "bytes",
        300.0,
        Better::Less,
    );
    table.note("nodes whose status was compared", &check_sample(&large));
    drop(large);
    pace(&name(items, "lowered"), table, Some(50_000.0), || {
        let mut run = looped(items, features);
        let seconds = drive(&mut run, Pods::Lowered, None);
        (run.node_count(), seconds)
    });
    let stored = name(items, "lowered, with SQLite beneath");
    pace(&stored, table, Some(15_000.0), || {
        let mut run = looped(items, features);
        let seconds = stored_drive(&mut run);
        (run.node_count(), seconds)
    });
    dag(table, features);
}

fn dag(table: &mut Table, features: Features) {
    const TASKS: usize = 100_000;
    let name = |how: &str| format!("DAG of 100,000 tasks, {how}");
    pace(&name("engine alone"), table, Some(200_000.0), || {
        let mut run = layered(TASKS, features);
        let seconds = drive(&mut run, Pods::Keys, None);
        (run.node_count(), seconds)
    });
    pace(&name("lowered"), table, Some(50_000.0), || {
        let mut run = layered(TASKS, features);
        let seconds = drive(&mut run, Pods::Lowered, None);
        (run.node_count(), seconds)
    });
    let stored = name("lowered, with SQLite beneath");
    pace(&stored, table, Some(15_000.0), || {
        let mut run = layered(TASKS, features);
        let seconds = stored_drive(&mut run);
        (run.node_count(), seconds)
    });
}

/// Writes a line of nodes a second; gives the seconds of one.
fn pace(
    name: &str,
    table: &mut Table,
    goal: Option<f64>,
    measured: impl FnOnce() -> (usize, f64),
) -> f64 {
    let (nodes, seconds) = measured();
    let rate = nodes as f64 / seconds;
    match goal {
        Some(goal) => table.figure(name, rate, "nodes/s", goal, Better::More),
        None => table.note(name, &format!("{rate:.0} nodes/s")),
    }
    seconds / nodes as f64
}

fn ended(key: PodKey, exit_code: i32) -> Fact {
    let phase = match exit_code {
        0 => PodPhase::Succeeded,
        _ => PodPhase::Failed,
    };
    Fact::PodSeen(
        key,
        PodSeen {
            phase,
            message: None,
            reason: None,
            ip: None,
            host_node_name: None,
            containers: vec![ContainerSeen {
                name: "main".into(),
                kind: ContainerKind::Regular,
                ready: false,
                state: ContainerState::Terminated {
                    exit_code,
                    reason: "".into(),
                    message: "".into(),
                    started_at: AT,
                    finished_at: AT,
                },
            }],
            deleted: false,
        },
    )
}

#[derive(Clone, Copy, PartialEq)]
enum Pods {
    /// Keys only: the engine alone.
    Keys,
    /// Each lowered to its pod.
    Lowered,
}

/// Carries a run out; gives the seconds that it took.
fn drive(run: &mut Run, pods: Pods, mut commits: Option<&mut Commits>) -> f64 {
    let outputs = outputs_of(run);
    let began = Instant::now();
    run.tell(AT, Fact::Started);
    let mut waiting: VecDeque<PodKey> = VecDeque::new();
    let mut locks = LockTable::default();
    locks.set_limit(SEMAPHORE.0, Some(SEMAPHORE.1));
    let mut asked = 0u64;
    loop {
        let turn = run.turn(AT);
        let is_over = |effect: &Effect| matches!(effect, Effect::RunEnded);
        let over = turn.effects.iter().any(is_over);
        let answers = match &mut commits {
            Some(commits) => {
                commits.submit(turn.commit);
                commits.work_on_locks(&turn.effects)
            }
            None => {
                drop(std::hint::black_box(turn.commit));
                work_on_locks(&mut locks, &turn.effects)
            }
        };
        for (holder, seen) in answers {
            run.tell(AT, Fact::LockSeen(holder.node, seen));
        }
        for effect in turn.effects {
            if let Effect::LoadCache { node, .. } = effect {
                run.tell(AT, Fact::CacheSeen(node, CacheSeen::Missing));
            }
        }
        match pods {
            Pods::Keys => waiting.extend(run.pull_keys(usize::MAX)),
            Pods::Lowered => {
                for request in run.pull(usize::MAX) {
                    waiting.push_back(std::hint::black_box(request).key);
                }
            }
        }
        if over {
            return began.elapsed().as_secs_f64();
        }
        for _ in 0..BATCH {
            let Some(key) = waiting.pop_front() else {
                break;
            };
            asked += 1;
            end_pod(run, key, asked, outputs);
        }
    }
}

/// Whether steps put something out.
#[derive(Clone, Copy, PartialEq)]
enum Outputs {
    None,
    Some,
}

fn outputs_of(run: &Run) -> Outputs {
    let mut templates = run.definition().workflow.spec.templates.iter();
    match templates.any(|template| !template.outputs.parameters.is_empty()) {
        true => Outputs::Some,
        false => Outputs::None,
    }
}

fn end_pod(run: &mut Run, key: PodKey, number: u64, outputs: Outputs) {
    // A second attempt succeeds, also if it is a hundredth itself.
    let fails = number.is_multiple_of(100) && run.node_status_at(key.node.0).name.ends_with("(0)");
    let output = match number % 100 {
        50 => MARKED,
        _ => OUTPUT,
    };
    if outputs == Outputs::Some {
        let result = ResultSeen {
            parameters: vec![("o".into(), output.into())],
            complete: true,
            ..ResultSeen::default()
        };
        run.tell(AT, Fact::ResultSeen(key, result));
    }
    run.tell(AT, ended(key, i32::from(fails)));
}

/// Does what a turn wants of locks.
fn work_on_locks(table: &mut LockTable, effects: &[Effect]) -> Vec<LockAnswer> {
    let mut answers = Vec::new();
    for effect in effects {
        match effect {
            Effect::AskLocks(request) => answers.extend(table.ask((**request).clone())),
            Effect::ReleaseLocks(holder) => answers.extend(table.release(*holder)),
            _ => {}
        }
    }
    answers
}

/// A store under a run, with a bounded number of commits under way.
struct Commits {
    store: SqliteStore,
    claim: Claim,
    answer: SyncSender<Result<(), StoreError>>,
    answers: Receiver<Result<(), StoreError>>,
    open: usize,
}

impl Commits {
    fn submit(&mut self, commit: Commit) {
        if commit.summary.is_none() && commit.state.is_none() {
            return;
        }
        while self.open >= COMMITS {
            self.wait();
        }
        let answer = self.answer.clone();
        self.open += 1;
        self.store.submit(
            self.claim.epoch,
            commit,
            Durability::Process,
            Box::new(move |result| drop(answer.send(result))),
        );
    }

    /// The same with the locks that all runners of a data directory share.
    fn work_on_locks(&mut self, effects: &[Effect]) -> Vec<LockAnswer> {
        let seeds: BTreeSet<LockSeed> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::AskLocks(request) => Some(LockSeed::Holder(request.holder)),
                Effect::ReleaseLocks(holder) => Some(LockSeed::Holder(*holder)),
                _ => None,
            })
            .collect();
        if seeds.is_empty() {
            return Vec::new();
        }
        let mut seeds = seeds;
        seeds.insert(LockSeed::Lock(SEMAPHORE.0.into()));
        let mut work = |table: &mut LockTable| {
            // A part of the table does not know the limit: who waits may be granted by it.
            let mut answers = table.set_limit(SEMAPHORE.0, Some(SEMAPHORE.1));
            answers.extend(work_on_locks(table, effects));
            answers
        };
        // All runs are this process's own: nobody is to be told by letter.
        let answers = self.store.with_locks(&seeds, &mut work, &|_| None);
        answers.expect("the locks are worked on")
    }

    fn wait(&mut self) {
        let answer = self.answers.recv().expect("the store answers");
        answer.expect("it is stored");
        self.open -= 1;
    }
}

/// Carries a run out with all of its turns stored.
fn stored_drive(run: &mut Run) -> f64 {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = SqliteStore::open(dir.path(), OpenOptions::default()).expect("a store");
    let id = store
        .create_run(NewRun {
            namespace: "default".to_owned(),
            name: "bench".to_owned(),
            uid: "uid".to_owned(),
            labels: Default::default(),
            annotations: Default::default(),
            definition: b"{}".to_vec(),
            environment: Environment {
                working_directory: PathBuf::from("/"),
                variables: Vec::new(),
                umask: None,
            },
            options: Vec::new(),
            created_at: AT,
        })
        .expect("a run");
    assert_eq!(id, RunId(1), "the run's own number");
    let claim = store.claim(id).expect("a claim").expect("nobody else's");
    let (answer, answers) = sync_channel(COMMITS + 1);
    let mut commits = Commits {
        store,
        claim,
        answer,
        answers,
        open: 0,
    };
    let began = Instant::now();
    drive(run, Pods::Lowered, Some(&mut commits));
    while commits.open > 0 {
        commits.wait();
    }
    began.elapsed().as_secs_f64()
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        let size = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
        size.trim().parse::<u64>().ok()
    });
    kilobytes.unwrap_or_default() * 1024
}

/// Looks at 1,000 nodes of the run as Argo would show them.
fn check_sample(run: &Run) -> String {
    let count = run.node_count();
    let step = (count / 1000).max(1);
    let mut wrong = Vec::new();
    let mut looked = 0;
    for index in (0..count).step_by(step) {
        let node = run.node_status_at(index as u32);
        looked += 1;
        let phase = node.phase.map(argosy_api::NodePhase::as_str);
        let kind = node.r#type.map(argosy_api::NodeType::as_str);
        let value = node
            .inputs
            .as_ref()
            .and_then(|inputs| inputs.parameters.first()?.value.clone());
        let output = node
            .outputs
            .as_ref()
            .and_then(|outputs| outputs.parameters.first()?.value.clone());
        let exit_code = node
            .outputs
            .as_ref()
            .and_then(|outputs| outputs.exit_code.as_deref());
        let carries = value.is_some_and(|value| {
            let item = format!("each({0}:{0})", value.0);
            node.name.starts_with(&format!("bench[0].{item}"))
                && node.display_name.starts_with(&item)
        }) && output.is_some_and(|output| output.0 == OUTPUT || output.0 == MARKED);
        let fits = match (kind, phase) {
            (Some("Pod"), Some("Succeeded")) if carries => exit_code == Some("0"),
            (Some("Pod"), Some("Failed")) => carries && exit_code == Some("1"),
            (Some("Retry"), Some("Succeeded")) => carries && node.name.ends_with(')'),
            (Some("Steps" | "StepGroup"), Some("Succeeded")) => true,
            // A hook puts nothing out.
            (Some("Pod"), Some("Succeeded")) => node.node_flag.is_some_and(|flag| flag.hooked),
            _ => false,
        };
        if !fits {
            wrong.push(node.name);
        }
    }
    match wrong.first() {
        None => format!("{looked}, all as Argo shows them"),
        Some(first) => format!("{looked}, {} differ, such as {first}", wrong.len()),
    }
}
