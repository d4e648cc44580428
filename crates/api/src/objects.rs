//! Reading a source's objects by their `kind`.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use serde::de::DeserializeOwned;

use crate::nearest::nearest;
use crate::typed::read_as_meant;
use crate::yaml::{MAX_OF_A_KIND, Value, more};
use crate::{
    ClusterWorkflowTemplate, CronWorkflow, Diagnostic, Document, ExecutorPluginManifest, FieldPath,
    Limits, Severity, Source, Strictness, Workflow, WorkflowEventBinding, WorkflowTemplate,
    read_documents,
};

/// The `apiVersion` of Argo's kinds.
pub const API_VERSION: &str = "argoproj.io/v1alpha1";

/// The kinds of Argo's that people write.
const ARGO_KINDS: &[&str] = &[
    "Workflow",
    "WorkflowTemplate",
    "ClusterWorkflowTemplate",
    "CronWorkflow",
    "WorkflowEventBinding",
    "ExecutorPlugin",
];

/// An object that a source holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// Work to be done once.
    Workflow(Box<Workflow>),
    /// Templates that workflows of the namespace can use.
    WorkflowTemplate(Box<WorkflowTemplate>),
    /// Templates that all workflows can use.
    ClusterWorkflowTemplate(Box<ClusterWorkflowTemplate>),
    /// Work to be done again and again.
    CronWorkflow(Box<CronWorkflow>),
    /// Work to be done when an event comes.
    WorkflowEventBinding(Box<WorkflowEventBinding>),
    /// A plugin that carries out templates of its own; it is kept as a ConfigMap.
    ExecutorPlugin(Box<ExecutorPluginManifest>),
    /// Kubernetes' map of texts: parameters, limits of semaphores, caches.
    ConfigMap(Box<ConfigMap>),
    /// Kubernetes' map of secrets.
    Secret(Box<Secret>),
    /// A volume that outlives the steps that use it.
    PersistentVolumeClaim(Box<PersistentVolumeClaim>),
    /// An object of another kind.
    Other(Box<OtherObject>),
}

/// An object of a kind that isn't read any further.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherObject {
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// Its `metadata.name`; empty without one.
    pub name: String,
    /// All of it.
    pub value: serde_json::Value,
}

impl Object {
    /// The object's `kind`.
    pub fn kind(&self) -> &str {
        match self {
            Self::Workflow(_) => "Workflow",
            Self::WorkflowTemplate(_) => "WorkflowTemplate",
            Self::ClusterWorkflowTemplate(_) => "ClusterWorkflowTemplate",
            Self::CronWorkflow(_) => "CronWorkflow",
            Self::WorkflowEventBinding(_) => "WorkflowEventBinding",
            Self::ExecutorPlugin(_) => "ExecutorPlugin",
            Self::ConfigMap(_) => "ConfigMap",
            Self::Secret(_) => "Secret",
            Self::PersistentVolumeClaim(_) => "PersistentVolumeClaim",
            Self::Other(other) => &other.kind,
        }
    }
}

/// What reading a source gave.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The objects in order, each with the document it was read from. One with errors stands here
    /// too if most of it could be read.
    pub objects: Vec<(Object, Document)>,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether anything is wrong that keeps the objects from being used.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads all objects of a source; a `List` stands for its items.
pub fn read_objects(source: &Source, strictness: Strictness) -> Parsed {
    let (documents, mut diagnostics) = read_documents(source, &Limits::default());
    if strictness == Strictness::Lenient {
        for diagnostic in diagnostics
            .iter_mut()
            .filter(|diagnostic| diagnostic.code == "duplicate-key")
        {
            diagnostic.severity = Severity::Warning;
        }
    }
    let mut parsed = Parsed {
        objects: Vec::new(),
        diagnostics,
    };
    for document in documents {
        read_document(&document, strictness, &mut parsed);
    }
    parsed
        .diagnostics
        .sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    bound(&mut parsed.diagnostics);
    parsed
}

/// Keeps so many faults of each kind; the last of them says how many more there are.
fn bound(diagnostics: &mut Vec<Diagnostic>) {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    diagnostics.retain(|diagnostic| {
        let count = counts.entry(diagnostic.code).or_default();
        *count += 1;
        *count <= MAX_OF_A_KIND
    });
    for (code, count) in counts {
        if count > MAX_OF_A_KIND
            && let Some(last) = diagnostics.iter_mut().rfind(|fault| fault.code == code)
        {
            last.message.push_str(&more(count - MAX_OF_A_KIND));
        }
    }
}

fn read_document(document: &Document, strictness: Strictness, parsed: &mut Parsed) {
    let kind = field(document, "kind");
    let is_list = kind == "List"
        || kind
            .strip_suffix("List")
            .is_some_and(|kind| ARGO_KINDS.contains(&kind));
    if !is_list {
        return read_object(document, strictness, parsed);
    }
    let tree = document.tree();
    if let Some((_, items)) = tree.get(document.source_text(), document.root(), "items") {
        for item in tree.items(items) {
            read_object(&document.part(tree.resolve(item)), strictness, parsed);
        }
    }
}

