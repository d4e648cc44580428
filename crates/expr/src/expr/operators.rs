//! What operators do, with Go's types: integers stay integers, `/` and `**` give floats, and
//! nothing is converted between texts and numbers.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::{SignedDuration, Zoned};

use super::ast::BinaryOperator;
use super::budget::{Failure, Tools};
use super::power::power;
use crate::json::go_text;
use crate::value::{Map, Value};

type Outcome = Result<Value, Failure>;

/// Applies an operator that always takes both sides.
pub(crate) fn apply(
    tools: &Tools<'_>,
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
) -> Outcome {
    use BinaryOperator as B;
    match operator {
        B::Equal => equal(tools, left, right).map(Value::Bool),
        B::NotEqual => equal(tools, left, right).map(|same| Value::Bool(!same)),
        B::Less | B::Greater | B::LessOrEqual | B::GreaterOrEqual => {
            if let (Value::String(left), Value::String(right)) = (left, right) {
                tools.look_at(left.len().min(right.len()))?;
            }
            compared(operator, left, right)
        }
        B::In => is_in(tools, left, right).map(Value::Bool),
        B::Matches => matches(tools, left, right),
        B::Contains => texts(tools, left, right, |a, b| a.contains(b)),
        B::StartsWith => texts(tools, left, right, |a, b| a.starts_with(b)),
        B::EndsWith => texts(tools, left, right, |a, b| a.ends_with(b)),
        B::Range => range(tools, left, right),
        B::Add => add(tools, left, right),
        B::Subtract => subtract(left, right),
        B::Multiply => multiply(left, right),
        B::Divide => match (float(left), float(right)) {
            (Some(a), Some(b)) => Ok(Value::Float(a / b)),
            _ => Err(mismatch(left, "/", right)),
        },
        B::Modulo => match (left, right) {
            (Value::Int(_), Value::Int(0)) => Err("runtime error: integer divide by zero".into()),
            (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_rem(*b))),
            _ => Err(mismatch(left, "%", right)),
        },
        B::Power => match (float(left), float(right)) {
            (Some(a), Some(b)) => Ok(Value::Float(power(a, b))),
            _ => Err(mismatch(left, "**", right)),
        },
        B::Or | B::And | B::Coalesce => Err("an operator was evaluated in the wrong place".into()),
    }
}

fn compared(operator: BinaryOperator, left: &Value, right: &Value) -> Outcome {
    match operator {
        BinaryOperator::Less => ordered(left, right, "<", Ordering::is_lt),
        BinaryOperator::Greater => ordered(left, right, ">", Ordering::is_gt),
        BinaryOperator::LessOrEqual => ordered(left, right, "<=", Ordering::is_le),
        _ => ordered(left, right, ">=", Ordering::is_ge),
    }
}

fn mismatch(left: &Value, operator: &str, right: &Value) -> Failure {
    Failure::Message(format!(
        "invalid operation: {} {operator} {}",
        left.go_type(),
        right.go_type()
    ))
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    }
}

