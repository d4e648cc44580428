//! Reading rows.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use argosy_api::WorkflowPhase;
use argosy_engine::commit::{NodeRow, RunSummary, ValueHash};
use argosy_engine::ids::{RunId, Seconds};
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::de::DeserializeOwned;

use crate::command::{CommandId, CommandRow};
use crate::error::{Attempt, StoreError};
use crate::object::{ObjectKind, StoredObject};
use crate::run::{Environment, Epoch, RunFilter, RunRow, StoredRun};
use crate::slots::{OwnerId, SlotOwner, SlotsStatus};

/// The most rows that one look at commands and unfinished runs gives.
pub(super) const MOST: usize = 1_000;

fn signed(run: RunId) -> i64 {
    run.0 as i64
}

const COLUMNS: &str =
    "run.id, run.namespace, run.name, run.uid, run.labels, run.annotations, run.created_at,
     s.epoch, s.owner_process, s.phase, s.message, s.started_at, s.finished_at,
     s.progress_done, s.progress_total, s.counts, s.suspended, s.completed, s.delete_at";

pub(super) fn runs(connection: &Connection, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
    let attempt = "list runs";
    let (conditions, values): (Vec<String>, Vec<Option<Value>>) =
        conditions(filter).into_iter().unzip();
    let wanted = match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    };
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM run JOIN run_summary s ON s.run = run.id {wanted} ORDER BY run.id DESC LIMIT {limit}"
    );
    let mut statement = connection.prepare_cached(&sql).attempt(attempt)?;
    let rows = statement
        .query_map(params_from_iter(values.into_iter().flatten()), run_row)
        .attempt(attempt)?;
    rows.collect::<Result<_, _>>().attempt(attempt)
}

/// What a run's row must fulfil, each condition with the value of its `?`, if it has one.
fn conditions(filter: &RunFilter) -> Vec<(String, Option<Value>)> {
    let prefix = filter.name_prefix.as_deref();
    let prefix = prefix.map(|prefix| format!("{}*", glob_text(prefix)));
    let with_values: [(&str, Option<Value>); 7] = [
        (
            "run.namespace = ?",
            filter.namespace.clone().map(Value::from),
        ),
        ("run.name = ?", filter.name.clone().map(Value::from)),
        ("run.name GLOB ?", prefix.map(Value::from)),
        ("run.uid = ?", filter.uid.clone().map(Value::from)),
        (
            "run.created_at >= ?",
            filter.created_since.map(|at| at.0.into()),
        ),
        (
            "s.completed = ?",
            filter
                .completed
                .map(|completed| i64::from(completed).into()),
        ),
        ("run.id < ?", filter.before.map(|run| signed(run).into())),
    ];
    let given = with_values.into_iter().filter(|(_, value)| value.is_some());
    let mut conditions: Vec<(String, Option<Value>)> = given
        .map(|(condition, value)| (condition.to_owned(), value))
        .collect();
    if !filter.ids.is_empty() {
        let ids: Vec<String> = filter.ids.iter().map(|id| id.0.to_string()).collect();
        conditions.push((format!("run.id IN ({})", ids.join(",")), None));
    }
    if !filter.phases.is_empty() {
        let phases = filter.phases.iter().map(|phase| match phase {
            Some(phase) => format!("s.phase = '{}'", phase.as_str()),
            None => "s.phase IS NULL".to_owned(),
        });
        let phases: Vec<String> = phases.collect();
        conditions.push((format!("({})", phases.join(" OR ")), None));
    }
    conditions
}

/// A text that a GLOB pattern takes as it is.
fn glob_text(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '*' | '?' | '[' => format!("[{letter}]"),
            letter => letter.to_string(),
        })
        .collect()
}

