//! What becomes of workflows when a signal reaches who carries them out.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::one_step;
use crate::place::{Place, Running, node, signal};

/// Two steps and an exit handler. The first takes until `go` is there, and says when it is told to
/// end; the handler takes as long as `hold` is.
const TWO: &str = "  entrypoint: main
  onExit: bye
  templates:
  - name: main
    steps:
    - - {name: first, template: first}
    - - {name: second, template: second}
  - name: first
    container:
      image: none
      command: [sh, -c]
      args: ['trap \"echo ended >> told; exit 1\" TERM; echo first >> ran; while [ ! -e go ]; do sleep 0.02; done']
  - name: second
    container: {image: none, command: [sh, -c], args: ['echo second >> ran']}
  - name: bye
    container:
      image: none
      command: [sh, -c]
      args: ['echo bye >> ran; while [ -e hold ]; do sleep 0.02; done; echo well >> ran']
";

fn begin(place: &Place, words: &[&str]) -> Running {
    let file = place.workflow("two", TWO);
    let runner = place.start(&[words, &[&*file]].concat());
    place.wait_until("the first step runs", || {
        place.read("ran") == "first\n" && place.phase("two") == "Running"
    });
    runner
}

#[test]
fn ctrl_c_stops_once_and_terminates_twice() {
    for times in [1, 2] {
        let place = Place::new();
        let mut runner = begin(&place, &["run", "--host"]);
        if times == 2 {
            place.write("hold", "");
        }
        signal(runner.0.id(), "INT");
        place.wait_until("the exit handler runs", || {
            place.read("ran").starts_with("first\nbye\n")
        });
        if times == 2 {
            signal(runner.0.id(), "INT");
        }
        assert_eq!(runner.code(), Some(1), "{times}");
        let well = if times == 1 { "well\n" } else { "" };
        assert_eq!(place.read("ran"), format!("first\nbye\n{well}"));
        assert_eq!(place.read("told"), "ended\n");
        let workflow = place.get("two");
        assert_eq!(workflow["status"]["phase"], "Failed", "{workflow:#}");
        let said = ["Stop", "Terminate"][times - 1];
        assert_eq!(workflow["spec"]["shutdown"], said);
        place.wait_until("nothing is left", || place.processes().is_empty());
    }
}

#[test]
fn ctrl_c_a_third_time_waits_no_more_for_what_does_not_end() {
    let place = Place::new();
    let step = "trap '' TERM; touch running; while [ ! -e over ]; do sleep 0.02; done";
    let file = place.workflow("deaf", &one_step(step));
    let mut command = place.command(&["run", "--host", &file]);
    command.stdout(Stdio::piped());
    let mut runner = Running(command.spawn().expect("argosy starts"));
    let mut said = BufReader::new(runner.0.stdout.take().expect("a pipe")).lines();
    let mut says = |wanted: &str| {
        let line = said.find(|line| line.as_ref().is_ok_and(|line| line.contains(wanted)));
        assert!(line.is_some(), "it never says {wanted:?}");
    };
    place.wait_until("the step runs", || place.path("running").exists());
    for wanted in ["Ctrl-C again terminates", "terminating"] {
        signal(runner.0.id(), "INT");
        says(wanted);
    }
    signal(runner.0.id(), "INT");
    assert_eq!(runner.code(), Some(130));
    // It is stopped, and its keeper kills what does not end.
    assert_eq!(place.phase("deaf"), "Failed");
    assert_eq!(place.keepers().len(), 1);
    place.write("over", "");
    place.argosy(&["run", "--resume"]);
    place.wait_until("nothing is left", || place.processes().is_empty());
}

#[test]
fn what_is_told_to_end_leaves_its_workflows_to_the_next() {
    // `timeout` sends its signal twice: to its child, and to the group that both are in.
    for times in [1, 2] {
        let place = Place::new();
        let mut runner = begin(&place, &["run", "--host"]);
        for _ in 0..times {
            signal(runner.0.id(), "TERM");
        }
        assert_eq!(runner.code(), Some(143));
        assert_eq!(place.phase("two"), "Running");
        // The step goes on meanwhile, and its end is not lost.
        place.write("go", "");
        place.says(&["run", "--resume"]);
        assert_eq!(place.phase("two"), "Succeeded");
        assert_eq!(place.read("ran"), "first\nsecond\nbye\nwell\n");
        assert_eq!(place.read("told"), "");
        place.wait_until("nothing is left", || place.processes().is_empty());
    }
}

