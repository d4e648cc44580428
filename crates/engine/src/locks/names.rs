//! The names of the locks that a template or a workflow takes. Argo: `workflow/sync/lock_name.go`.

use std::collections::BTreeSet;
use std::sync::Arc;

use argosy_api::Synchronization;

use super::{LockKind, LockName};

/// The locks that a `synchronization` block names: semaphores first, then mutexes.
///
/// # Errors
/// In Argo's words, if a lock is named twice or a semaphore has no or two sources.
pub fn lock_names(
    synchronization: &Synchronization,
    namespace: &str,
) -> Result<Vec<LockName>, String> {
    let invalid = |error: &str| format!("requested configuration is invalid: {error}");
    let mut names: Vec<LockName> = Vec::new();
    for semaphore in synchronization.semaphores.iter().flatten() {
        let namespace = if semaphore.namespace.is_empty() {
            namespace
        } else {
            &semaphore.namespace
        };
        let name = match (&semaphore.config_map_key_ref, &semaphore.database) {
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "invalid semaphore with both ConfigMapKeyRef and Database",
                ));
            }
            (Some(key), None) => format!("{namespace}/ConfigMap/{}/{}", key.name, key.key),
            (None, Some(database)) => format!("{namespace}/Database/{}", database.key),
            (None, None) => {
                return Err(invalid(
                    "cannot get LockName for a Semaphore without a ConfigMapRef or Database",
                ));
            }
        };
        names.push(LockName {
            kind: LockKind::Semaphore,
            name: Arc::from(name),
        });
    }
    for mutex in synchronization.mutexes.iter().flatten() {
        let namespace = if mutex.namespace.is_empty() {
            namespace
        } else {
            &mutex.namespace
        };
        let source = if mutex.database { "Database" } else { "Mutex" };
        names.push(LockName {
            kind: LockKind::Mutex,
            name: Arc::from(format!("{namespace}/{source}/{}", mutex.name)),
        });
    }
    let distinct: BTreeSet<&LockName> = names.iter().collect();
    if distinct.len() < names.len() {
        return Err(invalid("duplicate synchronization item found"));
    }
    Ok(names)
}
