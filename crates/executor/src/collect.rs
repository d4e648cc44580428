//! Outputs, taken from where the step left them. Argo: `SaveParameters`, `SaveArtifacts`,
//! `CaptureScriptResult`.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use argosy_api::{Artifact, Template};
use argosy_artifacts::{Folder, Place, place};

use crate::archive;
use crate::{ExecutorError, PathMap};

/// The most of a step's output that is kept as its result: the last 256 kB.
const MAX_RESULT: u64 = 256 * 1024;

/// The most that an output parameter's file may hold.
const MAX_PARAMETER: u64 = 256 << 20;

/// What a step has put out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// Output parameters.
    pub parameters: Vec<(String, String)>,
    /// Output artifacts, each with the place where it was saved.
    pub artifacts: Vec<Artifact>,
    /// What it printed.
    pub result: Option<String>,
    /// What could not be collected.
    pub error: Option<String>,
}

/// Collects all outputs of a step. A fault with one doesn't keep the others from being collected.
pub fn collect(
    template: &Template,
    paths: &dyn PathMap,
    folder: &Folder,
    log: &Path,
    capture_result: bool,
) -> Collected {
    let mut collected = Collected::default();
    if capture_result {
        match read_tail(log) {
            Ok(text) => collected.result = Some(text),
            Err(error) => note(&mut collected, &ExecutorError::io("read", log, error)),
        }
    }
    for parameter in &template.outputs.parameters {
        let Some(from) = parameter
            .value_from
            .as_ref()
            .filter(|from| !from.path.is_empty())
        else {
            continue;
        };
        let default = from
            .default
            .as_ref()
            .map(|default| default.as_str().to_owned());
        match read_parameter(&parameter.name, &from.path, paths, default) {
            Ok(value) => collected.parameters.push((parameter.name.clone(), value)),
            Err(error) => note(&mut collected, &error),
        }
    }
    for artifact in &template.outputs.artifacts {
        match save(artifact, paths, folder, log) {
            Ok(Some(saved)) => collected.artifacts.push(saved),
            Ok(None) => {}
            Err(error) => note(&mut collected, &error),
        }
    }
    collected
}

/// The first fault is the one that is told.
fn note(collected: &mut Collected, error: &ExecutorError) {
    collected.error.get_or_insert_with(|| error.to_string());
}

fn read_parameter(
    name: &str,
    path: &str,
    paths: &dyn PathMap,
    default: Option<String>,
) -> Result<String, ExecutorError> {
    let host = paths.host_path(path);
    let file = match (File::open(&host), default) {
        (Ok(file), _) => file,
        (Err(error), Some(default)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(default);
        }
        (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ExecutorError::NoParameter {
                name: name.to_owned(),
                path: path.to_owned(),
            });
        }
        (Err(error), _) => return Err(ExecutorError::io("open", &host, error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_PARAMETER)
        .read_to_end(&mut bytes)
        .map_err(|error| ExecutorError::io("read", &host, error))?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn read_tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_RESULT)))?;
    let mut bytes = Vec::new();
    file.take(MAX_RESULT).read_to_end(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

fn save(
    artifact: &Artifact,
    paths: &dyn PathMap,
    folder: &Folder,
    log: &Path,
) -> Result<Option<Artifact>, ExecutorError> {
    let is_log = artifact.archive_logs == Some(true) && artifact.path.is_empty();
    if artifact.path.is_empty() && !is_log {
        return Ok(None);
    }
    let from = if is_log {
        log.to_owned()
    } else {
        paths.host_path(&artifact.path)
    };
    if from.symlink_metadata().is_err() {
        if artifact.optional || is_log {
            return Ok(None);
        }
        return Err(ExecutorError::NoArtifact {
            path: artifact.path.clone(),
        });
    }
    let Some(Place::Key(key)) = place(artifact)? else {
        return Ok(None);
    };
    let packed = artifact.archive.as_ref();
    folder.save(&key, |to| {
        let made = match packed {
            _ if is_log => fs::copy(&from, to).map(drop),
            Some(archive) if archive.none.is_some() => archive::copy(&from, to),
            Some(archive) if archive.zip.is_some() => archive::pack_zip(&from, to),
            Some(archive) => {
                let level = archive.tar.as_ref().and_then(|tar| tar.compression_level);
                archive::pack_tar(&from, to, level)
            }
            None => archive::pack_tar(&from, to, None),
        };
        made.map_err(|error| ExecutorError::io("save", &from, error))
    })?;
    Ok(Some(artifact.clone()))
}
