//! Deadlines, shutdown and suspension of the whole workflow, with their messages.

use argosy_engine::fact::{Command, NodeSelector, PodPhase};

use crate::{Bench, pod};

const STOP: Command = Command::Stop {
    selector: None,
    message: None,
};

/// A retried step, a suspended one and one that waits for a machine, side by side.
fn mixed(spec: &str) -> String {
    format!(
        "
spec:
  entrypoint: main
  {spec}
  templates:
  - name: main
    steps:
    - - {{name: leaf, template: leaf}}
      - {{name: again, template: again}}
      - {{name: wait, template: wait}}
    - - {{name: later, template: leaf}}
  - name: leaf
    container: {{image: busybox}}
  - name: again
    retryStrategy: {{limit: 3}}
    container: {{image: busybox}}
  - name: wait
    suspend: {{}}
  - name: bye
    container: {{image: busybox}}
"
    )
}

fn failed(message: &str) -> (String, String) {
    ("Failed".to_owned(), message.to_owned())
}

#[test]
fn shutdown_ends_what_runs_and_says_so() {
    for (command, word) in [(STOP, "Stop"), (Command::Terminate, "Terminate")] {
        let mut bench = Bench::new(&mixed("onExit: bye"));
        bench.runs("wf[0].leaf");
        bench.ask(command);
        let ended = format!("workflow shutdown with strategy:  {word}");
        let stopped = format!("Stopped with strategy '{word}'");
        assert_eq!(bench.phase("wf[0].leaf"), failed(&ended));
        assert_eq!(bench.phase("wf[0].again(0)"), failed(&ended));
        assert_eq!(bench.phase("wf[0].again"), failed(&stopped));
        assert_eq!(bench.phase("wf[0].wait"), failed(&stopped));
        if word == "Stop" {
            assert_eq!(bench.end().0, "Running", "its exit handler runs");
            bench.exits("wf.onExit", 0);
        }
        assert_eq!(bench.end(), failed(&stopped));
        let exit = bench
            .status()
            .nodes
            .values()
            .any(|node| node.name == "wf.onExit");
        assert_eq!(exit, word == "Stop");
    }
}

#[test]
fn a_stop_fails_chosen_nodes_only() {
    let mut bench = Bench::new(&mixed(""));
    let selector = NodeSelector(vec![argosy_engine::fact::Requirement {
        key: "displayName".into(),
        equals: true,
        value: "wait".into(),
    }]);
    bench.ask(Command::Stop {
        selector: Some(selector),
        message: Some("no".into()),
    });
    assert_eq!(bench.phase("wf[0].wait"), failed("no"));
    assert_eq!(bench.phase("wf[0].leaf").0, "Pending");
    bench.exits("wf[0].leaf", 0);
    bench.exits("wf[0].again(0)", 0);
    assert_eq!(bench.end().0, "Failed");
}

#[test]
fn the_deadline_ends_all_but_the_exit_handler() {
    let mut bench = Bench::new(&mixed("activeDeadlineSeconds: 60, onExit: bye").replace(
        "activeDeadlineSeconds: 60, onExit: bye",
        "activeDeadlineSeconds: 60\n  onExit: bye",
    ));
    assert_eq!(
        bench.pod_json("wf[0].leaf")["spec"]["activeDeadlineSeconds"],
        60
    );
    bench.runs("wf[0].leaf");
    bench.advance(60);
    let late = "Step exceeded its deadline";
    assert_eq!(bench.phase("wf[0].leaf"), failed(late));
    assert_eq!(bench.phase("wf[0].again(0)"), failed(late));
    let retry = "retry exceeded workflow deadline 2026-01-01 00:01:00 +0000 UTC";
    assert_eq!(bench.phase("wf[0].again"), failed(retry));
    assert_eq!(bench.phase("wf[0].wait"), failed(late));
    let exit = bench.pod_json("wf.onExit");
    assert_eq!(exit["spec"].get("activeDeadlineSeconds"), None);
    bench.exits("wf.onExit", 0);
    assert_eq!(bench.end().0, "Failed");
}

#[test]
fn a_suspended_workflow_begins_nothing_until_it_is_resumed() {
    let mut bench = Bench::new(&mixed("suspend: true"));
    assert!(bench.status().nodes.is_empty());
    assert_eq!(bench.shown()["spec"]["suspend"], true);
    bench.ask(Command::Resume { selector: None });
    assert_eq!(bench.shown()["spec"]["suspend"], serde_json::Value::Null);
    assert_eq!(bench.pods.len(), 2);
    bench.ask(Command::Suspend);
    bench.exits("wf[0].leaf", 1);
    assert_eq!(
        bench.phase("wf[0].leaf").0,
        "Failed",
        "what is seen is taken in"
    );
    bench.exits("wf[0].again(0)", 1);
    assert_eq!(bench.pods.len(), 0, "no further attempt");
    bench.ask(Command::Resume { selector: None });
    assert_eq!(bench.pods.len(), 1);
}

#[test]
fn a_pending_pod_may_wait_only_so_long() {
    for (field, running, expected) in [
        ("pendingTimeout: 10s", false, failed("timeout")),
        (
            "pendingTimeout: 10s",
            true,
            ("Running".to_owned(), String::new()),
        ),
        ("timeout: 10s", false, failed("timeout")),
        ("timeout: 10s", true, ("Running".to_owned(), String::new())),
    ] {
        let mut bench = Bench::new(&format!(
            "
spec:
  entrypoint: main
  templates:
  - name: main
    {field}
    container: {{image: busybox}}
"
        ));
        match running {
            true => bench.runs("wf"),
            false => bench.see("wf", pod(PodPhase::Pending, Vec::new())),
        }
        bench.advance(11);
        assert_eq!(bench.phase("wf"), expected, "{field} {running}");
    }
}

#[test]
fn a_workflow_that_is_stopped_from_the_beginning_fails() {
    for strategy in ["Stop", "Terminate"] {
        let bench = Bench::new(&mixed(&format!("shutdown: {strategy}")));
        assert_eq!(
            bench.end(),
            failed(&format!("Stopped with strategy '{strategy}'"))
        );
        assert!(bench.pods.is_empty());
        for node in bench.status().nodes.values() {
            assert_eq!(
                node.phase.map(|phase| phase.to_string()).as_deref(),
                Some("Failed"),
                "{}",
                node.name
            );
        }
    }
}
