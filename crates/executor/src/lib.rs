//! What happens around a user's command: input artifacts are staged before it, and outputs are
//! collected after it. A library for the backend on this machine; in pods a subcommand.
//!
//! This crate runs no command. It reads and writes what a step calls by its own paths only through
//! a [`PathMap`], never follows a link out of the step's view, and unpacks no archive that leads
//! out of its folder. It decides nothing about nodes: it tells what it found.

pub mod agent;
mod archive;
mod collect;
mod data;
mod error;
mod json_scope;
mod log;
mod paths;
mod placing;
mod progress;
mod save;
mod stage;

use std::path::Path;

use argosy_artifacts::tree::Limits;

pub use collect::{Collected, Wanted, collect_outputs};
pub use data::carry_out_data;
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
