//! Writing rows, inside a transaction of the caller's.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use argosy_engine::commit::{Commit, RunSummary};
use argosy_engine::fact::Letter;
use argosy_engine::ids::RunId;
use rusqlite::{Connection, OptionalExtension, params};

use super::{locks, metrics, read};
use crate::command::CommandId;
use crate::error::{Attempt, StoreError};
use crate::lock::owner_lives;
use crate::object::{NewObject, ObjectKind, Precondition};
use crate::run::{Epoch, NewRun};
use crate::slots::{OwnerId, SlotGrant};

fn signed(run: RunId) -> i64 {
    run.0 as i64
}

pub(super) fn create_run(connection: &Connection, run: &NewRun) -> Result<RunId, StoreError> {
    let attempt = "create a run";
    let json = |map| serde_json::to_string(map).unwrap_or_default();
    let inserted = connection
        .execute(
            "INSERT INTO run (namespace, name, uid, labels, annotations, created_at)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![
                run.namespace,
                run.name,
                run.uid,
                json(&run.labels),
                json(&run.annotations),
                run.created_at.0
            ],
        )
        .attempt(attempt)?;
    if inserted == 0 {
        return Err(StoreError::NameTaken {
            namespace: run.namespace.clone(),
            name: run.name.clone(),
        });
    }
    let id = connection.last_insert_rowid();
    let mut environment = run
        .environment
        .working_directory
        .as_os_str()
        .as_bytes()
        .to_vec();
    if let Some(umask) = run.environment.umask {
        // No variable is without a name.
        environment.extend(format!("\0={umask:o}").into_bytes());
    }
    for (name, value) in &run.environment.variables {
        environment.push(0);
        environment.extend(name.as_bytes());
        environment.push(b'=');
        environment.extend(value.as_bytes());
    }
    connection
        .execute(
            "INSERT INTO run_definition (run, options, environment, definition) VALUES (?, ?, ?, ?)",
            params![id, run.options, environment, run.definition],
        )
        .attempt(attempt)?;
    connection
        .execute("INSERT INTO run_summary (run) VALUES (?)", [id])
        .attempt(attempt)?;
    Ok(RunId(id as u64))
}

pub(super) fn delete_run(connection: &Connection, run: RunId) -> Result<bool, StoreError> {
    let attempt = "delete a run";
    let id = signed(run);
    for table in [
        "node",
        "value",
        "log",
        "command",
        "outbox",
        "run_state",
        "run_summary",
        "run_definition",
        "lock_request",
        "lock_place",
    ] {
        connection
            .execute(&format!("DELETE FROM {table} WHERE run = ?"), [id])
            .attempt(attempt)?;
    }
    let deleted = connection
        .execute("DELETE FROM run WHERE id = ?", [id])
        .attempt(attempt)?;
    Ok(deleted > 0)
}

pub(super) fn claim(connection: &Connection, run: RunId) -> Result<Epoch, StoreError> {
    let attempt = "claim";
    let epoch: Option<i64> = connection
        .query_row(
            "UPDATE run_summary SET epoch = epoch + 1, owner_process = ?2 WHERE run = ?1 RETURNING epoch",
            params![signed(run), std::process::id()],
            |row| row.get(0),
        )
        .optional()
        .attempt(attempt)?;
    epoch
        .map(|epoch| Epoch(epoch as u64))
        .ok_or(StoreError::RunMissing { attempt, run })
}

pub(super) fn commit(
    connection: &Connection,
    epoch: Epoch,
    commit: &Commit,
) -> Result<(), StoreError> {
    let attempt = "commit";
    let run = commit.run.ok_or(StoreError::CommitWithoutRun)?;
    let id = signed(run);
    let current: Option<i64> = connection
        .prepare_cached("SELECT epoch FROM run_summary WHERE run = ?")
        .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
        .attempt(attempt)?;
    let current = current.ok_or(StoreError::RunMissing { attempt, run })?;
    if current as u64 != epoch.0 {
        return Err(StoreError::Fenced {
            run,
            epoch,
            current: Epoch(current as u64),
        });
    }
    rows(connection, run, commit).attempt(attempt)
}

