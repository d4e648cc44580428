//! The values of expressions, with the distinctions that Go makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::version::Version;

/// How deep lists and maps may nest in each other. Deeper ones are refused when they are built,
/// so that nothing that walks a value (printing, comparing, dropping) can exhaust the stack.
pub(crate) const MAX_DEPTH: u16 = 128;

/// How many bytes a value may take if nothing in it were shared. Since lists can hold one list many
/// times, a small expression could otherwise make a value that takes forever to print.
const MAX_WEIGHT: u64 = 256 << 20;

/// What a value takes by itself, without the text or the values in it.
const OWN_WEIGHT: u64 = 24;

/// A value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Go's `nil`.
    Nil,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    String(Arc<str>),
    /// A sequence of bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<List>),
    /// A map.
    Map(Arc<Map>),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// A moment, with its time zone.
    Time(Arc<Zoned>),
    /// A time zone.
    Zone(Arc<TimeZone>),
    /// A semantic version: what `sprig.semver` gives.
    Version(Arc<Version>),
}

/// The elements of a list value.
#[derive(Debug, Default, PartialEq)]
pub struct List {
    items: Vec<Value>,
    size: Size,
}

impl List {
    /// A list without elements.
    pub(crate) const EMPTY: Self = Self {
        items: Vec::new(),
        size: Size::EMPTY,
    };

    /// A list of these elements.
    pub(crate) fn new(items: Vec<Value>) -> Result<Arc<Self>, Oversized> {
        let size = Size::of(items.iter())?;
        Ok(Arc::new(Self { items, size }))
    }

    /// The elements.
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

/// The entries of a map value. Keys are nearly always texts; the few others that Go's
/// `map[any]any` allows (from `groupBy` and `fromPairs`) are kept aside, in order of insertion.
#[derive(Debug, Default, PartialEq)]
pub struct Map {
    entries: BTreeMap<Arc<str>, Value>,
    others: Vec<(Value, Value)>,
    /// Whether Go would allow keys that are no texts.
    any_keys: bool,
    size: Size,
}

/// How deep and how heavy a list or map is, known when it is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    depth: u16,
    weight: u64,
}

impl Size {
    const EMPTY: Self = Self {
        depth: 1,
        weight: OWN_WEIGHT,
    };

    fn of<'a>(values: impl Iterator<Item = &'a Value>) -> Result<Self, Oversized> {
        let mut size = Self {
            depth: 0,
            weight: OWN_WEIGHT,
        };
        for value in values {
            let inner = value.size();
            size.depth = size.depth.max(inner.depth);
            size.weight = size.weight.saturating_add(inner.weight);
        }
        size.depth += 1;
        if size.depth > MAX_DEPTH || size.weight > MAX_WEIGHT {
            return Err(Oversized);
        }
        Ok(size)
    }
}

impl Map {
    /// A map without entries.
    pub(crate) const EMPTY: Self = Self {
        entries: BTreeMap::new(),
        others: Vec::new(),
        any_keys: false,
        size: Size::EMPTY,
    };

    /// The entries whose keys are texts, sorted.
    pub fn entries(&self) -> &BTreeMap<Arc<str>, Value> {
        &self.entries
    }

    /// The entries whose keys are not texts.
    pub fn others(&self) -> &[(Value, Value)] {
        &self.others
    }

    /// Whether Go would allow keys that are no texts: what `groupBy` and `fromPairs` give.
    pub(crate) fn has_any_keys(&self) -> bool {
        self.any_keys
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len() + self.others.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a text.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key)
    }
}

/// Lists and maps nest deeper in each other than a value may, or hold more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lists and maps nest too deep or hold too much")]
pub struct Oversized;

impl Value {
    /// A list of these elements.
    pub(crate) fn list(items: Vec<Value>) -> Result<Value, Oversized> {
        List::new(items).map(Value::List)
    }

    /// A map of these entries.
    pub(crate) fn map(entries: BTreeMap<Arc<str>, Value>) -> Result<Value, Oversized> {
        Self::made_map(entries, Vec::new(), false)
    }

    /// A map of these entries, some of whose keys may be no texts.
    pub(crate) fn map_of(
        entries: BTreeMap<Arc<str>, Value>,
        others: Vec<(Value, Value)>,
    ) -> Result<Value, Oversized> {
        Self::made_map(entries, others, true)
    }

    fn made_map(
        entries: BTreeMap<Arc<str>, Value>,
        others: Vec<(Value, Value)>,
        any_keys: bool,
    ) -> Result<Value, Oversized> {
        let mut size = Size::of(
            entries
                .values()
                .chain(others.iter().flat_map(|(key, value)| [key, value])),
        )?;
        let keys: usize = entries.keys().map(|key| key.len()).sum();
        size.weight += keys as u64;
        Ok(Value::Map(Arc::new(Map {
            entries,
            others,
            any_keys,
            size,
        })))
    }

    /// A list of texts.
    pub(crate) fn strings<S: AsRef<str>>(
        items: impl IntoIterator<Item = S>,
    ) -> Result<Value, Oversized> {
        Self::list(items.into_iter().map(|s| Value::from(s.as_ref())).collect())
    }

    fn size(&self) -> Size {
        let own = |length: usize| Size {
            depth: 0,
            weight: OWN_WEIGHT + length as u64,
        };
        match self {
            Value::List(list) => list.size,
            Value::Map(map) => map.size,
            Value::String(text) => own(text.len()),
            Value::Bytes(bytes) => own(bytes.len()),
            _ => own(0),
        }
    }

    /// How many bytes it takes, if nothing in it were shared.
    pub(crate) fn weight(&self) -> u64 {
        self.size().weight
    }

    /// A moment, in UTC.
    pub fn time(seconds: i64, nanoseconds: u32) -> Value {
        Value::Time(Arc::new(crate::time::at(seconds, nanoseconds)))
    }

    /// The text that it becomes in place of a tag: a text as it is, all else as JSON.
    ///
    /// # Errors
    /// If JSON doesn't have it: an infinite number, a map with keys that are no texts.
    pub fn to_text(&self) -> Result<String, String> {
        crate::render::text_of(self)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The name that Go's `%T` would give.
    pub(crate) fn go_type(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::Bytes(_) => "[]uint8",
            Value::List(_) => "[]interface {}",
            Value::Map(_) => "map[string]interface {}",
            Value::Duration(_) => "time.Duration",
            Value::Time(_) => "time.Time",
            Value::Zone(_) => "*time.Location",
            Value::Version(_) => "*semver.Version",
        }
    }
}

impl Value {
    /// The kind of its type, as Go's package `reflect` names it.
    pub(crate) fn go_kind(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::String(_) => "string",
            Value::Bytes(_) | Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Duration(_) => "int64",
            Value::Time(_) => "struct",
            Value::Zone(_) | Value::Version(_) => "ptr",
        }
    }
}

/// As Go's `%v` prints it.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::json::go_text(self))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(Arc::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(Arc::from(text))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}
