//! Where tags and expressions find their variables.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use crate::value::Value;

/// The variables that a text may use.
///
/// Argo keeps them flat (`inputs.parameters.x`) and unfolds them to nested maps for expressions.
/// Here they stay flat: an expression looks up the dotted path that it reads, and only an
/// expression that uses a whole map (`toJson(inputs.parameters)`) asks for the names below it.
pub trait Scope {
    /// The text of the variable of this name.
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The variable of this name if it is more than text: the item of a loop, an event's payload.
    /// Tags see only [`lookup`](Scope::lookup), expressions prefer this.
    fn value(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Whether the variable is known to have no value: an output of a node that was skipped or
    /// omitted, without a default. For expressions it is nil, for a tag an error.
    fn is_absent(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Calls `found` with the full name of each variable below `prefix` (`prefix.…`), or of each
    /// variable at all if `prefix` is empty, until it answers [`Visit::Stop`].
    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit);

    /// Whether there is a variable below `prefix`.
    fn has_names_below(&self, prefix: &str) -> bool {
        let mut any = false;
        self.names_below(prefix, &mut |_| {
            any = true;
            Visit::Stop
        });
        any
    }
}

/// Whether a visitor wants to see more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Go on.
    Continue,
    /// That is enough.
    Stop,
}

/// A scope that is a map of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapScope(pub BTreeMap<String, String>);

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MapScope {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(iter: T) -> Self {
        Self(
            iter.into_iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }
}

impl Scope for MapScope {
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name).map(|text| Cow::Borrowed(text.as_str()))
    }

    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
        visit_sorted(&self.0, prefix, found);
    }
}

/// A scope that is a map of values: for what is not only text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueScope(pub BTreeMap<String, Value>);

impl<K: Into<String>> FromIterator<(K, Value)> for ValueScope {
    fn from_iter<T: IntoIterator<Item = (K, Value)>>(iter: T) -> Self {
        Self(iter.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }
}

impl Scope for ValueScope {
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.0.get(name)? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn is_absent(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Value::Nil))
    }

    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
        visit_sorted(&self.0, prefix, found);
    }
}

fn visit_sorted<V>(map: &BTreeMap<String, V>, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
    // The names `prefix.…` lie together in the order of the map, though not next to `prefix` itself.
    let start = match prefix {
        "" => String::new(),
        _ => format!("{prefix}."),
    };
    let from = (Bound::Included(start.as_str()), Bound::Unbounded);
    for (name, _) in map.range::<str, _>(from) {
        if !name.starts_with(&start) || found(name) == Visit::Stop {
            return;
        }
    }
}

/// Scopes over each other: the first that knows a name has it.
pub struct Layered<'a>(pub &'a [&'a dyn Scope]);

impl Scope for Layered<'_> {
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        for scope in self.0 {
            if let Some(text) = scope.lookup(name) {
                return Some(text);
            }
            if scope.is_absent(name) {
                return None;
            }
        }
        None
    }

    fn value(&self, name: &str) -> Option<Value> {
        for scope in self.0 {
            if let Some(value) = scope.value(name) {
                return Some(value);
            }
            if let Some(text) = scope.lookup(name) {
                return Some(Value::from(&*text));
            }
            if scope.is_absent(name) {
                return None;
            }
        }
        None
    }

    fn is_absent(&self, name: &str) -> bool {
        for scope in self.0 {
            if scope.is_absent(name) {
                return true;
            }
            if scope.lookup(name).is_some() || scope.value(name).is_some() {
                return false;
            }
        }
        false
    }

    /// A name that several layers have is visited several times.
    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
        let mut visit = Visit::Continue;
        for scope in self.0 {
            scope.names_below(prefix, &mut |name| {
                visit = found(name);
                visit
            });
            if visit == Visit::Stop {
                return;
            }
        }
    }

    fn has_names_below(&self, prefix: &str) -> bool {
        self.0.iter().any(|scope| scope.has_names_below(prefix))
    }
}
