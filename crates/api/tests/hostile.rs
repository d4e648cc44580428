//! Whatever the text, reading it ends, with a fault where there is one, in bounded time and memory.

use std::time::{Duration, Instant};

use argosy_api::{Limits, Parsed, Source, Strictness, read_documents, read_objects};

/// Much more than any of these takes, on the slowest machine.
const LONG: Duration = Duration::from_secs(60);

fn read(text: String) -> Parsed {
    let start = Instant::now();
    let parsed = read_objects(&Source::new("case", text), Strictness::Strict);
    assert!(start.elapsed() < LONG, "it took {:?}", start.elapsed());
    assert!(parsed.diagnostics.len() < 2_000);
    parsed
}

fn codes(text: String) -> Vec<&'static str> {
    let parsed = read(text);
    parsed.diagnostics.iter().map(|fault| fault.code).collect()
}

#[test]
fn texts_beyond_the_bounds_are_refused() {
    let bomb: String = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let inner = level - 1;
        text + &format!("a{level}: &a{level} [*a{inner}, *a{inner}]\n")
    });
    let maps: String = (1..40).fold("m0: &m0 {x: y}\n".to_owned(), |text, level| {
        let inner = level - 1;
        text + &format!("m{level}: &m{level} {{a: *m{inner}, b: *m{inner}}}\n")
    });
    let nested: String = (0..100_000)
        .map(|depth| " ".repeat(depth % 200) + "a:\n")
        .collect();
    for (name, text, code) in [
        ("50 MB", "a: b\n".repeat(10 << 20), "too-large"),
        ("an alias bomb", bomb, "too-large"),
        ("an alias bomb of maps", maps, "too-large"),
        ("lists in lists", "[".repeat(100_000), "too-deep"),
        ("maps in maps", "{a: ".repeat(100_000), "too-deep"),
        ("blocks in blocks", "- ".repeat(100_000), "too-deep"),
        ("a circle", "a: &a [*a]".to_owned(), "alias-cycle"),
        ("no anchor", "a: *b".to_owned(), "unknown-alias"),
        ("half a list", "a: [b, c".to_owned(), "yaml-syntax"),
        ("half a text", "a: \"b".to_owned(), "yaml-syntax"),
        ("a NUL", "a: \0".to_owned(), "yaml-syntax"),
        ("a tab", "a:\n\t- b".to_owned(), "yaml-syntax"),
    ] {
        let codes = codes(text);
        assert!(codes.contains(&code), "{name}: {codes:?}");
    }
    assert!(!codes(nested).is_empty());
}

#[test]
fn more_values_than_allowed_are_refused() {
    let limits = Limits {
        nodes: 10_000,
        bytes: 1_000_000,
        ..Limits::default()
    };
    for text in [
        format!(
            "a: &a \"{}\"\nb: [{}]",
            "x".repeat(10_000),
            "*a, ".repeat(200)
        ),
        format!("a: &a [{}]\nb: [*a, {{c: *a}}]", "x".repeat(400_000)),
        format!("a: [{}]", "1, ".repeat(20_000)),
        "- a: b\n".repeat(10_000),
        format!("a: &a [x, x]\nb: [{}]", "*a, ".repeat(5_000)),
    ] {
        let (documents, faults) = read_documents(&Source::new("case", text), &limits);
        assert!(documents.is_empty());
        assert_eq!(faults[0].code, "too-large");
    }
}

#[test]
fn large_texts_within_the_bounds_are_read() {
    for text in [
        "---\n".repeat(200_000),
        "---\na: 1\n".repeat(100_000),
        format!("a: &a x\nb: [{}]", "*a, ".repeat(500_000)),
        (0..200_000).map(|key| format!("k{key}: v\n")).collect(),
        format!("a: \"{}\"", "\\n".repeat(1_000_000)),
        format!("a: |\n{}", "  text\n".repeat(300_000)),
        "# comment\n".repeat(500_000),
        "a: b # c\n".repeat(200_000),
    ] {
        read(text);
    }
}

#[test]
fn many_broken_documents_cost_no_more_than_their_text() {
    let began = std::time::Instant::now();
    for document in ["---\na: [b\n", "---\na: b\n c: d\n", "---\n\ta: b\n"] {
        let text = document.repeat(100_000);
        let (_, faults) = read_documents(&Source::new("case", text), &Limits::default());
        assert!(!faults.is_empty() && faults.len() <= 300, "{document:?}");
    }
    // Were each put into words, it would be minutes.
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn a_cut_manifest_is_a_fault_or_a_manifest() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: \"a\", labels: {b: 'c'}}\nspec:\n  \
                entrypoint: &e main\n  templates:\n  - name: *e\n    steps: [[{name: x, template: y}]]\n  - name: y\n    \
                script: {image: z, source: |\n  }\n";
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        read(text[..end].to_owned());
        read(text[end..].to_owned());
    }
}
