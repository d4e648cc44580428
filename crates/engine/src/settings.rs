//! What the core is told of its surroundings, once.

use crate::lower::{ArtifactRepositoryView, ReadYaml};

/// What lowering needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where artifacts go.
    pub repository: ArtifactRepositoryView,
    /// Reads YAML; the engine has no reader of its own.
    pub read_yaml: ReadYaml,
}
