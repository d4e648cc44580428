//! `argosy get`.

use anyhow::Result;

use crate::client::Client;
use crate::options::Global;
use crate::output::{self, Format};

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    #[arg(required = true)]
    names: Vec<String>,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
    /// Print glyphs as plain letters
    #[arg(long)]
    no_utf8: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    for name in &arguments.names {
        let row = client.row(name)?;
        let workflow = client.load(row.id)?.workflow();
        match arguments.output {
            Some(Format::Name) => println!("{}", row.name),
            Some(Format::Short) => println!(
                "{} {}",
                row.name,
                workflow
                    .status
                    .phase
                    .map_or("Pending", argosy_api::WorkflowPhase::as_str)
            ),
            Some(format @ (Format::Json | Format::Yaml)) => {
                print!("{}", output::object(&workflow, format)?);
            }
            Some(Format::Wide) | None => print!(
                "{}",
                crate::tree::describe(&workflow, !arguments.no_utf8, crate::submission::now())
            ),
        }
    }
    Ok(())
}
