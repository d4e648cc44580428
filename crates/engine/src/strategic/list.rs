//! Merging of lists, and the order that results.
//!
//! Elements that the patch names keep the patch's order, the others that of the original; between
//! the two, an element of the original goes first only where it stood before an element that the
//! original has too. So what a patch adds comes first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{PATCH, Schema, StrategicError, merge_map, unknown_patch_type};

type Key = Option<&'static str>;

/// Merges two lists whose type says that they are to be merged.
pub(super) fn merge(
    original: Vec<Value>,
    patch: Vec<Value>,
    key: Key,
    element: Schema,
    depth: usize,
) -> Result<Vec<Value>, StrategicError> {
    let merged = merge_elements(original, patch, key, element, depth)?;
    Ok(arrange(
        merged.elements,
        &merged.patch_order,
        &merged.original_order,
        key,
    ))
}

/// The same, under a `$setElementOrder`. The patch may have no list besides that.
pub(super) fn merge_in_order(
    original: Vec<Value>,
    patch: Option<Vec<Value>>,
    order: Vec<Value>,
    key: Key,
    element: Schema,
    depth: usize,
) -> Result<Vec<Value>, StrategicError> {
    let wanted = identities(&order, key)?;
    let server = identities(&original, key)?;
    if let Some(patch) = &patch {
        check_order(patch, &order, &wanted, key)?;
    }
    let merged = match patch {
        None => original,
        Some(patch) => merge_elements(original, patch, key, element, depth)?.elements,
    };
    Ok(arrange(merged, &wanted, &server, key))
}

/// The elements of two lists, not yet in order, and the orders of the two.
struct Merged {
    elements: Vec<Value>,
    patch_order: Vec<String>,
    original_order: Vec<String>,
}

fn merge_elements(
    original: Vec<Value>,
    patch: Vec<Value>,
    key: Key,
    element: Schema,
    depth: usize,
) -> Result<Merged, StrategicError> {
    match element_kind(&original, &patch)? {
        Some("map") => {
            let key = key.ok_or(StrategicError::NoKeyForMaps("map"))?;
            merge_maps(original, patch, key, element, depth)
        }
        _ => {
            let patch_order = identities(&patch, None)?;
            let original_order = identities(&original, None)?;
            let mut seen = BTreeSet::new();
            let merged = original
                .into_iter()
                .chain(patch)
                .filter(|value| seen.insert(identity(value)))
                .collect();
            Ok(Merged {
                elements: merged,
                patch_order,
                original_order,
            })
        }
    }
}

fn merge_maps(
    original: Vec<Value>,
    patch: Vec<Value>,
    key: &'static str,
    element: Schema,
    depth: usize,
) -> Result<Merged, StrategicError> {
    let (mut merged, patch) = apply_directives(original, patch, key)?;
    let original_order = identities(&merged, Some(key))?;
    let patch_order = identities(&patch, Some(key))?;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, name) in original_order.iter().enumerate() {
        places.entry(name.clone()).or_insert(place);
    }
    for (name, change) in patch_order.iter().zip(patch) {
        match places.get(name) {
            Some(&place) => {
                if let (Value::Object(old), Value::Object(new)) = (merged[place].take(), change) {
                    merged[place] = Value::Object(merge_map(old, new, element, depth + 1)?);
                }
            }
            None => {
                places.insert(name.clone(), merged.len());
                merged.push(change);
            }
        }
    }
    Ok(Merged {
        elements: merged,
        patch_order,
        original_order,
    })
}

/// Carries out the elements of the patch that are directives.
fn apply_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &'static str,
) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let mut rest = Vec::with_capacity(patch.len());
    let mut replace = false;
    for change in patch {
        match change.get(PATCH).map(Value::as_str) {
            None => rest.push(change),
            Some(Some("delete")) => {
                let name = identity(keyed(&change, key)?);
                original.retain(|value| value.get(key).map(identity).as_ref() != Some(&name));
            }
            Some(Some("replace")) => replace = true,
            Some(Some("merge")) => return Err(StrategicError::MergeDirective),
            Some(_) => {
                let directive = change.get(PATCH).cloned().unwrap_or_default();
                let map = change.as_object().cloned().unwrap_or_default();
                return Err(unknown_patch_type(&directive, map));
            }
        }
    }
    Ok(if replace {
        (rest, Vec::new())
    } else {
        (original, rest)
    })
}

