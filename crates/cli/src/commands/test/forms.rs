//! The forms in which the outcome of tests is printed.

use std::fmt::Write;

use anyhow::Result;
use argosy_sim::testing::{Branch, Coverage};
use serde_json::{Value, json};

use super::difference::difference;
use super::{Outcome, junit, tap};
use crate::style::Style;

/// The forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A line for each test, and what differs
    Plain,
    /// For programs
    Json,
    /// For CI
    Junit,
    /// The Test Anything Protocol, version 14
    Tap,
}

impl Form {
    /// All tests in this form.
    pub fn write(self, outcome: &Outcome, style: Style) -> Result<String> {
        let mut text = String::new();
        match self {
            Self::Plain => {
                plain(&mut text, outcome, style)?;
                if let Some(coverage) = outcome.coverage {
                    branches(&mut text, coverage, "")?;
                }
            }
            Self::Json => {
                let mut value = json(outcome);
                if let Some(coverage) = outcome.coverage {
                    value["branches"] = coverage
                        .all
                        .iter()
                        .map(|branch| as_json(branch, coverage))
                        .collect();
                }
                text = serde_json::to_string_pretty(&value)?;
                text.push('\n');
            }
            Self::Junit => {
                junit::write(&mut text, outcome)?;
                // The form has no place for it.
                if let Some(coverage) = outcome.coverage {
                    let mut aside = String::new();
                    branches(&mut aside, coverage, "")?;
                    eprint!("{aside}");
                }
            }
            Self::Tap => {
                tap::write(&mut text, outcome)?;
                if let Some(coverage) = outcome.coverage {
                    branches(&mut text, coverage, "# ")?;
                }
            }
        }
        Ok(text)
    }
}

fn as_json(branch: &Branch, coverage: &Coverage) -> Value {
    json!({
        "branch": branch.text,
        "file": branch.at.file,
        "line": branch.at.line,
        "taken": coverage.taken.contains(branch),
    })
}

/// How many branches the tests have taken, and those that they have not.
fn branches(text: &mut String, coverage: &Coverage, before: &str) -> std::fmt::Result {
    let (taken, all) = (coverage.taken.len(), coverage.all.len());
    let percent = coverage.percent();
    writeln!(
        text,
        "{before}{taken} of {all} branches taken ({percent:.1}%)"
    )?;
    for branch in coverage.all.difference(&coverage.taken) {
        writeln!(
            text,
            "{before}  not taken: {} at {}",
            branch.text, branch.at
        )?;
    }
    Ok(())
}

fn plain(text: &mut String, outcome: &Outcome, style: Style) -> std::fmt::Result {
    let (ok, wrong, skipped) = match style.utf8() {
        true => ("✔", "✖", "○"),
        false => ("ok  ", "FAIL", "skip"),
    };
    for played in outcome.played {
        let report = &played.report;
        let (name, place) = (one_line(&report.name), &report.at);
        if let Some(reason) = &report.skipped {
            writeln!(text, "{skipped} {name} ({place}): {reason}")?;
            continue;
        }
        if report.passed() {
            writeln!(text, "{} {name} ({place})", style.good(ok))?;
            continue;
        }
        writeln!(text, "{} {name} ({place})", style.bad(wrong))?;
        for failure in &report.failures {
            for (number, line) in difference(failure).lines().enumerate() {
                let line = match line.get(..1) {
                    Some("-") if number > 0 => style.bad(line),
                    Some("+") if number > 0 => style.good(line),
                    _ => line.to_owned(),
                };
                writeln!(text, "    {line}")?;
            }
        }
    }
    let all = outcome.played.len();
    let bad = outcome.failed();
    let left = outcome.played.iter();
    let left = left
        .filter(|played| played.report.skipped.is_some())
        .count();
    let seconds = outcome.took.as_secs_f64();
    match bad {
        0 if all - left == 1 => write!(text, "1 test passed")?,
        0 => write!(text, "{} tests passed", all - left)?,
        _ => write!(text, "{bad} of {} tests failed", all - left)?,
    }
    if left > 0 {
        write!(text, ", {left} skipped")?;
    }
    match outcome.unread.len() {
        0 => {}
        1 => write!(text, ", 1 file has faults")?,
        several => write!(text, ", {several} files have faults")?,
    }
    writeln!(text, " in {seconds:.2}s")
}

fn json(outcome: &Outcome) -> Value {
    let tests: Vec<Value> = outcome
        .played
        .iter()
        .map(|played| {
            let report = &played.report;
            let failures: Vec<Value> = report
                .failures
                .iter()
                .map(|failure| {
                    json!({
                        "subject": failure.subject,
                        "expected": failure.expected,
                        "actual": failure.actual,
                        "file": failure.at.file,
                        "line": failure.at.line,
                        "originFile": failure.origin.as_ref().map(|place| &place.file),
                        "originLine": failure.origin.as_ref().map(|place| place.line),
                        "causes": failure
                            .causes
                            .iter()
                            .map(|cause| {
                                json!({
                                    "node": cause.node,
                                    "phase": cause.phase,
                                    "message": cause.message,
                                    "file": cause.at.as_ref().map(|place| &place.file),
                                    "line": cause.at.as_ref().map(|place| place.line),
                                })
                            })
                            .collect::<Vec<_>>(),
                    })
                })
                .collect();
            json!({
                "name": report.name,
                "file": played.file,
                "line": report.at.line,
                "passed": report.passed(),
                "skipped": report.skipped,
                "virtualSeconds": report.virtual_seconds,
                "seconds": played.took.as_secs_f64(),
                "failures": failures,
            })
        })
        .collect();
    let faults: Vec<String> = outcome
        .unread
        .iter()
        .flat_map(|(_, faults)| faults.iter().map(crate::files::Fault::plain_line))
        .collect();
    let passed = outcome.failed() == 0 && faults.is_empty();
    json!({"passed": passed, "tests": tests, "faults": faults})
}

/// A text without what would end its line or steer a terminal.
pub fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
