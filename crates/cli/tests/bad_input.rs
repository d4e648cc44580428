//! What the program says to input that is wrong: where it is and what to do, quickly, within bounds.

mod place;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use place::{Place, errors, text};

/// A workflow of the templates that a case gives.
fn workflow(spec: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{name: bad}}\nspec:\n  entrypoint: main\n{spec}"
    )
}

const ECHO: &str = "  - {name: print, container: {image: a, command: [echo, x]}}\n";

/// The most memory that any of these may take.
const MAX_KIB: u64 = 400 * 1024;

/// What a run of the program came to.
struct Said {
    code: Option<i32>,
    out: String,
    errors: String,
    peak_kib: u64,
}

/// Runs a file.
fn run(place: &Place, file: &Path) -> Said {
    let file = file.file_name().expect("it has a name").to_string_lossy();
    watched(place, &["run", "--host", &file], Stdio::null())
}

/// Runs the program, with an eye on the time and the memory that it takes.
fn watched(place: &Place, words: &[&str], input: Stdio) -> Said {
    watched_into(place, words, input, Stdio::piped())
}

fn watched_into(place: &Place, words: &[&str], input: Stdio, out: Stdio) -> Said {
    let mut child = place
        .command(words)
        .stdin(input)
        .stdout(out)
        .stderr(Stdio::piped())
        .spawn()
        .expect("argosy runs");
    let began = Instant::now();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    // What is printed fits a pipe: messages are cut.
    while child.try_wait().expect("it can be waited for").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "{words:?} hangs");
        if let Ok(status) = std::fs::read_to_string(&status) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak_kib = peak_kib.max(kib.unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it has ended");
    Said {
        code: output.status.code(),
        out: text(&output),
        errors: errors(&output),
        peak_kib,
    }
}

/// A workflow whose step prints a text.
fn echo(text: &str) -> String {
    workflow(&format!(
        "  templates:\n  - name: main\n    container: {{image: a, command: [echo, '{text}']}}\n"
    ))
}

#[test]
fn what_is_only_long_is_carried_out() {
    let deep = 50_000;
    for (name, content) in [
        ("argument", echo(&"x".repeat(3_000_000))),
        ("larger", echo(&"x".repeat(9_000_000))),
        (
            "tags",
            echo(&format!("{}x{}", "{{".repeat(deep), "}}".repeat(deep))),
        ),
    ] {
        let place = Place::new();
        let file = place.write(&format!("{name}.yaml"), &content);
        let said = run(&place, &file);
        assert_eq!(said.code, Some(0), "{name}: {}{}", said.out, said.errors);
        assert!(said.peak_kib < MAX_KIB, "{name}: {} KiB", said.peak_kib);
    }
}

/// What other commands make of the file is up to them, within the same bounds. What is right in
/// itself may be printed whole, however large.
fn check_others(place: &Place, name: &str, content: &str) {
    let file = format!("{name}.yaml");
    place.write(
        "bad_test.yaml",
        &format!(
            "apiVersion: argosy.dev/v1alpha1\nkind: WorkflowTest\nmetadata: {{name: t}}\nspec: {{workflow: {file}}}\n"
        ),
    );
    let request = serde_json::json!({"op": "submit", "yaml": content});
    let settle = serde_json::json!({"op": "settle"});
    let lines = place.write("lines", &format!("{request}\n{settle}\n"));
    for words in [
        &["lint", &*file][..],
        &["submit", "--dry-run", &file],
        &["apply", "-f", &file],
        &["test", "bad_test.yaml"],
        &["sim"],
    ] {
        let input = std::fs::File::open(&lines).expect("it was written");
        // Nothing is waited for: where a pipe is full, what is said is too long.
        let out = std::fs::File::create(place.path("out")).expect("a file");
        let said = watched_into(place, words, input.into(), out.into());
        let printed = place.read("out");
        assert!(
            !said.errors.contains("panicked"),
            "{words:?}: {}",
            said.errors
        );
        // A test shows the difference whole.
        let may_be_long = said.code == Some(0) || words[0] == "test";
        let is_short = said.errors.len() < 50_000 && (may_be_long || printed.len() < 50_000);
        assert!(is_short, "{words:?} says too much of {name}");
        assert!(
            said.peak_kib < MAX_KIB,
            "{words:?}, {name}: {} KiB",
            said.peak_kib
        );
    }
}

