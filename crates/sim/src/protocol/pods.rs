//! `pods`, `pod`, `delete_pod` and `evict_pod`: the cluster's side.

use argosy_api::{FieldPath, NodePhase, Progress};
use argosy_engine::fact::{ResultSeen, TaskSeen};
use argosy_engine::ids::{NodeIndex, PodKey};
use k8s_openapi::api::core::v1::PodStatus;
use serde_json::{Map, Value};

use super::request::{Condition, PodReport, ReportedOutputs};
use super::values::Scalar;
use super::{Answer, ProtocolError, Session, one};
use crate::pods::SimPod;

/// The phases of a pod.
const PHASES: [&str; 5] = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];

impl Session {
    pub(super) fn pods(&self, workflow: Option<&str>, all: bool) -> Result<Answer, ProtocolError> {
        let only = workflow.map(|name| self.find(name)).transpose()?;
        let pods: Vec<Value> = self
            .world
            .pods_and_agents()
            .filter(|pod| only.is_none_or(|only| pod.request.key.run == only))
            .filter(|pod| !pod.gone && (all || pod.is_live()))
            .map(|pod| serde_json::to_value(pod.pod()))
            .collect::<Result<_, _>>()?;
        Ok(one("pods", pods))
    }

    /// The pods that a report is about.
    fn meant(&self, report: &PodReport) -> Result<Vec<PodKey>, ProtocolError> {
        if let Some(name) = &report.name {
            return Ok(vec![self.pod_named(name, report.workflow.as_deref())?]);
        }
        let workflow = report.workflow.as_deref();
        let only = workflow.map(|name| self.find(name)).transpose()?;
        let condition = report.condition.clone().unwrap_or_default();
        let place = condition
            .workflow
            .as_deref()
            .filter(|name| name.contains('/'));
        let placed = place.map(|name| self.find(name)).transpose()?;
        let is_of = |run| only.or(placed).is_none_or(|only| run == only);
        let mut meant: Vec<PodKey> = self
            .world
            .pods_and_agents()
            .filter(|pod| is_of(pod.request.key.run))
            .filter(|pod| self.holds(&condition, pod))
            .map(|pod| pod.request.key)
            .collect();
        if let Some(index) = condition.index {
            let one = usize::try_from(index)
                .ok()
                .and_then(|index| meant.get(index));
            meant = one.copied().into_iter().collect();
        }
        Ok(meant)
    }

    /// The pod of a name: its own, or its node's name, ID or display name, or those of the node whose
    /// attempt it is. One that lives goes before one that has ended, and a later one before an
    /// earlier one.
    fn pod_named(&self, name: &str, workflow: Option<&str>) -> Result<PodKey, ProtocolError> {
        let only = workflow.map(|name| self.find(name)).transpose()?;
        let mut pods: Vec<&SimPod> = self
            .world
            .pods_and_agents()
            .filter(|pod| only.is_none_or(|only| pod.request.key.run == only))
            .collect();
        pods.reverse();
        pods.sort_by_key(|pod| (!pod.is_live(), pod.gone));
        let bare = name.rsplit_once('/').map_or(name, |(_, bare)| bare);
        let own = |pod: &&&SimPod| {
            let namespaced = || {
                let namespace = pod.pod().metadata.namespace.as_deref().unwrap_or_default();
                pod.name() == bare && name == format!("{namespace}/{bare}")
            };
            pod.name() == name || namespaced()
        };
        let of_node = |pod: &&&SimPod| {
            let node = self.node_of(pod);
            !is_agent(pod) && *pod.request.node_name == *name
                || node.id == name
                || node.display_name == name
        };
        let of_attempt = |pod: &&&SimPod| {
            let node = self.node_of(pod);
            let retried = node.node_flag.as_ref().is_some_and(|flag| flag.retried);
            let is_attempt = |own: &str| above(own).next() == Some(name);
            !is_agent(pod) && retried && (is_attempt(&node.name) || is_attempt(&node.display_name))
        };
        pods.iter()
            .find(own)
            .or_else(|| pods.iter().find(of_node))
            .or_else(|| pods.iter().find(of_attempt))
            .map(|pod| pod.request.key)
            .ok_or_else(|| ProtocolError::NoPod(name.to_owned()))
    }

