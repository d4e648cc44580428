//! `argosy list`.

use anyhow::{Result, bail};
use argosy_api::{NodePhase, NodeType, Parameter, WorkflowPhase};
use argosy_store::RunRow;
use serde::Deserialize;

use crate::client::{Client, Scope};
use crate::options::Global;
use crate::output::{self, Format, short_duration};
use crate::selection::{Filter, since};
use crate::style::{one_line, table};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    filter: Filter,
    /// Those of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Those that are under way
    #[arg(long)]
    running: bool,
    /// Those created since then, such as 10m, 3h, 1d
    #[arg(long)]
    since: Option<String>,
    /// Read so many at a time; 0 for as many as suits
    #[arg(long, default_value_t = 0)]
    chunk_size: usize,
    /// Print no headers
    #[arg(long)]
    no_headers: bool,
    /// What to print
    #[arg(short, long)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    if arguments.running && arguments.filter.completed {
        bail!("--completed and --running cannot be used together");
    }
    let client = Client::open(global)?;
    let created = arguments.since.as_deref().map(since).transpose()?;
    let scope = Scope::of(arguments.all_namespaces);
    let mut rows = arguments
        .filter
        .rows_in_pages(&client, scope, arguments.chunk_size)?;
    rows.retain(|row| {
        let ended = row.summary.phase.is_some_and(WorkflowPhase::is_completed);
        (!arguments.running || !ended) && created.is_none_or(|created| row.created_at > created)
    });
    match arguments.output {
        Some(Format::Name) => {
            let names: String = rows.iter().map(|row| format!("{}\n", row.name)).collect();
            print!("{names}");
            if rows.is_empty() {
                println!("No workflows found");
            }
        }
        Some(format @ (Format::Json | Format::Yaml)) => {
            let mut workflows = Vec::new();
            for row in &rows {
                workflows.push(client.load(row.id)?.workflow());
            }
            let text = match format {
                Format::Json => output::json(&workflows, 2)?,
                _ => output::yaml(&workflows)?,
            };
            print!("{text}");
        }
        Some(Format::Wide) | None if rows.is_empty() => println!("No workflows found"),
        Some(Format::Wide) | None => print_table(&client, &rows, arguments)?,
    }
    Ok(())
}

/// What of a definition is listed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    workflow: ListedWorkflow,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedWorkflow {
    spec: ListedSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedSpec {
    priority: Option<i32>,
    arguments: ListedArguments,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedArguments {
    parameters: Vec<Parameter>,
}

fn print_table(client: &Client, rows: &[RunRow], arguments: &Arguments) -> Result<()> {
    let now = crate::submission::now();
    let wide = arguments.output == Some(Format::Wide);
    let mut lines = Vec::new();
    if !arguments.no_headers {
        let mut head = vec!["NAME", "STATUS", "AGE", "DURATION", "PRIORITY", "MESSAGE"];
        if arguments.all_namespaces {
            head.insert(0, "NAMESPACE");
        }
        if wide {
            head.extend(["P/R/C", "PARAMETERS"]);
        }
        lines.push(head.into_iter().map(str::to_owned).collect());
    }
    for row in rows {
        let summary = &row.summary;
        let listed: Listed = serde_json::from_slice(&client.store.definition(row.id)?)?;
        let spec = listed.workflow.spec;
        let duration = summary.started_at.map_or(0, |started| {
            summary.finished_at.unwrap_or(now).since(started)
        });
        let stopped = summary.message.starts_with("Stopped with strategy");
        let mut line = vec![
            row.name.clone(),
            crate::describe::status(summary.phase, summary.suspended, stopped).to_owned(),
            short_duration(now.since(row.created_at)),
            short_duration(duration),
            spec.priority.unwrap_or_default().to_string(),
            one_line(&summary.message),
        ];
        if arguments.all_namespaces {
            line.insert(0, row.namespace.clone());
        }
        if wide {
            line.push(pods(client, row)?);
            line.push(parameters(&spec.arguments.parameters));
        }
        lines.push(line);
    }
    print!("{}", table(&lines, 3));
    Ok(())
}

/// Pods that are pending, that run, and that are over.
fn pods(client: &Client, row: &RunRow) -> Result<String> {
    let run = client.load(row.id)?;
    let (mut pending, mut running, mut over) = (0, 0, 0);
    for node in (0..run.node_count() as u32).filter_map(|index| run.glance(index)) {
        if node.kind != NodeType::Pod {
            continue;
        }
        match node.phase {
            phase if phase.is_fulfilled() => over += 1,
            NodePhase::Running => running += 1,
            _ => pending += 1,
        }
    }
    Ok(format!("{pending}/{running}/{over}"))
}

fn parameters(parameters: &[Parameter]) -> String {
    const LONGEST: usize = 50;
    let shown: Vec<String> = parameters
        .iter()
        .filter_map(|parameter| {
            let letters: Vec<char> = parameter.value.as_ref()?.as_str().chars().collect();
            let value: String = if letters.len() > LONGEST {
                let (head, tail) = (&letters[..32], &letters[letters.len() - 15..]);
                head.iter().chain(&['.', '.', '.']).chain(tail).collect()
            } else {
                letters.into_iter().collect()
            };
            Some(format!("{}={value}", parameter.name))
        })
        .collect();
    shown.join(",")
}
