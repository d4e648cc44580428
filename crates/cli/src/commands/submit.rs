//! `argosy submit`: hands a workflow over and returns.

use std::process::ExitCode;

use anyhow::Result;
use argosy_api::Workflow;
use argosy_engine::ids::RunId;

use super::after::After;
use super::wait::{NodeFlags, Watch};
use crate::client::Client;
use crate::describe::{Columns, Look, describe};
use crate::options::Global;
use crate::output::{self, Format};
use crate::overrides::Overrides;
use crate::style::StyleFlags;
use crate::submission::{self, Sources};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    overrides: Overrides,
    #[command(flatten)]
    after: After,
    #[command(flatten)]
    nodes: NodeFlags,
    /// Print what would be submitted, as YAML unless --output says otherwise, and submit nothing
    #[arg(long, conflicts_with_all = ["wait", "watch", "log", "server_dry_run"])]
    dry_run: bool,
    /// The same: here the check against what is kept is part of both
    #[arg(long, conflicts_with_all = ["wait", "watch", "log"])]
    server_dry_run: bool,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let submission = submission::read(&client, &arguments.sources, &arguments.overrides)?;
    arguments.after.check(submission.definitions.len())?;
    if arguments.dry_run || arguments.server_dry_run {
        for definition in &submission.definitions {
            let format = arguments.output.unwrap_or(Format::Yaml);
            print!("{}", text(&definition.workflow, Some(format))?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let runs = submission::create_all(&client, submission)?;
    for &id in &runs {
        print(&client, id, arguments.output)?;
    }
    crate::runner::start(&client, None)?;
    let watch = Watch {
        nodes: arguments.nodes.selector()?,
        style: StyleFlags::default().style(),
    };
    arguments
        .after
        .run(&client, &runs, &watch, arguments.output)
}

/// Prints a workflow as it stands.
pub fn print(client: &Client, id: RunId, format: Option<Format>) -> Result<()> {
    print!("{}", text(&client.load(id)?.workflow(), format)?);
    Ok(())
}

/// A workflow in one of its forms.
pub fn text(workflow: &Workflow, format: Option<Format>) -> Result<String> {
    let mut look = Look::usual(StyleFlags::default().style());
    Ok(match format {
        Some(Format::Name) => {
            format!(
                "{}\n",
                workflow.metadata.name.as_deref().unwrap_or_default()
            )
        }
        Some(Format::Json) => output::json(workflow, 4)?,
        Some(Format::Yaml) => output::yaml(workflow)?,
        Some(Format::Wide) => {
            look.columns = Columns::Wide;
            describe(workflow, &look)
        }
        None => describe(workflow, &look),
    })
}
