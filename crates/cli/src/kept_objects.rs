//! The ConfigMaps and Secrets that steps name, out of the data directory.

use std::sync::Arc;

use argosy_local::{ObjectData, ObjectSource};
use argosy_store::{ObjectKind, Store};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde::de::DeserializeOwned;

/// ConfigMaps and Secrets of a store.
pub struct KeptObjects(pub Arc<dyn Store>);

impl KeptObjects {
    /// An object; its values are in no text of an error.
    fn read<T: DeserializeOwned>(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<T>, String> {
        let fails = |what: &str| format!("cannot read {} \"{name}\": {what}", kind.as_str());
        let object = self.0.object(kind, namespace, name);
        let Some(object) = object.map_err(|error| fails(&error.to_string()))? else {
            return Ok(None);
        };
        serde_json::from_slice(&object.json)
            .map(Some)
            .map_err(|_| fails("what the data directory holds of it is none"))
    }
}

impl ObjectSource for KeptObjects {
    fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ObjectData>, String> {
        let Some(map) = self.read::<ConfigMap>(ObjectKind::ConfigMap, namespace, name)? else {
            return Ok(None);
        };
        let text = map
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.into_bytes()));
        let binary = map
            .binary_data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.0));
        Ok(Some(text.chain(binary).collect()))
    }

    fn secret(&self, namespace: &str, name: &str) -> Result<Option<ObjectData>, String> {
        let Some(secret) = self.read::<Secret>(ObjectKind::Secret, namespace, name)? else {
            return Ok(None);
        };
        let data = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.0));
        let text = secret
            .string_data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.into_bytes()));
        Ok(Some(data.chain(text).collect()))
    }
}

#[cfg(test)]
mod tests {
    use argosy_store::{MemoryDisk, MemoryStore, NewObject, Precondition};

    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_taken_for_missing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = MemoryStore::open(&MemoryDisk::new(directory.path()));
        for (kind, name, json) in [
            (
                ObjectKind::ConfigMap,
                "good",
                r#"{"data": {"a": "1"}, "binaryData": {"b": "Mg=="}}"#,
            ),
            (
                ObjectKind::Secret,
                "good",
                r#"{"stringData": {"a": "1"}, "data": {"b": "Mg=="}}"#,
            ),
            (ObjectKind::ConfigMap, "bad", "{\"data\": \"hush\"}"),
            (ObjectKind::Secret, "bad", "{\"data\": {\"a\": \"hush!\"}}"),
        ] {
            let object = NewObject {
                kind,
                namespace: "here".to_owned(),
                name: name.to_owned(),
                json: json.as_bytes().to_owned(),
                precondition: Precondition::Any,
            };
            store.put_object(object).expect("kept");
        }
        let objects = KeptObjects(Arc::new(store));
        let both = |name: &str| {
            [
                objects.config_map("here", name),
                objects.secret("here", name),
            ]
        };
        for found in both("good") {
            let data = found.expect("read").expect("there");
            let values: Vec<&[u8]> = data.values().map(Vec::as_slice).collect();
            assert_eq!(values, [b"1", b"2"]);
        }
        for found in both("none") {
            assert_eq!(found, Ok(None));
        }
        for (found, kind) in both("bad").into_iter().zip(["ConfigMap", "Secret"]) {
            let error = found.expect_err("it can't be read");
            assert!(
                error.starts_with(&format!("cannot read {kind} \"bad\": ")),
                "{error}"
            );
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
