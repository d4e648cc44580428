//! `containerSet` templates on this machine.

use serde_json::Value;

use crate::place::{Place, node};

/// Runs a set, of which `$D` is a folder of the test's.
fn run(place: &Place, set: &str, rest: &str) -> Value {
    let set = set.replace("$D", &place.dir.path().to_string_lossy());
    let spec = format!(
        "  entrypoint: main
  templates:
  - name: main
    containerSet:
{set}{rest}
"
    );
    place.run_spec("wf", &spec)
}

fn told(node: &Value) -> (&str, &str) {
    let text = |field: &str| node[field].as_str().unwrap_or_default();
    (text("phase"), text("message"))
}

#[test]
fn containers_begin_when_those_before_them_have_done_well() {
    let place = Place::new();
    let ended = run(
        &place,
        "
      volumeMounts: [{name: shared, mountPath: /tmp/shared}]
      containers:
      - {name: main, image: none, command: [sh, -c], args: ['cat /tmp/shared/order; echo m >> $D/order; echo value > /tmp/shared/value'], dependencies: [b, c]}
      - {name: c, image: none, command: [sh, -c], args: ['echo c >> /tmp/shared/order; echo x >> $D/order'], dependencies: [a]}
      - {name: b, image: none, command: [sh, -c], args: ['echo x >> $D/order'], dependencies: [a]}
      - {name: a, image: none, command: [sh, -c], args: ['echo a >> /tmp/shared/order; echo a >> $D/order']}
",
        "
    volumes: [{name: shared, emptyDir: {}}]
    outputs: {parameters: [{name: value, valueFrom: {path: /tmp/shared/value}}]}
",
    );
    assert_eq!(told(node(&ended, "wf")), ("Succeeded", ""), "{ended}");
    assert_eq!(place.read("order"), "a\nx\nx\nm\n");
    assert_eq!(
        node(&ended, "wf")["outputs"]["parameters"][0]["value"],
        "value"
    );
    for name in ["a", "b", "c", "main"] {
        assert_eq!(told(node(&ended, name)), ("Succeeded", ""), "{name}");
    }
}

#[test]
fn a_container_that_fails_fails_those_behind_it_and_no_others() {
    let place = Place::new();
    let ended = run(
        &place,
        "
      containers:
      - {name: a, image: none, command: [sh, -c], args: ['exit 3']}
      - {name: b, image: none, command: [sh, -c], args: ['echo b >> $D/ran'], dependencies: [a]}
      - {name: main, image: none, command: [sh, -c], args: ['echo main >> $D/ran'], dependencies: [b]}
      - {name: other, image: none, command: [sh, -c], args: ['sleep 0.3; echo other >> $D/ran']}
",
        "",
    );
    let behind = |dependency: &str, name: &str| {
        format!(
            "{name}: Error (exit code 64): dependency \"{dependency}\" exited with non-zero code: 3"
        )
    };
    assert_eq!(place.read("ran"), "other\n");
    assert_eq!(
        told(node(&ended, "wf")),
        ("Failed", "a: Error (exit code 3)"),
        "{ended}"
    );
    assert_eq!(
        told(node(&ended, "a")),
        ("Failed", "a: Error (exit code 3): ")
    );
    // An executor that could not do its part makes an error.
    assert_eq!(
        told(node(&ended, "b")),
        ("Error", behind("a", "b").as_str())
    );
    assert_eq!(
        told(node(&ended, "main")),
        ("Error", behind("b", "main").as_str())
    );
    assert_eq!(told(node(&ended, "other")), ("Succeeded", ""));
}

#[test]
fn a_container_is_tried_as_often_as_the_set_says() {
    for (retries, exits, phase, tries) in [
        (
            "retryStrategy: {retries: 3, duration: 50ms}",
            "3",
            "Succeeded",
            3,
        ),
        ("retryStrategy: {retries: '2'}", "3", "Failed", 2),
        ("retryStrategy: {retries: 0}", "1", "Succeeded", 0),
        ("retryStrategy: {retries: 3}", "1", "Succeeded", 1),
        ("", "2", "Failed", 1),
    ] {
        let place = Place::new();
        let set = format!(
            "
      {retries}
      containers:
      - {{name: main, image: none, command: [sh, -c], args: ['echo x >> $D/tries; test $(wc -l < $D/tries) -ge {exits}']}}
      - {{name: after, image: none, command: [sh, -c], args: ['echo x >> $D/after'], dependencies: [main]}}
"
        );
        let ended = run(&place, &set, "");
        assert_eq!(told(node(&ended, "wf")).0, phase, "{retries}: {ended}");
        assert_eq!(place.lines("tries").len(), tries, "{retries}");
        let goes_on = usize::from(phase == "Succeeded" && tries > 0);
        assert_eq!(place.lines("after").len(), goes_on, "{retries}");
    }
}

#[test]
fn results_and_exit_codes_are_those_of_main() {
    let place = Place::new();
    let ended = place.run_spec(
        "wf",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: set, template: set}
    - - {name: use, template: use, arguments: {parameters: [{name: x, value: '{{steps.set.outputs.result}}'}]}}
  - name: set
    containerSet:
      containers:
      - {name: side, image: none, command: [echo, side]}
      - {name: main, image: none, command: [echo, result]}
  - name: use
    inputs: {parameters: [{name: x}]}
    container: {image: none, command: [test, '{{inputs.parameters.x}}', '=', result]}
",
    );
    assert_eq!(told(node(&ended, "use")), ("Succeeded", ""), "{ended}");
    assert_eq!(node(&ended, "set")["outputs"]["result"], "result");
    assert_eq!(node(&ended, "set")["outputs"]["exitCode"], "0");
}
