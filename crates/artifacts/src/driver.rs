//! What every store can be asked for.

use std::io::Read;
use std::path::Path;

use argosy_api::Artifact;

use crate::ArtifactError;

/// A store of artifacts. Argo: `ArtifactDriver`.
///
/// What is saved is never changed in place: a reader sees all of the old or all of the new.
pub trait Driver: Send + Sync {
    /// Puts the artifact's file or folder at `to`, where nothing may be yet. After an error what
    /// stands there is worthless.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`] if the store has nothing at the artifact's location.
    fn load(&self, artifact: &Artifact, to: &Path) -> Result<(), ArtifactError>;

    /// Opens the artifact's file for reading from its start.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`] if the store has nothing there; an error too if it is a folder.
    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, ArtifactError>;

    /// Saves a file or folder at the artifact's location. A file that was there is replaced; of a
    /// folder that was there the files are, one by one, so that several steps may save to one
    /// prefix.
    ///
    /// # Errors
    /// If that fails. Then no file at the location is a part of one.
    fn save(&self, from: Source<'_>, artifact: &Artifact) -> Result<(), ArtifactError>;

    /// Deletes what is saved at the artifact's location, and succeeds if there is nothing.
    ///
    /// # Errors
    /// If that fails, or the store is only read from.
    fn delete(&self, artifact: &Artifact) -> Result<(), ArtifactError>;

    /// The keys of all files below the artifact's key, in order; none for a file.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`] if the store has nothing there.
    fn list(&self, artifact: &Artifact) -> Result<Vec<String>, ArtifactError>;

    /// Whether the artifact's key is that of a folder.
    ///
    /// # Errors
    /// If the store can't tell.
    fn is_directory(&self, artifact: &Artifact) -> Result<bool, ArtifactError>;
}

/// What is to be saved.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Somebody else may still write to it, so it is copied, never linked.
    Shared(&'a Path),
    /// Nobody else has it: it may be moved, and may be gone afterwards.
    Owned(&'a Path),
}

impl<'a> Source<'a> {
    /// Where it is.
    pub fn path(self) -> &'a Path {
        match self {
            Self::Shared(path) | Self::Owned(path) => path,
        }
    }
}
