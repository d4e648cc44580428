//! The credentials that locations name.

use std::collections::BTreeMap;

use crate::ArtifactError;

/// Where the secrets of a workflow's namespace are looked up.
pub trait Secrets: Send + Sync {
    /// The value under a key of a secret.
    ///
    /// # Errors
    /// [`ArtifactError::NoSecret`] if there is none.
    fn secret(&self, name: &str, key: &str) -> Result<String, ArtifactError>;
}

/// There are no secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn secret(&self, name: &str, key: &str) -> Result<String, ArtifactError> {
        Err(missing(name, key))
    }
}

/// Secrets that were read beforehand: by name, then by key. Has no `Debug`, so that no log shows it.
#[derive(Clone, Default)]
pub struct SecretMap(pub BTreeMap<String, BTreeMap<String, String>>);

impl Secrets for SecretMap {
    fn secret(&self, name: &str, key: &str) -> Result<String, ArtifactError> {
        self.0
            .get(name)
            .and_then(|secret| secret.get(key))
            .cloned()
            .ok_or_else(|| missing(name, key))
    }
}

fn missing(name: &str, key: &str) -> ArtifactError {
    ArtifactError::NoSecret {
        name: name.to_owned(),
        key: key.to_owned(),
    }
}
