//! Which workflows a command is about: by name, by labels, by fields.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use argosy_api::{WorkflowPhase, labels};
use argosy_engine::ids::Seconds;
use argosy_store::RunRow;

use crate::client::{Client, Scope};
use crate::label_selector::LabelSelector;
use crate::submission::now;

/// Workflows by name, or by what they are like.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Selection {
    /// The workflows; `@latest` is the one submitted last
    pub names: Vec<String>,
    /// Those with these labels, such as key1=value1,key2!=value2
    #[arg(short = 'l', long)]
    pub selector: Option<String>,
    /// Those with these fields: metadata.name, metadata.namespace
    #[arg(long)]
    pub field_selector: Option<String>,
}

impl Selection {
    /// The workflows meant, each once.
    pub fn rows(&self, client: &Client) -> Result<Vec<RunRow>> {
        if self.names.is_empty() && self.selector.is_none() && self.field_selector.is_none() {
            bail!("requires either a selector or a workflow; `argosy list` shows those there are");
        }
        let mut rows = Vec::new();
        for name in &self.names {
            rows.push(client.row(name)?);
        }
        if self.selector.is_some() || self.field_selector.is_some() {
            let filter = Filter {
                selector: self.selector.clone(),
                field_selector: self.field_selector.clone(),
                ..Filter::default()
            };
            rows.extend(filter.rows(client, Scope::Namespace)?);
        }
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert(row.id));
        Ok(rows)
    }
}

/// What `list` and `delete` filter by.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Filter {
    /// Those whose name begins so
    #[arg(long)]
    pub prefix: Option<String>,
    /// Those that have ended and finished longer ago than this, such as 10m, 3h, 1d
    #[arg(long)]
    pub older: Option<String>,
    /// Those in these phases
    #[arg(long, value_delimiter = ',', value_name = "PHASE,PHASE")]
    pub status: Vec<String>,
    /// Those that have ended
    #[arg(long)]
    pub completed: bool,
    /// Those that were resubmitted
    #[arg(long)]
    pub resubmitted: bool,
    /// Those with these labels, such as key1=value1,key2!=value2
    #[arg(short = 'l', long)]
    pub selector: Option<String>,
    /// Those with these fields: metadata.name, metadata.namespace
    #[arg(long)]
    pub field_selector: Option<String>,
}

impl Filter {
    /// Whether it filters at all.
    pub fn is_set(&self) -> bool {
        self.prefix.is_some()
            || self.older.is_some()
            || !self.status.is_empty()
            || self.completed
            || self.resubmitted
            || self.selector.is_some()
            || self.field_selector.is_some()
    }

    /// The workflows that fit, in Argo's order: those under way first, then the latest.
    pub fn rows(&self, client: &Client, scope: Scope) -> Result<Vec<RunRow>> {
        self.rows_in_pages(client, scope, 0)
    }

    /// The same, read so many at a time; 0 for as many as suits.
    pub fn rows_in_pages(&self, client: &Client, scope: Scope, page: usize) -> Result<Vec<RunRow>> {
        for phase in &self.status {
            if WorkflowPhase::parse(phase).is_none() {
                bail!(
                    "--status {phase}: the phases are Pending, Running, Succeeded, Failed, Error"
                );
            }
        }
        let labels = LabelSelector::parse(self.selector.as_deref().unwrap_or_default())?;
        let fields = fields(self.field_selector.as_deref().unwrap_or_default())?;
        let before = self.older.as_deref().map(since).transpose()?;
        let all = match page {
            0 => client.rows(scope)?,
            page => client.rows_in_pages(scope, page)?,
        };
        let mut rows: Vec<RunRow> = all
            .into_iter()
            .filter(|row| {
                let phase = row.summary.phase;
                let ended = phase.is_some_and(WorkflowPhase::is_completed);
                let named = phase.map_or("Pending", WorkflowPhase::as_str);
                let old = before.is_none_or(|before| {
                    row.summary
                        .finished_at
                        .is_some_and(|finished| finished < before)
                });
                (!self.completed || ended)
                    && (!self.resubmitted
                        || row.labels.contains_key(labels::PREVIOUS_WORKFLOW_NAME))
                    && (self.status.is_empty() || self.status.iter().any(|phase| phase == named))
                    && self
                        .prefix
                        .as_ref()
                        .is_none_or(|prefix| row.name.starts_with(prefix))
                    && old
                    && labels.fits(&shown_labels(row))
                    && fields.iter().all(|field| field.fits(row))
            })
            .collect();
        rows.sort_by_key(|row| {
            let finished = row.summary.finished_at;
            (
                finished.is_some(),
                std::cmp::Reverse(finished.unwrap_or(row.created_at)),
                std::cmp::Reverse(row.created_at),
                std::cmp::Reverse(row.id),
            )
        });
        Ok(rows)
    }
}

/// A workflow's labels with those that its phase gives it.
fn shown_labels(row: &RunRow) -> std::collections::BTreeMap<String, String> {
    let mut labels = row.labels.clone();
    if let Some(phase) = row.summary.phase {
        labels.insert(labels::PHASE.to_owned(), phase.as_str().to_owned());
        labels.insert(
            labels::COMPLETED.to_owned(),
            phase.is_completed().to_string(),
        );
    }
    labels
}

/// The time that lies so long ago: `10m`, `3h`, `1d`, or a time in RFC 3339.
pub fn since(text: &str) -> Result<Seconds> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Seconds(time.as_second()));
    }
    let seconds = argosy_engine::duration::parse_span_seconds(text)
        .map_err(|_| anyhow::anyhow!("{text:?} is no span of time such as 10m, 3h or 1d"))?;
    Ok(now().plus(-seconds))
}

struct FieldTerm {
    key: &'static str,
    equals: bool,
    value: String,
}

impl FieldTerm {
    fn fits(&self, row: &RunRow) -> bool {
        let value = match self.key {
            "metadata.name" => row.name.as_str(),
            "metadata.namespace" => row.namespace.as_str(),
            "metadata.uid" => row.uid.as_str(),
            _ => row.summary.phase.map_or("", WorkflowPhase::as_str),
        };
        (value == self.value) == self.equals
    }
}

/// `metadata.name=a,metadata.namespace!=b`.
fn fields(text: &str) -> Result<Vec<FieldTerm>> {
    const KEYS: [&str; 4] = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "status.phase",
    ];
    text.split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .map(|term| {
            let (key, value) = term
                .split_once('=')
                .with_context(|| format!("the field selector {term:?} is not KEY=VALUE"))?;
            let equals = !key.ends_with('!');
            let key = key.trim_end_matches('!').trim();
            let key = KEYS
                .into_iter()
                .find(|known| *known == key)
                .with_context(|| {
                    format!(
                        "workflows can't be selected by the field {key:?}; they can by {}",
                        KEYS.join(", ")
                    )
                })?;
            let value = value.trim_start_matches('=').trim().to_owned();
            Ok(FieldTerm { key, equals, value })
        })
        .collect()
}
