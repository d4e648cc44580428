//! `argo retry` and `argo resubmit`: which nodes run again. Each case is a workflow, the pods that
//! fail in it, and the pods that run after the retry, in order.

use std::collections::BTreeMap;

use argosy_api::WorkflowPhase;
use argosy_engine::fact::{Command, NodeSelector, Requirement};
use argosy_engine::ids::{PodKey, RunId};
use argosy_sim::{Outcome, World, check};

const LEAF: &str = "
  - name: leaf
    inputs: {parameters: [{name: msg, default: x}]}
    container: {image: busybox, command: ['true']}
";

struct Case {
    name: &'static str,
    templates: &'static str,
    fail: &'static [&'static str],
    retry: fn() -> Command,
    again: &'static [&'static str],
}

fn plain() -> Command {
    Command::Retry {
        restart_successful: false,
        selector: None,
        parameters: Vec::new(),
        from: None,
        revision: None,
    }
}

fn selector(key: &str, value: &str) -> NodeSelector {
    NodeSelector(vec![Requirement {
        key: key.into(),
        equals: true,
        value: value.into(),
    }])
}

const CASES: &[Case] = &[
    Case {
        name: "only what failed of a group, then what follows",
        templates: "
  - name: main
    steps:
    - - {name: a, template: leaf}
      - {name: b, template: leaf}
    - - {name: c, template: leaf}
",
        fail: &["wf[0].b"],
        retry: plain,
        again: &["wf[0].b", "wf[1].c"],
    },
    Case {
        name: "a task and those behind it, which were omitted",
        templates: "
  - name: main
    dag:
      tasks:
      - {name: a, template: leaf}
      - {name: b, template: leaf, depends: a}
      - {name: c, template: leaf, depends: b}
      - {name: d, template: leaf, depends: a}
",
        fail: &["wf.b"],
        retry: plain,
        again: &["wf.b", "wf.c"],
    },
    Case {
        name: "items of a loop that failed",
        templates: "
  - name: main
    dag:
      tasks:
      - {name: a, template: leaf, withItems: [x, yy, z]}
      - {name: b, template: leaf, depends: a}
",
        fail: &["wf.a(1:yy)"],
        retry: plain,
        again: &["wf.a(1:yy)", "wf.b"],
    },
    Case {
        name: "a nested template inside a loop of steps",
        templates: "
  - name: main
    steps:
    - - {name: a, template: inner, withItems: [x, yy]}
  - name: inner
    steps:
    - - {name: one, template: leaf}
    - - {name: two, template: leaf}
",
        fail: &["wf[0].a(1:yy)[1].two"],
        retry: plain,
        again: &["wf[0].a(1:yy)[1].two"],
    },
    Case {
        name: "attempts are counted anew",
        templates: "
  - name: main
    steps:
    - - {name: a, template: again}
  - name: again
    retryStrategy: {limit: 1}
    container: {image: busybox, command: ['true']}
",
        fail: &["wf[0].a(0)", "wf[0].a(1)"],
        retry: plain,
        again: &["wf[0].a(0)"],
    },
    Case {
        name: "a failed node that others went on from is left alone",
        templates: "
  - name: main
    dag:
      tasks:
      - {name: a, template: leaf}
      - {name: b, template: leaf, depends: a.Failed}
      - {name: c, template: leaf, depends: b}
",
        fail: &["wf.a", "wf.c"],
        retry: plain,
        again: &["wf.c"],
    },
    Case {
        name: "a succeeded node too, with what follows",
        templates: "
  - name: main
    steps:
    - - {name: a, template: leaf}
    - - {name: b, template: leaf}
    - - {name: c, template: leaf}
",
        fail: &["wf[2].c"],
        retry: || Command::Retry {
            restart_successful: true,
            selector: Some(selector("displayName", "b")),
            parameters: Vec::new(),
            from: None,
            revision: None,
        },
        again: &["wf[1].b", "wf[2].c"],
    },
    Case {
        name: "from a node on, although all succeeded",
        templates: "
  - name: main
    steps:
    - - {name: a, template: leaf}
    - - {name: b, template: leaf}
",
        fail: &[],
        retry: || Command::Retry {
            restart_successful: false,
            selector: None,
            parameters: Vec::new(),
            from: Some(selector("displayName", "b")),
            revision: None,
        },
        again: &["wf[1].b"],
    },
    Case {
        name: "with new parameters loops are gone over anew",
        templates: "
  - name: main
    steps:
    - - {name: a, template: leaf, withParam: '{{workflow.parameters.list}}'}
",
        fail: &["wf[0].a(1:2)"],
        retry: || Command::Retry {
            restart_successful: false,
            selector: None,
            parameters: vec![("list".into(), "[7, 8, 9]".into())],
            from: None,
            revision: None,
        },
        again: &["wf[0].a(0:7)", "wf[0].a(1:8)", "wf[0].a(2:9)"],
    },
];

