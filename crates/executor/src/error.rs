//! Why inputs could not be staged or outputs not collected.

use std::io;
use std::path::{Path, PathBuf};

use argosy_artifacts::ArtifactError;

/// Why inputs could not be staged or outputs not collected. Texts that people match on begin as
/// Argo's do.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// An input artifact has no location, and isn't optional.
    #[error("required artifact '{0}' not supplied; pass it as an argument, or mark it optional")]
    NotSupplied(String),
    /// An artifact has no path that can be used.
    #[error(transparent)]
    Path(#[from] argosy_api::paths::ArtifactPathError),
    /// An input artifact could not be fetched.
    #[error("artifact {artifact} failed to load: {source}")]
    Load {
        /// The artifact's name.
        artifact: String,
        /// Why.
        source: ArtifactError,
    },
    /// What was fetched could not be unpacked or put in its place.
    #[error("artifact {artifact} failed to load: cannot {what}: {source}")]
    Unpack {
        /// The artifact's name.
        artifact: String,
        /// What was attempted.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Something is at an input artifact's path already.
    #[error(
        "artifact {artifact} failed to load: a folder that isn't empty is at {path} already; choose another path, or empty the folder"
    )]
    Occupied {
        /// The artifact's name.
        artifact: String,
        /// Its path.
        path: String,
    },
    /// An output parameter's file could not be read.
    #[error(
        "open {path}: {reason} (output parameter '{parameter}': the step must write this file, or valueFrom.default be given)"
    )]
    Parameter {
        /// The parameter's name.
        parameter: String,
        /// The file, where Argo's executor would look for it.
        path: String,
        /// Why it could not be read.
        reason: String,
    },
    /// An output parameter's file is too large to be one.
    #[error(
        "output parameter '{parameter}' is not saved: {path} is larger than {most} bytes; make it an output artifact"
    )]
    ParameterTooLarge {
        /// The parameter's name.
        parameter: String,
        /// The file.
        path: String,
        /// The most that is allowed.
        most: u64,
    },
    /// An output artifact is missing.
    #[error(
        "{file} no such file or directory (output artifact '{artifact}': the step must write {path}, or the artifact be marked optional)"
    )]
    Missing {
        /// The artifact's name.
        artifact: String,
        /// Argo's words for what is missing.
        file: String,
        /// The artifact's path.
        path: String,
    },
    /// An output artifact could not be packed.
    #[error("failed to save artifact '{artifact}': cannot {what}: {source}")]
    Pack {
        /// The artifact's name.
        artifact: String,
        /// What was attempted.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// There is no place to save an output artifact.
    #[error(
        "failed to save artifact '{0}': artifact storage is not configured; give it a key, or its template an archiveLocation"
    )]
    NoRepository(String),
    /// An output artifact could not be saved.
    #[error("failed to save artifact '{artifact}': {source}")]
    Save {
        /// The artifact's name.
        artifact: String,
        /// Why.
        source: ArtifactError,
    },
    /// A file of this machine could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ExecutorError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