/// What a column holds as JSON.
fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let phase: Option<String> = row.get(9)?;
    Ok(RunRow {
        id: RunId(row.get::<_, i64>(0)? as u64),
        namespace: row.get(1)?,
        name: row.get(2)?,
        uid: row.get(3)?,
        labels: json(row, 4)?,
        annotations: json(row, 5)?,
        created_at: Seconds(row.get(6)?),
        epoch: Epoch(row.get::<_, i64>(7)? as u64),
        owner_process: row.get(8)?,
        summary: RunSummary {
            phase: phase.as_deref().and_then(WorkflowPhase::parse),
            message: row.get::<_, String>(10)?.into(),
            started_at: row.get::<_, Option<i64>>(11)?.map(Seconds),
            finished_at: row.get::<_, Option<i64>>(12)?.map(Seconds),
            progress_done: row.get::<_, i64>(13)? as u64,
            progress_total: row.get::<_, i64>(14)? as u64,
            counts: json(row, 15)?,
            suspended: row.get(16)?,
            completed: row.get(17)?,
            delete_at: row.get::<_, Option<i64>>(18)?.map(Seconds),
        },
    })
}

fn missing(attempt: &'static str, run: RunId) -> StoreError {
    StoreError::RunMissing { attempt, run }
}

pub(super) fn definition(connection: &Connection, run: RunId) -> Result<Vec<u8>, StoreError> {
    let attempt = "read the definition of";
    connection
        .query_row(
            "SELECT definition FROM run_definition WHERE run = ?",
            [signed(run)],
            |row| row.get(0),
        )
        .optional()
        .attempt(attempt)?
        .ok_or_else(|| missing(attempt, run))
}

pub(super) fn environment(connection: &Connection, run: RunId) -> Result<Environment, StoreError> {
    let attempt = "read the environment of";
    let bytes: Vec<u8> = connection
        .query_row(
            "SELECT environment FROM run_definition WHERE run = ?",
            [signed(run)],
            |row| row.get(0),
        )
        .optional()
        .attempt(attempt)?
        .ok_or_else(|| missing(attempt, run))?;
    let mut parts = bytes.split(|&byte| byte == 0);
    let text = |part: &[u8]| OsString::from_vec(part.to_vec());
    let working_directory = text(parts.next().unwrap_or_default()).into();
    let (mut variables, mut umask) = (Vec::new(), None);
    for part in parts {
        let Some(equals) = part.iter().position(|&byte| byte == b'=') else {
            continue;
        };
        match (&part[..equals], &part[equals + 1..]) {
            (b"", octal) => {
                let octal = std::str::from_utf8(octal).ok();
                umask = octal.and_then(|octal| u32::from_str_radix(octal, 8).ok());
            }
            (name, value) => variables.push((text(name), text(value))),
        }
    }
    Ok(Environment {
        working_directory,
        variables,
        umask,
    })
}

/// Runs that have something left to do, the oldest first, from behind this one on.
pub(super) fn unfinished(
    connection: &Connection,
    after: Option<RunId>,
) -> Result<Vec<RunId>, StoreError> {
    let attempt = "look for unfinished runs";
    let mut statement = connection
        .prepare_cached(
            "SELECT run FROM run_summary WHERE completed = 0 AND run > ?1
             UNION SELECT run FROM outbox WHERE run > ?1 ORDER BY run LIMIT ?2",
        )
        .attempt(attempt)?;
    let after = after.map_or(0, |run| run.0 as i64);
    let rows = statement
        .query_map([after, MOST as i64], run_id)
        .attempt(attempt)?;
    rows.collect::<Result<_, _>>().attempt(attempt)
}

pub(super) fn expired(connection: &Connection, now: Seconds) -> Result<Vec<RunId>, StoreError> {
    let attempt = "look for runs to delete";
    let mut statement = connection
        .prepare_cached("SELECT run FROM run_summary WHERE delete_at <= ? ORDER BY run LIMIT ?")
        .attempt(attempt)?;
    let rows = statement
        .query_map(params![now.0, MOST as i64], run_id)
        .attempt(attempt)?;
    rows.collect::<Result<_, _>>().attempt(attempt)
}

fn run_id(row: &Row<'_>) -> rusqlite::Result<RunId> {
    Ok(RunId(row.get::<_, i64>(0)? as u64))
}

