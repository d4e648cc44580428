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
    /// Whether anybody hears of events.
    pub events: Events,
}

/// What becomes of the events that runs tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Events {
    /// Nobody keeps them, so none are made.
    #[default]
    Unheard,
    /// They are kept: runs make those that the ConfigMap asks for.
    Kept,
}