/// Puts the merged elements in order.
fn arrange(merged: Vec<Value>, patch: &[String], original: &[String], key: Key) -> Vec<Value> {
    let patch_places = places(patch);
    let original_places = places(original);
    let name = |value: &Value| match key {
        Some(key) => value.get(key).map(identity).unwrap_or_default(),
        None => identity(value),
    };
    let mut patched = Vec::new();
    let mut untouched = Vec::new();
    for value in merged {
        let name = name(&value);
        let in_original = original_places.get(name.as_str()).copied();
        match patch_places.get(name.as_str()) {
            Some(&place) => patched.push((place, in_original, value)),
            None => untouched.push((in_original, value)),
        }
    }
    patched.sort_by_key(|(place, ..)| *place);
    untouched.sort_by_key(|(place, _)| *place);
    let mut result = Vec::with_capacity(patched.len() + untouched.len());
    let mut left = untouched.into_iter().peekable();
    for (_, right_place, value) in patched {
        while let Some((left_place, left_value)) = left.next_if(
            |(place, _)| matches!((place, right_place), (Some(left), Some(right)) if *left < right),
        ) {
            debug_assert!(left_place.is_some());
            result.push(left_value);
        }
        result.push(value);
    }
    result.extend(left.map(|(_, value)| value));
    result
}

fn places(names: &[String]) -> BTreeMap<&str, usize> {
    let mut places = BTreeMap::new();
    for (place, name) in names.iter().enumerate() {
        places.entry(name.as_str()).or_insert(place);
    }
    places
}

/// The patch's elements must be among those of the order, and come in that order.
fn check_order(
    patch: &[Value],
    order: &[Value],
    wanted: &[String],
    key: Key,
) -> Result<(), StrategicError> {
    if order.is_empty() || patch.is_empty() {
        return Ok(());
    }
    let mut wanted = wanted.iter();
    for change in patch {
        if change.get(PATCH).is_some() {
            continue;
        }
        let name = match key {
            Some(key) => identity(keyed(change, key)?),
            None => identity(change),
        };
        if !wanted.any(|other| *other == name) {
            return Err(StrategicError::OrderMismatch {
                patch: Value::Array(patch.to_vec()).to_string(),
                order: Value::Array(order.to_vec()).to_string(),
            });
        }
    }
    Ok(())
}

/// What all elements of the lists are; `None` if there are none.
fn element_kind(
    original: &[Value],
    patch: &[Value],
) -> Result<Option<&'static str>, StrategicError> {
    let mut found = None;
    for value in original.iter().chain(patch) {
        let kind = match value {
            Value::Array(_) => return Err(StrategicError::ListOfLists),
            Value::Object(_) => "map",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Null => "null",
        };
        if *found.get_or_insert(kind) != kind {
            let lists = [Value::from(original.to_vec()), Value::from(patch.to_vec())];
            return Err(StrategicError::MixedTypes(
                Value::from(lists.to_vec()).to_string(),
            ));
        }
    }
    Ok(found)
}

fn identities(list: &[Value], key: Key) -> Result<Vec<String>, StrategicError> {
    list.iter()
        .map(|value| match key {
            Some(key) => keyed(value, key).map(identity),
            None => Ok(identity(value)),
        })
        .collect()
}

fn keyed<'a>(value: &'a Value, key: &'static str) -> Result<&'a Value, StrategicError> {
    value.get(key).ok_or_else(|| StrategicError::NoMergeKey {
        map: value.to_string(),
        key,
    })
}

/// A text that is the same for equal values: `80` and `80.0` are equal.
fn identity(value: &Value) -> String {
    match value {
        Value::Number(number) => number
            .as_f64()
            .map_or_else(|| number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    }
}
