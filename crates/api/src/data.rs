//! data

use serde::{Deserialize, Serialize};

use crate::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Data {
    pub source: DataSource,
    pub transformation: Vec<TransformationStep>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataSource {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_paths: Option<ArtifactPaths>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TransformationStep {
    pub expression: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactPaths {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_logs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<Box<S3Artifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Box<GitArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Box<HttpArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifactory: Option<Box<ArtifactoryArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hdfs: Option<Box<HdfsArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oss: Option<Box<OssArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcs: Option<Box<GcsArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<Box<AzureArtifact>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Box<PluginArtifact>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub global_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveStrategy>,
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub_path: String,
    #[serde(skip_serializing_if = "is_false")]
    pub recurse_mode: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from_expression: String,
    #[serde(rename = "artifactGC", skip_serializing_if = "Option::is_none")]
    pub artifact_gc: Option<ArtifactGc>,
    #[serde(skip_serializing_if = "is_false")]
    pub deleted: bool,
}
