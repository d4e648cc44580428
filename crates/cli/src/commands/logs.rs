//! `argosy logs`.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use argosy_engine::ids::{PodKey, RunId, Seconds};
use argosy_engine::run::Run;

use crate::client::Client;
use crate::label_selector::LabelSelector;
use crate::options::Global;
use crate::style::{Style, StyleFlags};

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow; `@latest` is the one submitted last
    name: String,
    /// A pod, or its node: by ID, name or display name
    pod: Option<String>,
    /// Print the logs of this container
    #[arg(short, long, default_value = "main")]
    container: String,
    /// Go on printing until the workflow ends
    #[arg(short, long)]
    follow: bool,
    /// Print the logs of the pods before those that a retry has made
    #[arg(short, long)]
    previous: bool,
    /// Print the logs that were written to since then, such as 5s, 2m or 3h
    #[arg(long)]
    since: Option<String>,
    /// Print the logs that were written to after this time (RFC 3339)
    #[arg(long, conflicts_with = "since")]
    since_time: Option<String>,
    /// Print the last lines of each log only
    #[arg(long)]
    tail: Option<usize>,
    /// Print lines that this regular expression matches
    #[arg(long)]
    grep: Option<String>,
    /// Print the logs of pods with these labels
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Print the time of each line
    #[arg(long)]
    timestamps: bool,
    /// Print without colours, also on a terminal
    #[arg(long)]
    no_color: bool,
}

/// How often logs are looked at when they are followed.
const PACE: Duration = Duration::from_millis(100);

/// Reading the run takes at most this part of the time.
const SHARE: u32 = 10;

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    if arguments.timestamps {
        bail!(
            "--timestamps: the steps write their logs themselves, without times; `argosy get` shows when each step ran"
        );
    }
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let grep = arguments.grep.as_deref().map(|pattern| {
        regex_lite::Regex::new(pattern)
            .with_context(|| format!("--grep {pattern:?} is no regular expression"))
    });
    let since = match (&arguments.since, &arguments.since_time) {
        (Some(span), _) => Some(crate::selection::since(span)?),
        (None, Some(time)) => {
            let time: jiff::Timestamp = time
                .parse()
                .map_err(|_| anyhow::anyhow!("--since-time {time:?} is no time in RFC 3339"))?;
            Some(Seconds(time.as_second()))
        }
        (None, None) => None,
    };
    let labels = arguments.selector.as_deref().map(LabelSelector::parse);
    let mut printer = Printer {
        client: &client,
        wanted: Wanted {
            pod: arguments.pod.clone(),
            container: arguments.container.clone(),
            previous: arguments.previous,
            since,
            labels: labels.transpose()?,
        },
        grep: grep.transpose()?,
        tail: arguments.tail,
        style: Style::new(!arguments.no_color, true),
        places: BTreeMap::new(),
        met: false,
    };
    printer.go(row.id, arguments.follow)?;
    match &arguments.pod {
        Some(pod) if !printer.met => bail!(
            "workflow {} has no pod {pod:?}; `argosy get {}` shows those that it has",
            row.name,
            row.name
        ),
        _ => Ok(()),
    }
}

/// Prints a workflow's logs until it ends.
pub fn follow(client: &Client, id: RunId) -> Result<()> {
    Printer::of_all(client, StyleFlags::default().style()).go(id, true)
}

/// The logs of pods that have ended, each printed once, and what comes to them after that: a step
/// that is stopped may have something to say until it is killed.
pub struct Ended<'a> {
    printer: Printer<'a>,
    pods: BTreeMap<PodKey, String>,
}

impl<'a> Ended<'a> {
    pub fn new(client: &'a Client, style: Style) -> Self {
        Self {
            printer: Printer::of_all(client, style),
            pods: BTreeMap::new(),
        }
    }

