//! `list`.

use std::time::Duration;

use crate::ended;
use crate::place::Place;

#[test]
fn lists_show_what_is_asked_for() {
    let place = ended();
    for (arguments, names) in [
        (&["list"][..], &["bad", "good"][..]),
        (&["list", "--completed"], &["bad", "good"]),
        (&["list", "--running"], &[]),
        (&["list", "--status", "Failed,Error"], &["bad"]),
        (&["list", "--prefix", "go"], &["good"]),
        (&["list", "-l", "team=a"], &["good"]),
        (&["list", "-l", "greeted=world"], &["bad", "good"]),
        (
            &["list", "-l", "team in (a,b)", "--chunk-size", "1"],
            &["bad", "good"],
        ),
        (
            &["list", "-l", "workflows.argoproj.io/phase=Failed"],
            &["bad"],
        ),
        (
            &["list", "--field-selector", "metadata.name=good"],
            &["good"],
        ),
        (&["list", "--since", "1h"], &["bad", "good"]),
        (&["list", "--older", "1h"], &[]),
        (&["list", "--resubmitted"], &[]),
        (&["list", "-n", "elsewhere"], &[]),
        (&["list", "-n", "elsewhere", "-A"], &["bad", "good"]),
    ] {
        let said = place.says(&[arguments, &["-o", "name"]].concat());
        let mut found: Vec<&str> = said.lines().filter(|line| !line.contains(' ')).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{arguments:?}");
    }
    let table = place.says(&["list", "-o", "wide"]);
    let head = table.lines().next().unwrap_or_default();
    let columns: Vec<&str> = head.split_whitespace().collect();
    let expected = "NAME STATUS AGE DURATION PRIORITY MESSAGE P/R/C PARAMETERS";
    assert_eq!(columns.join(" "), expected);
    assert!(
        table.contains("0/0/1") && table.contains("who=world"),
        "{table}"
    );
    let json: Vec<serde_json::Value> =
        serde_json::from_str(&place.says(&["list", "-o", "json"])).expect("JSON");
    assert_eq!(json.len(), 2);
    for (arguments, error) in [
        (
            &["list", "--completed", "--running"][..],
            "cannot be used together",
        ),
        (&["list", "--status", "Done"], "the phases are"),
        (&["list", "-l", "a in b"], "label selector"),
        (
            &["list", "--field-selector", "spec.x=1"],
            "can't be selected",
        ),
    ] {
        let said = place.fails(arguments);
        assert!(said.contains(error), "{arguments:?}: {said}");
    }
}

#[test]
fn a_list_shows_counts_that_are_less_than_a_second_old() {
    let place = Place::new();
    let file = place.workflow(
        "count",
        "  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: each, template: work, withSequence: {count: '1500'}}
  - name: work
    container: {image: x, command: [sh, -c, 'echo x >> notes']}
",
    );
    let mut runner = place.start(&["run", "--host", &file]);
    let done = || -> usize {
        let list = place.argosy(&["list", "-o", "json"]);
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap_or_default();
        let text = list[0]["status"]["progress"].as_str().unwrap_or("0/0");
        text.split('/')
            .next()
            .and_then(|done| done.parse().ok())
            .unwrap_or_default()
    };
    let mut looks = 0;
    while runner.lives() {
        let before = place.lines("notes").len();
        std::thread::sleep(Duration::from_millis(900));
        let shown = done();
        if before > 0 && before < 1500 && runner.lives() {
            assert!(
                shown >= before,
                "{shown} shown, {before} done 900 ms before"
            );
            looks += 1;
        }
    }
    assert_eq!(done(), 1500, "after {looks} looks");
}
