//! `argosy apply`: keeps templates, ConfigMaps and Secrets.

use std::path::PathBuf;

use anyhow::Result;

use crate::client::Client;
use crate::files;
use crate::options::Global;
use crate::submission;

#[derive(clap::Args)]
pub struct Arguments {
    /// Files and folders; `-` is standard input
    #[arg(short, long = "filename", required = true)]
    filenames: Vec<PathBuf>,
    /// Refuse unknown fields
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    strict: bool,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let mut faults = Vec::new();
    let mut objects = Vec::new();
    for path in files::expand(&arguments.filenames)? {
        crate::client::existing(&path)?;
        let parsed = files::parse(&path, arguments.strict)?;
        faults.extend(parsed.faults);
        objects.extend(parsed.objects);
    }
    submission::report(&faults)?;
    for (object, _) in objects {
        match submission::apply(&client, object)? {
            Some(name) => println!("{name} applied"),
            None => eprintln!("a workflow is not applied but submitted: argosy submit FILE"),
        }
    }
    Ok(())
}
