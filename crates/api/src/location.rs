//! Which store an artifact is in, and whether that is said in full.

use std::ops::Range;

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

/// The path of a URL, or of a text that is no more than the path of one: a repository of such a kind
/// gives its artifacts keys only.
fn url_path(url: &str) -> &str {
    &url[url_path_range(url)]
}

fn url_path_range(url: &str) -> Range<usize> {
    let start = match url.find("://") {
        Some(scheme) => url[scheme + 3..]
            .find(['/', '?', '#'])
            .map_or(url.len(), |at| scheme + 3 + at),
        None => 0,
    };
    let end = url[start..]
        .find(['?', '#'])
        .map_or(url.len(), |at| start + at);
    start..end
}

fn with_url_path(url: &str, path: &str) -> String {
    let range = url_path_range(url);
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{}{slash}{path}{}", &url[..range.start], &url[range.end..])
}

impl From<&Artifact> for ArtifactLocation {
    fn from(artifact: &Artifact) -> Self {
        Self {
            archive_logs: artifact.archive_logs,
            s3: artifact.s3.clone(),
            git: artifact.git.clone(),
            http: artifact.http.clone(),
            artifactory: artifact.artifactory.clone(),
            hdfs: artifact.hdfs.clone(),
            raw: artifact.raw.clone(),
            oss: artifact.oss.clone(),
            gcs: artifact.gcs.clone(),
            azure: artifact.azure.clone(),
            plugin: artifact.plugin.clone(),
        }
    }
}

impl Artifact {
    /// Puts a location into the artifact, in place of the one that it has.
    pub fn set_location(&mut self, location: ArtifactLocation) {
        self.archive_logs = location.archive_logs;
        self.s3 = location.s3;
        self.git = location.git;
        self.http = location.http;
        self.artifactory = location.artifactory;
        self.hdfs = location.hdfs;
        self.raw = location.raw;
        self.oss = location.oss;
        self.gcs = location.gcs;
        self.azure = location.azure;
        self.plugin = location.plugin;
    }
}

impl ArtifactLocation {
    /// The same place but for the key; `None` for a store without keys. Argo: `SetKey`.
    pub fn with_key(&self, key: String) -> Option<Self> {
        let mut location = self.clone();
        match self.store()? {
            Store::Artifactory(store) => {
                location.artifactory.as_deref_mut()?.url = with_url_path(&store.url, &key);
            }
            Store::Azure(_) => location.azure.as_deref_mut()?.blob = key,
            Store::Gcs(_) => location.gcs.as_deref_mut()?.key = key,
            Store::Hdfs(_) => location.hdfs.as_deref_mut()?.path = key,
            Store::Http(store) => {
                location.http.as_deref_mut()?.url = with_url_path(&store.url, &key);
            }
            Store::Oss(_) => location.oss.as_deref_mut()?.key = key,
            Store::S3(_) => location.s3.as_deref_mut()?.key = key,
            Store::Plugin(_) => location.plugin.as_deref_mut()?.key = key,
            Store::Git(_) | Store::Raw(_) => return None,
        }
        Some(location)
    }
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

            /// The key in the store; `None` where there is none, or an empty one.
            pub fn key(&self) -> Option<&str> {
                self.store()?.key().filter(|key| !key.is_empty())
            }

            /// Whether it is said where it lies, or at least under which key. Argo:
            /// `HasLocationOrKey`.
            pub fn has_location_or_key(&self) -> bool {
                self.has_location() || self.key().is_some()
            }

            /// Names a store of this kind, with a key in it and nothing else. Git and raw have no
            /// keys: nothing changes. Argo: `SetType` and `SetKey`.
            pub fn set_key_in(&mut self, like: Store<'_>, key: String) {
                match like {
                    Store::Artifactory(_) => {
                        self.artifactory = Some(Box::new(ArtifactoryArtifact {
                            url: key,
                            ..ArtifactoryArtifact::default()
                        }));
                    }
                    Store::Azure(_) => {
                        self.azure = Some(Box::new(AzureArtifact {
                            blob: key,
                            ..AzureArtifact::default()
                        }));
                    }
                    Store::Gcs(_) => {
                        self.gcs = Some(Box::new(GcsArtifact {
                            key,
                            ..GcsArtifact::default()
                        }));
                    }
                    Store::Hdfs(_) => {
                        self.hdfs = Some(Box::new(HdfsArtifact {
                            path: key,
                            ..HdfsArtifact::default()
                        }));
                    }
                    Store::Http(_) => {
                        self.http = Some(Box::new(HttpArtifact {
                            url: key,
                            ..HttpArtifact::default()
                        }));
                    }
                    Store::Oss(_) => {
                        self.oss = Some(Box::new(OssArtifact {
                            key,
                            ..OssArtifact::default()
                        }));
                    }
                    Store::S3(_) => {
                        self.s3 = Some(Box::new(S3Artifact {
                            key,
                            ..S3Artifact::default()
                        }));
                    }
                    Store::Plugin(_) => {
                        self.plugin = Some(Box::new(PluginArtifact {
                            key,
                            ..PluginArtifact::default()
                        }));
                    }
                    Store::Git(_) | Store::Raw(_) => {}
                }
            }
        }
    };
}

locate!(Artifact);
locate!(ArtifactLocation);
locate!(ArtifactPaths);
