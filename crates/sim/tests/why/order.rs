//! Nodes that wait for others, or for a time.

use serde_json::json;

use crate::{ONE, check, ended, graph, running, settle, single, submit};

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
