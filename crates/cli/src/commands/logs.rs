//! `argosy logs`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use argosy_engine::ids::{PodKey, RunId};
use argosy_engine::run::Run;
use argosy_local::{LogEnd, LogLine, LogReader};

use crate::client::Client;
use crate::label_selector::LabelSelector;
use crate::options::Global;
use crate::style::{ColorFlag, Style};

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
    /// Print the lines that were written since then, such as 5s, 2m or 3h
    #[arg(long)]
    since: Option<String>,
    /// Print the lines that were written at this time or later (RFC 3339)
    #[arg(long, conflicts_with = "since")]
    since_time: Option<String>,
    /// Print the last lines of each log only; all of them if negative
    #[arg(long, allow_negative_numbers = true)]
    tail: Option<i64>,
    /// Print lines that this regular expression matches
    #[arg(long)]
    grep: Option<String>,
    /// Print the logs of pods with these labels
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Print the time of each line, which is true to about a second
    #[arg(long)]
    timestamps: bool,
    #[command(flatten)]
    color: ColorFlag,
}

/// How often logs are looked at when they are followed.
const PACE: Duration = Duration::from_millis(100);

/// Reading the run takes at most this part of the time.
const SHARE: u32 = 10;

pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let client = Client::open(global)?;
    let row = client.row(&arguments.name)?;
    let grep = arguments.grep.as_deref().map(|pattern| {
        regex_lite::Regex::new(pattern)
            .with_context(|| format!("--grep {pattern:?} is no regular expression"))
    });
    let since = match (&arguments.since, &arguments.since_time) {
        (Some(span), _) => Some(ago(span)?),
        (None, Some(time)) => {
            let time: jiff::Timestamp = time
                .parse()
                .map_err(|_| anyhow::anyhow!("--since-time {time:?} is no time in RFC 3339"))?;
            Some(SystemTime::from(time))
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
        tail: arguments.tail.and_then(|tail| u64::try_from(tail).ok()),
        timestamps: arguments.timestamps,
        style: arguments.color.style(),
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

/// The time that lies so long ago.
fn ago(span: &str) -> Result<SystemTime> {
    let seconds = argosy_engine::duration::parse_seconds(span)
        .ok()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .with_context(|| format!("--since {span:?} is no span of time such as 5s, 2m or 3h"))?;
    let time = SystemTime::now().checked_sub(Duration::from_secs(seconds));
    Ok(time.unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Prints a workflow's logs until it ends.
pub fn follow(client: &Client, id: RunId) -> Result<()> {
    Printer::of_all(client, Style::usual()).go(id, true)
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
        let printed = self.printer.print(key, &name, LogEnd::Whole, &mut text);
        self.pods.insert(key, name);
        printed?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The lines that have come to all of them since.
    pub fn rest(&mut self) -> Result<String> {
        let mut text = Vec::new();
        for (key, name) in &self.pods {
            self.printer.print(*key, name, LogEnd::Whole, &mut text)?;
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Which logs are printed.
struct Wanted {
    pod: Option<String>,
    container: String,
    previous: bool,
    since: Option<SystemTime>,
    labels: Option<LabelSelector>,
}

struct Printer<'a> {
    client: &'a Client,
    wanted: Wanted,
    grep: Option<regex_lite::Regex>,
    tail: Option<u64>,
    timestamps: bool,
    style: Style,
    /// How far each log has been printed.
    places: BTreeMap<PodKey, u64>,
    /// Whether any pod was meant.
    met: bool,
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
            timestamps: false,
            style,
            places: BTreeMap::new(),
            met: false,
        }
    }

    fn go(&mut self, id: RunId, follow: bool) -> Result<()> {
        let mut seen = None;
        let mut open: BTreeMap<u32, (PodKey, String, LogEnd)> = BTreeMap::new();
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
                        *end = LogEnd::Whole;
                    }
                }
            }
            let mut out = std::io::stdout().lock();
            for (key, pod, end) in open.values() {
                self.print(*key, pod, *end, &mut out)?;
            }
            out.flush()?;
            drop(out);
            open.retain(|_, (_, _, end)| *end == LogEnd::Open);
            if over {
                return Ok(());
            }
            std::thread::sleep(PACE.max(started.elapsed() * SHARE));
        }
    }

    /// The wanted pods among the nodes from this index on.
    fn pods(&self, run: &Run, from: u32) -> Vec<(u32, (PodKey, String, LogEnd))> {
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
                pods.push((index, (key, name, LogEnd::Open)));
            }
        }
        pods
    }

    fn print(&mut self, key: PodKey, pod: &str, end: LogEnd, out: &mut impl Write) -> Result<()> {
        let path = self.client.log_path(key, &self.wanted.container);
        let Ok(mut log) = LogReader::open(&path, end) else {
            return Ok(());
        };
        let since = self.wanted.since;
        match self.places.get(&key) {
            Some(&place) => log.skip_to(place)?,
            None => {
                if let Some(tail) = self.tail {
                    log.skip_to_last(tail)?;
                }
                if let Some(since) = since {
                    log.skip_to_time(since)?;
                }
            }
        }
        while let Some(line) = log.next_line()? {
            if since.is_some_and(|since| line.at < since) {
                continue;
            }
            let content = content(&line, self.timestamps)?;
            // Argo looks at what is printed, its time included.
            if self
                .grep
                .as_ref()
                .is_none_or(|grep| grep.is_match(&content))
            {
                let line = format!("{pod}: {content}");
                writeln!(out, "{}", self.style.by_name(pod, &line))?;
            }
        }
        self.places.insert(key, log.place());
        Ok(())
    }
}

/// A line as it is printed: where its time is wanted, that comes first, as Kubernetes prints it.
fn content(line: &LogLine<'_>, timestamps: bool) -> io::Result<String> {
    let text = String::from_utf8_lossy(line.text);
    if !timestamps {
        return Ok(text.into_owned());
    }
    let time = jiff::Timestamp::try_from(line.at).map_err(io::Error::other)?;
    Ok(format!("{time:.9} {text}"))
}
