//! `get` and `logs`.

use crate::ended;

#[test]
fn a_workflow_is_shown_as_argo_shows_it() {
    let place = ended();
    let shown = place.says(&["get", "bad"]);
    // On a busy machine it takes a second.
    let shown = shown.replace("  1s  ", "  0s  ");
    for part in [
        "Name:                bad\n",
        "Namespace:           default\n",
        "ServiceAccount:      unset (will run with the default ServiceAccount)\n",
        "Status:              Failed\n",
        "Message:             main: Error (exit code 3)\n",
        "Conditions:          \n PodRunning          False\n Completed           True\n",
        "Progress:            0/1\n",
        "Parameters:          \n  who:               world\n",
        "\nSTEP    TEMPLATE  PODNAME  DURATION  MESSAGE\n ✖ bad  main      bad      0s        main: Error (exit code 3)\n",
    ] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    assert_eq!(
        place.says(&["get", "good", "@latest", "-o", "name"]),
        "good\nbad\n"
    );
    let wide = place.says(&["get", "good", "-o", "wide"]);
    assert!(
        wide.contains("RESOURCESDURATION") && wide.contains("NODENAME"),
        "{wide}"
    );
    let short = place.says(&["get", "good", "-o", "short", "--no-utf8"]);
    assert!(
        short.starts_with("STEP") && short.contains(" Succeeded good"),
        "{short}"
    );
    let none = place.says(&["get", "good", "--status", "Failed"]);
    assert!(!none.contains("✔ good"), "{none}");
    assert!(
        place
            .fails(&["get", "nothing"])
            .contains("\"nothing\" not found")
    );
}

#[test]
fn logs_are_picked_and_cut() {
    let place = ended();
    for (arguments, expected) in [
        (&["logs", "good"][..], "good: hello\ngood: there\n"),
        (
            &["logs", "good", "good", "-f"],
            "good: hello\ngood: there\n",
        ),
        (&["logs", "good", "--tail", "1"], "good: there\n"),
        (&["logs", "good", "--tail", "0"], ""),
        (
            &["logs", "good", "--tail", "-1", "--grep", "t"],
            "good: there\n",
        ),
        (&["logs", "good", "--tail", "1", "--grep", "^h"], ""),
        (&["logs", "good", "--grep", "^h"], "good: hello\n"),
        (
            &["logs", "good", "--since", "1h", "-c", "main"],
            "good: hello\ngood: there\n",
        ),
        (
            &["logs", "good", "--since-time", "2099-01-01T00:00:00Z"],
            "",
        ),
        (
            &["logs", "good", "-l", "workflows.argoproj.io/workflow=good"],
            "good: hello\ngood: there\n",
        ),
        (&["logs", "good", "-l", "app=x"], ""),
        (&["logs", "good", "-c", "wait"], ""),
        (&["logs", "good", "-p"], ""),
        (&["logs", "@latest", "--no-color"], "bad: oh no\n"),
    ] {
        assert_eq!(place.says(arguments), expected, "{arguments:?}");
    }
    let said = place.fails(&["logs", "good", "nope"]);
    assert!(said.contains("workflow good has no pod \"nope\""), "{said}");
    assert!(
        place
            .fails(&["logs", "good", "--since", "soon"])
            .contains("no span of time")
    );
    assert!(
        place
            .fails(&["logs", "good", "--grep", "("])
            .contains("regular expression")
    );
}
