//! The stores that artifacts are in.

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

/// An artifact in S3 or a store that speaks its protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct S3Artifact {
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
    /// The object's key in the bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// How S3 encrypts at rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct S3EncryptionOptions {
    /// The key of AWS KMS to encrypt with.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kms_key_id: String,
    /// More for KMS to bind the data to, as JSON.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kms_encryption_context: String,
    /// Whether the server encrypts.
    #[serde(skip_serializing_if = "is_false")]
    pub enable_encryption: bool,
    /// The secret with a key of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_side_customer_key_secret: Option<SecretKeySelector>,
}

/// How a missing bucket is made. Argo: `CreateS3BucketOptions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CreateS3BucketOptions {
    /// Whether objects in the new bucket can be locked.
    #[serde(skip_serializing_if = "is_false")]
    pub object_locking: bool,
}

/// An artifact that is a git repository; input only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GitArtifact {
    /// The repository's URL.
    pub repo: String,
    /// Commit, tag or branch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// How many commits of history to fetch; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u64>,
    /// More refspecs to fetch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<String>,
    /// The secret with the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<SecretKeySelector>,
    /// The secret with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretKeySelector>,
    /// The secret with the private key for SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_private_key_secret: Option<SecretKeySelector>,
    /// Whether to trust any host key.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure_ignore_host_key: bool,
    /// Whether submodules are left out.
    #[serde(skip_serializing_if = "is_false")]
    pub disable_submodules: bool,
    /// Whether only `branch` is fetched.
    #[serde(skip_serializing_if = "is_false")]
    pub single_branch: bool,
    /// The branch, with `single_branch`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// Whether to trust any certificate. JSON: `insecureSkipTLS`.
    #[serde(rename = "insecureSkipTLS", skip_serializing_if = "is_false")]
    pub insecure_skip_tls: bool,
}

/// An artifact in JFrog Artifactory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ArtifactoryArtifact {
    /// The URL of the file.
    pub url: String,
    /// The secret with the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<SecretKeySelector>,
    /// The secret with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretKeySelector>,
}

/// An artifact in Azure Blob Storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AzureArtifact {
    /// URL of the storage account.
    pub endpoint: String,
    /// The container that holds the blob.
    pub container: String,
    /// The secret with the storage account's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_key_secret: Option<SecretKeySelector>,
    /// Whether the surroundings provide the credentials. JSON: `useSDKCreds`.
    #[serde(rename = "useSDKCreds", skip_serializing_if = "is_false")]
    pub use_sdk_creds: bool,
    /// Name of the blob.
    pub blob: String,
}

/// An artifact in HDFS. Argo: `HDFSArtifact`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HdfsArtifact {
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
    /// The path in HDFS.
    pub path: String,
    /// Whether to write over what is there.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
}

/// An artifact whose content stands in the workflow; input only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RawArtifact {
    /// The content.
    pub data: String,
}

/// A header sent with the request for an http artifact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Header {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// User name and password for HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicAuth {
    /// The secret with the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_secret: Option<SecretKeySelector>,
    /// The secret with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<SecretKeySelector>,
}

/// A client certificate for TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientCertAuth {
    /// The secret with the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert_secret: Option<SecretKeySelector>,
    /// The secret with the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_secret: Option<SecretKeySelector>,
}

/// Client credentials for OAuth 2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OAuth2Auth {
    /// The secret with the client's ID. JSON: `clientIDSecret`.
    #[serde(rename = "clientIDSecret", skip_serializing_if = "Option::is_none")]
    pub client_id_secret: Option<SecretKeySelector>,
    /// The secret with the client's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_secret: Option<SecretKeySelector>,
    /// The secret with the URL that gives tokens. JSON: `tokenURLSecret`.
    #[serde(rename = "tokenURLSecret", skip_serializing_if = "Option::is_none")]
    pub token_url_secret: Option<SecretKeySelector>,
    /// The scopes to ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// More parameters of the request for a token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoint_params: Vec<OAuth2EndpointParam>,
}

/// One more parameter of the request for a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OAuth2EndpointParam {
    /// The parameter's name.
    pub key: String,
    /// The value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// How an http artifact proves who asks. Argo: `HTTPAuth`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpAuth {
    /// With a certificate.
    pub client_cert: ClientCertAuth,
    /// With a token from OAuth 2.
    pub oauth2: OAuth2Auth,
    /// With name and password.
    pub basic_auth: BasicAuth,
}

/// An artifact behind a URL. Argo: `HTTPArtifact`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpArtifact {
    /// The URL of the file.
    pub url: String,
    /// Headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// How to prove who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<HttpAuth>,
    /// Whether output goes through a file, so that its length is known beforehand.
    #[serde(skip_serializing_if = "is_false")]
    pub save_stream_via_file: bool,
}

/// An artifact in Google Cloud Storage. Argo: `GCSArtifact`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GcsArtifact {
    /// The bucket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    /// The secret with the service account's key file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_key_secret: Option<SecretKeySelector>,
    /// The object's key in the bucket.
    pub key: String,
}

/// An artifact in Alibaba Cloud OSS. Argo: `OSSArtifact`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OssArtifact {
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
    /// The object's key in the bucket.
    pub key: String,
}

/// What OSS does with an object as it ages. Argo: `OSSLifecycleRule`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OssLifecycleRule {
    /// Days until it moves to the class for rare access.
    #[serde(skip_serializing_if = "is_zero_i32")]
    pub mark_infrequent_access_after_days: i32,
    /// Days until it is deleted.
    #[serde(skip_serializing_if = "is_zero_i32")]
    pub mark_deletion_after_days: i32,
}

/// An artifact that a driver plugin keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PluginArtifact {
    /// The plugin's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The plugin's own settings.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub configuration: String,
    /// Seconds to wait for the plugin.
    #[serde(skip_serializing_if = "is_zero_i32")]
    pub connection_timeout_seconds: i32,
    /// The artifact's key with the plugin.
    pub key: String,
}
