//! Go's durations: `1h30m`.

/// Why a text is no duration, in Go's words; nothing if it is one. Go: `time.ParseDuration`.
pub(super) fn duration_error(text: &str) -> Option<String> {
    let invalid = || Some(format!("time: invalid duration {text:?}"));
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return None;
    }
    if rest.is_empty() {
        return invalid();
    }
    let mut nanoseconds = 0f64;
    while !rest.is_empty() {
        let number_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 || number.len() - digits > 1 {
            return invalid();
        }
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale = match unit {
            "" => return Some(format!("time: missing unit in duration {text:?}")),
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => {
                return Some(format!("time: unknown unit {unit:?} in duration {text:?}"));
            }
        };
        nanoseconds += number.parse::<f64>().unwrap_or(f64::INFINITY) * scale;
        rest = next;
    }
    if nanoseconds > 9.223_372_036_854_776e18 {
        return invalid();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::duration_error;

    #[test]
    fn reads_as_go_does() {
        for (text, expected) in [
            ("1h30m", None),
            ("-1.5s", None),
            ("0", None),
            (".5s", None),
            ("10", Some("time: missing unit in duration \"10\"")),
            ("1d", Some("time: unknown unit \"d\" in duration \"1d\"")),
            ("", Some("time: invalid duration \"\"")),
            (".s", Some("time: invalid duration \".s\"")),
            ("h", Some("time: invalid duration \"h\"")),
            (
                "9999999999h",
                Some("time: invalid duration \"9999999999h\""),
            ),
        ] {
            assert_eq!(duration_error(text).as_deref(), expected, "{text}");
        }
    }
}