/// A text of the object's own; empty where there is none.
fn field<'a>(document: &'a Document, name: &str) -> &'a str {
    let (tree, text) = (document.tree(), document.source_text());
    let found = tree.get(text, document.root(), name);
    found
        .and_then(|(_, value)| tree.as_str(text, value))
        .unwrap_or_default()
}

fn read_object(document: &Document, strictness: Strictness, parsed: &mut Parsed) {
    if !matches!(document.tree().value(document.root()), Value::Map { .. }) {
        let text = "expected an object, a map with `apiVersion` and `kind`";
        let fault = Diagnostic::error("wrong-type", FieldPath::root(), text);
        parsed.diagnostics.push(document.place(fault));
        return;
    }
    let (mut kind, api_version) = (field(document, "kind"), field(document, "apiVersion"));
    if let Some(fault) = doubt_type(api_version, kind) {
        parsed.diagnostics.push(document.place(fault));
        if kind.is_empty() && looks_like_workflow(document) {
            // So that what else is wrong with it is told in one go.
            kind = "Workflow";
        }
        if !ARGO_KINDS.contains(&kind) {
            return;
        }
    }
    let mut document = document.clone();
    let object = match kind {
        "Workflow" => read(&mut document, strictness, parsed, Object::Workflow),
        "WorkflowTemplate" => read(&mut document, strictness, parsed, Object::WorkflowTemplate),
        "ClusterWorkflowTemplate" => read(
            &mut document,
            strictness,
            parsed,
            Object::ClusterWorkflowTemplate,
        ),
        "CronWorkflow" => read(&mut document, strictness, parsed, Object::CronWorkflow),
        "WorkflowEventBinding" => read(
            &mut document,
            strictness,
            parsed,
            Object::WorkflowEventBinding,
        ),
        "ExecutorPlugin" => read(&mut document, strictness, parsed, Object::ExecutorPlugin),
        "ConfigMap" if api_version == "v1" => {
            read(&mut document, strictness, parsed, Object::ConfigMap)
        }
        "Secret" if api_version == "v1" => read(&mut document, strictness, parsed, Object::Secret),
        "PersistentVolumeClaim" if api_version == "v1" => read(
            &mut document,
            strictness,
            parsed,
            Object::PersistentVolumeClaim,
        ),
        _ => Some(other(&document, api_version, kind)),
    };
    parsed
        .objects
        .extend(object.map(|object| (object, document)));
}

/// Whether an object has in its spec what only workflows have.
fn looks_like_workflow(document: &Document) -> bool {
    let (tree, text) = (document.tree(), document.source_text());
    tree.get(text, document.root(), "spec")
        .is_some_and(|(_, spec)| {
            ["entrypoint", "templates", "workflowTemplateRef"]
                .iter()
                .any(|name| tree.get(text, tree.resolve(spec), name).is_some())
        })
}

fn read<T: DeserializeOwned>(
    document: &mut Document,
    strictness: Strictness,
    parsed: &mut Parsed,
    variant: fn(Box<T>) -> Object,
) -> Option<Object> {
    let (value, diagnostics, meant) = read_as_meant::<Box<T>>(document, strictness);
    if !meant.is_empty() {
        *document = document.taken_for(meant);
    }
    parsed.diagnostics.extend(diagnostics);
    value.map(variant)
}

fn other(document: &Document, api_version: &str, kind: &str) -> Object {
    let value = document.to_json();
    let name = value
        .pointer("/metadata/name")
        .and_then(|name| name.as_str())
        .unwrap_or_default();
    Object::Other(Box::new(OtherObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        value,
    }))
}

/// What is wrong with an object's `apiVersion` and `kind`.
fn doubt_type(api_version: &str, kind: &str) -> Option<Diagnostic> {
    let is_ours = ARGO_KINDS.contains(&kind);
    if kind.is_empty() {
        let fault = Diagnostic::error(
            "missing-kind",
            FieldPath::root(),
            "this object has no `kind`",
        );
        return Some(fault.with_help("add `kind: Workflow`, or what else it is"));
    }
    if is_ours && api_version.is_empty() {
        let fault = Diagnostic::error(
            "missing-api-version",
            FieldPath::root().field("kind"),
            "this object has no `apiVersion`",
        );
        return Some(fault.with_help(format!("add `apiVersion: {API_VERSION}`")));
    }
    if is_ours && api_version != API_VERSION {
        let text = format!("there is no {kind} in \"{api_version}\"");
        let fault = Diagnostic::error(
            "unknown-api-version",
            FieldPath::root().field("apiVersion"),
            text,
        );
        return Some(fault.with_help(format!("write `apiVersion: {API_VERSION}`")));
    }
    let is_argos = api_version == API_VERSION || api_version.is_empty();
    let near = nearest(kind, ARGO_KINDS.iter().copied());
    if let (true, false, Some(near)) = (is_argos, is_ours, near) {
        let fault = Diagnostic::error(
            "unknown-kind",
            FieldPath::root().field("kind"),
            format!("there is no kind \"{kind}\""),
        );
        return Some(fault.with_help(format!("did you mean \"{near}\"?")));
    }
    None
}
