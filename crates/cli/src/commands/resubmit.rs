//! `argosy resubmit`: the same workflow once more, as a new one.

use std::process::ExitCode;

use anyhow::Result;

use crate::client::Client;
use crate::options::Global;
use crate::submission::{self, Overrides};

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflows; `@latest` is the one submitted last
    #[arg(required = true)]
    names: Vec<String>,
    /// Pass an input parameter
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// The workflow's priority
    #[arg(long)]
    priority: Option<i32>,
    /// Wait for the workflow to end
    #[arg(short, long)]
    wait: bool,
    /// Show the workflow until it ends
    #[arg(long)]
    watch: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let mut code = ExitCode::SUCCESS;
    for name in &arguments.names {
        let row = client.row(name)?;
        let mut workflow = client.load(row.id)?.definition().workflow.clone();
        let metadata = &mut workflow.metadata;
        let prefix = metadata
            .generate_name
            .clone()
            .unwrap_or_else(|| format!("{}-", row.name));
        metadata.generate_name = Some(prefix);
        metadata.name = None;
        metadata.labels.get_or_insert_default().insert(
            "workflows.argoproj.io/resubmitted-from-workflow".to_owned(),
            row.name.clone(),
        );
        let overrides = Overrides {
            parameters: arguments.parameters.clone(),
            priority: arguments.priority,
            ..Overrides::default()
        };
        submission::change(&mut workflow, &overrides, &client.namespace)?;
        let id = submission::create(&client, workflow)?;
        println!("{}", client.load(id)?.definition().name());
        crate::runner::start(&client.data_dir)?;
        if arguments.watch {
            code = super::wait::show_until_over(&client, id)?;
        } else if arguments.wait {
            code = super::wait::wait_for(&client, id)?;
        }
    }
    Ok(code)
}
