//! Locks, asked for and held.

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

/// The locks that a workflow or template takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Synchronization {
    /// Semaphores to take.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<Option<SemaphoreRef>>,
    /// Mutexes to take.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutexes: Vec<Option<Mutex>>,
}

/// Names a lock's limit in the database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SyncDatabaseRef {
    /// The key of the row with the limit.
    pub key: String,
}

/// A semaphore: a lock with several places.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SemaphoreRef {
    /// The ConfigMap entry with the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<ConfigMapKeySelector>,
    /// The namespace of the lock; the workflow's without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The database row with the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<SyncDatabaseRef>,
}

/// A lock with one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Mutex {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The namespace of the lock; the workflow's without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Whether it is kept in the database, for several clusters.
    #[serde(skip_serializing_if = "is_false")]
    pub database: bool,
}

/// Who holds, or waits for, one semaphore.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SemaphoreHolding {
    /// The lock's key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub semaphore: String,
    /// Node keys of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<String>,
}

/// A workflow's semaphores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SemaphoreStatus {
    /// What is held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holding: Vec<SemaphoreHolding>,
    /// What is waited for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<SemaphoreHolding>,
}

/// Who holds, or waits for, one mutex.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MutexHolding {
    /// The lock's key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mutex: String,
    /// Node key of that one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub holder: String,
}

/// A workflow's mutexes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MutexStatus {
    /// What is held.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holding: Vec<MutexHolding>,
    /// What is waited for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<MutexHolding>,
}

/// A workflow's locks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SynchronizationStatus {
    /// The semaphores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semaphore: Option<SemaphoreStatus>,
    /// The mutexes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutex: Option<MutexStatus>,
}

/// A node's locks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSynchronizationStatus {
    /// The lock that it waits for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub waiting: String,
}