    fn node_of(&self, pod: &SimPod) -> argosy_api::NodeStatus {
        let key = pod.request.key;
        self.world
            .run(key.run)
            .and_then(|run| Some(run.node_status_at(run.node_of_pod(key)?.0)))
            .unwrap_or_default()
    }

    fn holds(&self, condition: &Condition, pod: &SimPod) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == value)
        };
        let live = match &condition.phase {
            Some(phase) => !pod.gone && pod.phase() == phase,
            None => pod.is_live(),
        };
        let labels = pod.pod().metadata.labels.as_ref();
        let labelled = condition.labels.0.iter().all(|(key, value)| {
            let known = labels.and_then(|labels| labels.get(key));
            known == Some(value)
        });
        // Agents do no step: they are meant only where they are asked for.
        let asked_for = condition.name.is_some() || !condition.labels.0.is_empty();
        if !live || !labelled || (is_agent(pod) && !asked_for) {
            return false;
        }
        let node = self.node_of(pod);
        let template = match &node.template_ref {
            Some(reference) => &reference.template,
            None => &node.template_name,
        };
        let (namespace, workflow) = self.world.place_of(pod.request.key.run);
        let is_or_above = |wanted: &Option<String>, own: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted == own || above(own).any(|above| above == wanted))
        };
        let named = |name: &str| {
            let name = Some(name.to_owned());
            [pod.name(), &node.id].contains(&name.as_deref().unwrap_or_default())
                || is_or_above(&name, &pod.request.node_name)
                || is_or_above(&name, &node.display_name)
        };
        let wanted_workflow = condition.workflow.as_deref();
        condition.name.as_deref().is_none_or(named)
            && is_or_above(&condition.node_name, &pod.request.node_name)
            && is(&condition.node_id, &node.id)
            && is_or_above(&condition.display_name, &node.display_name)
            && is(&condition.template, template)
            && is(&condition.namespace, namespace)
            && wanted_workflow.is_none_or(|wanted| wanted.contains('/') || wanted == workflow)
    }

    /// The task of an agent that a report is about: a node that has no pod of its own.
    fn task_named(&self, report: &PodReport) -> Option<PodKey> {
        let name = report.name.as_deref().or_else(|| {
            let condition = report.condition.as_ref()?;
            let named = condition.name.as_deref().or(condition.node_name.as_deref());
            named.or(condition.display_name.as_deref())
        })?;
        let mut tasks = self.world.tasks();
        let found = tasks.find(|task| {
            let run = self.world.run(task.key.run);
            let node = run.and_then(|run| Some(run.node_status_at(run.node_of_pod(task.key)?.0)));
            let named = node.is_some_and(|node| {
                node.name == name || node.id == name || node.display_name == name
            });
            named
                && report
                    .workflow
                    .as_deref()
                    .is_none_or(|workflow| self.world.find(workflow) == Some(task.key.run))
        });
        found.map(|task| task.key)
    }

    /// What an agent reports of an `http` or `plugin` node.
    fn report_task(&mut self, key: PodKey, report: &PodReport) -> Result<Answer, ProtocolError> {
        let own_code = report.exit_code.as_ref().map(exit_code_of).transpose()?;
        let phase = match (&report.phase, own_code) {
            (Some(phase), _) => phase.as_str(),
            (None, Some(0) | None) => "Succeeded",
            (None, Some(_)) => "Failed",
        };
        let phase = NodePhase::parse(phase)
            .ok_or_else(|| ProtocolError::Refused(format!("there is no phase {phase:?}")))?;
        let outputs = match &report.outputs {
            Some(outputs) => result_of(outputs)?,
            None => ResultSeen::default(),
        };
        let seen = TaskSeen {
            phase,
            message: report.message.as_deref().map(Into::into),
            outputs,
            exit_code: reported_code(report)?,
        };
        self.world.tell_task(key, seen);
        Ok(one("pods", Vec::<Value>::new()))
    }

    pub(super) fn pod(&mut self, report: &PodReport) -> Result<Answer, ProtocolError> {
        if let Some(task) = self.task_named(report) {
            return self.report_task(task, report);
        }
        let keys = self.meant(report)?;
        // All that may be refused comes before the first change.
        let outputs = report.outputs.as_ref().map(result_of).transpose()?;
        let changed: Vec<SimPod> = keys
            .into_iter()
            .filter_map(|key| {
                self.world
                    .pods
                    .get(&key)
                    .or_else(|| self.world.agents.get(&key))
            })
            .map(|pod| self.changed(pod, report))
            .collect::<Result<_, _>>()?;
        let mut names = Vec::new();
        for pod in changed {
            names.push(pod.name().to_owned());
            self.report(pod, report, outputs.clone());
        }
        Ok(one("pods", names))
    }

    /// A pod as it is after a report.
    fn changed(&self, pod: &SimPod, report: &PodReport) -> Result<SimPod, ProtocolError> {
        let mut pod = pod.clone();
        let own_code = report.exit_code.as_ref().map(exit_code_of).transpose()?;
        let exit_code = match own_code {
            Some(code) => Some(code),
            None => reported_code(report)?,
        };
        let phase = match (&report.phase, own_code) {
            (Some(phase), _) => Some(phase.as_str()),
            (None, Some(0)) => Some("Succeeded"),
            (None, Some(_)) => Some("Failed"),
            (None, None) => None,
        };
        if let Some(phase) = phase {
            if !PHASES.contains(&phase) {
                return Err(ProtocolError::Refused(format!(
                    "phase: a pod's is Pending, Running, Succeeded, Failed or Unknown, not {phase:?}"
                )));
            }
            let code = exit_code.unwrap_or(i32::from(phase == "Failed"));
            pod.enter(phase, code, self.world.now());
        }
        if report.node_name.is_some() {
            let spec = pod.request.pod.spec.get_or_insert_default();
            spec.node_name.clone_from(&report.node_name);
        }
        let status = pod.status_mut();
        if report.message.is_some() {
            status.message.clone_from(&report.message);
        }
        if report.reason.is_some() {
            status.reason.clone_from(&report.reason);
        }
        if let Some(raw) = &report.status {
            *status = merged(status, raw)?;
        }
        Ok(pod)
    }

    /// Puts a pod in the place of what it was, and tells of it.
    fn report(&mut self, pod: SimPod, report: &PodReport, outputs: Option<ResultSeen>) {
        let key = pod.request.key;
        if is_agent(&pod) {
            self.world.agents.insert(key, pod);
            self.world.tell_of_agent(key);
            return;
        }
        let changed = report.phase.is_some()
            || report.exit_code.is_some()
            || report.status.is_some()
            || report.message.is_some()
            || report.reason.is_some()
            || report.node_name.is_some();
        let complete_already = pod.result.as_ref().is_some_and(|result| result.complete);
        let nothing_more = changed && pod.has_ended() && !complete_already;
        let outputs = outputs.or_else(|| {
            nothing_more.then(|| ResultSeen {
                complete: true,
                ..ResultSeen::default()
            })
        });
        self.world.pods.insert(key, pod);
        if let Some(outputs) = outputs {
            self.world.tell_result(key, outputs);
        }
        if changed {
            self.world.tell_pod(key);
        }
    }

    pub(super) fn delete_pod(
        &mut self,
        name: &str,
        workflow: Option<&str>,
    ) -> Result<Answer, ProtocolError> {
        let key = self.pod_named(name, workflow)?;
        match key.node {
            NodeIndex::AGENT => self.world.remove_agent(key),
            _ => self.world.remove_pod(key),
        }
        Ok(Answer::new())
    }

    pub(super) fn evict_pod(
        &mut self,
        name: &str,
        workflow: Option<&str>,
        message: Option<&str>,
    ) -> Result<Answer, ProtocolError> {
        let key = self.pod_named(name, workflow)?;
        let world = &mut self.world;
        let known = world.pods.get_mut(&key);
        if let Some(pod) = known.or_else(|| world.agents.get_mut(&key)) {
            pod.evict(message);
        }
        self.world.tell_pod(key);
        self.world.tell_of_agent(key);
        Ok(Answer::new())
    }

    /// Where a node stands in its run.
    pub(super) fn node_index(&self, run: argosy_engine::ids::RunId, text: &str) -> Vec<NodeIndex> {
        self.world
            .run(run)
            .map(|run| run.find_nodes(text))
            .unwrap_or_default()
    }
}