fn rows(connection: &Connection, run: RunId, commit: &Commit) -> rusqlite::Result<()> {
    let id = signed(run);
    if !commit.removed_nodes.is_empty() {
        let mut statement =
            connection.prepare_cached("DELETE FROM node WHERE run = ? AND idx = ?")?;
        for index in &commit.removed_nodes {
            statement.execute(params![id, index])?;
        }
    }
    if !commit.nodes.is_empty() {
        let mut statement = connection
            .prepare_cached("INSERT OR REPLACE INTO node (run, idx, record) VALUES (?, ?, ?)")?;
        for row in &commit.nodes {
            statement.execute(params![id, row.index, row.record])?;
        }
    }
    if !commit.values.is_empty() {
        let mut statement = connection
            .prepare_cached("INSERT OR IGNORE INTO value (run, hash, text) VALUES (?, ?, ?)")?;
        for (hash, text) in &commit.values {
            statement.execute(params![id, hash.0, &**text])?;
        }
    }
    if let Some(labels) = &commit.labels {
        let labels = serde_json::to_string(labels).unwrap_or_default();
        connection
            .prepare_cached("UPDATE run SET labels = ?2 WHERE id = ?1")?
            .execute(params![id, labels])?;
    }
    if let Some(state) = &commit.state {
        connection
            .prepare_cached("INSERT OR REPLACE INTO run_state (run, state) VALUES (?, ?)")?
            .execute(params![id, state])?;
    }
    if !commit.log.is_empty() {
        connection
            .prepare_cached(
                "INSERT INTO log (run, seq, entry)
                 VALUES (?1, (SELECT coalesce(max(seq) + 1, 0) FROM log WHERE run = ?1), ?2)",
            )?
            .execute(params![id, commit.log])?;
    }
    post(connection, id, commit)?;
    if let Some(summary) = &commit.summary {
        write_summary(connection, id, summary)?;
        if let Some(at) = summary.finished_at.filter(|_| summary.completed) {
            metrics::run_ended(connection, run, at)?;
        }
        if summary.completed {
            locks::run_ended(connection, id)?;
        }
    }
    for told in &commit.metrics {
        if let Err(reason) = metrics::record(connection, told)? {
            let letter = Letter::Metric {
                metric_refused: reason.into(),
            };
            let letter = serde_json::to_vec(&letter).unwrap_or_default();
            connection
                .prepare_cached("INSERT INTO command (run, command) VALUES (?, ?)")?
                .execute(params![id, letter])?;
        }
    }
    Ok(())
}

/// What has come in and was dealt with, what is to go out, and what has gone out.
fn post(connection: &Connection, id: i64, commit: &Commit) -> rusqlite::Result<()> {
    for command in &commit.consumed_commands {
        connection
            .prepare_cached("DELETE FROM command WHERE id = ?")?
            .execute([*command as i64])?;
    }
    if let Some(row) = &commit.outbox {
        connection
            .prepare_cached("INSERT INTO outbox (run, number, entry) VALUES (?, ?, ?)")?
            .execute(params![id, row.number as i64, row.entry])?;
    }
    for number in &commit.delivered {
        connection
            .prepare_cached("DELETE FROM outbox WHERE run = ? AND number = ?")?
            .execute(params![id, *number as i64])?;
    }
    Ok(())
}

fn write_summary(connection: &Connection, id: i64, summary: &RunSummary) -> rusqlite::Result<()> {
    let counts = serde_json::to_string(&summary.counts).unwrap_or_default();
    connection
        .prepare_cached(
            "UPDATE run_summary SET phase = ?2, message = ?3, started_at = ?4, finished_at = ?5,
             progress_done = ?6, progress_total = ?7, counts = ?8, suspended = ?9, completed = ?10,
             delete_at = ?11 WHERE run = ?1",
        )?
        .execute(params![
            id,
            summary.phase.map(argosy_api::WorkflowPhase::as_str),
            &*summary.message,
            summary.started_at.map(|at| at.0),
            summary.finished_at.map(|at| at.0),
            summary.progress_done as i64,
            summary.progress_total as i64,
            counts,
            summary.suspended,
            summary.completed,
            summary.delete_at.map(|at| at.0),
        ])?;
    Ok(())
}

pub(super) fn push_command(
    connection: &Connection,
    run: RunId,
    command: &[u8],
) -> Result<CommandId, StoreError> {
    let attempt = "push a command to";
    let there = connection
        .query_row("SELECT 1 FROM run WHERE id = ?", [signed(run)], |_| Ok(()))
        .optional()
        .attempt(attempt)?;
    if there.is_none() {
        return Err(StoreError::RunMissing { attempt, run });
    }
    connection
        .execute(
            "INSERT INTO command (run, command) VALUES (?, ?)",
            params![signed(run), command],
        )
        .attempt(attempt)?;
    // A run that has ended has work again, so that whoever looks for runs to own finds it.
    connection
        .execute(
            "UPDATE run_summary SET completed = 0 WHERE run = ?",
            [signed(run)],
        )
        .attempt(attempt)?;
    Ok(CommandId(connection.last_insert_rowid() as u64))
}

