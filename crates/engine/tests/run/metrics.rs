//! The metrics that workflows define: which observations are told, and when.

use argosy_engine::fact::Fact;
use argosy_engine::metrics::{Operation, Reading};

use crate::Bench;

/// What has been told so far: name, labels, reading.
fn told(bench: &Bench) -> Vec<(String, String, Reading)> {
    let metrics = bench.observations.iter();
    metrics
        .map(|told| {
            let labels: Vec<String> = told
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            (told.name.clone(), labels.join(","), told.reading.clone())
        })
        .collect()
}

fn leaf(metric: &str, more: &str) -> String {
    format!(
        "
spec:
  entrypoint: main
  templates:
  - name: main
    inputs: {{parameters: [{{name: who, value: me}}]}}
    container: {{image: busybox}}
    metrics: {{prometheus: [{metric}]}}
    {more}
"
    )
}

#[test]
fn a_node_tells_its_metrics_when_it_is_over() {
    let set = |value| Reading::Gauge(Operation::Set, value);
    let cases = [
        ("counter: {value: '1'}", Some(Reading::Counter(1.0))),
        ("gauge: {value: '{{duration}}'}", Some(set(7.0))),
        (
            "gauge: {value: '2', operation: Add}",
            Some(Reading::Gauge(Operation::Add, 2.0)),
        ),
        (
            "gauge: {value: '2', operation: Sub}",
            Some(Reading::Gauge(Operation::Sub, 2.0)),
        ),
        ("gauge: {value: '{{exitCode}}'}", Some(set(3.0))),
        (
            "gauge: {value: '{{resourcesDuration.memory}}'}",
            Some(set(7.0)),
        ),
        (
            "histogram: {value: '5', buckets: [2.5, 10]}",
            Some(Reading::Histogram {
                buckets: vec![2.5, 10.0],
                value: 5.0,
            }),
        ),
        (
            "when: '{{status}} == Failed', counter: {value: '1'}",
            Some(Reading::Counter(1.0)),
        ),
        (
            "when: '{{status}} == Succeeded', counter: {value: '1'}",
            None,
        ),
    ];
    for (metric, expected) in cases {
        let metric = format!(
            "{{name: m, help: h, labels: [{{key: who, value: '{{{{inputs.parameters.who}}}}'}}], {metric}}}"
        );
        let mut bench = Bench::new(&leaf(&metric, ""));
        bench.runs("wf");
        let began = bench.now;
        bench.advance(7);
        assert_eq!(told(&bench), [], "{metric}");
        let main = crate::ended("main", 3, began, bench.now);
        bench.see(
            "wf",
            crate::pod(argosy_engine::fact::PodPhase::Failed, vec![main]),
        );
        let expected: Vec<_> = expected
            .map(|reading| ("m".to_owned(), "who=me".to_owned(), reading))
            .into_iter()
            .collect();
        assert_eq!(told(&bench), expected, "{metric}");
    }
}

#[test]
fn what_shows_the_time_is_told_at_the_beginning_and_the_end() {
    let metric = "{name: m, help: h, gauge: {realtime: true, value: '{{duration}}'}}";
    let mut bench = Bench::new(&leaf(metric, ""));
    let began = bench.now;
    let own = |reading| ("m".to_owned(), String::new(), reading);
    assert_eq!(told(&bench), [own(Reading::Since(began))]);
    bench.advance(4);
    bench.exits("wf", 0);
    assert_eq!(
        told(&bench)[1..],
        [own(Reading::Gauge(Operation::Set, 4.0))]
    );
}