pub(super) fn stored_run(connection: &Connection, run: RunId) -> Result<StoredRun, StoreError> {
    let attempt = "load";
    let filter = RunFilter {
        ids: vec![run],
        ..RunFilter::default()
    };
    let row = runs(connection, &filter)?
        .pop()
        .ok_or_else(|| missing(attempt, run))?;
    let options = connection
        .query_row(
            "SELECT options FROM run_definition WHERE run = ?",
            [signed(run)],
            |row| row.get(0),
        )
        .optional()
        .attempt(attempt)?
        .unwrap_or_default();
    let state = connection
        .query_row(
            "SELECT state FROM run_state WHERE run = ?",
            [signed(run)],
            |row| row.get(0),
        )
        .optional()
        .attempt(attempt)?;
    Ok(StoredRun {
        row,
        definition: definition(connection, run)?,
        options,
        state,
    })
}

pub(super) fn nodes(
    connection: &Connection,
    run: RunId,
    on_node: &mut dyn FnMut(NodeRow),
) -> Result<(), StoreError> {
    let attempt = "read the nodes of a run";
    let mut statement = connection
        .prepare_cached("SELECT idx, record FROM node WHERE run = ? ORDER BY idx")
        .attempt(attempt)?;
    let mut rows = statement.query([signed(run)]).attempt(attempt)?;
    while let Some(row) = rows.next().attempt(attempt)? {
        on_node(NodeRow {
            index: row.get(0).attempt(attempt)?,
            record: row.get(1).attempt(attempt)?,
        });
    }
    Ok(())
}

pub(super) fn node(
    connection: &Connection,
    run: RunId,
    index: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    connection
        .query_row(
            "SELECT record FROM node WHERE run = ? AND idx = ?",
            params![signed(run), index],
            |row| row.get(0),
        )
        .optional()
        .attempt("read a node")
}

pub(super) fn value(
    connection: &Connection,
    run: RunId,
    hash: ValueHash,
) -> Result<Option<String>, StoreError> {
    connection
        .query_row(
            "SELECT text FROM value WHERE run = ? AND hash = ?",
            params![signed(run), hash.0],
            |row| row.get(0),
        )
        .optional()
        .attempt("read a value")
}

pub(super) fn values(
    connection: &Connection,
    run: RunId,
    on_value: &mut dyn FnMut(ValueHash, String),
) -> Result<(), StoreError> {
    let attempt = "read the values of a run";
    let mut statement = connection
        .prepare_cached("SELECT hash, text FROM value WHERE run = ?")
        .attempt(attempt)?;
    let mut rows = statement.query([signed(run)]).attempt(attempt)?;
    while let Some(row) = rows.next().attempt(attempt)? {
        on_value(
            ValueHash(row.get(0).attempt(attempt)?),
            row.get(1).attempt(attempt)?,
        );
    }
    Ok(())
}

pub(super) fn log(
    connection: &Connection,
    run: RunId,
    from: u64,
    on_entry: &mut dyn FnMut(u64, Vec<u8>),
) -> Result<(), StoreError> {
    let attempt = "read the log of a run";
    let mut statement = connection
        .prepare_cached("SELECT seq, entry FROM log WHERE run = ? AND seq >= ? ORDER BY seq")
        .attempt(attempt)?;
    let mut rows = statement
        .query(params![signed(run), from as i64])
        .attempt(attempt)?;
    while let Some(row) = rows.next().attempt(attempt)? {
        on_entry(
            row.get::<_, i64>(0).attempt(attempt)? as u64,
            row.get(1).attempt(attempt)?,
        );
    }
    Ok(())
}

pub(super) fn outbox(
    connection: &Connection,
    run: RunId,
    on_entry: &mut dyn FnMut(u64, Vec<u8>),
) -> Result<(), StoreError> {
    let attempt = "read the outbox of a run";
    let mut statement = connection
        .prepare_cached("SELECT number, entry FROM outbox WHERE run = ? ORDER BY number")
        .attempt(attempt)?;
    let mut rows = statement.query([signed(run)]).attempt(attempt)?;
    while let Some(row) = rows.next().attempt(attempt)? {
        on_entry(
            row.get::<_, i64>(0).attempt(attempt)? as u64,
            row.get(1).attempt(attempt)?,
        );
    }
    Ok(())
}

