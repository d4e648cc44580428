//! Nodes that wait for a place or a lock.

use serde_json::json;

use crate::{check, graph, looping, settle, single, submit};

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
