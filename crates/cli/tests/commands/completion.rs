//! What the shells' completion offers.

use std::process::Command;

use crate::ended;
use crate::objects::KEPT;
use crate::place::{Place, errors, text};

/// The words that the last of these may become.
fn offered(place: &Place, words: &[&str]) -> Vec<String> {
    let output = place.says(&[&["complete", "--"][..], words].concat());
    output.lines().map(str::to_owned).collect()
}

#[test]
fn words_are_completed_with_what_there_is() {
    let place = ended();
    place.apply(KEPT);
    place.says(&[
        "submit",
        "--from",
        "workflowtemplate/greet",
        "--name",
        "third",
    ]);
    place.says(&["wait", "third"]);
    let all = ["@latest", "third", "bad", "good"];
    for (words, expected) in [
        (&["lis"][..], &["list"][..]),
        (&["get", ""], &all),
        (&["get", "g"], &["good"]),
        (&["-n", "other", "get", ""], &["@latest"]),
        (&["retry", ""], &["@latest", "bad"]),
        (&["stop", ""], &["@latest"]),
        (&["why", "--sync", "go"], &["good"]),
        (&["why", "good", ""], &["good"]),
        (&["get", "good", "-o", "j"], &["json"]),
        (&["get", "good", "--output=y"], &["--output=yaml"]),
        // As bash takes it apart.
        (&["get", "good", "--output", "=", "y"], &["--output=yaml"]),
        (&["get", "good", "--node-f"], &["--node-field-selector"]),
        (&["template", "get", ""], &["greet"]),
        (&["get", "workflowtemplates", ""], &["greet"]),
        (&["submit", "--from", "w"], &["workflowtemplate/greet"]),
        (&["submit", ""], &[":files"]),
        (&["submit", "a.yaml", ""], &[":files"]),
        (&["submit", "-f", ""], &[":files"]),
        (&["node", ""], &["set"]),
        (&["completion", "z"], &["zsh"]),
        (&["version", ""], &[]),
        (&["nonsense", ""], &[]),
        (&["get", "--nonsense", "g"], &["good"]),
    ] {
        assert_eq!(offered(&place, words), expected, "{words:?}");
    }
    let pods = offered(&place, &["logs", "good", ""]);
    assert_eq!(pods, ["good"]);
    let commands = offered(&place, &[""]);
    assert!(commands.contains(&"run".to_owned()), "{commands:?}");
    assert!(!commands.contains(&"runner".to_owned()), "{commands:?}");
}

#[test]
fn nothing_is_made_by_asking() {
    let place = Place::new();
    assert_eq!(offered(&place, &["get", ""]), Vec::<String>::new());
    assert!(!place.data("").exists());
}

#[test]
fn bash_completes_by_its_script() {
    let place = ended();
    let program = env!("CARGO_BIN_EXE_argosy");
    let script = format!(
        "source <({program} completion bash)
         COMP_WORDS=({program} --data-dir {} get \"$@\"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
         _argosy; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        place.data("").display()
    );
    for (words, expected) in [(&["go"][..], "good\n"), (&["good", "-o", "ya"], "yaml\n")] {
        let output = Command::new("bash")
            .args(["-c", &script, "bash"])
            .args(words)
            .output();
        let Ok(output) = output else {
            eprintln!("skipped: there is no bash here");
            return;
        };
        assert_eq!(text(&output), expected, "{words:?}: {}", errors(&output));
    }
}
