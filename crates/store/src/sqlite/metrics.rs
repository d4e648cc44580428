//! Metrics as rows: one for each series. A commit reads those that it touches, works on them as
//! the pure table, and writes them back.

use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::metrics::{Emission, SeriesRow, Table};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Attempt, StoreError};

const ATTEMPT: &str = "read metrics";

/// Takes an observation in.
///
/// The inner error is why the table refuses it.
pub(super) fn record(
    connection: &Connection,
    told: &Emission,
) -> rusqlite::Result<Result<(), String>> {
    let labels = key(&told.series());
    let mut own = connection
        .prepare_cached("SELECT series FROM metric WHERE name = ? AND labels = ?")?
        .query_row(params![told.name, labels], series)
        .optional()?
        .flatten();
    if own.is_none() {
        // Another one of the same metric: it says what the metric is.
        own = connection
            .prepare_cached("SELECT series FROM metric WHERE name = ? LIMIT 1")?
            .query_row([&told.name], series)
            .optional()?
            .flatten();
    }
    let mut table = Table::from_rows(own);
    if let Err(reason) = table.record(told) {
        return Ok(Err(reason));
    }
    for row in table.rows().filter(|row| key(&row.labels) == labels) {
        put(connection, &row)?;
    }
    Ok(Ok(()))
}

/// What a run kept moving stands still.
pub(super) fn run_ended(connection: &Connection, run: RunId, at: Seconds) -> rusqlite::Result<()> {
    let owned: Vec<SeriesRow> = connection
        .prepare_cached("SELECT series FROM metric WHERE owner = ?")?
        .query_map([run.0 as i64], series)?
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    if owned.is_empty() {
        return Ok(());
    }
    let mut table = Table::from_rows(owned);
    table.run_ended(run, at);
    for row in table.rows() {
        put(connection, &row)?;
    }
    Ok(())
}

/// All metrics.
pub(super) fn table(connection: &Connection) -> Result<Table, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT series FROM metric")
        .attempt(ATTEMPT)?;
    let rows: Vec<SeriesRow> = statement
        .query_map([], series)
        .attempt(ATTEMPT)?
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()
        .attempt(ATTEMPT)?;
    Ok(Table::from_rows(rows))
}

/// Drops what was not told for longer than this and stands still.
pub(super) fn sweep(
    connection: &Connection,
    now: Seconds,
    ttl_seconds: i64,
) -> Result<(), StoreError> {
    connection
        .execute(
            "DELETE FROM metric WHERE owner IS NULL AND updated < ?",
            [now.plus(-ttl_seconds).0],
        )
        .attempt("sweep metrics")?;
    Ok(())
}

/// The labels as a column: sorted, as JSON.
fn key(labels: &[(String, String)]) -> String {
    serde_json::to_string(labels).unwrap_or_default()
}

/// A row that is damaged counts as one that is not there.
fn series(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<SeriesRow>> {
    let bytes: Vec<u8> = row.get(0)?;
    Ok(SeriesRow::decode(&bytes))
}

fn put(connection: &Connection, row: &SeriesRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO metric (name, labels, owner, updated, series)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            row.name,
            key(&row.labels),
            row.owner.map(|run| run.0 as i64),
            row.updated.0,
            row.encode(),
        ])?;
    Ok(())
}
