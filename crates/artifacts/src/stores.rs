//! All stores together: each artifact goes to the one that its location names.

use std::io::Read;
use std::path::Path;

use argosy_api::Artifact;

use crate::{
    ArtifactError, Attempt, Driver, Http, NoSecrets, Raw, Secrets, Source, StoreKind, location,
};

/// Picks the store by the artifact's location. What has a key only is the repository's, whatever
/// kind the key stands under: a workflow written for `gcs: {key: …}` runs here too.
pub struct Stores<'a> {
    repository: &'a dyn Driver,
    http: Http<'a>,
}

impl<'a> Stores<'a> {
    /// With this repository, and no secrets.
    pub fn new(repository: &'a dyn Driver) -> Self {
        Self::with_secrets(repository, &NoSecrets)
    }

    /// With this repository, and with these secrets for the other stores.
    pub fn with_secrets(repository: &'a dyn Driver, secrets: &'a dyn Secrets) -> Self {
        Self {
            repository,
            http: Http::new(secrets),
        }
    }

    fn pick(&self, attempt: Attempt, artifact: &Artifact) -> Result<&dyn Driver, ArtifactError> {
        let Some(store) = artifact.store() else {
            return Err(ArtifactError::NoLocation {
                attempt,
                artifact: artifact.name.clone(),
            });
        };
        if !location::is_whole(store) && artifact.key().is_some() {
            return Ok(self.repository);
        }
        match StoreKind::from(store) {
            StoreKind::Raw => Ok(&Raw),
            StoreKind::Http | StoreKind::Artifactory => Ok(&self.http),
            StoreKind::Repository => Ok(self.repository),
            StoreKind::Azure
            | StoreKind::Git
            | StoreKind::Gcs
            | StoreKind::Hdfs
            | StoreKind::Oss
            | StoreKind::S3
            | StoreKind::Plugin => Err(ArtifactError::Unsupported {
                attempt,
                artifact: artifact.name.clone(),
                store: store.into(),
                reason: "needs a later capability of this program; give the artifact a key only, which names a place in the local repository, or use `http` or `raw`",
            }),
        }
    }
}

impl Driver for Stores<'_> {
    fn load(&self, artifact: &Artifact, to: &Path) -> Result<(), ArtifactError> {
        self.pick(Attempt::Load, artifact)?.load(artifact, to)
    }

    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, ArtifactError> {
        self.pick(Attempt::Open, artifact)?.open(artifact)
    }

    fn save(&self, from: Source<'_>, artifact: &Artifact) -> Result<(), ArtifactError> {
        self.pick(Attempt::Save, artifact)?.save(from, artifact)
    }

    fn delete(&self, artifact: &Artifact) -> Result<(), ArtifactError> {
        self.pick(Attempt::Delete, artifact)?.delete(artifact)
    }

    fn list(&self, artifact: &Artifact) -> Result<Vec<String>, ArtifactError> {
        self.pick(Attempt::List, artifact)?.list(artifact)
    }

    fn is_directory(&self, artifact: &Artifact) -> Result<bool, ArtifactError> {
        self.pick(Attempt::List, artifact)?.is_directory(artifact)
    }
}
