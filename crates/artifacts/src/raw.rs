//! Artifacts that stand in the workflow itself.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use argosy_api::Artifact;

use crate::{ArtifactError, Attempt, Driver, Source, StoreKind};

const READ_ONLY: &str = "is written in the workflow and can only be read; give the artifact a key to save it in the repository";

/// The store of `raw: {data: …}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl Driver for Raw {
    fn load(&self, artifact: &Artifact, to: &Path) -> Result<(), ArtifactError> {
        let data = data(artifact, Attempt::Load)?;
        fs::write(to, data).map_err(ArtifactError::io("write", to))
    }

    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, ArtifactError> {
        let data = data(artifact, Attempt::Open)?.to_owned();
        Ok(Box::new(Cursor::new(data.into_bytes())))
    }

    fn save(&self, _from: Source<'_>, artifact: &Artifact) -> Result<(), ArtifactError> {
        Err(unsupported(Attempt::Save, artifact))
    }

    fn delete(&self, artifact: &Artifact) -> Result<(), ArtifactError> {
        Err(unsupported(Attempt::Delete, artifact))
    }

    fn list(&self, artifact: &Artifact) -> Result<Vec<String>, ArtifactError> {
        data(artifact, Attempt::List).map(|_| Vec::new())
    }

    fn is_directory(&self, artifact: &Artifact) -> Result<bool, ArtifactError> {
        data(artifact, Attempt::List).map(|_| false)
    }
}

fn data(artifact: &Artifact, attempt: Attempt) -> Result<&str, ArtifactError> {
    match &artifact.raw {
        Some(raw) => Ok(&raw.data),
        None => Err(ArtifactError::NoLocation {
            attempt,
            artifact: artifact.name.clone(),
        }),
    }
}

fn unsupported(attempt: Attempt, artifact: &Artifact) -> ArtifactError {
    ArtifactError::Unsupported {
        attempt,
        artifact: artifact.name.clone(),
        store: StoreKind::Raw,
        reason: READ_ONLY,
    }
}
