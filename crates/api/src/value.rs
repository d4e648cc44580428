//! Values that JSON may write in several forms.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::WorkflowStep;

/// A string that YAML may also write as a number or a boolean. Argo: `AnyString`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnyString(pub String);

impl AnyString {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for AnyString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for AnyString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Serialize for AnyString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The name under which an [`AnyString`] asks to be read.
pub(crate) const ANY_STRING: &str = "AnyString";

impl<'de> Deserialize<'de> for AnyString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = AnyString;
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<AnyString, D::Error> {
                deserializer.deserialize_any(self)
            }
            // Argo takes maps and lists for empty texts.
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<AnyString, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(AnyString::default())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<AnyString, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(AnyString::default())
            }
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string, number or boolean")
            }
            fn visit_str<E>(self, v: &str) -> Result<AnyString, E> {
                Ok(AnyString(v.to_owned()))
            }
            fn visit_string<E>(self, v: String) -> Result<AnyString, E> {
                Ok(AnyString(v))
            }
            fn visit_bool<E>(self, v: bool) -> Result<AnyString, E> {
                Ok(AnyString(v.to_string()))
            }
            // Argo reads every number as a 64-bit float, and prints it without an exponent.
            fn visit_i64<E>(self, v: i64) -> Result<AnyString, E> {
                Ok(AnyString((v as f64).to_string()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<AnyString, E> {
                Ok(AnyString((v as f64).to_string()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<AnyString, E> {
                Ok(AnyString(v.to_string()))
            }
            fn visit_unit<E>(self) -> Result<AnyString, E> {
                Ok(AnyString(String::new()))
            }
        }
        deserializer.deserialize_newtype_struct(ANY_STRING, Visitor)
    }
}

/// One element of `withItems`: any JSON value. Argo: `Item`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Item(pub Value);

/// The body of a `plugin` template: one key, the plugin's name. Argo: `Plugin`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Plugin(pub Value);

impl<'de> Deserialize<'de> for Plugin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = serde_json::Map::deserialize(deserializer)?;
        if body.len() != 1 {
            let text = format!(
                "expected exactly one key, the plugin's name, found {}",
                body.len()
            );
            return Err(serde::de::Error::custom(text));
        }
        Ok(Self(Value::Object(body)))
    }
}

/// A number that keeps the text it was written with. Argo: `Amount`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub serde_json::Number);

impl Default for Amount {
    fn default() -> Self {
        Self(0.into())
    }
}

/// One group of steps that run side by side. Argo: `ParallelSteps`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParallelSteps(pub Vec<WorkflowStep>);

/// How many leaves are done of how many: `N/M`. Argo: `Progress`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Leaves that have ended.
    pub done: u64,
    /// Leaves known so far.
    pub total: u64,
}

impl Progress {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Reads `N/M`, where N is at most M and M is positive.
    pub fn parse(text: &str) -> Option<Self> {
        let (done, total) = text.trim().split_once('/')?;
        let progress = Self {
            done: done.parse().ok()?,
            total: total.parse().ok()?,
        };
        (progress.done <= progress.total && progress.total > 0).then_some(progress)
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.done, self.total)
    }
}

impl Serialize for Progress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Progress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self::parse(&text).unwrap_or_default())
    }
}
