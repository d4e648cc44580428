//! `argosy why`: why a workflow, or a node, is where it is.

use anyhow::{Result, bail};

use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// A node: its ID, name or display name
    node: Option<String>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let run = client.load(row.id)?;
    let answers = match &arguments.node {
        None => run.why_workflow(),
        Some(node) => {
            let found = run.find_nodes(node);
            if found.is_empty() {
                match run.why_unmade(node) {
                    Some(why) => println!("{node} {why}"),
                    None => bail!(
                        "workflow {} has no node {node}; `argosy get {}` shows its nodes",
                        row.name,
                        row.name
                    ),
                }
            }
            found.into_iter().map(|index| run.why(index)).collect()
        }
    };
    if arguments.node.is_none() {
        let phase = run
            .phase()
            .map_or("Pending", argosy_api::WorkflowPhase::as_str);
        let message = if run.message().is_empty() {
            String::new()
        } else {
            format!(": {}", run.message())
        };
        println!("{} is {phase}{message}", row.name);
    }
    for why in answers {
        println!("{} is {}", why.node, why.phase);
        if let Some(waits) = &why.waits_for {
            println!("  {waits}");
        }
        for step in &why.chain {
            let at = step
                .at
                .map_or_else(String::new, argosy_engine::timestamp::rfc3339);
            println!("  {at} {}", step.text);
        }
    }
    Ok(())
}
