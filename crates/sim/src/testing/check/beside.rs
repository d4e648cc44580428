//! What a workflow left beside its nodes and pods: metrics, events, locks, caches, ConfigMaps, claims.

use argosy_api::FieldPath;
use serde_json::{Map, Value, json};

use super::Check;
use crate::protocol;
use crate::testing::matching::agrees;
use crate::testing::observe;
use crate::testing::says::Expect;

impl Check<'_> {
    /// What the workflow left in the cluster beside its nodes and pods.
    pub(super) fn beside(&mut self, expect: &Expect) {
        if !expect.metrics.is_empty() {
            let samples = protocol::metrics(&self.play.world);
            for (name, expected) in &expect.metrics {
                let path = self.at("metrics").field(name.clone());
                let own: Vec<&Value> = samples
                    .iter()
                    .filter(|sample| sample["name"] == name.as_str())
                    .collect();
                self.metric(&path, expected, &own);
            }
        }
        self.events(&expect.events);
        for (name, expected) in &expect.locks {
            let path = self.at("locks").field(name.clone());
            let seen = self.play.locks.find(name).unwrap_or_default();
            if seen.is_null() && !expected.is_null() {
                let names: Vec<&str> = self.play.locks.names().collect();
                let actual = match names.is_empty() {
                    true => "nobody asked for any lock".to_owned(),
                    false => format!("nobody asked for it; locks: {}", names.join(", ")),
                };
                self.fail(&path, expected.clone(), actual.into(), None);
            } else {
                self.matches(&path, expected, &seen, None);
            }
        }
        if !expect.caches.is_empty() {
            let caches = Value::Object(self.caches());
            for (name, expected) in &expect.caches {
                let path = self.at("caches").field(name.clone());
                self.matches(&path, expected, &caches[name.as_str()], None);
            }
        }
        let claims = self.play.world.cluster.claims.iter();
        let claims: Map<String, Value> = claims
            .map(|(name, claim)| (name.clone(), json!(claim)))
            .collect();
        let maps = protocol::config_maps(&self.play.world).unwrap_or_default();
        let maps = maps.into_iter().filter_map(|map| {
            let name = map["metadata"]["name"].as_str()?.to_owned();
            Some((name, map))
        });
        let kinds = [
            (
                "configMaps",
                &expect.config_maps,
                maps.collect::<Map<_, _>>(),
            ),
            ("claims", &expect.claims, claims),
        ];
        for (field, expected, seen) in kinds {
            for (name, expected) in expected {
                let path = self.at(field).field(name.clone());
                let seen = seen.get(name).unwrap_or(&Value::Null);
                self.matches(&path, expected, seen, None);
            }
        }
    }

    /// A metric: its value where it has but one series, a series, or several.
    fn metric(&mut self, path: &FieldPath, expected: &Value, samples: &[&Value]) {
        let several: Vec<Value> = samples.iter().copied().map(brief).collect();
        match expected {
            Value::Array(wanted) => {
                for (place, wanted) in wanted.iter().enumerate() {
                    if !samples.iter().any(|sample| agrees(wanted, sample)) {
                        let path = path.clone().index(place);
                        self.fail(&path, wanted.clone(), several.clone().into(), None);
                    }
                }
            }
            Value::Null if samples.is_empty() => {}
            Value::Object(fields) if fields.keys().any(|key| !key.starts_with('$')) => {
                match samples {
                    [one] => self.matches(path, expected, one, None),
                    _ if samples.iter().any(|sample| agrees(expected, sample)) => {}
                    _ => self.fail(path, expected.clone(), several.into(), None),
                }
            }
            _ => match samples {
                [one] if one.get("value").is_some() => {
                    self.matches(path, expected, &one["value"], None);
                }
                _ => self.fail(path, expected.clone(), several.into(), None),
            },
        }
    }

    /// Events come in this order; others may lie between.
    fn events(&mut self, expected: &[Value]) {
        if expected.is_empty() {
            return;
        }
        let told = protocol::events(&self.play.world);
        let mut left = told.iter();
        for (place, wanted) in expected.iter().enumerate() {
            let fits = |event: &&Value| match wanted {
                Value::String(_) => agrees(wanted, &event["reason"]),
                _ => agrees(wanted, event),
            };
            if !left.any(|event| fits(&event)) {
                let shown: Vec<String> = told
                    .iter()
                    .map(|event| {
                        let part = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
                        format!("{}: {}", part("reason"), part("message"))
                    })
                    .collect();
                let path = self.at("events").index(place);
                self.fail(&path, wanted.clone(), shown.into(), None);
                return;
            }
        }
    }

    /// What is memoized, by cache and key, outputs by their names.
    fn caches(&self) -> Map<String, Value> {
        let mut caches: Map<String, Value> = Map::new();
        for (cache, key, entry) in self.play.world.caches.list() {
            let mut entry: Value = serde_json::from_str(entry).unwrap_or_default();
            let outputs = argosy_api::from_value(entry["outputs"].clone());
            if let Ok(outputs) = outputs {
                entry["outputs"] = observe::outputs(&outputs);
            }
            caches.entry(cache).or_insert_with(|| json!({}))[key] = entry;
        }
        caches
    }
}

/// A sample without what is the same for all of its metric.
fn brief(sample: &Value) -> Value {
    let mut brief = sample.clone();
    if let Some(fields) = brief.as_object_mut() {
        for key in ["help", "name", "type"] {
            fields.remove(key);
        }
    }
    brief
}
