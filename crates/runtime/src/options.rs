//! How a run is carried out, beyond what its workflow says.

use serde::{Deserialize, Serialize};

/// How a run is carried out, by whomever: it is stored with the run when that is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// When its transitions are synced.
    pub sync: Sync,
}

/// When the transitions of a run are synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sync {
    /// As the store does it for all.
    #[default]
    Shared,
    /// Each before anybody is told of it.
    Each,
}

impl RunOptions {
    /// As they are stored.
    pub fn to_json(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("options are plain data")
    }

    /// As they were stored.
    ///
    /// # Errors
    /// If it is no such text.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_they_were_stored() {
        let each = RunOptions { sync: Sync::Each };
        for (json, expected) in [
            (b"{}".to_vec(), Some(RunOptions::default())),
            (each.to_json(), Some(each)),
            (br#"{"sync":"Never"}"#.to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(RunOptions::from_json(&json).ok(), expected, "{json:?}");
        }
    }
}
