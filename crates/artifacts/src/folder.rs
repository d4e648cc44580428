//! The repository of one machine: a folder, in which a key is a path.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::ArtifactError;

/// A folder of artifacts.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The repository in this folder, which is made when something is saved.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where a key lies.
    ///
    /// # Errors
    /// If it would lead out of the folder.
    pub fn path(&self, key: &str) -> Result<PathBuf, ArtifactError> {
        let relative = Path::new(key);
        let plain = !key.is_empty()
            && relative
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(ArtifactError::BadKey(key.to_owned()));
        }
        Ok(self.root.join(relative))
    }

    /// Has `write` make the artifact's file or folder beside its place, and then puts it there: a
    /// reader sees all of it or nothing.
    ///
    /// # Errors
    /// If that fails.
    pub fn save<E: From<ArtifactError>>(
        &self,
        key: &str,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.path(key)?;
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent)
            .map_err(|error| ArtifactError::io("make the folder", parent, error))?;
        let mut name = std::ffi::OsString::from(".saving-");
        name.push(path.file_name().unwrap_or_default());
        let beside = parent.join(name);
        remove(&beside)?;
        write(&beside)?;
        remove(&path)?;
        fs::rename(&beside, &path)
            .map_err(|error| ArtifactError::io("put in place", &path, error))?;
        Ok(())
    }

    /// Where a saved artifact lies.
    ///
    /// # Errors
    /// If nothing is saved under the key.
    pub fn saved(&self, name: &str, key: &str) -> Result<PathBuf, ArtifactError> {
        let path = self.path(key)?;
        if path.symlink_metadata().is_err() {
            return Err(ArtifactError::NotFound {
                name: name.to_owned(),
                key: key.to_owned(),
            });
        }
        Ok(path)
    }
}

fn remove(path: &Path) -> Result<(), ArtifactError> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.map_err(|error| ArtifactError::io("remove", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_inside() {
        let folder = Folder::new(PathBuf::from("/repository"));
        for key in ["", "/etc/passwd", "../x", "a/../../x", "a/./../..", "."] {
            assert!(folder.path(key).is_err(), "{key:?}");
        }
        for key in ["a", "wf/pod/name.tgz"] {
            assert!(folder.path(key).is_ok(), "{key:?}");
        }
    }
}
