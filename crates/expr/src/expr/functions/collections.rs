//! expr-lang's functions on lists and maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::numbers::walk;
use super::{Arguments, Entry, MANY, Outcome, entry};
use crate::expr::budget::{Failure, Tools};
use crate::expr::operators;
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("len", 1, 1, |_, a| {
        let length = match a.get(0) {
            Value::String(text) => text.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.items().len(),
            Value::Map(map) => map.len(),
            _ => return a.refuse(0),
        };
        Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
    }),
    entry("first", 1, 1, |tools, a| Ok(end(tools, a, 0))),
    entry("last", 1, 1, |tools, a| Ok(end(tools, a, -1))),
    entry("get", 2, 2, |tools, a| {
        match a.get(0) {
            Value::List(_) | Value::String(_) | Value::Bytes(_) => operators::to_int(a.get(1))?,
            Value::Map(_) => return operators::fetch(tools, a.get(0), a.get(1)),
            _ => 0,
        };
        Ok(operators::fetch(tools, a.get(0), a.get(1)).unwrap_or(Value::Nil))
    }),
    entry("take", 2, 2, |_, a| {
        let items = a.list(0)?.items();
        let count = a.count(1)?.min(items.len());
        Ok(Value::list(items[..count].to_vec())?)
    }),
    entry("keys", 1, 1, |_, a| {
        Ok(Value::list(pairs(a)?.map(|(key, _)| key).collect())?)
    }),
    entry("values", 1, 1, |_, a| {
        Ok(Value::list(pairs(a)?.map(|(_, value)| value).collect())?)
    }),
    entry("toPairs", 1, 1, |tools, a| {
        let pairs = pairs(a)?
            .map(|(key, value)| {
                tools.grow_by(2, size_of::<Value>())?;
                Ok(Value::list(vec![key, value])?)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Value::list(pairs)?)
    }),
    entry("fromPairs", 1, 1, from_pairs),
    entry("reverse", 1, 1, |_, a| {
        Ok(Value::list(
            a.list(0)?.items().iter().rev().cloned().collect(),
        )?)
    }),
    entry("uniq", 1, 1, |tools, a| {
        let mut kept: Vec<Value> = Vec::new();
        'items: for item in a.list(0)?.items() {
            for other in &kept {
                if operators::equal(tools, item, other)? {
                    continue 'items;
                }
            }
            kept.push(item.clone());
        }
        Ok(Value::list(kept)?)
    }),
    entry("concat", 1, MANY, |tools, a| {
        let mut all = Vec::new();
        for at in 0..a.len() {
            let items = a.list(at)?.items();
            tools.grow_by(items.len(), size_of::<Value>())?;
            all.extend_from_slice(items);
        }
        Ok(Value::list(all)?)
    }),
    entry("flatten", 1, 1, |tools, a| {
        let mut flat = Vec::new();
        walk(tools, a.list(0)?.items(), &mut |value| {
            tools.grow_by(1, size_of::<Value>())?;
            flat.push(value.clone());
            Ok(())
        })?;
        Ok(Value::list(flat)?)
    }),
    entry("sort", 1, 2, |tools, a| {
        let descending = match (a.len(), a.get(1).as_str()) {
            (1, _) | (_, Some("asc")) => false,
            (_, Some("desc")) => true,
            (_, Some(order)) => {
                return Err(Failure::Message(format!(
                    "invalid order {order}, expected asc or desc"
                )));
            }
            (_, None) => return a.refuse(1),
        };
        // expr-lang makes nothing of what is no list.
        let Value::List(list) = a.get(0) else {
            return Ok(Value::Nil);
        };
        let mut pairs: Vec<(Value, Value)> = list
            .items()
            .iter()
            .map(|item| (item.clone(), Value::Nil))
            .collect();
        operators::sort_pairs(tools, &mut pairs, descending)?;
        Ok(Value::list(
            pairs.into_iter().map(|(item, _)| item).collect(),
        )?)
    }),
];

fn end(tools: &Tools<'_>, a: &Arguments<'_>, index: i64) -> Value {
    operators::fetch(tools, a.get(0), &Value::Int(index)).unwrap_or(Value::Nil)
}

/// The keys and values of a map. Go gives them in random order, we sorted.
fn pairs(a: &Arguments<'_>) -> Result<impl Iterator<Item = (Value, Value)>, Failure> {
    let map = a.map(0)?;
    let others = map.others().iter().cloned();
    let texts = map
        .entries()
        .iter()
        .map(|(key, value)| (Value::String(key.clone()), value.clone()));
    Ok(others.chain(texts))
}

fn from_pairs(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let mut texts: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    let mut others: Vec<(Value, Value)> = Vec::new();
    for pair in a.list(0)?.items() {
        let Value::List(pair) = pair else {
            return Err(Failure::Message(format!(
                "invalid pair of type {}",
                pair.go_type()
            )));
        };
        let [key, value] = pair.items() else {
            return Err(Failure::Message(format!(
                "invalid pair length {}",
                pair.items().len()
            )));
        };
        match key {
            Value::String(key) => {
                texts.insert(key.clone(), value.clone());
            }
            Value::List(_) | Value::Map(_) | Value::Bytes(_) => {
                return Err(operators::unhashable(key));
            }
            _ => {
                tools.work(others.len() as u64)?;
                match others.iter_mut().find(|(other, _)| other == key) {
                    Some(entry) => entry.1 = value.clone(),
                    None => others.push((key.clone(), value.clone())),
                }
            }
        }
    }
    Ok(Value::map_of(texts, others)?)
}
