//! Artifact stores. On one machine the repository is a folder of the data directory; raw artifacts
//! stand in the workflow itself.
//!
//! This crate moves bytes and must never let a key lead out of its folder.

mod folder;

use std::path::PathBuf;

use argosy_api::Artifact;

pub use folder::Folder;

/// Why an artifact can't be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Nothing is stored under the key.
    #[error("artifact '{name}' is not there: nothing is stored under {key}")]
    NotFound {
        /// The artifact.
        name: String,
        /// Its key.
        key: String,
    },
    /// The key would lead out of the repository.
    #[error("the key {0:?} is no path inside the artifact repository")]
    BadKey(String),
    /// A kind of store that this program does not reach.
    #[error(
        "artifact '{name}' lies in {store}, which can't be reached here: only the local repository and raw artifacts can"
    )]
    Unreachable {
        /// The artifact.
        name: String,
        /// The kind of store.
        store: &'static str,
    },
    /// Reading or writing failed.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl ArtifactError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            what,
            path: path.into(),
            source,
        }
    }
}

/// Where an artifact lies, as far as this program can reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the workflow itself.
    Raw(String),
    /// Under a key of the local repository.
    Key(String),
}

/// Where an artifact lies; `None` if it says nothing.
///
/// # Errors
/// If it lies where this program can't reach.
pub fn place(artifact: &Artifact) -> Result<Option<Place>, ArtifactError> {
    let unreachable = |store| {
        Err(ArtifactError::Unreachable {
            name: artifact.name.clone(),
            store,
        })
    };
    if let Some(raw) = &artifact.raw {
        return Ok(Some(Place::Raw(raw.data.clone())));
    }
    if let Some(s3) = &artifact.s3 {
        if !s3.bucket.is_empty() || !s3.endpoint.is_empty() {
            return unreachable("a bucket of an S3 server");
        }
        return Ok(Some(Place::Key(s3.key.clone())));
    }
    if artifact.git.is_some() {
        return unreachable("a git repository");
    }
    if artifact.http.is_some() || artifact.artifactory.is_some() {
        return unreachable("an HTTP server");
    }
    if artifact.hdfs.is_some() {
        return unreachable("HDFS");
    }
    if artifact.gcs.is_some() || artifact.oss.is_some() || artifact.azure.is_some() {
        return unreachable("a cloud store");
    }
    if artifact.plugin.is_some() {
        return unreachable("a plugin's store");
    }
    Ok(None)
}
