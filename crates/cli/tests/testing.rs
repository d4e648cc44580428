//! `argosy test`, as its users see it.

mod place;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use place::{Place, errors, text};

const WORKFLOW: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: wf-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: a, template: work}], [{name: b, template: work}]]
  - name: work
    container: {image: busybox}
";

const TESTS: &str = "\
apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {name: both run}
spec:
  workflow: wf.yaml
  mocks: [{node: a, duration: 2s}]
  expect: {ran: [a, b], duration: 2}
---
apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {name: 'b <fails> # early'}
spec:
  workflow: wf.yaml
  mocks: [{node: a, exitCode: 1}]
  expect:
    phase: Failed
    nodes:
      a: Succeeded
";

/// A folder with a workflow and two tests of it, of which one fails.
fn place() -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.dir.path().join("tests/more")).expect("a folder");
    place.write("tests/wf.yaml", WORKFLOW);
    place.write("tests/wf_test.yaml", TESTS);
    place
}

#[test]
fn the_tests_of_the_examples_pass() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let said = Place::new().says(&["test", "--strict", &examples.to_string_lossy()]);
    assert!(said.contains("6 tests passed"), "{said}");
}

#[test]
fn a_failure_is_a_difference_with_its_places() {
    let output = place().argosy(&["test", "tests"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    let expected = "\
✔ both run (tests/wf_test.yaml:1)
✖ b <fails> # early (tests/wf_test.yaml:9)
    nodes.a at tests/wf_test.yaml:18, template at tests/wf.yaml:9
    - Succeeded
    + Failed
1 of 2 tests failed in ";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn the_forms() {
    let place = place();
    for (form, parts) in [
        (
            "tap",
            &[
                "TAP version 14\n1..2\nok 1 - both run\nnot ok 2 - b <fails> \\# early\n  ---\n",
                "    nodes.a at tests/wf_test.yaml:18",
            ][..],
        ),
        (
            "junit",
            &[
                r#"<testsuite name="tests/wf_test.yaml" tests="2" failures="1""#,
                r##"<testcase name="b &lt;fails&gt; # early""##,
                r#"<failure message="nodes.a" type="Expectation">nodes.a at tests/wf_test.yaml:18"#,
            ],
        ),
        (
            "json",
            &[r#""originFile": "tests/wf.yaml""#, r#""virtualSeconds": 2"#],
        ),
    ] {
        let output = place.argosy(&["test", "-o", form, "tests"]);
        assert_eq!(output.status.code(), Some(1), "{form}");
        let said = text(&output);
        for part in parts {
            assert!(said.contains(part), "{form}: no {part} in {said}");
        }
    }
}

#[test]
fn which_tests_are_played() {
    let place = place();
    let said = place.says(&["test", "--filter", "both"]);
    assert!(said.contains("1 test passed"), "{said}");
    assert!(
        place
            .fails(&["test", "--filter", "none"])
            .contains("no test")
    );
    let output = place.argosy(&["test", "--strict", "--filter", "both", "tests/wf_test.yaml"]);
    let said = text(&output);
    assert!(said.contains("no mock is for the node wf[1].b"), "{said}");
}

#[test]
fn a_file_that_is_no_test_is_a_fault() {
    let place = place();
    place.write(
        "bad_test.yaml",
        &TESTS.replace("ran: [a, b]", "run: [a, b]"),
    );
    let output = place.argosy(&["test", "bad_test.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = errors(&output);
    assert!(said.contains("bad_test.yaml:7"), "{said}");
    assert!(said.contains("spec.expect.run"), "{said}");
}

#[test]
fn faults_of_what_a_test_names_are_shown() {
    let place = place();
    let misspelt = WORKFLOW.replace("entrypoint: main", "entrypoint: main\n  tempaltes: []");
    place.write("tests/wf.yaml", &misspelt);
    let tap = place.argosy(&["test", "-o", "tap", "--filter", "both"]);
    assert_eq!(tap.status.code(), Some(1));
    let said = text(&tap);
    assert!(
        said.contains("1..2\nok 1 - both run\nnot ok 2 - tests/wf.yaml\n"),
        "{said}"
    );
    assert!(errors(&tap).contains("tests/wf.yaml:6"), "{}", errors(&tap));
    let junit = text(&place.argosy(&["test", "-o", "junit"]));
    let error = r#"<error message="the file has faults" type="Fault">tests/wf.yaml:6:3: error: spec.tempaltes"#;
    assert!(junit.contains(error), "{junit}");
    let json = text(&place.argosy(&["test", "-o", "json", "--filter", "both"]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["passed"], false);
    assert_eq!(json["faults"].as_array().map(Vec::len), Some(1));
}

#[test]
fn tests_can_be_listed_and_left_out() {
    let place = place();
    let listed = place.says(&["test", "--list", "--filter", "early", "--filter", "nothing"]);
    assert_eq!(listed, "tests/wf_test.yaml:9: b <fails> # early\n");
    place.write(
        "tests/wf_test.yaml",
        &TESTS.replace("spec:", "spec:\n  skip: 'not # now'"),
    );
    let plain = place.says(&["test"]);
    assert!(
        plain.contains("○ both run (tests/wf_test.yaml:1): not # now\n"),
        "{plain}"
    );
    assert!(plain.contains("0 tests passed, 2 skipped"), "{plain}");
    let tap = place.says(&["test", "-o", "tap"]);
    assert!(tap.contains("ok 1 - both run # SKIP not # now\n"), "{tap}");
    let junit = place.says(&["test", "-o", "junit"]);
    assert!(
        junit.contains(r#"<skipped message="not # now"/>"#),
        "{junit}"
    );
}

#[test]
fn the_schema_is_printed() {
    let schema = Place::new().says(&["test", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(schema["title"], "WorkflowTest");
}

#[test]
fn a_folder_of_templates_can_be_named() {
    let place = place();
    std::fs::create_dir_all(place.dir.path().join("tests/shared")).expect("a folder");
    let template = |name: &str| {
        let kind = WORKFLOW.replace("kind: Workflow", "kind: WorkflowTemplate");
        kind.replace("generateName: wf-", &format!("name: {name}"))
    };
    place.write("tests/shared/a.yaml", &template("first"));
    place.write("tests/shared/b.yaml", &template("second"));
    let test = "\
apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {name: by reference}
spec:
  files: [shared]
  workflow: {metadata: {name: x}, spec: {workflowTemplateRef: {name: second}}}
  expect: {ran: [a, b]}
";
    place.write("tests/folder_test.yaml", test);
    place.says(&["test", "tests/folder_test.yaml"]);
}

#[test]
fn tests_with_one_snapshot_for_different_things_are_refused() {
    let place = place();
    let snapshot = "expect: {phase: Failed, snapshot: both.yaml}\n";
    let tests = TESTS.replace(
        "expect: {ran: [a, b], duration: 2}",
        "expect: {snapshot: both.yaml}",
    );
    let at = tests.rfind("expect:").expect("it is there");
    place.write("tests/wf_test.yaml", &format!("{}{snapshot}", &tests[..at]));
    let said = place.fails(&["test", "--update"]);
    assert!(said.contains("have the same snapshot"), "{said}");
}

#[test]
fn what_no_test_has_taken() {
    let place = place();
    place.write(
        "tests/more/wf_test.yaml",
        &TESTS.replace("wf.yaml", "../wf.yaml"),
    );
    let plain = text(&place.argosy(&["test", "--coverage"]));
    assert!(
        plain.contains("\n2 of 2 branches taken (100.0%)\n"),
        "{plain}"
    );
    place.write(
        "tests/wf.yaml",
        &WORKFLOW.replace("template: work}]]", "template: work, when: '1 > 2'}]]"),
    );
    let tap = text(&place.argosy(&["test", "--coverage", "-o", "tap"]));
    let missed =
        "# 3 of 4 branches taken (75.0%)\n#   not taken: when of b holds at tests/wf.yaml:8\n";
    assert!(tap.contains(missed), "{tap}");
    let json = text(&place.argosy(&["test", "--coverage", "-o", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["branches"].as_array().map(Vec::len), Some(4));
    let one = TESTS.split("---").next().unwrap_or_default();
    place.write(
        "tests/one_test.yaml",
        &one.replace("[a, b], duration", "[a], duration"),
    );
    let least = |percent: &str| {
        place.argosy(&[
            "test",
            "tests/one_test.yaml",
            "-o",
            "junit",
            "--coverage-min",
            percent,
        ])
    };
    assert!(least("75").status.success());
    let less = least("75.1%");
    assert_eq!(less.status.code(), Some(1));
    let said = errors(&less);
    assert!(said.contains("3 of 4 branches taken"), "{said}");
    assert!(
        said.contains("the tests take 75.0% of the branches, less than 75.1%"),
        "{said}"
    );
}

#[test]
fn snapshots_are_written_and_compared() {
    let place = place();
    let test = "\
apiVersion: argosy.dev/v1alpha1
kind: WorkflowTest
metadata: {name: as ever}
spec:
  workflow: wf.yaml
  mocks: [{node: a, outcomes: [{duration: 3}]}]
  expect: {snapshot: wf.snapshot.yaml}
";
    place.write("tests/snap_test.yaml", test);
    let play = |more: &[&str]| {
        let mut arguments = vec!["test", "tests/snap_test.yaml"];
        arguments.extend(more);
        place.argosy(&arguments)
    };
    let said = text(&play(&[]));
    assert!(said.contains("argosy test --update"), "{said}");
    assert!(play(&["--update"]).status.success());
    assert!(play(&[]).status.success());
    let file = place.dir.path().join("tests/wf.snapshot.yaml");
    let written = std::fs::read_to_string(&file).expect("it was written");
    assert!(written.contains("duration: 3\n"), "{written}");
    let line = written.lines().position(|line| line == "duration: 3");
    let line = line.expect("it is there") + 1;
    place.write(
        "tests/snap_test.yaml",
        &test.replace("duration: 3", "duration: 4"),
    );
    let said = text(&play(&[]));
    let difference =
        format!("    snapshot duration at tests/wf.snapshot.yaml:{line}\n    - 3\n    + 4\n");
    assert!(said.contains(&difference), "{said}");
    assert!(play(&["--update"]).status.success());
}

/// A program that is ended with its test, however that ends.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn changes_are_watched() {
    let place = place();
    let child = place
        .command(&["test", "--watch", "tests"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("argosy runs");
    let mut watching = Watching(child);
    let out = BufReader::new(watching.0.stdout.take().expect("it is piped"));
    let mut lines = out.lines().map_while(Result::ok);
    // What a round ends with, once it is there.
    let mut end = || {
        let line = lines.find(|line| line.contains(" tests "));
        line.unwrap_or_default()
    };
    assert!(end().starts_with("1 of 2 tests failed"));
    place.write(
        "tests/wf_test.yaml",
        &TESTS.replace("      a: Succeeded", "      a: Failed"),
    );
    assert!(end().starts_with("2 tests passed"));
    place.write(
        "tests/wf.yaml",
        &WORKFLOW.replace("name: b,", "name: other,"),
    );
    assert!(end().starts_with("1 of 2 tests failed"));
    place.write(
        "tests/more/new_test.yaml",
        &TESTS.replace("wf.yaml", "../wf.yaml"),
    );
    assert!(end().starts_with("3 of 4 tests failed"));
    let ended = watching.0.try_wait().expect("it can be asked");
    assert!(ended.is_none(), "it goes on until it is ended");
}
