//! What the engine is measured with: a loop with parallelism, and a DAG in layers; plain, and with
//! locks, retries, hooks and memoization switched on.

use std::sync::Arc;

use argosy_engine::config::Config;
use argosy_engine::definition::Definition;
use argosy_engine::ids::RunId;
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::run::Run;
use argosy_engine::settings::{Events, Settings};
use serde_json::{Value, json};

/// What the steps ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// No more than inputs and outputs, and in the loop a retry.
    Plain,
    /// Each step takes a semaphore, is retried, looks into a cache, and has two hooks whose
    /// expressions are evaluated; every hundredth begins one of them.
    All,
}

/// What a step of every hundredth puts out, so that a hook of it begins.
pub const MARKED: &str = "fedcba9876543210";

/// The ConfigMap key that limits the semaphore, and its limit.
pub const SEMAPHORE: (&str, i64) = ("default/ConfigMap/limits/work", 2_000);

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        repository: ArtifactRepositoryView::default(),
        read_yaml: |text| serde_json::from_str(text).map_err(|error| error.to_string()),
        config: Config::default(),
        events: Events::Unheard,
    })
}

fn run_of(spec: Value) -> Run {
    let mut definition = Definition {
        workflow: serde_json::from_value(json!({"spec": spec})).expect("a workflow"),
        ..Definition::default()
    };
    let metadata = &mut definition.workflow.metadata;
    metadata.name = Some("bench".to_owned());
    metadata.namespace = Some("default".to_owned());
    metadata.uid = Some("uid".to_owned());
    Run::new(RunId(1), Arc::new(definition), settings()).expect("a run")
}

fn work(features: Features) -> Value {
    let mut template = json!({
        "name": "work",
        "inputs": {"parameters": [{"name": "i"}]},
        "outputs": {"parameters": [{"name": "o", "valueFrom": {"path": "/tmp/o"}}]},
        "retryStrategy": {"limit": 1},
        "container": {"image": "busybox", "command": ["work", "{{inputs.parameters.i}}"]},
    });
    if features == Features::All {
        let key = json!({"name": "limits", "key": "work"});
        template["synchronization"] = json!({"semaphores": [{"configMapKeyRef": key}]});
        template["memoize"] = json!({
            "key": "item-{{inputs.parameters.i}}",
            "cache": {"configMap": {"name": "cache"}},
        });
    }
    template
}

/// The hooks of a step or task of that name.
fn hooks(name: &str) -> Value {
    json!({
        "exit": {
            "template": "tell",
            "expression": format!("{name}.outputs.parameters.o == '{MARKED}'"),
        },
        "failed": {
            "template": "tell",
            "expression": format!("{name}.status == 'Failed'"),
        },
    })
}

/// A loop of so many items.
pub fn looped(items: u64, features: Features) -> Run {
    let mut step = json!({
        "name": "each",
        "template": "work",
        "withSequence": {"count": items.to_string()},
        "arguments": {"parameters": [{"name": "i", "value": "{{item}}"}]},
    });
    if features == Features::All {
        step["hooks"] = hooks("steps.each");
    }
    run_of(json!({
        "entrypoint": "main",
        "templates": [
            {"name": "main", "parallelism": 1000, "steps": [[step]]},
            work(features),
            {"name": "tell", "container": {"image": "busybox", "command": ["tell"]}},
        ],
    }))
}

/// A DAG of so many tasks in layers of 1,000, with 10 random dependencies each.
pub fn layered(tasks: usize, features: Features) -> Run {
    let mut state = 42u64;
    let mut random = |bound: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % bound
    };
    let list: Vec<Value> = (0..tasks)
        .map(|index| {
            let layer = index / 1000;
            let mut dependencies: Vec<String> = Vec::new();
            while layer > 0 && dependencies.len() < 10 {
                let name = format!("t{}", (layer - 1) * 1000 + random(1000) as usize);
                if !dependencies.contains(&name) {
                    dependencies.push(name);
                }
            }
            let name = format!("t{index}");
            let mut task = json!({"name": name, "template": "work", "dependencies": dependencies});
            if features == Features::All {
                task["hooks"] = hooks(&format!("tasks.{name}"));
                let number = index.to_string();
                task["arguments"] = json!({"parameters": [{"name": "i", "value": number}]});
            }
            task
        })
        .collect();
    let plain = json!({"name": "work", "container": {"image": "busybox", "command": ["work"]}});
    run_of(json!({
        "entrypoint": "main",
        "templates": [
            {"name": "main", "dag": {"tasks": list}},
            match features {
                Features::Plain => plain,
                Features::All => work(features),
            },
            {"name": "tell", "container": {"image": "busybox", "command": ["tell"]}},
        ],
    }))
}