/// The names of the nodes whose attempt or item a node of this name is: `map(0:a)(1)` is one of
/// `map(0:a)`, and that of `map`.
fn above(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(up_from(name), |name| up_from(name))
}

fn up_from(name: &str) -> Option<&str> {
    let (above, _) = name.strip_suffix(')')?.rsplit_once('(')?;
    (!above.is_empty()).then_some(above)
}

fn exit_code_of(code: &Scalar) -> Result<i32, ProtocolError> {
    let text = code.0.strip_suffix(".0").unwrap_or(&code.0);
    text.parse()
        .map_err(|_| ProtocolError::Refused(format!("an exit code is a number, not {text:?}")))
}

/// The exit code among the reported outputs.
fn reported_code(report: &PodReport) -> Result<Option<i32>, ProtocolError> {
    let outputs = report.outputs.as_ref();
    let code = outputs.and_then(|outputs| outputs.exit_code.as_ref());
    code.map(exit_code_of).transpose()
}

fn is_agent(pod: &SimPod) -> bool {
    pod.request.key.node == NodeIndex::AGENT
}

fn result_of(outputs: &ReportedOutputs) -> Result<ResultSeen, ProtocolError> {
    let progress = match &outputs.progress {
        None => None,
        Some(text) => {
            let progress = Progress::parse(text)
                .ok_or_else(|| ProtocolError::Refused(format!("{text:?} is no progress N/M")))?;
            Some((progress.done, progress.total))
        }
    };
    Ok(ResultSeen {
        parameters: outputs
            .parameters
            .0
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
            .collect(),
        artifacts: outputs.artifacts.0.clone(),
        result: outputs.result.as_ref().map(|text| text.0.as_str().into()),
        progress,
        error: outputs.error.as_deref().map(Into::into),
        complete: outputs.complete.unwrap_or(true),
    })
}

