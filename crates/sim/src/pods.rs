//! Simulated pods: what the cluster and the executor would tell of them.

use std::collections::BTreeMap;

use argosy_api::{ContainerNode, MAIN_CONTAINER, NodePhase, labels};
use argosy_engine::effect::{Layout, PodRequest};
use argosy_engine::fact::{Fact, PodPhase, ResultSeen};
use argosy_engine::ids::Seconds;
use argosy_engine::observe::pod_seen;
use argosy_engine::timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStatus, Pod,
    PodStatus,
};

/// How a simulated pod ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The main container's exit code.
    pub exit_code: i32,
    /// Exit codes of single containers of a set, by name.
    pub containers: BTreeMap<String, i32>,
    /// Output parameters.
    pub parameters: Vec<(String, String)>,
    /// Output artifacts.
    pub artifacts: Vec<argosy_api::Artifact>,
    /// What the main container printed.
    pub result: Option<String>,
    /// `status.message` of the pod.
    pub message: Option<String>,
    /// Why the main container ended, in Kubernetes' word: `OOMKilled`.
    pub reason: Option<String>,
    /// What the executor says that went wrong.
    pub error: Option<String>,
    /// The pod does not come to its end.
    pub lost: Option<Lost>,
}

/// What becomes of a pod that does not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum Lost {
    /// Somebody deletes it, or its machine goes away.
    Deleted,
    /// Kubernetes evicts it.
    Evicted,
}

impl TryFrom<String> for Lost {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "deleted" => Ok(Self::Deleted),
            "evicted" => Ok(Self::Evicted),
            _ => Err(format!(
                "a pod is lost as `deleted` or `evicted`, not {word:?}"
            )),
        }
    }
}

/// What Kubernetes says of a pod that it has evicted, unless told otherwise.
pub(crate) const EVICTED: &str = "The node was low on resource: memory. ";

impl Outcome {
    /// Whether it does not end well.
    pub(crate) fn fails(&self) -> bool {
        let codes = self.containers.values();
        self.is_error() || codes.chain([&self.exit_code]).any(|code| *code != 0)
    }

    /// Whether it could not be carried out at all.
    pub(crate) fn is_error(&self) -> bool {
        self.error.is_some() || self.lost.is_some()
    }

    /// Why it ended so: what went wrong, else the message.
    pub(crate) fn why(&self) -> Option<&str> {
        self.error.as_deref().or(self.message.as_deref())
    }

    /// The phase in which it leaves the node of a task, or one that waits for somebody.
    pub(crate) fn phase(&self) -> NodePhase {
        match self.exit_code {
            _ if self.is_error() => NodePhase::Error,
            0 => NodePhase::Succeeded,
            _ => NodePhase::Failed,
        }
    }

    /// What it puts out, all of it.
    pub(crate) fn put_out(&self) -> ResultSeen {
        let parameters = self.parameters.iter();
        ResultSeen {
            parameters: parameters
                .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                .collect(),
            artifacts: self.artifacts.clone(),
            result: self.result.as_deref().map(Into::into),
            complete: true,
            ..ResultSeen::default()
        }
    }

    /// A pod that ends with this exit code.
    pub fn exit(exit_code: i32) -> Self {
        Self {
            exit_code,
            ..Self::default()
        }
    }

    /// A pod that prints this and succeeds.
    pub fn result(text: &str) -> Self {
        Self {
            result: Some(text.to_owned()),
            ..Self::default()
        }
    }

    /// A pod that puts out a parameter and succeeds.
    pub fn parameter(name: &str, value: &str) -> Self {
        Self {
            parameters: vec![(name.to_owned(), value.to_owned())],
            ..Self::default()
        }
    }
}

