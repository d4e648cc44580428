//! The arguments of a container, as it is started with them.

use std::collections::BTreeMap;
use std::fs;

use argosy_executor::PathMap;
use k8s_openapi::api::core::v1::Container;

use super::prepare::Preparing;
use crate::environment::expand;
use crate::layout::Layout;

/// The longest text that a process can be given, as Linux has it. Argo: `MaxEnvVarLen`.
pub(super) const MAX_TEXT: usize = 131_072;

/// More than any system starts a process with.
const MAX_ALL: usize = 8 << 20;

/// Whether a container may have an argument that must go through a file.
pub(super) fn is_long(container: &Container) -> bool {
    let arguments = container.args.iter().chain(&container.command).flatten();
    arguments.map(String::len).sum::<usize>() > MAX_TEXT
}

/// What is run: `command`, then `args`, with `$(NAME)` filled in.
pub(super) fn argv(
    container: &Container,
    arguments: Vec<String>,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<String>, String> {
    let command = container.command.as_deref().unwrap_or_default();
    if command.is_empty() {
        return Err(format!(
            "--host runs commands of this machine; container '{}' names no command (its image's own can't be known without the image)",
            container.name
        ));
    }
    Ok(command
        .iter()
        .cloned()
        .chain(arguments)
        .map(|text| expand(&text, environment))
        .collect())
}

/// Refuses variables that no process can be started with, nor a message to the keeper hold.
pub(super) fn check_variables(environment: &BTreeMap<String, String>) -> Result<(), String> {
    let sizes = environment
        .iter()
        .map(|(name, value)| name.len() + value.len());
    if sizes.sum::<usize>() > MAX_ALL {
        return Err(
            "StartError: the environment is larger than any process can be given; hand large values over as artifacts"
                .to_owned(),
        );
    }
    Ok(())
}

impl Preparing<'_> {
    /// Arguments that are too long for a process, each in a file that stands in its place as
    /// `@FILE`. Argo: `argo_arg_N.txt` in the emissary.
    pub(super) fn shortened(
        &self,
        mut argv: Vec<String>,
        layout: &Layout,
    ) -> Result<Vec<String>, String> {
        for (place, argument) in argv.iter_mut().skip(1).enumerate() {
            if argument.len() <= MAX_TEXT {
                continue;
            }
            let inside = self.inside(layout, &format!("argo_arg_{place}.txt"));
            let path = layout.paths().host_path(&inside.to_string_lossy());
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, argument.as_bytes()))
                .map_err(|error| format!("failed to write large arg {place} to file: {error}"))?;
            *argument = format!("@{}", inside.display());
        }
        if argv.iter().map(String::len).sum::<usize>() > MAX_ALL {
            return Err(
                "StartError: the arguments are longer than any process can be given; hand large values over as artifacts"
                    .to_owned(),
            );
        }
        Ok(argv)
    }
}
