//! A serde deserializer over a document's tree, with Go's leniency and Go's strictness:
//! null is the zero value, a number is no string, and keys a struct doesn't have are noted.

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{ReadError, ReadFault};
use super::quantity::{self, QUANTITY};
use super::{Strictness, suggest};
use crate::Severity;
use crate::yaml::{MAX_OF_A_KIND, Tree, Value};

/// A key that its struct doesn't have.
#[derive(Clone, Copy)]
pub(crate) struct UnknownField {
    pub key: u32,
    pub type_name: &'static str,
    pub fields: &'static [&'static str],
}

/// A misspelt key whose value is read as that of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meant {
    /// The map in which both would stand.
    map: u32,
    /// The key as it is written.
    pub key: u32,
    pub value: u32,
    /// The key that is meant.
    pub name: &'static str,
}

/// Something about a value that was read all the same.
pub(crate) struct Remark {
    pub node: u32,
    pub severity: Severity,
    pub fault: ReadFault,
}

/// What all readers of one pass share.
pub(crate) struct Pass<'a> {
    pub tree: &'a Tree,
    pub source: &'a str,
    /// Nodes with a fault that is noted already; they count as absent.
    pub pruned: HashSet<u32>,
    pub strictness: Strictness,
    pub unknown: RefCell<Vec<UnknownField>>,
    /// Whether the values of misspelt keys are read as those of the keys that are meant.
    pub corrects: bool,
    pub meant: RefCell<Vec<Meant>>,
    /// What was read otherwise than it is written.
    pub remarks: RefCell<Vec<Remark>>,
}

impl Pass<'_> {
    /// The key of a map that a misspelt one is taken for: it is nowhere else in it.
    fn meant(
        &self,
        map: u32,
        unknown: UnknownField,
        value: u32,
        written: &str,
    ) -> Option<&'static str> {
        if !self.corrects || self.unknown.borrow().len() > MAX_OF_A_KIND {
            return None;
        }
        let name = suggest::meant(unknown.type_name, written, unknown.fields)?;
        let mut others = self.meant.borrow_mut();
        let mut taken = others.iter().filter(|other| other.map == map);
        if taken.any(|other| other.name == name) || self.tree.get(self.source, map, name).is_some()
        {
            return None;
        }
        others.push(Meant {
            map,
            key: unknown.key,
            value,
            name,
        });
        Some(name)
    }
}

/// Reads one node.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pass: &'a Pass<'a>,
    node: u32,
}

impl<'a> Reader<'a> {
    pub fn new(pass: &'a Pass<'a>, node: u32) -> Self {
        Self {
            pass,
            node: pass.tree.resolve(node),
        }
    }

    fn value(self) -> Value {
        self.pass.tree.nodes[self.node as usize].value
    }

    fn text(self) -> Option<&'a str> {
        self.pass.tree.as_str(self.pass.source, self.node)
    }

    fn is_pruned(self) -> bool {
        !self.pass.pruned.is_empty() && self.pass.pruned.contains(&self.node)
    }

    fn remark(self, severity: Severity, fault: ReadFault) {
        let node = self.node;
        self.pass.remarks.borrow_mut().push(Remark {
            node,
            severity,
            fault,
        });
    }

    /// The value as it stands in the text.
    fn written(self) -> &'a str {
        let node = &self.pass.tree.nodes[self.node as usize];
        let text = self.pass.source.get(node.start as usize..node.end as usize);
        text.unwrap_or_default()
    }

    fn wrong(self, expected: &str) -> ReadError {
        let (found, help) = match self.value() {
            Value::Null | Value::Hidden | Value::Alias(_) => ("null".to_owned(), None),
            Value::Bool(value) => {
                let help = match (expected, self.written()) {
                    ("a string", "true" | "false") => Some("put it in quotes"),
                    ("a string", _) => {
                        Some("put it in quotes: YAML takes y, n, yes, no, on and off for booleans")
                    }
                    _ => None,
                };
                (format!("the boolean {value}"), help)
            }
            Value::Int(_) | Value::UInt(_) | Value::Float(_) => {
                let help = (expected == "a string").then_some("put it in quotes");
                (format!("the number {}", self.written()), help)
            }
            Value::Text(_) => {
                let text = self.text().unwrap_or_default();
                let help = match (expected, crate::yaml::resolve_plain(text)) {
                    ("a boolean", crate::yaml::Scalar::Bool(_)) => Some("leave out the quotes"),
                    ("a whole number" | "a number", crate::yaml::Scalar::Int(_)) => {
                        Some("leave out the quotes")
                    }
                    ("a list", _) => {
                        Some("write a list of one as `[…]`, or `- …` in a line of its own")
                    }
                    _ if text.starts_with("{{") => Some("tags are filled in where strings stand"),
                    _ => None,
                };
                let shown: String = text.chars().take(40).collect();
                let dots = if shown.len() < text.len() { "…" } else { "" };
                (format!("the string \"{shown}{dots}\""), help)
            }
            Value::Map { .. } => {
                let help = (expected == "a list").then_some("begin each element with `- `");
                ("a map".to_owned(), help)
            }
            Value::List { .. } => {
                let help = (expected == "a map").then_some("leave out the dash: one is wanted");
                ("a list".to_owned(), help)
            }
        };
        ReadError::new("wrong-type", format!("expected {expected}, found {found}"))
            .with_help(help.map(str::to_owned))
            .at(self.node)
    }
}

