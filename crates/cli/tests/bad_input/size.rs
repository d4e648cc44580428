//! Files that are too large, too deep or too many.

use std::process::Stdio;

use crate::place::Place;
use crate::{ECHO, MAX_KIB, alias_bomb, check, echo, run, watched, workflow};

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

/// Only running it shows it; other commands have nothing to say of such a file.
#[test]
fn what_no_process_can_be_given() {
    let place = Place::new();
    let value = "x".repeat(9_000_000);
    let content = workflow(&format!(
        "  templates:\n  - name: main\n    container: {{image: a, command: [echo], env: [{{name: A, value: '{value}'}}]}}\n"
    ));
    let said = run(&place, &place.write("variable.yaml", &content));
    let all = said.out + &said.errors;
    assert_eq!(said.code, Some(1), "{all}");
    let expected = "the environment is larger than any process can be given";
    assert!(all.contains(expected) && all.len() < 20_000, "{all}");
    assert!(said.peak_kib < MAX_KIB, "{} KiB", said.peak_kib);
}

#[test]
fn sizes_and_depths() {
    let deep = 100_000;
    let (open, close) = ("(".repeat(deep), ")".repeat(deep));
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
        ("bomb", alias_bomb(), &["bomb.yaml:", "aliases written out"]),
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
