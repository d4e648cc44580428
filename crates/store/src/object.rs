//! Objects beside runs: templates, schedules, bindings, ConfigMaps, Secrets and volume claims.

use std::fmt;

/// The kinds of objects that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A `WorkflowTemplate`.
    WorkflowTemplate,
    /// A `ClusterWorkflowTemplate`; its namespace is the empty string.
    ClusterWorkflowTemplate,
    /// A `CronWorkflow`.
    CronWorkflow,
    /// A `WorkflowEventBinding`.
    WorkflowEventBinding,
    /// A Kubernetes `ConfigMap`.
    ConfigMap,
    /// A Kubernetes `Secret`.
    Secret,
    /// A Kubernetes `PersistentVolumeClaim`.
    PersistentVolumeClaim,
    /// The limit of a semaphore that is in no ConfigMap: a row of Argo's table `sync_limit`.
    SyncLimit,
}

impl ObjectKind {
    /// The kind as Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WorkflowTemplate => "WorkflowTemplate",
            Self::ClusterWorkflowTemplate => "ClusterWorkflowTemplate",
            Self::CronWorkflow => "CronWorkflow",
            Self::WorkflowEventBinding => "WorkflowEventBinding",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::SyncLimit => "SyncLimit",
        }
    }

    /// The API group that the kind belongs to, as it stands behind a resource's name: `.argoproj.io`,
    /// or nothing.
    pub fn group(self) -> &'static str {
        match self {
            Self::ConfigMap | Self::Secret | Self::PersistentVolumeClaim | Self::SyncLimit => "",
            Self::WorkflowTemplate
            | Self::ClusterWorkflowTemplate
            | Self::CronWorkflow
            | Self::WorkflowEventBinding => ".argoproj.io",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object to be stored.
#[derive(Clone)]
pub struct NewObject {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; empty for cluster-wide kinds.
    pub namespace: String,
    /// Its name: unique among its kind in its namespace.
    pub name: String,
    /// The object, as JSON.
    pub json: Vec<u8>,
    /// What must hold for it to be stored.
    pub precondition: Precondition,
}

impl fmt::Debug for NewObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewObject")
            .field("kind", &self.kind)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("precondition", &self.precondition)
            .finish_non_exhaustive()
    }
}

/// What must hold of the stored object for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: there may be one or none.
    Any,
    /// There is none: the write creates it.
    Absent,
    /// There is one, of this resource version.
    Version(u64),
}

impl Precondition {
    /// Why a write must not happen, where `current` is the stored resource version.
    pub(crate) fn refusal(self, current: Option<u64>) -> Option<String> {
        match (self, current) {
            (Self::Any, _) | (Self::Absent, None) => None,
            (Self::Absent, Some(_)) => Some("it exists already".to_owned()),
            (Self::Version(_), None) => Some("it does not exist any more".to_owned()),
            (Self::Version(wanted), Some(current)) if wanted == current => None,
            (Self::Version(wanted), Some(current)) => Some(format!(
                "it has changed: its resource version is {current}, not {wanted}"
            )),
        }
    }
}

/// An object as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; empty for cluster-wide kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object, as JSON.
    pub json: Vec<u8>,
    /// Rises with every write of any object in this store.
    pub resource_version: u64,
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject")
            .field("kind", &self.kind)
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("resource_version", &self.resource_version)
            .finish_non_exhaustive()
    }
}
