//! How a mock is read: the fields of its outcome stand beside its own. serde's `flatten` would read
//! them from a copy, in which values have no places any more.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

use super::says::{MockSays, OutcomeSays};

/// A mock's own fields, and those of an outcome.
const FIELDS: &[&str] = &[
    "template",
    "node",
    "when",
    "outcomes",
    "outputs",
    "exitCode",
    "containers",
    "message",
    "reason",
    "error",
    "lost",
    "duration",
];

impl<'de> Deserialize<'de> for MockSays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("MockSays", FIELDS, MockVisitor)
    }
}

struct MockVisitor;

impl<'de> Visitor<'de> for MockVisitor {
    type Value = MockSays;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<MockSays, M::Error> {
        let mut mock = MockSays::default();
        let rest = Rest {
            map,
            mock: &mut mock,
        };
        mock.outcome = OutcomeSays::deserialize(MapAccessDeserializer::new(rest))?;
        Ok(mock)
    }
}

/// The fields of the outcome. The mock's own go into it on the way.
struct Rest<'a, M> {
    map: M,
    mock: &'a mut MockSays,
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Rest<'_, M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, M::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            match key.as_str() {
                "template" => self.mock.template = self.map.next_value()?,
                "node" => self.mock.node = self.map.next_value()?,
                "when" => self.mock.when = self.map.next_value()?,
                "outcomes" => self.mock.outcomes = self.map.next_value()?,
                _ => return seed.deserialize(key.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        self.map.next_value_seed(seed)
    }
}
