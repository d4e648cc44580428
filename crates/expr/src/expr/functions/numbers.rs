//! expr-lang's functions on numbers.

use super::{Arguments, Entry, MANY, Outcome, entry};
use crate::expr::ast::BinaryOperator;
use crate::expr::budget::{Failure, Tools};
use crate::expr::operators;
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("int", 1, 1, int),
    entry("float", 1, 1, float),
    entry("abs", 1, 1, |_, a| match a.get(0) {
        Value::Int(n) => Ok(Value::Int(n.wrapping_abs())),
        Value::Float(f) => Ok(Value::Float(f.abs())),
        _ => a.refuse(0),
    }),
    entry("ceil", 1, 1, |_, a| Ok(a.float(0)?.ceil().into())),
    entry("floor", 1, 1, |_, a| Ok(a.float(0)?.floor().into())),
    entry("round", 1, 1, |_, a| Ok(a.float(0)?.round().into())),
    entry("max", 1, MANY, |tools, a| {
        extreme(tools, a, BinaryOperator::Less)
    }),
    entry("min", 1, MANY, |tools, a| {
        extreme(tools, a, BinaryOperator::Greater)
    }),
    entry("mean", 1, MANY, |tools, a| {
        let numbers = flat_numbers(tools, a)?;
        if numbers.is_empty() {
            return Ok(Value::Float(0.0));
        }
        Ok(Value::Float(
            numbers.iter().sum::<f64>() / numbers.len() as f64,
        ))
    }),
    entry("median", 1, MANY, |tools, a| {
        let mut numbers = flat_numbers(tools, a)?;
        numbers.sort_by(f64::total_cmp);
        let middle = numbers.len() / 2;
        Ok(Value::Float(match numbers.len() {
            0 => 0.0,
            n if n % 2 == 1 => numbers[middle],
            _ => (numbers[middle - 1] + numbers[middle]) / 2.0,
        }))
    }),
    entry("bitand", 2, 2, |_, a| bits(a, |x, y| Ok(x & y))),
    entry("bitor", 2, 2, |_, a| bits(a, |x, y| Ok(x | y))),
    entry("bitxor", 2, 2, |_, a| bits(a, |x, y| Ok(x ^ y))),
    entry("bitnand", 2, 2, |_, a| bits(a, |x, y| Ok(x & !y))),
    entry("bitshl", 2, 2, |_, a| {
        bits(a, |x, y| Ok(x.checked_shl(shift(y)?).unwrap_or(0)))
    }),
    entry("bitshr", 2, 2, |_, a| {
        bits(a, |x, y| Ok(x.checked_shr(shift(y)?).unwrap_or(x >> 63)))
    }),
    entry("bitushr", 2, 2, |_, a| {
        bits(a, |x, y| {
            Ok((x as u64).checked_shr(shift(y)?).unwrap_or(0) as i64)
        })
    }),
    entry("bitnot", 1, 1, |_, a| match a.get(0) {
        Value::Int(n) => Ok(Value::Int(!n)),
        other => Err(Failure::Message(format!(
            "cannot use {} as argument (type int) to call bitnot",
            other.go_type()
        ))),
    }),
];

/// `int(x)`, which reads texts too.
pub(super) fn int(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    match a.get(0) {
        Value::Int(n) | Value::Duration(n) => Ok(Value::Int(*n)),
        Value::Float(f) => Ok(Value::Int(operators::truncated(*f))),
        Value::String(text) => match text.parse() {
            Ok(n) => Ok(Value::Int(n)),
            Err(_) => Err(Failure::Message(format!("invalid operation: int({text})"))),
        },
        other => Err(Failure::Message(format!(
            "invalid operation: int({})",
            other.go_type()
        ))),
    }
}

/// `float(x)`, which reads texts too.
pub(super) fn float(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    match a.get(0) {
        Value::Int(n) => Ok(Value::Float(*n as f64)),
        Value::Float(f) => Ok(Value::Float(*f)),
        Value::String(text) => match text.parse() {
            Ok(f) => Ok(Value::Float(f)),
            Err(_) => Err(Failure::Message(format!(
                "invalid operation: float({text})"
            ))),
        },
        other => Err(Failure::Message(format!(
            "invalid operation: float({})",
            other.go_type()
        ))),
    }
}

fn bits(a: &Arguments<'_>, operation: fn(i64, i64) -> Result<i64, Failure>) -> Outcome {
    match (a.get(0), a.get(1)) {
        (Value::Int(x), Value::Int(y)) => operation(*x, *y).map(Value::Int),
        (Value::Int(_), other) | (other, _) => Err(Failure::Message(format!(
            "cannot use {} as argument (type int) to call {}",
            other.go_type(),
            a.function
        ))),
    }
}

fn shift(count: i64) -> Result<u32, Failure> {
    if count < 0 {
        return Err(Failure::Message(format!(
            "invalid operation: negative shift count {count} (type int)"
        )));
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Calls `found` with each value in the arguments, however deep in lists.
pub(super) fn walk(
    tools: &Tools<'_>,
    values: &[Value],
    found: &mut dyn FnMut(&Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for value in values {
        tools.work(1)?;
        match value {
            Value::List(list) => walk(tools, list.items(), found)?,
            _ => found(value)?,
        }
    }
    Ok(())
}

fn extreme(tools: &Tools<'_>, a: &Arguments<'_>, worse: BinaryOperator) -> Outcome {
    if a.len() == 1 && !matches!(a.get(0), Value::List(_)) {
        return Ok(a.get(0).clone());
    }
    let mut best = Value::Nil;
    walk(tools, a.values, &mut |value| {
        if !matches!(value, Value::Int(_) | Value::Float(_)) {
            return Err(Failure::Message(format!(
                "invalid argument for {} (type {})",
                a.function,
                value.go_type()
            )));
        }
        if best == Value::Nil || operators::apply(tools, worse, &best, value)? == Value::Bool(true)
        {
            best = value.clone();
        }
        Ok(())
    })?;
    Ok(best)
}

fn flat_numbers(tools: &Tools<'_>, a: &Arguments<'_>) -> Result<Vec<f64>, Failure> {
    let mut numbers = Vec::new();
    walk(tools, a.values, &mut |value| {
        numbers.push(match value {
            Value::Int(n) => *n as f64,
            Value::Float(f) => *f,
            _ => {
                return Err(Failure::Message(format!(
                    "invalid argument for {} (type {})",
                    a.function,
                    value.go_type()
                )));
            }
        });
        Ok(())
    })?;
    Ok(numbers)
}
