//! Paths as Argo, that is Go, cleans them.

use crate::Artifact;

/// The shortest path that means the same. Go: `path.Clean`.
pub fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            _ => parts.push(part),
        }
    }
    match (is_rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Two paths with a slash in between, cleaned. Go: `path.Join`.
pub fn join(base: &str, name: &str) -> String {
    match (base.is_empty(), name.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(name),
        (false, true) => clean(base),
        (false, false) => clean(&format!("{base}/{name}")),
    }
}

/// Why an artifact's path can't be used, in Argo's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactPathError {
    /// There is none.
    #[error("Artifact '{0}' did not specify a path")]
    Missing(String),
    /// It leaves the folder that it began in.
    #[error(
        "Artifact '{0}' attempted to use a path containing '..'. Directory traversal is not permitted"
    )]
    Traversal(String),
}

impl Artifact {
    /// The artifact's path, cleaned. What stands before the first `..` is taken for what the author
    /// meant, and what follows for what a parameter may have brought in: the path must not leave
    /// that beginning. Argo: `CleanPath`.
    ///
    /// # Errors
    /// If there is no path, or it leaves its beginning.
    pub fn clean_path(&self) -> Result<String, ArtifactPathError> {
        clean_artifact_path(&self.name, &self.path)
    }
}

/// The same for an artifact of this name whose path is this one.
///
/// # Errors
/// If there is no path, or it leaves its beginning.
pub fn clean_artifact_path(name: &str, path: &str) -> Result<String, ArtifactPathError> {
    if path.is_empty() {
        return Err(ArtifactPathError::Missing(name.to_owned()));
    }
    let beginning = match path.split_once("/../") {
        Some((before, _)) => before,
        None => without_two_after_slash(path).unwrap_or_default(),
    };
    let cleaned = clean(path);
    let inside = cleaned.strip_prefix(&format!("{beginning}/"));
    if !beginning.is_empty() && inside.is_none_or(str::is_empty) {
        return Err(ArtifactPathError::Traversal(name.to_owned()));
    }
    Ok(cleaned)
}

/// What stands before a final `/..`. Argo looks for it with a pattern in which a dot stands for any
/// character.
fn without_two_after_slash(path: &str) -> Option<&str> {
    let mut last = path.char_indices().rev();
    let two = [last.next()?.1, last.next()?.1];
    match last.next()? {
        (at, '/') if !two.contains(&'\n') => Some(&path[..at]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_by_go() {
        for (path, expected) in [
            ("/a/b/../c", "/a/c"),
            ("a/..", "."),
            ("", "."),
            ("../a", "../a"),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("/a//b/./", "/a/b"),
            ("a/b", "a/b"),
            ("/", "/"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_joined_as_by_go() {
        for (base, name, expected) in [
            ("", "", ""),
            ("", "a/", "a"),
            ("a/", "", "a"),
            ("a", "../b", "b"),
            ("/a", "/b", "/a/b"),
        ] {
            assert_eq!(join(base, name), expected, "{base} {name}");
        }
    }

    #[test]
    fn an_artifact_stays_in_the_folder_that_it_began_in() {
        for (path, expected) in [
            ("/tmp/x", Some("/tmp/x")),
            ("/tmp//name/", Some("/tmp/name")),
            ("/tmp/./x", Some("/tmp/x")),
            ("/tmp/safe/ab", Some("/tmp/safe/ab")),
            ("/tmp/safe/../other", None),
            ("/tmp/safe/../safe/x", Some("/tmp/safe/x")),
            ("/tmp/safe/../safe", None),
            ("/tmp/safe/a/../b", None),
            ("/tmp/safe/..", None),
            // As in Argo, whose pattern takes the last two letters for dots.
            ("/tmp/./ab", None),
            ("/tmp//x/", None),
            ("/../x", Some("/x")),
            ("../x", Some("../x")),
            ("x", Some("x")),
            ("", None),
        ] {
            let found = clean_artifact_path("a", path).ok();
            assert_eq!(found.as_deref(), expected, "{path:?}");
        }
    }
}
