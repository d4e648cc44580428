//! What every command that reads files makes of them.

use std::process::Stdio;

use crate::place::Place;
use crate::{MAX_KIB, alias_bomb, echo, watched};

#[test]
fn every_command_that_reads_files_says_what_is_wrong_with_them() {
    let files: [(&str, Vec<u8>); 8] = [
        ("truncated.yaml", b"spec:\n  templates: [a, b".to_vec()),
        ("scalar.yaml", b"hello\n".to_vec()),
        ("binary.yaml", b"\x7fELF\0\x80".to_vec()),
        ("latin.yaml", b"a: b\nc: d\xe9\n".to_vec()),
        ("tabs.yaml", b"spec:\n\ttemplates: []\n".to_vec()),
        ("deep.yaml", ["[".repeat(100_000), "]".repeat(100_000)].concat().into()),
        ("bomb.yaml", alias_bomb().into()),
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