pub(super) fn put_object(connection: &Connection, object: &NewObject) -> Result<u64, StoreError> {
    let attempt = "write an object";
    check(
        connection,
        object.kind,
        &object.namespace,
        &object.name,
        object.precondition,
    )?;
    let version: i64 = connection
        .query_row(
            "UPDATE counter SET value = value + 1 WHERE name = 'resource_version' RETURNING value",
            [],
            |row| row.get(0),
        )
        .attempt(attempt)?;
    connection
        .execute(
            "INSERT OR REPLACE INTO object (kind, namespace, name, resource_version, json) VALUES (?, ?, ?, ?, ?)",
            params![object.kind.as_str(), object.namespace, object.name, version, object.json],
        )
        .attempt(attempt)?;
    Ok(version as u64)
}

fn check(
    connection: &Connection,
    kind: ObjectKind,
    namespace: &str,
    name: &str,
    precondition: Precondition,
) -> Result<(), StoreError> {
    let current =
        read::object(connection, kind, namespace, name)?.map(|object| object.resource_version);
    let Some(reason) = precondition.refusal(current) else {
        return Ok(());
    };
    Err(StoreError::Conflict {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        reason,
    })
}

pub(super) fn delete_object(
    connection: &Connection,
    kind: ObjectKind,
    namespace: &str,
    name: &str,
    precondition: Precondition,
) -> Result<bool, StoreError> {
    check(connection, kind, namespace, name, precondition)?;
    let deleted = connection
        .execute(
            "DELETE FROM object WHERE kind = ? AND namespace = ? AND name = ?",
            params![kind.as_str(), namespace, name],
        )
        .attempt("delete an object")?;
    Ok(deleted > 0)
}

pub(super) fn set_slots_total(connection: &Connection, total: u32) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE counter SET value = ? WHERE name = 'slots_total'",
            [total],
        )
        .attempt("set the slots")?;
    Ok(())
}

pub(super) fn register_owner(connection: &Connection, owner: &OwnerId) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT OR IGNORE INTO slot_owner (owner, process) VALUES (?, ?)",
            params![owner.as_str(), std::process::id()],
        )
        .attempt("register an owner")?;
    Ok(())
}

pub(super) fn unregister_owner(connection: &Connection, owner: &OwnerId) -> Result<(), StoreError> {
    connection
        .execute("DELETE FROM slot_owner WHERE owner = ?", [owner.as_str()])
        .attempt("unregister an owner")?;
    Ok(())
}

pub(super) fn acquire_slots(
    connection: &Connection,
    data_dir: &Path,
    owner: &OwnerId,
    want: u32,
) -> Result<SlotGrant, StoreError> {
    let attempt = "acquire";
    let mut status = read::slots_status(connection)?;
    let mut dead = Vec::new();
    for other in &status.owners {
        if other.id != *owner && !owner_lives(data_dir, &other.id)? {
            dead.push(other.id.clone());
        }
    }
    for gone in dead {
        unregister_owner(connection, &gone)?;
        status.owners.retain(|other| other.id != gone);
    }
    let grant = status
        .grant(owner, want)
        .ok_or_else(|| StoreError::OwnerMissing {
            attempt,
            owner: owner.to_string(),
        })?;
    if let Some(mine) = status.owners.iter().find(|other| other.id == *owner) {
        connection
            .execute(
                "UPDATE slot_owner SET held = ?, wanted = ? WHERE owner = ?",
                params![mine.held, mine.wanted, owner.as_str()],
            )
            .attempt("acquire slots")?;
    }
    Ok(grant)
}

pub(super) fn release_slots(
    connection: &Connection,
    owner: &OwnerId,
    count: u32,
) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE slot_owner SET held = max(0, held - ?) WHERE owner = ?",
            params![count, owner.as_str()],
        )
        .attempt("release slots")?;
    Ok(())
}

pub(super) fn limit_slots(
    connection: &Connection,
    owner: &OwnerId,
    most: u32,
) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE slot_owner SET held = min(held, ?) WHERE owner = ?",
            params![most, owner.as_str()],
        )
        .attempt("limit slots")?;
    Ok(())
}
