//! `why`, of what only the program knows beside the core.

use crate::place::Place;

#[test]
fn a_step_that_waits_for_a_slot_says_who_has_it() {
    let place = Place::new();
    let graph = place.workflow(
        "graph",
        "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: A, template: waits}
      - {name: B, template: waits}
      - {name: C, template: waits}
  - name: waits
    container: {image: busybox, command: [sh, -c, 'touch began; until [ -e go ]; do sleep 0.05; done']}
",
    );
    let mut running = place.start(&["run", "--host", "--max-processes", "1", &graph]);
    place.wait_until("a step has the slot", || place.path("began").exists());
    let expected = "now: waits for a slot: this machine's only one is used up by A";
    place.wait_until("B says what it waits for", || {
        place.says(&["why", "graph", "B"]).contains(expected)
    });
    let whole = place.says(&["why", "graph"]);
    let waiting = "graph.B is Pending\n  and so, for the same reason, is C\n";
    assert!(whole.contains(waiting), "{whole}");
    assert!(whole.contains(expected), "{whole}");
    assert!(whole.contains("now: its pod runs"), "{whole}");
    running.kill();
    let said = place.says(&["why", "graph"]);
    assert!(
        said.contains("now: no process carries it out; `argosy run --resume`"),
        "{said}"
    );
    place.write("go", "");
    place.says(&["run", "--resume"]);
    assert!(
        place
            .says(&["why", "graph"])
            .contains("nothing waits and nothing went wrong")
    );
}

#[test]
fn of_a_large_workflow_what_its_log_says_is_told() {
    let place = Place::new();
    let file = place.workflow(
        "wide",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: one, withSequence: {count: '10050'}}
  - {name: one, suspend: {}}
",
    );
    place.says(&["submit", &file]);
    let all = " and 10044 more\n";
    place.wait_until("all items are there", || {
        place.says(&["why", "wide"]).contains(all)
    });
    let said = place.says(&["why", "wide"]);
    assert!(
        said.contains("and so, for the same reason, is each(1:1), "),
        "{said}"
    );
    assert!(said.lines().count() < 10, "{said}");
    place.says(&["stop", "wide"]);
    place.argosy(&["wait", "wide"]);
    let said = place.says(&["why", "wide", "each(5:5)"]);
    let asked = said.find("the workflow was asked to stop").expect("it was");
    let ended = said
        .find("failed: Stopped with strategy 'Stop'")
        .expect("it has");
    assert!(asked < ended, "{said}");
}
