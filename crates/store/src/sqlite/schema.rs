//! The form of the database file, and how an older form becomes the present one.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Attempt, StoreError};

/// "argo", so that a file of another program is told from ours.
const APPLICATION_ID: i64 = 0x6172_676F;

/// Each step leads from the version that is its index to the next. A step that has been released is
/// never changed; the file's `user_version` counts the steps it has seen.
const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
];

/// The version that this program reads and writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Pages are 4 KiB, SQLite's default; the size is asked for so that the default may change.
pub(super) const PAGE_BYTES: u64 = 4096;

/// Another process holds the file for the length of one group of commits, some milliseconds. It is
/// looked for so often that a group which waits starts soon after, and so long that only a process
/// that was stopped in the middle is given up on.
const BUSY_PAUSE: Duration = Duration::from_micros(300);
const BUSY_ATTEMPTS: i32 = 100_000;

/// Opens one more connection. The file must exist.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).attempt("open the database")?;
    connection
        .busy_handler(Some(wait_while_busy))
        .attempt("set up the database")?;
    // The last connection to close would fold the WAL into the file and wait for the disk twice,
    // at the end of every short run. The next opener reads the WAL as well.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .attempt("set up the database")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn wait_while_busy(attempts: i32) -> bool {
    std::thread::sleep(BUSY_PAUSE);
    attempts < BUSY_ATTEMPTS
}

/// Makes a connection the writer's, and the file's form the present one. The caller holds the lock
/// on opening, so nobody else does the same now.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let attempt = "set up the database";
    let version = version(connection)?;
    if version == 0 {
        create(connection, path)?;
    } else {
        check_version(connection, path)?;
        if version < VERSION {
            migrate(connection, version)?;
        }
    }
    // See the module's documentation for who waits for the disk, and when.
    connection
        .execute_batch(
            "PRAGMA synchronous = NORMAL;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -32768;
             PRAGMA temp_store = MEMORY;",
        )
        .attempt(attempt)
}

fn create(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let attempt = "create the database";
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .attempt(attempt)?;
    if tables > 0 {
        return Err(StoreError::NotOurs {
            path: path.to_owned(),
        });
    }
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES}; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;"
        ))
        .attempt(attempt)?;
    migrate(connection, 0)
}

fn migrate(connection: &Connection, from: i64) -> Result<(), StoreError> {
    let steps = usize::try_from(from)
        .ok()
        .and_then(|from| STEPS.get(from..))
        .unwrap_or_default();
    let steps = steps.concat();
    connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE;
             {steps}
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {VERSION};
             COMMIT;"
        ))
        .attempt("bring the database to the present version")
}

/// Refuses files of other programs and of later versions of this one.
pub(super) fn check_version(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let application: i64 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .attempt("read the version of the database")?;
    if application != APPLICATION_ID {
        return Err(StoreError::NotOurs {
            path: path.to_owned(),
        });
    }
    refuse_newer(connection, path)
}

/// Refuses files of later versions of this program: one may have migrated the file since it was
/// opened.
pub(super) fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection
        .prepare_cached("PRAGMA user_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .attempt("read the version of the database")
}
