//! What happens around a user's command: inputs are staged before it, outputs collected after it.
//! A library for the local backend.
//!
//! This crate runs no command itself, and must never write outside the paths that it is given.

mod archive;
mod collect;
mod stage;

use std::path::{Path, PathBuf};

use argosy_artifacts::ArtifactError;

pub use collect::{Collected, collect};
pub use stage::stage;

/// Where the paths of a step lie on this machine.
pub trait PathMap {
    /// What backs a path of the step.
    fn host_path(&self, inside: &str) -> PathBuf;
}

/// Why inputs can't be staged or outputs collected.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// An artifact can't be moved.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// An input artifact says no path.
    #[error("artifact '{0}' did not specify a path")]
    NoPath(String),
    /// An output parameter's file is missing. Argo's text.
    #[error("failed to read output parameter '{name}': open {path}: no such file or directory")]
    NoParameter {
        /// The parameter.
        name: String,
        /// Its file.
        path: String,
    },
    /// An output artifact's file is missing. Argo's text.
    #[error("failed to save outputs: {path} no such file or directory")]
    NoArtifact {
        /// Its file.
        path: String,
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
    /// An archive holds what it must not.
    #[error("the archive of artifact '{0}' is refused: {1}")]
    Archive(String, String),
}

impl ExecutorError {
    pub(crate) fn io(what: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
