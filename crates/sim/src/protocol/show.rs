//! `get`, `list`, `facts` and `why`: what can be looked at.

use std::collections::BTreeSet;

use argosy_engine::cache::CACHE_LABEL;
use argosy_engine::fact::TimedFact;
use argosy_engine::locks::LockKind;
use argosy_engine::metrics::{Current, Kind as MetricKind};
use argosy_engine::run::Why;
use argosy_engine::{log, timestamp};
use serde_json::{Value, json};

use super::request::Kind;
use super::{Answer, ProtocolError, Session, one};
use crate::objects::NAMESPACE;
use crate::world::World;

impl Session {
    pub(super) fn get(&self, name: &str) -> Result<Answer, ProtocolError> {
        let id = self.find(name)?;
        let workflow = self.world.workflow(id);
        Ok(one("workflow", serde_json::to_value(workflow)?))
    }

    pub(super) fn list(&self, kind: Kind) -> Result<Answer, ProtocolError> {
        let items = match kind {
            Kind::Workflows => self
                .world
                .all()
                .filter_map(|id| self.world.workflow(id))
                .map(serde_json::to_value)
                .collect::<Result<Vec<Value>, _>>()?,
            Kind::Timers => self.timers(),
            Kind::Configmaps => config_maps(&self.world)?,
            Kind::Taskresults => self.task_results()?,
            Kind::Executions => self.executions()?,
            Kind::Tasksets => self.task_sets()?,
            Kind::Artifactgctasks => self.artifact_gc_tasks()?,
            Kind::Poddisruptionbudgets => as_values(self.world.cluster.budgets.values())?,
            Kind::Locks => self.locks(),
            Kind::Caches => self
                .world
                .caches
                .list()
                .map(|(cache, key, entry)| {
                    let entry: Value = serde_json::from_str(entry).unwrap_or_default();
                    json!({"cache": cache, "key": key, "entry": entry})
                })
                .collect(),
            Kind::Events => events(&self.world),
            Kind::Metrics => metrics(&self.world),
            Kind::Pvcs => as_values(self.world.cluster.claims.values())?,
        };
        Ok(one("items", items))
    }

    fn locks(&self) -> Vec<Value> {
        self.world
            .locks()
            .into_iter()
            .filter(|view| !view.holders.is_empty() || !view.waiting.is_empty())
            .map(|view| {
                let kind = match view.lock.kind {
                    LockKind::Mutex => "Mutex",
                    LockKind::Semaphore => "Semaphore",
                };
                json!({
                    "kind": kind,
                    "name": *view.lock.name,
                    "limit": view.limit,
                    "holders": view.holders,
                    "waiting": view.waiting,
                })
            })
            .collect()
    }

    /// When runs go on, workflows are deleted, and pods are: once for each instant of a workflow.
    fn timers(&self) -> Vec<Value> {
        let world = &self.world;
        // What is still noted of a run that is over changes nothing any more.
        let runs = world.all().filter_map(|id| {
            let run = world.run(id).filter(|run| !run.is_over())?;
            Some((run.next_due()?, id))
        });
        let stored = world.stored.iter();
        let deletions = stored.filter_map(|(&id, stored)| Some((stored.delete_at?, id)));
        let pods = world.cluster.deletions().map(|(at, pod)| (at, pod.run));
        let timers: BTreeSet<(i64, &str)> = runs
            .chain(deletions)
            .chain(pods)
            .map(|(at, id)| (at.0, world.place_of(id).1))
            .collect();
        timers
            .into_iter()
            .map(|(at, workflow)| {
                let at = timestamp::rfc3339(argosy_engine::ids::Seconds(at));
                json!({"at": at, "workflow": workflow})
            })
            .collect()
    }

    fn task_results(&self) -> Result<Vec<Value>, ProtocolError> {
        let mut items = Vec::new();
        for pod in self.world.all_pods() {
            let Some(result) = &pod.result else {
                continue;
            };
            let parameters: Vec<Value> = result
                .parameters
                .iter()
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect();
            let key = pod.request.key;
            let mut outputs = json!({});
            if !parameters.is_empty() {
                outputs["parameters"] = parameters.into();
            }
            if !result.artifacts.is_empty() {
                outputs["artifacts"] = serde_json::to_value(&result.artifacts)?;
            }
            if let Some(text) = &result.result {
                outputs["result"] = json!(text);
            }
            items.push(json!({
                "workflow": self.world.place_of(key.run).1,
                "node": *pod.request.node_name,
                "pod": pod.name(),
                "complete": result.complete,
                "outputs": outputs,
            }));
        }
        Ok(items)
    }

    pub(super) fn facts(&self, name: &str) -> Result<Answer, ProtocolError> {
        let id = self.find(name)?;
        let mut facts: Vec<TimedFact> = Vec::new();
        if let Some(stored) = self.world.stored.get(&id) {
            for entry in &stored.log {
                let entry = log::decode(entry)
                    .map_err(|error| ProtocolError::Refused(error.to_string()))?;
                facts.extend(entry);
            }
        }
        let facts: Vec<Value> = facts
            .iter()
            .map(|fact| {
                let told = serde_json::to_value(&fact.fact)?;
                Ok(json!({"at": timestamp::rfc3339(fact.at), "fact": told}))
            })
            .collect::<Result<_, ProtocolError>>()?;
        Ok(one("facts", facts))
    }

