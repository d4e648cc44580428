//! synchronization

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Synchronization {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub semaphores: Vec<Option<SemaphoreRef>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutexes: Vec<Option<Mutex>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SyncDatabaseRef {
    pub key: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SemaphoreRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<ConfigMapKeySelector>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<SyncDatabaseRef>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Mutex {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    #[serde(skip_serializing_if = "is_false")]
    pub database: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SemaphoreHolding {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub semaphore: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SemaphoreStatus {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holding: Vec<SemaphoreHolding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<SemaphoreHolding>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MutexHolding {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mutex: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub holder: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MutexStatus {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holding: Vec<MutexHolding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<MutexHolding>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SynchronizationStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semaphore: Option<SemaphoreStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutex: Option<MutexStatus>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSynchronizationStatus {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub waiting: String,
}
