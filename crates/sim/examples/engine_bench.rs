//! The engine's pace: a loop with parallelism, and a DAG in layers, against simulated pods.
//!
//! `cargo run --release -p argosy-sim --example engine_bench [-- ITEMS]` prints a table. Pods end when
//! they are told to; each item has an input parameter from `{{item}}`, an output parameter of 16
//! bytes and an exit code, and every hundredth fails once and is retried.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, not the program"
)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use argosy_engine::definition::Definition;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{
    ContainerKind, ContainerSeen, ContainerState, Fact, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::run::Run;
use argosy_engine::settings::Settings;

const AT: Seconds = Seconds(1_767_225_600);

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        repository: ArtifactRepositoryView::default(),
        read_yaml: |text| serde_json::from_str(text).map_err(|error| error.to_string()),
        config: argosy_engine::config::Config::without_events(),
    })
}

fn run_of(workflow: serde_json::Value) -> Run {
    let mut definition = Definition {
        workflow: serde_json::from_value(workflow).unwrap(),
        ..Definition::default()
    };
    definition.workflow.metadata.name = Some("bench".to_owned());
    definition.workflow.metadata.uid = Some("uid".to_owned());
    Run::new(RunId(1), Arc::new(definition), settings()).unwrap()
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

/// Layers of 1,000 tasks with 10 dependencies each on the layer before, by a fixed random stream.
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
    Fact::PodSeen(
        key,
        PodSeen {
            phase: if exit_code == 0 {
                PodPhase::Succeeded
            } else {
                PodPhase::Failed
            },
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

fn drive(run: &mut Run, pods: Pods, outputs: bool) -> f64 {
    let began = Instant::now();
    run.tell(AT, Fact::Started);
    let mut waiting: VecDeque<PodKey> = VecDeque::new();
    let mut asked = 0u64;
    loop {
        let turn = run.turn(AT);
        let over = turn
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::RunEnded));
        std::hint::black_box(&turn.commit);
        match pods {
            Pods::Keys => waiting.extend(run.pull_keys(usize::MAX)),
            Pods::Lowered => waiting.extend(run.pull(usize::MAX).into_iter().map(|request| {
                let key = request.key;
                std::hint::black_box(&request);
                key
            })),
        }
        if over {
            return began.elapsed().as_secs_f64();
        }
        for _ in 0..256 {
            let Some(key) = waiting.pop_front() else {
                break;
            };
            asked += 1;
            let fails = outputs && asked.is_multiple_of(100);
            if outputs {
                run.tell(
                    AT,
                    Fact::ResultSeen(
                        key,
                        ResultSeen {
                            parameters: vec![("o".into(), "0123456789abcdef".into())],
                            complete: true,
                            ..ResultSeen::default()
                        },
                    ),
                );
            }
            run.tell(AT, ended(key, i32::from(fails)));
        }
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0u64)
        * 1024
}

fn main() {
    let items: u64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    println!("| load | nodes | nodes/s | µs a node |");
    println!("| --- | --- | --- | --- |");
    let line = |name: &str, nodes: usize, seconds: f64| {
        println!(
            "| {name} | {nodes} | {:.0} | {:.2} |",
            nodes as f64 / seconds,
            seconds * 1e6 / nodes as f64
        );
        seconds / nodes as f64
    };
    let mut small = looped(10_000);
    let seconds = drive(&mut small, Pods::Keys, true);
    let few = line("loop of 10,000, engine alone", small.node_count(), seconds);
    drop(small);
    let before = resident();
    let mut large = looped(items);
    let seconds = drive(&mut large, Pods::Keys, true);
    let many = line(
        &format!("loop of {items}, engine alone"),
        large.node_count(),
        seconds,
    );
    let bytes = resident().saturating_sub(before) as f64 / large.node_count() as f64;
    let sample = check_sample(&large);
    drop(large);
    let mut large = looped(items);
    let seconds = drive(&mut large, Pods::Lowered, true);
    line(
        &format!("loop of {items}, each lowered to its pod"),
        large.node_count(),
        seconds,
    );
    drop(large);
    let mut dag = layered(100_000);
    let seconds = drive(&mut dag, Pods::Keys, false);
    line(
        "DAG of 100,000 tasks, engine alone",
        dag.node_count(),
        seconds,
    );
    let mut dag = layered(100_000);
    let seconds = drive(&mut dag, Pods::Lowered, false);
    line(
        "DAG of 100,000 tasks, each lowered to its pod",
        dag.node_count(),
        seconds,
    );
    println!();
    println!("time per node, {items} to 10,000: {:.2}", many / few);
    println!("resident bytes a node after the end: {bytes:.0}");
    println!("{sample}");
}

/// Looks at 1,000 nodes of the run as Argo would show them.
fn check_sample(run: &Run) -> String {
    let count = run.node_count();
    let step = (count / 1000).max(1);
    let mut wrong = 0;
    let mut looked = 0;
    for index in (0..count).step_by(step) {
        let node = run.node_status_at(index as u32);
        looked += 1;
        let name_fits = node.name.starts_with("bench");
        let phase = node.phase.map(argosy_api::NodePhase::as_str);
        let kind = node.r#type.map(argosy_api::NodeType::as_str);
        let fits = match kind {
            Some("Pod") => {
                let value = node
                    .inputs
                    .as_ref()
                    .and_then(|inputs| inputs.parameters[0].value.clone());
                let output = node
                    .outputs
                    .as_ref()
                    .and_then(|outputs| outputs.parameters[0].value.clone());
                value.is_some_and(|value| node.name.contains(&format!(":{})", value.0)))
                    && output.is_some_and(|output| output.0 == "0123456789abcdef")
                    && matches!(phase, Some("Succeeded" | "Failed"))
            }
            Some("Retry" | "Steps" | "StepGroup") => phase == Some("Succeeded"),
            _ => false,
        };
        wrong += usize::from(!fits || !name_fits);
    }
    format!("status of {looked} sampled nodes looked at: {wrong} differ from what Argo shows")
}
