//! The lines of logs have times, although steps write them themselves; and what a step says when it is
//! stopped is among them.

use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};

use crate::one_step;
use crate::place::{Place, text};

/// Two lines that lie further apart than their times are off.
const LINES: &str = "echo one; sleep 2.5; echo two";

/// What a command prints, line by line: the time and the text.
fn timed(place: &Place, arguments: &[&str]) -> Vec<(Timestamp, String)> {
    let said = place.says(arguments);
    let lines = said.lines().map(|line| {
        let (_, line) = line.split_once(": ").expect("the pod's name");
        let (time, text) = line.split_once(' ').expect("a time");
        assert_eq!(time.len(), "2026-11-26T08:22:20.123456789Z".len(), "{said}");
        (time.parse().expect("a time"), text.to_owned())
    });
    lines.collect()
}

fn two_lines(lines: &[(Timestamp, String)]) -> Timestamp {
    let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["one", "two"]);
    let apart = lines[1].0.duration_since(lines[0].0);
    assert!(apart > SignedDuration::from_secs(1), "{lines:?}");
    lines[1].0
}

#[test]
fn lines_of_all_kinds_of_containers_have_times() {
    let place = Place::new();
    let shell = format!("image: busybox, command: [sh, -c], args: ['{LINES}']");
    let spec = format!(
        "  entrypoint: main
  archiveLogs: true
  templates:
  - name: main
    dag: {{tasks: [{{name: beside, template: beside}}, {{name: set, template: set}}, {{name: script, template: script}}]}}
  - name: beside
    container: {{image: busybox, command: [sh, -c], args: ['{LINES}; sleep 1']}}
    sidecars: [{{name: side, {shell}}}]
  - name: script
    script: {{image: busybox, command: [sh], source: '{LINES}'}}
  - name: set
    containerSet:
      retryStrategy: {{retries: 2, duration: 2s}}
      containers:
      - {{name: main, image: busybox, command: [sh, -c], args: ['if test -e again; then echo two; else >again; echo one; exit 1; fi']}}
"
    );
    place.run_spec("timed", &spec);
    for (step, container) in [
        ("beside", "main"),
        ("beside", "side"),
        ("set", "main"),
        ("script", "main"),
    ] {
        let mut arguments = vec!["logs", "timed", step, "-c", container, "--timestamps"];
        let second = two_lines(&timed(&place, &arguments)).to_string();
        arguments.extend(["--since-time", &second]);
        let late = timed(&place, &arguments);
        assert_eq!(late.len(), 1, "{step} {container}: {late:?}");
        assert_eq!(late[0].1, "two");
        let found = timed(&place, &[&arguments[..6], &["--tail", "1"]].concat());
        assert_eq!(found, late);
        let grep = format!("^{}", &second[..10]);
        let found = timed(&place, &[&arguments[..6], &["--grep", &grep]].concat());
        assert!(!found.is_empty(), "what is printed is looked at");
    }
    assert_eq!(
        place
            .says(&["logs", "timed", "--since", "1h"])
            .lines()
            .count(),
        6
    );
}

#[test]
fn lines_have_times_while_they_come() {
    let place = Place::new();
    let file = place.workflow("timed", &one_step(LINES));
    let mut running = place.start(&["run", "--host", &file]);
    place.wait_until("the workflow is there", || {
        place.says(&["list"]).contains("timed")
    });
    let began = Timestamp::now();
    let followed = timed(&place, &["logs", "timed", "-f", "--timestamps"]);
    let second = two_lines(&followed);
    assert!(second.duration_since(began) < SignedDuration::from_secs(60));
    assert!(running.ends_well());
    two_lines(&timed(&place, &["logs", "timed", "--timestamps"]));
}

#[test]
fn what_a_stopped_step_says_is_printed_too() {
    let place = Place::new();
    let file = place.workflow(
        "polite",
        &one_step(
            "trap 'echo leaving; exit 3' TERM; echo here; touch running; while :; do sleep 0.05; done",
        ),
    );
    let mut command = place.command(&["run", "--host", "--log", &file]);
    let runner = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("argosy starts");
    place.wait_until("the step runs", || place.path("running").exists());
    place.says(&["stop", "polite"]);
    let output = runner.wait_with_output().expect("it ends");
    let said = text(&output);
    for line in ["polite: here\n", "polite: leaving\n"] {
        assert_eq!(said.matches(line).count(), 1, "{said}");
    }
}
