//! Why an artifact could not be moved.

use std::io;
use std::path::{Path, PathBuf};

use crate::StoreKind;

/// Why an artifact could not be loaded, saved, listed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The store has nothing there.
    #[error("cannot {attempt} artifact '{artifact}': there is nothing at {place}")]
    NotFound {
        /// What was attempted.
        attempt: Attempt,
        /// The artifact's name.
        artifact: String,
        /// Where it should have been.
        place: String,
    },
    /// The store refuses us.
    #[error(
        "cannot {attempt} artifact '{artifact}': access to {place} was refused ({reason}); check the credentials that it names"
    )]
    Forbidden {
        /// What was attempted.
        attempt: Attempt,
        /// The artifact's name.
        artifact: String,
        /// Where it is.
        place: String,
        /// What the store said.
        reason: String,
    },
    /// The key is no path inside the repository.
    #[error("cannot {attempt} artifact '{artifact}': its key {key:?} {reason}")]
    BadKey {
        /// What was attempted.
        attempt: Attempt,
        /// The artifact's name.
        artifact: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The location names no store at all.
    #[error(
        "cannot {attempt} artifact '{artifact}': it has neither a location nor a key; give it one, such as `s3: {{key: …}}` or `raw: {{data: …}}`"
    )]
    NoLocation {
        /// What was attempted.
        attempt: Attempt,
        /// The artifact's name.
        artifact: String,
    },
    /// This store can't do that, or not yet.
    #[error("cannot {attempt} artifact '{artifact}': {store} {reason}")]
    Unsupported {
        /// What was attempted.
        attempt: Attempt,
        /// The artifact's name.
        artifact: String,
        /// The kind of store.
        store: StoreKind,
        /// Why not, and what to do instead.
        reason: &'static str,
    },
    /// A secret that the location names is missing.
    #[error("there is no key '{key}' in secret '{name}', which an artifact's location names")]
    NoSecret {
        /// The secret's name.
        name: String,
        /// The key in it.
        key: String,
    },
    /// It can't be told whether there is such a secret.
    #[error("cannot read secret '{name}', which an artifact's location names: {reason}")]
    UnreadSecret {
        /// The secret's name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The store failed.
    #[error("cannot {attempt} artifact '{artifact}': {place} failed: {reason}")]
    Store {
        /// What was attempted.
        attempt: Attempt,
        /// The artifact's name.
        artifact: String,
        /// Where it is.
        place: String,
        /// What the store said.
        reason: String,
    },
    /// A file of this machine could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// What was attempted with an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// [`Driver::load`](crate::Driver::load).
    Load,
    /// [`Driver::open`](crate::Driver::open).
    Open,
    /// [`Driver::save`](crate::Driver::save).
    Save,
    /// [`Driver::delete`](crate::Driver::delete).
    Delete,
    /// [`Driver::list`](crate::Driver::list), [`Driver::is_directory`](crate::Driver::is_directory).
    List,
}

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Open => "open",
            Self::Save => "save",
            Self::Delete => "delete",
            Self::List => "list",
        })
    }
}

impl ArtifactError {
    /// Whether it says that nothing is there, which an `optional` artifact may be.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
