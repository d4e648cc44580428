//! JUnit's form, as CI reads it.

use std::fmt::{Result, Write};
use std::time::Duration;

use super::difference::difference;
use super::{Outcome, Played};

/// All tests, those of a file as a suite. A file that can't be read is a suite with an error.
pub fn write(text: &mut String, outcome: &Outcome) -> Result {
    let all = outcome.played;
    writeln!(text, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        text,
        r#"<testsuites name="argosy test" tests="{}" failures="{}" errors="{}" time="{}">"#,
        all.len() + outcome.unread.len(),
        outcome.failed(),
        outcome.unread.len(),
        seconds(outcome.took)
    )?;
    for suite in all.chunk_by(|one, other| one.file == other.file) {
        of_file(text, suite)?;
    }
    for (file, faults) in outcome.unread {
        let file = escaped(file);
        writeln!(
            text,
            r#"  <testsuite name="{file}" tests="1" failures="0" errors="1" skipped="0" time="0">"#
        )?;
        writeln!(
            text,
            r#"    <testcase name="{file}" classname="{file}" time="0">"#
        )?;
        let lines: Vec<String> = faults.iter().map(crate::files::Fault::plain_line).collect();
        writeln!(
            text,
            r#"      <error message="the file has faults" type="Fault">{}</error>"#,
            escaped(&lines.join("\n"))
        )?;
        writeln!(text, "    </testcase>\n  </testsuite>")?;
    }
    writeln!(text, "</testsuites>")
}

fn of_file(text: &mut String, suite: &[Played]) -> Result {
    let file = escaped(&suite[0].file);
    let count = |is: fn(&Played) -> bool| suite.iter().filter(|played| is(played)).count();
    writeln!(
        text,
        r#"  <testsuite name="{file}" tests="{}" failures="{}" errors="0" skipped="{}" time="{}">"#,
        suite.len(),
        count(|played| !played.report.passed()),
        count(|played| played.report.skipped.is_some()),
        seconds(suite.iter().map(|played| played.took).sum())
    )?;
    for played in suite {
        let report = &played.report;
        write!(
            text,
            r#"    <testcase name="{}" classname="{file}" time="{}""#,
            escaped(&report.name),
            seconds(played.took)
        )?;
        if let Some(reason) = &report.skipped {
            let reason = escaped(reason);
            writeln!(
                text,
                ">\n      <skipped message=\"{reason}\"/>\n    </testcase>"
            )?;
            continue;
        }
        let Some(first) = report.failures.first() else {
            writeln!(text, "/>")?;
            continue;
        };
        // Some readers take but one failure of a test.
        let message = match report.failures.len() {
            1 => first.subject.clone(),
            several => format!("{} and {} more", first.subject, several - 1),
        };
        let whole: Vec<String> = report.failures.iter().map(difference).collect();
        writeln!(text, ">")?;
        writeln!(
            text,
            r#"      <failure message="{}" type="Expectation">{}</failure>"#,
            escaped(&message),
            escaped(&whole.join("\n"))
        )?;
        writeln!(text, "    </testcase>")?;
    }
    writeln!(text, "  </testsuite>")
}

fn seconds(took: Duration) -> String {
    format!("{:.6}", took.as_secs_f64())
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
