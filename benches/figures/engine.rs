//! The engine's pace: a loop with parallelism, and a DAG in layers, against simulated pods that end
//! when they are told to. Each item has an input parameter from `{{item}}`, an output parameter of
//! 16 bytes and an exit code, and every hundredth fails once and is retried.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use argosy_engine::commit::Commit;
use argosy_engine::config::Config;
use argosy_engine::definition::Definition;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{
    ContainerKind, ContainerSeen, ContainerState, Fact, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::run::Run;
use argosy_engine::settings::{Events, Settings};
use argosy_store::{
    Claim, Durability, Environment, NewRun, OpenOptions, SqliteStore, Store, StoreError,
};

use crate::table::{Better, Table};

const AT: Seconds = Seconds(1_767_225_600);

/// Pods that end between two turns.
const BATCH: usize = 256;

/// Commits under way at once.
const COMMITS: usize = 64;

const OUTPUT: &str = "0123456789abcdef";

pub fn measure(table: &mut Table, items: u64) {
    let mut small = looped(10_000);
    let few = pace(&small_name(10_000, Pods::Keys), table, None, || {
        let seconds = drive(&mut small, Pods::Keys, true, None);
        (small.node_count(), seconds)
    });
    let before = resident();
    let mut large = looped(items);
    let many = pace(
        &small_name(items, Pods::Keys),
        table,
        Some(200_000.0),
        || {
            let seconds = drive(&mut large, Pods::Keys, true, None);
            (large.node_count(), seconds)
        },
    );
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
    pace(
        &small_name(items, Pods::Lowered),
        table,
        Some(50_000.0),
        || {
            let mut run = looped(items);
            let seconds = drive(&mut run, Pods::Lowered, true, None);
            (run.node_count(), seconds)
        },
    );
    let stored = format!("{}, with SQLite beneath", small_name(items, Pods::Lowered));
    pace(&stored, table, Some(15_000.0), || {
        let mut run = looped(items);
        let seconds = stored_drive(&mut run, true);
        (run.node_count(), seconds)
    });
    dag(table);
}

/// A DAG of 100,000 tasks in layers of 1,000 with 10 random dependencies each.
fn dag(table: &mut Table) {
    const NAME: &str = "DAG of 100,000 tasks";
    pace(
        &format!("{NAME}, engine alone"),
        table,
        Some(200_000.0),
        || {
            let mut run = layered(100_000);
            let seconds = drive(&mut run, Pods::Keys, false, None);
            (run.node_count(), seconds)
        },
    );
    pace(&format!("{NAME}, lowered"), table, Some(50_000.0), || {
        let mut run = layered(100_000);
        let seconds = drive(&mut run, Pods::Lowered, false, None);
        (run.node_count(), seconds)
    });
    pace(
        &format!("{NAME}, lowered, with SQLite beneath"),
        table,
        Some(15_000.0),
        || {
            let mut run = layered(100_000);
            let seconds = stored_drive(&mut run, false);
            (run.node_count(), seconds)
        },
    );
}

fn small_name(items: u64, pods: Pods) -> String {
    match pods {
        Pods::Keys => format!("loop of {items}, parallelism 1,000, engine alone"),
        Pods::Lowered => format!("loop of {items}, parallelism 1,000, lowered"),
    }
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

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        repository: ArtifactRepositoryView::default(),
        read_yaml: |text| serde_json::from_str(text).map_err(|error| error.to_string()),
        config: Config::default(),
        events: Events::Unheard,
    })
}

fn run_of(workflow: serde_json::Value) -> Run {
    let mut definition = Definition {
        workflow: serde_json::from_value(workflow).expect("a workflow"),
        ..Definition::default()
    };
    definition.workflow.metadata.name = Some("bench".to_owned());
    definition.workflow.metadata.uid = Some("uid".to_owned());
    Run::new(RunId(1), Arc::new(definition), settings()).expect("a run")
}

fn looped(items: u64) -> Run {
    run_of(serde_json::json!({"spec": {
    "entrypoint": "main",
    "templates": [
        {"name": "main", "parallelism": 1000, "steps": [[{
            "name": "each", "template": "work",
            "withSequence": {"count": items.to_string()},
            "arguments": {"parameters": [{"name": "i", "value": "{{item}}"}]}
        }]]},
        {"name": "work",
         "inputs": {"parameters": [{"name": "i"}]},
         "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o"}}]},
         "retryStrategy": {"limit": 1},
         "container": {"image": "busybox", "command": ["work", "{{inputs.parameters.i}}"]}}
    ]}}))
}

fn layered(tasks: usize) -> Run {
    let mut state = 42u64;
    let mut random = |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % bound
    };
    let list: Vec<serde_json::Value> = (0..tasks)
        .map(|index| {
            let layer = index / 1000;
            let mut dependencies: Vec<String> = Vec::new();
            while layer > 0 && dependencies.len() < 10 {
                let name = format!("t{}", (layer - 1) * 1000 + random(1000) as usize);
                if !dependencies.contains(&name) {
                    dependencies.push(name);
                }
            }
            serde_json::json!({"name": format!("t{index}"), "template": "work", "dependencies": dependencies})
        })
        .collect();
    run_of(serde_json::json!({"spec": {
    "entrypoint": "main",
    "templates": [
        {"name": "main", "dag": {"tasks": list}},
        {"name": "work", "container": {"image": "busybox", "command": ["work"]}}
    ]}}))
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
fn drive(run: &mut Run, pods: Pods, outputs: bool, mut commits: Option<&mut Commits>) -> f64 {
    let began = Instant::now();
    run.tell(AT, Fact::Started);
    let mut waiting: VecDeque<PodKey> = VecDeque::new();
    let mut asked = 0u64;
    loop {
        let turn = run.turn(AT);
        let is_over = |effect: &Effect| matches!(effect, Effect::RunEnded);
        let over = turn.effects.iter().any(is_over);
        match &mut commits {
            Some(commits) => commits.submit(turn.commit),
            None => drop(std::hint::black_box(turn.commit)),
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
            // A second attempt succeeds, also if it is a hundredth itself.
            let fails = outputs
                && asked.is_multiple_of(100)
                && run.node_status_at(key.node.0).name.ends_with("(0)");
            if outputs {
                let result = ResultSeen {
                    parameters: vec![("o".into(), OUTPUT.into())],
                    complete: true,
                    ..ResultSeen::default()
                };
                run.tell(AT, Fact::ResultSeen(key, result));
            }
            run.tell(AT, ended(key, i32::from(fails)));
        }
    }
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

    fn wait(&mut self) {
        let answer = self.answers.recv().expect("the store answers");
        answer.expect("it is stored");
        self.open -= 1;
    }
}

/// Carries a run out with all of its turns stored.
fn stored_drive(run: &mut Run, outputs: bool) -> f64 {
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
    drive(run, Pods::Lowered, outputs, Some(&mut commits));
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
        }) && output.is_some_and(|output| output.0 == OUTPUT);
        let fits = match (kind, phase) {
            (Some("Pod"), Some("Succeeded")) => carries && exit_code == Some("0"),
            (Some("Pod"), Some("Failed")) => carries && exit_code == Some("1"),
            (Some("Retry"), Some("Succeeded")) => carries && node.name.ends_with(')'),
            (Some("Steps" | "StepGroup"), Some("Succeeded")) => true,
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