/// A pod of the simulated cluster.
#[derive(Clone, Debug)]
pub struct SimPod {
    /// What was asked for; the pod in it carries the status in which it stands.
    pub request: PodRequest,
    /// What its executor has reported, all together.
    pub result: Option<ResultSeen>,
    /// Its containers were told to end.
    pub told_to_end: bool,
    /// The cluster has it no more.
    pub gone: bool,
    /// Its end is committed, so it need not be told of again.
    pub forgotten: bool,
}

impl SimPod {
    /// Its end has been dealt with: Argo's controller says so in a label.
    pub fn label_as_completed(&mut self) {
        let labels = self.request.pod.metadata.labels.get_or_insert_default();
        labels.insert(labels::COMPLETED.to_owned(), "true".to_owned());
    }

    /// A pod that has just been made.
    pub fn new(mut request: PodRequest) -> Self {
        request.pod.status = Some(PodStatus {
            phase: Some("Pending".to_owned()),
            ..PodStatus::default()
        });
        Self {
            request,
            result: None,
            told_to_end: false,
            gone: false,
            forgotten: false,
        }
    }

    /// The pod.
    pub fn pod(&self) -> &Pod {
        &self.request.pod
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.pod().metadata.name.as_deref().unwrap_or_default()
    }

    /// Its phase, in Kubernetes' word.
    pub fn phase(&self) -> &str {
        let status = self.pod().status.as_ref();
        status
            .and_then(|status| status.phase.as_deref())
            .unwrap_or("Pending")
    }

    /// How it has ended: well, or not.
    pub fn ended_phase(&self) -> PodPhase {
        match self.phase() {
            "Succeeded" => PodPhase::Succeeded,
            _ => PodPhase::Failed,
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase(), "Succeeded" | "Failed")
    }

    /// Whether something can still happen to it.
    pub fn is_live(&self) -> bool {
        !self.gone && !self.has_ended()
    }

    /// Whether its step needs the executor.
    pub fn is_supervised(&self) -> bool {
        matches!(self.request.layout, Layout::Supervised(_))
    }

    pub(crate) fn status_mut(&mut self) -> &mut PodStatus {
        self.request.pod.status.get_or_insert_default()
    }

    /// The fact of how it stands.
    pub fn seen(&self) -> Fact {
        let mut seen = pod_seen(self.pod());
        seen.deleted |= self.gone && !self.has_ended();
        Fact::PodSeen(self.request.key, seen)
    }

    /// Adds to what its executor has reported.
    pub(crate) fn report(&mut self, seen: ResultSeen) -> Fact {
        let known = self.result.get_or_insert_default();
        if !seen.parameters.is_empty() {
            known.parameters.clone_from(&seen.parameters);
        }
        if !seen.artifacts.is_empty() {
            known.artifacts.clone_from(&seen.artifacts);
        }
        known.result = seen.result.clone().or(known.result.take());
        known.progress = seen.progress.or(known.progress);
        known.error = seen.error.clone().or(known.error.take());
        known.complete |= seen.complete;
        Fact::ResultSeen(self.request.key, seen)
    }

    /// Puts the pod into a phase, in Kubernetes' word, in which all of its containers take part. The
    /// main containers end with `exit_code`, the others well.
    pub fn enter(&mut self, phase: &str, exit_code: i32, at: Seconds) {
        let spec = self.pod().spec.clone().unwrap_or_default();
        let before = self.pod().status.clone().unwrap_or_default();
        let mains = self.main_names();
        let inits = spec.init_containers.unwrap_or_default();
        let status = |name: &str, old: &Option<Vec<ContainerStatus>>, init: bool| {
            let began = old
                .iter()
                .flatten()
                .find(|status| status.name == name)
                .and_then(began_at)
                .unwrap_or(at);
            let code = if mains.iter().any(|main| main == name) {
                exit_code
            } else {
                0
            };
            let ended = init || phase != "Running";
            container_status(name, began, ended.then_some((code, at)))
        };
        if matches!(phase, "Pending" | "Unknown") {
            let status = self.status_mut();
            status.phase = Some(phase.to_owned());
            return;
        }
        let init_statuses: Vec<ContainerStatus> = inits
            .iter()
            .map(|init| status(&init.name, &before.init_container_statuses, true))
            .collect();
        let statuses: Vec<ContainerStatus> = spec
            .containers
            .iter()
            .map(|container| status(&container.name, &before.container_statuses, false))
            .collect();
        let number = self.request.key.node.0 % 65_000;
        let status = self.status_mut();
        status.phase = Some(phase.to_owned());
        status
            .pod_ip
            .get_or_insert_with(|| format!("10.0.{}.{}", number / 250, number % 250 + 1));
        status.start_time.get_or_insert(timestamp::kubernetes(at));
        status.init_container_statuses = (!init_statuses.is_empty()).then_some(init_statuses);
        status.container_statuses = Some(statuses);
    }

