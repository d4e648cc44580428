//! What steps may have of the machine, and that they end when they must.

use std::os::unix::fs::MetadataExt;

use crate::one_step;
use crate::place::{Place, node};

#[test]
fn of_a_long_log_the_last_part_is_kept() {
    let place = Place::new();
    let file = place.workflow(
        "long",
        "  entrypoint: main
  archiveLogs: true
  templates:
  - name: main
    steps:
    - - {name: talk, template: talk}
    - - {name: hear, template: hear, arguments: {parameters: [{name: said, value: '{{steps.talk.outputs.result}}'}]}}
  - name: talk
    script:
      image: none
      command: [sh]
      source: |
        # Until what it has printed first is gone, and then a little more.
        seq -f 'line %015.0f' 1000000
        while [ $(stat -c %b $PWD/data/runs/1/logs/*.log | sort -n | tail -1) -gt 8192 ]; do sleep 0.1; done
        echo the last line
  - name: hear
    inputs: {parameters: [{name: said}]}
    container: {image: none, command: ['true']}
",
    );
    let ended = place.run_with(&file, &["--step-log", "1Mi"]);
    assert_eq!(ended["status"]["phase"], "Succeeded");
    let result = &node(&ended, "talk")["outputs"]["result"];
    assert!(
        result
            .as_str()
            .is_some_and(|result| result.ends_with("the last line"))
    );
    // What is kept is told from a whole line on, from either end.
    let said = place.says(&["logs", "long", "--no-color"]);
    let lines: Vec<&str> = said
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.1))
        .collect();
    assert!(lines.len() < 500_000, "{}", lines.len());
    assert!(lines.len() > 10_000, "{}", lines.len());
    assert!(
        lines[0].len() == 20 && lines[0].starts_with("line 0"),
        "{:?}",
        lines[0]
    );
    assert_eq!(lines.last(), Some(&"the last line"));
    let tail = place.says(&["logs", "long", "--tail", "2", "--no-color"]);
    assert!(tail.contains("line 000000001000000") && tail.contains("the last line"));
    let all = place.says(&["logs", "long", "--tail", "2000000", "--no-color"]);
    assert!(all == said, "{} and {} bytes", all.len(), said.len());
    let log = format!(
        "artifacts/long/{}/main.log",
        node(&ended, "talk")["id"]
            .as_str()
            .expect("an ID")
            .replace("long-", "long-talk-")
    );
    let archived = std::fs::metadata(place.data(&log)).expect("an archived log");
    assert!(archived.size() < 10 << 20, "{}", archived.size());
}

#[test]
fn a_step_has_no_more_processes_than_it_may() {
    let place = Place::new();
    // A bomb of no great force, where nothing holds it.
    let bomb =
        "for i in $(seq 60); do sleep 1000 & done; jobs -p | wc -l > begun; kill $(jobs -p); wait";
    let file = place.workflow("bomb", &one_step(bomb));
    let output = place.argosy(&["run", "--host", "--step-processes", "20", &file]);
    if !output.status.success() && !place.path("begun").exists() {
        let said = crate::place::errors(&output);
        let is_held = said.contains("--step-processes needs a cgroup") || said.is_empty();
        assert!(is_held, "{said}");
        eprintln!("this user can't count processes here: that was said");
        return;
    }
    let begun: u32 = place.read("begun").trim().parse().unwrap_or(0);
    assert!(begun < 20, "{begun}");
}

#[test]
fn a_step_that_will_not_end_and_what_it_has_let_loose_are_killed() {
    let place = Place::new();
    let file = place.workflow(
        "deaf",
        &one_step(
            "trap '' TERM HUP INT
            (setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $! >> loose; wait' &)
            echo $$ >> loose; while :; do sleep 0.05; done",
        ),
    );
    place.says(&["submit", &file]);
    place.wait_until("all of it runs", || place.lines("loose").len() == 2);
    place.says(&["stop", "deaf"]);
    place.wait_until("none of it runs", || place.steps().is_empty());
    assert_eq!(place.phase("deaf"), "Failed");
}

#[test]
fn sizes_of_logs_are_read_as_quantities() {
    let place = Place::new();
    let file = place.workflow("sizes", &one_step("true"));
    for (size, is_well) in [
        ("0", true),
        ("1Gi", true),
        ("10M", true),
        ("-1", false),
        ("big", false),
    ] {
        let flag = format!("--step-log={size}");
        let name = format!("--name=sizes{}", size.to_lowercase().replace('-', "minus"));
        let output = place.argosy(&["run", "--host", &flag, &name, &file]);
        assert_eq!(output.status.success(), is_well, "{size}: {output:?}");
    }
}
