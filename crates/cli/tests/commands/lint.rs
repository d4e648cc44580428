//! `lint`.

use crate::objects::KEPT;
use crate::place::{Place, text};

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
    let nothing = place.fails(&["lint", "--kinds", "workflows", "kept.yaml"]);
    assert!(nothing.contains("found nothing to lint"), "{nothing}");
}