macro_rules! whole_numbers {
    ($($method:ident)+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            match self.value() {
                Value::Null => visitor.visit_i64(0),
                Value::Int(value) => visitor.visit_i64(value),
                Value::UInt(value) => visitor.visit_u64(value),
                _ => Err(self.wrong("a whole number")),
            }
            .map_err(|error| error.at(self.node))
        }
    )+ };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null | Value::Hidden | Value::Alias(_) => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::UInt(value) => visitor.visit_u64(value),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Text(text) => visitor.visit_str(self.pass.tree.text(self.pass.source, text)),
            Value::Map { .. } => visitor.visit_map(Fields::all(self)),
            Value::List { .. } => visitor.visit_seq(Elements::new(self)),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(value) => visitor.visit_bool(value),
            _ => Err(self.wrong("a boolean")),
        }
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null => visitor.visit_f64(0.0),
            Value::Int(value) => visitor.visit_i64(value),
            Value::UInt(value) => visitor.visit_u64(value),
            Value::Float(value) => visitor.visit_f64(value),
            _ => Err(self.wrong("a number")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null => visitor.visit_str(""),
            Value::Text(text) => visitor.visit_str(self.pass.tree.text(self.pass.source, text)),
            found => match as_text(found) {
                // As it would be written, so that what else is wrong shows too.
                Some(text) => {
                    let severity = match self.pass.strictness {
                        Strictness::Strict => Severity::Error,
                        Strictness::Lenient => Severity::Warning,
                    };
                    self.remark(severity, *self.wrong("a string").0);
                    visitor.visit_string(text)
                }
                None => Err(self.wrong("a string")),
            },
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null | Value::List { .. } => visitor.visit_seq(Elements::new(self)),
            _ => Err(self.wrong("a list")),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null | Value::Map { .. } => visitor.visit_map(Fields::all(self)),
            _ => Err(self.wrong("a map")),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.value() {
            Value::Null | Value::Map { .. } => visitor.visit_map(Fields {
                known: Some((name, fields)),
                ..Fields::all(self)
            }),
            _ => Err(self.wrong("a map")),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let is_compound = matches!(self.value(), Value::Map { .. } | Value::List { .. });
        if name == crate::ANY_STRING && is_compound {
            let mut fault = *self.wrong("a string, number or boolean").0;
            fault.message.push_str(", which counts as an empty text");
            fault.help = Some("write it as JSON, in quotes".to_owned());
            self.remark(Severity::Warning, fault);
        }
        if name == QUANTITY
            && let Value::Text(text) = self.value()
            && let Some(fault) = quantity::fault(self.pass.tree.text(self.pass.source, text))
        {
            let help = "such as 500m, 2 or 1.5Gi; tags stand in podSpecPatch instead";
            let fault = ReadError::new("invalid-value", fault.to_owned());
            return Err(fault.with_help(Some(help.to_owned())).at(self.node));
        }
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| error.at(self.node))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct enum }
}

/// A number or boolean as Go writes it into a text.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::UInt(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The pairs of a map, one after the other.
struct Fields<'a> {
    pass: &'a Pass<'a>,
    pairs: crate::yaml::Pairs<'a>,
    /// The struct that is read, and the keys it has.
    known: Option<(&'static str, &'static [&'static str])>,
    map: u32,
    value: u32,
}

impl<'a> Fields<'a> {
    fn all(reader: Reader<'a>) -> Self {
        let pass = reader.pass;
        Self {
            pass,
            pairs: pass.tree.pairs(reader.node),
            known: None,
            map: reader.node,
            value: reader.node,
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        for (key, value) in self.pairs.by_ref() {
            let reader = Reader::new(self.pass, value);
            let key_reader = Reader::new(self.pass, key);
            if reader.is_pruned() {
                continue;
            }
            if let Some((type_name, fields)) = self.known {
                let name = key_reader.text().unwrap_or_default();
                let known = fields.contains(&name);
                // Where Go isn't strict, the case of a field's letters is free.
                if !known
                    && self.pass.strictness == Strictness::Lenient
                    && let Some(meant) = fields.iter().find(|f| f.eq_ignore_ascii_case(name))
                {
                    let mut fault = ReadError::new(
                        "field-case",
                        format!("the field is written `{meant}`, not `{name}`"),
                    );
                    fault.0.help = Some("Argo's --strict refuses it".to_owned());
                    key_reader.remark(Severity::Warning, *fault.0);
                    self.value = value;
                    return seed.deserialize(meant.into_deserializer()).map(Some);
                }
                if !known {
                    let unknown = UnknownField {
                        key,
                        type_name,
                        fields,
                    };
                    self.pass.unknown.borrow_mut().push(unknown);
                    if reader.value() != Value::Null
                        && let Some(meant) = self.pass.meant(self.map, unknown, value, name)
                    {
                        self.value = value;
                        return seed.deserialize(meant.into_deserializer()).map(Some);
                    }
                    continue;
                }
                if reader.value() == Value::Null {
                    continue;
                }
            }
            self.value = value;
            return seed.deserialize(key_reader).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let reader = Reader::new(self.pass, self.value);
        seed.deserialize(reader)
            .map_err(|error| error.at(reader.node))
    }
}

/// The elements of a list, one after the other.
struct Elements<'a> {
    pass: &'a Pass<'a>,
    items: crate::yaml::Items<'a>,
    count: usize,
}

impl<'a> Elements<'a> {
    fn new(reader: Reader<'a>) -> Self {
        let count = match reader.value() {
            Value::List { count, .. } => count as usize,
            _ => 0,
        };
        Self {
            pass: reader.pass,
            items: reader.pass.tree.items(reader.node),
            count,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        for item in self.items.by_ref() {
            let reader = Reader::new(self.pass, item);
            if !reader.is_pruned() {
                return seed
                    .deserialize(reader)
                    .map(Some)
                    .map_err(|error| error.at(reader.node));
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count)
    }
}
