//! What a test file says.

use std::collections::BTreeMap;

use argosy_api::{Artifact, Diagnostic, Document, FieldPath, Strictness, read_typed};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::mock::Mock;
use crate::pods::Lost;
use crate::protocol::{Pairs, Scalar, read_config};

/// The version of the format.
const API_VERSION: &str = "argosy.dev/v1alpha1";

/// The kind of a test.
const KIND: &str = "WorkflowTest";

/// A test and the document that it was read from.
#[derive(Clone, Debug)]
pub struct ReadTest {
    pub(super) document: Document,
    pub(super) test: Test,
    pub(super) mocks: Vec<Mock>,
}

impl ReadTest {
    /// The test's name.
    pub fn name(&self) -> &str {
        &self.test.metadata.name
    }

    /// The file that the test stands in.
    pub fn file(&self) -> &str {
        self.document.source_name()
    }

    /// The files that the test names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let spec = &self.test.spec;
        let further = spec.files.iter().map(String::as_str);
        let snapshot = spec.expect.snapshot.as_deref();
        let workflow = spec.workflow.as_str();
        workflow.into_iter().chain(further).chain(snapshot)
    }
}

/// The tests in the documents of a file. Documents of other kinds are faults.
pub fn read_tests(documents: Vec<Document>) -> (Vec<ReadTest>, Vec<Diagnostic>) {
    let mut tests = Vec::new();
    let mut faults = Vec::new();
    for document in documents {
        match read_test(&document) {
            Ok((test, mocks)) => tests.push(ReadTest {
                document,
                test,
                mocks,
            }),
            Err(found) => faults.extend(found.into_iter().map(|fault| document.place(fault))),
        }
    }
    (tests, faults)
}

fn read_test(document: &Document) -> Result<(Test, Vec<Mock>), Vec<Diagnostic>> {
    let (test, faults) = read_typed::<Test>(document, Strictness::Strict);
    let mut faults: Vec<Diagnostic> = faults.into_iter().filter(Diagnostic::is_error).collect();
    let Some(test) = test else {
        return Err(faults);
    };
    let mut fault = |field: &'static str, text: String| {
        let path = FieldPath::default().field(field);
        faults.push(Diagnostic::error("workflow-test", path, text));
    };
    if test.api_version != API_VERSION {
        fault("apiVersion", format!("expected {API_VERSION}"));
    }
    if test.kind != KIND {
        fault("kind", format!("expected {KIND}"));
    }
    if test.metadata.name.is_empty() {
        fault("metadata", "the test needs a name".to_owned());
    }
    if !test.spec.workflow.is_string() && !test.spec.workflow.is_object() {
        let text = "`workflow` is the name of a file, or the object itself";
        fault("spec", text.to_owned());
    }
    if let Err(text) = read_config(&test.spec.config) {
        let path = FieldPath::default().field("spec").field("config");
        faults.push(Diagnostic::error("workflow-test", path, text));
    }
    let mut read = Vec::new();
    for (place, says) in test.spec.mocks.iter().enumerate() {
        let path = FieldPath::default()
            .field("spec")
            .field("mocks")
            .index(place);
        match Mock::new(says, path.clone()) {
            Ok(mock) => read.push(mock),
            Err(text) => faults.push(Diagnostic::error("workflow-test", path, text)),
        }
    }
    if faults.is_empty() {
        Ok((test, read))
    } else {
        Err(faults)
    }
}

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
    /// A file's name, or the object itself.
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
    pub expect: Expect,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Arguments {
    pub parameters: Pairs,
    pub artifacts: Vec<Artifact>,
}

/// What a mock says: which steps it is for, and how they end.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct MockSays {
    pub template: Option<String>,
    pub node: Option<String>,
    pub when: Option<String>,
    /// How each attempt ends; the last one stands for all further ones.
    pub outcomes: Vec<OutcomeSays>,
    pub outputs: OutputsSay,
    pub exit_code: i32,
    pub message: Option<String>,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub lost: Option<Lost>,
    pub duration: Span,
}

/// How a step ends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OutcomeSays {
    pub outputs: OutputsSay,
    pub exit_code: i32,
    pub message: Option<String>,
    /// Why the main container ended, in Kubernetes' word: `OOMKilled`.
    pub reason: Option<String>,
    /// Why the step could not be carried out, or its outputs not be collected.
    pub error: Option<String>,
    /// What becomes of its pod before it ends.
    pub lost: Option<Lost>,
    pub duration: Span,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OutputsSay {
    pub parameters: Pairs,
    /// Where each artifact was saved; `null` where it was not.
    pub artifacts: BTreeMap<String, Value>,
    pub result: Option<Scalar>,
}

/// What is expected. Only what is said is looked at, but for the phase.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Expect {
    /// `Succeeded` if nothing is said.
    pub phase: Option<String>,
    pub message: Value,
    pub outputs: Value,
    /// By name or display name.
    pub nodes: BTreeMap<String, Value>,
    /// The leaves that ran, all of them, in the order in which they began.
    pub ran: Option<Vec<String>>,
    /// How often a node ran: attempts and items of loops together.
    pub times: BTreeMap<String, usize>,
    /// How often a template ran.
    pub template_times: BTreeMap<String, usize>,
    /// Each began when the one before had ended.
    pub order: Vec<String>,
    /// By the name or display name of their nodes.
    pub pods: BTreeMap<String, Value>,
    pub duration: Option<Span>,
    pub max_running: Option<usize>,
    /// The name of a file that says all that is to be seen.
    pub snapshot: Option<String>,
}

/// A span of virtual time in whole seconds: `90`, or `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span(pub i64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Scalar(text) = Scalar::deserialize(deserializer)?;
        seconds(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is no duration such as 90 or 1m30s"))
        })
    }
}

fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds));
    }
    let mut total: i64 = 0;
    let mut number: Option<i64> = None;
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            let more = number.unwrap_or(0).checked_mul(10)?;
            number = Some(more.checked_add(i64::from(digit))?);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    // The clock is a timestamp: a century is more than it needs.
    (number.is_none() && !text.is_empty() && total <= 3_200_000_000).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("2h", Some(7_200)),
            ("1d", Some(86_400)),
            ("", None),
            ("5x", None),
            ("s", None),
            ("1m30", None),
            ("-3", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }
}
