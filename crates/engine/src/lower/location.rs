//! Where artifacts go: the archive location of a template, and the keys of its outputs.

use argosy_api::*;

use super::LowerInput;
use super::layout::archives_logs;
use super::path;

/// What Argo calls the place of a step's artifacts unless told otherwise.
pub const DEFAULT_KEY_FORMAT: &str = "{{workflow.name}}/{{pod.name}}";

/// The artifact repository, as far as lowering needs to know it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArtifactRepositoryView {
    /// The place where a step's artifacts go. The key is the repository's key format; its tags are
    /// filled in when a step is lowered, or may have been before, as far as they are global.
    pub location: Option<ArtifactLocation>,
    /// Whether the logs of every step are kept.
    pub archive_logs: bool,
}

impl From<&ArtifactRepository> for ArtifactRepositoryView {
    fn from(repository: &ArtifactRepository) -> Self {
        Self {
            location: Some(to_location(repository)),
            archive_logs: repository.archive_logs == Some(true),
        }
    }
}

fn key_format(format: &str) -> String {
    if format.is_empty() {
        DEFAULT_KEY_FORMAT.to_owned()
    } else {
        format.to_owned()
    }
}

fn to_location(repository: &ArtifactRepository) -> ArtifactLocation {
    let mut location = ArtifactLocation {
        archive_logs: repository.archive_logs,
        ..ArtifactLocation::default()
    };
    let r = repository.clone();
    if let Some(r) = r.artifactory {
        let slash = if r.repo_url.ends_with('/') { "" } else { "/" };
        location.artifactory = Some(Box::new(ArtifactoryArtifact {
            url: format!("{}{slash}{}", r.repo_url, key_format(&r.key_format)),
            username_secret: r.username_secret,
            password_secret: r.password_secret,
        }));
    } else if let Some(r) = r.azure {
        location.azure = Some(Box::new(AzureArtifact {
            blob: key_format(&r.blob_name_format),
            endpoint: r.endpoint,
            container: r.container,
            account_key_secret: r.account_key_secret,
            use_sdk_creds: r.use_sdk_creds,
        }));
    } else if let Some(r) = r.gcs {
        location.gcs = Some(Box::new(GcsArtifact {
            key: key_format(&r.key_format),
            bucket: r.bucket,
            service_account_key_secret: r.service_account_key_secret,
        }));
    } else if let Some(r) = r.hdfs {
        location.hdfs = Some(Box::new(HdfsArtifact {
            path: key_format(&r.path_format),
            krb_c_cache_secret: r.krb_c_cache_secret,
            krb_keytab_secret: r.krb_keytab_secret,
            krb_username: r.krb_username,
            krb_realm: r.krb_realm,
            krb_config_config_map: r.krb_config_config_map,
            krb_service_principal_name: r.krb_service_principal_name,
            addresses: r.addresses,
            hdfs_user: r.hdfs_user,
            data_transfer_protection: r.data_transfer_protection,
            force: r.force,
        }));
    } else if let Some(r) = r.oss {
        location.oss = Some(Box::new(OssArtifact {
            key: key_format(&r.key_format),
            endpoint: r.endpoint,
            bucket: r.bucket,
            access_key_secret: r.access_key_secret,
            secret_key_secret: r.secret_key_secret,
            create_bucket_if_not_present: r.create_bucket_if_not_present,
            security_token: r.security_token,
            lifecycle_rule: r.lifecycle_rule,
            use_sdk_creds: r.use_sdk_creds,
        }));
    } else if let Some(r) = r.plugin {
        location.plugin = Some(Box::new(PluginArtifact {
            key: key_format(&r.key_format),
            name: r.name,
            configuration: r.configuration,
            connection_timeout_seconds: 0,
        }));
    } else if let Some(r) = r.s3 {
        location.s3 = Some(Box::new(s3_location(r)));
    }
    location
}

