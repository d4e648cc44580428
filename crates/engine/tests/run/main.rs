//! Runs, driven fact by fact.

mod adopt;
mod chance;
mod claims;
mod config;
mod containers;
mod ends;
mod leftovers;
mod metadata;
mod metrics;
mod pods;

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{NodeStatus, Workflow, WorkflowStatus};
use argosy_engine::commit::{NodeRow, RunSummary, ValueHash};
use argosy_engine::config::Config;
use argosy_engine::definition::Definition;
use argosy_engine::effect::{Effect, PodRequest};
use argosy_engine::fact::{
    Command, ContainerKind, ContainerSeen, ContainerState, Fact, PodPhase, PodSeen, ResultSeen,
};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::lower::ArtifactRepositoryView;
use argosy_engine::metrics::Emission;
use argosy_engine::run::Run;
use argosy_engine::settings::{Events, Settings};
use serde_json::Value;

/// When every test begins.
pub(crate) const START: Seconds = Seconds(1_767_225_600);

/// One run, its clock, the pods that it asked for and the rows that it stored.
pub(crate) struct Bench {
    pub(crate) run: Run,
    pub(crate) now: Seconds,
    pub(crate) pods: Vec<PodRequest>,
    /// All effects so far, those that only concern pods left out.
    pub(crate) effects: Vec<Effect>,
    /// All observations of metrics so far.
    pub(crate) observations: Vec<Emission>,
    /// What lists show.
    pub(crate) summary: RunSummary,
    pub(crate) settings: Arc<Settings>,
    definition: Arc<Definition>,
    state: Option<Vec<u8>>,
    rows: BTreeMap<u32, NodeRow>,
    values: BTreeMap<ValueHash, Arc<str>>,
}

pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    let source = argosy_api::Source::new("", text);
    let (documents, faults) = argosy_api::read_documents(&source, &argosy_api::Limits::default());
    match faults.iter().find(|fault| fault.is_error()) {
        Some(fault) => Err(fault.message.clone()),
        None => Ok(documents
            .first()
            .map_or(Value::Null, |document| document.to_json())),
    }
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(yaml(text).expect("YAML")).expect("an object")
}

impl Bench {
    /// Submits a workflow, to a controller without a ConfigMap.
    pub(crate) fn new(workflow: &str) -> Self {
        Self::with(workflow, "", |_| {})
    }

    /// Submits a workflow to a controller with this ConfigMap.
    pub(crate) fn with(
        workflow: &str,
        config: &str,
        prepare: impl FnOnce(&mut Definition),
    ) -> Self {
        let config = Config::from_value(&yaml(config).expect("YAML")).expect("a configuration");
        let mut workflow: Workflow = read(workflow);
        let metadata = &mut workflow.metadata;
        metadata.name.get_or_insert_with(|| "wf".to_owned());
        metadata.namespace = Some("default".to_owned());
        metadata.uid = Some("uid-1".to_owned());
        metadata.creation_timestamp = Some(argosy_engine::timestamp::kubernetes(START));
        let mut definition = Definition {
            workflow,
            ..Definition::default()
        };
        prepare(&mut definition);
        definition.configure(&config).expect("defaults that merge");
        let settings = Arc::new(Settings {
            repository: ArtifactRepositoryView::from(&config.artifact_repository),
            read_yaml: yaml,
            config,
            events: Events::Kept,
        });
        let definition = Arc::new(definition);
        let run = Run::new(RunId(1), definition.clone(), settings.clone()).expect("a plan");
        let mut bench = Self {
            run,
            now: START,
            pods: Vec::new(),
            effects: Vec::new(),
            observations: Vec::new(),
            summary: RunSummary::default(),
            settings,
            definition,
            state: None,
            rows: BTreeMap::new(),
            values: BTreeMap::new(),
        };
        bench.tell(Fact::Started);
        bench
    }

    /// Tells the run a fact, and lets it do all that it can.
    pub(crate) fn tell(&mut self, fact: Fact) {
        self.run.tell(self.now, fact);
        self.settle();
    }

    pub(crate) fn ask(&mut self, command: Command) {
        self.tell(Fact::Asked(command));
    }

