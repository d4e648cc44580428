//! The log of a run: what it was told, turn by turn, compact and versioned. Recovery does not need
//! it; it lets a run be run again.

use serde::{Deserialize, Serialize};

use crate::fact::TimedFact;
use crate::ids::Seconds;

/// The first byte of every entry.
const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    facts: std::borrow::Cow<'a, [TimedFact]>,
}

/// One turn's facts as a row of the log; empty if there were none.
pub fn encode(facts: &[TimedFact]) -> Vec<u8> {
    if facts.is_empty() {
        return Vec::new();
    }
    let entry = Entry {
        facts: facts.into(),
    };
    postcard::to_extend(&entry, vec![VERSION]).unwrap_or_default()
}

/// Why an entry can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// It was written by another version of the program.
    #[error("the log entry has version {0}; this program reads version {VERSION}")]
    Version(u8),
    /// It is not whole.
    #[error("the log entry is damaged: {0}")]
    Damaged(String),
}

/// Reads one row of the log.
///
/// # Errors
/// If it is of another version or damaged.
pub fn decode(bytes: &[u8]) -> Result<Vec<TimedFact>, LogError> {
    let Some((&version, rest)) = bytes.split_first() else {
        return Ok(Vec::new());
    };
    if version != VERSION {
        return Err(LogError::Version(version));
    }
    let entry: Entry<'_> =
        postcard::from_bytes(rest).map_err(|error| LogError::Damaged(error.to_string()))?;
    Ok(entry.facts.into_owned())
}

/// When the first fact of a row was learnt, without reading the row; `None` if it holds none, or
/// can't be read.
pub(crate) fn first_at(bytes: &[u8]) -> Option<Seconds> {
    let (&version, rest) = bytes.split_first()?;
    // A list begins with its length, and a fact with its time.
    let begun = postcard::take_from_bytes::<(usize, Seconds)>(rest);
    let ((count, at), _) = begun.ok().filter(|_| version == VERSION)?;
    (count > 0).then_some(at)
}

/// Artifacts in the log are JSON: their type leaves fields out, which a compact encoding can't.
pub(crate) mod artifacts {
    use argosy_api::Artifact;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(list: &[Artifact], serializer: S) -> Result<S::Ok, S::Error> {
        let json = if list.is_empty() {
            String::new()
        } else {
            serde_json::to_string(list).map_err(serde::ser::Error::custom)?
        };
        serializer.serialize_str(&json)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Artifact>, D::Error> {
        let json = String::deserialize(deserializer)?;
        if json.is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_str(&json).map_err(serde::de::Error::custom)
    }
}

/// A revision in the log is JSON, for the same reason.
pub(crate) mod revision {
    use crate::revision::Revision;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        revision: &Option<Box<Revision>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let json = match revision {
            None => String::new(),
            Some(revision) => serde_json::to_string(revision).map_err(serde::ser::Error::custom)?,
        };
        serializer.serialize_str(&json)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<Revision>>, D::Error> {
        let json = String::deserialize(deserializer)?;
        if json.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&json).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Command, Fact};

    #[test]
    fn a_row_tells_when_it_begins() {
        let rows = |times: &[i64]| {
            let facts: Vec<TimedFact> = times
                .iter()
                .map(|&at| TimedFact {
                    at: Seconds(at),
                    fact: Fact::Asked(Command::Terminate),
                })
                .collect();
            encode(&facts)
        };
        for times in [&[][..], &[5], &[1_800_000_000, 1_800_000_001], &[-3]] {
            let row = rows(times);
            assert_eq!(first_at(&row), times.first().map(|&at| Seconds(at)));
            let read = decode(&row).expect("it can be read");
            assert_eq!(read.len(), times.len());
        }
        let mut other = rows(&[5]);
        other[0] += 1;
        assert_eq!(first_at(&other), None);
        assert_eq!(first_at(&[VERSION]), None);
    }
}