/// A status with what a raw one says put over it: objects within one another, lists whole.
fn merged(status: &PodStatus, raw: &Map<String, Value>) -> Result<PodStatus, ProtocolError> {
    let mut value = serde_json::to_value(status)?;
    let mut raw = Value::Object(raw.clone());
    for list in ["containerStatuses", "initContainerStatuses"] {
        let Some(statuses) = raw.get_mut(list).and_then(Value::as_array_mut) else {
            continue;
        };
        for status in statuses.iter_mut().filter_map(Value::as_object_mut) {
            // What Kubernetes always sends, and nobody writes by hand.
            for (key, default) in [
                ("image", Value::from("")),
                ("imageID", Value::from("")),
                ("ready", Value::from(false)),
                ("restartCount", Value::from(0)),
            ] {
                status.entry(key).or_insert(default);
            }
        }
    }
    merge(&mut value, raw.clone());
    let merged: PodStatus = serde_json::from_value(value)
        .map_err(|error| ProtocolError::Refused(format!("status: {error}")))?;
    let read = serde_json::to_value(&merged)?;
    match unread(&FieldPath::default().field("status"), &raw, &read) {
        Some(path) => Err(ProtocolError::Refused(format!(
            "{path}: a PodStatus has no such field"
        ))),
        None => Ok(merged),
    }
}

/// A field that is not among those that were read.
fn unread(path: &FieldPath, raw: &Value, read: &Value) -> Option<FieldPath> {
    match (raw, read) {
        (Value::Object(raw), _) => raw.iter().find_map(|(key, inner)| {
            let path = path.clone().field(key.clone());
            match read.get(key) {
                None if inner.is_null() => None,
                None => Some(path),
                Some(read) => unread(&path, inner, read),
            }
        }),
        (Value::Array(raw), Value::Array(read)) => {
            let mut pairs = raw.iter().zip(read).enumerate();
            pairs.find_map(|(place, (raw, read))| unread(&path.clone().index(place), raw, read))
        }
        _ => None,
    }
}

fn merge(value: &mut Value, over: Value) {
    match (value, over) {
        (Value::Object(map), Value::Object(over)) => {
            for (key, inner) in over {
                merge(map.entry(key).or_insert(Value::Null), inner);
            }
        }
        (value, over) => *value = over,
    }
}
