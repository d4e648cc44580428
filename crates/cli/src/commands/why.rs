//! `argosy why`: why a workflow, or a node, is where it is.

use anyhow::{Result, bail};
use argosy_engine::ids::NodeIndex;
use argosy_engine::log;
use argosy_engine::run::{Run, Why};

use crate::client::Client;
use crate::options::Global;
use crate::style::one_line;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// A node: its ID, name, display name or pod; without one, all that wait or went wrong
    node: Option<String>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let run = client.load(row.id)?;
    let Some(node) = &arguments.node else {
        return workflow(&run);
    };
    let mut found = run.find_nodes(node);
    if found.is_empty() {
        found.extend(
            (0..run.node_count() as u32).map(NodeIndex).find(|index| {
                run.pod_key_at(index.0).is_some() && run.pod_name_at(index.0) == *node
            }),
        );
    }
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
    // A name may mean many, such as one step in each item of a loop.
    const MOST: usize = 5;
    let entries = entries(&client, &run)?;
    for &index in found.iter().take(MOST) {
        let log = entries.iter().map(|entry| log::decode(entry));
        print(&run.why_with_log(index, log));
    }
    if found.len() > MOST {
        println!(
            "… and {} more nodes of that name; name one by its ID",
            found.len() - MOST
        );
    }
    Ok(())
}

fn workflow(run: &Run) -> Result<()> {
    let phase = run
        .phase()
        .map_or("Pending", argosy_api::WorkflowPhase::as_str);
    let message = match run.message() {
        "" => String::new(),
        message => format!(": {}", one_line(message)),
    };
    let name = run.definition().name();
    println!("{name} is {phase}{message}");
    if run.is_suspended() {
        println!("  now: it is suspended; `argosy resume {name}` lets it go on");
    }
    let answers = run.why_workflow();
    for why in &answers {
        print(why);
    }
    if answers.is_empty() && run.message().is_empty() && !run.is_suspended() {
        println!(
            "  nothing waits and nothing went wrong; `argosy why {name} NODE` tells a node's story"
        );
    }
    Ok(())
}

fn entries(client: &Client, run: &Run) -> Result<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    client
        .store
        .log(run.id(), 0, &mut |_, entry| entries.push(entry))?;
    Ok(entries)
}

fn print(why: &Why) {
    println!("{} is {}", one_line(&why.node), why.phase);
    for step in &why.chain {
        let at = step
            .at
            .map_or_else(String::new, argosy_engine::timestamp::rfc3339);
        println!("  {at} {}", one_line(&step.text));
    }
    if let Some(waits) = &why.waits_for {
        println!("  now: {}", one_line(&waits.to_string()));
    }
}
