//! What a workflow's duration is estimated by: the last run that came from the same template and
//! succeeded. Argo: `workflow/controller/estimation`.

use std::collections::BTreeMap;

use anyhow::Result;
use argosy_api::{Workflow, WorkflowPhase};
use argosy_engine::definition::Baseline;
use argosy_store::{RunFilter, RunRow};

use crate::client::Client;

/// How many of the last workflows that succeeded are looked through.
const MOST_RUNS: usize = 1_000;

/// Nodes have estimates if the earlier run had at most so many.
const MOST_NODES: u32 = 10_000;

/// How long the last run took that was like this one; `None` if there was none.
///
/// # Errors
/// If the store can't be read.
pub fn baseline(client: &Client, workflow: &Workflow) -> Result<Option<Baseline>> {
    let Some((key, value)) = Baseline::origin(workflow) else {
        return Ok(None);
    };
    let filter = RunFilter {
        namespace: workflow.metadata.namespace.clone(),
        phases: vec![Some(WorkflowPhase::Succeeded)],
        limit: MOST_RUNS,
        ..RunFilter::default()
    };
    let rows = client.store.runs(&filter)?;
    let alike = |row: &RunRow| row.labels.get(key) == Some(&value);
    let Some(row) = rows.into_iter().find(alike) else {
        return Ok(None);
    };
    let summary = &row.summary;
    if summary.counts.iter().sum::<u32>() > MOST_NODES {
        let times = summary.started_at.zip(summary.finished_at);
        return Ok(times.map(|(started, finished)| Baseline {
            seconds: finished.since(started),
            nodes: BTreeMap::new(),
        }));
    }
    // An earlier run that can't be read any more is no reason not to run this one.
    Ok(client
        .load(row.id)
        .ok()
        .and_then(|run| Baseline::of(&run.workflow())))
}
