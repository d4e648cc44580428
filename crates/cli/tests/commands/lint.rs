//! `lint`.

use crate::objects::KEPT;
use crate::place::{Place, errors, text};

#[test]
fn lint_reads_every_kind_and_prints_what_is_asked_for() {
    let place = Place::new();
    place.write("kept.yaml", KEPT);
    assert_eq!(
        place.says(&["lint", "--offline", "."]),
        "✔ no linting errors found!\n"
    );
    place.write(
        "bad.yaml",
        &KEPT.replace("entrypoint: hello", "entrypoint: helo"),
    );
    for (arguments, part) in [
        (&["lint", "bad.yaml"][..], "✖ 3 linting errors found!"),
        (
            &["lint", "bad.yaml", "-o", "simple"],
            "bad.yaml:5:15: error: spec.entrypoint: ",
        ),
        (&["lint", "bad.yaml", "-o", "json"], "\"line\": 5"),
        (&["lint", "bad.yaml", "-o", "sarif"], "\"startLine\": 5"),
        (
            &["lint", "--kinds", "clusterworkflowtemplates", "bad.yaml"],
            "✖ 1 linting errors found!",
        ),
    ] {
        let output = place.argosy(arguments);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let words = "found nothing to lint in the specified paths, failing...\n";
    let nothing = ["lint", "--kinds", "workflows", "kept.yaml", "-o"];
    for (form, out, err) in [
        ("pretty", format!("✖ {words}"), ""),
        ("simple", words.to_owned(), ""),
        ("json", "[]\n".to_owned(), words),
    ] {
        let output = place.argosy(&[&nothing[..], &[form]].concat());
        assert_eq!(output.status.code(), Some(1), "{form}");
        assert_eq!((text(&output), &*errors(&output)), (out, err), "{form}");
    }
}

#[test]
fn a_misspelt_field_is_one_fault_and_its_value_is_checked() {
    let place = Place::new();
    let good = "  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [echo, hello]}
";
    for (right, written, faults) in [
        (
            "entrypoint",
            "entrypont",
            &["5:3: error: spec.entrypont"][..],
        ),
        ("templates", "template", &["6:3: error: spec.template"]),
        (
            "container",
            "contianer",
            &["8:5: error: spec.templates[0].contianer"],
        ),
        (
            "image",
            "imgae",
            &["8:17: error: spec.templates[0].container.imgae"],
        ),
        // What else is wrong there is found, at its place.
        (
            "templates:\n  - name: main",
            "template:\n  - name: other",
            &["5:15: error: spec.entrypoint", "6:3: error: spec.template"],
        ),
        (
            "container: {image: busybox, command: [echo, hello]}",
            "contaner: {image: busybox, command: [echo, '{{inputs.parameters.nope}}']}",
            &[
                "8:49: error: spec.templates[0].container.command[1]",
                "8:5: error: spec.templates[0].contaner",
            ],
        ),
        // What is there already, or does not fit, is not what was meant.
        (
            "image: busybox",
            "image: busybox, images: [x]",
            &["8:33: error: spec.templates[0].container.images"],
        ),
        (
            "command: [echo, hello]",
            "command: [echo, hello], arg: {a: b}",
            &["8:57: error: spec.templates[0].container.arg"],
        ),
    ] {
        place.workflow("misspelt", &good.replace(right, written));
        let output = place.argosy(&["lint", "-o", "simple", "misspelt.yaml"]);
        let said = text(&output);
        let mut found: Vec<String> = said
            .lines()
            .filter_map(|line| line.strip_prefix("misspelt.yaml:"))
            .map(|line| line.split(": ").take(3).collect::<Vec<_>>().join(": "))
            .collect();
        found.sort_unstable();
        assert_eq!(found, faults, "{written}: {said}");
    }
}

#[test]
fn faults_point_at_what_of_a_text_is_wrong_each_once_and_file_by_file() {
    let place = Place::new();
    let script = "  entrypoint: main
  templates:
  - name: main
    script:
      image: busybox
      command: [sh]
      source: |
        echo {{workflow.name}}
        echo {{inputs.parameters.x}} {{inputs.parameters.x}}
        echo {{=1 +}}
";
    place.workflow("a", script);
    place.workflow("b", "   entrypoint: main\n  templates: []\n");
    place.write(
        "c.yaml",
        &place
            .read("a.yaml")
            .replace("metadata: {name: a}", "metadata: {name: A_b}"),
    );
    let output = place.argosy(&["lint", "--offline", "-o", "simple", "."]);
    let places: Vec<String> = text(&output)
        .lines()
        .map(|line| line.splitn(5, ':').take(4).collect::<Vec<_>>().join(":"))
        .collect();
    assert_eq!(
        places,
        [
            "./a.yaml:13:14: error",
            "./a.yaml:14:19: warning",
            "./b.yaml:6:3: error",
            "./c.yaml:3:18: warning",
            "./c.yaml:13:14: error",
            "./c.yaml:14:19: warning",
        ]
    );
}
