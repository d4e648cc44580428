//! Argo's own example manifests: what comes of each of them here.
//!
//! The examples are found in the folder `examples` of `ARGOSY_ARGO_DATA`, else of `../shared/argo`
//! beside the repository. Without them these tests have nothing to look at.

#[path = "../place/mod.rs"]
mod place;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use place::{Place, errors, text};
use table::{Choice, Expected, Row};

/// How many files there are of each kind, so that none changes its kind unseen.
const COUNTS: [(&str, usize); 6] = [
    ("kept", 18),
    ("needs image", 26),
    ("needs kubernetes", 14),
    ("needs later (artifact stores)", 14),
    ("needs network", 9),
    ("refused", 4),
];

/// How many run to the end that Argo gives them.
const RUN: usize = 132;

/// How many are run at a time. Most of them wait.
const AT_ONCE: usize = 12;

fn examples() -> Option<PathBuf> {
    let folder = std::env::var_os("ARGOSY_ARGO_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo"),
        PathBuf::from,
    );
    let examples = folder.join("examples");
    examples.is_dir().then_some(examples)
}

fn yaml_files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("its entries can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            yaml_files(&entry.path(), &format!("{below}{name}/"), found);
        } else if name.ends_with(".yaml") {
            found.insert(format!("{below}{name}"));
        }
    }
}

#[test]
fn the_table_has_each_example_and_the_reasons_are_counted() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut run = 0;
    for row in table::rows() {
        let kind = match row.expected {
            Expected::Phase(_) => {
                run += 1;
                continue;
            }
            Expected::Kept => "kept".to_owned(),
            Expected::Refused => "refused".to_owned(),
            Expected::Needs(reason) => format!("needs {reason}"),
        };
        *counts.entry(kind).or_default() += 1;
    }
    let expected = COUNTS.map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!((counts, run), (BTreeMap::from(expected), RUN));
    if let Some(examples) = examples() {
        let mut files = BTreeSet::new();
        yaml_files(&examples, "", &mut files);
        let rows = table::rows()
            .iter()
            .map(|row| row.file.to_owned())
            .collect();
        assert_eq!(files, rows);
    }
}

#[test]
fn what_lints_under_argo_lints_here() {
    let Some(examples) = examples() else {
        return;
    };
    let place = Place::new();
    let output = place.argosy(&[
        "lint",
        "--offline",
        "-o",
        "json",
        &examples.to_string_lossy(),
    ]);
    let faults: Vec<serde_json::Value> =
        serde_json::from_slice(&output.stdout).expect("lint prints JSON");
    let refused: BTreeSet<&str> = faults
        .iter()
        .filter(|fault| fault["severity"] == "error")
        .filter_map(|fault| Path::new(fault["file"].as_str()?).file_name()?.to_str())
        .collect();
    // Its metadata has `annotations` twice, which Argo's strict reading refuses too.
    assert_eq!(refused, BTreeSet::from(["k8s-patch-json-workflow.yaml"]));
}

#[test]
fn each_example_comes_to_its_end() {
    let Some(examples) = examples() else {
        return;
    };
    let python = program("python3", &["-c", "import sys; print(sys.executable)"]);
    let mut rows = table::rows();
    // What takes its real time begins first.
    rows.sort_by_key(|row| !row.file.contains("timeout"));
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(fault) = check(row, &examples, python.as_deref()) {
                        let mut faults = faults.lock().expect("no check panics");
                        faults.push(format!("{}: expected {row:?}\n{fault}", row.file));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().expect("no check panics");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Where a program says that it lies; `None` if there is none.
fn program(name: &str, arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new(name).args(arguments).output().ok()?;
    Some(PathBuf::from(text(&output).trim()))
}

fn is_there(tool: &str) -> bool {
    let quiet = Command::new(tool)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    quiet.is_ok()
}

fn check(row: &Row, examples: &Path, python: Option<&Path>) -> Result<(), String> {
    let file = examples.join(row.file);
    let uses_python = std::fs::read_to_string(&file).is_ok_and(|text| text.contains("python"));
    if uses_python && python.is_none() {
        return Ok(());
    }
    let needs_tool = row.options.iter().find_map(|option| match option {
        Choice::If(tool) => Some(*tool),
        _ => None,
    });
    if needs_tool.is_some_and(|tool| !is_there(tool)) {
        return Ok(());
    }
    let place = Place::new();
    for option in &row.options {
        match option {
            Choice::Apply(file) => drop(apply(&place, &examples.join(file))?),
            Choice::Given => {
                let given = place.write("given.yaml", GIVEN);
                drop(apply(&place, &given)?);
            }
            Choice::Limit(key) => {
                let database = ["--type", "database", "--limit", "1"];
                place.says(&[&["sync", "create", key][..], &database].concat());
            }
            Choice::Set(..)
            | Choice::Resume
            | Choice::Stop
            | Choice::Unlucky(_)
            | Choice::If(_) => {}
        }
    }
    match row.expected {
        // Nothing leaves this machine.
        Expected::Needs("network") => Ok(()),
        Expected::Kept => match apply(&place, &file)? {
            said if said.contains(" created") => Ok(()),
            said => Err(said),
        },
        Expected::Refused => {
            let output = run(&place, row, &file, python);
            let said = errors(&output);
            let as_told = row.text.is_some_and(|text| said.contains(text));
            let nothing = text(&place.argosy(&["list"])).contains("No workflows found");
            (output.status.code() == Some(1) && as_told && nothing)
                .then_some(())
                .ok_or(said)
        }
        Expected::Needs("kubernetes") if !is_workflow(&file) => match apply(&place, &file) {
            Err(said) if row.text.is_some_and(|text| said.contains(text)) => Ok(()),
            said => Err(format!("{said:?}")),
        },
        Expected::Needs("kubernetes") => {
            let output = run(&place, row, &file, python);
            let said = errors(&output);
            let is_refused = row.text.is_some_and(|text| said.contains(text));
            match is_refused && output.status.code() == Some(1) {
                true => Ok(()),
                false => ended(&output, row, |phases| {
                    phases.iter().any(|phase| phase != "Succeeded")
                }),
            }
        }
        Expected::Needs(_) => ended(&run(&place, row, &file, python), row, |phases| {
            phases.iter().any(|phase| phase != "Succeeded")
        }),
        Expected::Phase(wanted) => ended(&run(&place, row, &file, python), row, |phases| {
            !phases.is_empty() && phases.iter().all(|phase| phase == wanted)
        }),
    }
}

fn is_workflow(file: &Path) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text.contains("kind: Workflow"))
}

