//! How pods are named, and what is said of them.

use argosy_sim::protocol::Session;
use serde_json::{Value, json};

use crate::{SEVERAL, WORKFLOW, ask};

#[test]
fn pods_are_meant_in_many_ways() {
    for (request, wanted) in [
        (json!({}), vec!["loop(0:a)(0)", "loop(1:b)(0)", "other(0)"]),
        (
            json!({"where": {}}),
            vec!["loop(0:a)(0)", "loop(1:b)(0)", "other(0)"],
        ),
        (json!({"name": "other"}), vec!["other(0)"]),
        (json!({"name": "wf[0].loop(1:b)"}), vec!["loop(1:b)(0)"]),
        (
            json!({"where": {"node": "loop"}}),
            vec!["loop(0:a)(0)", "loop(1:b)(0)"],
        ),
        (
            json!({"where": {"displayName": "loop", "index": 1}}),
            vec!["loop(1:b)(0)"],
        ),
        (
            json!({"where": {"nodeName": "wf[0].loop(0:a)"}}),
            vec!["loop(0:a)(0)"],
        ),
        (json!({"where": {"index": "2"}}), vec!["other(0)"]),
        (json!({"where": {"index": 3}}), vec![]),
        (
            json!({"where": {"labels": {"role": "worker", "size": 3}, "index": 0}}),
            vec!["loop(0:a)(0)"],
        ),
        (
            json!({"where": {"labels": "role=worker,size=3", "node": "other"}}),
            vec!["other(0)"],
        ),
        (json!({"where": {"labels": "role=cook"}}), vec![]),
        (
            json!({"where": {"workflow": "far/wf", "node": "other"}}),
            vec!["other(0)"],
        ),
        (json!({"where": {"namespace": "near"}}), vec![]),
        (json!({"where": {"phase": "Running"}}), vec![]),
    ] {
        let mut session = Session::default();
        ask(&mut session, json!({"op": "submit", "yaml": SEVERAL}));
        ask(&mut session, json!({"op": "settle"}));
        let mut report = request.clone();
        report["op"] = json!("pod");
        report["nodeName"] = json!("machine");
        let answer = ask(&mut session, report);
        let count = answer["pods"].as_array().map(Vec::len);
        assert_eq!(count, Some(wanted.len()), "{request}: {answer}");
        let pods = ask(&mut session, json!({"op": "pods"}));
        let named = pods["pods"].as_array().into_iter().flatten();
        let named: Vec<&str> = named
            .filter(|pod| pod["spec"]["nodeName"] == "machine")
            .filter_map(|pod| {
                pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"].as_str()
            })
            .filter_map(|name| name.split_once("].").map(|(_, name)| name))
            .collect();
        assert_eq!(named, wanted, "{request}");
    }
}

#[test]
fn other_spellings_are_taken() {
    let mut session = Session::default();
    for request in [
        json!({"op": "config", "set": "parallelism: 5"}),
        json!({"op": "submit", "yaml": WORKFLOW, "parameters": "p=a=b"}),
        json!({"op": "settle", "workflow": "default/wf"}),
        json!({"op": "pods", "all": "true"}),
        json!({"op": "advance", "seconds": "1m30s"}),
        json!({"op": "advance", "to": "1767225700"}),
        json!({"op": "pod", "name": "a(0:1)", "exitCode": 3.0}),
        json!({"op": "pod", "name": "a(1:2)", "exitCode": "4"}),
        json!({"op": "crash", "at": "0"}),
        json!({"op": "settle"}),
        json!({"op": "list", "kind": "taskResult"}),
        json!({"op": "list", "kind": "ConfigMaps"}),
        json!({"op": "act", "verb": "retry", "workflow": "wf", "restartSuccessful": "true",
               "selector": {"displayName": "a(0:1)"}, "parameters": {"p": "new", "q": null}}),
    ] {
        let answer = ask(&mut session, request.clone());
        assert_eq!(answer["ok"], true, "{request}: {answer}");
    }
    let line = session.answer("\u{feff} {\"op\":\"get\",\"workflow\":\"wf\"}\r");
    let workflow: Value = serde_json::from_str(&line).expect("it is JSON");
    let parameters = &workflow["workflow"]["spec"]["arguments"]["parameters"];
    assert_eq!(parameters[0]["value"], "new", "{workflow}");
}

#[test]
fn a_raw_status_has_fields_of_a_pods_status() {
    let mut session = Session::default();
    ask(&mut session, json!({"op": "submit", "yaml": SEVERAL}));
    ask(&mut session, json!({"op": "settle"}));
    for (status, error) in [
        (
            json!({"fase": "Failed"}),
            "status.fase: a PodStatus has no such field",
        ),
        (
            json!({"containerStatuses": [{"name": "main", "state": {"terminated": {"exitcode": 1}}}]}),
            "status.containerStatuses[0].state.terminated.exitcode: a PodStatus has no such field",
        ),
        (
            json!({"containerStatuses": [{"name": "main", "stat": {}}]}),
            "status.containerStatuses[0].stat: a PodStatus has no such field",
        ),
        (
            json!({"phase": 5}),
            "status: invalid type: integer `5`, expected a string",
        ),
        (json!({"startTime": "yesterday"}), "status: "),
    ] {
        let request = json!({"op": "pod", "name": "other", "status": status});
        let answer = ask(&mut session, request);
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(said.starts_with(error), "{status}: {answer}");
    }
}