/// Whether two values are equal. Integers and floats compare by value, also inside lists and maps.
pub(crate) fn equal(tools: &Tools<'_>, left: &Value, right: &Value) -> Result<bool, Failure> {
    tools.work(1)?;
    Ok(match (left, right) {
        (Value::String(a), Value::String(b)) => {
            tools.look_at(if a.len() == b.len() { a.len() } else { 0 })?;
            a == b
        }
        (Value::Int(a), Value::Float(b)) => *a as f64 == *b,
        (Value::Float(a), Value::Int(b)) => *a == *b as f64,
        (Value::List(a), Value::List(b)) => {
            if a.items().len() != b.items().len() {
                return Ok(false);
            }
            for (a, b) in a.items().iter().zip(b.items()) {
                if !equal(tools, a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.entries().len() != b.entries().len() || a.others().len() != b.others().len() {
                return Ok(false);
            }
            for ((a_key, a), (b_key, b)) in a.entries().iter().zip(b.entries()) {
                if a_key != b_key || !equal(tools, a, b)? {
                    return Ok(false);
                }
            }
            for (key, value) in a.others() {
                let mut found = false;
                for (other_key, other) in b.others() {
                    found |= equal(tools, key, other_key)? && equal(tools, value, other)?;
                }
                if !found {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Time(a), Value::Time(b)) => a.timestamp() == b.timestamp(),
        (a, b) => a == b,
    })
}

/// How two values are ordered, if they can be.
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.timestamp().cmp(&b.timestamp()),
        _ => return None,
    })
}

fn ordered(left: &Value, right: &Value, operator: &str, holds: fn(Ordering) -> bool) -> Outcome {
    if let Some(ordering) = order(left, right) {
        return Ok(Value::Bool(holds(ordering)));
    }
    match (float(left), float(right)) {
        (Some(a), Some(b)) => Ok(Value::Bool(a.partial_cmp(&b).is_some_and(holds))),
        _ => Err(mismatch(left, operator, right)),
    }
}

/// Sorts pairs by their first part, stably. All must be numbers, or all texts, times or durations.
pub(crate) fn sort_pairs(
    tools: &Tools<'_>,
    pairs: &mut [(Value, Value)],
    descending: bool,
) -> Result<(), Failure> {
    tools.work(pairs.len() as u64)?;
    // Checked before: a comparison that fails in the middle of a sort has no sensible answer.
    for window in pairs.windows(2) {
        ordered(&window[0].0, &window[1].0, "<", Ordering::is_lt)?;
    }
    pairs.sort_by(|(a, _), (b, _)| {
        let ordering = order(a, b).unwrap_or_else(|| {
            let key = |value| float(value).unwrap_or(f64::NAN);
            key(a).total_cmp(&key(b))
        });
        if descending {
            ordering.reverse()
        } else {
            ordering
        }
    });
    Ok(())
}

fn is_in(tools: &Tools<'_>, needle: &Value, haystack: &Value) -> Result<bool, Failure> {
    match haystack {
        Value::Nil => Ok(false),
        Value::List(list) => {
            for item in list.items() {
                if equal(tools, item, needle)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(entry(tools, map, needle)?.is_some()),
        _ => Err(Failure::Message(format!(
            "operator \"in\" not defined on {}",
            haystack.go_type()
        ))),
    }
}

/// `matches` against a pattern that is known.
pub(crate) fn matches_pattern(tools: &Tools<'_>, text: &Value, pattern: &regex::Regex) -> Outcome {
    match text {
        Value::Nil => Ok(Value::Bool(false)),
        Value::String(text) => {
            tools.look_at(text.len())?;
            Ok(Value::Bool(pattern.is_match(text)))
        }
        Value::Bytes(bytes) => {
            tools.look_at(bytes.len())?;
            let text = String::from_utf8_lossy(bytes);
            Ok(Value::Bool(pattern.is_match(&text)))
        }
        _ => Err(Failure::Message(format!(
            "invalid operation: {} matches string",
            text.go_type()
        ))),
    }
}

fn matches(tools: &Tools<'_>, left: &Value, right: &Value) -> Outcome {
    match right {
        Value::Nil => Ok(Value::Bool(false)),
        Value::String(pattern) => matches_pattern(tools, left, &tools.pattern(pattern)?),
        _ => Err(mismatch(left, "matches", right)),
    }
}

fn texts(tools: &Tools<'_>, left: &Value, right: &Value, holds: fn(&str, &str) -> bool) -> Outcome {
    match (left, right) {
        (Value::Nil, _) | (_, Value::Nil) => Ok(Value::Bool(false)),
        (Value::String(a), Value::String(b)) => {
            tools.look_at(a.len() + b.len())?;
            Ok(Value::Bool(holds(a, b)))
        }
        // Go's machine takes the right side from its stack first.
        (wrong, Value::String(_)) | (_, wrong) => {
            Err(Failure::Message(conversion(wrong, "string")))
        }
    }
}

/// What Go says of a value that is taken for something else.
pub(crate) fn conversion(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Nil => "nil",
        _ => value.go_type(),
    };
    format!("interface conversion: interface {{}} is {found}, not {wanted}")
}

/// A float without its fraction; what is no integer is the least one, as on the machines that Argo's
/// controller runs on.
pub(crate) fn truncated(float: f64) -> i64 {
    match (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        true => float as i64,
        false => i64::MIN,
    }
}

/// The number as an index: floats are cut off.
pub(crate) fn to_int(value: &Value) -> Result<i64, Failure> {
    match value {
        Value::Int(n) => Ok(*n),
        Value::Float(f) => Ok(truncated(*f)),
        _ => Err(Failure::Message(format!(
            "invalid operation: int({})",
            value.go_type()
        ))),
    }
}

fn range(tools: &Tools<'_>, left: &Value, right: &Value) -> Outcome {
    let (first, last) = (to_int(left)?, to_int(right)?);
    if last < first {
        return Ok(Value::list(Vec::new())?);
    }
    let count = last.abs_diff(first).saturating_add(1);
    tools.grow(count.saturating_mul(size_of::<Value>() as u64))?;
    Ok(Value::list((first..=last).map(Value::Int).collect())?)
}

fn add(tools: &Tools<'_>, left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_add(*b))),
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.wrapping_add(*b))),
        (Value::Time(time), Value::Duration(n)) | (Value::Duration(n), Value::Time(time)) => {
            shifted(time, *n)
        }
        (Value::String(a), Value::String(b)) => {
            tools.grow_by(1, a.len() + b.len())?;
            Ok(Value::from([&**a, &**b].concat()))
        }
        _ => match (float(left), float(right)) {
            (Some(a), Some(b)) => Ok(Value::Float(a + b)),
            _ => Err(mismatch(left, "+", right)),
        },
    }
}

/// The moment this many nanoseconds later.
pub(crate) fn shifted(time: &Zoned, nanoseconds: i64) -> Outcome {
    time.checked_add(SignedDuration::from_nanos(nanoseconds))
        .map(|moved| Value::Time(Arc::new(moved)))
        .map_err(|_| Failure::Message("the time is out of range".into()))
}

