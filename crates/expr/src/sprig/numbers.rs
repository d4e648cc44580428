//! sprig's functions on numbers. They take whatever looks like a number; what doesn't is 0.

use super::decimal::Decimal;
use super::text;
use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, MANY, Outcome, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("atoi", 1, 1, |_, a| {
        Ok(a.string(0)?.parse().unwrap_or(0).into())
    }),
    entry("int", 1, 1, |_, a| Ok(to_int(a.get(0)).into())),
    entry("int64", 1, 1, |_, a| Ok(to_int(a.get(0)).into())),
    entry("float64", 1, 1, |_, a| Ok(to_float(a.get(0)).into())),
    entry("toDecimal", 1, 1, |_, a| {
        let octal = i64::from_str_radix(&text(a.get(0)), 8);
        Ok(octal.unwrap_or(0).into())
    }),
    entry("seq", 0, MANY, seq),
    entry("until", 1, 1, |tools, a| {
        let count = a.int(0)?;
        until_step(tools, 0, count, if count < 0 { -1 } else { 1 })
    }),
    entry("untilStep", 3, 3, |tools, a| {
        until_step(tools, a.int(0)?, a.int(1)?, a.int(2)?)
    }),
    entry("add1", 1, 1, |_, a| {
        Ok(to_int(a.get(0)).wrapping_add(1).into())
    }),
    entry("add", 0, MANY, |_, a| {
        Ok(ints(a).fold(0, i64::wrapping_add).into())
    }),
    entry("sub", 2, 2, |_, a| {
        Ok(to_int(a.get(0)).wrapping_sub(to_int(a.get(1))).into())
    }),
    entry("div", 2, 2, |_, a| divided(a, i64::wrapping_div)),
    entry("mod", 2, 2, |_, a| divided(a, i64::wrapping_rem)),
    entry("mul", 1, MANY, |_, a| {
        Ok(ints(a).fold(1, i64::wrapping_mul).into())
    }),
    entry("add1f", 1, 1, |_, a| {
        let one = Decimal::from_float(1.0);
        Ok(decimal(a.get(0)).add(one).to_float().into())
    }),
    entry("addf", 0, MANY, |_, a| Ok(decimals(a, Decimal::add).into())),
    entry("subf", 1, MANY, |_, a| {
        Ok(decimals(a, Decimal::subtract).into())
    }),
    entry("mulf", 1, MANY, |_, a| {
        Ok(decimals(a, Decimal::multiply).into())
    }),
    entry("divf", 1, MANY, |_, a| {
        if a.values.iter().skip(1).any(|value| to_float(value) == 0.0) {
            return Err("decimal division by 0".into());
        }
        Ok(decimals(a, Decimal::divide).into())
    }),
    entry("biggest", 1, MANY, |_, a| {
        Ok(ints(a).max().unwrap_or(0).into())
    }),
    entry("max", 1, MANY, |_, a| Ok(ints(a).max().unwrap_or(0).into())),
    entry("min", 1, MANY, |_, a| Ok(ints(a).min().unwrap_or(0).into())),
    entry("maxf", 1, MANY, |_, a| {
        Ok(floats(a).fold(f64::NEG_INFINITY, f64::max).into())
    }),
    entry("minf", 1, MANY, |_, a| {
        Ok(floats(a).fold(f64::INFINITY, f64::min).into())
    }),
    entry("ceil", 1, 1, |_, a| Ok(to_float(a.get(0)).ceil().into())),
    entry("floor", 1, 1, |_, a| Ok(to_float(a.get(0)).floor().into())),
    entry("round", 2, MANY, |_, a| {
        for at in 2..a.len() {
            if !matches!(a.get(at), Value::Float(_)) {
                return Err(a.mistyped(at, "float64"));
            }
        }
        let limit = if a.len() > 2 { a.float(2)? } else { 0.5 };
        let scale = 10f64.powf(a.int(1)? as f64);
        let scaled = scale * to_float(a.get(0));
        let rounded = if scaled.fract() >= limit {
            scaled.ceil()
        } else {
            scaled.floor()
        };
        Ok((rounded / scale).into())
    }),
];

fn ints(a: &Arguments<'_>) -> impl Iterator<Item = i64> {
    a.values.iter().map(to_int)
}

fn floats(a: &Arguments<'_>) -> impl Iterator<Item = f64> {
    a.values.iter().map(to_float)
}

/// The value as an integer, as Go's `cast.ToInt64`.
pub(super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Int(n) | Value::Duration(n) => *n,
        Value::Float(f) => *f as i64,
        Value::Bool(b) => i64::from(*b),
        Value::String(text) => parse_int(text).unwrap_or(0),
        _ => 0,
    }
}

/// An integer with Go's prefixes; a fraction of zeros is cut off.
fn parse_int(text: &str) -> Option<i64> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole.strip_prefix('+').unwrap_or(whole)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// The value as a float, as Go's `cast.ToFloat64`.
pub(super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Int(n) | Value::Duration(n) => *n as f64,
        Value::Float(f) => *f,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

fn divided(a: &Arguments<'_>, operation: fn(i64, i64) -> i64) -> Outcome {
    let (x, y) = (to_int(a.get(0)), to_int(a.get(1)));
    if y == 0 {
        return Err("runtime error: integer divide by zero".into());
    }
    Ok(operation(x, y).into())
}

fn decimal(value: &Value) -> Decimal {
    Decimal::from_float(to_float(value))
}

fn decimals(a: &Arguments<'_>, operation: fn(Decimal, Decimal) -> Decimal) -> f64 {
    let mut values = a.values.iter().map(decimal);
    let first = values.next().unwrap_or(Decimal::from_float(0.0));
    values.fold(first, operation).to_float()
}

fn steps(tools: &Tools<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Failure> {
    let goes_on = if stop < start { step < 0 } else { step > 0 };
    if !goes_on {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    tools.work(count)?;
    tools.grow(count.saturating_mul(size_of::<Value>() as u64))?;
    let places = (0..count as i64).map(|at| start.wrapping_add(at.wrapping_mul(step)));
    Ok(places.collect())
}

fn until_step(tools: &Tools<'_>, start: i64, stop: i64, step: i64) -> Outcome {
    let steps = steps(tools, start, stop, step)?;
    Ok(Value::list(steps.into_iter().map(Value::Int).collect())?)
}

/// As the shell's `seq`, with an end that is included.
fn seq(tools: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let (start, step, end) = match a.len() {
        0 | 4.. => return Ok("".into()),
        1 => {
            let end = a.int(0)?;
            (1, if end < 1 { -1 } else { 1 }, end)
        }
        2 => {
            let (start, end) = (a.int(0)?, a.int(1)?);
            (start, if end < start { -1 } else { 1 }, end)
        }
        3 => (a.int(0)?, a.int(1)?, a.int(2)?),
    };
    let beyond = if end < start { -1 } else { 1 };
    if end < start && step > 0 {
        return Ok("".into());
    }
    let numbers = steps(tools, start, end.saturating_add(beyond), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").into())
}
