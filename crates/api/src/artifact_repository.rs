//! Artifact repositories: stores with a pattern for keys.

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

/// Where artifacts go by default; one of its stores is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactRepository {
    /// Whether logs are kept as artifacts by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_logs: Option<bool>,
    /// In S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3ArtifactRepository>,
    /// In JFrog Artifactory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifactory: Option<ArtifactoryArtifactRepository>,
    /// In HDFS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hdfs: Option<HdfsArtifactRepository>,
    /// In Alibaba Cloud OSS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oss: Option<OssArtifactRepository>,
    /// In Google Cloud Storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcs: Option<GcsArtifactRepository>,
    /// In Azure Blob Storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureArtifactRepository>,
    /// With a driver plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginArtifactRepository>,
}

/// A bucket of S3 as repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct S3ArtifactRepository {
    /// Host and perhaps port of the service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The region of the bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Whether to go without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// The secret with the access key's ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<SecretKeySelector>,
    /// The secret with the access key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_secret: Option<SecretKeySelector>,
    /// The secret with the session token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token_secret: Option<SecretKeySelector>,
    /// The role to assume. JSON: `roleARN`.
    #[serde(rename = "roleARN", skip_serializing_if = "String::is_empty")]
    pub role_arn: String,
    /// Whether the surroundings provide the credentials. JSON: `useSDKCreds`.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    /// Whether and how to make a missing bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_bucket_if_not_present: Option<CreateS3BucketOptions>,
    /// How the store encrypts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_options: Option<S3EncryptionOptions>,
    /// The secret with the authority's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<SecretKeySelector>,
    /// Where the bucket's name stands in the URL: `path`, `virtual-hosted` or empty for either.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub addressing_style: String,
    /// Pattern of the keys, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
    /// Prefix of the keys; `key_format` replaces it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_prefix: String,
}

/// A bucket of OSS as repository. Argo: `OSSArtifactRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OssArtifactRepository {
    /// Host and perhaps port of the service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The secret with the access key's ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<SecretKeySelector>,
    /// The secret with the access key itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_secret: Option<SecretKeySelector>,
    /// Whether to make a missing bucket.
    #[serde(skip_serializing_if = "is_false")]
    pub create_bucket_if_not_present: bool,
    /// A temporary token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub security_token: String,
    /// What happens to the object as it ages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_rule: Option<OssLifecycleRule>,
    /// Whether the surroundings provide the credentials. JSON: `useSDKCreds`.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    /// Pattern of the keys, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
}

/// A bucket of Google Cloud Storage as repository. Argo: `GCSArtifactRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GcsArtifactRepository {
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The secret with the service account's key file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_key_secret: Option<SecretKeySelector>,
    /// Pattern of the keys, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
}

/// A repository in JFrog Artifactory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactoryArtifactRepository {
    /// The secret with the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<SecretKeySelector>,
    /// The secret with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretKeySelector>,
    /// URL of the repository. JSON: `repoURL`.
    #[serde(rename = "repoURL", skip_serializing_if = "String::is_empty")]
    pub repo_url: String,
    /// Pattern of the keys, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
}

/// A container of Azure Blob Storage as repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AzureArtifactRepository {
    /// URL of the storage account.
    pub endpoint: String,
    /// The container that holds the blobs.
    pub container: String,
    /// The secret with the storage account's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_key_secret: Option<SecretKeySelector>,
    /// Whether the surroundings provide the credentials. JSON: `useSDKCreds`.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    /// Pattern of the blobs' names, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub blob_name_format: String,
}

/// A folder of HDFS as repository. Argo: `HDFSArtifactRepository`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HdfsArtifactRepository {
    /// The secret with Kerberos' credential cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krb_c_cache_secret: Option<SecretKeySelector>,
    /// The secret with Kerberos' keytab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krb_keytab_secret: Option<SecretKeySelector>,
    /// Kerberos' user, with a keytab.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb_username: String,
    /// Kerberos' realm, with a keytab.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb_realm: String,
    /// The ConfigMap with Kerberos' configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krb_config_config_map: Option<ConfigMapKeySelector>,
    /// The principal of the name node.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb_service_principal_name: String,
    /// The name nodes, host and port.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The user of HDFS, without Kerberos.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hdfs_user: String,
    /// Protection on the wire: `authentication`, `integrity` or `privacy`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub data_transfer_protection: String,
    /// Pattern of the paths, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path_format: String,
    /// Whether to write over what is there.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
}

/// A repository that a driver plugin keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PluginArtifactRepository {
    /// The plugin's name.
    pub name: String,
    /// Pattern of the keys, with tags.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
    /// The plugin's own settings.
    pub configuration: String,
}
