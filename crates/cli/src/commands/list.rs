//! `argosy list`.

use anyhow::Result;
use argosy_store::RunRow;

use crate::client::Client;
use crate::options::Global;
use crate::output::{Format, short_duration, table};

#[derive(clap::Args)]
pub struct Arguments {
    /// Show the workflows of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Show those that have ended
    #[arg(long)]
    completed: bool,
    /// Show those that are under way
    #[arg(long)]
    running: bool,
    /// Show those in these phases
    #[arg(long, value_delimiter = ',')]
    status: Vec<String>,
    /// Show those whose name begins so
    #[arg(long, default_value = "")]
    prefix: String,
    /// Show those with these labels, as key=value,key=value
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Print no headers
    #[arg(long)]
    no_headers: bool,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let rows: Vec<RunRow> = client
        .rows(arguments.all_namespaces)?
        .into_iter()
        .filter(|row| fits(row, arguments))
        .collect();
    match arguments.output {
        Some(Format::Name) => {
            for row in &rows {
                println!("{}", row.name);
            }
        }
        Some(format @ (Format::Json | Format::Yaml)) => {
            let mut workflows = Vec::new();
            for row in &rows {
                workflows.push(client.load(row.id)?.workflow());
            }
            print!("{}", crate::output::object(&workflows, format)?);
        }
        _ => print_table(&rows, arguments),
    }
    Ok(())
}

fn fits(row: &RunRow, arguments: &Arguments) -> bool {
    let phase = row.summary.phase;
    let ended = phase.is_some_and(|phase| phase.is_completed());
    let labels = arguments
        .selector
        .iter()
        .flat_map(|text| text.split(','))
        .all(|term| match term.split_once('=') {
            Some((key, value)) => row
                .labels
                .get(key.trim_end_matches(['!', '=']))
                .is_some_and(|found| {
                    (found == value.trim_start_matches('=')) != key.ends_with('!')
                }),
            None => row.labels.contains_key(term),
        });
    (!arguments.completed || ended)
        && (!arguments.running || !ended)
        && (arguments.status.is_empty()
            || arguments
                .status
                .iter()
                .any(|wanted| phase.map_or("Pending", argosy_api::WorkflowPhase::as_str) == wanted))
        && row.name.starts_with(&arguments.prefix)
        && labels
}

fn print_table(rows: &[RunRow], arguments: &Arguments) {
    let now = crate::submission::now();
    if rows.is_empty() {
        println!("No workflows found");
        return;
    }
    let mut lines = Vec::new();
    if !arguments.no_headers {
        let mut head = vec!["NAME", "STATUS", "AGE", "DURATION", "P/R/C", "MESSAGE"];
        if arguments.all_namespaces {
            head.insert(0, "NAMESPACE");
        }
        lines.push(head.into_iter().map(str::to_owned).collect());
    }
    for row in rows {
        let summary = &row.summary;
        let phase = summary
            .phase
            .map_or("Pending", argosy_api::WorkflowPhase::as_str);
        let duration = summary.started_at.map_or(0, |started| {
            summary.finished_at.unwrap_or(now).since(started)
        });
        let [pending, running, ..] = summary.counts;
        let over: u32 = summary.counts[2..].iter().sum();
        let mut line = vec![
            row.name.clone(),
            if summary.suspended {
                format!("{phase} (Suspended)")
            } else {
                phase.to_owned()
            },
            short_duration(now.since(row.created_at)),
            short_duration(duration),
            format!("{pending}/{running}/{over}"),
            summary.message.to_string(),
        ];
        if arguments.all_namespaces {
            line.insert(0, row.namespace.clone());
        }
        lines.push(line);
    }
    print!("{}", table(&lines));
}
