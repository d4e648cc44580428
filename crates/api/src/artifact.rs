//! Artifacts, and the stores they are in.

use serde::{Deserialize, Serialize};

use crate::*;

/// A file or folder that a step takes or gives, and where it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Artifact {
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

/// Where artifacts go whose own location is not given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactLocation {
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
}

/// When an artifact is deleted, and who deletes it. Argo: `ArtifactGC`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactGc {
    /// When: `OnWorkflowCompletion`, `OnWorkflowDeletion` or `Never`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Labels and annotations of the pod that deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_metadata: Option<Metadata>,
    /// The service account of the pod that deletes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
}

/// How an artifact is packed; `tar` with gzip without one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArchiveStrategy {
    /// As a tar file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tar: Option<TarStrategy>,
    /// Not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub none: Option<NoneStrategy>,
    /// As a zip file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<ZipStrategy>,
}

/// Packs an artifact as a tar file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TarStrategy {
    /// The level of gzip, 0 to 9; -1 for its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression_level: Option<i32>,
}

/// Packs an artifact as a zip file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ZipStrategy {}

/// Leaves an artifact as it is, files and folders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NoneStrategy {}

/// Names the ConfigMap entry that describes the artifact repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactRepositoryRef {
    /// Name of the ConfigMap; `artifact-repositories` without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config_map: String,
    /// The entry; the ConfigMap's annotation names the default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// Which artifact repository a workflow uses, found once at its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactRepositoryRefStatus {
    /// Name of the ConfigMap.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config_map: String,
    /// The key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The namespace of the ConfigMap.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Whether it is the controller's default repository.
    #[serde(skip_serializing_if = "is_false")]
    pub default: bool,
    /// The repository itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_repository: Option<ArtifactRepository>,
}
