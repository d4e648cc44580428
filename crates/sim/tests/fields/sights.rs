//! What is expected to be seen of each field: `sights.txt` says it, a line for each field that shows.
//!
//! A line names the field, what is looked at (the round, the kind, the place), and what is there
//! without the field and with it. `UPDATE=1` writes the file anew: whoever does so reads what changed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::observe::Sight;

/// So many differences of each field are kept.
const MOST: usize = 2;

/// Longer values are cut.
const LONGEST: usize = 90;

const HEADER: &str = "# What shows of each field, without it and with it: written by `UPDATE=1 cargo test -p argosy-sim --test fields`.\n";

/// The first differences between two sights, a line for each.
pub fn differences(without: &Sight, with: &Sight) -> Vec<String> {
    let mut found = Vec::new();
    for ((what, without), (_, with)) in without.0.iter().zip(&with.0) {
        compare(what, without, with, &mut found);
        if found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    found
}

fn compare(at: &str, without: &Value, with: &Value, found: &mut Vec<String>) {
    if without == with || found.len() >= MOST {
        return;
    }
    match (without, with) {
        (Value::Object(without), Value::Object(with)) => {
            let mut keys: Vec<&String> = without.keys().chain(with.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let (without, with) = (without.get(key), with.get(key));
                let at = format!("{at} {key}");
                compare(
                    &at,
                    without.unwrap_or(&Value::Null),
                    with.unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        (Value::Array(without), Value::Array(with)) => {
            for place in 0..without.len().max(with.len()) {
                let (without, with) = (without.get(place), with.get(place));
                compare(
                    &format!("{at} {place}"),
                    without.unwrap_or(&Value::Null),
                    with.unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        (without, with) => found.push(format!("{at}: {} -> {}", short(without), short(with))),
    }
}

/// A value on a line: of an object its name.
fn short(value: &Value) -> String {
    let name = &value["metadata"]["name"];
    let text = match (value["kind"].as_str(), name.as_str()) {
        (Some(kind), Some(name)) => format!("{kind} {name}"),
        _ => value.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Compares all lines with the file, or with `UPDATE=1` writes it.
pub fn check(lines: &[String]) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fields/sights.txt");
    let wanted = format!("{HEADER}{}\n", lines.join("\n"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, wanted).expect("sights.txt can be written");
        return;
    }
    let known = std::fs::read_to_string(&path).expect("sights.txt is there");
    let lines_of = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let (known, wanted) = (lines_of(&known), lines_of(&wanted));
    let differ = |ours: &[String], theirs: &[String], sign: &str| -> Vec<String> {
        let only = ours.iter().filter(|line| !theirs.contains(line));
        only.map(|line| format!("{sign} {line}")).collect()
    };
    let mut wrong = differ(&known, &wanted, "-");
    wrong.extend(differ(&wanted, &known, "+"));
    assert!(
        known == wanted,
        "what shows of fields differs from sights.txt (`UPDATE=1` writes it anew):\n{}",
        wrong.join("\n")
    );
}
