//! Where artifacts go: the archive location of a template, and the keys of its outputs.

use argosy_api::*;

use super::LowerInput;
use super::layout::archives_logs;

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
            paths::join(&r.key_prefix, DEFAULT_KEY_FORMAT)
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
    if own.is_some_and(ArtifactLocation::has_location) {
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
    if !archive_logs && artifacts.all(Artifact::has_location) {
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
        let logs: Vec<Artifact> = template.main_containers().map(log_artifact).collect();
        template.outputs.artifacts.extend(logs);
    }
    let Some(store) = archive.store() else {
        return;
    };
    let Some(directory) = store.key() else {
        return;
    };
    for artifact in &mut template.outputs.artifacts {
        if artifact.key().is_some() {
            continue;
        }
        let key = paths::join(directory, &file_name(artifact));
        artifact.set_key_in(store, key);
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
        Some(strategy) if strategy.none.is_some() => last_part(&artifact.path).to_owned(),
        Some(strategy) if strategy.zip.is_some() => format!("{}.zip", artifact.name),
        // An empty strategy packs nothing, except in a mounted volume.
        Some(strategy) if strategy.tar.is_none() => last_part(&artifact.path).to_owned(),
        Some(_) | None => format!("{}.tgz", artifact.name),
    }
}

/// The last part of a path.
fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or("")
}
