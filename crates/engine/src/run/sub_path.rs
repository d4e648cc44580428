//! A part of an artifact that is a folder: `subPath`. Argo: `ArtifactLocation.AppendToKey`.

use argosy_api::{Artifact, paths};

/// Goes down into an artifact that is a folder.
///
/// # Errors
/// Argo's, where the place has no key: git, raw texts, or none at all.
pub(super) fn append_to_key(artifact: &mut Artifact, sub_path: &str) -> Result<(), String> {
    let join = |key: &mut String| *key = paths::join(key, sub_path);
    if let Some(s3) = &mut artifact.s3 {
        join(&mut s3.key);
    } else if let Some(gcs) = &mut artifact.gcs {
        join(&mut gcs.key);
    } else if let Some(oss) = &mut artifact.oss {
        join(&mut oss.key);
    } else if let Some(azure) = &mut artifact.azure {
        join(&mut azure.blob);
    } else if let Some(hdfs) = &mut artifact.hdfs {
        join(&mut hdfs.path);
    } else if let Some(http) = &mut artifact.http {
        http.url = below(&http.url, sub_path);
    } else if let Some(artifactory) = &mut artifact.artifactory {
        artifactory.url = below(&artifactory.url, sub_path);
    } else if let Some(plugin) = &mut artifact.plugin {
        join(&mut plugin.key);
    } else if artifact.git.is_some() {
        return Err("key unsupported: git artifact does not have a key".to_owned());
    } else if artifact.raw.is_some() {
        // So written there.
        return Err("key unsupported: raw artifat does not have key".to_owned());
    } else {
        return Err("You need to configure artifact storage. More information on how to do this can be found in the docs: https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/".to_owned());
    }
    Ok(())
}

/// An address below another; what stands behind its path stays.
fn below(url: &str, sub_path: &str) -> String {
    let (address, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let host = address.find("://").map_or(0, |at| at + 3);
    let root = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    let (host, path) = address.split_at(root);
    let path = paths::join(path, sub_path);
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{host}{slash}{path}{rest}")
}

#[cfg(test)]
mod tests {
    use super::below;
    use argosy_api::paths;

    #[test]
    fn goes_below_keys_and_addresses() {
        for (key, sub_path, expected) in [
            ("/path/to/key", "some/subkey", "/path/to/key/some/subkey"),
            ("folder/", "a", "folder/a"),
            ("folder", "../other/./a", "other/a"),
            ("", "a", "a"),
            ("a", "", "a"),
        ] {
            assert_eq!(paths::join(key, sub_path), expected);
        }
        for (url, expected) in [
            ("https://example.com", "https://example.com/a/b"),
            ("https://example.com/", "https://example.com/a/b"),
            (
                "https://example.com/x?y=1#z",
                "https://example.com/x/a/b?y=1#z",
            ),
        ] {
            assert_eq!(below(url, "a/b"), expected);
        }
    }
}
