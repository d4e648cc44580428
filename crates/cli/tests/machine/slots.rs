//! The machine's slots, which all runners of a data directory share.

use crate::one_step;
use crate::place::{Place, node, text};

#[test]
fn a_step_that_waits_for_others_slots_says_who_has_them() {
    let place = Place::new();
    let holder = place.workflow(
        "holder",
        &one_step("touch began; until [ -e go ]; do sleep 0.05; done"),
    );
    let second = place.workflow("second", &one_step("true"));
    let start = |file: &str| place.start(&["run", "--host", "--max-processes", "1", file]);
    let mut first = start(&holder);
    place.wait_until("the slot is taken", || place.path("began").exists());
    let mut waits = start(&second);
    let held = format!("held are 1 by the runner with process ID {}", first.0.id());
    let says = |arguments: &[&str]| text(&place.argosy(arguments));
    place.wait_until("`get` says who has the slot", || {
        let said = says(&["get", "second"]);
        said.contains("Unschedulable: steps wait for slots: of 1") && said.contains(&held)
    });
    let said = says(&["why", "second", "second"]);
    assert!(said.contains("its pod waits: Unschedulable: "), "{said}");
    assert!(said.contains(&held), "{said}");
    place.write("go", "");
    assert!(first.ends_well());
    assert!(waits.ends_well());
    let said = says(&["get", "second"]);
    assert!(!said.contains("Unschedulable"), "{said}");
}

#[test]
fn a_killed_runners_slots_are_free_but_for_those_in_use() {
    let place = Place::new();
    let file = place.workflow("left",
        "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: d, template: daemon}
      - {name: a, template: waits, depends: d}
      - {name: b, template: ends, depends: a}
  - name: daemon
    daemon: true
    container: {image: busybox, command: [sleep, '1000']}
  - name: waits
    container: {image: busybox, command: [sh, -c, 'touch began; until [ -e go ]; do sleep 0.05; done']}
  - name: ends
    container: {image: busybox, command: ['true']}
",
    );
    let mut first = place.start(&["run", "--host", "--max-processes", "1", &file]);
    place.wait_until("a step has the daemon's slot", || {
        place.path("began").exists()
    });
    first.kill();
    place.write("go", "");
    // The daemon runs on in the dead runner's keeper, which would hold the only slot.
    place.says(&["run", "--host", "--resume", "--max-processes", "1"]);
    assert_eq!(place.phase("left"), "Succeeded");
}

/// How many steps ran at a time, by the lines that they leave when they begin and end.
fn overlapping(lines: &[String]) -> i32 {
    let mut running = 0;
    let mut most = 0;
    for line in lines {
        running += if line.starts_with('+') { 1 } else { -1 };
        most = most.max(running);
    }
    most
}

const NOTED: &str = "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: work, withSequence: {count: '6'}}
  - name: work
    container: {image: x, command: [sh, -c, 'echo + >> notes; sleep 0.05; echo - >> notes']}
";

#[test]
fn runners_of_one_data_directory_share_its_slots() {
    for (slots, expected) in [("1", 1), ("2", 2)] {
        let place = Place::new();
        let (one, two) = (place.workflow("one", NOTED), place.workflow("two", NOTED));
        let mut runners = [&one, &two]
            .map(|file| place.start(&["run", "--host", "--max-processes", slots, file]));
        for runner in &mut runners {
            assert!(runner.ends_well());
        }
        let lines = place.lines("notes");
        assert_eq!(lines.len(), 24);
        assert_eq!(overlapping(&lines), expected, "{slots} slots: {lines:?}");
    }
}

#[test]
fn a_step_that_is_larger_than_the_machine_fails_at_once() {
    let place = Place::new();
    let file = place.workflow(
        "large",
        "  entrypoint: main
  templates:
  - name: main
    container: {image: x, command: ['true'], resources: {requests: {cpu: '3'}}}
",
    );
    let workflow = place.run_with(&file, &["--max-processes", "2"]);
    let main = node(&workflow, "large");
    assert_eq!(main["phase"], "Error", "{main:#}");
    let message = main["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("asks for 3 cores") && message.contains("--max-processes"),
        "{message}"
    );
}

#[test]
fn a_daemon_that_is_ready_gives_its_slot_back() {
    let place = Place::new();
    let spec = |probe: &str| {
        format!(
            "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {{name: server, template: server}}
    - - {{name: client, template: client}}
  - name: server
    daemon: true
    container:
      image: x
      command: [sh, -c, 'sleep 0.3; touch up; exec sleep 1000']
{probe}
  - name: client
    container: {{image: x, command: [sh, -c, 'ls up > seen 2>&1; true']}}
"
        )
    };
    let probe = "      readinessProbe: {periodSeconds: 1, exec: {command: [test, -e, up]}}";
    let one_slot = ["--max-processes", "1"];
    let workflow = place.run_with(&place.workflow("daemon", &spec(probe)), &one_slot);
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    assert_eq!(
        place.lines("seen"),
        ["up"],
        "the client ran before the server was ready"
    );
    let place = Place::new();
    let workflow = place.run_with(&place.workflow("daemon", &spec("")), &one_slot);
    assert_eq!(workflow["status"]["phase"], "Succeeded", "{workflow:#}");
    place.wait_until("the daemon has ended", || place.processes().is_empty());
}

#[test]
fn steps_that_are_refused_leave_room_for_others() {
    let place = Place::new();
    // More than a runner asks for ahead.
    let ended = place.run_spec(
        "room",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - [{name: large, template: large, withSequence: {count: '100'}, continueOn: {error: true, failed: true}}]
    - [{name: small, template: small}]
  - {name: large, container: {image: busybox, command: ['true'], resources: {requests: {cpu: 1000}}}}
  - {name: small, container: {image: busybox, command: ['true']}}
",
    );
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
}

#[test]
fn the_number_of_slots_is_the_machines_whoever_has_set_it() {
    let place = Place::new();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let holder = place.workflow(
        "holder",
        &one_step("touch began; until [ -e go ]; do sleep 0.05; done"),
    );
    let total = (cores + 2).to_string();
    let mut first = place.start(&["run", "--host", "--max-processes", &total, &holder]);
    place.wait_until("the first runs", || place.path("began").exists());
    let wide = format!(
        "  entrypoint: main
  templates:
  - name: main
    container: {{image: busybox, command: ['true'], resources: {{requests: {{cpu: {}}}}}}}
",
        cores + 1
    );
    let ended = place.run_spec("wide", &wide);
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    place.write("go", "");
    assert!(first.ends_well());
}
