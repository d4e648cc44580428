//! What a `WorkflowTest` says, as it is written.

use std::collections::BTreeMap;

use argosy_api::Artifact;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::span::{ExitCode, Said, Span};
use crate::pods::Lost;
use crate::protocol::{Pairs, Scalar};

/// A `WorkflowTest`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Test {
    pub api_version: String,
    pub kind: String,
    pub metadata: Metadata,
    pub spec: Spec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    /// A file's name, with `#NAME` that of an object in it, or the object itself.
    pub workflow: Value,
    /// Files of templates, ConfigMaps and Secrets.
    pub files: Vec<String>,
    /// The same, written out.
    pub objects: Vec<Value>,
    /// Keys of the controller's ConfigMap: texts, or what the texts would hold.
    pub config: Map<String, Value>,
    /// Another template to begin with.
    pub entrypoint: Option<String>,
    pub arguments: Arguments,
    pub mocks: Vec<MockSays>,
    pub actions: Vec<ActionSays>,
    pub expect: Expect,
    /// Why the test is not played.
    pub skip: Option<String>,
    /// Tests that have all of this in common.
    pub cases: Vec<Case>,
}

/// One of several tests of the same workflow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Case {
    pub name: String,
    /// Further keys, or other values.
    pub config: Map<String, Value>,
    pub entrypoint: Option<String>,
    /// Over those of the test.
    pub arguments: Arguments,
    /// Before those of the test.
    pub mocks: Vec<MockSays>,
    /// After those of the test.
    pub actions: Vec<ActionSays>,
    /// Beside what the test expects.
    pub expect: Expect,
    pub skip: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Arguments {
    pub parameters: Pairs,
    pub artifacts: Vec<Artifact>,
}

/// What a mock says: which steps it is for, and how they end.
#[derive(Clone, Debug, Default)]
pub(super) struct MockSays {
    pub template: Option<String>,
    pub node: Option<String>,
    pub when: Option<String>,
    /// How each attempt ends; the last one stands for all further ones.
    pub outcomes: Vec<OutcomeSays>,
    /// How all end, said beside the rest.
    pub outcome: OutcomeSays,
}

/// How a step ends.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OutcomeSays {
    pub outputs: OutputsSay,
    pub exit_code: Said<ExitCode>,
    /// Exit codes of single containers of a set, by name.
    pub containers: BTreeMap<String, Said<ExitCode>>,
    pub message: Option<String>,
    /// Why the main container ended, in Kubernetes' word: `OOMKilled`.
    pub reason: Option<String>,
    /// Why the step could not be carried out, or its outputs not be collected.
    pub error: Option<String>,
    /// What becomes of its pod before it ends.
    pub lost: Option<Lost>,
    pub duration: Said<Span>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct OutputsSay {
    pub parameters: Pairs,
    /// Where each artifact was saved; `null` where it was not.
    pub artifacts: BTreeMap<String, Value>,
    pub result: Option<Scalar>,
}

/// What somebody does while the workflow runs, or after it, and what is to be seen just before.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ActionSays {
    /// So long after the workflow began, or `end`: when it has ended.
    pub at: Option<Scalar>,
    /// When this node has begun.
    pub begun: Option<String>,
    /// When this node has ended.
    pub ended: Option<String>,
    /// What is done.
    pub act: Option<String>,
    pub selector: Option<String>,
    pub message: Option<String>,
    pub phase: Option<String>,
    pub output_parameters: Pairs,
    pub parameters: Pairs,
    pub restart_successful: bool,
    pub from: Option<String>,
    /// A file of templates, or an object that has some.
    pub template_from: Option<Value>,
    /// A part of the text with which it is refused.
    pub refused: Option<String>,
    pub expect: Option<Expect>,
}

/// What is expected. Only what is said is looked at, but for the phase at the end.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Expect {
    /// `Succeeded` if nothing is said.
    pub phase: Option<String>,
    pub message: Value,
    pub outputs: Value,
    pub labels: Value,
    pub annotations: Value,
    /// The object as Argo shows it.
    pub object: Value,
    /// By name or display name.
    pub nodes: BTreeMap<String, Value>,
    /// The leaves that ran, all of them, in the order in which they began.
    pub ran: Value,
    /// How often a node ran: attempts and items of loops together.
    pub times: BTreeMap<String, Value>,
    /// How often a template ran.
    pub template_times: BTreeMap<String, Value>,
    /// Each began when the one before had ended.
    pub order: Vec<String>,
    /// All ran at the same time, at some time.
    pub together: Vec<Vec<String>>,
    /// No two ever ran at the same time.
    pub apart: Vec<Vec<String>>,
    /// By the name or display name of their nodes.
    pub pods: BTreeMap<String, Value>,
    pub duration: Value,
    pub max_running: Value,
    /// By name.
    pub metrics: BTreeMap<String, Value>,
    /// In this order; others may lie between.
    pub events: Vec<Value>,
    /// By name.
    pub locks: BTreeMap<String, Value>,
    /// By cache and key.
    pub caches: BTreeMap<String, Value>,
    /// By name.
    pub config_maps: BTreeMap<String, Value>,
    /// By name.
    pub claims: BTreeMap<String, Value>,
    /// The name of a file that says all that is to be seen.
    pub snapshot: Option<String>,
}
