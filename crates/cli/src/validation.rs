//! Checking objects against what they refer to, with every fault at its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use argosy_api::{Diagnostic, Document, ExecutorPlugin, ExecutorPluginError, FieldPath, Workflow};
use argosy_engine::validate::{self, MissingReferences, Purpose, ValidateOptions};

use crate::files::{Fault, Object};
use crate::gather::{Gathered, gather};
use crate::given::{Given, Source};
use crate::shelf::Shelf;

/// Where an object was read.
#[derive(Clone, Debug)]
pub struct Origin {
    pub file: String,
    pub text: Arc<str>,
    pub document: Document,
}

/// What an object refers to, as far as it is found.
pub fn gathered(
    object: &Object,
    shelf: &Shelf<'_>,
    default_namespace: &str,
) -> Result<Option<Gathered>> {
    let (metadata, spec) = match object {
        Object::Workflow(o) => (&o.metadata, serde_json::to_value(&o.spec)?),
        Object::WorkflowTemplate(o) => (&o.metadata, serde_json::to_value(&o.spec)?),
        Object::ClusterWorkflowTemplate(o) => (&o.metadata, serde_json::to_value(&o.spec)?),
        Object::CronWorkflow(o) => (&o.metadata, serde_json::to_value(&o.spec)?),
        Object::ExecutorPlugin(_)
        | Object::ConfigMap(_)
        | Object::WorkflowEventBinding(_)
        | Object::Secret(_)
        | Object::PersistentVolumeClaim(_) => return Ok(Some(Gathered::default())),
        Object::Other(_) => return Ok(None),
    };
    let namespace = metadata.namespace.as_deref().unwrap_or(default_namespace);
    gather(shelf, namespace, &spec).map(Some)
}

/// All faults of an object and of how it uses what it refers to, under the defaults of the
/// controller.
pub fn faults(
    object: &Object,
    origin: Option<&Origin>,
    given: &Given,
    known: Gathered,
    purpose: Purpose,
    defaults: Option<&Workflow>,
) -> Vec<Fault> {
    let options = ValidateOptions {
        purpose,
        missing_references: MissingReferences::Refuse,
        workflow_metadata: defaults.and_then(|defaults| defaults.spec.workflow_metadata.clone()),
    };
    if let Some((field, error)) = plugin_error(object) {
        let path = FieldPath::root().field(field);
        let fault = Diagnostic::error("executor-plugin", path, error.to_string());
        return vec![placed(fault, origin, given, object.kind())];
    }
    let set = known.into_set();
    let own = |metadata| (metadata, validate::check_metadata(metadata, purpose));
    let (metadata, found) = match object {
        Object::Workflow(o) => (&o.metadata, validate::validate_workflow(o, &set, &options)),
        Object::WorkflowTemplate(o) => (
            &o.metadata,
            validate::validate_workflow_template(o, &set, &options),
        ),
        Object::ClusterWorkflowTemplate(o) => (
            &o.metadata,
            validate::validate_cluster_workflow_template(o, &set, &options),
        ),
        Object::CronWorkflow(o) => (
            &o.metadata,
            validate::validate_cron_workflow(o, &set, &options),
        ),
        Object::WorkflowEventBinding(o) => own(&o.metadata),
        Object::ConfigMap(o) => own(&o.metadata),
        Object::Secret(o) => own(&o.metadata),
        Object::PersistentVolumeClaim(o) => own(&o.metadata),
        Object::ExecutorPlugin(_) | Object::Other(_) => return Vec::new(),
    };
    let name = metadata
        .name
        .as_deref()
        .or(metadata.generate_name.as_deref())
        .unwrap_or_default();
    // What is an error need not be a warning too.
    let mut refused: BTreeMap<String, Vec<Option<argosy_api::Part>>> = BTreeMap::new();
    for fault in found.iter().filter(|fault| fault.is_error()) {
        let parts = refused.entry(fault.path.to_string()).or_default();
        parts.push(fault.part.clone());
    }
    let is_refused = |fault: &validate::Fault| {
        let parts = refused.get(&fault.path.to_string());
        let same = |part: &Option<argosy_api::Part>| {
            part.is_none() || fault.part.is_none() || *part == fault.part
        };
        parts.is_some_and(|parts| parts.iter().any(same))
    };
    let unread = format!("{} {name}", object.kind());
    found
        .into_iter()
        .filter(|fault| fault.is_error() || !is_refused(fault))
        .map(Diagnostic::from)
        .map(|fault| placed(fault, origin, given, &unread))
        .collect()
}

/// A fault of a flag, or at its place in a file; without either, of something that is called so.
fn placed(mut fault: Diagnostic, origin: Option<&Origin>, given: &Given, unread: &str) -> Fault {
    match given.source(&fault.path) {
        Source::Flag(flag) => return Fault::new(flag, &"".into(), fault),
        Source::File(path) => fault.path = path,
    }
    match origin {
        Some(origin) => Fault::new(&origin.file, &origin.text, origin.document.place(fault)),
        None => Fault::new(unread, &"".into(), fault),
    }
}

/// Why an executor plugin can't be used, and the field where that stands.
fn plugin_error(object: &Object) -> Option<(&'static str, ExecutorPluginError)> {
    match object {
        Object::ExecutorPlugin(plugin) => Some(("spec", plugin.to_config_map().err()?)),
        Object::ConfigMap(map) => Some(("data", ExecutorPlugin::from_config_map(map)?.err()?)),
        Object::Workflow(_)
        | Object::WorkflowTemplate(_)
        | Object::ClusterWorkflowTemplate(_)
        | Object::CronWorkflow(_)
        | Object::WorkflowEventBinding(_)
        | Object::Secret(_)
        | Object::PersistentVolumeClaim(_)
        | Object::Other(_) => None,
    }
}

/// How many faults are printed where something else than linting was meant.
const MOST_SHOWN: usize = 100;

/// Prints faults; an error if any is more than a warning.
pub fn report(faults: &[Fault], then: &str) -> Result<()> {
    // The first of them, and errors before warnings, if not all fit.
    let (errors, warnings): (Vec<_>, Vec<_>) = faults.iter().partition(|fault| fault.is_error());
    let all = errors.into_iter().chain(warnings);
    let shown: Vec<&Fault> = match faults.len() > MOST_SHOWN {
        true => all.take(MOST_SHOWN).collect(),
        false => faults.iter().collect(),
    };
    for fault in &shown {
        eprintln!("{fault}");
    }
    if shown.len() < faults.len() {
        let more = faults.len() - shown.len();
        eprintln!("… and {more} more: `argosy lint` shows all");
    }
    let errors = faults.iter().filter(|fault| fault.is_error()).count();
    if errors > 0 {
        let plural = if errors == 1 { "" } else { "s" };
        bail!("{errors} fault{plural} found; {then}");
    }
    Ok(())
}
