//! JSON that is stored or sent, without places: as fast as serde, as lenient as Go.
//!
//! Go takes `null` for the zero value of any type, doesn't mind the case of a field's letters, and
//! ignores fields that it doesn't know.

use serde::de::Error as _;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

use super::quantity::{self, QUANTITY};

/// Reads an object from its JSON.
///
/// # Errors
/// The text is no JSON, or not that of such an object.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    // Hardly any text needs the leniency.
    serde_json::from_slice(json).or_else(|error| {
        if !error.is_data() {
            return Err(error);
        }
        let value = serde_json::from_slice(json)?;
        T::deserialize(Lenient(value)).map_err(|_| error)
    })
}

/// Reads an object from a JSON value.
///
/// # Errors
/// The value is not that of such an object, or a quantity in it is none.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Lenient(value))
}

/// Reads a value; `null` is the zero value.
struct Lenient(Value);

macro_rules! zero_if_null {
    ($($method:ident => $visit:ident($zero:expr);)+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0 {
                Value::Null => visitor.$visit($zero),
                value => value.$method(visitor),
            }
        }
    )+ };
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(list) => visitor.visit_seq(Elements(list.into_iter())),
            Value::Object(map) => visitor.visit_map(Fields {
                pairs: map.into_iter(),
                value: Value::Null,
                skip_null: false,
            }),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Self(value)),
        }
    }

    zero_if_null! {
        deserialize_bool => visit_bool(false);
        deserialize_i8 => visit_i64(0);
        deserialize_i16 => visit_i64(0);
        deserialize_i32 => visit_i64(0);
        deserialize_i64 => visit_i64(0);
        deserialize_u8 => visit_u64(0);
        deserialize_u16 => visit_u64(0);
        deserialize_u32 => visit_u64(0);
        deserialize_u64 => visit_u64(0);
        deserialize_f32 => visit_f64(0.0);
        deserialize_f64 => visit_f64(0.0);
        deserialize_str => visit_str("");
        deserialize_string => visit_str("");
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_seq(Elements(Vec::new().into_iter())),
            Value::Array(list) => visitor.visit_seq(Elements(list.into_iter())),
            value => value.deserialize_seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let fields = |pairs: serde_json::Map<String, Value>| Fields {
            pairs: pairs.into_iter(),
            value: Value::Null,
            skip_null: false,
        };
        match self.0 {
            Value::Null => visitor.visit_map(fields(serde_json::Map::new())),
            Value::Object(map) => visitor.visit_map(fields(map)),
            value => value.deserialize_map(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut pairs = match self.0 {
            Value::Null => serde_json::Map::new(),
            Value::Object(map) => map,
            value => return value.deserialize_struct(name, fields, visitor),
        };
        let unknown = |key: &&String| !fields.contains(&key.as_str());
        let odd: Vec<String> = pairs.keys().filter(unknown).cloned().collect();
        for key in odd {
            let meant = fields.iter().find(|field| field.eq_ignore_ascii_case(&key));
            if let Some(meant) = meant.filter(|meant| !pairs.contains_key(**meant))
                && let Some(value) = pairs.remove(&key)
            {
                pairs.insert((*meant).to_owned(), value);
            }
        }
        visitor.visit_map(Fields {
            pairs: pairs.into_iter(),
            value: Value::Null,
            skip_null: true,
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.0 {
            // Its zero value has a text of its own.
            Value::Null if name == QUANTITY => visitor.visit_newtype_struct(Self("0".into())),
            Value::String(text) if name == QUANTITY => match quantity::fault(text) {
                Some(fault) => Err(Error::custom(fault)),
                None => visitor.visit_newtype_struct(self),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// The elements of a list.
struct Elements(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.0
            .next()
            .map(|value| seed.deserialize(Lenient(value)))
            .transpose()
    }
}

/// The pairs of a map; those of a struct count as absent where they are null.
struct Fields {
    pairs: serde_json::map::IntoIter,
    value: Value,
    skip_null: bool,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        for (key, value) in self.pairs.by_ref() {
            if self.skip_null && value.is_null() {
                continue;
            }
            self.value = value;
            return seed.deserialize(Value::String(key)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Lenient(std::mem::take(&mut self.value)))
    }
}
