//! How single values look in JSON where serde's own way differs from Go's.

use k8s_openapi::api::core::v1::{Container, ResourceRequirements};
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

pub(crate) fn is_zero_i32(value: &i32) -> bool {
    *value == 0
}

pub(crate) fn is_zero_i64(value: &i64) -> bool {
    *value == 0
}

/// A word of a closed set, where Go writes the empty text for none.
pub(crate) mod word_or_empty {
    use super::*;

    pub fn serialize<T: Serialize, S: Serializer>(
        word: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match word {
            Some(word) => word.serialize(serializer),
            None => serializer.serialize_str(""),
        }
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            Some(text) if !text.is_empty() => T::deserialize(text.into_deserializer()).map(Some),
            _ => Ok(None),
        }
    }
}

/// A word in a `status`. Go takes any text there; one that is not in the set reads as none, since
/// nobody acts on it.
pub(crate) mod known_word {
    use super::*;

    pub use super::word_or_empty::serialize;

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        let word: Result<T, serde::de::value::Error> = T::deserialize(text.into_deserializer());
        Ok(word.ok())
    }
}

/// Go always writes a container's resources.
pub(crate) fn some_or_empty<S: Serializer>(
    resources: &Option<ResourceRequirements>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match resources {
        Some(resources) => resources.serialize(serializer),
        None => ResourceRequirements::default().serialize(serializer),
    }
}

/// Kubernetes' own container, with its resources always written.
pub(crate) fn whole_container<S: Serializer>(
    container: &Container,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if container.resources.is_some() {
        return container.serialize(serializer);
    }
    let mut whole = container.clone();
    whole.resources = Some(ResourceRequirements::default());
    whole.serialize(serializer)
}

/// As [`whole_container`], for one that may be absent.
pub(crate) fn container_or_none<S: Serializer>(
    container: &Option<Box<Container>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match container {
        Some(container) => whole_container(container, serializer),
        None => serializer.serialize_none(),
    }
}
