//! The keeper dies; what steps leave is killed by their cgroups.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use crate::place::{Place, node};
use crate::{one_step, workflow};

/// The keeper of a runner.
fn keeper_of(runner: u32) -> Option<u32> {
    std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let Some((name, rest)) = stat.rsplit_once(')') else {
                return false;
            };
            let mut fields = rest.split_ascii_whitespace();
            let lives = fields.next() != Some("Z");
            let parent = fields.next().and_then(|parent| parent.parse().ok());
            lives && parent == Some(runner) && name.ends_with("argosy-keeper")
        })
}

/// A runner that does not outlive its test.
struct Runner(Child);

impl Drop for Runner {
    fn drop(&mut self) {
        let keeper = keeper_of(self.0.id());
        let _ = self.0.kill();
        let _ = self.0.wait();
        if let Some(keeper) = keeper {
            kill(keeper);
        }
    }
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill {pid}");
}

#[test]
fn a_keeper_that_dies_is_replaced_and_its_steps_are_deleted_pods() {
    let place = Place::new();
    let file = workflow(
        &place,
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
    let mut runner = Runner(
        place
            .command(&["run", "--host", "-o", "json", &file.to_string_lossy()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("argosy starts"),
    );
    // The second one was started in another way than the first.
    for times in 1..=2 {
        let began = || std::fs::read_to_string(place.dir.path().join("began")).unwrap_or_default();
        place.wait_until("the step runs", || began().lines().count() == times);
        let keeper = keeper_of(runner.0.id()).expect("the runner has a keeper");
        let step: u32 = began()
            .lines()
            .last()
            .and_then(|pid| pid.parse().ok())
            .expect("a step");
        kill(keeper);
        place.wait_until("the step is dead", || {
            !std::path::Path::new(&format!("/proc/{step}")).exists()
        });
    }
    let mut output = String::new();
    let mut stdout = runner.0.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut output).expect("the workflow");
    assert!(runner.0.wait().expect("it ends").success());
    let ended: serde_json::Value = serde_json::from_str(&output).expect("JSON");
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
    let keepers = place.dir.path().join("data/keepers");
    place.wait_until("nothing is left of the keepers", || {
        std::fs::read_dir(&keepers).is_ok_and(|mut entries| entries.next().is_none())
    });
}

#[test]
fn what_hides_from_its_step_dies_with_the_steps_cgroup() {
    let place = Place::new();
    let file = workflow(
        &place,
        "hides",
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
    let output = place.argosy(&[
        "run",
        "--host",
        "--max-processes",
        "2",
        "-o",
        "json",
        &file.to_string_lossy(),
    ]);
    let ended: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    if place.dir.path().join("none").exists() {
        eprintln!("this user can make no cgroup here: nothing was tested");
        return;
    }
    assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
    let keepers = place.dir.path().join("data/keepers");
    place.wait_until("the keeper has removed its cgroups", || {
        std::fs::read_dir(&keepers).is_ok_and(|mut entries| entries.next().is_none())
    });
}

#[test]
fn a_runner_that_never_comes_to_its_first_step_leaves_no_keeper() {
    let place = Place::new();
    let wrong = place.write("wrong.yaml", "kind: Workflow");
    place.fails(&["run", "--host", &wrong.to_string_lossy()]);
    let keepers = place.dir.path().join("data/keepers");
    place.wait_until("the keeper has gone", || {
        std::fs::read_dir(&keepers).is_ok_and(|mut entries| entries.next().is_none())
    });
    // And one that reads for long has its keeper when it is done.
    let mut runner = place
        .command(&["run", "--host", "-o", "name", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("argosy starts");
    place.wait_until("it has a keeper", || keeper_of(runner.id()).is_some());
    let text = std::fs::read(workflow(&place, "late", &one_step("true"))).expect("a file");
    std::thread::sleep(std::time::Duration::from_millis(300));
    runner
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&text)
        .expect("written");
    assert!(runner.wait().expect("it ends").success());
}
