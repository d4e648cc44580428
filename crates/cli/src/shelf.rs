//! Where objects are looked up: what stands in the files at hand, then what is kept.

use std::collections::BTreeMap;

use anyhow::Result;
use argosy_store::{ObjectKind, Store};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::files::Object;

/// Objects as JSON, by kind, namespace and name.
pub struct Shelf<'a> {
    kept: Option<&'a dyn Store>,
    at_hand: BTreeMap<(ObjectKind, String, String), Vec<u8>>,
}

/// An object of a kind that is kept, in the form in which it is.
pub struct Kept {
    pub kind: ObjectKind,
    /// Empty for what belongs to no namespace.
    pub namespace: String,
    pub name: String,
    pub json: Vec<u8>,
}

impl<'a> Shelf<'a> {
    /// What is kept there; nothing without a store.
    pub fn new(kept: Option<&'a dyn Store>) -> Self {
        Self {
            kept,
            at_hand: BTreeMap::new(),
        }
    }

    /// Puts an object at hand, before what is kept.
    pub fn put(&mut self, object: Kept) {
        let key = (object.kind, object.namespace, object.name);
        self.at_hand.insert(key, object.json);
    }

    /// One object.
    pub fn object(&self, kind: ObjectKind, namespace: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let key = (kind, namespace.to_owned(), name.to_owned());
        if let Some(json) = self.at_hand.get(&key) {
            return Ok(Some(json.clone()));
        }
        let Some(store) = self.kept else {
            return Ok(None);
        };
        let object = store.object(kind, namespace, name)?;
        Ok(object.map(|object| object.json))
    }

    /// All objects of a kind in a namespace, by name.
    pub fn objects(&self, kind: ObjectKind, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut objects = BTreeMap::new();
        if let Some(store) = self.kept {
            store.objects(kind, Some(namespace), &mut |object| {
                objects.insert(object.name, object.json);
            })?;
        }
        for ((of, place, name), json) in &self.at_hand {
            if (*of, place.as_str()) == (kind, namespace) {
                objects.insert(name.clone(), json.clone());
            }
        }
        Ok(objects)
    }
}

impl Kept {
    /// The form in which an object is kept; `None` if it is of a kind that isn't.
    pub fn of(object: &Object, default_namespace: &str) -> Result<Option<Self>> {
        let (kind, metadata, value) = match object {
            Object::WorkflowTemplate(o) => (
                ObjectKind::WorkflowTemplate,
                &o.metadata,
                serde_json::to_value(o)?,
            ),
            Object::ClusterWorkflowTemplate(o) => (
                ObjectKind::ClusterWorkflowTemplate,
                &o.metadata,
                serde_json::to_value(o)?,
            ),
            Object::CronWorkflow(o) => (
                ObjectKind::CronWorkflow,
                &o.metadata,
                serde_json::to_value(o)?,
            ),
            Object::WorkflowEventBinding(o) => (
                ObjectKind::WorkflowEventBinding,
                &o.metadata,
                serde_json::to_value(o)?,
            ),
            Object::ConfigMap(o) => (ObjectKind::ConfigMap, &o.metadata, serde_json::to_value(o)?),
            Object::ExecutorPlugin(o) => {
                let map = o.to_config_map()?;
                let metadata = serde_json::from_value(map["metadata"].clone())?;
                return Self::namespaced(ObjectKind::ConfigMap, &metadata, map, default_namespace);
            }
            Object::Secret(o) => (
                ObjectKind::Secret,
                &o.metadata,
                serde_json::to_value(stored(o))?,
            ),
            Object::PersistentVolumeClaim(o) => (
                ObjectKind::PersistentVolumeClaim,
                &o.metadata,
                serde_json::to_value(o)?,
            ),
            Object::Workflow(_) | Object::Other(_) => return Ok(None),
        };
        Self::namespaced(kind, metadata, value, default_namespace)
    }

    fn namespaced(
        kind: ObjectKind,
        metadata: &ObjectMeta,
        mut value: serde_json::Value,
        default_namespace: &str,
    ) -> Result<Option<Self>> {
        let namespace = match kind {
            ObjectKind::ClusterWorkflowTemplate => String::new(),
            _ => metadata
                .namespace
                .clone()
                .unwrap_or_else(|| default_namespace.to_owned()),
        };
        if !namespace.is_empty() {
            value["metadata"]["namespace"] = namespace.as_str().into();
        }
        Ok(Some(Self {
            kind,
            namespace,
            name: metadata.name.clone().unwrap_or_default(),
            json: serde_json::to_vec(&value)?,
        }))
    }
}

/// A Secret as Kubernetes keeps it: what was written as text stands among the rest.
fn stored(secret: &Secret) -> Secret {
    let mut secret = secret.clone();
    if let Some(texts) = secret.string_data.take() {
        let texts = texts.into_iter();
        let texts = texts.map(|(key, text)| (key, ByteString(text.into_bytes())));
        secret.data.get_or_insert_default().extend(texts);
    }
    secret.type_.get_or_insert_with(|| "Opaque".to_owned());
    secret
}
