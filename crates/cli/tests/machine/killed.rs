//! Runners and keepers that are killed: nothing is done twice, nothing is lost, nothing is left.

use std::time::{Duration, Instant};

use crate::place::{Place, kill, node};

/// A step that leaves a line, takes a while, and puts out a parameter and an artifact.
const EACH_ONCE: &str = "  entrypoint: main
  templates:
  - name: main
    steps:
    - - name: each
        template: work
        withSequence: {count: '16'}
        arguments: {parameters: [{name: i, value: '{{item}}'}]}
  - name: work
    inputs: {parameters: [{name: i}]}
    outputs:
      parameters: [{name: o, valueFrom: {path: /tmp/o}}]
      artifacts: [{name: a, path: /tmp/a}]
    container:
      image: busybox
      command: [sh, -c]
      args: ['echo {{inputs.parameters.i}} >> $PWD/began; sleep 0.1; echo out-{{inputs.parameters.i}} > /tmp/o; echo x > /tmp/a; echo {{inputs.parameters.i}} >> $PWD/ended']
";

#[test]
fn killed_at_random_each_step_still_runs_exactly_once() {
    let place = Place::new();
    let file = place.workflow("once", EACH_ONCE);
    let seed = std::process::id();
    let mut random = u64::from(seed);
    let mut arguments = vec!["run", "--host", &file];
    let mut kills = 0;
    loop {
        let mut runner = place.start(&arguments);
        // The first kill may come before the run was handed over; then it is handed over again.
        let handed_over = || place.argosy(&["get", "once"]).status.success();
        if kills == 0 {
            place.wait_until("the run is there", handed_over);
        }
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Longer and longer, so that it ends on a slow machine too.
        let life = Duration::from_millis((random >> 33) % (100 + 20 * kills));
        let began = Instant::now();
        while began.elapsed() < life && runner.lives() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if !runner.lives() {
            assert!(runner.ends_well(), "seed {seed}: the run failed");
            break;
        }
        runner.kill();
        kills += 1;
        assert!(kills < 200, "seed {seed}: it never ends");
        arguments = vec!["run", "--resume"];
    }
    let workflow = place.get("once");
    assert_eq!(
        workflow["status"]["phase"], "Succeeded",
        "seed {seed}, {kills} kills: {workflow:#}"
    );
    let expected: Vec<String> = (0..16).map(|item| item.to_string()).collect();
    for name in ["began", "ended"] {
        let mut lines = place.lines(name);
        lines.sort_by_key(|line| line.parse::<u32>().unwrap_or(u32::MAX));
        assert_eq!(lines, expected, "seed {seed}, {kills} kills: {name}");
    }
    for item in 0..16 {
        let node = node(&workflow, &format!("each({item}:{item})"));
        assert_eq!(
            node["outputs"]["parameters"][0]["value"],
            format!("out-{item}"),
            "seed {seed}, {kills} kills"
        );
    }
    place.wait_until("no process is left", || place.processes().is_empty());
}

