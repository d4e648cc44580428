//! The files that tests name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use argosy_api::{Document, Limits, Source, Strictness, read_documents};
use argosy_sim::testing::{Files, ReadTest};

use super::{Unread, is_test_file};
use crate::files::{self, Fault};

/// What tests name: files and folders of objects, and snapshots.
#[derive(Default)]
pub struct Named {
    objects: BTreeSet<PathBuf>,
    snapshots: BTreeSet<PathBuf>,
}

impl Named {
    pub fn by(tests: &[ReadTest]) -> Self {
        let mut named = Self::default();
        for test in tests {
            let folder = folder_of(test.file());
            let paths = test.files().map(|name| beside(&folder, name));
            named.objects.extend(paths);
            let snapshot = test.snapshot().map(|name| beside(&folder, name));
            named.snapshots.extend(snapshot);
        }
        named
    }

    /// All of them, and the files in the folders among them.
    pub fn paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.snapshots.iter().cloned().collect();
        for path in &self.objects {
            paths.push(path.clone());
            if path.is_dir() {
                paths.extend(inside(path).unwrap_or_default());
            }
        }
        paths
    }
}

/// The manifests in a folder, tests left out.
fn inside(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = files::expand(&[folder.to_path_buf()])?;
    files.retain(|path| !is_test_file(path));
    Ok(files)
}

/// The files that tests name, each read once.
#[derive(Default)]
pub struct Shelf(BTreeMap<PathBuf, Vec<Document>>);

impl Shelf {
    /// The files, and the faults of those that have any. Files that are not there are left out: the
    /// tests that name them say so.
    pub fn of(named: &Named) -> (Self, Vec<Unread>) {
        let mut shelf = Self::default();
        let mut unread: BTreeMap<String, Vec<Fault>> = BTreeMap::new();
        for path in &named.objects {
            let files = match path.is_dir() {
                true => inside(path).unwrap_or_default(),
                false => vec![path.clone()],
            };
            let mut documents = Vec::new();
            let mut any = path.is_dir();
            for file in files {
                let Ok(text) = files::read_text(&file) else {
                    continue;
                };
                any = true;
                let name = file.display().to_string();
                let mut faults = files::parse_text(&name, &text, Strictness::Strict).faults;
                faults.retain(Fault::is_error);
                if !faults.is_empty() {
                    unread.insert(name.clone(), faults);
                }
                documents.extend(read(name, text));
            }
            if any {
                shelf.0.insert(path.clone(), documents);
            }
        }
        for path in &named.snapshots {
            if let Ok(text) = files::read_text(path) {
                let documents = read(path.display().to_string(), text);
                shelf.0.insert(path.clone(), documents);
            }
        }
        (shelf, unread.into_iter().collect())
    }

    /// The files beside a test.
    pub fn beside(&self, test: &ReadTest) -> Beside<'_> {
        Beside {
            shelf: self,
            folder: folder_of(test.file()),
        }
    }
}

fn read(name: String, text: String) -> Vec<Document> {
    read_documents(&Source::new(name, text), &Limits::default()).0
}

/// The folder of a test file.
pub fn folder_of(file: &str) -> PathBuf {
    let folder = Path::new(file).parent();
    folder.map(Path::to_path_buf).unwrap_or_default()
}

/// The file that a test in a folder means by a name. Tests in different folders call a file by the
/// same path.
pub fn beside(folder: &Path, name: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(name).components() {
        match (part, path.components().next_back()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                path.pop();
            }
            (part, _) => path.push(part),
        }
    }
    path
}

/// The files beside a test.
pub struct Beside<'a> {
    shelf: &'a Shelf,
    folder: PathBuf,
}

impl Files for Beside<'_> {
    fn documents(&self, name: &str) -> Option<&[Document]> {
        let documents = self.shelf.0.get(&beside(&self.folder, name))?;
        Some(documents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_tests() {
        for (folder, name, wanted) in [
            ("", "wf.yaml", "wf.yaml"),
            ("a", "wf.yaml", "a/wf.yaml"),
            ("a/b", "../wf.yaml", "a/wf.yaml"),
            ("a", "./../../wf.yaml", "../wf.yaml"),
            ("/a", "b/../c.yaml", "/a/c.yaml"),
            ("a", "/c.yaml", "/c.yaml"),
        ] {
            assert_eq!(
                beside(Path::new(folder), name),
                Path::new(wanted),
                "{folder} {name}"
            );
        }
    }
}
