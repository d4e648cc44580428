//! What a simulated cluster holds because runs asked for it, looked at by the protocol.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

fn ask(session: &mut Session, request: Value) -> Value {
    let answer = session.answer(&request.to_string());
    let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
    assert_eq!(answer.get("error"), None, "{request}");
    answer
}

fn list(session: &mut Session, kind: &str) -> Vec<Value> {
    let answer = ask(session, json!({"op": "list", "kind": kind}));
    answer["items"].as_array().cloned().unwrap_or_default()
}

const WORKFLOW: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  podGC: {strategy: OnPodCompletion, deleteDelayDuration: 10s}
  ttlStrategy: {secondsAfterCompletion: 60}
  volumeClaimTemplates:
  - metadata: {name: work}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  templates:
  - name: main
    metrics:
      prometheus:
      - {name: ended, help: how many, labels: [{key: how, value: '{{status}}'}], counter: {value: '1'}}
      - {name: took, help: how long, gauge: {realtime: true, value: '{{duration}}'}}
    container: {image: busybox, command: [sh], volumeMounts: [{name: work, mountPath: /w}]}
";

#[test]
fn a_course_leaves_its_marks() {
    let mut session = Session::default();
    let config = json!({"instanceID": "mine", "nodeEvents": "sendAsPod: true", "workflowDefaults": {"spec": {"schedulerName": "own"}}});
    ask(&mut session, json!({"op": "config", "set": config}));
    ask(&mut session, json!({"op": "submit", "yaml": WORKFLOW}));
    ask(&mut session, json!({"op": "settle"}));
    let claims = list(&mut session, "pvcs");
    assert_eq!(claims[0]["metadata"]["name"], "wf-work");
    let pods = ask(&mut session, json!({"op": "pods"}));
    let pod = &pods["pods"][0];
    assert_eq!(pod["spec"]["schedulerName"], "own");
    let labels = &pod["metadata"]["labels"];
    assert_eq!(
        labels["workflows.argoproj.io/controller-instanceid"],
        "mine"
    );
    assert_eq!(list(&mut session, "metrics")[0]["name"], "took");
    ask(
        &mut session,
        json!({"op": "pod", "name": "wf", "phase": "Running"}),
    );
    ask(&mut session, json!({"op": "settle"}));
    ask(&mut session, json!({"op": "advance", "seconds": 5}));
    assert_eq!(list(&mut session, "metrics")[0]["value"], 5.0);
    ask(
        &mut session,
        json!({"op": "pod", "name": "wf", "phase": "Succeeded"}),
    );
    ask(&mut session, json!({"op": "settle"}));
    let metrics = list(&mut session, "metrics");
    assert_eq!(metrics[0]["labels"], json!({"how": "Succeeded"}));
    assert_eq!(metrics[1]["value"], 5.0);
    let told: Vec<Value> = list(&mut session, "events")
        .into_iter()
        .map(|event| json!([event["reason"], event["involvedObject"]["kind"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["WorkflowRunning", "Workflow"]),
            json!(["WorkflowNodeRunning", "Pod"]),
            json!(["WorkflowSucceeded", "Workflow"]),
            json!(["WorkflowNodeSucceeded", "Pod"]),
        ]
    );
    assert_eq!(list(&mut session, "pvcs"), [Value::Null; 0]);
    ask(&mut session, json!({"op": "advance", "seconds": 59}));
    assert_eq!(list(&mut session, "workflows").len(), 1);
    ask(&mut session, json!({"op": "advance", "seconds": 1}));
    assert_eq!(list(&mut session, "workflows").len(), 0);
}

#[test]
fn keys_that_are_none_are_refused() {
    let mut session = Session::default();
    let request = json!({"op": "config", "set": {"paralelism": 3}});
    let answer = session.answer(&request.to_string());
    assert!(
        answer.contains("did you mean \\\"parallelism\\\"?"),
        "{answer}"
    );
}
