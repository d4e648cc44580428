//! What a step says that waits for a slot which another runner has.

use std::process::Stdio;

use crate::place::Place;
use crate::{one_step, workflow};

#[test]
fn a_step_that_waits_for_others_slots_says_who_has_them() {
    let place = Place::new();
    let holder = workflow(
        &place,
        "holder",
        &one_step("touch began; until [ -e go ]; do sleep 0.05; done"),
    );
    let second = workflow(&place, "second", &one_step("true"));
    let start = |file: &std::path::Path| {
        place
            .command(&[
                "run",
                "--host",
                "--max-processes",
                "1",
                &file.to_string_lossy(),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("argosy starts")
    };
    let mut first = start(&holder);
    place.wait_until("the slot is taken", || {
        place.dir.path().join("began").exists()
    });
    let mut waits = start(&second);
    let held = format!("held are 1 by the runner with process ID {}", first.id());
    let says = |arguments: &[&str]| {
        let output = place.argosy(arguments);
        crate::place::text(&output)
    };
    place.wait_until("`get` says who has the slot", || {
        let said = says(&["get", "second"]);
        said.contains("Unschedulable: steps wait for slots: of 1") && said.contains(&held)
    });
    let said = says(&["why", "second", "second"]);
    assert!(said.contains("its pod waits: Unschedulable: "), "{said}");
    assert!(said.contains(&held), "{said}");
    place.write("go", "");
    assert!(first.wait().expect("it ends").success());
    assert!(waits.wait().expect("it ends").success());
    let said = says(&["get", "second"]);
    assert!(!said.contains("Unschedulable"), "{said}");
}

#[test]
fn a_killed_runners_slots_are_free_but_for_those_in_use() {
    let place = Place::new();
    let file = workflow(
        &place,
        "left",
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
    let file = file.to_string_lossy();
    let mut first = place
        .command(&["run", "--host", "--max-processes", "1", &file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("argosy starts");
    place.wait_until("a step has the daemon's slot", || {
        place.dir.path().join("began").exists()
    });
    first.kill().expect("it can be killed");
    first.wait().expect("it ends");
    place.write("go", "");
    // The daemon runs on in the dead runner's keeper, which would hold the only slot.
    place.says(&["run", "--host", "--resume", "--max-processes", "1"]);
    assert_eq!(place.phase("left"), "Succeeded");
}

#[test]
fn steps_that_are_refused_leave_room_for_others() {
    let place = Place::new();
    // More than a runner asks for ahead.
    let spec = "  entrypoint: main
  templates:
  - name: main
    steps:
    - [{name: large, template: large, withSequence: {count: '100'}, continueOn: {failed: true}}]
    - [{name: small, template: small}]
  - {name: large, container: {image: busybox, command: ['true'], resources: {requests: {cpu: 1000}}}}
  - {name: small, container: {image: busybox, command: ['true']}}
";
    let ended = crate::run(&place, "room", spec);
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
}

#[test]
fn the_number_of_slots_is_the_machines_whoever_has_set_it() {
    let place = Place::new();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let total = (cores + 2).to_string();
    let holder = workflow(
        &place,
        "holder",
        &one_step("touch began; until [ -e go ]; do sleep 0.05; done"),
    );
    let mut first = place
        .command(&[
            "run",
            "--host",
            "--max-processes",
            &total,
            &holder.to_string_lossy(),
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("argosy starts");
    place.wait_until("the first runs", || place.dir.path().join("began").exists());
    let wide = format!(
        "  entrypoint: main
  templates:
  - name: main
    container: {{image: busybox, command: ['true'], resources: {{requests: {{cpu: {}}}}}}}
",
        cores + 1
    );
    let ended = crate::run(&place, "wide", &wide);
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    place.write("go", "");
    assert!(first.wait().expect("it ends").success());
}
