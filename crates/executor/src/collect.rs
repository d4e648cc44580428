//! Outputs, taken from where the step has left them. Argo: `SaveParameters`, `SaveArtifacts`,
//! `CaptureScriptResult`, and the order of `PostMain`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use argosy_api::{Artifact, MAIN_CONTAINER, Progress, Template, paths};
use argosy_artifacts::Driver;

use crate::log::{self, ContainerLog};
use crate::save::{self, Save, is_absent, is_in_image};
use crate::{ExecutorError, PathMap, Workspace, read_progress};

/// The most that an output parameter's file may hold. Argo has no limit of its own.
const MAX_PARAMETER: u64 = 256 << 20;

/// What is to be collected beside what the template says.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What the containers printed.
    pub logs: &'a [ContainerLog<'a>],
    /// `outputs.result` is wanted.
    pub capture_result: bool,
    /// The step's progress file on this machine (`ARGO_PROGRESS_FILE`).
    pub progress_file: Option<&'a Path>,
}

/// What a step has put out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// Output parameters: name and value.
    pub parameters: Vec<(String, String)>,
    /// Output artifacts, logs among them, each with the key under which it was saved.
    pub artifacts: Vec<Artifact>,
    /// What the main container printed, as far as Argo keeps it.
    pub result: Option<String>,
    /// What the step last said of its progress.
    pub progress: Option<Progress>,
    /// The first thing that could not be collected: the message of the node.
    pub error: Option<String>,
    /// What else could not be collected: the node's message has no room for it.
    pub further_errors: Vec<String>,
}

/// Collects all outputs of a step whose containers have ended, however they ended. What can't be
/// collected doesn't keep the rest from being collected.
pub fn collect_outputs(
    template: &Template,
    paths: &dyn PathMap,
    store: &dyn Driver,
    workspace: &Workspace<'_>,
    wanted: &Wanted<'_>,
) -> Collected {
    let mut collected = Collected::default();
    if wanted.capture_result && has_output(template) {
        let main = wanted
            .logs
            .iter()
            .find(|log| log.container == MAIN_CONTAINER);
        let result = main.map(|main| {
            log::read_result(main.stdout).map_err(ExecutorError::io("read", main.stdout))
        });
        match result.transpose() {
            Ok(result) => collected.result = result,
            Err(error) => collected.note(error.to_string()),
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
        let default = from.default.as_ref().map(|default| default.as_str());
        match read_parameter(template, &parameter.name, &from.path, paths) {
            Ok(value) => collected.parameters.push((parameter.name.clone(), value)),
            Err(error) => match default {
                // As in Argo a default helps against any error, and is trimmed like a file.
                Some(default) => {
                    let value = default.strip_suffix('\n').unwrap_or(default).to_owned();
                    collected.parameters.push((parameter.name.clone(), value));
                }
                None => collected.note(error.to_string()),
            },
        }
    }
    let save = Save {
        template,
        paths,
        store,
        workspace,
        logs: wanted.logs,
    };
    save_all(&save, &mut collected);
    collected.progress = wanted.progress_file.and_then(read_progress);
    collected
}

impl Collected {
    fn note(&mut self, error: String) {
        if self.error.is_none() {
            self.error = Some(error);
        } else {
            self.further_errors.push(error);
        }
    }
}

fn save_all(save: &Save<'_>, collected: &mut Collected) {
    let outputs = &save.template.outputs.artifacts;
    let (logs, files): (Vec<_>, Vec<_>) =
        outputs.iter().partition(|artifact| save::is_log(artifact));
    let mut errors = Vec::new();
    for artifact in files {
        match save.artifact(artifact) {
            Ok(saved) => collected.artifacts.extend(saved),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if !errors.is_empty() {
        // One message for all artifacts, as Argo has it.
        collected.note(errors.join("; "));
    }
    let archives_logs = save
        .template
        .archive_location
        .as_ref()
        .is_some_and(|location| location.archive_logs == Some(true));
    let saved: Vec<_> = if logs.is_empty() && archives_logs {
        save.template
            .main_containers()
            .map(|container| {
                let name = format!("{container}-logs");
                save.log(
                    container,
                    &Artifact {
                        name,
                        ..Artifact::default()
                    },
                )
            })
            .collect()
    } else {
        logs.into_iter()
            .map(|artifact| save.artifact(artifact))
            .collect()
    };
    for result in saved {
        match result {
            Ok(saved) => collected.artifacts.extend(saved),
            Err(error) => collected.note(error.to_string()),
        }
    }
}

/// Whether what the main container prints can be a result. Argo: `HasOutput`.
fn has_output(template: &Template) -> bool {
    template.container.is_some()
        || template.script.is_some()
        || template.data.is_some()
        || template.http.is_some()
        || template.plugin.is_some()
        || template.container_set.is_some() && template.is_main_container(MAIN_CONTAINER)
}

fn read_parameter(
    template: &Template,
    name: &str,
    path: &str,
    paths: &dyn PathMap,
) -> Result<String, ExecutorError> {
    let clean = paths::clean(path);
    let failed = |error: io::Error| ExecutorError::Parameter {
        parameter: name.to_owned(),
        path: argos_path(template, &clean),
        reason: if is_absent(&error) {
            "no such file or directory".to_owned()
        } else {
            error.to_string()
        },
    };
    let bytes = paths.open(&clean).and_then(read_file).map_err(failed)?;
    let Some(mut bytes) = bytes else {
        return Err(ExecutorError::ParameterTooLarge {
            parameter: name.to_owned(),
            path: path.to_owned(),
            most: MAX_PARAMETER,
        });
    };
    log::trim_newline(&mut bytes);
    Ok(log::text(&bytes))
}

/// `None` if it is too large.
fn read_file(file: File) -> io::Result<Option<Vec<u8>>> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    if !metadata.is_file() {
        return Err(io::Error::other("is neither a file nor a directory"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_PARAMETER + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_PARAMETER).then_some(bytes))
}

/// Where Argo's executor would look for the file: its messages name that place.
fn argos_path(template: &Template, path: &str) -> String {
    let root = if is_in_image(template, path) {
        "/var/run/argo/outputs/parameters"
    } else {
        "/mainctrfs"
    };
    format!("{root}/{}", path.trim_start_matches('/'))
}