fn s3_location(r: S3ArtifactRepository) -> S3Artifact {
    S3Artifact {
        key: if r.key_format.is_empty() {
            path::join(&r.key_prefix, DEFAULT_KEY_FORMAT)
        } else {
            r.key_format
        },
        endpoint: r.endpoint,
        bucket: r.bucket,
        region: r.region,
        insecure: r.insecure,
        access_key_secret: r.access_key_secret,
        secret_key_secret: r.secret_key_secret,
        session_token_secret: r.session_token_secret,
        role_arn: r.role_arn,
        use_sdk_creds: r.use_sdk_creds,
        create_bucket_if_not_present: r.create_bucket_if_not_present,
        encryption_options: r.encryption_options,
        ca_secret: r.ca_secret,
        addressing_style: r.addressing_style,
    }
}

/// Gives a template the repository's location as its archive location, unless it has one of its
/// own or needs none.
pub(super) fn add_archive_location(template: &mut Template, input: &LowerInput) {
    let own = template.archive_location.as_deref();
    if own.is_some_and(has_location) {
        return;
    }
    let archive_logs = archives_logs(template, input.workflow, Some(input.repository));
    let listed = template.data.as_ref().and_then(|data| {
        // The fields of `artifactPaths` are those of an artifact.
        let paths = serde_json::to_value(data.source.artifact_paths.as_ref()?).ok()?;
        serde_json::from_value::<Artifact>(paths).ok()
    });
    let mut artifacts = template
        .inputs
        .artifacts
        .iter()
        .chain(&template.outputs.artifacts)
        .chain(&listed);
    if !archive_logs && artifacts.all(|artifact| has_location(&location_of(artifact))) {
        return;
    }
    template.archive_location = input.repository.location.clone().map(|mut location| {
        location.archive_logs = Some(archive_logs);
        Box::new(location)
    });
}

/// Gives each output artifact without a key the one under which it is saved, and adds the logs as
/// an artifact where they are kept. As in Argo only the key is set: the rest of the location is
/// the template's `archiveLocation`. An artifact that stands for logs has `archiveLogs` set, and no
/// path.
pub(super) fn add_output_keys(template: &mut Template) {
    let Some(archive) = template.archive_location.as_deref().cloned() else {
        return;
    };
    if archive.archive_logs == Some(true) {
        let names: Vec<String> = match &template.container_set {
            Some(set) => set.containers.iter().map(|c| c.name.clone()).collect(),
            None => vec![super::MAIN.to_owned()],
        };
        for name in names {
            template.outputs.artifacts.push(log_artifact(&name));
        }
    }
    let Some(directory) = key(&archive) else {
        return;
    };
    for artifact in &mut template.outputs.artifacts {
        if key(&location_of(artifact)).is_some_and(|key| !key.is_empty()) {
            continue;
        }
        let key = path::join(&directory, &file_name(artifact));
        place(artifact, &archive, key);
    }
}

fn log_artifact(container: &str) -> Artifact {
    Artifact {
        name: format!("{container}-logs"),
        archive_logs: Some(true),
        archive: Some(ArchiveStrategy {
            none: Some(NoneStrategy {}),
            ..ArchiveStrategy::default()
        }),
        ..Artifact::default()
    }
}

/// What the file of an artifact is called in the repository.
fn file_name(artifact: &Artifact) -> String {
    if artifact.archive_logs == Some(true) {
        let container = artifact.name.strip_suffix("-logs");
        return format!("{}.log", container.unwrap_or(&artifact.name));
    }
    match &artifact.archive {
        Some(strategy) if strategy.none.is_some() => path::base(&artifact.path).to_owned(),
        Some(strategy) if strategy.zip.is_some() => format!("{}.zip", artifact.name),
        // An empty strategy packs nothing, except in a mounted volume.
        Some(strategy) if strategy.tar.is_none() => path::base(&artifact.path).to_owned(),
        Some(_) | None => format!("{}.tgz", artifact.name),
    }
}