    /// Kubernetes evicts it.
    pub(crate) fn evict(&mut self, message: Option<&str>) {
        let status = self.status_mut();
        status.phase = Some("Failed".to_owned());
        status.reason = Some("Evicted".to_owned());
        status.message = Some(message.unwrap_or(EVICTED).to_owned());
    }

    /// The executor's container, which a pod may be without, fails.
    fn fail_executor(&mut self, error: &str, at: Seconds) {
        const EXECUTOR: &str = "wait";
        let mut failed = container_status(EXECUTOR, at, Some((1, at)));
        let state = failed.state.as_mut();
        if let Some(ended) = state.and_then(|state| state.terminated.as_mut()) {
            ended.message = Some(error.to_owned());
        }
        let statuses = self.status_mut().container_statuses.get_or_insert_default();
        statuses.retain(|status| status.name != EXECUTOR);
        statuses.push(failed);
    }

    /// Says why the main containers have ended.
    fn give_reason(&mut self, reason: &str) {
        let mains = self.main_names();
        let statuses = self.status_mut().container_statuses.iter_mut().flatten();
        for status in statuses.filter(|status| mains.contains(&status.name)) {
            let state = status.state.as_mut();
            if let Some(ended) = state.and_then(|state| state.terminated.as_mut()) {
                ended.reason = Some(reason.to_owned());
            }
        }
    }

    /// Ends single containers of a set, and those that wait for one that failed: the executor does
    /// not begin them. Argo: `emissary`.
    fn end_containers(&mut self, outcome: &Outcome, at: Seconds) {
        const NOT_BEGUN: i32 = 64;
        let mut codes: BTreeMap<String, i32> = BTreeMap::new();
        for name in self.step_containers() {
            let code = outcome.containers.get(&name).copied();
            codes.insert(name, code.unwrap_or(outcome.exit_code));
        }
        let set = self.container_set().map(<[_]>::to_vec).unwrap_or_default();
        let mut kept_back: BTreeMap<String, String> = BTreeMap::new();
        // What waits for one that fails tells those behind it of the same code, so often as they stand
        // behind each other.
        for _ in 0..set.len() {
            for container in &set {
                let failed = container.dependencies.iter().find_map(|before| {
                    let code = *codes.get(before)?;
                    (code != 0).then_some((before, code))
                });
                let said = outcome.containers.contains_key(&container.name);
                if let Some((before, code)) = failed.filter(|_| !said) {
                    codes.insert(container.name.clone(), code);
                    let text = format!("dependency {before:?} exited with non-zero code: {code}");
                    kept_back.insert(container.name.clone(), text);
                }
            }
        }
        let statuses = self.status_mut().container_statuses.iter_mut().flatten();
        for status in statuses {
            let message = kept_back.remove(&status.name);
            let code = match (codes.get(&status.name), &message) {
                (None, _) => continue,
                (Some(_), Some(_)) => NOT_BEGUN,
                (Some(code), None) => *code,
            };
            let began = began_at(status).unwrap_or(at);
            *status = container_status(&status.name, began, Some((code, at)));
            let state = status.state.as_mut();
            if let Some(ended) = state.and_then(|state| state.terminated.as_mut()) {
                ended.message = message;
            }
        }
    }

