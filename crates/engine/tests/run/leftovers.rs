//! What is deleted, and when.

use argosy_api::WorkflowPhase;
use argosy_engine::collection::{beyond_retention, selects};
use argosy_engine::config::RetentionPolicy;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{Fact, ResultSeen};
use argosy_engine::ids::Seconds;

use crate::{Bench, read};

fn two_steps(spec: &str) -> String {
    format!(
        "
spec:
  entrypoint: main
  {spec}
  templates:
  - name: main
    steps: [[{{name: a, template: leaf}}], [{{name: b, template: leaf}}]]
  - name: leaf
    metadata: {{labels: {{of: '{{{{workflow.name}}}}'}}}}
    container: {{image: busybox}}
"
    )
}

/// The pods that are deleted so far, and how long after `since`.
fn deleted(bench: &Bench, since: argosy_engine::ids::Seconds) -> Vec<i64> {
    let deletions = bench.effects.iter().filter_map(|effect| match effect {
        Effect::DeletePod { at, .. } => Some(at.since(since)),
        _ => None,
    });
    deletions.collect()
}

#[test]
fn pods_go_when_asked() {
    for (collection, after_good, after_bad, at_end) in [
        ("", 0, 0, 0),
        ("podGC: {}", 0, 0, 0),
        ("podGC: {strategy: OnPodCompletion}", 1, 2, 2),
        ("podGC: {strategy: OnPodSuccess}", 1, 1, 1),
        ("podGC: {strategy: OnWorkflowCompletion}", 0, 2, 2),
        ("podGC: {strategy: OnWorkflowSuccess}", 0, 0, 0),
        (
            "podGC: {strategy: OnPodCompletion, labelSelector: {matchLabels: {of: wf}}}",
            1,
            2,
            2,
        ),
        (
            "podGC: {strategy: OnPodCompletion, labelSelector: {matchLabels: {of: other}}}",
            0,
            0,
            0,
        ),
    ] {
        let mut bench = Bench::new(&two_steps(collection));
        bench.exits("wf[0].a", 0);
        assert_eq!(deleted(&bench, bench.now).len(), after_good, "{collection}");
        bench.exits("wf[1].b", 1);
        assert_eq!(deleted(&bench, bench.now).len(), after_bad, "{collection}");
        assert_eq!(deleted(&bench, bench.now), vec![5; at_end], "{collection}");
    }
    let mut bench = Bench::new(&two_steps(
        "podGC: {strategy: OnWorkflowSuccess, deleteDelayDuration: 1m}",
    ));
    bench.exits("wf[0].a", 0);
    bench.exits("wf[1].b", 0);
    assert_eq!(deleted(&bench, bench.now), [60, 60]);
}

#[test]
fn a_workflow_goes_when_its_time_is_up() {
    for (strategy, code, expected) in [
        ("{}", 0, None),
        ("{secondsAfterCompletion: 10}", 0, Some(10)),
        (
            "{secondsAfterCompletion: 10, secondsAfterSuccess: 5}",
            0,
            Some(5),
        ),
        (
            "{secondsAfterCompletion: 10, secondsAfterSuccess: 5}",
            1,
            Some(10),
        ),
        (
            "{secondsAfterFailure: 7, secondsAfterSuccess: 5}",
            1,
            Some(7),
        ),
        ("{secondsAfterSuccess: 5}", 1, None),
    ] {
        let mut bench = Bench::new(&two_steps(&format!("ttlStrategy: {strategy}")));
        bench.advance(100);
        bench.exits("wf[0].a", 0);
        bench.exits("wf[1].b", code);
        let at = bench.summary.delete_at.map(|at| at.since(bench.now));
        assert_eq!(at, expected, "{strategy} {code}");
    }
}

#[test]
fn artifacts_go_by_their_strategy_and_their_rights() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  artifactGC: {strategy: OnWorkflowCompletion, serviceAccountName: sweeper, podMetadata: {labels: {a: b}}}
  templates:
  - name: main
    container: {image: busybox}
    outputs:
      artifacts:
      - {name: plain, path: /a}
      - {name: kept, path: /b, artifactGC: {strategy: Never}}
      - {name: later, path: /c, artifactGC: {strategy: OnWorkflowDeletion}}
      - {name: other, path: /d, artifactGC: {serviceAccountName: special}}
",
    );
    let finalizers = bench.shown()["metadata"]["finalizers"].clone();
    assert_eq!(finalizers[0], "workflows.argoproj.io/artifact-gc");
    let artifacts = ["plain", "kept", "later", "other"]
        .map(|name| read(&format!("{{name: {name}, s3: {{key: wf/{name}.tgz}}}}")));
    let key = bench.key("wf");
    bench.tell(Fact::ResultSeen(
        key,
        ResultSeen {
            artifacts: artifacts.to_vec(),
            ..ResultSeen::default()
        },
    ));
    bench.exits("wf", 0);
    let sweep = bench.effects.iter().find_map(|effect| match effect {
        Effect::DeleteArtifacts(sweep) => Some(sweep),
        _ => None,
    });
    let sweep = sweep.expect("artifacts to delete");
    let groups: Vec<(&str, Vec<&str>)> = sweep
        .groups
        .iter()
        .map(|group| {
            let names = group
                .artifacts
                .iter()
                .map(|swept| swept.artifact.name.as_str());
            (group.service_account_name.as_str(), names.collect())
        })
        .collect();
    assert_eq!(
        groups,
        [("sweeper", vec!["plain"]), ("special", vec!["other"])]
    );
    assert_eq!(sweep.groups[1].pod_metadata.labels["a"], "b");
    let status = bench.shown()["status"]["artifactGCStatus"].clone();
    assert_eq!(status["strategiesProcessed"]["OnWorkflowCompletion"], true);
}

#[test]
fn selectors_mean_labels() {
    let labels = [("a", "1"), ("b", "2")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    for (selector, expected) in [
        ("{}", true),
        ("{matchLabels: {a: '1'}}", true),
        ("{matchLabels: {a: '2'}}", false),
        (
            "{matchExpressions: [{key: a, operator: In, values: ['0', '1']}]}",
            true,
        ),
        (
            "{matchExpressions: [{key: a, operator: NotIn, values: ['1']}]}",
            false,
        ),
        (
            "{matchExpressions: [{key: c, operator: NotIn, values: ['1']}]}",
            true,
        ),
        ("{matchExpressions: [{key: c, operator: Exists}]}", false),
        (
            "{matchExpressions: [{key: c, operator: DoesNotExist}]}",
            true,
        ),
    ] {
        assert_eq!(selects(&read(selector), &labels), expected, "{selector}");
    }
}

#[test]
fn only_so_many_ended_workflows_are_kept() {
    let all = [
        (WorkflowPhase::Succeeded, Some(Seconds(9)), "new"),
        (WorkflowPhase::Succeeded, Some(Seconds(1)), "old"),
        (WorkflowPhase::Succeeded, Some(Seconds(5)), "middle"),
        (WorkflowPhase::Failed, Some(Seconds(1)), "failed"),
        (WorkflowPhase::Running, None, "running"),
    ];
    let policy = RetentionPolicy {
        completed: Some(1),
        failed: Some(0),
        errored: None,
    };
    assert_eq!(beyond_retention(&policy, all), ["old", "middle"]);
}
