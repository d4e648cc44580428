//! Input artifacts, put where the step expects them. Argo: `loadArtifacts`.

use std::fs;
use std::path::Path;

use argosy_api::{Artifact, Template};
use argosy_artifacts::{ArtifactError, Folder, Place, place};

use crate::archive::{self, Kind};
use crate::{ExecutorError, PathMap};

/// Stages all input artifacts of a template. `scratch` is a folder of the step's own for what is
/// only there in between.
///
/// # Errors
/// At the first artifact that can't be staged, unless it is optional and not there.
pub fn stage(
    template: &Template,
    paths: &dyn PathMap,
    folder: &Folder,
    scratch: &Path,
) -> Result<(), ExecutorError> {
    for artifact in &template.inputs.artifacts {
        if artifact.path.is_empty() {
            return Err(ExecutorError::NoPath(artifact.name.clone()));
        }
        let to = paths.host_path(&artifact.path);
        match stage_one(artifact, &to, folder, scratch) {
            Err(ExecutorError::Artifact(ArtifactError::NotFound { .. })) if artifact.optional => {}
            result => result?,
        }
    }
    Ok(())
}

fn stage_one(
    artifact: &Artifact,
    to: &Path,
    folder: &Folder,
    scratch: &Path,
) -> Result<(), ExecutorError> {
    let found = match place(artifact)? {
        None if artifact.optional => return Ok(()),
        None => {
            return Err(ArtifactError::NotFound {
                name: artifact.name.clone(),
                key: "no key at all".to_owned(),
            }
            .into());
        }
        Some(found) => found,
    };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(|error| ExecutorError::io("make", parent, error))?;
    }
    clear(to)?;
    match found {
        Place::Raw(data) => {
            fs::write(to, data).map_err(|error| ExecutorError::io("write", to, error))?;
        }
        Place::Key(key) => {
            let from = folder.saved(&artifact.name, &key)?;
            load(artifact, &from, to, scratch)?;
        }
    }
    if let Some(mode) = artifact.mode {
        set_mode(to, mode, artifact.recurse_mode)
            .map_err(|error| ExecutorError::io("set the mode of", to, error))?;
    }
    Ok(())
}

fn load(artifact: &Artifact, from: &Path, to: &Path, scratch: &Path) -> Result<(), ExecutorError> {
    let packed = artifact.archive.as_ref();
    let kind = match packed {
        Some(archive) if archive.none.is_some() => Kind::Plain,
        _ => archive::kind_of(from).map_err(|error| ExecutorError::io("read", from, error))?,
    };
    if kind == Kind::Plain {
        return archive::copy(from, to).map_err(|error| ExecutorError::io("copy", from, error));
    }
    let unpacked = scratch.join(format!("unpacked-{}", artifact.name));
    clear(&unpacked)?;
    archive::unpack(&artifact.name, kind, from, &unpacked)?;
    // What was packed as one file or folder goes under the path's own name.
    let entries: Vec<_> = fs::read_dir(&unpacked)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(|error| ExecutorError::io("read", &unpacked, error))?;
    let source = match entries.as_slice() {
        [only] => only.path(),
        _ => unpacked.clone(),
    };
    let moved = fs::rename(&source, to).or_else(|_| archive::copy(&source, to));
    moved.map_err(|error| ExecutorError::io("put in place", to, error))?;
    clear(&unpacked)
}

pub(crate) fn clear(path: &Path) -> Result<(), ExecutorError> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.map_err(|error| ExecutorError::io("remove", path, error))
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: i32, recurse: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = path.symlink_metadata()?;
        if metadata.is_symlink() {
            continue;
        }
        if metadata.is_dir() && recurse {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode.unsigned_abs()))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: i32, _recurse: bool) -> std::io::Result<()> {
    Ok(())
}
