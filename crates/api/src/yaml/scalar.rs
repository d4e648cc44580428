//! What a plain YAML scalar means: the rules of go-yaml v2, through which Kubernetes reads YAML.
//! They are mostly YAML 1.1's, so `yes`, `on` and `y` are booleans and `0777` is octal.

/// A scalar's value after resolution. Text is left where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text,
    /// `<<`, which as a key merges another map in.
    Merge,
}

/// Resolves a scalar that has neither quotes nor a tag.
pub(crate) fn resolve_plain(text: &str) -> Scalar {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' => {
            if text.len() <= 5 && matches!(text, "+.inf" | "+.Inf" | "+.INF") {
                return Scalar::Float(f64::INFINITY);
            }
            if text.len() == 5 && matches!(text, "-.inf" | "-.Inf" | "-.INF") {
                return Scalar::Float(f64::NEG_INFINITY);
            }
            number(text)
        }
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => decimal(text),
        },
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' | b'<'
            if text.len() <= 5 =>
        {
            word(text)
        }
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "<<" => Scalar::Merge,
        _ => Scalar::Text,
    }
}

fn number(text: &str) -> Scalar {
    // Most texts that begin with a digit are names, versions or dates.
    if !text.bytes().all(|b| {
        b.is_ascii_hexdigit() || matches!(b, b'+' | b'-' | b'.' | b'_' | b'x' | b'X' | b'o' | b'O')
    }) {
        return Scalar::Text;
    }
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        stripped.as_str()
    } else {
        text
    };
    whole(plain).unwrap_or_else(|| decimal(plain))
}

/// A whole number in Go's notation, where the prefix gives the base.
fn whole(plain: &str) -> Option<Scalar> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust's parser takes a sign of its own, and there has been one.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    Some(i64::try_from(magnitude).map_or(Scalar::UInt(magnitude), Scalar::Int))
}

/// A decimal number: digits with at most one point, then perhaps an exponent.
fn decimal(plain: &str) -> Scalar {
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_holds = exponent.is_none_or(|text| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && are_digits(digits)
    });
    if !are_digits(whole)
        || !are_digits(fraction)
        || whole.len() + fraction.len() == 0
        || !exponent_holds
    {
        return Scalar::Text;
    }
    match plain.parse::<f64>() {
        // Go reports a range error, and the text stays text.
        Ok(value) if value.is_finite() => shorten(value),
        _ => Scalar::Text,
    }
}

/// Go writes `5.0` as `5` when it turns YAML into JSON, so that is what everyone after sees.
pub(crate) fn shorten(value: f64) -> Scalar {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() == 0.0
        && value > -LIMIT
        && value < LIMIT
        && !(value == 0.0 && value.is_sign_negative())
    {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and in range, as just checked"
        )]
        return Scalar::Int(value as i64);
    }
    Scalar::Float(value)
}
