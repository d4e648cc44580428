//! `argosy logs`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use argosy_engine::ids::{PodKey, RunId};

use crate::client::Client;
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// A node: its ID, name or display name
    node: Option<String>,
    /// Go on printing until the workflow ends
    #[arg(short, long)]
    follow: bool,
    /// Print lines that this regular expression matches
    #[arg(long)]
    grep: Option<String>,
    /// Print the last lines of each step only
    #[arg(long)]
    tail: Option<usize>,
}

/// How often a log is looked at when it is followed.
const PACE: Duration = Duration::from_millis(200);

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let grep = arguments
        .grep
        .as_deref()
        .map(|pattern| {
            regex_lite::Regex::new(pattern)
                .with_context(|| format!("--grep {pattern:?} is no regular expression"))
        })
        .transpose()?;
    let mut printer = Printer {
        client: &client,
        places: BTreeMap::new(),
        grep,
        tail: arguments.tail,
    };
    printer.go(row.id, arguments.node.as_deref(), arguments.follow)
}

/// Prints a workflow's logs until it ends.
pub fn follow(client: &Client, id: RunId) -> Result<()> {
    Printer {
        client,
        places: BTreeMap::new(),
        grep: None,
        tail: None,
    }
    .go(id, None, true)
}

struct Printer<'a> {
    client: &'a Client,
    /// How far each log has been printed.
    places: BTreeMap<PodKey, u64>,
    grep: Option<regex_lite::Regex>,
    tail: Option<usize>,
}

impl Printer<'_> {
    fn go(&mut self, id: RunId, node: Option<&str>, follow: bool) -> Result<()> {
        loop {
            let run = self.client.load(id)?;
            let over = run.phase().is_some_and(|phase| phase.is_completed());
            for index in 0..run.node_count() as u32 {
                let Some(key) = run.pod_key_at(index) else {
                    continue;
                };
                let status = run.node_status_at(index);
                let wanted = node.is_none_or(|node| {
                    status.id == node || status.name == node || status.display_name == node
                });
                if wanted {
                    self.print(key, &run.pod_name_at(index))?;
                }
            }
            if over || !follow {
                return Ok(());
            }
            std::thread::sleep(PACE);
        }
    }

    fn print(&mut self, key: PodKey, pod: &str) -> Result<()> {
        let Ok(mut file) = File::open(self.client.log_path(key)) else {
            return Ok(());
        };
        let place = self.places.entry(key).or_default();
        file.seek(SeekFrom::Start(*place))?;
        let mut text = String::new();
        let mut bytes = Vec::new();
        file.take(64 << 20).read_to_end(&mut bytes)?;
        *place += bytes.len() as u64;
        text.push_str(&String::from_utf8_lossy(&bytes));
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| self.grep.as_ref().is_none_or(|grep| grep.is_match(line)))
            .collect();
        let skipped = self.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        let mut out = std::io::stdout().lock();
        for line in &lines[skipped..] {
            writeln!(out, "{pod}: {line}")?;
        }
        Ok(())
    }
}
