//! Locks as rows. A transaction reads the part of the table that it needs, works on it as
//! [`LockTable`], and writes back what changed. What it reads does not grow with those who hold a
//! lock: how many they are is kept beside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_engine::ids::{NodeIndex, RunId, Seconds};
use argosy_engine::locks::{
    LockAnswer, LockHolder, LockName, LockRequest, LockSeed, LockTable, OtherHolders,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Attempt, StoreError};
use crate::store::{LetterOf, LockWork};

/// How many of those who wait for a lock are looked at. Nodes of the workflow in front pass each
/// other; further back than this they don't.
const MOST_WAITERS: u32 = 64;

/// How many of those who hold a lock are looked at, and how many of other workflows than the one
/// that most of these belong to: somebody who waits is told of so many others.
const MOST_HOLDERS: u32 = 64;
const MOST_OTHERS: u32 = 32;

const ATTEMPT: &str = "work on locks";

/// Rows as they were read: by holder, and whether what they ask for is held.
type Known = BTreeMap<LockHolder, (LockRequest, bool)>;

pub(super) fn with_locks(
    connection: &Connection,
    seeds: &BTreeSet<LockSeed>,
    work: LockWork<'_>,
    letter_of: LetterOf<'_>,
) -> Result<Vec<LockAnswer>, StoreError> {
    let over = completed(connection)?;
    let mut seeds = seeds.clone();
    seeds.extend(over.iter().map(|run| LockSeed::Run(*run)));
    let (known, others) = reached(connection, seeds)?;
    let mut table = LockTable::part(known.values(), others);
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
    for answer in &answers {
        if let Some(letter) = letter_of(answer) {
            connection
                .prepare_cached(
                    "INSERT INTO command (run, command)
                     SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM run WHERE id = ?1)",
                )
                .and_then(|mut statement| statement.execute(params![answer.0.run.0 as i64, letter]))
                .attempt(ATTEMPT)?;
        }
    }
    Ok(answers)
}

/// Notes that a run is completed: what it left in the table is given up by whoever works on that
/// next.
pub(super) fn run_ended(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO lock_over
             SELECT ?1 WHERE EXISTS (SELECT 1 FROM lock_request WHERE run = ?1)",
        )?
        .execute([run])?;
    Ok(())
}

/// Takes out the runs that are completed: they need no locks any more. One that was asked to run
/// again since has an owner, who gives up what is left of its earlier life.
fn completed(connection: &Connection) -> Result<BTreeSet<RunId>, StoreError> {
    let some: Option<i64> = connection
        .prepare_cached("SELECT 1 FROM lock_over LIMIT 1")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)).optional())
        .attempt(ATTEMPT)?;
    if some.is_none() {
        return Ok(BTreeSet::new());
    }
    let over = connection
        .prepare_cached(
            "SELECT o.run FROM lock_over AS o JOIN run_summary AS s ON s.run = o.run
             WHERE s.completed = 1",
        )
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok(RunId(row.get::<_, i64>(0)? as u64)))?
                .collect()
        })
        .attempt(ATTEMPT)?;
    connection
        .execute("DELETE FROM lock_over", [])
        .attempt(ATTEMPT)?;
    Ok(over)
}

/// All requests that the seeds reach, over the locks that those who wait have in common, and who
/// holds these locks beside.
fn reached(
    connection: &Connection,
    seeds: BTreeSet<LockSeed>,
) -> Result<(Known, Vec<OtherHolders>), StoreError> {
    let mut known = Known::new();
    let mut seen: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut open: Vec<LockSeed> = seeds.into_iter().collect();
    while let Some(seed) = open.pop() {
        let found = match &seed {
            LockSeed::Lock(name) => {
                if !seen.insert(name.clone()) {
                    continue;
                }
                query(
                    connection,
                    "SELECT r.run, r.node, r.held, r.priority, r.created_at, r.key, r.locks
                     FROM (SELECT run, node FROM lock_place WHERE lock = ? AND held = 0
                           ORDER BY urgency, created_at, run, node LIMIT ?) AS p
                     JOIN lock_request AS r ON r.run = p.run AND r.node = p.node",
                    params![name, MOST_WAITERS],
                )?
            }
            LockSeed::Holder(holder) => query(
                connection,
                "SELECT run, node, held, priority, created_at, key, locks FROM lock_request
                 WHERE run = ? AND node = ?",
                params![holder.run.0 as i64, holder.node.0],
            )?,
            LockSeed::Run(run) => query(
                connection,
                "SELECT run, node, held, priority, created_at, key, locks FROM lock_request
                 WHERE run = ?",
                params![run.0 as i64],
            )?,
        };
        for (request, held) in found {
            for lock in request.locks.iter() {
                if !seen.contains(&lock.name) {
                    open.push(LockSeed::Lock(lock.name.clone()));
                }
            }
            known.insert(request.holder, (request, held));
        }
    }
    let mut others = Vec::new();
    for name in &seen {
        others.extend(others_of(connection, name, &known)?);
    }
    Ok((known, others))
}

