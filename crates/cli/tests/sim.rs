//! `argosy sim` as a program: that the same lines give the same answers in another process, and that
//! each line has its answer.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use argosy_api::{Limits, Source, read_documents};
use serde_json::{Map, Value, json};

/// A conversation with a process.
struct Sim {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    lines: String,
    answers: String,
}

impl Sim {
    fn new() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_argosy"))
            .arg("sim")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("argosy runs");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self {
            input: child.stdin.take(),
            child,
            output,
            lines: String::new(),
            answers: String::new(),
        }
    }

    fn say(&mut self, line: &[u8]) -> String {
        let input = self.input.as_mut().expect("it is open");
        input.write_all(line).expect("it listens");
        input.write_all(b"\n").expect("it listens");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("it answers");
        answer
    }

    fn ask(&mut self, request: &Value) -> Value {
        let line = request.to_string();
        let answer = self.say(line.as_bytes());
        self.lines.push_str(&line);
        self.lines.push('\n');
        self.answers.push_str(&answer);
        serde_json::from_str(&answer).expect("an answer is JSON")
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.input.take();
        // It ends when its input does; if the test fails, there is nobody to tell.
        let _ = self.child.wait();
    }
}

/// Has a case of `conformance/` played; looks at workflows and pods after each step, and at all that
/// there is at the end.
fn converse(sim: &mut Sim, case: &Value) {
    let mut workflows: Vec<String> = Vec::new();
    let mut ask = |sim: &mut Sim, request: Value| {
        let answer = sim.ask(&request);
        let made = answer["workflows"].as_array().into_iter().flatten();
        workflows.extend(made.filter_map(|name| name.as_str().map(str::to_owned)));
        sim.ask(&json!({"op": "settle"}));
        sim.ask(&json!({"op": "pods", "all": true}));
        sim.ask(&json!({"op": "list", "kind": "workflows"}));
        answer["workflows"][0].as_str().map(str::to_owned)
    };
    if !case["config"].is_null() {
        ask(sim, json!({"op": "config", "set": case["config"]}));
    }
    if !case["apply"].is_null() {
        ask(sim, json!({"op": "apply", "yaml": case["apply"]}));
    }
    let mut workflow = String::new();
    if !case["workflow"].is_null() {
        workflow = ask(sim, json!({"op": "submit", "yaml": case["workflow"]})).unwrap_or_default();
    }
    for step in case["steps"].as_array().into_iter().flatten() {
        let mut fields = step.as_object().into_iter().flatten();
        let op = fields.find(|(key, _)| !matches!(key.as_str(), "expect" | "error"));
        let Some((op, fields)) = op else {
            continue;
        };
        let mut request: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
        request.insert("op".to_owned(), json!(op));
        if matches!(op.as_str(), "act" | "get" | "why" | "facts") {
            request.entry("workflow").or_insert_with(|| json!(workflow));
        }
        ask(sim, Value::Object(request));
    }
    for workflow in workflows {
        for op in ["why", "facts"] {
            sim.ask(&json!({"op": op, "workflow": workflow}));
        }
    }
    for kind in [
        "events",
        "metrics",
        "locks",
        "caches",
        "timers",
        "configmaps",
        "pvcs",
        "taskresults",
    ] {
        sim.ask(&json!({"op": "list", "kind": kind}));
    }
}

#[test]
fn the_same_lines_give_the_same_answers_in_another_process() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        let source = Source::new(path.display().to_string(), text);
        let (documents, faults) = read_documents(&source, &Limits::default());
        assert!(faults.is_empty(), "{faults:?}");
        for case in documents[0].to_json().as_array().into_iter().flatten() {
            let mut first = Sim::new();
            converse(&mut first, case);
            let mut again = Command::new(env!("CARGO_BIN_EXE_argosy"))
                .arg("sim")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("argosy runs");
            let mut input = again.stdin.take().expect("it is piped");
            let lines = std::mem::take(&mut first.lines);
            let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
            let output = again.wait_with_output().expect("it ends with its input");
            writer.join().expect("no panic").expect("it listens");
            let same = output.stdout == first.answers.as_bytes();
            assert!(same, "{}: {}", path.display(), case["name"]);
            played += 1;
        }
    }
    assert!(played > 200, "only {played} cases were played");
}

#[test]
fn each_line_has_its_answer() {
    let mut sim = Sim::new();
    let long = format!(r#"{{"op":"get","workflow":"{}"}}"#, "x".repeat(1 << 20));
    let deep = format!(r#"{{"op":"apply","yaml":{}}}"#, "[".repeat(100_000));
    for (line, wanted) in [
        (&b""[..], "the line is empty"),
        (b"  ", "the line is empty"),
        (b"{\"op\":\"now\"}\r", "2026-01-01T00:00:00Z"),
        (b"\xff\xfe", "no UTF-8"),
        (long.as_bytes(), "not found"),
        (deep.as_bytes(), "recursion limit"),
        (
            b"{\"op\":\"get\",\"workflow\":\"\\ud800\"}",
            "cannot read the request",
        ),
        (b"{\"op\":\"now\"}", "2026-01-01T00:00:00Z"),
    ] {
        let answer = sim.say(line);
        assert!(
            answer.contains(wanted) && answer.ends_with("}\n"),
            "{answer}"
        );
    }
}

/// Expressions that ask for too much end soon, each with an error that says so.
#[test]
fn what_expressions_may_take_is_bounded() {
    let deep = "(".repeat(200) + "1" + &")".repeat(200);
    let long = "1 + ".repeat(20_000) + "1";
    let too_much = "memory budget exceeded";
    let too_long = "the expression takes too many steps";
    let cases = [
        ("repeat('x', 1000000000)", too_much),
        ("sprig.repeat(1000000000, 'x')", too_much),
        ("sprig.indent(1000000000, 'x')", too_much),
        ("sprig.nindent(1000000000, 'x')", too_much),
        ("sprig.until(1000000000)", too_long),
        ("sprig.untilStep(0, 1000000000, 1)", too_long),
        ("sprig.seq(1000000000)", too_long),
        ("sprig.randAlphaNum(1000000000)", too_long),
        ("len(1..1000000000)", too_much),
        (
            "count(1..100000, sprig.sha256sum(repeat('x', 100000)) == 'y')",
            too_much,
        ),
        (
            "'a' matches '((a{1000}){1000}){1000}'",
            "expression too large",
        ),
        (deep.as_str(), "the expression nests deeper than 96 levels"),
        (long.as_str(), "the expression has more than 10000 parts"),
    ];
    let mut sim = Sim::new();
    for (at, (expression, error)) in cases.into_iter().enumerate() {
        let name = format!("w{at}");
        let workflow = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": name},
            "spec": {"entrypoint": "main", "templates": [{
                "name": "main",
                "container": {"image": "a", "args": [format!("{{{{={expression}}}}}")]},
            }]},
        });
        let began = std::time::Instant::now();
        sim.ask(&json!({"op": "submit", "yaml": workflow.to_string()}));
        sim.ask(&json!({"op": "settle"}));
        let told = sim.ask(&json!({"op": "get", "workflow": name}));
        let message = told["workflow"]["status"]["message"].as_str();
        assert!(
            message.is_some_and(|message| message.contains(error)),
            "{expression}: {told}"
        );
        let seconds = began.elapsed().as_secs();
        assert!(seconds < 20, "{expression} takes {seconds} seconds");
    }
}
