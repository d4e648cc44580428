//! The stores, and rows to put into them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argosy_engine::commit::{Commit, NodeRow, RunSummary, ValueHash};
use argosy_engine::ids::{RunId, Seconds};
use argosy_store::{
    Environment, MemoryDisk, MemoryStore, NewRun, OpenOptions, SqliteStore, Store, SyncPolicy,
};

/// Something on which stores can be opened, again and again and several at once.
pub struct World {
    pub dir: tempfile::TempDir,
    kind: Kind,
}

enum Kind {
    Sqlite(SyncPolicy),
    Memory(MemoryDisk),
}

impl World {
    pub fn open(&self) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Sqlite(sync) => Arc::new(
                SqliteStore::open(
                    self.dir.path(),
                    OpenOptions {
                        sync: *sync,
                        ..OpenOptions::default()
                    },
                )
                .expect("the store opens"),
            ),
            Kind::Memory(disk) => Arc::new(MemoryStore::open(disk)),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Runs a check on every store.
pub fn on_each(check: impl Fn(&World)) {
    for sync in [SyncPolicy::Interval, SyncPolicy::EachCommit] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        check(&World {
            dir,
            kind: Kind::Sqlite(sync),
        });
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk = MemoryDisk::new(dir.path());
    check(&World {
        dir,
        kind: Kind::Memory(disk),
    });
}

pub fn new_run(namespace: &str, name: &str) -> NewRun {
    NewRun {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
        labels: [("app".to_owned(), name.to_owned())].into(),
        annotations: [("note".to_owned(), "ümläut".to_owned())].into(),
        definition: br#"{"workflow":{}}"#.to_vec(),
        environment: Environment {
            working_directory: PathBuf::from("/home/ann"),
            variables: vec![
                ("PATH".into(), "/bin".into()),
                ("EMPTY".into(), "".into()),
                ("EQUALS".into(), "a=b".into()),
            ],
            umask: Some(0o027),
        },
        options: b"{}".to_vec(),
        created_at: Seconds(1_000),
    }
}

/// A commit with a node, a state and an entry of the log, which name its number.
pub fn numbered(run: RunId, number: u32) -> Commit {
    Commit {
        run: Some(run),
        summary: Some(RunSummary {
            progress_done: u64::from(number),
            ..RunSummary::default()
        }),
        state: Some(number.to_le_bytes().to_vec()),
        nodes: vec![NodeRow {
            index: number,
            record: format!("node {number}").into_bytes(),
        }],
        values: vec![(
            ValueHash([number as u8; 16]),
            format!("value {number}").into(),
        )],
        log: format!("turn {number}").into_bytes(),
        ..Commit::default()
    }
}

/// The nodes of a run.
pub fn nodes(store: &dyn Store, run: RunId) -> Vec<(u32, String)> {
    let mut nodes = Vec::new();
    store
        .read_nodes(run, &mut |row| {
            nodes.push((row.index, String::from_utf8_lossy(&row.record).into_owned()));
        })
        .expect("the nodes are read");
    nodes
}

/// The log of a run from a turn on.
pub fn log(store: &dyn Store, run: RunId, from: u64) -> Vec<(u64, String)> {
    let mut entries = Vec::new();
    store
        .log(run, from, &mut |turn, entry| {
            entries.push((turn, String::from_utf8_lossy(&entry).into_owned()));
        })
        .expect("the log is read");
    entries
}
