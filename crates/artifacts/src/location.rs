//! What an artifact's location says. Argo: the methods of `ArtifactLocation`.
//!
//! A location is whole (it names a server, a bucket and so on) or has a key only; the rest of one
//! with a key only is the artifact repository's.

use argosy_api::*;

/// The kinds of stores that a location can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// `artifactory`.
    Artifactory,
    /// `azure`.
    Azure,
    /// `git`.
    Git,
    /// `gcs`.
    Gcs,
    /// `hdfs`.
    Hdfs,
    /// `http`, which includes https.
    Http,
    /// `oss`.
    Oss,
    /// `raw`.
    Raw,
    /// `s3`.
    S3,
    /// `plugin`.
    Plugin,
    /// The repository that keys are relative to.
    Repository,
}

impl std::fmt::Display for StoreKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Artifactory => "Artifactory",
            Self::Azure => "Azure Blob Storage",
            Self::Git => "git",
            Self::Gcs => "Google Cloud Storage",
            Self::Hdfs => "HDFS",
            Self::Http => "HTTP",
            Self::Oss => "Alibaba Cloud OSS",
            Self::Raw => "raw data",
            Self::S3 => "S3",
            Self::Plugin => "an artifact plugin",
            Self::Repository => "the artifact repository",
        })
    }
}

