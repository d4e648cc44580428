//! Keys: where an artifact lies inside a repository.

use std::path::{Path, PathBuf};

use argosy_api::Artifact;

use crate::{ArtifactError, Attempt};

/// The longest name of a file that common file systems take.
const MAX_NAME: usize = 255;
/// The longest key that S3 takes.
const MAX_KEY: usize = 1_024;

/// The name in the repository's root that belongs to the repository itself.
pub(crate) const RESERVED: &str = ".incoming";

/// The path that an artifact's key stands for, relative to the repository. Empty parts and `.` are
/// left out, so `/a//b/` is `a/b`.
pub(crate) fn path_of(attempt: Attempt, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
    let Some(key) = artifact.key() else {
        return Err(ArtifactError::NoLocation {
            attempt,
            artifact: artifact.name.clone(),
        });
    };
    parse(key).map_err(|reason| ArtifactError::BadKey {
        attempt,
        artifact: artifact.name.clone(),
        key: key.to_owned(),
        reason,
    })
}

fn parse(key: &str) -> Result<PathBuf, &'static str> {
    if key.len() > MAX_KEY {
        return Err("is longer than 1,024 bytes; shorten it");
    }
    if key.contains('\0') {
        return Err("holds a NUL byte; leave it out");
    }
    let mut path = PathBuf::new();
    for part in key
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        if part == ".." {
            return Err("leads out of its folder by '..'; leave it out");
        }
        if part.len() > MAX_NAME {
            return Err("has a part that is longer than 255 bytes; shorten it");
        }
        path.push(part);
    }
    if path.as_os_str().is_empty() {
        return Err("names no file; add one");
    }
    if path.starts_with(Path::new(RESERVED)) {
        return Err(
            "begins with '.incoming', which the repository keeps for itself; choose another",
        );
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::path::Path;

    #[test]
    fn keys_stay_inside() {
        let long = "x".repeat(256);
        for key in [
            "",
            "/",
            ".",
            "..",
            "../x",
            "a/..",
            "a/../../x",
            "/..",
            "a\0b",
            ".incoming/x",
            "./.incoming",
            &long,
        ] {
            assert!(parse(key).is_err(), "{key:?}");
        }
        for (key, path) in [
            ("a", "a"),
            ("wf/pod/name.tgz", "wf/pod/name.tgz"),
            ("/a//./b/", "a/b"),
            ("..a/b..", "..a/b.."),
            ("a/.incoming", "a/.incoming"),
            ("日本/x y", "日本/x y"),
        ] {
            assert_eq!(parse(key).as_deref(), Ok(Path::new(path)), "{key:?}");
        }
    }
}
