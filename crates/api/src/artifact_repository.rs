//! artifact_repository

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactRepository {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_logs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3ArtifactRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifactory: Option<ArtifactoryArtifactRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hdfs: Option<HdfsArtifactRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oss: Option<OssArtifactRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcs: Option<GcsArtifactRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureArtifactRepository>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginArtifactRepository>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct S3ArtifactRepository {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token_secret: Option<SecretKeySelector>,
    #[serde(rename = "roleARN", skip_serializing_if = "String::is_empty")]
    pub role_arn: String,
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_bucket_if_not_present: Option<CreateS3BucketOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_options: Option<S3EncryptionOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub addressing_style: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_prefix: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OssArtifactRepository {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "is_false")]
    pub create_bucket_if_not_present: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub security_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle_rule: Option<OssLifecycleRule>,
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GcsArtifactRepository {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_key_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactoryArtifactRepository {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretKeySelector>,
    #[serde(rename = "repoURL", skip_serializing_if = "String::is_empty")]
    pub repo_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AzureArtifactRepository {
    pub endpoint: String,
    pub container: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_key_secret: Option<SecretKeySelector>,
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub blob_name_format: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HdfsArtifactRepository {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krb_c_cache_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krb_keytab_secret: Option<SecretKeySelector>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb_username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb_realm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krb_config_config_map: Option<ConfigMapKeySelector>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb_service_principal_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hdfs_user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub data_transfer_protection: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path_format: String,
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PluginArtifactRepository {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key_format: String,
    pub configuration: String,
}
