//! What slips in YAML's syntax are told as: the line, what is wrong, and what to do.

use argosy_api::{Limits, Source, read_documents};

/// A text, and its first fault: line and column, a part of the message, and a part of the help.
type Case = (
    &'static str,
    &'static str,
    (u32, u32),
    &'static str,
    &'static str,
);

const CASES: &[Case] = &[
    (
        "deeper than a neighbour with a value",
        "a:\n  - name: main\n     container:\n      image: x\n",
        (3, 6),
        "this line is indented by 5 spaces, deeper than `name: main` above it, which has a value already",
        "indent it by 4 spaces to have it beside `name`",
    ),
    (
        "between a dash and its key",
        "a:\n  - name: main\n   container:\n      image: x\n",
        (3, 4),
        "this line is indented by 3 spaces, as nothing above it is",
        "indent it by 4 spaces to have it beside `name: main` (line 2), or by 2 spaces to have it beside `- name: main` (line 2)",
    ),
    (
        "between a map and its keys",
        "a:\n  b:\n    image: x\n   command: y\n",
        (4, 4),
        "this line is indented by 3 spaces, as nothing above it is",
        "by 4 spaces to have it beside `image: x` (line 3), or by 2 spaces to have it beside `b:` (line 2)",
    ),
    (
        "a text that is cut",
        "a:\n  source: |\n     echo a\n    echo b\n",
        (4, 5),
        "this line is indented less than the text that begins in line 3",
        "indent it by 5 spaces or more to have it in the text of `source: |` (line 2)",
    ),
    (
        "a text that is cut at its key's own column",
        "a:\n  source: |\n   echo a\n  echo b\n",
        (4, 3),
        "this line is indented less than the text that begins in line 3",
        "indent it by 3 spaces or more",
    ),
    (
        "the lines of a text are not places to stand beside",
        "a:\n  b:\n    source: |\n        if x\n   c: 1\n",
        (5, 4),
        "this line is indented by 3 spaces, as nothing above it is",
        "by 4 spaces to have it beside `source: |` (line 3), or by 2 spaces",
    ),
    (
        "a tab in the next line",
        "a:\n  b: c\n\td: e\n",
        (3, 1),
        "this line is indented with a tab",
        "spaces",
    ),
    (
        "no space behind a colon",
        "a:\n  image: x\n  command:[sh]\n",
        (3, 3),
        "there is no space behind `command:`",
        "with a space",
    ),
    (
        "a line without a key",
        "a:\n  image: x\n  echo hello\n",
        (3, 3),
        "`echo hello` is no `key: value`",
        "`key: |`",
    ),
    (
        "an open bracket",
        "a:\n  args: [b, c\n  command: [x]\n",
        (2, 9),
        "this '[' is not closed",
        "close it by ']'",
    ),
    (
        "an open quote",
        "a:\n  args: [\"b, c]\n  command: [x]\n",
        (2, 10),
        "this quote is not closed",
        "close it",
    ),
    (
        "two colons",
        "a:\n  command: sh -c: foo\n",
        (2, 17),
        "the value of `command` holds a colon and a space",
        "in quotes",
    ),
    (
        "a tag without quotes",
        "a:\n  image: {{inputs.parameters.x}}\n",
        (2, 11),
        "a map can't be the key of a map",
        "in quotes",
    ),
    (
        "an alias that was meant as a text",
        "a: *.txt\n",
        (1, 4),
        "no anchor of this name",
        "in quotes",
    ),
    (
        "a character that begins no text",
        "a: @x\n",
        (1, 4),
        "unexpected character",
        "in quotes",
    ),
];

#[test]
fn slips_are_told_in_the_words_of_who_writes_yaml() {
    let mut wrong = Vec::new();
    for (what, text, place, message, help) in CASES {
        let (_, faults) = read_documents(&Source::new("f", *text), &Limits::default());
        let Some(fault) = faults.first() else {
            wrong.push(format!("{what}: no fault"));
            continue;
        };
        let span = fault.span.unwrap_or_default();
        let found_help = fault.help.as_deref().unwrap_or_default();
        if (span.line, span.column) != *place
            || !fault.message.contains(message)
            || !found_help.contains(help)
        {
            wrong.push(format!("{what}: {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