/// The nanoseconds from one moment to another, as far as they can be counted.
pub(crate) fn nanoseconds_between(from: &Zoned, to: &Zoned) -> i64 {
    let difference = to.timestamp().as_nanosecond() - from.timestamp().as_nanosecond();
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

fn subtract(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_sub(*b))),
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a.wrapping_sub(*b))),
        (Value::Time(time), Value::Duration(n)) => shifted(time, n.wrapping_neg()),
        (Value::Time(a), Value::Time(b)) => Ok(Value::Duration(nanoseconds_between(b, a))),
        _ => match (float(left), float(right)) {
            (Some(a), Some(b)) => Ok(Value::Float(a - b)),
            _ => Err(mismatch(left, "-", right)),
        },
    }
}

fn multiply(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_mul(*b))),
        (Value::Duration(a), Value::Int(b) | Value::Duration(b))
        | (Value::Int(b), Value::Duration(a)) => Ok(Value::Duration(a.wrapping_mul(*b))),
        (Value::Duration(a), Value::Float(b)) | (Value::Float(b), Value::Duration(a)) => {
            Ok(Value::Float(*a as f64 * b))
        }
        _ => match (float(left), float(right)) {
            (Some(a), Some(b)) => Ok(Value::Float(a * b)),
            _ => Err(mismatch(left, "*", right)),
        },
    }
}

/// `-x`.
pub(crate) fn negate(value: &Value) -> Outcome {
    match value {
        Value::Int(n) => Ok(Value::Int(n.wrapping_neg())),
        Value::Duration(n) => Ok(Value::Duration(n.wrapping_neg())),
        Value::Float(f) => Ok(Value::Float(-f)),
        _ => Err(Failure::Message(format!(
            "invalid operation: - {}",
            value.go_type()
        ))),
    }
}

/// `base[key]` or `base.key`.
pub(crate) fn fetch(tools: &Tools<'_>, base: &Value, key: &Value) -> Outcome {
    let out_of_range = |index: i64, length: usize| {
        Failure::Message(format!(
            "index out of range: {index} (array length is {length})"
        ))
    };
    let place = |length: usize| -> Result<usize, Failure> {
        let index = to_int(key)?;
        let from_start = if index < 0 {
            index.saturating_add_unsigned(length as u64)
        } else {
            index
        };
        usize::try_from(from_start)
            .ok()
            .filter(|place| *place < length)
            .ok_or_else(|| out_of_range(from_start, length))
    };
    match base {
        Value::List(list) => Ok(list.items()[place(list.items().len())?].clone()),
        Value::String(text) => Ok(Value::Int(text.as_bytes()[place(text.len())?].into())),
        Value::Bytes(bytes) => Ok(Value::Int(bytes[place(bytes.len())?].into())),
        Value::Map(map) => Ok(entry(tools, map, key)?.cloned().unwrap_or(Value::Nil)),
        _ => Err(Failure::Message(format!(
            "cannot fetch {} from {}",
            go_text(key),
            base.go_type()
        ))),
    }
}

/// The entry of a map under a key.
fn entry<'m>(tools: &Tools<'_>, map: &'m Map, key: &Value) -> Result<Option<&'m Value>, Failure> {
    match key {
        Value::String(name) => return Ok(map.get(name)),
        Value::Nil if !map.has_any_keys() => return Ok(map.get("")),
        _ if !map.has_any_keys() => {
            return Err(Failure::Message(format!(
                "reflect.Value.MapIndex: value of type {} is not assignable to type string",
                key.go_type()
            )));
        }
        Value::List(_) | Value::Map(_) | Value::Bytes(_) => return Err(unhashable(key)),
        _ => {}
    }
    for (other, value) in map.others() {
        if equal(tools, other, key)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// What Go says of a key that can't be looked for.
pub(crate) fn unhashable(key: &Value) -> Failure {
    Failure::Message(format!(
        "runtime error: hash of unhashable type {}",
        key.go_type()
    ))
}

/// `base[from:to]`.
pub(crate) fn slice(base: &Value, from: Option<&Value>, to: Option<&Value>) -> Outcome {
    let bounds = |length: usize| -> Result<std::ops::Range<usize>, Failure> {
        let place = |value: Option<&Value>, default: usize| -> Result<usize, Failure> {
            let Some(value) = value else {
                return Ok(default);
            };
            let index = to_int(value)?;
            let from_start = if index < 0 {
                index.saturating_add_unsigned(length as u64).max(0)
            } else {
                index
            };
            Ok(usize::try_from(from_start).unwrap_or(0).min(length))
        };
        let end = place(to, length)?;
        Ok(place(from, 0)?.min(end)..end)
    };
    match base {
        Value::List(list) => {
            let range = bounds(list.items().len())?;
            Ok(Value::list(list.items()[range].to_vec())?)
        }
        Value::String(text) => {
            let range = bounds(text.len())?;
            Ok(Value::from(
                String::from_utf8_lossy(&text.as_bytes()[range]).into_owned(),
            ))
        }
        Value::Bytes(bytes) => Ok(Value::Bytes(Arc::from(&bytes[bounds(bytes.len())?]))),
        _ => Err(Failure::Message(format!("cannot slice {}", go_text(base)))),
    }
}
