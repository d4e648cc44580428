//! Where Argo's data lies: the examples, the list of fields.
#![allow(dead_code, reason = "each test uses its part")]

use std::path::{Path, PathBuf};

/// The folder with Argo's data. Without it tests are skipped, though not in CI.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub fn argo_data() -> Option<PathBuf> {
    let folder = std::env::var_os("ARGOSY_ARGO_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "no Argo data in {}",
        folder.display()
    );
    eprintln!(
        "skipped: no Argo data in {}; set ARGOSY_ARGO_DATA",
        folder.display()
    );
    None
}

/// All YAML and JSON files below a folder.
pub fn yaml_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder exists")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            yaml_files(&path, files);
        } else if path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml" || end == "json")
        {
            files.push(path);
        }
    }
}
