//! Flags that every command takes.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Flags that every command takes.
#[derive(clap::Args, Clone, Debug)]
pub struct Global {
    /// Where runs, templates and logs are kept [env: ARGOSY_DATA_DIR]
    // Read by hand: clap would take it for given, and show it in each usage.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Have each transition of what is run or submitted wait for the disk, so that a power failure takes
    /// none
    #[arg(long, global = true, env = "ARGOSY_SYNC")]
    pub sync: bool,
    /// The namespace of workflows and templates
    #[arg(short, long, global = true, default_value = "default")]
    pub namespace: String,
}

impl Global {
    /// The data directory: as given, else below the user's own.
    pub fn data_dir(&self) -> Result<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty());
        let dir = if let Some(dir) = &self.data_dir {
            dir.clone()
        } else if let Some(dir) = variable("ARGOSY_DATA_DIR") {
            PathBuf::from(dir)
        } else if let Some(data) = variable("XDG_DATA_HOME") {
            PathBuf::from(data).join("argosy")
        } else {
            let home = std::env::var_os("HOME")
                .context("neither --data-dir nor HOME says where to keep data")?;
            PathBuf::from(home).join(".local/share/argosy")
        };
        std::path::absolute(&dir).with_context(|| format!("cannot use {}", dir.display()))
    }
}