/// The pods of all nodes that have one, by the nodes' names.
fn pods_of_nodes(world: &World, id: RunId) -> BTreeMap<String, PodKey> {
    let run = world.run(id).expect("the run is there");
    (0..run.node_count() as u32)
        .filter_map(|index| Some((run.name_at(index), run.pod_key_at(index)?)))
        .filter(|(_, key)| world.pod(*key).is_some())
        .collect()
}

#[test]
fn what_a_retry_runs_again() {
    for case in CASES {
        let mut world = World::default();
        let text = format!(
            "metadata: {{name: wf}}\nspec:\n  entrypoint: main\n  arguments: {{parameters: [{{name: list, value: '[1, 2]'}}]}}\n  templates:{}{LEAF}",
            case.templates
        );
        let id = world.submit(&text).expect(case.name);
        world.run_all(100, |name| {
            Outcome::exit(i32::from(case.fail.contains(&name)))
        });
        let expected = if case.fail.is_empty() {
            WorkflowPhase::Succeeded
        } else {
            WorkflowPhase::Failed
        };
        assert_eq!(world.status(id).phase, Some(expected), "{}", case.name);
        for crash in [false, true] {
            if crash {
                world.crash().expect(case.name);
            }
        }
        world.ask(id, (case.retry)());
        if let Err(fault) = check(&world, id) {
            panic!("{}: {fault}", case.name);
        }
        let before = pods_of_nodes(&world, id);
        let mut ran = Vec::new();
        world.run_all(100, |name| {
            ran.push(name.to_owned());
            Outcome::exit(0)
        });
        assert_eq!(ran, case.again, "{}", case.name);
        let after = pods_of_nodes(&world, id);
        for (name, key) in &before {
            assert_eq!(after.get(name), Some(key), "{}: kept {name}", case.name);
        }
        for name in &ran {
            let known = world
                .all_pods()
                .filter(|pod| pod.request.key == after[name]);
            let names: Vec<&str> = known.map(|pod| &*pod.request.node_name).collect();
            assert_eq!(names, [name], "{}: the pod of {name}", case.name);
        }
        let status = world.status(id);
        assert_eq!(
            status.phase,
            Some(WorkflowPhase::Succeeded),
            "{}",
            case.name
        );
        if let Err(fault) = check(&world, id) {
            panic!("{}: {fault}", case.name);
        }
    }
}

#[test]
fn the_exit_handler_of_a_retried_workflow_runs_again() {
    let mut world = World::default();
    let id = world
        .submit(&format!(
            "metadata: {{name: wf}}\nspec:\n  entrypoint: leaf\n  onExit: leaf\n  templates:{LEAF}"
        ))
        .expect("compiles");
    world.run_all(10, |name| Outcome::exit(i32::from(name == "wf")));
    assert_eq!(world.status(id).phase, Some(WorkflowPhase::Failed));
    world.ask(id, plain());
    let mut ran = Vec::new();
    world.run_all(10, |name| {
        ran.push(name.to_owned());
        Outcome::exit(0)
    });
    assert_eq!(ran, ["wf", "wf.onExit"]);
    assert_eq!(world.status(id).phase, Some(WorkflowPhase::Succeeded));
}

#[test]
fn a_resubmitted_workflow_skips_what_succeeded() {
    let mut world = World::default();
    let id = world
        .submit(&format!(
            "metadata: {{name: wf}}\nspec:\n  entrypoint: main\n  templates:
  - name: main
    steps:
    - - {{name: a, template: put}}
    - - {{name: b, template: leaf, arguments: {{parameters: [{{name: msg, value: '{{{{steps.a.outputs.parameters.p}}}}'}}]}}}}
  - name: put
    container: {{image: busybox, command: ['true']}}
    outputs: {{parameters: [{{name: p, valueFrom: {{path: /p}}}}]}}{LEAF}"
        ))
        .expect("compiles");
    world.run_all(10, |name| match name {
        "wf[0].a" => Outcome::parameter("p", "7"),
        _ => Outcome::exit(1),
    });
    assert_eq!(world.status(id).phase, Some(WorkflowPhase::Failed));
    let mut again = world.workflow(id).expect("it is there");
    again.metadata.name = Some("new".to_owned());
    again.metadata.uid = None;
    let new = world.resubmit_memoized(id, again).expect("it failed");
    world.settle();
    if let Err(fault) = check(&world, new) {
        panic!("{fault}");
    }
    world.crash().expect("loads");
    world.settle();
    let pods: Vec<String> = world.pods().into_iter().map(|(_, name)| name).collect();
    assert_eq!(pods, ["new[1].b"]);
    let status = world.status(new);
    let by_name = |name: &str| {
        let mut nodes = status.nodes.values();
        nodes
            .find(|node| node.name == name)
            .expect("it is there")
            .clone()
    };
    assert!(by_name("new[0].a").message.starts_with("original pod: wf-"));
    let inputs = by_name("new[1].b").inputs.expect("it has inputs");
    let value = inputs.parameters[0].value.as_ref();
    assert_eq!(value.map(|value| value.as_str()), Some("7"));
    world.run_all(10, |_| Outcome::exit(0));
    assert_eq!(world.status(new).phase, Some(WorkflowPhase::Succeeded));
}
