//! Output artifacts, packed and saved. Argo: `SaveArtifacts`, `SaveLogs`.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use argosy_api::{Artifact, ArtifactLocation, Template, paths};
use argosy_artifacts::location::{is_supplied, relocated};
use argosy_artifacts::{Driver, Source};

use crate::archive::{self, Kind, Packed};
use crate::{ContainerLog, ExecutorError, PathMap, Workspace, placing};

/// What saving needs, beside the artifact.
pub(crate) struct Save<'a> {
    pub template: &'a Template,
    pub paths: &'a dyn PathMap,
    pub store: &'a dyn Driver,
    pub workspace: &'a Workspace<'a>,
    pub logs: &'a [ContainerLog<'a>],
}

impl Save<'_> {
    /// Saves an output artifact. Gives it with its key, or `None` if there was nothing to save.
    pub fn artifact(&self, artifact: &Artifact) -> Result<Option<Artifact>, ExecutorError> {
        if is_log(artifact) {
            let container = artifact.name.strip_suffix("-logs").unwrap_or("main");
            return self.log(container, artifact);
        }
        let path = artifact.clean_path()?;
        let file = match self.paths.open(&path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) && artifact.optional => return Ok(None),
            Err(error) if is_absent(&error) => return Err(self.missing(artifact, path)),
            Err(error) => return Err(failed(artifact, "open it")(error)),
        };
        let (kind, file_name) = packing(artifact, &path);
        let mut kept = self.keyed(artifact, &file_name)?;
        kept.path = path;
        let scratch = self.workspace.scratch;
        let own = tempfile::Builder::new()
            .prefix("output-")
            .tempdir_in(scratch)
            .map_err(ExecutorError::io("make a folder in", scratch))?;
        let packed = own.path().join("packed");
        self.pack(&kept, kind, file, &packed)
            .map_err(failed(artifact, "pack it"))?;
        self.store_it(&kept, Source::Owned(&packed))?;
        Ok(Some(kept))
    }

    /// Saves the log of a container under the name and key of `artifact`, where it has those. A
    /// container that has not begun has none.
    pub fn log(
        &self,
        container: &str,
        artifact: &Artifact,
    ) -> Result<Option<Artifact>, ExecutorError> {
        let Some(log) = self.logs.iter().find(|log| log.container == container) else {
            return Ok(None);
        };
        if !log.combined.exists() {
            return Ok(None);
        }
        let mut kept = self.keyed(artifact, &format!("{container}.log"))?;
        // It says what the artifact is for, not where it lies: Argo's status doesn't show it.
        kept.archive_logs = None;
        self.store_it(&kept, Source::Shared(log.combined))?;
        Ok(Some(kept))
    }

    fn pack(&self, artifact: &Artifact, kind: Kind, file: File, to: &Path) -> io::Result<()> {
        let limits = &self.workspace.limits;
        let name = Path::new(&artifact.path)
            .file_name()
            .unwrap_or(OsStr::new(&artifact.name));
        match kind {
            Kind::Plain => placing::copy_open(&file, to, limits),
            Kind::Tar => {
                let tar = artifact
                    .archive
                    .as_ref()
                    .and_then(|archive| archive.tar.as_ref());
                let level = tar.and_then(|tar| tar.compression_level);
                archive::pack_tar(
                    &Packed::of(file)?,
                    name,
                    &File::create_new(to)?,
                    level,
                    limits,
                )
            }
            Kind::Zip => {
                archive::pack_zip(&Packed::of(file)?, name, &File::create_new(to)?, limits)
            }
        }
    }

    fn store_it(&self, kept: &Artifact, from: Source<'_>) -> Result<(), ExecutorError> {
        let located = relocated(kept, self.template.archive_location.as_deref());
        self.store
            .save(from, &located)
            .map_err(|source| ExecutorError::Save {
                artifact: kept.name.clone(),
                source,
            })
    }

    /// The artifact with the key under which it is saved: its own, else the file's name below the
    /// key of the template's archive location. As in Argo the rest of the location is not repeated.
    fn keyed(&self, artifact: &Artifact, file_name: &str) -> Result<Artifact, ExecutorError> {
        if is_supplied(artifact) {
            return Ok(artifact.clone());
        }
        let none = || ExecutorError::NoRepository(artifact.name.clone());
        let archive = self.template.archive_location.as_deref().ok_or_else(none)?;
        let (store, folder) = (archive.store().ok_or_else(none)?, archive.key());
        let key = paths::join(folder.ok_or_else(none)?, file_name);
        let mut location = ArtifactLocation::default();
        location.set_key_in(store, key);
        let mut kept = artifact.clone();
        kept.set_location(location);
        Ok(kept)
    }

    /// Argo's text for a missing file depends on where its executor looks for it.
    fn missing(&self, artifact: &Artifact, path: String) -> ExecutorError {
        let plain = artifact
            .archive
            .as_ref()
            .is_some_and(|archive| archive.none.is_some());
        let file = match (is_in_image(self.template, &path), plain) {
            (true, _) => format!(
                "open /var/run/argo/outputs/artifacts/{}.tgz:",
                path.trim_start_matches('/')
            ),
            (false, true) => path.clone(),
            (false, false) => format!("stat /mainctrfs/{}:", path.trim_start_matches('/')),
        };
        ExecutorError::Missing {
            artifact: artifact.name.clone(),
            file,
            path,
        }
    }
}

/// Whether an artifact of a template stands for a container's log: such are added when logs are
/// kept, and have no path.
pub(crate) fn is_log(artifact: &Artifact) -> bool {
    artifact.archive_logs == Some(true) && artifact.path.is_empty()
}

/// Whether Argo would find a path in the image of the main container, as opposed to in a volume or
/// an input artifact. Argo: `isBaseImagePath`.
pub(crate) fn is_in_image(template: &Template, path: &str) -> bool {
    let mounts = match (
        &template.container,
        &template.script,
        &template.container_set,
    ) {
        (Some(container), _, _) => container.volume_mounts.as_deref().unwrap_or_default(),
        (_, Some(script), _) => &script.volume_mounts,
        (_, _, Some(set)) => &set.volume_mounts,
        _ => &[],
    };
    let path = Path::new(path);
    let in_volume = mounts
        .iter()
        .any(|mount| path.starts_with(&mount.mount_path));
    let in_input = template.inputs.artifacts.iter().any(|input| {
        let supplied = !input.optional || is_supplied(input);
        supplied && !input.path.is_empty() && path.starts_with(&input.path)
    });
    !in_volume && !in_input
}

fn packing(artifact: &Artifact, path: &str) -> (Kind, String) {
    let archive = artifact.archive.as_ref();
    if archive.is_some_and(|archive| archive.none.is_some()) {
        let base = Path::new(path)
            .file_name()
            .unwrap_or(OsStr::new(&artifact.name));
        (Kind::Plain, base.to_string_lossy().into_owned())
    } else if archive.is_some_and(|archive| archive.zip.is_some()) {
        (Kind::Zip, format!("{}.zip", artifact.name))
    } else {
        (Kind::Tar, format!("{}.tgz", artifact.name))
    }
}

pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn failed(artifact: &Artifact, what: &'static str) -> impl FnOnce(io::Error) -> ExecutorError {
    let artifact = artifact.name.clone();
    move |source| ExecutorError::Pack {
        artifact,
        what,
        source,
    }
}
