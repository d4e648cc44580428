//! What `why` says of each state in which a node can wait: one plain line that names the cause, and
//! who uses up what is waited for.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

/// A workflow of this name.
fn submit(name: &str, spec: &str) -> Value {
    json!({"op": "submit", "yaml": format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n{spec}"
    )})
}

fn settle() -> Value {
    json!({"op": "settle"})
}

fn running(node: &str) -> Value {
    json!({"op": "pod", "name": node, "phase": "Running"})
}

fn ended(node: &str, code: i32) -> Value {
    json!({"op": "pod", "name": node, "exitCode": code})
}

const ONE: &str = "  - {name: one, container: {image: a}}\n";

/// A loop of eight items, with more fields of the workflow, of the loop's template and of the items'.
fn looping(of_workflow: &str, of_main: &str, of_one: &str) -> String {
    format!(
        "  entrypoint: main
{of_workflow}  templates:
  - name: main
{of_main}    steps:
    - - {{name: a, template: one, withItems: [1, 2, 3, 4, 5, 6, 7, 8]}}
    - - {{name: z, template: one}}
  - name: one
{of_one}    container: {{image: a}}
"
    )
}

/// Tasks A, B and C, and D behind A and B.
fn graph(of_workflow: &str, of_main: &str) -> String {
    format!(
        "  entrypoint: main
{of_workflow}  templates:
  - name: main
{of_main}    dag:
      tasks:
      - {{name: A, template: one}}
      - {{name: B, template: one}}
      - {{name: C, template: one}}
      - {{name: D, template: one, depends: A && B}}
{ONE}"
    )
}

/// A workflow of one template.
fn single(template: &str) -> String {
    format!("  entrypoint: main\n  templates:\n  - name: main\n{template}")
}

/// Plays requests and asks `why`: of nodes, `NODE: what it waits for`, of the workflow what holds it
/// up.
fn check(requests: &[Value], asked: &[(&str, &str, &[&str])]) {
    let mut session = Session::default();
    let mut ask = |request: &Value| -> Value {
        let answer = session.answer(&request.to_string());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    };
    for request in requests {
        ask(request);
    }
    for (workflow, node, expected) in asked {
        let mut request = json!({"op": "why", "workflow": workflow});
        if !node.is_empty() {
            request["node"] = json!(node);
        }
        let answer = ask(&request);
        let lines: Vec<String> = answer["why"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|why| {
                let text = |key: &str| why[key].as_str().unwrap_or_default().to_owned();
                let name = [text("node"), text("workflow")].concat();
                let waits = match text("waitsFor") {
                    waits if waits.is_empty() => text("phase"),
                    waits => waits,
                };
                match text("alike") {
                    alike if alike.is_empty() => format!("{name}: {waits}"),
                    alike => format!("{name} (and {alike}): {waits}"),
                }
            })
            .collect();
        assert_eq!(lines, *expected, "{workflow} {node}");
    }
}

#[test]
fn places_under_parallelism() {
    let of_workflow = "the workflow's parallelism 2 is used up by a(0:1) and a(1:2)";
    check(
        &[
            submit("wf", &looping("  parallelism: 2\n", "", "")),
            settle(),
        ],
        &[
            (
                "wf",
                "",
                &[
                    &format!("wf[0]: waits for a slot: {of_workflow}"),
                    "wf[0].a(0:1) (and a(1:2)): waits for its pod to begin",
                ],
            ),
            (
                "wf",
                "wf",
                &[&format!("wf: waits for a slot: {of_workflow}")],
            ),
            (
                "wf",
                "a(5:6)",
                &[&format!(
                    "a(5:6): not begun: waits for a slot: {of_workflow}"
                )],
            ),
            (
                "wf",
                "wf[0].a",
                &[&format!(
                    "wf[0].a: a loop of 8 items, of which 6 have not begun: waits for a slot: {of_workflow}"
                )],
            ),
            ("wf", "z", &["z: not begun: waits for a(0:1) and a(1:2)"]),
        ],
    );
    let of_template = "waits for a slot: parallelism 2 is used up by a(0:1) and a(1:2)";
    check(
        &[
            submit("wf", &looping("", "    parallelism: 2\n", "")),
            settle(),
        ],
        &[
            ("wf", "[0]", &[&format!("wf[0]: {of_template}")]),
            (
                "wf",
                "a(5:6)",
                &[&format!("a(5:6): not begun: {of_template}")],
            ),
        ],
    );
    check(
        &[submit("wf", &graph("", "    parallelism: 2\n")), settle()],
        &[
            (
                "wf",
                "C",
                &["C: not begun: waits for a slot: parallelism 2 is used up by A and B"],
            ),
            ("wf", "D", &["D: not begun: waits for A and B"]),
        ],
    );
    let postponed =
        "Workflow processing has been postponed because too many workflows are already running";
    for limit in ["parallelism", "namespaceParallelism"] {
        check(
            &[
                json!({"op": "config", "set": {limit: "1"}}),
                submit("wf", &graph("", "")),
                submit("second", &graph("", "")),
                settle(),
            ],
            &[
                ("second", "", &[&format!("second: {postponed}")]),
                ("second", "A", &[&format!("A: not begun: {postponed}")]),
            ],
        );
    }
}

