//! `argosy completion`: scripts that have a shell ask `argosy complete` what a word may become, names
//! of workflows included.

mod words;

use std::io::Write;

use anyhow::Result;
use argosy_api::WorkflowPhase;
use argosy_store::{ObjectKind, RunFilter};

use crate::client::Client;
use crate::options::Global;
use words::{Line, Wanted};

#[derive(clap::Args)]
pub struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

#[derive(clap::Args)]
pub struct WordsArguments {
    /// The words of a command line behind `argosy`, the last of them unfinished
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    words: Vec<String>,
}

const BASH: &str = include_str!("completion/argosy.bash");
const ZSH: &str = include_str!("completion/argosy.zsh");
const FISH: &str = include_str!("completion/argosy.fish");

/// Printed in place of words where files are wanted, which shells know how to find.
const FILES: &str = ":files";

/// So many names are offered.
const MOST: usize = 500;

/// Prints a shell's script.
pub fn run(arguments: &Arguments) -> Result<()> {
    let script = match arguments.shell {
        clap_complete::Shell::Bash => BASH.as_bytes().to_vec(),
        clap_complete::Shell::Zsh => ZSH.as_bytes().to_vec(),
        clap_complete::Shell::Fish => FISH.as_bytes().to_vec(),
        // These know the commands and flags alone.
        other => {
            let mut script = Vec::new();
            let mut line = crate::command_line();
            clap_complete::generate(other, &mut line, "argosy", &mut script);
            script
        }
    };
    std::io::stdout().write_all(&script)?;
    Ok(())
}

/// Prints what the last word may become, a line each.
pub fn complete(arguments: &WordsArguments, global: &Global) -> Result<()> {
    let line = Line::read(crate::command_line(), &arguments.words);
    let mut global = global.clone();
    if let Some(dir) = line.flag("data-dir") {
        global.data_dir = Some(dir.into());
    }
    if let Some(namespace) = line.flag("namespace") {
        namespace.clone_into(&mut global.namespace);
    }
    let mut found = line.words();
    match line.wanted() {
        Wanted::Nothing => {}
        Wanted::Files => found.push(FILES.to_owned()),
        wanted => {
            // Nobody wants a data directory made by a key press.
            if global.data_dir()?.exists() {
                found.extend(names(&wanted, &global, line.last())?);
            }
        }
    }
    found.retain(|word| word.starts_with(line.last()) || word == FILES);
    for word in found {
        println!("{}{word}", line.before_value());
    }
    Ok(())
}

/// The names of what is wanted.
fn names(wanted: &Wanted, global: &Global, beginning: &str) -> Result<Vec<String>> {
    let client = Client::open(global)?;
    let kept = |kind: ObjectKind| -> Result<Vec<String>> {
        let place = super::get::place(&client, kind);
        let mut names = Vec::new();
        let objects = &mut |object: argosy_store::StoredObject| names.push(object.name);
        client.store.objects(kind, Some(&place), objects)?;
        Ok(names)
    };
    Ok(match wanted {
        Wanted::Nothing | Wanted::Files => Vec::new(),
        Wanted::Workflows(phases) => workflows(&client, phases, beginning)?,
        Wanted::Pods(workflow) => {
            let run = client.load(client.row(workflow)?.id)?;
            let pods =
                (0..run.node_count() as u32).filter(|&index| run.pod_key_at(index).is_some());
            pods.map(|index| run.pod_name_at(index))
                .take(MOST)
                .collect()
        }
        Wanted::Nodes(workflow) => {
            let run = client.load(client.row(workflow)?.id)?;
            let nodes = (0..run.node_count() as u32).map(|index| run.display_name_at(index));
            // Others would have to be quoted.
            let plain = |name: &String| {
                name.chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
            };
            nodes.filter(plain).take(MOST).collect()
        }
        Wanted::Kept(kind) => kept(*kind)?,
        Wanted::References => {
            let mut all = Vec::new();
            for (word, kind) in [
                ("workflowtemplate", ObjectKind::WorkflowTemplate),
                (
                    "clusterworkflowtemplate",
                    ObjectKind::ClusterWorkflowTemplate,
                ),
                ("cronworkflow", ObjectKind::CronWorkflow),
            ] {
                all.extend(kept(kind)?.into_iter().map(|name| format!("{word}/{name}")));
            }
            all
        }
    })
}

fn workflows(client: &Client, phases: &[WorkflowPhase], beginning: &str) -> Result<Vec<String>> {
    let mut asked: Vec<Option<WorkflowPhase>> = phases.iter().copied().map(Some).collect();
    if phases.contains(&WorkflowPhase::Pending) {
        // Before its first turn it has none.
        asked.push(None);
    }
    let filter = RunFilter {
        namespace: Some(client.namespace.clone()),
        name_prefix: Some(beginning.to_owned()),
        phases: asked,
        limit: MOST,
        ..RunFilter::default()
    };
    let rows = client.store.runs(&filter)?;
    let names = rows.into_iter().map(|row| row.name);
    Ok(std::iter::once("@latest".to_owned()).chain(names).collect())
}
