//! Metrics: kept, printed, and served where that is asked for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use crate::place::{Place, Running};

fn workflow(name: &str, command: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:
  entrypoint: main
  templates:
  - name: main
    metrics:
      prometheus:
      - name: ends
        help: how often it ended
        labels: [{{key: status, value: '{{{{status}}}}'}}, {{key: run, value: {name}}}]
        counter: {{value: '1'}}
      - name: spread
        help: some values
        histogram: {{value: '3', buckets: [1, 5]}}
    container: {{image: busybox, command: [sh, -c, '{command}']}}
"
    )
}

const SEEN: &str = "# HELP argo_workflows_ends how often it ended
# TYPE argo_workflows_ends counter
argo_workflows_ends{run=\"one\",status=\"Succeeded\"} 1
argo_workflows_ends{run=\"two\",status=\"Failed\"} 1
# HELP argo_workflows_gauge number of Workflows currently in the cluster in each phase
# TYPE argo_workflows_gauge gauge
argo_workflows_gauge{phase=\"Failed\"} 1
argo_workflows_gauge{phase=\"Succeeded\"} 1
# HELP argo_workflows_spread some values
# TYPE argo_workflows_spread histogram
argo_workflows_spread_bucket{le=\"1\"} 0
argo_workflows_spread_bucket{le=\"5\"} 2
argo_workflows_spread_bucket{le=\"+Inf\"} 2
argo_workflows_spread_sum 6
argo_workflows_spread_count 2
";

#[test]
fn what_workflows_tell_is_kept_and_printed() {
    let place = Place::new();
    for (name, command) in [("one", "true"), ("two", "exit 1")] {
        place.run(place.write(&format!("{name}.yaml"), &workflow(name, command)));
    }
    assert_eq!(place.says(&["metrics"]), SEEN);
    let config = "apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap}
data:
  metricsConfig: |
    modifiers: {ends: {disabledAttributes: [run, status]}, spread: {disabled: true}}
";
    place.apply(config);
    let said = place.says(&["metrics"]);
    assert!(said.contains("\nargo_workflows_ends 2\n"), "{said}");
    assert!(!said.contains("spread"), "{said}");
}

fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the endpoint listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn they_are_served_while_workflows_run() {
    let place = Place::new();
    place.write(
        "w.yaml",
        &workflow("w", "while [ ! -e go ]; do sleep 0.05; done"),
    );
    let mut command = place.command(&["run", "--host", "--metrics-address=127.0.0.1:0", "w.yaml"]);
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut running = Running(command.spawn().expect("argosy starts"));
    let stderr = running.0.stderr.take().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).expect("a line");
    let address = line
        .trim()
        .strip_prefix("metrics are served at http://")
        .and_then(|rest| rest.strip_suffix("/metrics"))
        .unwrap_or_else(|| panic!("{line}"));
    // They are served before there is a workflow.
    place.wait_until("it runs", || {
        place.argosy(&["get", "w"]).status.success() && place.phase("w") == "Running"
    });
    let answer = ask(address, "/metrics");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain"),
        "{answer}"
    );
    assert!(
        answer.contains("\nargo_workflows_gauge{phase=\"Running\"} 1\n"),
        "{answer}"
    );
    assert!(ask(address, "/").starts_with("HTTP/1.1 404"));
    place.write("go", "");
    assert!(running.ends_well());
    for (address, part) in [
        ("a:b:c", "takes HOST:PORT"),
        ("1.1.1.1:1", "cannot serve metrics at 1.1.1.1:1"),
    ] {
        let flag = format!("--metrics-address={address}");
        let said = place.fails(&["run", "--host", &flag, "w.yaml"]);
        assert!(said.contains(part), "{said}");
    }
}
