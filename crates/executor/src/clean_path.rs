//! The path that an artifact says. Argo: `Artifact.CleanPath`.

use std::path::{Component, Path, PathBuf};

use argosy_api::Artifact;

use crate::ExecutorError;

/// The artifact's path without `.`, `..` and doubled slashes. What stands before the first `..` is
/// taken for what the author meant, and what follows for what a parameter may have brought in: the
/// path must not leave that beginning.
pub(crate) fn clean(artifact: &Artifact) -> Result<String, ExecutorError> {
    let path = &artifact.path;
    if path.is_empty() {
        return Err(ExecutorError::NoPath(artifact.name.clone()));
    }
    let cleaned = lexically(Path::new(path)).to_string_lossy().into_owned();
    let beginning = match path.find("/../") {
        Some(at) => &path[..at],
        None => path.strip_suffix("/..").unwrap_or_default(),
    };
    let inside = cleaned.strip_prefix(&format!("{beginning}/"));
    if !beginning.is_empty() && inside.is_none_or(str::is_empty) {
        return Err(ExecutorError::Traversal(artifact.name.clone()));
    }
    Ok(cleaned)
}

/// As Go's `path.Clean`.
pub(crate) fn lexically(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir) => {}
                _ => clean.push(".."),
            },
            part => clean.push(part),
        }
    }
    if clean.as_os_str().is_empty() {
        clean.push(".");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_argo_does() {
        for (path, expected) in [
            ("/tmp/x", Some("/tmp/x")),
            ("/tmp//x/", Some("/tmp/x")),
            ("/tmp/./x", Some("/tmp/x")),
            ("/tmp/safe/../other", None),
            ("/tmp/safe/../safe/x", Some("/tmp/safe/x")),
            ("/tmp/safe/../safe", None),
            ("/tmp/safe/..", None),
            ("/../x", Some("/x")),
            ("../x", Some("../x")),
            ("x", Some("x")),
            ("", None),
        ] {
            let artifact = Artifact {
                path: path.to_owned(),
                ..Artifact::default()
            };
            assert_eq!(clean(&artifact).ok().as_deref(), expected, "{path:?}");
        }
    }
}
