//! Paths as Go cleans them.

/// Joins two paths with a slash and cleans the result.
pub(crate) fn join(base: &str, name: &str) -> String {
    match (base.is_empty(), name.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(name),
        (false, true) => clean(base),
        (false, false) => clean(&format!("{base}/{name}")),
    }
}

/// Takes out empty parts and `.`, and resolves `..` where it can.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or("")
}

/// Checks an artifact's path as Argo does: what stands before the first `..` must not be left.
pub(super) fn check_artifact(name: &str, path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err(format!("Artifact '{name}' did not specify a path"));
    }
    let safe = path
        .split_once("/../")
        .map(|(before, _)| before)
        .or_else(|| path.strip_suffix("/.."))
        .unwrap_or("");
    let inside = |safe: &str| {
        let cleaned = clean(path);
        cleaned
            .strip_prefix(safe)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| !rest.is_empty())
    };
    if safe.is_empty() || inside(safe) {
        return Ok(());
    }
    Err(format!(
        "Artifact '{name}' attempted to use a path containing '..'. Directory traversal is not permitted"
    ))
}
