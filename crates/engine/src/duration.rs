//! Durations as Argo's `ParseStringToDuration` reads them, and as Argo prints them in messages.

use argosy_expr::{duration_text, parse_duration};

/// A duration in nanoseconds: Go's, or a bare number of seconds.
///
/// # Errors
/// If it isn't one, in Argo's words.
pub fn parse_nanoseconds(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds.saturating_mul(1_000_000_000));
    }
    parse_duration(text).map_err(|error| format!("unable to parse {text} as a duration: {error}"))
}

/// The same in whole seconds, rounded up: times that decide are whole seconds.
///
/// # Errors
/// If it isn't a duration.
pub fn parse_seconds(text: &str) -> Result<i64, String> {
    parse_nanoseconds(text).map(whole_seconds_up)
}

/// A span of time as people write it, in whole seconds: also of days, as `7d`. Argo:
/// `argotime.ParseSince`, `config.TTL`.
///
/// # Errors
/// If it isn't one.
pub fn parse_span_seconds(text: &str) -> Result<i64, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok());
    match days {
        Some(days) => Ok(days.saturating_mul(86_400)),
        None => parse_seconds(text),
    }
}

/// Nanoseconds as whole seconds, rounded up.
pub fn whole_seconds_up(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(1_000_000_000) + i64::from(nanoseconds.rem_euclid(1_000_000_000) > 0)
}

/// A span of seconds as Argo's messages have it: `2 minutes 5 seconds`. The second unit is always
/// plural. Argo: `util/humanize`.
pub fn humanized(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let first = |count: i64, unit: &str| match count {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    };
    match seconds {
        0..60 => first(seconds, "second"),
        60..3_600 => format!("{} {} seconds", first(seconds / 60, "minute"), seconds % 60),
        3_600..86_400 => format!(
            "{} {} minutes",
            first(seconds / 3_600, "hour"),
            seconds / 60 % 60
        ),
        _ => format!(
            "{} {} hours",
            first(seconds / 86_400, "day"),
            seconds / 3_600 % 24
        ),
    }
}

/// A span of whole seconds as Go prints it: `1h0m5s`.
pub fn go_text(seconds: i64) -> String {
    duration_text(seconds.saturating_mul(1_000_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_argo_reads_them() {
        for (text, seconds) in [
            ("10", 10),
            ("10s", 10),
            ("1m30s", 90),
            ("1.5h", 5_400),
            ("1500ms", 2),
        ] {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        assert_eq!(parse_span_seconds("2d"), Ok(172_800));
        assert_eq!(parse_span_seconds("90"), Ok(90));
        for text in ["", "x", "10x", "s", "1..5s", "2d"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_printed_as_argo_prints_them() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (10, "10 seconds"),
            (60, "1 minute 0 seconds"),
            (125, "2 minutes 5 seconds"),
            (3_605, "1 hour 0 minutes"),
        ] {
            assert_eq!(humanized(seconds), text);
        }
    }

    #[test]
    fn spans_are_printed_as_go_prints_them() {
        for (seconds, text) in [(0, "0s"), (5, "5s"), (60, "1m0s"), (3_605, "1h0m5s")] {
            assert_eq!(go_text(seconds), text);
        }
    }
}
