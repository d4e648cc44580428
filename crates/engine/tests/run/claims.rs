//! Volume claims and disruption budgets.

use argosy_engine::effect::Effect;
use argosy_engine::fact::{ClaimSeen, Command, Fact};
use serde_json::{Value, json};

use crate::{Bench, json};

const TWO: &str = "
metadata: {name: wf}
spec:
  entrypoint: main
  volumeClaimTemplates:
  - metadata: {name: work, labels: {own: a}}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  - metadata: {name: more}
  templates:
  - name: main
    container: {image: busybox, volumeMounts: [{name: work, mountPath: /w}]}
";

fn asked(bench: &Bench) -> Vec<Value> {
    let claims = bench.effects.iter().filter_map(|effect| match effect {
        Effect::MakeClaim { claim, .. } => Some(json(&**claim)),
        _ => None,
    });
    claims.collect()
}

fn dropped(bench: &Bench) -> Vec<&str> {
    let names = bench.effects.iter().filter_map(|effect| match effect {
        Effect::DropClaim { name, .. } => Some(&**name),
        _ => None,
    });
    names.collect()
}

fn seen(bench: &mut Bench, name: &str, seen: ClaimSeen) {
    bench.tell(Fact::ClaimSeen(name.into(), seen));
}

#[test]
fn claims_are_made_one_by_one_before_anything_else() {
    let mut bench = Bench::new(TWO);
    assert_eq!(asked(&bench).len(), 1);
    let claim = &asked(&bench)[0];
    assert_eq!(claim["metadata"]["name"], "wf-work");
    assert_eq!(claim["metadata"]["labels"]["own"], "a");
    assert_eq!(
        claim["metadata"]["labels"]["workflows.argoproj.io/workflow"],
        "wf"
    );
    assert_eq!(claim["metadata"]["ownerReferences"][0]["name"], "wf");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "1Gi");
    assert!(bench.status().nodes.is_empty());
    seen(&mut bench, "wf-work", ClaimSeen::Made);
    seen(&mut bench, "wf-work", ClaimSeen::Made);
    assert_eq!(asked(&bench)[1]["metadata"]["name"], "wf-more");
    seen(&mut bench, "wf-more", ClaimSeen::Made);
    let volume = json!({"name": "work", "persistentVolumeClaim": {"claimName": "wf-work"}});
    assert_eq!(bench.shown()["status"]["persistentVolumeClaims"][0], volume);
    assert_eq!(bench.pod_json("wf")["spec"]["volumes"], json!([volume]));
}

#[test]
fn a_workflow_waits_for_its_claims_or_fails_for_want_of_them() {
    let mut bench = Bench::new(TWO);
    seen(
        &mut bench,
        "wf-work",
        ClaimSeen::Waiting("exceeded quota".into()),
    );
    let waits = "Waiting for a PVC to be created. exceeded quota".to_owned();
    assert_eq!(bench.end(), ("Pending".to_owned(), waits));
    seen(&mut bench, "wf-work", ClaimSeen::Made);
    assert_eq!(bench.end(), ("Running".to_owned(), String::new()));
    seen(
        &mut bench,
        "wf-more",
        ClaimSeen::Refused("no such class".into()),
    );
    let fails = "pvc create error: no such class".to_owned();
    assert_eq!(bench.end(), ("Error".to_owned(), fails));
    assert_eq!(
        bench.shown()["status"]["persistentVolumeClaims"][0]["name"],
        "work"
    );
    let unnamed = Bench::new(
        &TWO.replace("{name: more}", "{}")
            .replace("{name: work, labels: {own: a}}", "{}"),
    );
    let fails = "pvc create error: volumeClaimTemplates[0].metadata.name is required".to_owned();
    assert_eq!(unnamed.end(), ("Error".to_owned(), fails));
}

#[test]
fn claims_are_deleted_as_asked() {
    for (collection, code, gone) in [
        ("{}", 0, true),
        ("{}", 1, false),
        ("{volumeClaimGC: {strategy: OnWorkflowCompletion}}", 1, true),
        ("{volumeClaimGC: {strategy: OnWorkflowSuccess}}", 1, false),
    ] {
        let merged = TWO.replace(
            "spec:\n  entrypoint",
            &format!("spec:\n  <<: {collection}\n  entrypoint"),
        );
        let mut bench = Bench::new(&merged);
        seen(&mut bench, "wf-work", ClaimSeen::Made);
        seen(&mut bench, "wf-more", ClaimSeen::Made);
        bench.exits("wf", code);
        let expected: &[&str] = if gone { &["wf-work", "wf-more"] } else { &[] };
        assert_eq!(dropped(&bench), expected, "{collection} {code}");
        assert_eq!(bench.status().persistent_volume_claims.is_empty(), gone);
    }
}

#[test]
fn a_retry_waits_for_claims_that_were_deleted() {
    let spec = "spec:\n  volumeClaimGC: {strategy: OnWorkflowCompletion}";
    let mut bench = Bench::new(&TWO.replace("spec:\n", &format!("{spec}\n")).replacen("spec:\n  volumeClaimGC: {strategy: OnWorkflowCompletion}\n  volumeClaimGC: {strategy: OnWorkflowCompletion}", spec, 1));
    for name in ["wf-work", "wf-more"] {
        seen(&mut bench, name, ClaimSeen::Made);
    }
    bench.exits("wf", 1);
    bench.ask(Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
        from: None,
        revision: None,
    });
    assert!(bench.pods.is_empty());
    for name in ["wf-work", "wf-more"] {
        seen(&mut bench, name, ClaimSeen::Made);
    }
    assert_eq!(bench.pods.len(), 1);
}

#[test]
fn a_budget_protects_the_pods_while_the_workflow_runs() {
    let mut bench = Bench::new(
        "
spec:
  entrypoint: main
  podDisruptionBudget: {minAvailable: 9999}
  templates:
  - name: main
    container: {image: busybox}
",
    );
    let budget = bench.effects.iter().find_map(|effect| match effect {
        Effect::MakeBudget { budget, .. } => Some(json(&**budget)),
        _ => None,
    });
    let budget = budget.expect("a budget");
    assert_eq!(budget["metadata"]["name"], "wf");
    assert_eq!(
        budget["spec"],
        json!({"minAvailable": 9999, "selector": {"matchLabels": {"workflows.argoproj.io/workflow": "wf"}}})
    );
    let dropped = |bench: &Bench| {
        let drop =
            |effect: &Effect| matches!(effect, Effect::DropBudget { name, .. } if &**name == "wf");
        bench.effects.iter().any(drop)
    };
    assert!(!dropped(&bench));
    bench.exits("wf", 0);
    assert!(dropped(&bench));
}