pub(super) fn change_counter(connection: &Connection) -> Result<u64, StoreError> {
    let attempt = "look for changes";
    let others: i64 = connection
        .query_row("PRAGMA data_version", [], |row| row.get(0))
        .attempt(attempt)?;
    Ok((others as u64) << 32 ^ connection.total_changes())
}

pub(super) fn commands(
    connection: &Connection,
    run: Option<RunId>,
    after: CommandId,
) -> Result<Vec<CommandRow>, StoreError> {
    let attempt = "read commands";
    let mut statement = connection
        .prepare_cached(
            "SELECT id, run, command FROM command WHERE id > ? AND (?2 IS NULL OR run = ?2) ORDER BY id LIMIT ?3",
        )
        .attempt(attempt)?;
    let rows = statement
        .query_map(
            params![after.0 as i64, run.map(signed), MOST as i64],
            |row| {
                Ok(CommandRow {
                    id: CommandId(row.get::<_, i64>(0)? as u64),
                    run: RunId(row.get::<_, i64>(1)? as u64),
                    command: row.get(2)?,
                })
            },
        )
        .attempt(attempt)?;
    rows.collect::<Result<_, _>>().attempt(attempt)
}

pub(super) fn object(
    connection: &Connection,
    kind: ObjectKind,
    namespace: &str,
    name: &str,
) -> Result<Option<StoredObject>, StoreError> {
    connection
        .query_row(
            "SELECT namespace, name, json, resource_version FROM object WHERE kind = ? AND namespace = ? AND name = ?",
            params![kind.as_str(), namespace, name],
            |row| stored_object(kind, row),
        )
        .optional()
        .attempt("read an object")
}

fn stored_object(kind: ObjectKind, row: &Row<'_>) -> rusqlite::Result<StoredObject> {
    Ok(StoredObject {
        kind,
        namespace: row.get(0)?,
        name: row.get(1)?,
        json: row.get(2)?,
        resource_version: row.get::<_, i64>(3)? as u64,
    })
}

pub(super) fn objects_named(
    connection: &Connection,
    kind: ObjectKind,
    name: &str,
) -> Result<Vec<StoredObject>, StoreError> {
    let attempt = "look for an object";
    let mut statement = connection
        .prepare_cached(
            "SELECT namespace, name, json, resource_version FROM object
             WHERE kind = ? AND name = ? ORDER BY namespace",
        )
        .attempt(attempt)?;
    let rows = statement
        .query_map(params![kind.as_str(), name], |row| stored_object(kind, row))
        .attempt(attempt)?;
    rows.collect::<Result<_, _>>().attempt(attempt)
}

pub(super) fn objects(
    connection: &Connection,
    kind: ObjectKind,
    namespace: Option<&str>,
    on_object: &mut dyn FnMut(StoredObject),
) -> Result<(), StoreError> {
    let attempt = "list objects";
    let mut statement = connection
        .prepare_cached(
            "SELECT namespace, name, json, resource_version FROM object
             WHERE kind = ? AND (?2 IS NULL OR namespace = ?2) ORDER BY namespace, name",
        )
        .attempt(attempt)?;
    let rows = statement
        .query_map(params![kind.as_str(), namespace], |row| {
            stored_object(kind, row)
        })
        .attempt(attempt)?;
    for row in rows {
        on_object(row.attempt(attempt)?);
    }
    Ok(())
}

pub(super) fn slots_status(connection: &Connection) -> Result<SlotsStatus, StoreError> {
    let attempt = "look at the slots";
    let total: i64 = connection
        .query_row(
            "SELECT value FROM counter WHERE name = 'slots_total'",
            [],
            |row| row.get(0),
        )
        .attempt(attempt)?;
    let mut statement = connection
        .prepare_cached("SELECT owner, process, held, wanted FROM slot_owner ORDER BY owner")
        .attempt(attempt)?;
    let owners = statement
        .query_map([], |row| {
            Ok(SlotOwner {
                id: OwnerId(row.get(0)?),
                process: row.get(1)?,
                held: row.get(2)?,
                wanted: row.get(3)?,
            })
        })
        .attempt(attempt)?
        .collect::<Result<_, _>>()
        .attempt(attempt)?;
    Ok(SlotsStatus {
        total: u32::try_from(total).unwrap_or_default(),
        owners,
    })
}
