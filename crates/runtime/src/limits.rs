//! How many may hold each semaphore, as its source says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argosy_engine::locks::{LockKind, LockName};
use argosy_store::{ObjectKind, Store, StoreError};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::sync_limit::sync_limit;

/// How long a limit that was read is gone by.
const FRESH: Duration = Duration::from_secs(1);

/// Limits that were read a moment ago, by the locks' names; `None` where the source has none.
#[derive(Default)]
pub(crate) struct Limits {
    read: BTreeMap<Arc<str>, (Option<i64>, Instant)>,
}

impl Limits {
    /// A semaphore's limit, if its source says one.
    pub fn get(&self, name: &str) -> Option<i64> {
        self.read.get(name).and_then(|(limit, _)| *limit)
    }

    /// Those among these that have not been read lately.
    pub fn unread(&self, names: &[Arc<str>]) -> Vec<Arc<str>> {
        let unread = names.iter().filter(|name| !self.is_fresh(name));
        unread.cloned().collect()
    }

    fn is_fresh(&self, name: &str) -> bool {
        let read = self.read.get(name);
        read.is_some_and(|(_, at)| at.elapsed() < FRESH)
    }

    /// Has all limits read again before they are gone by.
    pub fn forget(&mut self) {
        self.read.clear();
    }

    /// Reads the limits of those among these locks that have some.
    pub fn read_of(&mut self, store: &dyn Store, locks: &[LockName]) -> Result<(), StoreError> {
        for lock in locks {
            if lock.kind == LockKind::Semaphore && !self.is_fresh(&lock.name) {
                self.read(store, lock.name.clone())?;
            }
        }
        Ok(())
    }

    /// Reads one limit.
    pub fn read(&mut self, store: &dyn Store, name: Arc<str>) -> Result<(), StoreError> {
        let limit = limit_of(store, &name)?;
        self.read.insert(name, (limit, Instant::now()));
        Ok(())
    }
}

/// What the source of a semaphore says now: a key of a ConfigMap, or a limit of its own.
fn limit_of(store: &dyn Store, name: &str) -> Result<Option<i64>, StoreError> {
    if let Some((namespace, key)) = name.split_once("/Database/") {
        return sync_limit(store, namespace, key);
    }
    let parts: Vec<&str> = name.splitn(4, '/').collect();
    let [namespace, "ConfigMap", map, key] = parts[..] else {
        return Ok(None);
    };
    let Some(object) = store.object(ObjectKind::ConfigMap, namespace, map)? else {
        return Ok(None);
    };
    let map: Option<ConfigMap> = serde_json::from_slice(&object.json).ok();
    let data = map.and_then(|map| map.data);
    let value = data.as_ref().and_then(|data| data.get(key));
    Ok(value.and_then(|value| value.trim().parse().ok()))
}