#[test]
fn what_has_not_begun_when_its_runner_goes_is_left_to_the_next() {
    let place = Place::new();
    let file = place.workflow(
        "many",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: each, withSequence: {count: '20'}}
  - name: each
    container:
      image: none
      command: [sh, -c]
      args: ['echo x >> ran; while [ ! -e go ]; do sleep 0.02; done']
",
    );
    let mut runner = place.start(&["run", "--host", "--max-processes", "2", &file]);
    place.wait_until("two steps run", || place.lines("ran").len() == 2);
    signal(runner.0.id(), "TERM");
    assert_eq!(runner.code(), Some(143));
    place.write("go", "");
    place.wait_until("what ran is over", || place.steps().is_empty());
    assert_eq!(place.lines("ran").len(), 2, "nobody begins more");
    place.says(&["run", "--resume"]);
    assert_eq!(place.phase("many"), "Succeeded");
    assert_eq!(place.lines("ran").len(), 20);
}

#[test]
fn a_closed_terminal_hands_over_to_the_background() {
    let place = Place::new();
    let mut runner = begin(&place, &["run", "--host", "--max-processes", "1"]);
    signal(runner.0.id(), "HUP");
    assert_eq!(runner.code(), Some(129));
    place.write("go", "");
    place.wait_until("the runner in the background ends it", || {
        place.phase("two") == "Succeeded"
    });
    assert_eq!(place.read("ran"), "first\nsecond\nbye\nwell\n");
    let log = std::fs::read_to_string(place.data("runner.log")).expect("a log");
    assert_eq!(log, "");
}

#[test]
fn what_is_begun_to_ignore_a_signal_ignores_it() {
    let place = Place::new();
    let file = place.workflow("two", TWO);
    let script = format!("trap '' HUP INT; exec \"$0\" --data-dir \"$1\" run --host {file}");
    let child = place
        .through_shell(&script)
        .stdout(Stdio::null())
        .spawn()
        .expect("sh runs");
    let mut runner = Running(child);
    place.wait_until("the first step runs", || place.read("ran") == "first\n");
    signal(runner.0.id(), "HUP");
    signal(runner.0.id(), "INT");
    place.write("go", "");
    assert_eq!(runner.code(), Some(0));
    assert_eq!(place.read("ran"), "first\nsecond\nbye\nwell\n");
}

#[test]
fn nobody_who_listens_is_no_reason_to_end() {
    // The reader of its output is gone, as with `argosy run … | head -1`.
    let place = Place::new();
    let file = place.workflow("two", TWO);
    let mut command = place.command(&["run", "--host", &file]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut runner = Running(command.spawn().expect("argosy starts"));
    place.wait_until("the first step runs", || place.read("ran") == "first\n");
    drop((runner.0.stdout.take(), runner.0.stderr.take()));
    place.write("go", "");
    assert_eq!(runner.code(), Some(0));
    assert_eq!(place.phase("two"), "Succeeded");
}

#[test]
fn the_runner_in_the_background_leaves_its_workflows_when_it_is_told_to_end() {
    for name in ["TERM", "INT", "HUP"] {
        let place = Place::new();
        begin(&place, &["submit"]);
        let runner = place.runners()[0];
        signal(runner, name);
        if name == "HUP" {
            place.write("go", "");
        } else {
            place.wait_until("it has ended", || place.runners().is_empty());
            assert_eq!(place.phase("two"), "Running", "{name}");
            place.write("go", "");
            // The next one that is started for another workflow takes it up.
            let other = place.workflow("other", &one_step("true"));
            place.says(&["submit", "--wait", &other]);
        }
        place.wait_until("it is carried on", || place.phase("two") == "Succeeded");
        assert_eq!(place.read("ran"), "first\nsecond\nbye\nwell\n", "{name}");
        assert_eq!(place.read("told"), "", "{name}");
    }
}

#[test]
fn a_keeper_that_is_told_to_end_ends_with_its_steps() {
    let place = Place::new();
    let mut runner = begin(&place, &["run", "--host"]);
    signal(place.keepers()[0], "TERM");
    assert_eq!(runner.code(), Some(1));
    let workflow = place.get("two");
    assert_eq!(node(&workflow, "first")["message"], "pod deleted");
    place.wait_until("nothing is left", || place.processes().is_empty());
}
