//! Where artifacts lie: their locations and their paths.

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
        unclean(name, path).map(|error| format!("error in {prefix}: {error}"))
    } else {
        (!path.is_empty())
            .then(|| format!("{prefix}.path only valid in container/script templates"))
    }
}

/// Why a path can't be used. Argo: `Artifact.CleanPath`.
fn unclean(name: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(format!("Artifact '{name}' did not specify a path"));
    }
    let safe = match path.find("/../") {
        Some(at) => &path[..at],
        None if ends_in_two_after_slash(path) => &path[..path.len() - last_three_bytes(path)],
        None => "",
    };
    if safe.is_empty() {
        return None;
    }
    let inside = clean(path);
    let safe = format!("{safe}/");
    if inside.starts_with(&safe) && inside.len() > safe.len() {
        return None;
    }
    Some(format!(
        "Artifact '{name}' attempted to use a path containing '..'. Directory traversal is not permitted"
    ))
}

/// Argo looks for a final `/..` with a pattern in which a dot stands for any character.
fn ends_in_two_after_slash(path: &str) -> bool {
    let mut last = path.chars().rev();
    matches!((last.next(), last.next(), last.next()),
        (Some(a), Some(b), Some('/')) if a != '\n' && b != '\n')
}

fn last_three_bytes(path: &str) -> usize {
    path.chars().rev().take(3).map(char::len_utf8).sum()
}

/// The shortest path that means the same. Go: `filepath.Clean`.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, unclean};

    #[test]
    fn cleans_paths() {
        for (path, expected) in [
            ("/a/b/../c", "/a/c"),
            ("a/..", "."),
            ("../a", "../a"),
            ("/../a", "/a"),
            ("/a//b/./", "/a/b"),
            ("a/b", "a/b"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn refuses_to_leave_a_directory() {
        for (path, refused) in [
            ("/tmp/safe/x", false),
            ("/tmp/safe/../x", true),
            ("/tmp/safe/..", true),
            ("/tmp/safe/a/../b", true),
            ("/tmp/safe/ab", false),
            ("/../x", false),
            ("", true),
        ] {
            assert_eq!(unclean("a", path).is_some(), refused, "{path}");
        }
    }
}