/// Who holds a lock beside those whose requests were read.
fn others_of(
    connection: &Connection,
    name: &Arc<str>,
    known: &Known,
) -> Result<Option<OtherHolders>, StoreError> {
    let holders: Option<i64> = connection
        .prepare_cached("SELECT holders FROM lock_held WHERE lock = ?")
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .attempt(ATTEMPT)?;
    let held_by_known = known
        .values()
        .filter(|(request, held)| *held && request.locks.iter().any(|lock| lock.name == *name))
        .count();
    let others = holders.unwrap_or(0) - held_by_known as i64;
    if others <= 0 {
        return Ok(None);
    }
    let mut rows = places(connection, "", params![name, MOST_HOLDERS])?;
    if let Some(most) = most_of(&rows).filter(|_| rows.len() == MOST_HOLDERS as usize) {
        // All of these may be of the workflow that is to be told of others.
        let place = "AND (urgency, created_at, run) > (?3, ?4, ?5)";
        let (urgency, created_at, run) = most;
        let behind = params![name, MOST_OTHERS, urgency, created_at, run];
        rows.extend(places(connection, place, behind)?);
    }
    let Some(lock) = rows.iter().find_map(|row| row.lock(name)) else {
        return Ok(None);
    };
    let first: BTreeMap<LockHolder, Arc<str>> = rows
        .into_iter()
        .filter(|row| !known.contains_key(&row.holder))
        .map(|row| (row.holder, row.key))
        .collect();
    Ok(Some(OtherHolders {
        lock,
        more: others - first.len() as i64,
        first: first.into_iter().collect(),
    }))
}

/// Somebody who holds a lock.
struct Place {
    holder: LockHolder,
    key: Arc<str>,
    urgency: i64,
    created_at: i64,
    locks: String,
}

impl Place {
    /// The lock of this name, among those that are held.
    fn lock(&self, name: &Arc<str>) -> Option<LockName> {
        let mut locks = read_locks(&self.locks).into_iter();
        locks.find(|lock| lock.name == *name)
    }
}

/// Where the workflow stands in the order that most of these belong to.
fn most_of(rows: &[Place]) -> Option<(i64, i64, i64)> {
    let mut counts: BTreeMap<(i64, i64, i64), u32> = BTreeMap::new();
    for row in rows {
        let place = (row.urgency, row.created_at, row.holder.run.0 as i64);
        *counts.entry(place).or_default() += 1;
    }
    let (place, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(place)
}

fn places(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Place>, StoreError> {
    let sql = format!(
        "SELECT r.run, r.node, r.key, p.urgency, p.created_at, r.locks
         FROM (SELECT run, node, urgency, created_at FROM lock_place
               WHERE lock = ?1 AND held = 1 {condition}
               ORDER BY urgency, created_at, run, node LIMIT ?2) AS p
         JOIN lock_request AS r ON r.run = p.run AND r.node = p.node"
    );
    let mut statement = connection.prepare_cached(&sql).attempt(ATTEMPT)?;
    statement
        .query_map(parameters, |row| {
            Ok(Place {
                holder: holder(row)?,
                key: Arc::from(row.get::<_, String>(2)?),
                urgency: row.get(3)?,
                created_at: row.get(4)?,
                locks: row.get(5)?,
            })
        })
        .and_then(Iterator::collect)
        .attempt(ATTEMPT)
}

fn query(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<(LockRequest, bool)>, StoreError> {
    let mut statement = connection.prepare_cached(sql).attempt(ATTEMPT)?;
    statement
        .query_map(parameters, request)
        .and_then(Iterator::collect)
        .attempt(ATTEMPT)
}

fn holder(row: &Row<'_>) -> rusqlite::Result<LockHolder> {
    Ok(LockHolder {
        run: RunId(row.get::<_, i64>(0)? as u64),
        node: NodeIndex(row.get(1)?),
    })
}

/// A request as it stands in the table, and whether it is held.
fn request(row: &Row<'_>) -> rusqlite::Result<(LockRequest, bool)> {
    let locks: String = row.get(6)?;
    let key: String = row.get(5)?;
    let request = LockRequest {
        holder: holder(row)?,
        key: Arc::from(key),
        locks: read_locks(&locks).into(),
        priority: row.get(3)?,
        created_at: Seconds(row.get(4)?),
    };
    Ok((request, row.get(2)?))
}

/// Only this file writes the column; were it damaged, the run asks anew when it is next loaded.
fn read_locks(json: &str) -> Vec<LockName> {
    serde_json::from_str(json).unwrap_or_default()
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
