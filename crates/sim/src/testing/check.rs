//! Compares what was seen with what a test expects.

mod beside;
mod order;

use std::collections::BTreeMap;

use argosy_api::{Document, FieldPath, NodeStatus, Workflow, WorkflowPhase};
use serde_json::{Value, json};

use super::file::{Layer, ReadTest};
use super::matching::{Mismatch, agrees, compare};
use super::names::no_node;
use super::observe::{self, Nodes};
use super::play::{Leaf, Play};
use super::says::Expect;
use super::snapshot::{Snapshot, differences};
use super::subject::Subject;
use super::{Cause, Failure, Files, Place};

/// So many nodes are named as the cause of a failure.
const MOST_CAUSES: usize = 5;

/// What is expected where nothing is said of the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Implied {
    /// That the workflow has succeeded.
    Success,
    /// Nothing.
    Nothing,
}

/// What is not as expected.
pub(super) fn failures(
    test: &ReadTest,
    layer: &Layer,
    implied: Implied,
    subject: &Subject,
    play: &Play,
) -> Vec<Failure> {
    let mut check = Check {
        document: &test.document,
        path: &layer.path,
        subject,
        play,
        workflow: play.world.workflow(play.run).unwrap_or_default(),
        failures: Vec::new(),
    };
    let expect = &layer.expect;
    check.whole(expect, implied);
    check.nodes(&expect.nodes);
    check.runs(expect);
    check.order(&expect.order);
    check.together(&expect.together);
    check.apart(&expect.apart);
    check.pods(&expect.pods);
    check.beside(expect);
    check.failures
}

/// What kept a test from being played as it was to be.
pub(super) fn obstacles(test: &ReadTest, subject: &Subject, play: &Play) -> Vec<Failure> {
    let found = play.obstacles.iter().map(|obstacle| {
        let path = match &obstacle.at {
            Some(at) => at.clone(),
            None => FieldPath::default().field("spec").field("workflow"),
        };
        let text = match (&obstacle.at, &obstacle.node) {
            (Some(_), Some(node)) => format!("{} (for the node {})", obstacle.text, node.name),
            _ => obstacle.text.clone(),
        };
        let is_in = |field: &'static str| {
            let field = argosy_api::Segment::Field(field.into());
            path.segments().contains(&field)
        };
        let expected = match &obstacle.at {
            Some(_) if is_in("actions") => "an action that fits",
            Some(_) if is_in("arguments") => "an argument that the workflow takes",
            Some(_) => "a mock that fits",
            None if obstacle.node.is_some() => "a mock for each step",
            None => "a workflow that ends",
        };
        let origin = obstacle.node.as_ref();
        let origin = origin.and_then(|node| subject.template_of(node));
        Failure {
            subject: shown(&path),
            expected: expected.into(),
            actual: text.into(),
            at: Place::of(&test.document, &path),
            origin: origin.map(|(place, _)| place),
            causes: Vec::new(),
        }
    });
    found.collect()
}

/// In what the file of a snapshot differs from what was seen.
pub(super) fn against_file(
    test: &ReadTest,
    snapshot: &Snapshot,
    files: &dyn Files,
) -> Vec<Failure> {
    let known = files.documents(&snapshot.file).and_then(<[_]>::first);
    let Some(known) = known else {
        let path = test.path_of_snapshot();
        return vec![Failure {
            subject: "snapshot".to_owned(),
            expected: Value::from(snapshot.file.as_str()),
            actual: Value::from("there is no such file: `argosy test --update` writes it"),
            at: Place::of(&test.document, &path),
            origin: None,
            causes: Vec::new(),
        }];
    };
    let mut found = Vec::new();
    let root = FieldPath::default();
    differences(&root, &known.to_json(), &snapshot.seen, &mut found);
    let failures = found.into_iter().map(|mismatch| Failure {
        subject: format!("snapshot {}", mismatch.path),
        expected: mismatch.expected,
        actual: mismatch.actual,
        at: Place::of(known, &mismatch.path),
        origin: None,
        causes: Vec::new(),
    });
    failures.collect()
}

/// The path of an expectation, as failures name it.
fn shown(path: &FieldPath) -> String {
    let whole = path.to_string();
    let short = whole
        .strip_prefix("spec.expect.")
        .or(whole.strip_prefix("spec."))
        .unwrap_or(&whole);
    // Which case it is stands in the test's name.
    let in_case = short
        .strip_prefix("cases[")
        .and_then(|rest| rest.split_once("]."))
        .map(|(_, rest)| rest.strip_prefix("expect.").unwrap_or(rest));
    in_case.unwrap_or(short).to_owned()
}

