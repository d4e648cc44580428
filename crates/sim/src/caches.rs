//! The caches of a simulated world: ConfigMaps with Argo's label.

use std::collections::BTreeMap;

use argosy_engine::cache::{CACHE_LABEL, CacheEntry, check_label, is_newer};
use argosy_engine::fact::CacheSeen;
use argosy_engine::ids::Seconds;

/// ConfigMaps that memoized steps look into, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caches {
    maps: BTreeMap<String, Map>,
}

#[derive(Clone, Debug, Default)]
struct Map {
    label: Option<String>,
    data: BTreeMap<String, String>,
}

impl Caches {
    /// Takes a ConfigMap in, whatever it is for.
    pub fn apply(&mut self, name: &str, label: Option<&str>, data: BTreeMap<String, String>) {
        let label = label.map(str::to_owned);
        self.maps.insert(name.to_owned(), Map { label, data });
    }

    /// The ConfigMap of this name as it stands now, if it serves as a cache.
    pub fn data(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        let map = self.maps.get(name)?;
        (map.label.as_deref() == Some(CACHE_LABEL.1)).then_some(&map.data)
    }

    /// The names of the ConfigMaps that serve as caches.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let caches = self.maps.iter();
        caches
            .filter(|(_, map)| map.label.as_deref() == Some(CACHE_LABEL.1))
            .map(|(name, _)| name.as_str())
    }

    /// The caches: name, key, entry.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.maps
            .iter()
            .filter(|(_, map)| map.label.as_deref() == Some(CACHE_LABEL.1))
            .flat_map(|(name, map)| {
                let entries = map.data.iter();
                entries.map(move |(key, entry)| (name.as_str(), key.as_str(), entry.as_str()))
            })
    }

    /// Looks a key up, and notes that it was used.
    pub fn load(&mut self, cache: &str, key: &str, at: Seconds) -> CacheSeen {
        let Some(map) = self.maps.get_mut(cache) else {
            return CacheSeen::Missing;
        };
        if let Err(error) = check_label(map.label.as_deref()) {
            return CacheSeen::Failed(error.into());
        }
        let Some(text) = map.data.get(key).filter(|text| !text.is_empty()) else {
            return CacheSeen::Missing;
        };
        match CacheEntry::read(text) {
            Err(error) => CacheSeen::Failed(error.into()),
            Ok(entry) => {
                let text = entry.hit(at).write();
                map.data.insert(key.to_owned(), text.clone());
                CacheSeen::Found(text.into())
            }
        }
    }

    /// Keeps an entry; the ConfigMap is made where there is none.
    pub fn save(&mut self, cache: &str, key: &str, entry: &str) {
        let map = self.maps.entry(cache.to_owned()).or_insert_with(|| Map {
            label: Some(CACHE_LABEL.1.to_owned()),
            data: BTreeMap::new(),
        });
        if map.data.get(key).is_none_or(|kept| !is_newer(kept, entry)) {
            map.data.insert(key.to_owned(), entry.to_owned());
        }
    }
}
