//! The keeper dies; what steps leave is killed by their cgroups.

use std::io::Write;
use std::process::Stdio;

use crate::one_step;
use crate::place::{Place, Running, kill, node};

/// Waits until no keeper has anything left, its cgroups included.
fn wait_for_no_keeper(place: &Place) {
    let keepers = place.data("keepers");
    place.wait_until("nothing is left of the keepers", || {
        std::fs::read_dir(&keepers).is_ok_and(|mut entries| entries.next().is_none())
    });
}

#[test]
fn a_keeper_that_dies_is_replaced_and_its_steps_are_deleted_pods() {
    let place = Place::new();
    let file = place.workflow(
        "bereft",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: first, template: hold, continueOn: {error: true}}
    - - {name: second, template: after}
    - - {name: third, template: hold, continueOn: {error: true}}
    - - {name: fourth, template: after}
  - name: hold
    retryStrategy: {limit: 2}
    container:
      image: busybox
      command: [sh, -c]
      args: ['(setsid sleep 104 &); read own rest < /proc/self/stat; echo $own >> began; sleep 105']
  - name: after
    outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}}]}
    container: {image: busybox, command: [sh, -c], args: ['echo well > /tmp/o']}
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    // The second one was started in another way than the first.
    for times in 1..=2 {
        let began = || place.lines("began");
        place.wait_until("the step runs", || began().len() == times);
        let keeper = place.keepers()[0];
        let step: u32 = began()
            .last()
            .and_then(|pid| pid.parse().ok())
            .expect("a step");
        kill(keeper);
        place.wait_until("the step is dead", || {
            !std::path::Path::new(&format!("/proc/{step}")).exists()
        });
    }
    assert!(runner.ends_well());
    let ended = place.get("bereft");
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    for step in ["first", "third"] {
        let attempt = node(&ended, &format!("{step}(0)"));
        assert_eq!(attempt["phase"], "Error");
        assert_eq!(attempt["message"], "pod deleted");
        // OnFailure, which is the default, is not tried again after an error.
        assert_eq!(
            node(&ended, step)["children"].as_array().map(Vec::len),
            Some(1),
            "{step}"
        );
    }
    for step in ["second", "fourth"] {
        assert_eq!(
            node(&ended, step)["outputs"]["parameters"][0]["value"],
            "well"
        );
    }
    wait_for_no_keeper(&place);
}

#[test]
fn what_hides_from_its_step_dies_with_the_steps_cgroup() {
    let place = Place::new();
    let file = place.workflow("hides",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: hide, template: hide}
      - {name: look, template: look}
  - name: hide
    container:
      image: busybox
      command: [sh, -c]
      # In a session of its own, without its environment, and nobody's child.
      args: ['grep -q argosy- /proc/self/cgroup || touch none; setsid env -i sleep 106 & echo $! > hidden; touch ended']
  - name: look
    container:
      image: busybox
      command: [sh, -c]
      args: ['for i in $(seq 400); do [ -e none ] && exit 0; [ -e ended ] && ! kill -0 $(cat hidden) && exit 0; sleep 0.05; done; exit 1']
",
    );
    let ended = place.run_with(&file, &["--max-processes", "2"]);
    if place.path("none").exists() {
        eprintln!("this user can make no cgroup here: nothing was tested");
        return;
    }
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    wait_for_no_keeper(&place);
}

#[test]
fn a_runner_that_never_comes_to_its_first_step_leaves_no_keeper() {
    let place = Place::new();
    place.write("wrong.yaml", "kind: Workflow");
    place.fails(&["run", "--host", "wrong.yaml"]);
    wait_for_no_keeper(&place);
    // And one that reads for long has its keeper when it is done.
    let mut command = place.command(&["run", "--host", "-o", "name", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut runner = Running(command.spawn().expect("argosy starts"));
    place.wait_until("it has a keeper", || !place.keepers().is_empty());
    let text = place.read(&place.workflow("late", &one_step("true")));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut pipe = runner.0.stdin.take().expect("a pipe");
    pipe.write_all(text.as_bytes()).expect("written");
    drop(pipe);
    assert!(runner.ends_well());
}

#[test]
fn the_death_of_the_keeper_kills_its_steps_and_their_nodes_say_so() {
    let place = Place::new();
    let file = place.workflow(
        "orphan",
        "  entrypoint: main
  templates:
  - name: main
    container:
      image: busybox
      command: [sh, -c]
      args: ['sleep 1000 & setsid sleep 1000 & touch running; wait']
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("the step runs", || place.path("running").exists());
    let keeper = place.keepers();
    assert_eq!(keeper.len(), 1);
    kill(keeper[0]);
    assert!(!runner.ends_well());
    place.wait_until("the step and what it began are dead", || {
        place.processes().is_empty()
    });
    let workflow = place.get("orphan");
    let main = node(&workflow, "orphan");
    assert_eq!(
        (main["phase"].as_str(), main["message"].as_str()),
        (Some("Error"), Some("pod deleted"))
    );
}

#[test]
fn what_runs_ends_when_its_data_directory_is_deleted() {
    for words in [&["run", "--host"][..], &["submit"]] {
        let place = Place::new();
        let file = place.workflow("homeless", &one_step("touch running; exec sleep 1000"));
        let mut runner = place.start(&[words, &[&*file]].concat());
        place.wait_until("the step runs", || place.path("running").exists());
        std::fs::remove_dir_all(place.data("")).expect("it can be deleted");
        place.wait_until("nothing is left", || place.processes().is_empty());
        assert_eq!(runner.ends_well(), words == ["submit"]);
    }
}

#[test]
fn a_step_sees_the_environment_and_the_limits_of_its_submission() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let file = place.workflow(
        "sees",
        &crate::one_step("ulimit -Sn > limit; printf %s \"$ODD\" > odd"),
    );
    // What is no text is handed on as it is.
    let odd = std::ffi::OsStr::from_bytes(b"a\xffb");
    let script = format!("ulimit -Sn 500; exec \"$0\" --data-dir \"$1\" run --host {file}");
    let ended = place
        .through_shell(&script)
        .env("ODD", odd)
        .output()
        .expect("sh runs");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(place.read("limit"), "500\n");
    assert_eq!(std::fs::read(place.path("odd")).expect("a file"), b"a\xffb");
}