/// The nodes of a name: those that are called so, else those that are shown so.
fn named<'n, T>(all: &'n [T], name: &str, node: impl Fn(&T) -> &NodeStatus) -> Vec<&'n T> {
    let by_name: Vec<&T> = all.iter().filter(|item| node(item).name == name).collect();
    if !by_name.is_empty() {
        return by_name;
    }
    all.iter()
        .filter(|item| node(item).display_name == name)
        .collect()
}

struct Check<'a> {
    document: &'a Document,
    /// Where the expectations stand.
    path: &'a FieldPath,
    subject: &'a Subject<'a>,
    play: &'a Play,
    workflow: Workflow,
    failures: Vec<Failure>,
}

impl Check<'_> {
    /// The path of an expectation.
    fn at(&self, field: &'static str) -> FieldPath {
        self.path.clone().field(field)
    }

    fn fail(
        &mut self,
        path: &FieldPath,
        expected: Value,
        actual: Value,
        node: Option<&NodeStatus>,
    ) {
        let origin = node.and_then(|node| self.subject.template_of(node));
        self.failures.push(Failure {
            subject: shown(path),
            expected,
            actual,
            at: Place::of(self.document, path),
            origin: origin.map(|(place, _)| place),
            causes: Vec::new(),
        });
    }

    fn matches(
        &mut self,
        path: &FieldPath,
        expected: &Value,
        actual: &Value,
        node: Option<&NodeStatus>,
    ) {
        let mut found = Vec::new();
        compare(path, expected, actual, &mut found);
        for Mismatch {
            path,
            expected,
            actual,
        } in found
        {
            self.fail(&path, expected, actual, node);
        }
    }

    /// Compares what is expected of something, if anything is.
    fn matches_said(&mut self, field: &'static str, expected: &Value, actual: impl Into<Value>) {
        if !expected.is_null() {
            self.matches(&self.at(field), expected, &actual.into(), None);
        }
    }

    /// What is expected of the workflow as a whole.
    fn whole(&mut self, expect: &Expect, implied: Implied) {
        let status = &self.workflow.status;
        let phase = status.phase.map_or("Pending", WorkflowPhase::as_str);
        let wanted = match implied {
            Implied::Success => Some(expect.phase.as_deref().unwrap_or("Succeeded")),
            Implied::Nothing => expect.phase.as_deref(),
        };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != phase) {
            // Who reads of a phase wants to know why.
            let actual = match status.message.as_str() {
                "" => phase.to_owned(),
                message => format!("{phase}: {message}"),
            };
            let causes = self.causes();
            let path = self.at("phase");
            self.fail(&path, wanted.into(), actual.into(), None);
            if let Some(failure) = self.failures.last_mut() {
                failure.origin = causes.first().and_then(|cause| cause.at.clone());
                failure.causes = causes;
            }
        }
        let status = &self.workflow.status;
        let message = status.message.clone();
        let outputs = status.outputs.as_ref().map(observe::outputs);
        let outputs = outputs.unwrap_or_else(|| observe::outputs(&Default::default()));
        let metadata = &self.workflow.metadata;
        let (labels, annotations) = (json!(metadata.labels), json!(metadata.annotations));
        self.matches_said("message", &expect.message, message);
        self.outputs(&expect.outputs, &outputs);
        self.matches_said("labels", &expect.labels, labels);
        self.matches_said("annotations", &expect.annotations, annotations);
        if !expect.object.is_null() {
            let object = json!(self.workflow);
            self.matches_said("object", &expect.object, object);
        }
        self.matches_said("duration", &expect.duration, self.play.virtual_seconds());
        self.matches_said("maxRunning", &expect.max_running, self.play.max_running);
    }

    /// The outputs of the workflow, which are easily taken for those of its first node.
    fn outputs(&mut self, expected: &Value, outputs: &Value) {
        let name = self.workflow.metadata.name.as_deref().unwrap_or_default();
        let first = self.workflow.status.nodes.get(name);
        let elsewhere = first.filter(|node| {
            let empty = observe::outputs(&Default::default());
            let own = node.outputs.as_ref().map(observe::outputs);
            *outputs == empty && own.is_some_and(|own| own != empty)
        });
        match elsewhere {
            Some(node) if !expected.is_null() && !agrees(expected, outputs) => {
                let actual = format!(
                    "the workflow has no outputs: its own are those with a `globalName`; those of \
                     its first node are at nodes.{}.outputs",
                    node.name
                );
                let node = node.clone();
                self.fail(
                    &self.at("outputs"),
                    expected.clone(),
                    actual.into(),
                    Some(&node),
                );
            }
            _ => self.matches_said("outputs", expected, outputs.clone()),
        }
    }

    /// The nodes that went wrong of themselves: those below which nothing else did.
    fn causes(&self) -> Vec<Cause> {
        let nodes = &self.workflow.status.nodes;
        let went_wrong = |node: &NodeStatus| {
            node.phase
                .is_some_and(argosy_api::NodePhase::is_failed_or_error)
        };
        let mut wrong: Vec<&NodeStatus> = nodes
            .values()
            .filter(|node| went_wrong(node))
            .filter(|node| {
                let mut below = nodes.values().filter(|other| {
                    other.boundary_id == node.id || node.children.contains(&other.id)
                });
                let composite = node.r#type.is_some_and(|kind| {
                    !matches!(
                        kind,
                        argosy_api::NodeType::Pod | argosy_api::NodeType::Container
                    )
                });
                !composite || !below.any(went_wrong)
            })
            .collect();
        wrong.sort_by_key(|node| {
            let ended = node.finished_at.as_ref();
            let ended = ended.map(|ended| argosy_engine::timestamp::seconds(ended).0);
            (ended, node.name.as_str())
        });
        let cause = |node: &NodeStatus| Cause {
            node: node.name.clone(),
            phase: node.phase.map_or("", |phase| phase.as_str()),
            message: node.message.clone(),
            at: self.subject.template_of(node).map(|(place, _)| place),
        };
        wrong.into_iter().take(MOST_CAUSES).map(cause).collect()
    }

    /// Fails where nothing is expected of what nothing in the workflow can be called: that holds
    /// whatever the workflow does.
    fn can_be(&mut self, path: &FieldPath, expected: &Value, name: &str) {
        if let Some(why) = no_node(self.subject, name) {
            self.fail(path, expected.clone(), why.into(), None);
        }
    }

    fn nodes(&mut self, expected: &BTreeMap<String, Value>) {
        if expected.is_empty() {
            return;
        }
        let all: Vec<NodeStatus> = self.workflow.status.nodes.values().cloned().collect();
        for (name, expected) in expected {
            let path = self.at("nodes").field(name.clone());
            let found = named(&all, name, |node| node);
            match (found.as_slice(), expected) {
                ([], Value::Null) => self.can_be(&path, expected, name),
                ([], _) => {
                    let names =
                        |node: &'_ NodeStatus| [node.name.clone(), node.display_name.clone()];
                    let known: Vec<String> = all.iter().flat_map(names).collect();
                    let known = known.iter().map(String::as_str);
                    let meant = argosy_api::nearest(name, known);
                    let meant =
                        meant.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
                    let actual = format!("there is no such node{meant}");
                    self.fail(&path, expected.clone(), actual.into(), None);
                }
                ([node], Value::Null) => {
                    let phase = json!(node.phase);
                    self.fail(&path, Value::Null, phase, Some(node));
                }
                ([node], _) => {
                    let nodes = Nodes {
                        status: &self.workflow.status,
                        began: self.play.began,
                    };
                    let seen = nodes.node(node);
                    self.matches(&path, expected, &seen, Some(node));
                }
                (several, _) => {
                    let names: Vec<&str> = several.iter().map(|node| node.name.as_str()).collect();
                    let actual = format!("several nodes are shown so: {}", names.join(", "));
                    self.fail(&path, expected.clone(), actual.into(), None);
                }
            }
        }
    }

    fn pods(&mut self, expected: &BTreeMap<String, Value>) {
        let leaves = &self.play.leaves;
        for (name, expected) in expected {
            let path = self.at("pods").field(name.clone());
            let found = named(leaves, name, |leaf| &leaf.node);
            let pods = found.into_iter().filter_map(|leaf| {
                let pod = self.play.world.pods.get(&leaf.pod?)?;
                Some((leaf, observe::pod(pod)))
            });
            let mut pods: Vec<(&Leaf, Value)> = pods.collect();
            // Of a node that ran again, its last pod.
            if let Some((last, _)) = pods.last() {
                let name = last.node.name.clone();
                let place = pods.len() - 1;
                let mut places = 0..;
                pods.retain(|(leaf, _)| places.next() == Some(place) || leaf.node.name != name);
            }
            match (pods.as_slice(), expected) {
                ([], Value::Null) => self.can_be(&path, expected, name),
                ([], _) => {
                    let actual = Value::from("no pod was made for such a node");
                    self.fail(&path, expected.clone(), actual, None);
                }
                ([(leaf, _), ..], Value::Null) => {
                    let actual = Value::from("a pod was made");
                    self.fail(&path, Value::Null, actual, Some(&leaf.node));
                }
                ([(leaf, pod)], _) => self.matches(&path, expected, pod, Some(&leaf.node)),
                (several, _) => {
                    let names: Vec<&str> =
                        several.iter().map(|(leaf, _)| &*leaf.node.name).collect();
                    let actual = format!("several pods are meant: {}", names.join(", "));
                    self.fail(&path, expected.clone(), actual.into(), None);
                }
            }
        }
    }
}
