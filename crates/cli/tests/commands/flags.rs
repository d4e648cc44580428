//! What is said of flags and files that can't be used.

use crate::objects::KEPT;
use crate::one_step;
use crate::place::{Place, errors};

#[test]
fn a_fault_of_a_flag_is_told_of_the_flag() {
    let place = Place::new();
    place.write("w.yaml", &one_step("w", "team: a", "true"));
    let long = format!("key={}", "x".repeat(64));
    for (flags, expected) in [
        (
            &["--name", "Bad_Name"][..],
            "--name Bad_Name: error: metadata.name: invalid value \"Bad_Name\"",
        ),
        (&["--name", "Bad_Name"], "help: such as \"bad-name\""),
        (
            &["--generate-name", "Bad_"],
            "--generate-name Bad_: error: metadata.generateName: ",
        ),
        (
            &["--labels", &long],
            "error: metadata.labels.key: invalid value",
        ),
        (&["--labels", "a b=c"], "--labels \"a b=c\": error: "),
        (
            &["-n", "No_Where"],
            "--namespace No_Where: error: metadata.namespace: ",
        ),
        (
            &["--entrypoint", "nope"],
            "--entrypoint nope: error: spec.entrypoint: template name 'nope' undefined",
        ),
        (
            &["-p", "bad name=x"],
            "--parameter \"bad name=x\": error: spec.arguments.parameters[0].name: ",
        ),
        (&["-p", "x"], "\"x\" has no equals sign in it"),
        (
            &["--argo-server", "x:1"],
            "--argo-server is not taken: there is no Argo server",
        ),
        (
            &["--kubeconfig=x"],
            "--kubeconfig is not taken: there is no cluster",
        ),
        (
            &["--priority", "high"],
            "invalid value 'high' for '--priority",
        ),
    ] {
        for command in [&["submit", "w.yaml"][..], &["run", "--host", "w.yaml"]] {
            let said = place.fails(&[command, flags].concat());
            assert!(said.contains(expected), "{flags:?}: {said}");
        }
    }
    assert!(place.says(&["list"]).contains("No workflows found"));
    // What a file has is told of at its place, which flags before it don't move.
    let two = one_step("w", "team: a", "true").replace("name: who,", "name: a}, {name: who who,");
    place.write("two.yaml", &two);
    let said = place.fails(&["submit", "two.yaml", "-p", "a=1"]);
    assert!(
        said.contains("two.yaml:8:46: error: spec.arguments.parameters[1].name: "),
        "{said}"
    );
}

#[test]
fn what_can_not_be_submitted_is_refused_with_its_reason() {
    let place = Place::new();
    place.write("w.yaml", &one_step("w", "team: a", "true"));
    place.says(&["run", "--host", "w.yaml"]);
    place.write("empty.yaml", "# nothing\n");
    place.write(
        "template.yaml",
        &one_step("t", "", "true").replace("kind: Workflow\n", "kind: WorkflowTemplate\n"),
    );
    let resource = place.workflow(
        "makes",
        "  entrypoint: main
  templates:
  - {name: main, resource: {action: get, manifest: '{apiVersion: v1, kind: Pod}'}}
",
    );
    for (words, expected) in [
        (
            &["submit", "w.yaml"][..],
            "workflows.argoproj.io \"w\" already exists",
        ),
        (&["submit"], "no file given"),
        (&["submit", "nowhere.yaml"], "nowhere.yaml does not exist"),
        (&["submit", "http://x/y.yaml"], "curl -s http://x/y.yaml"),
        (&["submit", "empty.yaml"], "they hold no object at all"),
        (
            &["submit", "template.yaml"],
            "no workflow found in given files, but WorkflowTemplate: `argosy apply -f FILE`",
        ),
        (
            &["submit", &resource],
            "workflow makes can't run on this machine: template main is a resource step",
        ),
        (&["submit", "--from", "t"], "--from takes KIND/NAME"),
        (
            &["submit", "--from", "workflowtemplate/nope"],
            "--from workflowtemplate/nope: error: spec.workflowTemplateRef.name: ",
        ),
        (
            &["archive", "list"],
            "archive is not taken: workflows that have ended stay",
        ),
        (&["lst"], "unrecognized subcommand 'lst'"),
    ] {
        let said = place.fails(words);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
    assert_eq!(place.says(&["list", "-o", "name"]), "w\n");
    let nowhere = place.write("file", "");
    let mut command = place.command(&["list", "--data-dir"]);
    let output = command.arg(nowhere).output().expect("argosy runs");
    let said = errors(&output);
    assert!(
        said.contains("--data-dir and ARGOSY_DATA_DIR name another"),
        "{said}"
    );
    assert_eq!(said.matches("Not a directory").count(), 1, "{said}");
}

#[test]
fn a_parameter_that_nothing_speaks_of_is_a_warning() {
    let place = Place::new();
    place.apply(&KEPT.replace(
        "  entrypoint: hello\n",
        "  entrypoint: hello\n  arguments: {parameters: [{name: colour, value: red}]}\n",
    ));
    place.write(
        "one.yaml",
        &crate::one_step("one", "", "echo {{workflow.parameters.who}}"),
    );
    let all = crate::one_step("all", "", "echo {{workflow.parameters.json}}");
    place.write("all.yaml", &all);
    place.write("file.yaml", "{other: 1}");
    let says = |words: &[&str]| {
        let output = place.argosy(&[&["submit", "--dry-run"][..], words].concat());
        assert!(output.status.success(), "{words:?}: {}", errors(&output));
        errors(&output)
    };
    let warning = |name: &str, help: &str| {
        format!(
            "--parameter {name}=x: warning: nothing in the workflow speaks of a parameter \"{name}\"\n{help}"
        )
    };
    let template = ["--from", "workflowtemplate/greet"];
    for (words, expected) in [
        (&["one.yaml", "-p", "who=x"][..], String::new()),
        (
            &["one.yaml", "-p", "woh=x"],
            warning("woh", "  help: did you mean \"who\"?\n"),
        ),
        (&["one.yaml", "-p", "size=x"], warning("size", "")),
        (&["one.yaml", "-f", "file.yaml"], String::new()),
        (&["all.yaml", "-p", "size=x"], String::new()),
        (&[template[0], template[1], "-p", "colour=x"], String::new()),
        (
            &[template[0], template[1], "-p", "color=x"],
            warning("color", "  help: did you mean \"colour\"?\n"),
        ),
    ] {
        assert_eq!(says(words), expected, "{words:?}");
    }
}
