//! `argosy node set`: gives suspended nodes outputs, a phase, a message.

use anyhow::{Context, Result, bail};
use argosy_api::NodePhase;
use argosy_engine::fact::Command;

use crate::client::Client;
use crate::node_match;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    /// What to do; `set` is the only one
    #[arg(value_parser = ["set"])]
    action: String,
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// Which suspended nodes, such as displayName=approve
    #[arg(long, required = true)]
    node_field_selector: String,
    /// The phase that they take
    #[arg(long)]
    phase: Option<String>,
    /// A message for them
    #[arg(short, long)]
    message: Option<String>,
    /// A value for a supplied output
    #[arg(short = 'p', long = "output-parameter", value_name = "NAME=VALUE")]
    output_parameters: Vec<String>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    super::control::must_run(&row, "change a node of")?;
    let phase = match arguments.phase.as_deref() {
        None => None,
        Some(text) => match NodePhase::parse(text) {
            Some(phase) if phase.is_fulfilled() => Some(phase),
            _ => bail!(
                "--phase {text}: a node can be set to Succeeded, Failed, Error, Skipped or Omitted"
            ),
        },
    };
    if phase.is_none() && arguments.message.is_none() && arguments.output_parameters.is_empty() {
        bail!("nothing to set: give --output-parameter, --phase or --message");
    }
    let output_parameters = pairs(&arguments.output_parameters)?;
    super::control::check_set(
        &client,
        &row,
        &arguments.node_field_selector,
        phase.is_some() || arguments.message.is_some(),
        &output_parameters,
    )
    .with_context(|| format!("cannot change a node of workflow {}", row.name))?;
    let command = Command::SetNode {
        selector: node_match::parse(&arguments.node_field_selector)?,
        phase,
        message: arguments.message.as_deref().map(Into::into),
        output_parameters,
    };
    client.ask(&row, &command)?;
    client.until_heard(&row)?;
    println!("workflow values set");
    Ok(())
}

/// Names and their values.
pub type Pairs = Vec<(Box<str>, Box<str>)>;

/// `NAME=VALUE` each; a value may be quoted.
pub fn pairs(list: &[String]) -> Result<Pairs> {
    list.iter()
        .map(|text| match text.split_once('=') {
            Some((name, value)) => {
                let unquoted = match value.starts_with('"') {
                    true => serde_json::from_str::<String>(value).ok(),
                    false => None,
                };
                Ok((name.into(), unquoted.as_deref().unwrap_or(value).into()))
            }
            None => bail!("{text:?} is not NAME=VALUE"),
        })
        .collect()
}
