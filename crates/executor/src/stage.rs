//! Input artifacts, put where the step expects them. Argo: `loadArtifacts`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use argosy_api::{Artifact, ArtifactLocation, Template};
use argosy_artifacts::Driver;
use argosy_artifacts::location::{is_supplied, relocated};

use crate::archive::{self, Kind};
use crate::placing::{self, Extent};
use crate::{ExecutorError, PathMap, Workspace};

/// Stages all input artifacts of a template: each is loaded from its location, unpacked where it is
/// an archive, and put at its path. A location with a key only is completed from the template's
/// `archiveLocation`, else it is the repository's.
///
/// # Errors
/// At the first artifact that can't be staged, unless it is optional and not there.
pub fn stage_inputs(
    template: &Template,
    paths: &dyn PathMap,
    store: &dyn Driver,
    workspace: &Workspace<'_>,
) -> Result<(), ExecutorError> {
    let mut staged = Vec::new();
    for artifact in &template.inputs.artifacts {
        if is_supplied(artifact) {
            staged.push((artifact.clean_path()?, artifact));
        } else if !artifact.optional {
            return Err(ExecutorError::NotSupplied(artifact.name.clone()));
        }
    }
    // What lies further out comes first, as with mounts: an artifact may be put inside another.
    staged.sort_by_key(|(path, _)| Path::new(path).components().count());
    let archive_location = template.archive_location.as_deref();
    for (path, artifact) in staged {
        let stage = Stage {
            artifact,
            path: &path,
            paths,
            workspace,
        };
        stage.run(store, archive_location)?;
    }
    Ok(())
}

struct Stage<'a> {
    artifact: &'a Artifact,
    path: &'a str,
    paths: &'a dyn PathMap,
    workspace: &'a Workspace<'a>,
}

impl Stage<'_> {
    fn run(
        &self,
        store: &dyn Driver,
        archive_location: Option<&ArtifactLocation>,
    ) -> Result<(), ExecutorError> {
        let scratch = self.workspace.scratch;
        let own = tempfile::Builder::new()
            .prefix("input-")
            .tempdir_in(scratch)
            .map_err(ExecutorError::io("make a folder in", scratch))?;
        let loaded = own.path().join("loaded");
        let located = relocated(self.artifact, archive_location);
        match store.load(&located, &loaded) {
            Ok(()) => {}
            Err(error) if self.artifact.optional && error.is_not_found() => return Ok(()),
            Err(source) => {
                return Err(ExecutorError::Load {
                    artifact: self.artifact.name.clone(),
                    source,
                });
            }
        }
        let strategy = self.artifact.archive.as_ref();
        let kind = archive::kind_of(strategy, &loaded).map_err(self.failed("read it"))?;
        let content = match kind {
            Kind::Plain => {
                open_to_all(&loaded).map_err(self.failed("set its mode"))?;
                loaded
            }
            Kind::Tar | Kind::Zip => {
                let into = own.path().join("unpacked");
                archive::unpack(kind, &loaded, &into, &self.workspace.limits)
                    .map_err(self.failed("unpack it"))?
            }
        };
        self.put(&content)
    }

    fn put(&self, content: &Path) -> Result<(), ExecutorError> {
        let to = self
            .paths
            .place(self.path)
            .map_err(self.failed("find the place of its path"))?;
        placing::put(content, &to, &self.workspace.limits).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => ExecutorError::Occupied {
                artifact: self.artifact.name.clone(),
                path: self.path.to_owned(),
            },
            _ => self.failed("put it at its path")(error),
        })?;
        let Some(mode) = self.artifact.mode else {
            return Ok(());
        };
        let extent = if self.artifact.recurse_mode {
            Extent::AllBelow
        } else {
            Extent::Itself
        };
        placing::set_mode(&to, mode, extent).map_err(self.failed("set its mode"))
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(io::Error) -> ExecutorError {
        let artifact = self.artifact.name.clone();
        move |source| ExecutorError::Unpack {
            artifact,
            what,
            source,
        }
    }
}

/// What isn't packed has no mode of its own: Argo, whose executor has no umask, lets everybody read
/// and write it.
fn open_to_all(loaded: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(loaded)?;
    if !metadata.is_file() {
        return Ok(());
    }
    let mode = metadata.permissions().mode() | 0o666;
    fs::set_permissions(loaded, fs::Permissions::from_mode(mode & 0o777))
}
