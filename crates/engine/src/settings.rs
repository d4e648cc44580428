//! What the core is told of its surroundings, once.

use crate::config::Config;
use crate::lower::{ArtifactRepositoryView, ReadYaml};

/// What the core needs to know beyond a run's definition.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where artifacts go.
    pub repository: ArtifactRepositoryView,
    /// Reads YAML; the engine has no reader of its own.
    pub read_yaml: ReadYaml,
    /// The controller's ConfigMap.
    pub config: Config,
}
