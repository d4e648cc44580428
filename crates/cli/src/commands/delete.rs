//! `argosy delete`.

use anyhow::{Result, bail};
use argosy_engine::fact::Command;

use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflows; `@latest` is the one submitted last
    names: Vec<String>,
    /// Delete all workflows
    #[arg(long)]
    all: bool,
    /// Delete those that have ended
    #[arg(long)]
    completed: bool,
    /// Delete those whose name begins so
    #[arg(long)]
    prefix: Option<String>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let mut rows = Vec::new();
    for name in &arguments.names {
        rows.push(client.row(name)?);
    }
    if arguments.all || arguments.completed || arguments.prefix.is_some() {
        rows.extend(client.rows(false)?.into_iter().filter(|row| {
            let ended = row.summary.phase.is_some_and(|phase| phase.is_completed());
            (!arguments.completed || ended)
                && arguments
                    .prefix
                    .as_ref()
                    .is_none_or(|prefix| row.name.starts_with(prefix))
        }));
    } else if rows.is_empty() {
        bail!("say which: a name, --completed, --prefix or --all");
    }
    for row in rows {
        if arguments.dry_run {
            println!("Workflow '{}' deleted (dry-run)", row.name);
            continue;
        }
        if client.store.is_owned(row.id)? {
            // Its steps end first, so that none outlives its workflow.
            client.ask(&row, &Command::Terminate)?;
            super::wait::wait_for(&client, row.id)?;
        }
        client.store.delete_run(row.id)?;
        let folder = argosy_local::run_dir(&client.data_dir, row.id);
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        println!("Workflow '{}' deleted", row.name);
    }
    Ok(())
}