/// Each case: a name, the file, and what must be said of it.
fn check(cases: &[(&str, String, &[&str])]) {
    for (name, content, expected) in cases {
        let place = Place::new();
        let file = place.write(&format!("{name}.yaml"), content);
        let said = run(&place, &file);
        let all = format!("{}{}", said.out, said.errors);
        assert_eq!(said.code, Some(1), "{name}: {all}");
        for part in *expected {
            assert!(all.contains(part), "{name}: no {part:?} in\n{all}");
        }
        assert!(!all.contains("panicked"), "{name}: {all}");
        assert!(all.len() < 20_000, "{name}: {} bytes are said", all.len());
        assert!(said.peak_kib < MAX_KIB, "{name}: {} KiB", said.peak_kib);
        check_others(&place, name, content);
    }
}

#[test]
fn text_that_is_no_workflow() {
    check(&[
        (
            "truncated",
            workflow(
                "  templates:\n  - name: main\n    container:\n      image: a\n      command: [echo",
            ),
            &[
                "truncated.yaml:10:16: error: this '[' is not closed",
                "nothing was run",
            ],
        ),
        (
            "cut-quote",
            workflow("  templates:\n  - name: main\n    container: {image: a, command: [echo, \"x"),
            &["cut-quote.yaml:8:43: error: this quote is not closed"],
        ),
        (
            "tab",
            "spec:\n\ttemplates: []\n".to_owned(),
            &["tab.yaml:2:1: error: ", "indent with spaces"],
        ),
        (
            "scalar",
            "hello".to_owned(),
            &["scalar.yaml:1:1: error: expected an object"],
        ),
        (
            "list",
            "- a\n- b\n".to_owned(),
            &["list.yaml:1:1: error: expected an object"],
        ),
        (
            "nokind",
            "metadata: {name: x}\n".to_owned(),
            &["nokind.yaml:1:1: error: this object has no `kind`"],
        ),
        (
            "empty",
            String::new(),
            &["error: no workflow found in given files"],
        ),
    ]);
}

#[test]
fn bytes_that_are_no_text() {
    for (bytes, expected) in [
        (
            &b"\x7fELF\0\x80"[..],
            "it is no text, but some other kind of file",
        ),
        (
            b"a: b\nc: d\xe9\n",
            "what stands in line 2, column 5 is not UTF-8",
        ),
        // UTF-16 is read.
        (b"\xff\xfea\0", "error: expected an object"),
    ] {
        let place = Place::new();
        let path = place.dir.path().join("binary.yaml");
        std::fs::write(&path, bytes).expect("a file");
        let said = run(&place, &path);
        assert_eq!(said.code, Some(1));
        assert!(said.errors.contains(expected), "{}", said.errors);
    }
}

#[test]
fn wrong_types_all_at_once() {
    check(&[(
        "types",
        workflow(
            "  parallelism: many\n  templates:\n  - name: main\n    retryStrategy: 3\n    container: {image: a, command: echo, args: {a: b}}\n",
        ),
        &[
            "types.yaml:6:16: error: spec.parallelism: expected a whole number",
            "types.yaml:9:20: error: spec.templates[0].retryStrategy: expected a map",
            "types.yaml:10:36: error: spec.templates[0].container.command: expected a list",
            "types.yaml:10:48: error: spec.templates[0].container.args: expected a list",
            "4 faults found; nothing was run",
        ],
    )]);
}

#[test]
fn what_a_workflow_refers_to() {
    let dag = |tasks: &str| {
        workflow(&format!(
            "  templates:\n{ECHO}  - name: main\n    dag:\n      tasks:\n{tasks}"
        ))
    };
    check(&[
        (
            "cycle",
            dag(
                "      - {name: A, template: print, depends: C}\n      - {name: B, template: print, depends: A}\n      - {name: C, template: print, depends: B}\n",
            ),
            &[
                "cycle.yaml:11:9: error: ",
                "graph with cycle",
                "A -> C -> B -> A",
            ],
        ),
        (
            "depends",
            dag(
                "      - {name: A, template: print}\n      - {name: B, template: print, depends: Z.Succeeded}\n      - {name: C, template: print, depends: A.Succeded}\n",
            ),
            &[
                "depends.yaml:12:45: error: spec.templates[1].dag.tasks[1].depends: ",
                "invalid dependency Z",
                "did you mean 'Succeeded'?",
            ],
        ),
        (
            "missing",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: prnt}}\n"
            )),
            &[
                "missing.yaml:10:29: error: ",
                "template name 'prnt' undefined",
                "did you mean 'print'?",
            ],
        ),
        (
            "entrypoint",
            workflow(&format!("  templates:\n{ECHO}")),
            &["entrypoint.yaml:5:15: error: spec.entrypoint: template name 'main' undefined"],
        ),
    ]);
}

