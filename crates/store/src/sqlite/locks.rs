//! Locks as rows. A transaction reads the part of the table that it needs, works on it as
//! [`LockTable`], and writes back what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_engine::ids::{NodeIndex, RunId, Seconds};
use argosy_engine::locks::{LockAnswer, LockHolder, LockName, LockRequest, LockSeed, LockTable};
use rusqlite::{Connection, Row, params};

use crate::error::{Attempt, StoreError};

/// How many of those who wait for a lock are looked at. Nodes of the workflow in front pass each
/// other; further back than this they don't.
const MOST_WAITERS: u32 = 64;

const ATTEMPT: &str = "work on locks";

/// Rows as they were read: by holder, and whether what they ask for is held.
type Known = BTreeMap<LockHolder, (LockRequest, bool)>;

pub(super) fn with_locks(
    connection: &Connection,
    seeds: &BTreeSet<LockSeed>,
    work: &mut dyn FnMut(&mut LockTable) -> Vec<LockAnswer>,
) -> Result<Vec<LockAnswer>, StoreError> {
    let Reached { known, over } = reached(connection, seeds)?;
    let mut table = LockTable::stored(known.values());
    let mut answers: Vec<LockAnswer> = over.iter().flat_map(|run| table.forget(*run)).collect();
    answers.extend(work(&mut table));
    let now: Known = table
        .requests()
        .map(|(request, held)| (request.holder, (request.clone(), held)))
        .collect();
    for (holder, before) in &known {
        if now.get(holder) != Some(before) {
            remove(connection, *holder)?;
        }
    }
    for (holder, (request, held)) in &now {
        if known
            .get(holder)
            .is_none_or(|before| *before != (request.clone(), *held))
        {
            insert(connection, request, *held)?;
        }
    }
    Ok(answers)
}

/// The part of the table that a transaction works on.
struct Reached {
    known: Known,
    /// Runs among them that are completed: they need no locks any more.
    over: BTreeSet<RunId>,
}

/// All requests that the seeds reach, over the locks that they have in common.
fn reached(connection: &Connection, seeds: &BTreeSet<LockSeed>) -> Result<Reached, StoreError> {
    let mut known = Known::new();
    let mut over = BTreeSet::new();
    let mut seen: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut open: Vec<LockSeed> = seeds.iter().cloned().collect();
    while let Some(seed) = open.pop() {
        let found = match &seed {
            LockSeed::Lock(name) => {
                if !seen.insert(name.clone()) {
                    continue;
                }
                of_lock(connection, name)?
            }
            LockSeed::Holder(holder) => query(
                connection,
                "SELECT r.run, node, held, priority, created_at, key, locks, s.completed
                 FROM lock_request AS r LEFT JOIN run_summary AS s ON s.run = r.run
                 WHERE r.run = ? AND node = ?",
                params![holder.run.0 as i64, holder.node.0],
            )?,
            LockSeed::Run(run) => query(
                connection,
                "SELECT r.run, node, held, priority, created_at, key, locks, s.completed
                 FROM lock_request AS r LEFT JOIN run_summary AS s ON s.run = r.run
                 WHERE r.run = ?",
                params![run.0 as i64],
            )?,
        };
        for Found {
            request,
            held,
            completed,
        } in found
        {
            for lock in request.locks.iter() {
                if !seen.contains(&lock.name) {
                    open.push(LockSeed::Lock(lock.name.clone()));
                }
            }
            if completed {
                over.insert(request.holder.run);
            }
            known.insert(request.holder, (request, held));
        }
    }
    Ok(Reached { known, over })
}

/// Who holds a lock, and the first of those who wait for it.
fn of_lock(connection: &Connection, name: &str) -> Result<Vec<Found>, StoreError> {
    let rows = |held: bool, most: u32| {
        query(
            connection,
            "SELECT r.run, r.node, r.held, r.priority, r.created_at, r.key, r.locks, s.completed
             FROM (SELECT run, node FROM lock_place WHERE lock = ? AND held = ?
                   ORDER BY urgency, created_at, run, node LIMIT ?) AS p
             JOIN lock_request AS r ON r.run = p.run AND r.node = p.node
             LEFT JOIN run_summary AS s ON s.run = p.run",
            params![name, held, most],
        )
    };
    let mut found = rows(true, u32::MAX)?;
    found.extend(rows(false, MOST_WAITERS)?);
    Ok(found)
}

fn query(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Found>, StoreError> {
    let mut statement = connection.prepare_cached(sql).attempt(ATTEMPT)?;
    statement
        .query_map(parameters, request)
        .and_then(Iterator::collect)
        .attempt(ATTEMPT)
}

/// A request as it stands in the table.
struct Found {
    request: LockRequest,
    held: bool,
    /// Its run is.
    completed: bool,
}

fn request(row: &Row<'_>) -> rusqlite::Result<Found> {
    let locks: String = row.get(6)?;
    let key: String = row.get(5)?;
    // Only this file writes the column; were it damaged, the run asks anew when it is next loaded.
    let locks: Vec<LockName> = serde_json::from_str(&locks).unwrap_or_default();
    let request = LockRequest {
        holder: LockHolder {
            run: RunId(row.get::<_, i64>(0)? as u64),
            node: NodeIndex(row.get(1)?),
        },
        key: Arc::from(key),
        locks: locks.into(),
        priority: row.get(3)?,
        created_at: Seconds(row.get(4)?),
    };
    Ok(Found {
        request,
        held: row.get(2)?,
        completed: row.get::<_, Option<bool>>(7)?.unwrap_or(false),
    })
}

fn remove(connection: &Connection, holder: LockHolder) -> Result<(), StoreError> {
    for table in ["lock_place", "lock_request"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE run = ? AND node = ?"))
            .and_then(|mut statement| {
                statement.execute(params![holder.run.0 as i64, holder.node.0])
            })
            .attempt(ATTEMPT)?;
    }
    Ok(())
}

fn insert(connection: &Connection, request: &LockRequest, held: bool) -> Result<(), StoreError> {
    let (run, node) = (request.holder.run.0 as i64, request.holder.node.0);
    let locks = serde_json::to_string(&request.locks).unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO lock_request (run, node, held, priority, created_at, key, locks)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                run,
                node,
                held,
                request.priority,
                request.created_at.0,
                &*request.key,
                locks
            ])
        })
        .attempt(ATTEMPT)?;
    for lock in request.locks.iter() {
        connection
            .prepare_cached(
                "INSERT INTO lock_place (lock, held, urgency, created_at, run, node)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    &*lock.name,
                    held,
                    -i64::from(request.priority),
                    request.created_at.0,
                    run,
                    node
                ])
            })
            .attempt(ATTEMPT)?;
    }
    Ok(())
}
