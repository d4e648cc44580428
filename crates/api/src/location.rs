//! Which store an artifact is in, and whether that is said in full.

use crate::*;

/// The store that an artifact or a location names. Argo: `ArtifactLocationType`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Store<'a> {
    /// JFrog Artifactory.
    Artifactory(&'a ArtifactoryArtifact),
    /// Azure Blob Storage.
    Azure(&'a AzureArtifact),
    /// A git repository.
    Git(&'a GitArtifact),
    /// Google Cloud Storage.
    Gcs(&'a GcsArtifact),
    /// HDFS.
    Hdfs(&'a HdfsArtifact),
    /// A URL.
    Http(&'a HttpArtifact),
    /// Alibaba Cloud OSS.
    Oss(&'a OssArtifact),
    /// The workflow's own text.
    Raw(&'a RawArtifact),
    /// S3.
    S3(&'a S3Artifact),
    /// A driver plugin.
    Plugin(&'a PluginArtifact),
}

impl<'a> Store<'a> {
    /// The object's key in the store; `None` where git and raw have no such thing. Argo: `GetKey`.
    pub fn key(self) -> Option<&'a str> {
        match self {
            Self::Artifactory(store) => Some(url_path(&store.url)),
            Self::Azure(store) => Some(&store.blob),
            Self::Gcs(store) => Some(&store.key),
            Self::Hdfs(store) => Some(&store.path),
            Self::Http(store) => Some(url_path(&store.url)),
            Self::Oss(store) => Some(&store.key),
            Self::S3(store) => Some(&store.key),
            Self::Plugin(store) => Some(&store.key),
            Self::Git(_) | Self::Raw(_) => None,
        }
    }

    /// Whether the object can be found without a repository's help. Argo: `HasLocation`.
    pub fn has_location(self) -> bool {
        let given = |texts: &[&str]| texts.iter().all(|text| !text.is_empty());
        match self {
            Self::Artifactory(store) => given(&[&store.url]) && store.username_secret.is_some(),
            Self::Azure(store) => given(&[&store.endpoint, &store.container, &store.blob]),
            Self::Git(store) => given(&[&store.repo]),
            Self::Gcs(store) => given(&[&store.bucket, &store.key]),
            Self::Hdfs(store) => !store.addresses.is_empty(),
            Self::Http(store) => given(&[&store.url]),
            Self::Oss(store) => given(&[&store.bucket, &store.endpoint, &store.key]),
            Self::Raw(_) => true,
            Self::S3(store) => given(&[&store.endpoint, &store.bucket, &store.key]),
            Self::Plugin(store) => given(&[&store.name, &store.configuration, &store.key]),
        }
    }
}

/// What follows a URL's host.
fn url_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or_default()
}

macro_rules! locate {
    ($type:ident) => {
        impl $type {
            /// The store that is named; the first in Argo's order if several are. Argo: `Get`.
            pub fn store(&self) -> Option<Store<'_>> {
                let artifactory = self.artifactory.as_deref().map(Store::Artifactory);
                artifactory
                    .or_else(|| self.azure.as_deref().map(Store::Azure))
                    .or_else(|| self.git.as_deref().map(Store::Git))
                    .or_else(|| self.gcs.as_deref().map(Store::Gcs))
                    .or_else(|| self.hdfs.as_deref().map(Store::Hdfs))
                    .or_else(|| self.http.as_deref().map(Store::Http))
                    .or_else(|| self.oss.as_deref().map(Store::Oss))
                    .or_else(|| self.raw.as_deref().map(Store::Raw))
                    .or_else(|| self.s3.as_deref().map(Store::S3))
                    .or_else(|| self.plugin.as_deref().map(Store::Plugin))
            }

            /// Whether it can be found without a repository's help. Argo: `HasLocation`.
            pub fn has_location(&self) -> bool {
                self.store().is_some_and(Store::has_location)
            }

            /// Whether a store and a key in it are named. Argo: `HasKey`.
            pub fn has_key(&self) -> bool {
                self.store()
                    .and_then(Store::key)
                    .is_some_and(|key| !key.is_empty())
            }

            /// Whether logs are to be kept. Argo: `IsArchiveLogs`.
            pub fn keeps_logs(&self) -> bool {
                self.archive_logs == Some(true)
            }
        }
    };
}

locate!(Artifact);
locate!(ArtifactLocation);
locate!(ArtifactPaths);