#[test]
fn what_shows_when_it_runs() {
    let param = |value: &str| {
        workflow(&format!(
            "  arguments: {{parameters: [{{name: list, value: '{value}'}}]}}\n  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, withParam: '{{{{workflow.parameters.list}}}}'}}\n"
        ))
    };
    let sequence = |sequence: &str| {
        workflow(&format!(
            "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, withSequence: {{{sequence}}}}}\n"
        ))
    };
    check(&[
        (
            "no-list",
            param("not a list"),
            &["withParam value could not be parsed as a JSON list: not a list"],
        ),
        (
            "a-map",
            param(r#"{"a": 1}"#),
            &["withParam value could not be parsed as a JSON list"],
        ),
        ("sequence", sequence("start: x, end: '3'"), &["x"]),
        (
            "endless",
            sequence("count: '1000000000000'"),
            &["1000000000000"],
        ),
        (
            "recursion",
            workflow(
                "  templates:\n  - name: main\n    steps:\n    - - {name: again, template: main}\n",
            ),
            &["recursion"],
        ),
        ("expression", echo("{{=1 +}}"), &["unexpected token EOF"]),
        (
            "no-number",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print}}\n    outputs: {{parameters: [{{name: n, valueFrom: {{expression: 'asInt(\"abc\")'}}}}]}}\n"
            )),
            &["abc"],
        ),
        (
            "when",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, when: '((1 == 1'}}\n"
            )),
            &["Invalid 'when' expression '((1 == 1'"],
        ),
        (
            "large-variable",
            workflow(&format!(
                "  templates:\n  - name: main\n    container: {{image: a, command: [echo], env: [{{name: A, value: '{}'}}]}}\n",
                "x".repeat(9_000_000)
            )),
            &["the environment is larger than any process can be given"],
        ),
    ]);
}

/// Lists of nine aliases each, nine deep.
fn alias_bomb() -> String {
    ('a'..='i')
        .zip('b'..='j')
        .map(|(before, name)| {
            let list = vec![format!("*{before}"); 9].join(",");
            format!("{name}: &{name} [{list}]\n")
        })
        .collect()
}

#[test]
fn sizes_and_depths() {
    let deep = 100_000;
    let (open, close) = ("(".repeat(deep), ")".repeat(deep));
    let bomb = alias_bomb();
    let tags: String = (0..100_000)
        .map(|tag| format!("{{{{inputs.parameters.x{tag}}}}} "))
        .collect();
    let blocks: String = (0..2_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    check(&[
        (
            "large",
            workflow(&format!(
                "  templates:\n  - name: main\n    container: {{image: a, command: [echo, '{}']}}\n",
                "x".repeat(50_000_000)
            )),
            &["larger than 20 MiB"],
        ),
        (
            "flow",
            format!("spec: {}{}\n", "[".repeat(deep), "]".repeat(deep)),
            &["flow.yaml:1:", "deeper in one another than is read"],
        ),
        (
            "block",
            blocks,
            &["block.yaml:", "deeper in one another than is read"],
        ),
        (
            "bomb",
            format!("a: &a [x,x,x,x,x,x,x,x,x]\n{bomb}"),
            &["bomb.yaml:", "aliases written out"],
        ),
        (
            "long-aliases",
            format!(
                "a: &a \"{}\"\nb: [{}]\n",
                "x".repeat(100_000),
                "*a, ".repeat(5_000)
            ),
            &["long-aliases.yaml:", "aliases written out"],
        ),
        (
            "many-tags",
            echo(&tags),
            &["failed to resolve {{inputs.parameters.x0}}"],
        ),
        (
            "when-parentheses",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    steps:\n    - - {{name: a, template: print, when: '{open}1 == 1{close}'}}\n"
            )),
            &["when"],
        ),
        (
            "expression-parentheses",
            workflow(&format!(
                "  templates:\n  - name: main\n    container: {{image: a, command: [echo, '{{{{={open}1{close}}}}}']}}\n"
            )),
            &["deep"],
        ),
        (
            "depends-parentheses",
            workflow(&format!(
                "  templates:\n{ECHO}  - name: main\n    dag:\n      tasks:\n      - {{name: A, template: print}}\n      - {{name: B, template: print, depends: '{open}A{close}'}}\n"
            )),
            &["nests too deep"],
        ),
    ]);
}