#[test]
fn what_a_node_depends_on() {
    check(
        &[
            submit("wf", &graph("", "")),
            settle(),
            ended("A", 0),
            settle(),
        ],
        &[
            ("wf", "D", &["D: not begun: waits for B"]),
            ("wf", "wf", &["wf: waits for B and C"]),
        ],
    );
    check(
        &[
            submit("wf", &graph("", "    failFast: true\n")),
            settle(),
            ended("A", 1),
            settle(),
        ],
        &[
            (
                "wf",
                "",
                &["wf.A: Failed", "wf.B (and C): waits for its pod to begin"],
            ),
            ("wf", "D", &["D: not begun: waits for B"]),
            (
                "wf",
                "wf",
                &[
                    "wf: makes nothing new, since a child failed and failFast is set; waits for B and C",
                ],
            ),
        ],
    );
    let hooks = format!(
        "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {{name: A, template: one, hooks: {{exit: {{template: one}}}}}}
      - {{name: B, template: one, depends: A}}
{ONE}"
    );
    check(
        &[submit("wf", &hooks), settle(), ended("A", 0), settle()],
        &[
            (
                "wf",
                "A.onExit",
                &["wf.A.onExit: waits for its pod to begin"],
            ),
            ("wf", "B", &["B: not begun: waits for A.onExit"]),
            ("wf", "wf", &["wf: waits for A.onExit"]),
        ],
    );
    let daemon = format!(
        "  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {{name: d, template: d}}
      - {{name: x, template: one, depends: d}}
  - {{name: d, daemon: true, container: {{image: a}}}}
{ONE}"
    );
    let up = [submit("wf", &daemon), settle()];
    check(&up, &[("wf", "x", &["x: not begun: waits for d"])]);
    check(
        &[&up[..], &[running("d"), settle()]].concat(),
        &[
            ("wf", "d", &["wf.d: runs as a daemon until wf ends"]),
            ("wf", "x", &["wf.x: waits for its pod to begin"]),
            ("wf", "wf", &["wf: waits for x"]),
        ],
    );
}

#[test]
fn locks_and_who_holds_them() {
    let mutex = "{mutexes: [{name: m}]}";
    let of_workflow = format!("  synchronization: {mutex}\n");
    check(
        &[
            submit("wf", &graph(&of_workflow, "")),
            submit("second", &graph(&of_workflow, "")),
            settle(),
        ],
        &[
            (
                "second",
                "",
                &["second: the workflow waits for the lock default/Mutex/m, held by wf"],
            ),
            (
                "second",
                "A",
                &["A: not begun: the workflow waits for the lock default/Mutex/m, held by wf"],
            ),
        ],
    );
    let of_one = format!("    synchronization: {mutex}\n");
    check(
        &[
            submit("wf", &looping("", "", &of_one)),
            submit(
                "second",
                &single(&format!("{of_one}    container: {{image: a}}\n")),
            ),
            settle(),
        ],
        &[
            (
                "wf",
                "a(1:2)",
                &["wf[0].a(1:2): waits for the lock default/Mutex/m, held by a(0:1)"],
            ),
            (
                "wf",
                "",
                &[
                    "wf[0].a(0:1): waits for its pod to begin",
                    "wf[0].a(1:2) (and a(2:3), a(3:4), a(4:5), a(5:6), a(6:7) and 1 more): waits for the lock default/Mutex/m, held by a(0:1)",
                ],
            ),
            (
                "second",
                "second",
                &["second: waits for the lock default/Mutex/m, held by wf/wf-2239696689"],
            ),
        ],
    );
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {k: '2'}\n";
    let semaphore = "    synchronization: {semaphores: [{configMapKeyRef: {name: cm, key: k}}]}\n";
    check(
        &[
            json!({"op": "apply", "yaml": map}),
            submit("wf", &looping("", "", semaphore)),
            settle(),
        ],
        &[(
            "wf",
            "a(2:3)",
            &["wf[0].a(2:3): waits for the lock default/ConfigMap/cm/k, held by a(0:1) and a(1:2)"],
        )],
    );
}

#[test]
fn time() {
    let retried = single(
        "    retryStrategy: {limit: 3, backoff: {duration: 60}}\n    container: {image: a}\n",
    );
    let failed = [
        submit("wf", &retried),
        settle(),
        ended("wf(0)", 1),
        settle(),
    ];
    check(
        &failed,
        &[
            (
                "wf",
                "",
                &["wf: attempt 2 waits until 2026-01-01T00:01:00Z (backoff)"],
            ),
            ("wf", "wf(0)", &["wf(0): Failed"]),
        ],
    );
    check(
        &[
            &failed[..],
            &[json!({"op": "advance", "seconds": 61}), settle()],
        ]
        .concat(),
        &[("wf", "", &["wf: attempt 2: waits for its pod to begin"])],
    );
    check(
        &[
            submit("wf", &single("    suspend: {duration: 1h}\n")),
            settle(),
        ],
        &[("wf", "", &["wf: suspended until 2026-01-01T01:00:00Z"])],
    );
    check(
        &[
            submit("wf", &graph("  activeDeadlineSeconds: 10\n", "")),
            settle(),
            running("A"),
            settle(),
        ],
        &[(
            "wf",
            "A",
            &[
                "wf.A: its pod runs; the workflow's activeDeadlineSeconds ends it at 2026-01-01T00:00:10Z",
            ],
        )],
    );
    check(
        &[
            submit(
                "wf",
                &single("    timeout: 10s\n    container: {image: a}\n"),
            ),
            settle(),
        ],
        &[(
            "wf",
            "wf",
            &["wf: waits for its pod to begin; its timeout ends it at 2026-01-01T00:00:10Z"],
        )],
    );
}

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
