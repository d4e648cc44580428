//! Memoization: the entries of a cache, as Argo keeps them in a ConfigMap.
//! Argo: `workflow/controller/cache/`.

use std::collections::BTreeMap;

use argosy_api::{Outputs, labels};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Seconds;
use crate::timestamp;

/// The label that a ConfigMap must have to serve as a cache, with the value `Cache`.
pub const CACHE_LABEL: (&str, &str) = (labels::CONFIG_MAP_TYPE, labels::CONFIG_MAP_TYPE_CACHE);

/// The names of an entry's fields.
const FIELDS: [&str; 4] = ["nodeID", "outputs", "creationTimestamp", "lastHitTimestamp"];

/// One entry of a cache: the value of a key of its ConfigMap, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheEntry {
    /// The node that put the outputs out. Empty means that nothing was found.
    #[serde(rename = "nodeID")]
    pub node_id: String,
    /// The outputs.
    pub outputs: Option<Outputs>,
    /// When they were saved, RFC 3339.
    #[serde(rename = "creationTimestamp")]
    pub creation_timestamp: Option<String>,
    /// When they were used last, RFC 3339.
    #[serde(rename = "lastHitTimestamp")]
    pub last_hit_timestamp: Option<String>,
}

impl CacheEntry {
    /// A new entry.
    pub fn new(node_id: &str, outputs: Option<Outputs>, at: Seconds) -> Self {
        let at = timestamp::rfc3339(at);
        Self {
            node_id: node_id.to_owned(),
            outputs,
            creation_timestamp: Some(at.clone()),
            last_hit_timestamp: Some(at),
        }
    }

    /// Reads the value of a ConfigMap's key.
    ///
    /// # Errors
    /// In Argo's words, if it is no entry.
    pub fn read(text: &str) -> Result<Self, String> {
        let read = || {
            let mut fields: BTreeMap<String, Value> = serde_json::from_str(text)?;
            // Go takes a field's name in any case.
            for name in FIELDS {
                let other = fields.keys().find(|key| key.eq_ignore_ascii_case(name));
                if let Some(other) = other.cloned()
                    && let Some(value) = fields.remove(&other)
                {
                    fields.insert(name.to_owned(), value);
                }
            }
            serde_json::from_value(serde_json::to_value(fields)?)
        };
        read().map_err(|error: serde_json::Error| {
            format!("malformed cache entry: could not unmarshal JSON; unable to parse: {error}")
        })
    }

    /// The same, used now.
    #[must_use]
    pub fn hit(self, at: Seconds) -> Self {
        Self {
            last_hit_timestamp: Some(timestamp::rfc3339(at)),
            ..self
        }
    }

    /// As the value of a ConfigMap's key.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether an entry that is kept was made later than one that is to take its place: then it stays.
/// An entry is saved again after a restart, when another workflow may have saved its own.
pub fn is_newer(kept: &str, entry: &str) -> bool {
    let made = |text: &str| {
        let entry = CacheEntry::read(text).ok()?;
        timestamp::parse_rfc3339(entry.creation_timestamp.as_deref()?)
    };
    match (made(kept), made(entry)) {
        (Some(kept), Some(new)) => kept > new,
        _ => false,
    }
}

/// Why a ConfigMap can't serve as a cache, going by its label's value.
///
/// # Errors
/// In Argo's words.
pub fn check_label(value: Option<&str>) -> Result<(), String> {
    let (label, wanted) = CACHE_LABEL;
    match value {
        Some(value) if value == wanted => Ok(()),
        Some(_) => Err(format!(
            "memoization configmap doesn't have label {label} = {wanted}, refusing to use it"
        )),
        None => Err(format!(
            "memoization configmap doesn't have {label} label, refusing to use it"
        )),
    }
}

/// Whether a text may be the key of an entry. Argo: `cacheKeyRegex`.
pub fn is_cache_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