    /// The containers of the set that it runs, if the executor knows of one.
    fn container_set(&self) -> Option<&[ContainerNode]> {
        match &self.request.layout {
            Layout::Supervised(supervision) => {
                let set = supervision.template.container_set.as_ref()?;
                Some(&set.containers)
            }
            Layout::Bare => None,
        }
    }

    /// The containers that a user's set may have: without the executor a pod has no sidecars.
    pub(crate) fn step_containers(&self) -> Vec<String> {
        if self.is_supervised() {
            return self.main_names();
        }
        let spec = self.pod().spec.as_ref();
        let containers = spec.into_iter().flat_map(|spec| &spec.containers);
        containers.map(|container| container.name.clone()).collect()
    }

    /// The containers that carry out the step.
    fn main_names(&self) -> Vec<String> {
        if let Layout::Supervised(supervision) = &self.request.layout {
            let names = supervision.template.main_containers();
            return names.map(str::to_owned).collect();
        }
        let containers = self.pod().spec.iter().flat_map(|spec| &spec.containers);
        let names = containers.map(|container| container.name.clone());
        let (mains, others): (Vec<_>, Vec<_>) = names.partition(|name| name == MAIN_CONTAINER);
        // A pod without the executor has no sidecars: what is not `main` is a set's.
        if mains.is_empty() { others } else { mains }
    }

    /// Ends the pod as `outcome` says; gives the facts that tell of it.
    pub fn end(&mut self, outcome: &Outcome, at: Seconds) -> Vec<Fact> {
        let mut facts = Vec::with_capacity(2);
        match outcome.lost {
            Some(Lost::Deleted) => {
                self.gone = true;
                return vec![self.seen()];
            }
            Some(Lost::Evicted) => {
                self.evict(outcome.message.as_deref());
                return vec![self.seen()];
            }
            None => {}
        }
        if self.is_supervised() {
            facts.push(self.report(ResultSeen {
                error: outcome.error.as_deref().map(Into::into),
                ..outcome.put_out()
            }));
        }
        let phase = match outcome.fails() {
            false => "Succeeded",
            true => "Failed",
        };
        self.enter(phase, outcome.exit_code, at);
        if !outcome.containers.is_empty() {
            self.end_containers(outcome, at);
        }
        self.status_mut().message.clone_from(&outcome.message);
        if let Some(reason) = &outcome.reason {
            self.give_reason(reason);
        }
        if let Some(error) = &outcome.error {
            self.fail_executor(error, at);
        }
        facts.push(self.seen());
        facts
    }
}

fn began_at(status: &ContainerStatus) -> Option<Seconds> {
    let state = status.state.as_ref()?;
    let running = state.running.as_ref().and_then(|r| r.started_at.as_ref());
    let ended = state.terminated.as_ref();
    let began = running.or(ended.and_then(|ended| ended.started_at.as_ref()))?;
    Some(timestamp::seconds(began))
}

/// A container that runs, or that has ended with this exit code at this time.
fn container_status(name: &str, began: Seconds, ended: Option<(i32, Seconds)>) -> ContainerStatus {
    let state = match ended {
        None => ContainerState {
            running: Some(ContainerStateRunning {
                started_at: Some(timestamp::kubernetes(began)),
            }),
            ..ContainerState::default()
        },
        Some((exit_code, at)) => ContainerState {
            terminated: Some(ContainerStateTerminated {
                exit_code,
                reason: Some(if exit_code == 0 { "Completed" } else { "Error" }.to_owned()),
                started_at: Some(timestamp::kubernetes(began)),
                finished_at: Some(timestamp::kubernetes(at)),
                ..ContainerStateTerminated::default()
            }),
            ..ContainerState::default()
        },
    };
    ContainerStatus {
        name: name.to_owned(),
        ready: ended.is_none(),
        state: Some(state),
        ..ContainerStatus::default()
    }
}
