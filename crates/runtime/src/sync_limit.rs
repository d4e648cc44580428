//! Limits of semaphores that stand in no ConfigMap. Argo keeps them in a table of a database, which
//! `argo sync --type database` writes: `util/sync/db`. Here they are objects of the store.

use argosy_store::{NewObject, ObjectKind, Precondition, Store, StoreError};
use serde_json::{Value, json};

/// The limit of a semaphore; `None` where there is none.
///
/// # Errors
/// If the store fails.
pub fn sync_limit(
    store: &dyn Store,
    namespace: &str,
    key: &str,
) -> Result<Option<i64>, StoreError> {
    let found = store.object(ObjectKind::SyncLimit, namespace, key)?;
    Ok(found.and_then(|object| limit_of(&object.json)))
}

/// Sets the limit of a semaphore. Runs that wait for it look within a second.
///
/// # Errors
/// If the store fails, or the precondition does not hold.
pub fn set_sync_limit(
    store: &dyn Store,
    namespace: &str,
    key: &str,
    limit: i64,
    precondition: Precondition,
) -> Result<(), StoreError> {
    let object = json!({
        "apiVersion": "argosy.dev/v1alpha1",
        "kind": "SyncLimit",
        "metadata": {"name": key, "namespace": namespace},
        "spec": {"limit": limit},
    });
    store.put_object(NewObject {
        kind: ObjectKind::SyncLimit,
        namespace: namespace.to_owned(),
        name: key.to_owned(),
        json: object.to_string().into_bytes(),
        precondition,
    })?;
    Ok(())
}

fn limit_of(json: &[u8]) -> Option<i64> {
    let object: Value = serde_json::from_slice(json).ok()?;
    object["spec"]["limit"].as_i64()
}
