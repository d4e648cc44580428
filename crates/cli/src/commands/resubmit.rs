//! `argosy resubmit`: the same workflow once more, as a new one. Argo: `FormulateResubmitWorkflow`.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use argosy_engine::definition::Definition;
use argosy_engine::fact::Fact;
use argosy_engine::ids::RunId;
use argosy_engine::resubmission::resubmission;
use argosy_engine::run::Run;
use argosy_store::{Claim, Durability};

use super::after::After;
use super::wait::Watch;
use crate::client::Client;
use crate::options::Global;
use crate::output::Format;
use crate::overrides::Overrides;
use crate::selection::Selection;
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
    arguments.after.check_single(rows.len())?;
    let mut runs = Vec::new();
    for row in &rows {
        let old = client.load(row.id)?;
        let mut workflow = resubmission(&old.definition().workflow);
        let overrides = Overrides {
            parameters: arguments.parameters.clone(),
            priority: arguments.priority,
            ..Overrides::default()
        };
        let given = overrides.change(&mut workflow, &client.namespace)?;
        let definition = submission::check_one(&client, workflow, given)?;
        let id = match arguments.memoized {
            true => carry_over(&client, &old, definition)?,
            false => submission::create(&client, &definition)?,
        };
        crate::runner::start(&client, None)?;
        super::submit::print(&client, id, arguments.output)?;
        runs.push(id);
    }
    let printed = arguments.output;
    arguments
        .after
        .run(&client, &runs, &Watch::usual(), printed)
}

/// Hands a workflow over together with what succeeded in an earlier run.
fn carry_over(client: &Client, old: &Run, definition: Definition) -> Result<RunId> {
    // A runner in the background may take the run up before its nodes are stored: then it is taken
    // back, and handed over anew.
    const ATTEMPTS: usize = 5;
    let definition = Arc::new(definition);
    for _ in 0..ATTEMPTS {
        let id = submission::create(client, &definition)?;
        let Some(claim) = client.store.claim(id)? else {
            client.store.delete_run(id)?;
            continue;
        };
        match store_carried(client, old, &definition, &claim) {
            Ok(()) => return Ok(id),
            Err(error) => {
                client.store.delete_run(id)?;
                return Err(error);
            }
        }
    }
    bail!("the workflow could not be handed over: another process takes it up too soon")
}

fn store_carried(
    client: &Client,
    old: &Run,
    definition: &Arc<Definition>,
    claim: &Claim,
) -> Result<()> {
    let now = submission::now();
    let mut new = old
        .resubmitted(claim.run, definition.clone(), now)
        .map_err(|error| anyhow::anyhow!("cannot resubmit: {error}"))?;
    new.tell(now, Fact::Started);
    loop {
        let turn = new.turn(now);
        let unfinished = turn.unfinished;
        client
            .store
            .commit(claim.epoch, turn.commit, Durability::Power)?;
        if !unfinished {
            return Ok(());
        }
    }
}