#[test]
fn the_workflow_tells_its_metrics_too() {
    let mut bench = Bench::new(
        "
metadata: {labels: {team: a}}
spec:
  entrypoint: main
  metrics:
    prometheus:
    - name: took
      help: h
      labels: [{key: team, value: '{{workflow.labels.team}}'}]
      gauge: {realtime: true, value: '{{ workflow.duration }}'}
    - name: ended
      help: h
      labels: [{key: status, value: '{{workflow.status}}'}]
      counter: {value: '1'}
  templates:
  - name: main
    container: {image: busybox}
",
    );
    let began = bench.now;
    let one = |name: &str, labels: &str, reading| (name.to_owned(), labels.to_owned(), reading);
    assert_eq!(told(&bench), [one("took", "team=a", Reading::Since(began))]);
    bench.advance(9);
    bench.exits("wf", 1);
    assert_eq!(
        told(&bench)[1..],
        [
            one("took", "team=a", Reading::Gauge(Operation::Set, 9.0)),
            one("ended", "status=Failed", Reading::Counter(1.0)),
        ]
    );
}

#[test]
fn attempts_that_others_follow_are_told_and_the_last_is_the_nodes_own() {
    let metric =
        "{name: m, help: h, labels: [{key: s, value: '{{status}}'}], counter: {value: '1'}}";
    let mut bench = Bench::new(&leaf(metric, "retryStrategy: {limit: 1}"));
    let one = |status: &str| ("m".to_owned(), format!("s={status}"), Reading::Counter(1.0));
    bench.exits("wf(0)", 1);
    assert_eq!(told(&bench), [one("Failed")]);
    bench.exits("wf(1)", 0);
    assert_eq!(told(&bench), [one("Failed"), one("Succeeded")]);
}

#[test]
fn faults_become_a_condition() {
    let cases = [
        (
            "{name: m, counter: {value: '1'}}",
            "metric 'm' must contain a help string under 'help: ' field",
        ),
        (
            "{name: m, help: h, gauge: {realtime: true, value: '1'}}",
            "real time metrics can only be used with metric variables",
        ),
        (
            "{name: m, help: h, gauge: {realtime: true, value: '{{status}}'}}",
            "'status' is not available as a real time metric",
        ),
        (
            "{name: m, help: h, counter: {value: x}}",
            "could not construct metric 'm': strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
        (
            "{name: 'm-n', help: h, counter: {value: '1'}}",
            "could not construct metric 'm-n': metric name is invalid: names may only contain alphanumeric characters or '_'",
        ),
        (
            "{name: m, help: h, labels: [{key: a, value: '{{nothing}}'}], counter: {value: '1'}}",
            "unable to substitute parameters for metric 'm': failed to resolve {{nothing}}",
        ),
    ];
    for (metric, expected) in cases {
        let mut bench = Bench::new(&leaf(metric, ""));
        bench.exits("wf", 0);
        assert_eq!(told(&bench), [], "{metric}");
        let conditions = bench.status().conditions;
        let fault = conditions
            .iter()
            .find(|condition| condition.r#type == "MetricsError");
        let message = fault.map(|fault| fault.message.clone()).unwrap_or_default();
        let message = message.split(", ").next().unwrap_or_default();
        assert_eq!(message, expected);
    }
    let mut bench = Bench::new(&leaf("{name: m, help: h, counter: {value: '1'}}", ""));
    bench.tell(Fact::MetricRefused("it is another".into()));
    bench.tell(Fact::MetricRefused("and again".into()));
    let conditions = bench.status().conditions;
    assert!(
        conditions
            .iter()
            .any(|c| c.message == "it is another, and again")
    );
}

#[test]
fn groups_skipped_and_omitted_nodes_tell_nothing() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: a, template: leaf, when: 'false'}
      - {name: b, template: leaf, withItems: [1, 2]}
  - name: leaf
    container: {image: busybox}
    metrics: {prometheus: [{name: m, help: h, counter: {value: '1'}}]}
",
    );
    bench.exits("wf.b(0:1)", 0);
    bench.exits("wf.b(1:2)", 0);
    assert_eq!(bench.end().0, "Succeeded");
    assert_eq!(told(&bench).len(), 2);
}
