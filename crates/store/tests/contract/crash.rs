//! A process that writes is killed at random, and what it was answered is there.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use argosy_engine::ids::RunId;
use argosy_store::{Durability, OpenOptions, SqliteStore, Store};

use crate::world::{log, new_run, nodes, numbered};

/// Names the data directory to the process that writes.
const WRITER: &str = "ARGOSY_TEST_WRITER";

const KILLS: u32 = 12;

/// Not a test by itself: the process that is killed. It commits, and says what was answered.
#[test]
fn writer() {
    let Some(dir) = std::env::var_os(WRITER) else {
        return;
    };
    let store = SqliteStore::open(&PathBuf::from(dir), OpenOptions::default()).expect("a store");
    let run = RunId(1);
    let claim = store
        .claim(run)
        .expect("claimed")
        .expect("the last owner is dead");
    let mut next = nodes(&store, run).len() as u32;
    let mut out = std::io::stdout();
    loop {
        store
            .commit(claim.epoch, numbered(run, next), Durability::Process)
            .expect("stored");
        writeln!(out, "answered {next}").expect("the reader lives");
        next += 1;
    }
}

#[test]
fn what_was_answered_survives_the_death_of_the_process_whole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let open = || SqliteStore::open(dir.path(), OpenOptions::default()).expect("a store");
    let run = open()
        .create_run(new_run("default", "one"))
        .expect("created");
    assert_eq!(run, RunId(1));
    let seed = std::process::id();
    let mut random = u64::from(seed);
    let mut last = None;
    for kill in 0..KILLS {
        let mut writer = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "crash::writer", "--nocapture"])
            .env(WRITER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the writer starts");
        let mut said = BufReader::new(writer.stdout.take().expect("a pipe"));
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Killed after so many answers and a moment more, so that it is in the middle of something.
        let enough = (random >> 33) % 300;
        let pause = Duration::from_micros((random >> 13) % 2_000);
        let mut line = String::new();
        let answers = std::cell::Cell::new(0);
        let mut take = |said: &mut BufReader<_>| -> bool {
            line.clear();
            let is_more = said.read_line(&mut line).is_ok_and(|length| length > 0);
            if let Some(number) = line
                .trim()
                .rsplit_once("answered ")
                .map(|(_, number)| number)
            {
                last = number.parse::<u32>().ok().or(last);
                answers.set(answers.get() + 1);
            }
            is_more
        };
        while take(&mut said) {
            if answers.get() > enough {
                break;
            }
        }
        std::thread::sleep(pause);
        writer.kill().expect("killed");
        writer.wait().expect("waited");
        while take(&mut said) {}
        let last = last.expect("some answer");
        let store = open();
        let stored = store.load(run, &mut |_| {}).expect("loaded");
        let state = stored.state.expect("a state");
        let state = u32::from_le_bytes(state.try_into().expect("four bytes"));
        assert!(
            state >= last,
            "seed {seed}, kill {kill}: {state} stored, {last} answered"
        );
        assert_eq!(stored.row.summary.progress_done, u64::from(state));
        let expected: Vec<(u32, String)> = (0..=state)
            .map(|number| (number, format!("node {number}")))
            .collect();
        assert_eq!(nodes(&store, run), expected, "seed {seed}, kill {kill}");
        let turns = log(&store, run, 0);
        assert_eq!(turns.len(), expected.len(), "seed {seed}, kill {kill}");
        let check: String = rusqlite::Connection::open(dir.path().join("argosy.db"))
            .and_then(|file| file.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
            .expect("checked");
        assert_eq!(check, "ok", "seed {seed}, kill {kill}");
    }
}
