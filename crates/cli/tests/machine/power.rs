//! What a power failure would leave: the database and its log of writes as they stood at some moment,
//! the last writes cut off or never written.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, Running};

const MANY: &str = "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: each, template: each, withSequence: {count: '40'}, arguments: {parameters: [{name: i, value: '{{item}}'}]}}
      - {name: then, template: each, dependencies: [each], arguments: {parameters: [{name: i, value: last}]}}
  - name: each
    inputs: {parameters: [{name: i}]}
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
    container: {image: none, command: [sh, -c], args: ['echo {{inputs.parameters.i}} >> ran; sleep 0.05; echo out-{{inputs.parameters.i}} > /tmp/o']}
";

/// A copy of the database: the writes first, since what is in the file by then is in those too.
fn copy(place: &Place, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for name in ["argosy.db-wal", "argosy.db"] {
        fs::copy(place.data(name), to.join(name)).expect("copied");
    }
}

fn at(data: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_argosy"))
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .current_dir(data)
        .stdin(Stdio::null())
        .output()
        .expect("argosy runs")
}

/// The nodes of the workflow that have succeeded; `None` if it is not there.
fn succeeded(data: &Path) -> Option<Vec<String>> {
    let output = at(data, &["get", "many", "-o", "json"]);
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("\"many\" not found"), "{error}");
        return None;
    }
    let workflow: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let nodes = workflow["status"]["nodes"].as_object().cloned();
    let well = nodes.unwrap_or_default().into_iter().filter(|(_, node)| {
        let is_well = node["type"] == "Pod" && node["phase"] == "Succeeded";
        // What is said to be well is there as a whole.
        if is_well {
            let given = node["inputs"]["parameters"][0]["value"].as_str();
            let put_out = &node["outputs"]["parameters"][0]["value"];
            let expected = format!("out-{}", given.unwrap_or_default());
            assert_eq!(*put_out, expected, "{node:#}");
        }
        is_well
    });
    Some(
        well.map(|(_, node)| node["name"].as_str().unwrap_or_default().to_owned())
            .collect(),
    )
}

#[test]
fn what_was_told_survives_a_power_failure_where_each_transition_is_synced() {
    let place = Place::new();
    let file = place.workflow("many", MANY);
    let mut command = place.command(&["run", "--host", "--sync", "--max-processes", "4", &file]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut runner = Running(command.spawn().expect("argosy starts"));
    let output = BufReader::new(runner.0.stdout.take().expect("a pipe"));
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = told.clone();
    let listener = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let mut words = line.split_whitespace().skip(1);
            if let (Some(name), Some("Succeeded")) = (words.next(), words.next()) {
                heard.lock().expect("nobody panics").push(name.to_owned());
            }
        }
    });
    let mut copies: Vec<(PathBuf, Vec<String>)> = Vec::new();
    place.wait_until("there is something to copy", || {
        place.data("argosy.db-wal").exists()
    });
    while runner.lives() {
        let before = told.lock().expect("nobody panics").clone();
        let to = place.path(&format!("copy-{}", copies.len()));
        copy(&place, &to);
        copies.push((to, before));
        // As good as at random beside a workflow of many short steps.
        std::thread::sleep(Duration::from_millis(30));
    }
    assert!(runner.ends_well());
    listener.join().expect("it ends");
    let all = succeeded(&place.data("")).expect("it is there");
    assert_eq!(all.len(), 41);
    assert!(copies.len() > 5, "{}", copies.len());
    let mut half_way = 0;
    for (data, before) in &copies {
        let found = succeeded(data).unwrap_or_default();
        let lost: Vec<&String> = before
            .iter()
            .filter(|name| *name != "many" && !found.contains(name))
            .collect();
        assert!(
            lost.is_empty(),
            "{}: {lost:?} of {}",
            data.display(),
            found.len()
        );
        half_way += u32::from((1..41).contains(&found.len()));
    }
    assert!(half_way > 0, "no copy was made in the middle");
}

#[test]
fn writes_that_were_cut_off_or_never_came_leave_an_earlier_state() {
    let place = Place::new();
    let file = place.workflow("many", MANY);
    let mut runner = place.start(&["run", "--host", "--max-processes", "4", &file]);
    place.wait_until("some steps are over", || {
        place.lines("ran").len() > 8
            && succeeded(&place.data("")).is_some_and(|found| found.len() > 4)
    });
    let whole = place.path("whole");
    copy(&place, &whole);
    assert!(runner.ends_well());
    let writes = fs::read(whole.join("argosy.db-wal")).expect("copied");
    let most = succeeded(&whole).expect("it is there").len();
    let mut fewest = most;
    let seed = std::process::id();
    let mut random = u64::from(seed);
    for round in 0..24 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let cut = (random >> 33) as usize % writes.len();
        let data = place.path(&format!("cut-{round}"));
        fs::create_dir(&data).expect("a folder");
        fs::copy(whole.join("argosy.db"), data.join("argosy.db")).expect("copied");
        let mut left = writes[..cut].to_vec();
        match round % 3 {
            // Written in parts, of which one never reached the disk.
            0 => {
                let from = cut / 2;
                let to = (from + 4_096).min(cut);
                left[from..to].fill(0);
            }
            // Longer than what it holds.
            1 => left.resize(writes.len(), 0),
            _ => {}
        }
        fs::write(data.join("argosy.db-wal"), left).expect("written");
        let found = succeeded(&data).map_or(0, |found| found.len());
        assert!(found <= most, "seed {seed}, round {round}");
        fewest = fewest.min(found);
        // It is carried on: what was running with the machine is gone, all else goes its way.
        if round < 6 && found > 0 {
            let output = at(&data, &["run", "--host", "--resume", "-o", "json"]);
            let workflow: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let phase = workflow["status"]["phase"].as_str().unwrap_or_default();
            assert!(
                ["Succeeded", "Error"].contains(&phase),
                "seed {seed}, round {round}: {workflow:#}"
            );
            for node in workflow["status"]["nodes"]
                .as_object()
                .into_iter()
                .flat_map(|nodes| nodes.values())
            {
                let is_right = match node["phase"].as_str() {
                    Some("Error") => node["type"] != "Pod" || node["message"] == "pod deleted",
                    phase => ["Succeeded", "Omitted"].map(Some).contains(&phase),
                };
                assert!(is_right, "seed {seed}, round {round}: {node:#}");
            }
        }
    }
    assert!(fewest < most, "seed {seed}: nothing was ever lost");
}
