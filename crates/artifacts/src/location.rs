//! What an artifact's location says. Argo: the methods of `ArtifactLocation`.
//!
//! A location is whole (it names a server, a bucket and so on) or has a key only; the rest of one
//! with a key only is the artifact repository's.

use argosy_api::{Artifact, ArtifactLocation, Store};

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

impl From<Store<'_>> for StoreKind {
    fn from(store: Store<'_>) -> Self {
        match store {
            Store::Artifactory(_) => Self::Artifactory,
            Store::Azure(_) => Self::Azure,
            Store::Git(_) => Self::Git,
            Store::Gcs(_) => Self::Gcs,
            Store::Hdfs(_) => Self::Hdfs,
            Store::Http(_) => Self::Http,
            Store::Oss(_) => Self::Oss,
            Store::Raw(_) => Self::Raw,
            Store::S3(_) => Self::S3,
            Store::Plugin(_) => Self::Plugin,
        }
    }
}

/// Whether a location is whole: it can be reached without the repository's help.
pub fn is_whole(store: Store<'_>) -> bool {
    match store {
        // A repository of this kind gives its artifacts a URL that is no more than a path.
        Store::Http(http) => http.url.contains("://"),
        store => store.has_location(),
    }
}

/// Whether an artifact says where it lies, by itself or within a repository.
pub fn is_supplied(artifact: &Artifact) -> bool {
    artifact.store().is_some_and(is_whole) || artifact.key().is_some()
}

/// The artifact with its whole location, as far as `archive` (a template's `archiveLocation`) has
/// what it lacks. Where `archive` is no more than a key, the artifact keeps its own key, which
/// then is one of the default repository. Argo: `Relocate`.
pub fn relocated(artifact: &Artifact, archive: Option<&ArtifactLocation>) -> Artifact {
    let mut moved = artifact.clone();
    if let (Some(key), Some(archive)) = (artifact.key(), archive)
        && !artifact.store().is_some_and(is_whole)
        && archive.store().is_some_and(is_whole)
        && let Some(mut location) = archive.with_key(key.to_owned())
    {
        location.archive_logs = artifact.archive_logs;
        moved.set_location(location);
    }
    moved
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
            let artifact = read(json);
            let store = artifact.store();
            assert_eq!(store.map(StoreKind::from), expected_store, "{json}");
            assert_eq!(artifact.key(), expected_key, "{json}");
            assert_eq!(store.is_some_and(is_whole), whole, "{json}");
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
            let archive = ArtifactLocation::from(&read(archive));
            assert_eq!(
                relocated(&read(artifact), Some(&archive)),
                read(expected),
                "{artifact}"
            );
        }
    }
}