    pub(super) fn why(&self, name: &str, node: Option<&str>) -> Result<Answer, ProtocolError> {
        let id = self.find(name)?;
        let Some(run) = self.world.run(id) else {
            let workflow = self.world.workflow(id).unwrap_or_default();
            return Ok(one("why", vec![json!({"text": workflow.status.message})]));
        };
        let mut answers = Vec::new();
        if let (None, Some(text)) = (node, run.held_up()) {
            let name = run.definition().name();
            answers.push(json!({"workflow": name, "waitsFor": text}));
        }
        let nodes = match node {
            None => run.why_workflow(),
            Some(node) => {
                let found = self.node_index(id, node);
                if found.is_empty() {
                    let text = run.why_unmade(node).ok_or_else(|| {
                        ProtocolError::Refused(format!("there is no node {node:?}"))
                    })?;
                    return Ok(one("why", vec![json!({"node": node, "waitsFor": text})]));
                }
                found.into_iter().map(|index| run.why(index)).collect()
            }
        };
        answers.extend(nodes.iter().map(answer));
        Ok(one("why", answers))
    }
}

/// The ConfigMaps, with the entries that caches have been given, and those that were made for
/// them in the controller's namespace.
pub(crate) fn config_maps(world: &World) -> Result<Vec<Value>, ProtocolError> {
    let (objects, caches) = (&world.objects, &world.caches);
    let mut items = Vec::new();
    for map in objects.config_maps.values() {
        let mut map = map.clone();
        let name = map.metadata.name.as_deref().unwrap_or_default();
        if let Some(data) = caches.data(name) {
            map.data = Some(data.clone());
        }
        items.push(serde_json::to_value(map)?);
    }
    let known = |name: &str| objects.config_maps.keys().any(|(_, known)| known == name);
    for name in caches.names().filter(|name| !known(name)) {
        let (label, value) = CACHE_LABEL;
        items.push(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {label: value}},
            "data": caches.data(name),
        }));
    }
    for map in world.cluster.config_maps.values() {
        items.push(serde_json::to_value(map)?);
    }
    Ok(items)
}

/// The events that were told, in their order.
pub(crate) fn events(world: &World) -> Vec<Value> {
    let events = world.cluster.events.iter();
    events
        .map(|(at, event)| {
            let (namespace, workflow) = world.place_of(event.run);
            let object = match &event.pod {
                Some(pod) => json!({"kind": "Pod", "namespace": namespace, "name": **pod}),
                None => json!({"kind": "Workflow", "namespace": namespace, "name": workflow}),
            };
            let annotations: serde_json::Map<String, Value> = event
                .annotations
                .iter()
                .map(|(key, value)| (key.clone().into_owned(), json!(**value)))
                .collect();
            json!({
                "type": if event.warning { "Warning" } else { "Normal" },
                "reason": *event.reason,
                "message": *event.message,
                "involvedObject": object,
                "annotations": annotations,
                "at": timestamp::rfc3339(*at),
            })
        })
        .collect()
}

/// Objects as JSON.
fn as_values<'o, T: serde::Serialize + 'o>(
    objects: impl Iterator<Item = &'o T>,
) -> Result<Vec<Value>, serde_json::Error> {
    objects.map(serde_json::to_value).collect()
}

/// The samples of the workflows' own metrics.
pub(crate) fn metrics(world: &World) -> Vec<Value> {
    let samples = world.cluster.metrics.samples(world.now());
    samples
        .map(|sample| {
            let labels: serde_json::Map<String, Value> = sample
                .labels
                .iter()
                .map(|(key, value)| (key.clone(), json!(value)))
                .collect();
            let mut item = json!({
                "name": sample.name,
                "help": sample.help,
                "type": match sample.kind {
                    MetricKind::Counter => "counter",
                    MetricKind::Gauge => "gauge",
                    MetricKind::Histogram => "histogram",
                },
                "labels": labels,
            });
            match sample.value {
                Current::Number(number) => item["value"] = json!(number),
                // A sample's clock has been read.
                Current::Since(start) => item["value"] = json!(world.now().since(start)),
                Current::Histogram {
                    count,
                    sum,
                    buckets,
                } => {
                    item["count"] = json!(count);
                    item["sum"] = json!(sum);
                    item["buckets"] = buckets
                        .into_iter()
                        .map(|(bound, count)| json!({"le": bound, "count": count}))
                        .collect();
                }
            }
            item
        })
        .collect()
}

fn answer(why: &Why) -> Value {
    let chain: Vec<Value> = why
        .chain
        .iter()
        .map(|step| {
            let mut value = json!({"text": step.text});
            if let Some(at) = step.at {
                value["at"] = json!(timestamp::rfc3339(at));
            }
            value
        })
        .collect();
    let mut value = json!({"node": why.node, "phase": why.phase, "chain": chain});
    if let Some(waits) = &why.waits_for {
        value["waitsFor"] = json!(waits);
    }
    if let Some(alike) = &why.alike {
        value["alike"] = json!(alike);
    }
    value
}
