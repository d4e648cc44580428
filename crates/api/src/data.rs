//! The `data` template.

use serde::{Deserialize, Serialize};

use crate::*;

/// The body of a `data` template: a list of files, filtered and mapped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Data {
    /// Where the list comes from.
    pub source: DataSource,
    /// What is done to the list, in order.
    pub transformation: Vec<TransformationStep>,
}

/// Where a `data` template gets its list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataSource {
    /// The files below an artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_paths: Option<ArtifactPaths>,
}

/// One pass over the list of a `data` template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TransformationStep {
    /// An expression over the list, `data`.
    pub expression: String,
}

/// The paths of the files below an artifact; the fields are those of [`Artifact`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactPaths {
    /// The name.
    pub name: String,
    /// Where the file stands in the container.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Permission bits of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<i32>,
    /// A tag that names another artifact to take.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Whether the logs of the main container are kept as an artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_logs: Option<bool>,
    /// In S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<Box<S3Artifact>>,
    /// In a git repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Box<GitArtifact>>,
    /// Behind a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Box<HttpArtifact>>,
    /// In JFrog Artifactory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifactory: Option<Box<ArtifactoryArtifact>>,
    /// In HDFS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hdfs: Option<Box<HdfsArtifact>>,
    /// Here in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Box<RawArtifact>>,
    /// In Alibaba Cloud OSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oss: Option<Box<OssArtifact>>,
    /// In Google Cloud Storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcs: Option<Box<GcsArtifact>>,
    /// In Azure Blob Storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<Box<AzureArtifact>>,
    /// With a driver plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Box<PluginArtifact>>,
    /// The name under which it is an output of the workflow too.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub global_name: String,
    /// How it is packed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveStrategy>,
    /// Whether it may be absent.
    #[serde(skip_serializing_if = "is_false")]
    pub optional: bool,
    /// A path inside the artifact that is taken alone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub_path: String,
    /// Whether `mode` goes for all files of a folder.
    #[serde(skip_serializing_if = "is_false")]
    pub recurse_mode: bool,
    /// An expression that gives the artifact to take.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from_expression: String,
    /// When it is deleted. JSON: `artifactGC`.
    #[serde(rename = "artifactGC", skip_serializing_if = "Option::is_none")]
    pub artifact_gc: Option<ArtifactGc>,
    /// Whether it has been deleted.
    #[serde(skip_serializing_if = "is_false")]
    pub deleted: bool,
}
