//! Kubernetes' strategic merge patch, on JSON values: what `podSpecPatch`, `templateDefaults` and
//! the merging of a Workflow with its WorkflowTemplate are made of.
//!
//! Maps are merged key by key. A list is merged element by element where the type says so (see
//! [`Schema`]), else the patch's list takes its place. A patch may carry directives: `$patch`,
//! `$retainKeys`, `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`.

use serde_json::{Map, Value};
use thiserror::Error;

mod list;
mod schema;

pub use schema::Schema;
use schema::{Field, lookup};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ELEMENT_ORDER: &str = "$setElementOrder/";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// How deep the documents may nest.
const MAX_DEPTH: usize = 64;

/// A patch that can't be applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StrategicError {
    /// One of the two documents is not a map.
    #[error("Invalid JSON document")]
    NotAMap,
    /// A `$patch` of another kind.
    #[error("unknown patch type: {directive} in map: {map}")]
    UnknownPatchType {
        /// What it says.
        directive: String,
        /// The map that it stands in.
        map: String,
    },
    /// `$patch: merge` on an element of a list.
    #[error("merging lists cannot yet be specified in the patch")]
    MergeDirective,
    /// An element of a list that is merged by a key has no such key.
    #[error("map: {map} does not contain declared merge key: {key}")]
    NoMergeKey {
        /// The element.
        map: String,
        /// The key.
        key: &'static str,
    },
    /// The elements of a list that is merged by a key are not maps.
    #[error("cannot merge lists without merge key for type {0}")]
    NoKeyForMaps(&'static str),
    /// The elements of the two lists are of different types.
    #[error("list element types are not identical: {0}")]
    MixedTypes(String),
    /// A list of lists is to be merged.
    #[error("Lists of lists are not supported")]
    ListOfLists,
    /// A `$retainKeys` that is no list, or that leaves out a key of the patch.
    #[error("invalid patch format of retainKeys")]
    RetainKeys,
    /// A `$setElementOrder/…` that is no list, or is about something else than a list.
    #[error("invalid patch format of setElementOrder list")]
    ElementOrder,
    /// The elements of the patch come in another order than `$setElementOrder/…` says.
    #[error("The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n")]
    OrderMismatch {
        /// The patch's list.
        patch: String,
        /// The order.
        order: String,
    },
    /// The documents nest too deep.
    #[error("the patch nests more than {MAX_DEPTH} levels deep")]
    TooDeep,
}

/// Applies `patch` to `original`, both maps that `schema` describes.
///
/// # Errors
/// If one of the two is not a map, or if a directive or a list that is to be merged is malformed.
pub fn strategic_merge(
    original: Value,
    patch: Value,
    schema: Schema,
) -> Result<Value, StrategicError> {
    let (Value::Object(original), Value::Object(patch)) = (original, patch) else {
        return Err(StrategicError::NotAMap);
    };
    merge_map(original, patch, schema, 0).map(Value::Object)
}

fn merge_map(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    schema: Schema,
    depth: usize,
) -> Result<Map<String, Value>, StrategicError> {
    if depth > MAX_DEPTH {
        return Err(StrategicError::TooDeep);
    }
    if let Some(directive) = patch.remove(PATCH) {
        return match directive.as_str() {
            Some("replace") => Ok(patch),
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_patch_type(&directive, patch)),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    apply_element_orders(&mut original, &mut patch, schema, depth)?;
    for (key, change) in patch {
        if let Some(list) = key.strip_prefix(DELETE_FROM) {
            if let (Some(Value::Array(values)), Value::Array(doomed)) =
                (original.get_mut(list), &change)
            {
                values.retain(|value| !doomed.contains(value));
            }
            continue;
        }
        merge_entry(&mut original, key, change, schema, depth)?;
    }
    Ok(original)
}

/// Merges one value of a map. What the original doesn't have is taken as it is; a null takes away.
fn merge_entry(
    original: &mut Map<String, Value>,
    key: String,
    change: Value,
    schema: Schema,
    depth: usize,
) -> Result<(), StrategicError> {
    if change.is_null() {
        original.remove(&key);
        return Ok(());
    }
    let Some(current) = original.get_mut(&key) else {
        original.insert(key, change);
        return Ok(());
    };
    *current = match (current.take(), change) {
        (Value::Object(old), Value::Object(new)) => Value::Object(merge_map(
            old,
            new,
            lookup(schema, &key).schema(),
            depth + 1,
        )?),
        (Value::Array(old), Value::Array(new)) => match lookup(schema, &key) {
            Field::List { key, element } => {
                Value::Array(list::merge(old, new, key, element, depth + 1)?)
            }
            Field::Plain(_) => Value::Array(new),
        },
        (_, new) => new,
    };
    Ok(())
}

/// `$retainKeys`: of the original, only these keys stay; the patch may have no others.
fn retain_keys(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), StrategicError> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Value::Array(retained) = retained else {
        return Err(StrategicError::RetainKeys);
    };
    let retains = |key: &str| retained.iter().any(|name| name.as_str() == Some(key));
    let unlisted = patch.iter().any(|(key, value)| {
        !value.is_null()
            && !key.starts_with(DELETE_FROM)
            && !key.starts_with(ELEMENT_ORDER)
            && !retains(key)
    });
    if unlisted {
        return Err(StrategicError::RetainKeys);
    }
    original.retain(|key, _| retains(key));
    Ok(())
}

/// `$setElementOrder/<list>`: merges that list, then puts it in this order.
fn apply_element_orders(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    schema: Schema,
    depth: usize,
) -> Result<(), StrategicError> {
    let directives: Vec<String> = patch
        .keys()
        .filter(|key| key.starts_with(ELEMENT_ORDER))
        .cloned()
        .collect();
    for directive in directives {
        let Some(Value::Array(order)) = patch.remove(&directive) else {
            return Err(StrategicError::ElementOrder);
        };
        let name = &directive[ELEMENT_ORDER.len()..];
        let old = take_list(original, name)?;
        let new = take_list(patch, name)?;
        let merged = match (old, new, lookup(schema, name)) {
            (None, None, _) => continue,
            (old, new, Field::List { key, element }) => {
                let old = old.unwrap_or_default();
                list::merge_in_order(old, new, order, key, element, depth + 1)?
            }
            (old, new, Field::Plain(_)) => new.or(old).unwrap_or_default(),
        };
        original.insert(name.to_owned(), Value::Array(merged));
    }
    Ok(())
}

fn take_list(
    map: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Vec<Value>>, StrategicError> {
    match map.remove(name) {
        None => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(_) => Err(StrategicError::ElementOrder),
    }
}

fn unknown_patch_type(directive: &Value, map: Map<String, Value>) -> StrategicError {
    StrategicError::UnknownPatchType {
        directive: directive
            .as_str()
            .map_or_else(|| directive.to_string(), str::to_owned),
        map: Value::Object(map).to_string(),
    }
}