#[test]
fn every_command_that_reads_files_says_what_is_wrong_with_them() {
    let bomb = alias_bomb();
    let files: [(&str, Vec<u8>); 8] = [
        ("truncated.yaml", b"spec:\n  templates: [a, b".to_vec()),
        ("scalar.yaml", b"hello\n".to_vec()),
        ("binary.yaml", b"\x7fELF\0\x80".to_vec()),
        ("latin.yaml", b"a: b\nc: d\xe9\n".to_vec()),
        ("tabs.yaml", b"spec:\n\ttemplates: []\n".to_vec()),
        ("deep.yaml", ["[".repeat(100_000), "]".repeat(100_000)].concat().into()),
        ("bomb.yaml", format!("a: &a [x,x,x,x,x,x,x,x,x]\n{bomb}").into()),
        (
            "control.yaml",
            b"kind: \"Work\\u001b[31mflow\"\napiVersion: \"\\u001b[2Jv1\"\nmetadata: {name: \"\\u001b[31m\"}\nspec: 3\n"
                .to_vec(),
        ),
    ];
    let place = Place::new();
    place.write("good.yaml", &echo("x"));
    place.says(&["run", "--host", "good.yaml", "--name", "done"]);
    for (file, content) in files {
        std::fs::write(place.path(file), content).expect("a file");
        for words in [
            &["run", "--host", file][..],
            &["submit", "--dry-run", file],
            &["lint", "--offline", file],
            &["apply", "-f", file],
            &["template", "create", file],
            &["template", "update", file],
            &["template", "lint", file],
            &["cluster-template", "create", file],
            &["cron", "create", file],
            &["convert", file],
            &["executor-plugin", "build", file],
            &["test", file],
            &["submit", "--dry-run", "good.yaml", "-f", file],
            &["retry", "done", "--template-from", file],
        ] {
            // Any text may be converted, and any flags and their values are what they are.
            let may_pass =
                ["convert", "resubmit"].contains(&words[0]) || words.contains(&"good.yaml");
            let said = watched(&place, words, Stdio::null());
            let all = format!("{}{}", said.out, said.errors);
            assert!(said.code == Some(1) || may_pass, "{words:?}: {all}");
            assert!(said.code.is_some_and(|code| code < 2), "{words:?}: {all}");
            assert!(!all.contains("panicked"), "{words:?}: {all}");
            assert!(!all.contains('\x1b'), "{words:?}: {all:?}");
            assert!(
                all.len() < 5_000 || may_pass,
                "{words:?}: {} bytes",
                all.len()
            );
            assert!(said.peak_kib < MAX_KIB, "{words:?}: {} KiB", said.peak_kib);
        }
    }
}

#[test]
fn many_faults_take_no_longer_each_and_are_counted() {
    let place = Place::new();
    let documents = place.write("many.yaml", &"---\nkind: Workflow\n".repeat(3_000));
    let said = run(&place, &documents);
    assert_eq!(said.code, Some(1));
    assert!(
        said.errors.contains("more: `argosy lint` shows all"),
        "{}",
        said.errors
    );
    assert!(said.errors.len() < 50_000, "{} bytes", said.errors.len());
    place.write("many_test.yaml", &"---\nkind: Workflow\n".repeat(3_000));
    let said = watched(&place, &["test", "many_test.yaml"], Stdio::null());
    assert_eq!(said.code, Some(1));
    assert!(said.errors.contains("more faults"), "{}", said.errors);
    assert!(said.errors.len() < 50_000, "{} bytes", said.errors.len());
}
