//! Which files are opened, and which are refused.

use argosy_store::{OpenOptions, SqliteStore, StoreError};

fn refusal(change: &str) -> String {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let open = || SqliteStore::open(dir.path(), OpenOptions::default()).map(drop);
    open().expect("a new store");
    open().expect("the same again");
    let path = dir.path().join("argosy.db");
    let file = rusqlite::Connection::open(&path).expect("the file");
    file.execute_batch(change).expect("changed");
    drop(file);
    match open() {
        Ok(()) => String::new(),
        Err(error) => match error {
            StoreError::NewerSchema { .. } | StoreError::NotOurs { .. } => error.to_string(),
            other => panic!("{change}: {other}"),
        },
    }
}

#[test]
fn files_of_later_versions_and_of_other_programs_are_refused() {
    for (change, expected) in [
        ("PRAGMA user_version = 999", "its format is version 999"),
        ("PRAGMA application_id = 1", "not Argosy's database"),
        ("SELECT 1", ""),
    ] {
        let said = refusal(change);
        assert_eq!(said.is_empty(), expected.is_empty(), "{change}: {said}");
        assert!(said.contains(expected), "{change}: {said}");
    }
}

#[test]
fn a_database_that_another_program_made_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("argosy.db");
    let file = rusqlite::Connection::open(&path).expect("the file");
    file.execute_batch("CREATE TABLE mine (x)").expect("made");
    drop(file);
    let opened = SqliteStore::open(dir.path(), OpenOptions::default()).map(drop);
    assert!(
        matches!(opened, Err(StoreError::NotOurs { .. })),
        "{opened:?}"
    );
}

#[test]
fn a_data_directory_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let data = dir.path().join("data");
    SqliteStore::open(&data, OpenOptions::default()).expect("a store");
    for name in [".", "locks", "argosy.db"] {
        let mode = std::fs::metadata(data.join(name))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}
