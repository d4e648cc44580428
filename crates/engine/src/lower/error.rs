//! Why a step can't be lowered.

use argosy_expr::TagError;
use thiserror::Error;

use crate::strategic::StrategicError;

/// Why a step can't be lowered. The texts are Argo's where it has them: they become the node's
/// message.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LowerError {
    /// The template needs something that this module doesn't lower.
    #[error("a template of type {0} is not run by a pod of its own here")]
    Unsupported(Capability),
    /// The template says nothing to do.
    #[error("Template '{0}' missing specification")]
    Empty(String),
    /// A volume mount names a volume that is not there.
    #[error("volume '{0}' not found in workflow spec")]
    VolumeNotFound(String),
    /// `activeDeadlineSeconds` is no number.
    #[error("value '{0}' cannot be resolved to an int")]
    NotANumber(String),
    /// The template's `timeout` has passed before the pod was made.
    #[error("{0} exceeded its deadline")]
    DeadlineExceeded(String),
    /// The workflow's deadline has passed: there is to be no pod. Argo makes none and says nothing.
    #[error("no pod is made since the workflow's deadline has passed")]
    WorkflowDeadlinePassed,
    /// The token is not mounted and nothing else is named for the executor.
    #[error(
        "executor.serviceAccountName must not be empty if automountServiceAccountToken is false"
    )]
    NoExecutorServiceAccount,
    /// The path of an input artifact is missing or leaves the directory that it names.
    #[error("error in inputs.artifacts.{name}: {message}")]
    InputPath {
        /// The artifact.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A `podSpecPatch` that is neither JSON nor YAML.
    #[error("Error applying PodSpecPatch: Failed to convert the PodSpecPatch yaml to json: {0}")]
    PatchSyntax(String),
    /// A `podSpecPatch` that is no part of a pod's spec.
    #[error("Error applying PodSpecPatch: invalid podSpecPatch {patch:?}: {message}")]
    PatchInvalid {
        /// The patch.
        patch: String,
        /// What is wrong.
        message: String,
    },
    /// A `podSpecPatch` that can't be merged.
    #[error("Error applying PodSpecPatch: Error occurred during strategic merge patch: {0}")]
    PatchMerge(StrategicError),
    /// A patched spec that is none any more.
    #[error("Error applying PodSpecPatch: Error in Unmarshalling after merge the patch: {0}")]
    Patched(String),
    /// A tag can't be filled in.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The caller's renderer failed.
    #[error("{0}")]
    Render(String),
}

/// What [`LowerError::Unsupported`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `http` templates, which an agent runs.
    Http,
    /// `plugin` templates, which an agent runs.
    Plugin,
    /// `steps`, `dag` and `suspend` templates, which have no pod.
    NoPod,
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Plugin => "plugin",
            Self::NoPod => "steps, dag or suspend",
        })
    }
}
