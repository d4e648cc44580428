//! Go's durations: `1h30m`, and bare numbers of seconds, as Argo's `ParseStringToDuration` reads
//! them; and how Argo prints them in messages.

/// A duration in nanoseconds: a bare integer is seconds.
///
/// # Errors
/// If it isn't one, in Go's words.
pub fn parse_nanoseconds(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds.saturating_mul(1_000_000_000));
    }
    let invalid =
        || format!("unable to parse {text} as a duration: time: invalid duration \"{text}\"");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(invalid)?;
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let scale = match &rest[..unit] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 86_400e9,
            _ => return Err(invalid()),
        };
        total += number * scale;
        rest = &rest[unit..];
    }
    let total = total.min(i64::MAX as f64) as i64;
    Ok(if negative { -total } else { total })
}

/// The same in whole seconds, rounded up: times that decide are whole seconds.
///
/// # Errors
/// If it isn't a duration.
pub fn parse_seconds(text: &str) -> Result<i64, String> {
    parse_nanoseconds(text).map(whole_seconds_up)
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
    let sign = if seconds < 0 { "-" } else { "" };
    let left = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (left / 3_600, left / 60 % 60, left % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
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
            ("2d", 172_800),
        ] {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for text in ["", "x", "10x", "s", "1..5s"] {
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
