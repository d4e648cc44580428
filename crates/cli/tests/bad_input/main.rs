//! What the program says to input that is wrong: where it is and what to do, quickly, within bounds.

mod commands;
mod meaning;
#[path = "../place/mod.rs"]
mod place;
mod reading;
mod size;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use place::{Place, errors, text};

/// A workflow of the templates that a case gives.
fn workflow(spec: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: bad}}\nspec:\n  entrypoint: main\n{spec}"
    )
}

const ECHO: &str = "  - {name: print, container: {image: a, command: [echo, x]}}\n";

/// The most memory that any of these may take.
const MAX_KIB: u64 = 400 * 1024;

/// What a run of the program came to.
struct Said {
    code: Option<i32>,
    out: String,
    errors: String,
    peak_kib: u64,
}

/// Runs a file.
fn run(place: &Place, file: &Path) -> Said {
    let file = file.file_name().expect("it has a name").to_string_lossy();
    watched(place, &["run", "--host", &file], Stdio::null())
}

/// Runs the program, with an eye on the time and the memory that it takes.
fn watched(place: &Place, words: &[&str], input: Stdio) -> Said {
    watched_into(place, words, input, Stdio::piped())
}

fn watched_into(place: &Place, words: &[&str], input: Stdio, out: Stdio) -> Said {
    let mut child = place
        .command(words)
        .stdin(input)
        .stdout(out)
        .stderr(Stdio::piped())
        .spawn()
        .expect("argosy runs");
    let began = Instant::now();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    // What is printed fits a pipe: messages are cut.
    while child.try_wait().expect("it can be waited for").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "{words:?} hangs");
        if let Ok(status) = std::fs::read_to_string(&status) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak_kib = peak_kib.max(kib.unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it has ended");
    Said {
        code: output.status.code(),
        out: text(&output),
        errors: errors(&output),
        peak_kib,
    }
}

/// Little to read, and much to write out: aliases of aliases.
fn alias_bomb() -> String {
    let lines = ('a'..='i').zip('b'..='j').map(|(before, name)| {
        let list = vec![format!("*{before}"); 9].join(",");
        format!("{name}: &{name} [{list}]\n")
    });
    format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}", lines.collect::<String>())
}

/// A workflow whose step prints a text.
fn echo(text: &str) -> String {
    workflow(&format!(
        "  templates:\n  - name: main\n    container: {{image: a, command: [echo, '{text}']}}\n"
    ))
}

/// What other commands make of the file is up to them, within the same bounds. What is right in
/// itself may be printed whole, however large.
fn check_others(place: &Place, name: &str, content: &str) {
    let file = format!("{name}.yaml");
    place.write(
        "bad_test.yaml",
        &format!(
            "apiVersion: argosy.dev/v1alpha1\nkind: WorkflowTest\nmetadata: {{name: t}}\nspec: {{workflow: {file}}}\n"
        ),
    );
    let request = serde_json::json!({"op": "submit", "yaml": content});
    let settle = serde_json::json!({"op": "settle"});
    let lines = place.write("lines", &format!("{request}\n{settle}\n"));
    for words in [
        &["lint", &*file][..],
        &["submit", "--dry-run", &file],
        &["apply", "-f", &file],
        &["test", "bad_test.yaml"],
        &["sim"],
    ] {
        let input = std::fs::File::open(&lines).expect("it was written");
        // Nothing is waited for: where a pipe is full, what is said is too long.
        let out = std::fs::File::create(place.path("out")).expect("a file");
        let said = watched_into(place, words, input.into(), out.into());
        let printed = place.read("out");
        assert!(
            !said.errors.contains("panicked"),
            "{words:?}: {}",
            said.errors
        );
        // A test shows the difference whole.
        let may_be_long = said.code == Some(0) || words[0] == "test";
        let is_short = said.errors.len() < 50_000 && (may_be_long || printed.len() < 50_000);
        assert!(is_short, "{words:?} says too much of {name}");
        assert!(
            said.peak_kib < MAX_KIB,
            "{words:?}, {name}: {} KiB",
            said.peak_kib
        );
    }
}

/// Each case: a name, the file, and what must be said of it.
fn check(cases: &[(&str, String, &[&str])]) {
    for (name, content, expected) in cases {
        let place = Place::new();
        let file = place.write(&format!("{name}.yaml"), content);
        let said = run(&place, &file);
        let all = format!("{}{}", said.out, said.errors);
        assert_eq!(said.code, Some(1), "{name}: {all}");
        for part in *expected {
            assert!(all.contains(part), "{name}: no {part:?} in\n{all}");
        }
        assert!(!all.contains("panicked"), "{name}: {all}");
        assert!(all.len() < 20_000, "{name}: {} bytes are said", all.len());
        assert!(said.peak_kib < MAX_KIB, "{name}: {} KiB", said.peak_kib);
        check_others(&place, name, content);
    }
}