    /// The lines of the pod of a node that has ended; nothing if they have been told.
    pub fn lines_of(&mut self, run: &Run, index: u32) -> Result<String> {
        let Some(key) = run.pod_key_at(index) else {
            return Ok(String::new());
        };
        if self.pods.contains_key(&key) {
            return Ok(String::new());
        }
        let name = run.pod_name_at(index);
        let mut text = Vec::new();
        let printed = self.printer.print(key, &name, End::Whole, &mut text);
        self.pods.insert(key, name);
        printed?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The lines that have come to all of them since.
    pub fn rest(&mut self) -> Result<String> {
        let mut text = Vec::new();
        for (key, name) in &self.pods {
            self.printer.print(*key, name, End::Whole, &mut text)?;
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Which logs are printed.
struct Wanted {
    pod: Option<String>,
    container: String,
    previous: bool,
    since: Option<Seconds>,
    labels: Option<LabelSelector>,
}

struct Printer<'a> {
    client: &'a Client,
    wanted: Wanted,
    grep: Option<regex_lite::Regex>,
    tail: Option<usize>,
    style: Style,
    /// How far each log has been printed.
    places: BTreeMap<PodKey, u64>,
    /// Whether any pod was meant.
    met: bool,
}

/// Whether a log's last line is whole although nothing ends it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Whole,
}

impl<'a> Printer<'a> {
    fn of_all(client: &'a Client, style: Style) -> Self {
        Self {
            client,
            wanted: Wanted {
                pod: None,
                container: "main".to_owned(),
                previous: false,
                since: None,
                labels: None,
            },
            grep: None,
            tail: None,
            style,
            places: BTreeMap::new(),
            met: false,
        }
    }

    fn go(&mut self, id: RunId, follow: bool) -> Result<()> {
        let mut seen = None;
        let mut open: BTreeMap<u32, (PodKey, String, End)> = BTreeMap::new();
        let mut known = 0;
        loop {
            let started = Instant::now();
            let counter = self.client.store.change_counter()?;
            let mut over = !follow;
            if seen != Some(counter) {
                seen = Some(counter);
                let run = self.client.load(id)?;
                over |= run
                    .phase()
                    .is_some_and(argosy_api::WorkflowPhase::is_completed);
                for (index, pod) in self.pods(&run, known) {
                    self.met = true;
                    open.insert(index, pod);
                }
                known = run.node_count() as u32;
                for (index, (_, _, end)) in &mut open {
                    let ended = run
                        .glance(*index)
                        .is_none_or(|node| node.phase.is_fulfilled());
                    if ended || over {
                        *end = End::Whole;
                    }
                }
            }
            let mut out = std::io::stdout().lock();
            for (key, pod, end) in open.values() {
                self.print(*key, pod, *end, &mut out)?;
            }
            out.flush()?;
            drop(out);
            open.retain(|_, (_, _, end)| *end == End::Open);
            if over {
                return Ok(());
            }
            std::thread::sleep(PACE.max(started.elapsed() * SHARE));
        }
    }

    /// The wanted pods among the nodes from this index on.
    fn pods(&self, run: &Run, from: u32) -> Vec<(u32, (PodKey, String, End))> {
        let mut pods = Vec::new();
        for index in from..run.node_count() as u32 {
            let Some(mut key) = run.pod_key_at(index) else {
                continue;
            };
            if self.wanted.previous {
                match run.previous_pod_key(key) {
                    Some(previous) => key = previous,
                    None => continue,
                }
            }
            let name = run.pod_name_at(index);
            let meant = self.wanted.pod.as_ref().is_none_or(|pod| {
                *pod == name
                    || *pod == run.node_id_at(index)
                    || *pod == run.name_at(index)
                    || *pod == run.display_name_at(index)
            });
            let labelled = self
                .wanted
                .labels
                .as_ref()
                .is_none_or(|wanted| wanted.fits(&run.pod_labels_at(index)));
            if meant && labelled {
                pods.push((index, (key, name, End::Open)));
            }
        }
        pods
    }

    fn print(&mut self, key: PodKey, pod: &str, end: End, out: &mut impl Write) -> Result<()> {
        let Ok(file) = File::open(self.client.log_path(key, &self.wanted.container)) else {
            return Ok(());
        };
        let written = file.metadata().and_then(|metadata| metadata.modified());
        let old = self
            .wanted
            .since
            .zip(written.ok())
            .is_some_and(|(since, written)| {
                let written = written
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                written.as_secs() < since.0.unsigned_abs()
            });
        match old {
            true => Ok(()),
            false => self.print_file(file, key, pod, end, out),
        }
    }

    fn print_file(
        &mut self,
        mut file: File,
        key: PodKey,
        pod: &str,
        end: End,
        out: &mut impl Write,
    ) -> Result<()> {
        let place = self.places.entry(key).or_default();
        let is_first = *place == 0;
        file.seek(SeekFrom::Start(*place))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut last: VecDeque<Vec<u8>> = VecDeque::new();
        let tail = self.tail.filter(|_| is_first);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if read == 0 || (end == End::Open && line.last() != Some(&b'\n')) {
                break;
            }
            *place += read as u64;
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            let wanted = |line: &[u8]| {
                let text = String::from_utf8_lossy(line);
                self.grep.as_ref().is_none_or(|grep| grep.is_match(&text))
            };
            if !wanted(&line) {
                continue;
            }
            match tail {
                Some(tail) => {
                    last.push_back(line.clone());
                    if last.len() > tail {
                        last.pop_front();
                    }
                }
                None => write_line(self.style, pod, &line, out)?,
            }
        }
        for line in last {
            write_line(self.style, pod, &line, out)?;
        }
        Ok(())
    }
}

fn write_line(style: Style, pod: &str, line: &[u8], out: &mut impl Write) -> std::io::Result<()> {
    let line = format!("{pod}: {}", String::from_utf8_lossy(line));
    writeln!(out, "{}", style.by_name(pod, &line))
}
