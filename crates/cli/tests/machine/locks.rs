//! Locks that all runners of a data directory share.

use crate::place::Place;

/// Each step fails if another one is inside at the same time.
const EXCLUSIVE: &str = "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, template: work, withItems: [1, 2, 3]}
  - name: work
    synchronization: {mutexes: [{name: m}]}
    container:
      image: none
      command: [sh, -c, 'mkdir inside && sleep 0.1 && rmdir inside']
";

#[test]
fn a_mutex_holds_between_runners() {
    let place = Place::new();
    let files = ["one", "two", "three"].map(|name| place.workflow(name, EXCLUSIVE));
    let mut running = files.map(|file| place.start(&["run", "--host", &file]));
    for process in &mut running {
        assert!(process.ends_well());
    }
    assert!(!place.path("inside").exists());
}

#[test]
fn locks_outlive_a_killed_runner() {
    let place = Place::new();
    let file = place.workflow("killed", EXCLUSIVE);
    let mut runner = place.start(&["run", "--host", &file]);
    place.wait_until("a step holds the mutex", || place.path("inside").exists());
    runner.kill();
    place.says(&["run", "--host", "--resume"]);
    assert_eq!(place.phase("killed"), "Succeeded");
}

#[test]
fn a_limit_comes_from_its_config_map_and_can_be_raised() {
    let place = Place::new();
    let semaphore = EXCLUSIVE
        .replace(
            "mutexes: [{name: m}]",
            "semaphores: [{configMapKeyRef: {name: limits, key: work}}]",
        )
        .replace(
            "mkdir inside && sleep 0.1 && rmdir inside",
            "while [ ! -e go ]; do sleep 0.02; done",
        );
    let refused = place.run_spec("limited", &semaphore).to_string();
    let wanted = "failed to initialize semaphore default/ConfigMap/limits/work with limit";
    assert!(refused.contains(wanted), "{refused}");

    let apply = |limit: u32| {
        place.apply(&format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: limits}}, data: {{work: '{limit}'}}}}"
        ));
    };
    apply(1);
    let file = place.workflow("more", &semaphore);
    let mut runner = place.start(&["run", "--host", "--max-processes", "4", &file]);
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
    assert!(runner.ends_well());
}