    /// Moves the clock, stopping where something is due.
    pub(crate) fn advance(&mut self, seconds: i64) {
        let end = self.now.plus(seconds);
        while let Some(at) = self.run.next_due().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            let turn = self.run.turn(self.now);
            for index in turn.commit.removed_nodes {
                self.rows.remove(&index);
            }
            for row in turn.commit.nodes {
                self.rows.insert(row.index, row);
            }
            self.values.extend(turn.commit.values);
            self.observations.extend(turn.commit.metrics);
            if let Some(summary) = turn.commit.summary {
                self.summary = summary;
            }
            if turn.commit.state.is_some() {
                self.state = turn.commit.state;
            }
            for effect in turn.effects {
                match effect {
                    Effect::ForgetPod { pod } => self.pods.retain(|known| known.key != pod),
                    // A pod ends at once when it is told to.
                    Effect::StopPod { pod: key, .. } => {
                        if self.pods.iter().any(|known| known.key == key) {
                            let main = ended("main", 143, self.now, self.now);
                            let seen = pod(PodPhase::Failed, vec![main]);
                            self.run.tell(self.now, Fact::PodSeen(key, seen));
                        }
                    }
                    effect => self.effects.push(effect),
                }
            }
            self.pods.extend(self.run.pull(usize::MAX));
            if !self.run.has_work() && !turn.unfinished {
                break;
            }
        }
        self.check();
    }

    /// The run as it comes back from what is stored.
    fn rebuilt(&self) -> Run {
        let values = |hash| self.values.get(&hash).cloned();
        Run::load(
            RunId(1),
            self.definition.clone(),
            self.settings.clone(),
            self.state.as_deref(),
            self.rows.values().cloned(),
            &values,
        )
        .expect("the rows can be loaded")
    }

    /// What a restart does: the run comes back, and is told which pods there are.
    pub(crate) fn reload(&mut self) {
        self.run = self.rebuilt();
        let keys: Vec<PodKey> = self.pods.iter().map(|pod| pod.key).collect();
        for key in &keys {
            let seen = pod(PodPhase::Pending, Vec::new());
            self.run.tell(self.now, Fact::PodSeen(*key, seen));
        }
        self.tell(Fact::Inventory(keys));
    }

    /// What must hold whenever nothing is left to do.
    fn check(&self) {
        let mut rebuilt = self.rebuilt();
        assert_eq!(
            json(&rebuilt.workflow()),
            json(&self.run.workflow()),
            "the rebuilt run is the live one"
        );
        let turn = rebuilt.turn(self.now);
        // What waits for an answer asks again after a restart.
        let again = |effect: &Effect| matches!(effect, Effect::MakeClaim { .. });
        let found = turn.effects.iter().any(|effect| !again(effect));
        assert!(!found, "settled: {:?}", turn.effects);
        assert!(turn.commit.nodes.is_empty(), "settled means settled");
    }

    /// The workflow with its status, as JSON.
    pub(crate) fn shown(&self) -> Value {
        json(&self.run.workflow())
    }

    pub(crate) fn status(&self) -> WorkflowStatus {
        self.run.workflow_status()
    }

    /// The workflow's phase and message.
    pub(crate) fn end(&self) -> (String, String) {
        let status = self.status();
        let phase = status
            .phase
            .map_or_else(String::new, |phase| phase.to_string());
        (phase, status.message)
    }

    pub(crate) fn node(&self, name: &str) -> NodeStatus {
        let nodes = self.status().nodes;
        let found = nodes.values().find(|node| node.name == name);
        found
            .unwrap_or_else(|| panic!("no node {name}: {:?}", names(&nodes)))
            .clone()
    }

    /// A node's phase and message.
    pub(crate) fn phase(&self, name: &str) -> (String, String) {
        let node = self.node(name);
        let phase = node
            .phase
            .map_or_else(String::new, |phase| phase.to_string());
        (phase, node.message)
    }

    pub(crate) fn pod(&self, node: &str) -> &PodRequest {
        let found = self.pods.iter().find(|pod| *pod.node_name == *node);
        found.unwrap_or_else(|| panic!("no pod of {node}"))
    }

    /// The pod of a node as JSON.
    pub(crate) fn pod_json(&self, node: &str) -> Value {
        json(&*self.pod(node).pod)
    }

    pub(crate) fn key(&self, node: &str) -> PodKey {
        self.pod(node).key
    }

    pub(crate) fn see(&mut self, node: &str, seen: PodSeen) {
        let key = self.key(node);
        self.tell(Fact::PodSeen(key, seen));
    }

    /// Has a pod's main container run.
    pub(crate) fn runs(&mut self, node: &str) {
        let main = running("main", self.now);
        self.see(node, pod(PodPhase::Running, vec![main]));
    }

    /// Has a pod's main container end with this exit code, and nothing more come.
    pub(crate) fn exits(&mut self, node: &str, code: i32) {
        let main = ended("main", code, self.now, self.now);
        let phase = match code {
            0 => PodPhase::Succeeded,
            _ => PodPhase::Failed,
        };
        let key = self.key(node);
        let result = ResultSeen {
            complete: true,
            ..ResultSeen::default()
        };
        self.tell(Fact::ResultSeen(key, result));
        self.tell(Fact::PodSeen(key, pod(phase, vec![main])));
    }
}

fn names(nodes: &BTreeMap<String, NodeStatus>) -> Vec<&str> {
    nodes.values().map(|node| node.name.as_str()).collect()
}

pub(crate) fn json<T: serde::Serialize>(object: &T) -> Value {
    serde_json::to_value(object).expect("JSON")
}

pub(crate) fn pod(phase: PodPhase, containers: Vec<ContainerSeen>) -> PodSeen {
    PodSeen {
        phase,
        message: None,
        reason: None,
        ip: None,
        host_node_name: None,
        containers,
        deleted: false,
    }
}

fn container(name: &str, ready: bool, state: ContainerState) -> ContainerSeen {
    ContainerSeen {
        name: name.into(),
        kind: ContainerKind::Regular,
        ready,
        state,
    }
}

pub(crate) fn running(name: &str, started_at: Seconds) -> ContainerSeen {
    container(name, true, ContainerState::Running { started_at })
}

pub(crate) fn waiting(name: &str, reason: &str) -> ContainerSeen {
    let state = ContainerState::Waiting {
        reason: reason.into(),
        message: "".into(),
    };
    container(name, false, state)
}

pub(crate) fn ended(
    name: &str,
    exit_code: i32,
    started_at: Seconds,
    finished_at: Seconds,
) -> ContainerSeen {
    let state = ContainerState::Terminated {
        exit_code,
        reason: if exit_code == 0 { "Completed" } else { "Error" }.into(),
        message: "".into(),
        started_at,
        finished_at,
    };
    container(name, false, state)
}
