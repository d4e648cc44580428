//! Where artifacts lie: their locations and their paths.

use argosy_api::paths::clean_artifact_path;
use argosy_api::{Artifact, ArtifactLocation, GitArtifact, HdfsArtifact, TemplateType};

use super::fault::Finding;
use super::shape::is_leaf;

/// That the location of an input or output artifact is complete. `prefix` is how Argo names the
/// artifact.
pub(super) fn check_artifact_location(
    prefix: &str,
    path: &str,
    artifact: &Artifact,
    findings: &mut Vec<Finding>,
) {
    check_location(
        prefix,
        path,
        artifact.git.as_deref(),
        artifact.hdfs.as_deref(),
        findings,
    );
}

/// The same for `archiveLocation`.
pub(super) fn check_archive_location(
    prefix: &str,
    location: &ArtifactLocation,
    findings: &mut Vec<Finding>,
) {
    check_location(
        prefix,
        "archiveLocation",
        location.git.as_deref(),
        location.hdfs.as_deref(),
        findings,
    );
}

fn check_location(
    prefix: &str,
    path: &str,
    git: Option<&GitArtifact>,
    hdfs: Option<&HdfsArtifact>,
    findings: &mut Vec<Finding>,
) {
    if git.is_some_and(|git| git.repo.is_empty()) {
        findings.push(Finding::error(
            "artifact-location",
            format!("{path}.git.repo"),
            format!("{prefix}.git.repo is required"),
        ));
    }
    if let Some((field, message)) =
        hdfs.and_then(|hdfs| hdfs_error(&format!("{prefix}.hdfs"), hdfs))
    {
        findings.push(Finding::error(
            "artifact-location",
            format!("{path}.hdfs.{field}"),
            message,
        ));
    }
}

fn hdfs_error(prefix: &str, hdfs: &HdfsArtifact) -> Option<(&'static str, String)> {
    let by_cache = hdfs.krb_c_cache_secret.is_some();
    let by_keytab = hdfs.krb_keytab_secret.is_some();
    let no_service =
        hdfs.krb_service_principal_name.is_empty() || hdfs.krb_config_config_map.is_none();
    if hdfs.addresses.is_empty() {
        return Some(("addresses", format!("{prefix}.addresses is required")));
    }
    if hdfs.path.is_empty() {
        return Some(("path", format!("{prefix}.path is required")));
    }
    if !hdfs.path.starts_with('/') {
        return Some((
            "path",
            format!("{prefix}.path must be a absolute file path"),
        ));
    }
    if hdfs.hdfs_user.is_empty() && !by_cache && !by_keytab {
        return Some((
            "hdfsUser",
            format!(
                "either {prefix}.hdfsUser, {prefix}.krbCCacheSecret or {prefix}.krbKeytabSecret is required"
            ),
        ));
    }
    if by_keytab && (no_service || hdfs.krb_username.is_empty() || hdfs.krb_realm.is_empty()) {
        return Some((
            "krbKeytabSecret",
            format!(
                "{prefix}.krbServicePrincipalName, {prefix}.krbConfigConfigMap, {prefix}.krbUsername and {prefix}.krbRealm are required with {prefix}.krbKeytabSecret"
            ),
        ));
    }
    if by_cache && no_service {
        return Some((
            "krbCCacheSecret",
            format!(
                "{prefix}.krbServicePrincipalName and {prefix}.krbConfigConfigMap are required with {prefix}.krbCCacheSecret"
            ),
        ));
    }
    None
}

/// What is wrong with the path of an artifact, which Argo knows as `prefix`, in a template of this
/// type.
pub(super) fn path_error(
    kind: TemplateType,
    prefix: &str,
    name: &str,
    path: &str,
) -> Option<String> {
    if is_leaf(kind) {
        let error = clean_artifact_path(name, path).err()?;
        Some(format!("error in {prefix}: {error}"))
    } else {
        (!path.is_empty())
            .then(|| format!("{prefix}.path only valid in container/script templates"))
    }
}
