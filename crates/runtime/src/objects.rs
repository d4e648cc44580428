//! ConfigMaps that the pump reads and writes as caches.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_engine::cache::{CACHE_LABEL, CacheEntry, check_label, is_newer};
use argosy_engine::fact::CacheSeen;
use argosy_engine::ids::Seconds;
use argosy_engine::timestamp;
use argosy_store::{NewObject, ObjectKind, Precondition, Store, StoreError};
use k8s_openapi::api::core::v1::ConfigMap;

/// Seconds for which a repeated hit does not change an entry's `lastHitTimestamp`: each write waits
/// for the disk.
const HIT_GRANULARITY: i64 = 60;

/// How often a write is tried again that another process got in the way of.
const MOST_TRIES: usize = 16;

/// A key of a cache and the JSON of its entry.
pub(crate) type Entry = (Arc<str>, Arc<str>);

/// Looks keys up in a cache, and notes that they were used. The ConfigMap is read once for all.
pub(crate) fn load_cache(
    store: &dyn Store,
    namespace: &str,
    cache: &str,
    keys: &[Arc<str>],
    at: Seconds,
) -> Vec<CacheSeen> {
    look_up(store, namespace, cache, keys, at)
        .unwrap_or_else(|error| vec![CacheSeen::Failed(error.into()); keys.len()])
}

fn look_up(
    store: &dyn Store,
    namespace: &str,
    cache: &str,
    keys: &[Arc<str>],
    at: Seconds,
) -> Result<Vec<CacheSeen>, String> {
    let Some((map, _)) = find(store, namespace, cache)? else {
        return Ok(vec![CacheSeen::Missing; keys.len()]);
    };
    let labels = map.metadata.labels.as_ref();
    let label = labels.and_then(|labels| labels.get(CACHE_LABEL.0));
    check_label(label.map(String::as_str))?;
    let mut used = Vec::new();
    let mut seen = Vec::with_capacity(keys.len());
    for key in keys {
        let text = map.data.as_ref().and_then(|data| data.get(&**key));
        seen.push(match text.filter(|text| !text.is_empty()) {
            None => CacheSeen::Missing,
            Some(text) => match hit(text, at) {
                Err(error) => CacheSeen::Failed(error.into()),
                Ok(None) => CacheSeen::Found(text.as_str().into()),
                Ok(Some(text)) => {
                    used.push((key.clone(), Arc::from(text.as_str())));
                    CacheSeen::Found(text.into())
                }
            },
        });
    }
    if !used.is_empty() {
        save_cache(store, namespace, cache, &used)?;
    }
    Ok(seen)
}

/// The entry as one that was used now; `None` where it says so already.
fn hit(text: &str, at: Seconds) -> Result<Option<String>, String> {
    let entry = CacheEntry::read(text)?;
    let last = entry
        .last_hit_timestamp
        .as_deref()
        .and_then(timestamp::parse_rfc3339);
    if last.is_some_and(|last| at.since(last) < HIT_GRANULARITY) {
        return Ok(None);
    }
    Ok(Some(entry.hit(at).write()))
}

/// Keeps entries; the ConfigMap is made where there is none, and written once for all.
///
/// # Errors
/// If the store can't be read or written.
pub(crate) fn save_cache(
    store: &dyn Store,
    namespace: &str,
    cache: &str,
    entries: &[Entry],
) -> Result<(), String> {
    let mut tries = 0;
    loop {
        let (mut map, precondition) = match find(store, namespace, cache)? {
            Some((map, version)) => (map, Precondition::Version(version)),
            None => (empty(namespace, cache), Precondition::Absent),
        };
        let data = map.data.get_or_insert_default();
        let mut changed = false;
        for (key, entry) in entries {
            if data.get(&**key).is_none_or(|kept| !is_newer(kept, entry)) {
                data.insert(key.to_string(), entry.to_string());
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
        let written = store.put_object(NewObject {
            kind: ObjectKind::ConfigMap,
            namespace: namespace.to_owned(),
            name: cache.to_owned(),
            json: serde_json::to_vec(&map).map_err(|error| error.to_string())?,
            precondition,
        });
        tries += 1;
        match written {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict { .. }) if tries < MOST_TRIES => {}
            Err(error) => return Err(format!("the cache \"{cache}\" can't be written: {error}")),
        }
    }
}

fn empty(namespace: &str, name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map.metadata.namespace = Some(namespace.to_owned());
    let label = (CACHE_LABEL.0.to_owned(), CACHE_LABEL.1.to_owned());
    map.metadata.labels = Some(BTreeMap::from([label]));
    map
}

fn find(
    store: &dyn Store,
    namespace: &str,
    name: &str,
) -> Result<Option<(ConfigMap, u64)>, String> {
    let found = store
        .object(ObjectKind::ConfigMap, namespace, name)
        .map_err(|error| error.to_string())?;
    let Some(object) = found else {
        return Ok(None);
    };
    let map = serde_json::from_slice(&object.json)
        .map_err(|error| format!("the ConfigMap \"{name}\" can't be read: {error}"))?;
    Ok(Some((map, object.resource_version)))
}
