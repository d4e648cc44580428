//! sprig's functions on maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{is_empty, text};
use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, MANY, Outcome, entry};
use crate::expr::operators::conversion;
use crate::value::{Map, Value};

type Entries = BTreeMap<Arc<str>, Value>;

pub(super) const TABLE: &[Entry] = &[
    entry("dict", 0, MANY, |_, a| {
        let pairs = a.values.chunks(2).map(|pair| {
            let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
            (Arc::from(text(&pair[0])), value)
        });
        Ok(Value::map(pairs.collect())?)
    }),
    entry("get", 2, 2, |_, a| {
        let found = a.map(0)?.get(a.string(1)?).cloned();
        Ok(found.unwrap_or_else(|| "".into()))
    }),
    entry("set", 3, 3, |_, a| {
        let mut entries = a.map(0)?.entries().clone();
        entries.insert(Arc::from(a.string(1)?), a.get(2).clone());
        Ok(Value::map(entries)?)
    }),
    entry("unset", 2, 2, |_, a| {
        let mut entries = a.map(0)?.entries().clone();
        entries.remove(a.string(1)?);
        Ok(Value::map(entries)?)
    }),
    entry("hasKey", 2, 2, |_, a| {
        Ok(a.map(0)?.get(a.string(1)?).is_some().into())
    }),
    entry("pluck", 1, MANY, |_, a| {
        let key = a.string(0)?;
        let mut found = Vec::new();
        for at in 1..a.len() {
            found.extend(a.map(at)?.get(key).cloned());
        }
        Ok(Value::list(found)?)
    }),
    entry("keys", 0, MANY, |_, a| {
        let mut keys = Vec::new();
        for at in 0..a.len() {
            keys.extend(a.map(at)?.entries().keys().cloned());
        }
        Ok(Value::strings(keys)?)
    }),
    entry("values", 1, 1, |_, a| {
        let values = a.map(0)?.entries().values().cloned().collect();
        Ok(Value::list(values)?)
    }),
    entry("pick", 1, MANY, |_, a| {
        let map = a.map(0)?;
        let mut picked = Entries::new();
        for at in 1..a.len() {
            if let Some((key, value)) = map.entries().get_key_value(a.string(at)?) {
                picked.insert(key.clone(), value.clone());
            }
        }
        Ok(Value::map(picked)?)
    }),
    entry("omit", 1, MANY, |_, a| {
        let mut entries = a.map(0)?.entries().clone();
        for at in 1..a.len() {
            entries.remove(a.string(at)?);
        }
        Ok(Value::map(entries)?)
    }),
    entry("merge", 1, MANY, |tools, a| merged(tools, a, Merge::Fill)),
    entry("mustMerge", 1, MANY, |tools, a| {
        merged(tools, a, Merge::Fill)
    }),
    entry("mergeOverwrite", 1, MANY, |tools, a| {
        merged(tools, a, Merge::Overwrite)
    }),
    entry("mustMergeOverwrite", 1, MANY, |tools, a| {
        merged(tools, a, Merge::Overwrite)
    }),
    entry("deepCopy", 1, 1, |_, a| Ok(a.get(0).clone())),
    entry("mustDeepCopy", 1, 1, |_, a| Ok(a.get(0).clone())),
    entry("dig", 0, MANY, dig),
    entry("split", 2, 2, |tools, a| {
        numbered(tools, a.string(1)?, a.string(0)?, -1)
    }),
    entry("splitn", 3, 3, |tools, a| {
        numbered(tools, a.string(2)?, a.string(0)?, a.int(1)?)
    }),
];

/// What becomes of a key that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// It stays, unless it is empty.
    Fill,
    /// It is replaced, unless by something empty.
    Overwrite,
}

fn merged(tools: &Tools<'_>, a: &Arguments<'_>, merge: Merge) -> Outcome {
    let mut result = a.map(0)?.entries().clone();
    for at in 1..a.len() {
        merge_into(tools, &mut result, a.map(at)?, merge)?;
    }
    Ok(Value::map(result)?)
}

/// Maps within maps are merged too; values can nest only so deep.
fn merge_into(
    tools: &Tools<'_>,
    target: &mut Entries,
    source: &Map,
    merge: Merge,
) -> Result<(), Failure> {
    tools.work((target.len() + source.len()) as u64)?;
    for (key, new) in source.entries() {
        match (target.get(key), new) {
            (Some(Value::Map(old)), Value::Map(new)) => {
                let mut inner = old.entries().clone();
                merge_into(tools, &mut inner, new, merge)?;
                target.insert(key.clone(), Value::map(inner)?);
            }
            (Some(old), _) => {
                let replaces = match merge {
                    Merge::Fill => is_empty(old),
                    Merge::Overwrite => !is_empty(new),
                };
                if replaces {
                    target.insert(key.clone(), new.clone());
                }
            }
            (None, _) => {
                target.insert(key.clone(), new.clone());
            }
        }
    }
    Ok(())
}

/// `dig(key…, default, map)`.
fn dig(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let count = match a.len() {
        0..3 => return Err("dig needs at least three arguments".into()),
        length => length - 2,
    };
    a.map(count + 1)?;
    let mut current = a.get(count + 1);
    for at in 0..count {
        let key = a.string(at)?;
        let Value::Map(map) = current else {
            let message = conversion(current, "map[string]interface {}");
            return Err(Failure::Message(message));
        };
        match map.get(key) {
            Some(value) => current = value,
            None => return Ok(a.get(count).clone()),
        }
    }
    Ok(current.clone())
}

/// The parts of a text under the keys `_0`, `_1`…
fn numbered(tools: &Tools<'_>, s: &str, separator: &str, limit: i64) -> Outcome {
    tools.grow_by(s.len() + 1, size_of::<Value>())?;
    let parts = crate::expr::functions::split_parts(s, separator, limit);
    let entries = parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| (Arc::from(format!("_{at}")), part.into()));
    Ok(Value::map(entries.collect())?)
}