#[test]
fn a_step_that_outlives_its_runner_is_collected_by_the_next() {
    let place = Place::new();
    let file = place.workflow(
        "outlive",
        "  entrypoint: main
  templates:
  - name: main
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
    script:
      image: busybox
      command: [sh]
      source: |
        touch $PWD/running
        while [ ! -e $PWD/go ]; do sleep 0.02; done
        echo late > /tmp/o
        exit 0
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("the step runs", || place.path("running").exists());
    runner.kill();
    place.write("go", "");
    // Another runner in between, which has nothing to do with it, takes nothing away.
    let other = place.run_spec("other",
        "  entrypoint: main\n  templates:\n  - {name: main, container: {image: x, command: ['true']}}\n",
    );
    assert_eq!(other["status"]["phase"], "Succeeded");
    place.says(&["run", "--resume"]);
    let workflow = place.get("outlive");
    let main = node(&workflow, "outlive");
    assert_eq!(main["phase"], "Succeeded", "{main:#}");
    assert_eq!(main["outputs"]["parameters"][0]["value"], "late");
}

#[test]
fn what_the_dead_left_is_swept_up_by_whoever_comes_next() {
    let place = Place::new();
    let file = place.workflow(
        "both",
        "  entrypoint: main
  templates:
  - name: main
    container: {image: none, command: [sh, -c], args: ['setsid sleep 1000 & touch running; wait']}
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("the step runs", || place.path("running").exists());
    let keeper = place.keepers();
    let named = |end: &str| {
        let entries = std::fs::read_dir(place.data("keepers")).expect("a folder");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.find(|path| path.extension().is_some_and(|found| found == end))
    };
    let cgroup = named("cgroup").map(|record| std::fs::read_to_string(record).expect("a record"));
    runner.kill();
    kill(keeper[0]);
    place.wait_until("it is dead", || place.keepers().is_empty());
    // Killed between making its socket and being ready, or when all but its record was gone.
    std::fs::write(place.data("keepers/1-a.new"), "").expect("written");
    std::fs::write(place.data("keepers/2-b.cgroup"), "/nowhere/argosy-2-b").expect("written");
    let other = place.workflow("other", &crate::one_step("true"));
    place.says(&["run", "--host", &other]);
    place.wait_until("nothing is left of the keepers", || {
        let entries = std::fs::read_dir(place.data("keepers")).expect("a folder");
        entries.count() == 0
    });
    place.wait_until("no process is left", || place.processes().is_empty());
    assert!(cgroup.is_none_or(|cgroup| !std::path::Path::new(&cgroup).exists()));
    // Its workflow is still there to be taken up.
    assert_eq!(place.phase("both"), "Running");
}

#[test]
fn what_the_dead_left_is_swept_up_also_where_there_is_nothing_to_resume() {
    let place = Place::new();
    place.run_spec("over", &crate::one_step("true"));
    std::fs::write(place.data("keepers/2-b.cgroup"), "/nowhere/argosy-2-b").expect("written");
    let said = place.says(&["run", "--host", "--resume"]);
    assert!(said.starts_with("nothing to resume"), "{said}");
    place.wait_until("nothing is left of the keepers", || {
        let entries = std::fs::read_dir(place.data("keepers")).expect("a folder");
        entries.count() == 0
    });
}

#[test]
fn what_a_dead_keeper_and_a_dead_runner_left_is_swept_up_by_the_next() {
    let place = Place::new();
    let file = place.workflow(
        "both",
        "  entrypoint: main
  templates:
  - name: main
    container:
      image: busybox
      command: [sh, -c]
      args: ['setsid sleep 1000 & touch running; wait']
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("the step runs", || place.path("running").exists());
    // One that is not known to run yet would be begun again.
    place.wait_until("that is known", || {
        node(&place.get("both"), "both")["phase"] == "Running"
    });
    let keeper = place.keepers();
    runner.kill();
    kill(keeper[0]);
    place.argosy(&["run", "--resume"]);
    assert_eq!(node(&place.get("both"), "both")["message"], "pod deleted");
    place.wait_until("nothing is left", || place.processes().is_empty());
}

#[test]
fn a_keeper_that_holds_what_nobody_will_ask_for_is_let_go() {
    let place = Place::new();
    let first = place.workflow("first", &crate::one_step("true"));
    place.says(&["run", "--host", &first]);
    let file = place.workflow(
        "held",
        &crate::one_step("touch running; while [ ! -e go ]; do sleep 0.02; done"),
    );
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("the step runs", || place.path("running").exists());
    runner.kill();
    place.write("go", "");
    place.wait_until("it is over", || place.steps().is_empty());
    assert_eq!(place.keepers().len(), 1, "it has an end to tell");
    // The run is gone without a word to it.
    for name in ["argosy.db", "argosy.db-wal", "argosy.db-shm"] {
        std::fs::remove_file(place.data(name)).expect("removed");
    }
    place.says(&["run", "--host", &first]);
    place.wait_until("nothing is left", || place.processes().is_empty());
}

#[test]
fn the_next_submit_starts_a_runner_though_the_keeper_of_a_killed_one_lives() {
    let place = Place::new();
    let file = place.workflow(
        "outlive",
        &crate::one_step("echo x >> began; while [ ! -e go ]; do sleep 0.02; done"),
    );
    place.says(&["submit", &file]);
    place.wait_until("the step runs", || place.lines("began").len() == 1);
    kill(place.runners()[0]);
    let other = place.workflow("other", &crate::one_step("true"));
    place.says(&["submit", &other]);
    place.wait_until("another runner lives", || place.runners().len() == 1);
    place.write("go", "");
    for name in ["outlive", "other"] {
        place.wait_until("it ends", || place.phase(name) == "Succeeded");
    }
    assert_eq!(place.lines("began").len(), 1);
}

/// Whoever reads a runner's output to its end must not wait for a keeper that outlives it.
#[test]
fn a_keeper_holds_nothing_open_that_its_runner_was_handed() {
    let place = Place::new();
    let file = place.workflow(
        "holds",
        &crate::one_step("touch running; while [ ! -e go ]; do sleep 0.02; done"),
    );
    let script = format!("exec \"$0\" --data-dir \"$1\" run --host {file} 3>&1");
    let child = place
        .through_shell(&script)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("sh runs");
    let mut runner = crate::place::Running(child);
    place.wait_until("the step runs", || place.path("running").exists());
    let mut output = runner.0.stdout.take().expect("a pipe");
    runner.kill();
    let read = std::io::Read::read_to_end(&mut output, &mut Vec::new());
    assert!(read.is_ok());
    assert!(!place.path("go").exists(), "the step still runs");
    assert_eq!(place.keepers().len(), 1);
}