/// The location that stands in an artifact.
pub fn of(artifact: &Artifact) -> ArtifactLocation {
    ArtifactLocation {
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

/// Puts a location into an artifact, in place of the one that it has.
pub fn put(artifact: &mut Artifact, location: ArtifactLocation) {
    artifact.archive_logs = location.archive_logs;
    artifact.s3 = location.s3;
    artifact.git = location.git;
    artifact.http = location.http;
    artifact.artifactory = location.artifactory;
    artifact.hdfs = location.hdfs;
    artifact.raw = location.raw;
    artifact.oss = location.oss;
    artifact.gcs = location.gcs;
    artifact.azure = location.azure;
    artifact.plugin = location.plugin;
}

/// The store that a location names: the first of several in Argo's order.
pub fn store(location: &ArtifactLocation) -> Option<StoreKind> {
    let named = [
        (location.artifactory.is_some(), StoreKind::Artifactory),
        (location.azure.is_some(), StoreKind::Azure),
        (location.git.is_some(), StoreKind::Git),
        (location.gcs.is_some(), StoreKind::Gcs),
        (location.hdfs.is_some(), StoreKind::Hdfs),
        (location.http.is_some(), StoreKind::Http),
        (location.oss.is_some(), StoreKind::Oss),
        (location.raw.is_some(), StoreKind::Raw),
        (location.s3.is_some(), StoreKind::S3),
        (location.plugin.is_some(), StoreKind::Plugin),
    ];
    named.into_iter().find(|(is, _)| *is).map(|(_, kind)| kind)
}

/// Whether a location is whole: it can be reached without the repository's help.
pub fn is_whole(location: &ArtifactLocation) -> bool {
    let all = |parts: &[&str]| parts.iter().all(|part| !part.is_empty());
    let l = location;
    match store(location) {
        None | Some(StoreKind::Repository) => false,
        Some(StoreKind::Raw) => true,
        Some(StoreKind::Artifactory) => l
            .artifactory
            .as_deref()
            .is_some_and(|a| all(&[&a.url]) && a.username_secret.is_some()),
        Some(StoreKind::Azure) => l
            .azure
            .as_deref()
            .is_some_and(|a| all(&[&a.endpoint, &a.container, &a.blob])),
        Some(StoreKind::Git) => l.git.as_deref().is_some_and(|g| all(&[&g.repo])),
        Some(StoreKind::Gcs) => l.gcs.as_deref().is_some_and(|g| all(&[&g.bucket, &g.key])),
        Some(StoreKind::Hdfs) => l.hdfs.as_deref().is_some_and(|h| !h.addresses.is_empty()),
        // A repository of this kind gives its artifacts a URL that is no more than a path.
        Some(StoreKind::Http) => l.http.as_deref().is_some_and(|h| h.url.contains("://")),
        Some(StoreKind::Oss) => l
            .oss
            .as_deref()
            .is_some_and(|o| all(&[&o.bucket, &o.endpoint, &o.key])),
        Some(StoreKind::S3) => {
            l.s3.as_deref()
                .is_some_and(|s| all(&[&s.endpoint, &s.bucket, &s.key]))
        }
        Some(StoreKind::Plugin) => l
            .plugin
            .as_deref()
            .is_some_and(|p| all(&[&p.name, &p.configuration, &p.key])),
    }
}

/// The key of a location; `None` where it has none, or an empty one.
pub fn key(location: &ArtifactLocation) -> Option<String> {
    let l = location;
    let key = match store(location)? {
        StoreKind::Artifactory => url_path(&l.artifactory.as_deref()?.url).to_owned(),
        StoreKind::Azure => l.azure.as_deref()?.blob.clone(),
        StoreKind::Gcs => l.gcs.as_deref()?.key.clone(),
        StoreKind::Hdfs => l.hdfs.as_deref()?.path.clone(),
        StoreKind::Http => url_path(&l.http.as_deref()?.url).to_owned(),
        StoreKind::Oss => l.oss.as_deref()?.key.clone(),
        StoreKind::S3 => l.s3.as_deref()?.key.clone(),
        StoreKind::Plugin => l.plugin.as_deref()?.key.clone(),
        StoreKind::Git | StoreKind::Raw | StoreKind::Repository => return None,
    };
    (!key.is_empty()).then_some(key)
}

/// A location of the same kind with another key and nothing else: what stands in the status of a
/// node, where the rest is the repository's. A location without a kind gives `s3`, under which
/// clients know keys. `None` for kinds that have no key.
pub fn with_key_only(like: &ArtifactLocation, key: String) -> Option<ArtifactLocation> {
    let mut location = ArtifactLocation::default();
    match store(like) {
        None | Some(StoreKind::S3 | StoreKind::Repository) => {
            location.s3 = Some(Box::new(S3Artifact {
                key,
                ..S3Artifact::default()
            }));
        }
        Some(StoreKind::Artifactory) => {
            location.artifactory = Some(Box::new(ArtifactoryArtifact {
                url: key,
                ..ArtifactoryArtifact::default()
            }));
        }
        Some(StoreKind::Azure) => {
            location.azure = Some(Box::new(AzureArtifact {
                blob: key,
                ..AzureArtifact::default()
            }));
        }
        Some(StoreKind::Gcs) => {
            location.gcs = Some(Box::new(GcsArtifact {
                key,
                ..GcsArtifact::default()
            }));
        }
        Some(StoreKind::Hdfs) => {
            location.hdfs = Some(Box::new(HdfsArtifact {
                path: key,
                ..HdfsArtifact::default()
            }));
        }
        Some(StoreKind::Http) => {
            location.http = Some(Box::new(HttpArtifact {
                url: key,
                ..HttpArtifact::default()
            }));
        }
        Some(StoreKind::Oss) => {
            location.oss = Some(Box::new(OssArtifact {
                key,
                ..OssArtifact::default()
            }));
        }
        Some(StoreKind::Plugin) => {
            location.plugin = Some(Box::new(PluginArtifact {
                key,
                ..PluginArtifact::default()
            }));
        }
        Some(StoreKind::Git | StoreKind::Raw) => return None,
    }
    Some(location)
}

/// The artifact with its whole location, as far as `archive` (a template's `archiveLocation`) has
/// what it lacks. Where `archive` is no more than a key, the artifact keeps its own key, which
/// then is one of the default repository. Argo: `Relocate`.
pub fn relocated(artifact: &Artifact, archive: Option<&ArtifactLocation>) -> Artifact {
    let mut moved = artifact.clone();
    let own = of(artifact);
    if let (false, Some(key), Some(archive)) = (is_whole(&own), key(&own), archive)
        && is_whole(archive)
        && let Some(mut location) = with_key(archive, key)
    {
        location.archive_logs = own.archive_logs;
        put(&mut moved, location);
    }
    moved
}

fn with_key(location: &ArtifactLocation, key: String) -> Option<ArtifactLocation> {
    let mut l = location.clone();
    match store(location)? {
        StoreKind::Artifactory => {
            l.artifactory.as_deref_mut()?.url =
                with_url_path(&location.artifactory.as_deref()?.url, &key)
        }
        StoreKind::Azure => l.azure.as_deref_mut()?.blob = key,
        StoreKind::Gcs => l.gcs.as_deref_mut()?.key = key,
        StoreKind::Hdfs => l.hdfs.as_deref_mut()?.path = key,
        StoreKind::Http => {
            l.http.as_deref_mut()?.url = with_url_path(&location.http.as_deref()?.url, &key)
        }
        StoreKind::Oss => l.oss.as_deref_mut()?.key = key,
        StoreKind::S3 => l.s3.as_deref_mut()?.key = key,
        StoreKind::Plugin => l.plugin.as_deref_mut()?.key = key,
        StoreKind::Git | StoreKind::Raw | StoreKind::Repository => return None,
    }
    Some(l)
}

/// Where the path of a URL begins and ends.
fn path_range(url: &str) -> std::ops::Range<usize> {
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

fn url_path(url: &str) -> &str {
    &url[path_range(url)]
}

fn with_url_path(url: &str, path: &str) -> String {
    let range = path_range(url);
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{}{slash}{path}{}", &url[..range.start], &url[range.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Artifact {
        serde_json::from_str(json).expect("the table's JSON is valid")
    }

    #[test]
    fn locations_say_their_store_key_and_wholeness() {
        let table = [
            (r#"{}"#, None, None, false),
            (
                r#"{"s3":{"key":"a/b"}}"#,
                Some(StoreKind::S3),
                Some("a/b"),
                false,
            ),
            (
                r#"{"s3":{"key":"a","bucket":"x"}}"#,
                Some(StoreKind::S3),
                Some("a"),
                false,
            ),
            (
                r#"{"s3":{"key":"a","bucket":"x","endpoint":"e"}}"#,
                Some(StoreKind::S3),
                Some("a"),
                true,
            ),
            (
                r#"{"s3":{"bucket":"x","endpoint":"e"}}"#,
                Some(StoreKind::S3),
                None,
                false,
            ),
            (r#"{"raw":{"data":""}}"#, Some(StoreKind::Raw), None, true),
            (
                r#"{"http":{"url":"http://h/p/q?x#y"}}"#,
                Some(StoreKind::Http),
                Some("/p/q"),
                true,
            ),
            (
                r#"{"http":{"url":"http://h"}}"#,
                Some(StoreKind::Http),
                None,
                true,
            ),
            (r#"{"git":{"repo":"r"}}"#, Some(StoreKind::Git), None, true),
            (
                r#"{"gcs":{"key":"k"}}"#,
                Some(StoreKind::Gcs),
                Some("k"),
                false,
            ),
            (
                r#"{"gcs":{"key":"k","bucket":"b"}}"#,
                Some(StoreKind::Gcs),
                Some("k"),
                true,
            ),
            (
                r#"{"hdfs":{"path":"/p"}}"#,
                Some(StoreKind::Hdfs),
                Some("/p"),
                false,
            ),
            (
                r#"{"azure":{"blob":"b"}}"#,
                Some(StoreKind::Azure),
                Some("b"),
                false,
            ),
            (
                r#"{"oss":{"key":"k"}}"#,
                Some(StoreKind::Oss),
                Some("k"),
                false,
            ),
            (
                r#"{"plugin":{"key":"k"}}"#,
                Some(StoreKind::Plugin),
                Some("k"),
                false,
            ),
        ];
        for (json, expected_store, expected_key, whole) in table {
            let location = of(&read(json));
            assert_eq!(store(&location), expected_store, "{json}");
            assert_eq!(key(&location).as_deref(), expected_key, "{json}");
            assert_eq!(is_whole(&location), whole, "{json}");
        }
    }

    #[test]
    fn what_a_location_lacks_comes_from_the_archive_location() {
        let whole = r#"{"s3":{"endpoint":"e","bucket":"b","key":"base"}}"#;
        let table = [
            (
                r#"{"s3":{"key":"k"}}"#,
                whole,
                r#"{"s3":{"endpoint":"e","bucket":"b","key":"k"}}"#,
            ),
            (
                r#"{"gcs":{"key":"k"}}"#,
                whole,
                r#"{"s3":{"endpoint":"e","bucket":"b","key":"k"}}"#,
            ),
            (r#"{"raw":{"data":"x"}}"#, whole, r#"{"raw":{"data":"x"}}"#),
            (
                r#"{"s3":{"key":"k"}}"#,
                r#"{"s3":{"key":"base"}}"#,
                r#"{"s3":{"key":"k"}}"#,
            ),
            (
                r#"{"s3":{"key":"k"}}"#,
                r#"{"http":{"url":"http://h/base?q"}}"#,
                r#"{"http":{"url":"http://h/k?q"}}"#,
            ),
        ];
        for (artifact, archive, expected) in table {
            let archive = of(&read(archive));
            assert_eq!(
                relocated(&read(artifact), Some(&archive)),
                read(expected),
                "{artifact}"
            );
        }
    }
}
