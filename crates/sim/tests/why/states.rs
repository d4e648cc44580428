//! Nodes that wait for somebody, for a pod, or for nothing, and what led to one.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

use crate::{ONE, check, ended, graph, running, settle, single, submit};

#[test]
fn what_somebody_has_to_do_or_has_done() {
    check(
        &[submit("wf", &single("    suspend: {}\n")), settle()],
        &[(
            "wf",
            "",
            &["wf: suspended; `argosy resume wf` lets it go on"],
        )],
    );
    check(
        &[
            submit(
                "wf",
                &single(
                    "    suspend: {}\n    outputs: {parameters: [{name: x, valueFrom: {supplied: {}}}]}\n",
                ),
            ),
            settle(),
        ],
        &[(
            "wf",
            "",
            &[
                "wf: suspended until somebody gives it x: `argosy node set wf --node-field-selector displayName=wf --output-parameter NAME=VALUE`, then `argosy resume wf`",
            ],
        )],
    );
    let suspended = "the workflow is suspended; `argosy resume wf` lets it go on";
    check(
        &[submit("wf", &graph("  suspend: true\n", "")), settle()],
        &[
            ("wf", "", &[&format!("wf: {suspended}")]),
            ("wf", "A", &[&format!("A: not begun: {suspended}")]),
        ],
    );
    check(
        &[
            submit("wf", &graph("", "")),
            settle(),
            running("A"),
            settle(),
            json!({"op": "act", "verb": "suspend", "workflow": "wf"}),
            settle(),
        ],
        &[
            (
                "wf",
                "A",
                &["wf.A: its pod runs; the workflow is suspended, so nothing begins after it"],
            ),
            ("wf", "D", &["D: not begun: waits for A and B"]),
        ],
    );
    let handled = format!("{}  onExit: one\n", graph("", ""));
    check(
        &[
            submit("wf", &handled),
            settle(),
            running("A"),
            settle(),
            json!({"op": "act", "verb": "stop", "workflow": "wf"}),
            settle(),
        ],
        &[(
            "wf",
            "",
            &[
                "wf: the workflow is being stopped: exit handlers run, and nothing else begins",
                "wf.A (and B and C): Failed",
                "wf.onExit: waits for its pod to begin",
            ],
        )],
    );
}

#[test]
fn pods_and_what_is_in_them() {
    let waiting = json!({"op": "pod", "name": "wf", "phase": "Pending", "status": {
        "containerStatuses": [{"name": "main", "state": {"waiting":
            {"reason": "ImagePullBackOff", "message": "no such image"}}}],
    }});
    check(
        &[
            submit("wf", &single("    container: {image: a}\n")),
            settle(),
            waiting,
            settle(),
        ],
        &[(
            "wf",
            "",
            &["wf: its pod waits: ImagePullBackOff: no such image"],
        )],
    );
    let set = single(
        "    containerSet:\n      containers:\n      - {name: a, image: a}\n      - {name: main, image: a, dependencies: [a]}\n",
    );
    let pending = [submit("wf", &set), settle()];
    check(
        &pending,
        &[("wf", "main", &["wf.main: waits for the pod of wf to begin"])],
    );
    let one_runs = json!({"op": "pod", "name": "wf", "phase": "Running", "status": {
        "containerStatuses": [
            {"name": "a", "state": {"running": {}}},
            {"name": "main", "state": {"waiting": {}}},
        ],
    }});
    check(
        &[&pending[..], &[one_runs, settle()]].concat(),
        &[
            ("wf", "a", &["wf.a: its container runs"]),
            ("wf", "main", &["wf.main: waits for the containers a"]),
            ("wf", "", &["wf: its pod runs"]),
        ],
    );
    check(
        &[
            submit("wf", &single("    http: {url: 'http://a/'}\n")),
            settle(),
        ],
        &[("wf", "", &["wf: an agent carries it out"])],
    );
    let printed = single(
        "    outputs: {parameters: [{name: x, valueFrom: {path: /tmp/x}}]}\n    container: {image: a}\n",
    );
    let unfinished =
        json!({"op": "pod", "name": "wf", "phase": "Succeeded", "outputs": {"complete": false}});
    check(
        &[submit("wf", &printed), settle(), unfinished, settle()],
        &[(
            "wf",
            "",
            &["wf: its pod has succeeded; its outputs are being collected"],
        )],
    );
}

#[test]
fn what_led_to_a_node() {
    let mut session = Session::default();
    let mut ask = |request: Value| -> Value {
        let answer = session.answer(&request.to_string());
        serde_json::from_str(&answer).expect("JSON")
    };
    let spec = format!(
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {{name: a, template: one, when: '1 == 2'}}
    - - {{name: b, template: one, withParam: '[]'}}
    - - {{name: c, template: one}}
    - - {{name: d, template: one}}
{ONE}"
    );
    for request in [submit("wf", &spec), settle(), ended("c", 3), settle()] {
        ask(request);
    }
    for (node, expected) in [
        (
            "a",
            &["wf started", "skipped: when '1 == 2' evaluated false"][..],
        ),
        (
            "b",
            &["wf started", "group [0] succeeded", "Skipped, empty params"],
        ),
        (
            "c",
            &[
                "wf started",
                "group [1] succeeded",
                "started",
                "failed: main: Error (exit code 3)",
            ],
        ),
    ] {
        let answer = ask(json!({"op": "why", "workflow": "wf", "node": node}));
        let chain = answer["why"][0]["chain"].as_array().expect("a list");
        let texts: Vec<&str> = chain
            .iter()
            .filter_map(|step| step["text"].as_str())
            .collect();
        assert_eq!(texts, expected, "{node}");
    }
    let answer = ask(json!({"op": "why", "workflow": "wf", "node": "d"}));
    assert_eq!(
        answer["why"][0]["waitsFor"],
        "not begun: wf ended before, failed: child 'wf-2229110751' failed"
    );
}
