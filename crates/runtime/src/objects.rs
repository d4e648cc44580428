//! ConfigMaps that the pump reads and writes as caches.

use std::collections::BTreeMap;

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

/// Looks a key up in a cache, and notes that it was used.
pub(crate) fn load_cache(
    store: &dyn Store,
    namespace: &str,
    cache: &str,
    key: &str,
    at: Seconds,
) -> CacheSeen {
    match look_up(store, namespace, cache, key, at) {
        Ok(None) => CacheSeen::Missing,
        Ok(Some(text)) => CacheSeen::Found(text.into()),
        Err(error) => CacheSeen::Failed(error.into()),
    }
}

fn look_up(
    store: &dyn Store,
    namespace: &str,
    cache: &str,
    key: &str,
    at: Seconds,
) -> Result<Option<String>, String> {
    let Some((map, _)) = find(store, namespace, cache)? else {
        return Ok(None);
    };
    let labels = map.metadata.labels.as_ref();
    let label = labels.and_then(|labels| labels.get(CACHE_LABEL.0));
    check_label(label.map(String::as_str))?;
    let text = map.data.as_ref().and_then(|data| data.get(key));
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let entry = CacheEntry::read(text)?;
    let last = entry
        .last_hit_timestamp
        .as_deref()
        .and_then(timestamp::parse_rfc3339);
    if last.is_some_and(|last| at.since(last) < HIT_GRANULARITY) {
        return Ok(Some(text.clone()));
    }
    let text = entry.hit(at).write();
    save_cache(store, namespace, cache, key, &text)?;
    Ok(Some(text))
}

/// Keeps an entry; the ConfigMap is made where there is none.
///
/// # Errors
/// If the store can't be read or written.
pub(crate) fn save_cache(
    store: &dyn Store,
    namespace: &str,
    cache: &str,
    key: &str,
    entry: &str,
) -> Result<(), String> {
    let mut tries = 0;
    loop {
        let (mut map, precondition) = match find(store, namespace, cache)? {
            Some((map, version)) => (map, Precondition::Version(version)),
            None => (empty(namespace, cache), Precondition::Absent),
        };
        let data = map.data.get_or_insert_default();
        if data.get(key).is_some_and(|kept| is_newer(kept, entry)) {
            return Ok(());
        }
        data.insert(key.to_owned(), entry.to_owned());
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