/// Whether the workflows of a run ended so, with the text in one of their messages.
fn ended(output: &Output, row: &Row, fits: impl Fn(&[String]) -> bool) -> Result<(), String> {
    let (mut phases, mut messages) = (Vec::new(), Vec::new());
    for workflow in serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter::<serde_json::Value>()
        .map_while(Result::ok)
    {
        let status = &workflow["status"];
        phases.push(status["phase"].as_str().unwrap_or_default().to_owned());
        let nodes = status["nodes"].as_object().into_iter().flatten();
        messages.extend(
            nodes
                .map(|(_, node)| &node["message"])
                .chain([&status["message"]])
                .filter_map(|message| message.as_str().map(str::to_owned)),
        );
    }
    let told = row
        .text
        .is_none_or(|text| messages.iter().any(|message| message.contains(text)));
    if told && fits(&phases) {
        return Ok(());
    }
    messages.sort();
    messages.dedup();
    Err(format!(
        "  came to {phases:?}\n  with {messages:?}\n  {}",
        errors(output)
    ))
}

fn apply(place: &Place, file: &Path) -> Result<String, String> {
    let output = place.argosy(&["apply", "-f", &file.to_string_lossy()]);
    let said = text(&output);
    output
        .status
        .success()
        .then_some(said)
        .ok_or_else(|| errors(&output))
}

/// Runs a file with tools that make it quick and the same each time: `sleep` takes a thousandth of
/// its time where that is a bare number, and random draws are fixed.
fn run(place: &Place, row: &Row, file: &Path, python: Option<&Path>) -> Output {
    // The working directory is what all steps see, also those with a `/tmp` of their own.
    let tools = place.dir.path().join("tools");
    std::fs::create_dir(&tools).expect("a folder for tools");
    if let Some(python) = python {
        for name in ["python", "python3"] {
            symlink(python, tools.join(name)).expect("a link to Python");
        }
    }
    std::fs::write(tools.join("sitecustomize.py"), FIXED_DRAWS).expect("a Python module");
    let sleep = tools.join("sleep");
    std::fs::write(&sleep, SHORT_SLEEP).expect("a script");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&sleep, executable).expect("a program");
    let draws = row.options.iter().find_map(|option| match option {
        Choice::Unlucky(draws) => Some(*draws),
        _ => None,
    });
    let path = std::env::var("PATH").unwrap_or_default();
    let file = file.to_string_lossy();
    let mut command =
        place.command(&["run", "--host", "--max-processes", "8", "-o", "json", &file]);
    command
        .env("PATH", format!("{}:{path}", tools.display()))
        .env("PYTHONPATH", &tools)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("DRAWS", tools.join("draws"))
        .env("UNLUCKY", draws.unwrap_or("0"));
    if !row
        .options
        .iter()
        .any(|option| matches!(option, Choice::Resume | Choice::Stop))
    {
        return command.output().expect("argosy runs");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("argosy runs");
    let verb = if row.options.contains(&Choice::Stop) {
        "stop"
    } else {
        "resume"
    };
    // It is asked again until it ends: there may be nothing to resume yet.
    for _ in 0..300 {
        if child
            .try_wait()
            .expect("argosy can be waited for")
            .is_some()
        {
            break;
        }
        if text(&place.argosy(&["list", "--running", "-o", "name"]))
            .trim()
            .is_empty()
        {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        for option in &row.options {
            if let Choice::Set(node, value) = option {
                let selector = format!("displayName={node}");
                let set = ["node", "set", "@latest", "--output-parameter", value];
                place.argosy(&[&set[..], &["--node-field-selector", &selector]].concat());
            }
        }
        place.argosy(&[verb, "@latest"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    // A run that hangs is ended; what it says then is no JSON, which the caller reports.
    drop(child.kill());
    child.wait_with_output().expect("argosy ends")
}

/// What the comments of some examples have a user create.
const GIVEN: &str = "apiVersion: v1
kind: Secret
metadata: {name: my-secret}
stringData: {mypassword: sesame}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: my-config}
data: {workflow: '1', template: '2'}
";

const SHORT_SLEEP: &str = r#"#!/bin/sh
case "$1" in
*[!0-9]*) exec /bin/sleep "$1" ;;
*) exec /bin/sleep "0.$(($1 / 100 % 10))$(($1 / 10 % 10))$(($1 % 10))" ;;
esac
"#;

const FIXED_DRAWS: &str = r#"import os, random, time

def unlucky():
    with open(os.environ["DRAWS"], "a") as file:
        file.write("x")
        return file.tell() <= int(os.environ["UNLUCKY"])

random.choice = lambda items: list(items)[-1 if unlucky() else 0]
random.randint = lambda low, high: high if unlucky() else low
time.sleep = lambda seconds: None
"#;
