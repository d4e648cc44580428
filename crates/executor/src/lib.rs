//! What happens around a user's command: input artifacts are staged before it, and outputs are
//! collected after it. A library for the backend on this machine; in pods a subcommand.
//!
//! This crate runs no command. It reads and writes what a step calls by its own paths only through
//! a [`PathMap`], never follows a link out of the step's view, and unpacks no archive that leads
//! out of its folder. It decides nothing about nodes: it tells what it found.

pub mod agent;
mod archive;
mod clean_path;
mod collect;
mod error;
mod log;
mod paths;
mod placing;
mod progress;
mod save;
mod stage;

use std::path::Path;

use argosy_api::Template;
use argosy_artifacts::tree::Limits;
use argosy_artifacts::{Folder, Stores};

pub use collect::{Collected, Wanted, collect_outputs};
pub use error::ExecutorError;
pub use log::ContainerLog;
pub use paths::{IdentityPathMap, PathMap, RootedPathMap};
pub use progress::read_progress;
pub use stage::stage_inputs;

/// Where the executor does its work, and what it may use up.
#[derive(Clone, Copy, Debug)]
pub struct Workspace<'a> {
    /// A folder that only the executor uses, on the file system of the step's files where that can
    /// be: from there they are moved, else copied. What is put there is gone afterwards.
    pub scratch: &'a Path,
    /// What an artifact may unpack to, or hold when it is saved.
    pub limits: Limits,
}

impl<'a> Workspace<'a> {
    /// With the default limits.
    pub fn new(scratch: &'a Path) -> Self {
        Self {
            scratch,
            limits: Limits::default(),
        }
    }
}

/// [`stage_inputs`] with the repository in a folder, no secrets and the default limits.
///
/// # Errors
/// As [`stage_inputs`].
pub fn stage(
    template: &Template,
    paths: &dyn PathMap,
    folder: &Folder,
    scratch: &Path,
) -> Result<(), ExecutorError> {
    stage_inputs(
        template,
        paths,
        &Stores::new(folder),
        &Workspace::new(scratch),
    )
}

/// [`collect_outputs`] with the repository in a folder, no secrets, the default limits, and one log
/// that holds all that the main container printed.
pub fn collect(
    template: &Template,
    paths: &dyn PathMap,
    folder: &Folder,
    log: &Path,
    capture_result: bool,
) -> Collected {
    let scratch = match folder.incoming() {
        Ok(scratch) => scratch,
        Err(error) => {
            return Collected {
                error: Some(error.to_string()),
                ..Collected::default()
            };
        }
    };
    let logs = [ContainerLog {
        container: "main",
        stdout: log,
        combined: log,
    }];
    let wanted = Wanted {
        logs: &logs,
        capture_result,
        progress_file: None,
    };
    collect_outputs(
        template,
        paths,
        &Stores::new(folder),
        &Workspace::new(&scratch),
        &wanted,
    )
}
