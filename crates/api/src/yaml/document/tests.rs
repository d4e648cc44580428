//! The quick reader reads what it takes exactly as the full parser does.

use std::path::{Path, PathBuf};

use super::*;

#[test]
fn a_part_of_a_text_is_pointed_at() {
    let source = Source::new("f", "a: x\nb: 'say {{=p = 1}}'\n");
    let (documents, faults) = read_documents(&source, &Limits::default());
    assert!(faults.is_empty());
    let path = FieldPath::default().field("b");
    let told = |part: Part| {
        let mut diagnostic = Diagnostic::warning("w", path.clone(), "m");
        diagnostic.part = Some(part);
        let span = documents[0].place(diagnostic).span.expect("it is placed");
        (span.line, span.column, span.end - span.start)
    };
    assert_eq!(told(Part::from("p = 1")), (2, 12, 5));
    let spot = Part {
        text: "p = 1".to_owned(),
        spot: 2..3,
    };
    assert_eq!(told(spot), (2, 14, 1));
    // What is not there, points at the whole.
    assert_eq!(told(Part::from("q")).1, 4);
}

/// Compares the two; says whether the quick one took the text.
fn compare(name: &str, text: &str) -> bool {
    let limits = Limits::default();
    let Some((quick, quick_faults)) = quick::read(text, &limits) else {
        return false;
    };
    let (full, full_faults) = events::read(text, &limits);
    let shown = |faults: &[Fault]| {
        faults
            .iter()
            .map(|fault| format!("{fault:?}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&quick_faults),
        shown(&full_faults),
        "faults of {name}:\n{text}"
    );
    assert_eq!(quick.len(), full.len(), "documents of {name}:\n{text}");
    for (quick, full) in quick.iter().zip(&full) {
        assert_eq!(quick.nodes.len(), full.nodes.len(), "{name}:\n{text}");
        for (left, right) in quick.nodes.iter().zip(&full.nodes) {
            let texts = (
                content(quick, text, left.value),
                content(full, text, right.value),
            );
            assert_eq!(
                texts.0, texts.1,
                "{name} at {left:?} and {right:?}:\n{text}"
            );
            assert_eq!(
                (left.start, left.end),
                (right.start, right.end),
                "{name}: {texts:?} in\n{text}"
            );
        }
    }
    true
}

fn content(tree: &Tree, source: &str, value: Value) -> String {
    match value {
        Value::Text(text) => format!("{:?}", tree.text(source, text)),
        other => format!("{other:?}"),
    }
}

fn visit(folder: &Path, visitor: &mut impl FnMut(&Path, &str)) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            visit(&path, visitor);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            visitor(&path, &text);
        }
    }
}

#[test]
fn both_readers_agree_on_the_examples() {
    let folder = std::env::var_os("ARGOSY_ARGO_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo"),
        PathBuf::from,
    );
    let (mut taken, mut all) = (0, 0);
    visit(&folder.join("examples"), &mut |path, text| {
        all += 1;
        taken += usize::from(compare(&path.display().to_string(), text));
    });
    assert!(
        taken * 10 >= all * 8,
        "the quick reader takes only {taken} of {all} examples"
    );
}

/// Pieces that make up YAML when they are put one after the other.
const PIECES: &[&str] = &[
    "a",
    "b: ",
    "c:",
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "\n  - ",
    "- ",
    "-",
    ": ",
    ":",
    " # note",
    "#",
    " ",
    "'x'",
    "\"y\"",
    "\"z\\n\"",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ",",
    "|\n",
    "|-\n",
    "|+\n",
    "    text\n",
    "  more\n",
    "\n\n",
    "---\n",
    "...\n",
    "? ",
    "&x ",
    "*x",
    "!!str ",
    "<<: ",
    "1",
    "0o7",
    "yes",
    "~",
    ">",
    "\t",
    "é",
    "''",
    "\\",
    "key: value\n",
    "key:\n  - one\n",
    "\"k\": v\n",
    "- - n\n",
    "- k: v\n",
    "%",
    "@",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 20_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn both_readers_agree_on_made_up_texts(choice in proptest::collection::vec(0..PIECES.len(), 0..14)) {
        let text: String = choice.into_iter().map(|piece| PIECES[piece]).collect();
        compare("made up", &text);
    }
}