/// Puts an artifact under a key in a store of the same kind as the archive location's.
fn place(artifact: &mut Artifact, archive: &ArtifactLocation, key: String) {
    if archive.artifactory.is_some() {
        artifact.artifactory = Some(Box::new(ArtifactoryArtifact {
            url: key,
            ..ArtifactoryArtifact::default()
        }));
    } else if archive.azure.is_some() {
        artifact.azure = Some(Box::new(AzureArtifact {
            blob: key,
            ..AzureArtifact::default()
        }));
    } else if archive.gcs.is_some() {
        artifact.gcs = Some(Box::new(GcsArtifact {
            key,
            ..GcsArtifact::default()
        }));
    } else if archive.hdfs.is_some() {
        artifact.hdfs = Some(Box::new(HdfsArtifact {
            path: key,
            ..HdfsArtifact::default()
        }));
    } else if archive.http.is_some() {
        artifact.http = Some(Box::new(HttpArtifact {
            url: key,
            ..HttpArtifact::default()
        }));
    } else if archive.oss.is_some() {
        artifact.oss = Some(Box::new(OssArtifact {
            key,
            ..OssArtifact::default()
        }));
    } else if archive.s3.is_some() {
        artifact.s3 = Some(Box::new(S3Artifact {
            key,
            ..S3Artifact::default()
        }));
    } else if archive.plugin.is_some() {
        artifact.plugin = Some(Box::new(PluginArtifact {
            key,
            ..PluginArtifact::default()
        }));
    }
}

/// The location that an artifact carries in its own fields.
pub(super) fn location_of(artifact: &Artifact) -> ArtifactLocation {
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

/// Whether a location says everything that is needed to find the artifact. The order in which the
/// stores are looked at is Argo's.
pub(super) fn has_location(location: &ArtifactLocation) -> bool {
    if let Some(l) = &location.artifactory {
        !l.url.is_empty() && l.username_secret.is_some()
    } else if let Some(l) = &location.azure {
        !l.endpoint.is_empty() && !l.container.is_empty() && !l.blob.is_empty()
    } else if let Some(l) = &location.git {
        !l.repo.is_empty()
    } else if let Some(l) = &location.gcs {
        !l.bucket.is_empty() && !l.key.is_empty()
    } else if let Some(l) = &location.hdfs {
        !l.addresses.is_empty()
    } else if let Some(l) = &location.http {
        !l.url.is_empty()
    } else if let Some(l) = &location.oss {
        !l.bucket.is_empty() && !l.endpoint.is_empty() && !l.key.is_empty()
    } else if location.raw.is_some() {
        true
    } else if let Some(l) = &location.s3 {
        !l.endpoint.is_empty() && !l.bucket.is_empty() && !l.key.is_empty()
    } else if let Some(l) = &location.plugin {
        !l.name.is_empty() && !l.configuration.is_empty() && !l.key.is_empty()
    } else {
        false
    }
}

/// The key of a location; `None` if there is no store, or one without keys.
fn key(location: &ArtifactLocation) -> Option<String> {
    if let Some(l) = &location.artifactory {
        Some(url_path(&l.url))
    } else if let Some(l) = &location.azure {
        Some(l.blob.clone())
    } else if location.git.is_some() {
        None
    } else if let Some(l) = &location.gcs {
        Some(l.key.clone())
    } else if let Some(l) = &location.hdfs {
        Some(l.path.clone())
    } else if let Some(l) = &location.http {
        Some(url_path(&l.url))
    } else if let Some(l) = &location.oss {
        Some(l.key.clone())
    } else if location.raw.is_some() {
        None
    } else if let Some(l) = &location.s3 {
        Some(l.key.clone())
    } else {
        location.plugin.as_ref().map(|l| l.key.clone())
    }
}

/// The path of a URL, or of a URL that is only a path.
fn url_path(url: &str) -> String {
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => url,
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    rest[..end].to_owned()
}
