//! Reading the table.

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    pub file: &'static str,
    pub expected: Expected,
    /// Stands in a message of the run, or in what is printed.
    pub text: Option<&'static str>,
    pub options: Vec<Choice>,
}

/// What comes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Phase(&'static str),
    Kept,
    Refused,
    Needs(&'static str),
}

/// What goes with a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    Apply(&'static str),
    Given,
    /// A semaphore of the database, which gets a limit of one.
    Limit(&'static str),
    /// A node's display name, and a value for one of its outputs.
    Set(&'static str, &'static str),
    Resume,
    Stop,
    Unlucky(&'static str),
    If(&'static str),
}

/// All rows.
pub fn rows() -> Vec<Row> {
    include_str!("table.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(row)
        .collect()
}

fn row(line: &'static str) -> Row {
    let (file, rest) = line.split_once(' ').expect("a file and an expectation");
    let mut parts = rest.split(';').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let (expected, text) = match first.split_once(": ") {
        Some((expected, text)) => (expected, Some(text)),
        None => (first, None),
    };
    let expected = match expected.split_once(' ') {
        Some(("needs", reason)) => Expected::Needs(reason),
        _ => match expected {
            "kept" => Expected::Kept,
            "refused" => Expected::Refused,
            phase @ ("Succeeded" | "Failed" | "Error") => Expected::Phase(phase),
            other => panic!("{file}: the table says {other:?}"),
        },
    };
    let mut options = Vec::new();
    for option in parts {
        match option.split_once(' ').unwrap_or((option, "")) {
            ("apply", files) => options.extend(files.split(' ').map(Choice::Apply)),
            ("given", _) => options.push(Choice::Given),
            ("limit", key) => options.push(Choice::Limit(key)),
            ("set", what) => {
                let (node, value) = what.split_once(' ').expect("a node and a value");
                options.push(Choice::Set(node, value));
            }
            ("resume", _) => options.push(Choice::Resume),
            ("stop", _) => options.push(Choice::Stop),
            ("unlucky", draws) => options.push(Choice::Unlucky(draws)),
            ("if", tool) => options.push(Choice::If(tool)),
            (other, _) => panic!("{file}: the table has an option {other:?}"),
        }
    }
    Row {
        file,
        expected,
        text,
        options,
    }
}
