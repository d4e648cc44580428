//! The Test Anything Protocol, version 14.

use std::fmt::{Result, Write};

use serde_json::json;

use super::Outcome;
use super::difference::difference;
use super::forms::one_line;

/// All tests, and the files that can't be read, each a test point.
pub fn write(text: &mut String, outcome: &Outcome) -> Result {
    let count = outcome.played.len() + outcome.unread.len();
    writeln!(text, "TAP version 14\n1..{count}")?;
    let mut number = 0;
    for played in outcome.played {
        number += 1;
        let report = &played.report;
        let word = if report.passed() { "ok" } else { "not ok" };
        write!(text, "{word} {number} - {}", described(&report.name))?;
        if let Some(reason) = &report.skipped {
            writeln!(text, " # SKIP {}", one_line(reason))?;
            continue;
        }
        writeln!(text)?;
        if !report.passed() {
            let lines = report.failures.iter().map(difference);
            diagnosed(text, &report.at.to_string(), "failures", lines)?;
        }
    }
    for (file, faults) in outcome.unread {
        number += 1;
        writeln!(text, "not ok {number} - {}", described(file))?;
        let lines = faults.iter().map(crate::files::Fault::plain_line);
        diagnosed(text, file, "faults", lines)?;
    }
    Ok(())
}

/// A block of YAML behind a test point.
fn diagnosed(
    text: &mut String,
    at: &str,
    what: &str,
    parts: impl Iterator<Item = String>,
) -> Result {
    writeln!(text, "  ---\n  at: {}\n  {what}: |", json!(at))?;
    for part in parts {
        for line in part.lines() {
            writeln!(text, "    {line}")?;
        }
    }
    writeln!(text, "  ...")
}

/// A description: a hash sign would begin a directive.
fn described(name: &str) -> String {
    one_line(name).replace('\\', "\\\\").replace('#', "\\#")
}
