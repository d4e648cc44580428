//! The forms in which the outcome of tests is printed.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use argosy_sim::testing::{Branch, Coverage, Failure};
use serde_json::{Value, json};

use super::{Outcome, Played};
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
        let (all, took) = (outcome.played, outcome.took);
        match self {
            Self::Plain => {
                plain(&mut text, all, took, style)?;
                if let Some(coverage) = outcome.coverage {
                    branches(&mut text, coverage, "")?;
                }
            }
            Self::Json => {
                let mut value = json(all);
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
            Self::Junit => junit(&mut text, all, took)?,
            Self::Tap => {
                tap(&mut text, all)?;
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
    writeln!(text, "{before}{taken} of {all} branches taken")?;
    for branch in coverage.all.difference(&coverage.taken) {
        writeln!(
            text,
            "{before}  not taken: {} at {}",
            branch.text, branch.at
        )?;
    }
    Ok(())
}

fn failed(all: &[Played]) -> usize {
    all.iter().filter(|played| !played.report.passed()).count()
}

fn plain(text: &mut String, all: &[Played], took: Duration, style: Style) -> std::fmt::Result {
    for played in all {
        let report = &played.report;
        let place = &report.at;
        if report.passed() {
            writeln!(text, "{} {} ({place})", style.good("✔"), report.name)?;
            continue;
        }
        writeln!(text, "{} {} ({place})", style.bad("✖"), report.name)?;
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
    let bad = failed(all);
    let seconds = took.as_secs_f64();
    match bad {
        0 => writeln!(text, "{} tests passed in {seconds:.2}s", all.len()),
        _ => writeln!(text, "{bad} of {} tests failed in {seconds:.2}s", all.len()),
    }
}

/// A failure: where it is expected and where that comes from, then what was expected (`-`) and what
/// was there (`+`).
fn difference(failure: &Failure) -> String {
    let mut text = format!("{} at {}", failure.subject, failure.at);
    if let Some(origin) = &failure.origin {
        text.push_str(&format!(", template at {origin}"));
    }
    text.push('\n');
    for (sign, value) in [("-", &failure.expected), ("+", &failure.actual)] {
        for line in shown(value).lines() {
            text.push_str(&format!("{sign} {line}\n"));
        }
    }
    text
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn json(all: &[Played]) -> Value {
    let tests: Vec<Value> = all
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
                    })
                })
                .collect();
            json!({
                "name": report.name,
                "file": played.file,
                "line": report.at.line,
                "passed": report.passed(),
                "virtualSeconds": report.virtual_seconds,
                "seconds": played.took.as_secs_f64(),
                "failures": failures,
            })
        })
        .collect();
    json!({"passed": failed(all) == 0, "tests": tests})
}

fn junit(text: &mut String, all: &[Played], took: Duration) -> std::fmt::Result {
    let seconds = |took: Duration| format!("{:.6}", took.as_secs_f64());
    writeln!(text, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        text,
        r#"<testsuites tests="{}" failures="{}" time="{}">"#,
        all.len(),
        failed(all),
        seconds(took)
    )?;
    // The tests of a file stand together.
    for suite in all.chunk_by(|one, other| one.file == other.file) {
        writeln!(
            text,
            r#"  <testsuite name="{}" tests="{}" failures="{}" time="{}">"#,
            escaped(&suite[0].file),
            suite.len(),
            failed(suite),
            seconds(suite.iter().map(|played| played.took).sum())
        )?;
        for played in suite {
            let report = &played.report;
            let name = escaped(&report.name);
            let class = escaped(&played.file);
            let time = seconds(played.took);
            write!(
                text,
                r#"    <testcase name="{name}" classname="{class}" time="{time}""#
            )?;
            if report.passed() {
                writeln!(text, "/>")?;
                continue;
            }
            writeln!(text, ">")?;
            for failure in &report.failures {
                let subject = escaped(&failure.subject);
                let whole = escaped(&difference(failure));
                writeln!(
                    text,
                    r#"      <failure message="{subject}">{whole}</failure>"#
                )?;
            }
            writeln!(text, "    </testcase>")?;
        }
        writeln!(text, "  </testsuite>")?;
    }
    writeln!(text, "</testsuites>")
}

/// A text as XML has it; what XML can't hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

fn tap(text: &mut String, all: &[Played]) -> std::fmt::Result {
    writeln!(text, "TAP version 14\n1..{}", all.len())?;
    for (place, played) in all.iter().enumerate() {
        let report = &played.report;
        let word = if report.passed() { "ok" } else { "not ok" };
        // A hash sign would begin a directive.
        let name = report.name.replace('\\', "\\\\").replace('#', "\\#");
        writeln!(text, "{word} {} - {name}", place + 1)?;
        if !report.passed() {
            writeln!(
                text,
                "  ---\n  at: {}\n  failures: |",
                json!(report.at.to_string())
            )?;
            for failure in &report.failures {
                for line in difference(failure).lines() {
                    writeln!(text, "    {line}")?;
                }
            }
            writeln!(text, "  ...")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn xml_holds_any_text() {
        assert_eq!(
            escaped("a<b> & \"c\"\u{1b}\n"),
            "a&lt;b&gt; &amp; &quot;c&quot;\n"
        );
    }
}
