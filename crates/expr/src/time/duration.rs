//! Durations as Go writes and reads them.

use std::fmt::Write as _;

/// Nanoseconds as Go's `Duration.String` prints them: `1h2m3.5s`, `1.5ms`, `0s`.
pub fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    match size {
        0 => "0s".into(),
        1..1_000 => format!("{sign}{size}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", fraction(size, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fraction(size, 1_000_000)),
        _ => {
            let seconds = size / 1_000_000_000;
            let mut out = String::from(sign);
            if seconds >= 3_600 {
                write!(out, "{}h", seconds / 3_600).expect("writing to a String can't fail");
            }
            if seconds >= 60 {
                write!(out, "{}m", seconds / 60 % 60).expect("writing to a String can't fail");
            }
            let rest = size % 60_000_000_000;
            out.push_str(&fraction(rest, 1_000_000_000));
            out.push('s');
            out
        }
    }
}

fn fraction(size: u64, unit: u64) -> String {
    let whole = size / unit;
    let rest = size % unit;
    if rest == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    let rest = format!("{rest:0digits$}");
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

/// The nanoseconds of a duration, read as Go's `time.ParseDuration` does.
///
/// # Errors
/// If it is none, in Go's words.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && decimals.is_empty()) || decimals.contains('.') {
            return Err(invalid());
        }
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit_name, tail) = tail.split_at(end);
        let unit: u128 = match unit_name {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            _ => {
                return Err(format!(
                    "time: unknown unit {unit_name:?} in duration {text:?}"
                ));
            }
        };
        let whole: u128 = match whole {
            "" => 0,
            _ => whole.parse::<u64>().map_err(|_| invalid())?.into(),
        };
        total = total.saturating_add(whole.saturating_mul(unit));
        let mut place = unit;
        for digit in decimals.bytes() {
            place /= 10;
            total += u128::from(digit - b'0') * place;
        }
        rest = tail;
    }
    let size = i128::try_from(total).map_err(|_| invalid())?;
    i64::try_from(if negative { -size } else { size }).map_err(|_| invalid())
}

/// As Go's `Duration.Round`: to the nearest multiple, halves away from zero.
pub(crate) fn round_duration(nanoseconds: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanoseconds;
    }
    let rest = i128::from(nanoseconds) % i128::from(unit);
    let rounded = if rest.abs() * 2 < i128::from(unit) {
        i128::from(nanoseconds) - rest
    } else {
        i128::from(nanoseconds) - rest + i128::from(unit) * rest.signum()
    };
    i64::try_from(rounded).unwrap_or(nanoseconds)
}
