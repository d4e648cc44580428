//! Locks that all runners of a data directory share.

mod place;

use place::Place;

/// Each step fails if another one is inside at the same time.
const EXCLUSIVE: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: NAME}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, template: work, withItems: [1, 2, 3]}
  - name: work
    synchronization: {mutexes: [{name: m}]}
    container:
      image: none
      command: [sh, -c, 'mkdir \"$INSIDE\" && sleep 0.1 && rmdir \"$INSIDE\"']
      env: [{name: INSIDE, value: PLACE}]
";

/// A process that does not outlive its test.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // One that has ended is no trouble.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_mutex_holds_between_runners() {
    let place = Place::new();
    let inside = place.dir.path().join("inside");
    let files = ["one", "two", "three"].map(|name| {
        let text = EXCLUSIVE
            .replace("NAME", name)
            .replace("PLACE", &inside.to_string_lossy());
        place.write(&format!("{name}.yaml"), &text)
    });
    let running: Vec<_> = files
        .iter()
        .map(|file| {
            place
                .command(&["run", "--host", &file.to_string_lossy()])
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("argosy runs")
        })
        .collect();
    for process in running {
        let output = process.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
    }
    assert!(!inside.exists());
}

#[test]
fn locks_outlive_a_killed_runner() {
    let place = Place::new();
    let inside = place.dir.path().join("inside");
    let text = EXCLUSIVE
        .replace("NAME", "killed")
        .replace("PLACE", &inside.to_string_lossy());
    let file = place.write("killed.yaml", &text);
    let process = place
        .command(&["run", "--host", &file.to_string_lossy()])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("argosy runs");
    let mut process = Killed(process);
    place.wait_until("a step holds the mutex", || inside.exists());
    process.0.kill().expect("it can be killed");
    process.0.wait().expect("it ends");
    place.says(&["run", "--host", "--resume"]);
    assert_eq!(place.phase("killed"), "Succeeded");
}

#[test]
fn a_limit_comes_from_its_config_map_and_can_be_raised() {
    let place = Place::new();
    let semaphore = EXCLUSIVE
        .replace("NAME", "limited")
        .replace(
            "mutexes: [{name: m}]",
            "semaphores: [{configMapKeyRef: {name: limits, key: work}}]",
        )
        .replace(
            "mkdir \"$INSIDE\" && sleep 0.1 && rmdir \"$INSIDE\"",
            "while [ ! -e \"$INSIDE\" ]; do sleep 0.02; done",
        )
        .replace("PLACE", &place.dir.path().join("go").to_string_lossy());
    let file = place.write("limited.yaml", &semaphore);
    let refused = place.argosy(&["run", "--host", &file.to_string_lossy()]);
    assert!(!refused.status.success());
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    let wanted = "failed to initialize semaphore default/ConfigMap/limits/work with limit";
    assert!(text.contains(wanted), "{text}");

    let map = |limit: u32| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: limits}}, data: {{work: '{limit}'}}}}"
        )
    };
    let apply = |limit: u32| {
        let file = place.write("limits.yaml", &map(limit));
        place.says(&["apply", "-f", &file.to_string_lossy()]);
    };
    apply(1);
    let file = place.write("more.yaml", &semaphore.replace("limited", "more"));
    let process = place
        .command(&[
            "run",
            "--host",
            "--max-processes",
            "4",
            &file.to_string_lossy(),
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("argosy runs");
    let mut process = Killed(process);
    let running = || {
        let shown = place.argosy(&["get", "more", "-o", "json"]);
        let workflow: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
        let nodes = workflow["status"]["nodes"].as_object().cloned();
        nodes.map_or(0, |nodes| {
            nodes
                .values()
                .filter(|node| node["type"] == "Pod" && node["phase"] == "Running")
                .count()
        })
    };
    place.wait_until("one step to run", || running() == 1);
    apply(3);
    place.wait_until("all steps to run", || running() == 3);
    place.write("go", "");
    assert!(process.0.wait().expect("it ends").success());
}
