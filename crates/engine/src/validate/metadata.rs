//! What Kubernetes asks of an object's metadata. Argo leaves that to the API server, which refuses
//! such objects: looking at one, it is a warning here.

use argosy_api::{FieldPath, Severity};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Fault, Purpose};
use crate::names::{NameFault, label_key, label_value, namespace, near, subdomain};

/// Longer names do not fit a label.
const MAX_NAME: usize = 63;

/// The faults of an object's name, namespace, labels and annotations.
///
/// Kubernetes: `ValidateObjectMeta` of its API machinery.
pub fn check_metadata(metadata: &ObjectMeta, purpose: Purpose) -> Vec<Fault> {
    let severity = match purpose {
        Purpose::Begin => return Vec::new(),
        Purpose::Lint => Severity::Warning,
        Purpose::Create | Purpose::Submit => Severity::Error,
    };
    let mut faults = Vec::new();
    let own = || FieldPath::root().field("metadata");
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let nameless = given(&metadata.name).is_none() && given(&metadata.generate_name).is_none();
    if nameless && purpose != Purpose::Lint {
        faults.push(Fault {
            severity,
            code: "metadata-invalid",
            path: own(),
            part: None,
            message: "name or generateName is required".to_owned(),
            via: String::new(),
            help: None,
        });
    }
    let mut add = |path: FieldPath, text: &str, fault: NameFault| {
        faults.push(Fault {
            severity,
            code: "metadata-invalid",
            path,
            part: None,
            message: format!("invalid value {text:?}: {}", fault.what),
            via: String::new(),
            help: fault.instead.map(|instead| format!("such as {instead:?}")),
        });
    };
    let mut bad_prefix = None;
    if let Some(prefix) = given(&metadata.generate_name) {
        // What is generated goes on behind a dash.
        let whole = match prefix.strip_suffix('-') {
            Some(prefix) => format!("{prefix}a"),
            None => prefix.clone(),
        };
        if let Err(mut fault) = subdomain(&whole) {
            fault.instead = near(&prefix).map(|near| format!("{near}-"));
            add(own().field("generateName"), &prefix, fault);
            bad_prefix = Some(prefix);
        }
    }
    if let Some(name) = given(&metadata.name)
        && let Err(fault) = subdomain(&name)
        && bad_prefix.is_none_or(|prefix| !name.starts_with(&prefix))
    {
        add(own().field("name"), &name, fault);
    }
    if let Some(name) = given(&metadata.namespace)
        && let Err(fault) = namespace(&name)
    {
        add(own().field("namespace"), &name, fault);
    }
    for (key, value) in metadata.labels.iter().flatten() {
        let path = || own().field("labels").field(key.clone());
        if let Err(fault) = label_key(key) {
            add(path(), key, fault);
        }
        if let Err(fault) = label_value(value) {
            add(path(), value, fault);
        }
    }
    for key in metadata.annotations.iter().flatten().map(|(key, _)| key) {
        if let Err(fault) = label_key(&key.to_lowercase()) {
            add(own().field("annotations").field(key.clone()), key, fault);
        }
    }
    faults
}

/// A name that is longer than Argo lets it be.
pub(super) fn too_long(kind: &str, metadata: &ObjectMeta) -> Option<Fault> {
    let name = metadata.name.as_deref().unwrap_or_default();
    (name.len() > MAX_NAME).then(|| Fault {
        severity: Severity::Error,
        code: "name-too-long",
        path: FieldPath::root().field("metadata").field("name"),
        part: None,
        message: format!(
            "{kind} name {name:?} must not be more than {MAX_NAME} characters long (currently {})",
            name.len()
        ),
        via: String::new(),
        help: None,
    })
}
