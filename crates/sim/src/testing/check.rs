//! Compares what was seen with what a test expects.

use std::collections::BTreeMap;

use argosy_api::{Document, FieldPath, NodeStatus, WorkflowPhase, WorkflowStatus};
use serde_json::{Value, json};

use super::file::{Expect, Test};
use super::matching::{Mismatch, compare};
use super::observe::{self, base_name, template_name};
use super::play::{Leaf, Play};
use super::snapshot::{Snapshot, differences};
use super::subject::Subject;
use super::{Failure, Files, Place};

/// What is not as a test expects.
pub(super) fn failures(
    document: &Document,
    test: &Test,
    subject: &Subject,
    play: &Play,
    status: WorkflowStatus,
) -> Vec<Failure> {
    let mut check = Check {
        document,
        subject,
        play,
        status,
        failures: Vec::new(),
    };
    let expect = &test.spec.expect;
    check.obstacles();
    check.whole(expect);
    check.nodes(&expect.nodes);
    check.runs(expect);
    check.order(&expect.order);
    check.pods(&expect.pods);
    check.failures
}

/// In what the file of a snapshot differs from what was seen.
pub(super) fn against_file(
    document: &Document,
    snapshot: &Snapshot,
    files: &dyn Files,
) -> Vec<Failure> {
    let known = files.documents(&snapshot.file).and_then(<[_]>::first);
    let Some(known) = known else {
        return vec![Failure {
            subject: "snapshot".to_owned(),
            expected: Value::from(snapshot.file.as_str()),
            actual: Value::from("there is no such file: `argosy test --update` writes it"),
            at: Place::of(document, &at("snapshot")),
            origin: None,
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
    });
    failures.collect()
}

struct Check<'a> {
    document: &'a Document,
    subject: &'a Subject<'a>,
    play: &'a Play,
    status: WorkflowStatus,
    failures: Vec<Failure>,
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

/// The path of an expectation.
fn at(field: &'static str) -> FieldPath {
    FieldPath::default()
        .field("spec")
        .field("expect")
        .field(field)
}

impl Check<'_> {
    fn fail(
        &mut self,
        path: &FieldPath,
        expected: Value,
        actual: Value,
        node: Option<&NodeStatus>,
    ) {
        let whole = path.to_string();
        let subject = whole
            .strip_prefix("spec.expect.")
            .or(whole.strip_prefix("spec."))
            .unwrap_or(&whole);
        let origin = node.and_then(|node| self.subject.template_of(node));
        self.failures.push(Failure {
            subject: subject.to_owned(),
            expected,
            actual,
            at: Place::of(self.document, path),
            origin: origin.map(|(place, _)| place),
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

    fn obstacles(&mut self) {
        for obstacle in &self.play.obstacles {
            let path = match &obstacle.mock {
                Some(mock) => mock.clone(),
                None => FieldPath::default().field("spec").field("workflow"),
            };
            let text = match (&obstacle.mock, &obstacle.node) {
                (Some(_), Some(node)) => format!("{} (for the node {})", obstacle.text, node.name),
                _ => obstacle.text.clone(),
            };
            let expected = match &obstacle.mock {
                Some(_) => "a mock that fits",
                None if obstacle.node.is_some() => "a mock for each step",
                None => "a workflow that ends",
            };
            self.fail(&path, expected.into(), text.into(), obstacle.node.as_ref());
        }
    }

    /// What is expected of the workflow as a whole.
    fn whole(&mut self, expect: &Expect) {
        let phase = self.status.phase.map_or("Pending", WorkflowPhase::as_str);
        let wanted = expect.phase.as_deref().unwrap_or("Succeeded");
        if phase != wanted {
            // Who reads of a phase wants to know why.
            let actual = match self.status.message.as_str() {
                "" => phase.to_owned(),
                message => format!("{phase}: {message}"),
            };
            let first = self.first_failed();
            self.fail(&at("phase"), wanted.into(), actual.into(), first.as_ref());
        }
        if !expect.message.is_null() {
            let message = Value::from(self.status.message.as_str());
            self.matches(&at("message"), &expect.message, &message, None);
        }
        if !expect.outputs.is_null() {
            let outputs = self.status.outputs.as_ref().map(observe::outputs);
            let outputs = outputs.unwrap_or_else(|| observe::outputs(&Default::default()));
            self.matches(&at("outputs"), &expect.outputs, &outputs, None);
        }
        if let Some(wanted) = expect.duration
            && wanted.0 != self.play.virtual_seconds
        {
            let actual = json!(self.play.virtual_seconds);
            self.fail(&at("duration"), json!(wanted.0), actual, None);
        }
        if let Some(wanted) = expect.max_running
            && wanted != self.play.max_running
        {
            let actual = json!(self.play.max_running);
            self.fail(&at("maxRunning"), json!(wanted), actual, None);
        }
    }

    /// The first leaf that did not succeed.
    fn first_failed(&self) -> Option<NodeStatus> {
        let failed = self.play.leaves.iter().find(|leaf| {
            let node = self.status.nodes.get(&leaf.node.id);
            node.and_then(|node| node.phase)
                .is_some_and(argosy_api::NodePhase::is_failed_or_error)
        });
        failed.map(|leaf| leaf.node.clone())
    }

    fn nodes(&mut self, expected: &BTreeMap<String, Value>) {
        let all: Vec<NodeStatus> = self.status.nodes.values().cloned().collect();
        for (name, expected) in expected {
            let path = at("nodes").field(name.clone());
            let found = named(&all, name, |node| node);
            match (found.as_slice(), expected) {
                ([], Value::Null) => {}
                ([], _) => {
                    let actual = Value::from("there is no such node");
                    self.fail(&path, expected.clone(), actual, None);
                }
                ([node], Value::Null) => {
                    let actual = observe::node(node);
                    self.fail(&path, Value::Null, actual["phase"].clone(), Some(node));
                }
                ([node], _) => self.matches(&path, expected, &observe::node(node), Some(node)),
                (several, _) => {
                    let names: Vec<&str> = several.iter().map(|node| node.name.as_str()).collect();
                    let actual = format!("several nodes are shown so: {}", names.join(", "));
                    self.fail(&path, expected.clone(), actual.into(), None);
                }
            }
        }
    }

    fn runs(&mut self, expect: &Expect) {
        let leaves = &self.play.leaves;
        if let Some(wanted) = &expect.ran {
            let is = |(name, leaf): (&String, &Leaf)| {
                *name == leaf.node.name || *name == leaf.node.display_name
            };
            if wanted.len() != leaves.len() || !wanted.iter().zip(leaves).all(is) {
                let shown: Vec<&str> = leaves
                    .iter()
                    .map(|leaf| leaf.node.display_name.as_str())
                    .collect();
                self.fail(&at("ran"), json!(wanted), json!(shown), None);
            }
        }
        for (name, &wanted) in &expect.times {
            let count = leaves.iter().filter(|leaf| is_of(leaf, name)).count();
            if count != wanted {
                let path = at("times").field(name.clone());
                self.fail(&path, json!(wanted), json!(count), None);
            }
        }
        for (name, &wanted) in &expect.template_times {
            let of_template = |leaf: &&Leaf| template_name(&leaf.node) == name;
            let count = leaves.iter().filter(of_template).count();
            if count != wanted {
                let first = leaves.iter().find(of_template).map(|leaf| &leaf.node);
                let path = at("templateTimes").field(name.clone());
                self.fail(&path, json!(wanted), json!(count), first);
            }
        }
    }

    fn order(&mut self, wanted: &[String]) {
        let leaves = &self.play.leaves;
        for name in wanted {
            if !leaves.iter().any(|leaf| is_of(leaf, name)) {
                let actual = format!("{name} did not run");
                self.fail(&at("order"), json!(wanted), actual.into(), None);
                return;
            }
        }
        for pair in wanted.windows(2) {
            let last = leaves.iter().filter(|leaf| is_of(leaf, &pair[0]));
            let last = last.map(|leaf| leaf.ended.unwrap_or(usize::MAX)).max();
            let next = leaves.iter().find(|leaf| is_of(leaf, &pair[1]));
            if let (Some(last), Some(next)) = (last, next)
                && next.began < last
            {
                let actual = format!("{} began before {} had ended", pair[1], pair[0]);
                self.fail(&at("order"), json!(wanted), actual.into(), Some(&next.node));
            }
        }
    }

    fn pods(&mut self, expected: &BTreeMap<String, Value>) {
        let leaves = &self.play.leaves;
        for (name, expected) in expected {
            let path = at("pods").field(name.clone());
            let found = named(leaves, name, |leaf| &leaf.node);
            let pods = found.into_iter().filter_map(|leaf| {
                let pod = self.play.world.pods.get(&leaf.pod?)?;
                Some((leaf, observe::pod(pod)))
            });
            let pods: Vec<(&Leaf, Value)> = pods.collect();
            match (pods.as_slice(), expected) {
                ([], Value::Null) => {}
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

/// Whether a leaf is a node of this name, one of its attempts, or an item of its loop.
fn is_of(leaf: &Leaf, name: &str) -> bool {
    let node = &leaf.node;
    node.name == name || node.display_name == name || base_name(&node.display_name) == name
}
