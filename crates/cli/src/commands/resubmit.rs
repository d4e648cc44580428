//! `argosy resubmit`: the same workflow once more, as a new one. Argo: `FormulateResubmitWorkflow`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use argosy_api::Workflow;

use super::after::After;
use super::wait::Watch;
use crate::client::Client;
use crate::options::Global;
use crate::output::Format;
use crate::overrides::Overrides;
use crate::selection::{RESUBMITTED, Selection};
use crate::submission;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    workflows: Selection,
    /// Pass an input parameter
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// The workflow's priority
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Re-use what succeeded in the earlier run
    #[arg(long)]
    memoized: bool,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
    #[command(flatten)]
    after: After,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let rows = arguments.workflows.rows(&client)?;
    if (arguments.after.wait || arguments.after.watch) && rows.len() > 1 {
        bail!(
            "--wait and --watch are for a single workflow; {} were selected",
            rows.len()
        );
    }
    let mut runs = Vec::new();
    for row in &rows {
        let mut workflow = renewed(&client.load(row.id)?.definition().workflow);
        let overrides = Overrides {
            parameters: arguments.parameters.clone(),
            priority: arguments.priority,
            ..Overrides::default()
        };
        overrides.change(&mut workflow, &client.namespace)?;
        let id = submission::check_and_create(&client, workflow)?;
        crate::runner::start(&client.data_dir)?;
        super::submit::print(&client, id, arguments.output)?;
        runs.push(id);
    }
    arguments.after.run(&client, &runs, &Watch::usual())
}

/// The workflow as its user wrote it, under a name to be generated.
fn renewed(old: &Workflow) -> Workflow {
    let mut workflow = Workflow {
        api_version: old.api_version.clone(),
        kind: old.kind.clone(),
        spec: old.spec.clone(),
        ..Workflow::default()
    };
    let name = old.metadata.name.clone().unwrap_or_default();
    let metadata = &mut workflow.metadata;
    metadata.namespace.clone_from(&old.metadata.namespace);
    metadata.annotations.clone_from(&old.metadata.annotations);
    metadata
        .owner_references
        .clone_from(&old.metadata.owner_references);
    let prefix = old
        .metadata
        .generate_name
        .clone()
        .filter(|prefix| !prefix.is_empty());
    metadata.generate_name = Some(prefix.unwrap_or_else(|| format!("{name}-")));
    let mut labels = old.metadata.labels.clone().unwrap_or_default();
    for own in ["phase", "completed", "workflow-archiving-status"] {
        labels.remove(&format!("workflows.argoproj.io/{own}"));
    }
    labels.insert(RESUBMITTED.to_owned(), name);
    metadata.labels = Some(labels);
    workflow.spec.shutdown = None;
    workflow
}
