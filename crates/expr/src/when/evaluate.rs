//! Evaluating a condition.

use std::fmt;

use regex::Regex;

use super::plan::{Operator, Stage};
use crate::json::go_float;

/// A value of a condition.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    Pattern(Regex),
    Array(Vec<Value>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("<nil>"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => f.write_str(&go_float(*n)),
            Self::Text(text) => f.write_str(text),
            Self::Pattern(pattern) => write!(f, "{pattern}"),
            Self::Array(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_str(" ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// As Go's `reflect.DeepEqual`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Pattern(a), Value::Pattern(b)) => a.as_str() == b.as_str(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => false,
    }
}

/// The value of a tree, whose depth the planner has limited.
pub(super) fn evaluate(stage: &Stage) -> Result<Value, String> {
    match stage {
        Stage::Number(n) => Ok(Value::Number(*n)),
        Stage::Bool(b) => Ok(Value::Bool(*b)),
        Stage::Text(text) => Ok(Value::Text(text.clone())),
        Stage::Pattern(pattern) => Ok(Value::Pattern(pattern.clone())),
        Stage::Empty => Ok(Value::Nil),
        Stage::Variable(name) => Err(format!("No parameter '{name}' found.")),
        Stage::Accessor { root, argument } => {
            if let Some(argument) = argument {
                evaluate(argument)?;
            }
            Err(format!("No parameter '{root}' found."))
        }
        Stage::Prefix { sign, operand } => prefix(*sign, &optional(operand.as_deref())?),
        Stage::Chain { first, rest } => {
            let mut value = optional(first.as_deref())?;
            for (operator, right) in rest {
                value = apply(value, *operator, right.as_ref())?;
            }
            Ok(value)
        }
    }
}

fn optional(stage: Option<&Stage>) -> Result<Value, String> {
    stage.map_or(Ok(Value::Nil), evaluate)
}

fn prefix(sign: char, value: &Value) -> Result<Value, String> {
    match (sign, value) {
        ('-', Value::Number(n)) => Ok(Value::Number(-n)),
        ('~', Value::Number(n)) => Ok(Value::Number(!(*n as i64) as f64)),
        ('!', Value::Bool(b)) => Ok(Value::Bool(!b)),
        _ => Err(format!(
            "Value '{value}' cannot be used with the prefix '{sign}'"
        )),
    }
}

fn apply(left: Value, operator: Operator, right: Option<&Stage>) -> Result<Value, String> {
    use Operator as O;
    match (operator, &left) {
        (O::And, Value::Bool(false)) => return Ok(Value::Bool(false)),
        (O::Or, Value::Bool(true)) => return Ok(Value::Bool(true)),
        (O::If, Value::Bool(false)) => return Ok(Value::Nil),
        (O::Else | O::Coalesce, Value::Nil) => return optional(right),
        (O::Else | O::Coalesce, _) => return Ok(left),
        _ => {}
    }
    let right = optional(right)?;
    match operator {
        O::Separate => {
            let mut items = match left {
                Value::Array(items) => items,
                other => vec![other],
            };
            items.push(right);
            Ok(Value::Array(items))
        }
        O::If => match left {
            Value::Bool(_) => Ok(right),
            _ => Err(format!(
                "Value '{left}' cannot be used with the ternary operator '?', it is not a bool"
            )),
        },
        O::And | O::Or => logical(&left, operator, &right),
        O::Equal => Ok(Value::Bool(same(&left, &right))),
        O::NotEqual => Ok(Value::Bool(!same(&left, &right))),
        O::Greater | O::Less | O::GreaterOrEqual | O::LessOrEqual => {
            ordering(&left, operator, &right)
        }
        O::Match | O::NoMatch => matching(&left, operator, &right),
        O::In => match &right {
            Value::Array(items) => Ok(Value::Bool(items.iter().any(|item| same(&left, item)))),
            _ => Err(not_comparable(&right, "in")),
        },
        O::Plus => match (&left, &right) {
            (Value::Number(a), Value::Number(b)) => Ok(Value::Number(a + b)),
            (Value::Text(_), _) | (_, Value::Text(_)) => Ok(Value::Text(format!("{left}{right}"))),
            _ => Err(not_a_number(&left, "+")),
        },
        _ => arithmetic(&left, operator, &right),
    }
}

fn not_comparable(value: &Value, sign: &str) -> String {
    format!("Value '{value}' cannot be used with the comparator '{sign}', it is not a number")
}

fn not_a_number(value: &Value, sign: &str) -> String {
    format!("Value '{value}' cannot be used with the modifier '{sign}', it is not a number")
}

fn logical(left: &Value, operator: Operator, right: &Value) -> Result<Value, String> {
    let (sign, both) = match operator {
        Operator::And => ("&&", true),
        _ => ("||", false),
    };
    for value in [left, right] {
        if !matches!(value, Value::Bool(_)) {
            return Err(format!(
                "Value '{value}' cannot be used with the logical operator '{sign}', it is not a bool"
            ));
        }
    }
    let true_count = [left, right]
        .iter()
        .filter(|value| matches!(value, Value::Bool(true)))
        .count();
    Ok(Value::Bool(true_count == 2 || (!both && true_count == 1)))
}

fn ordering(left: &Value, operator: Operator, right: &Value) -> Result<Value, String> {
    use std::cmp::Ordering;
    let (sign, holds): (_, fn(Ordering) -> bool) = match operator {
        Operator::Greater => (">", Ordering::is_gt),
        Operator::Less => ("<", Ordering::is_lt),
        Operator::GreaterOrEqual => (">=", Ordering::is_ge),
        _ => ("<=", Ordering::is_le),
    };
    let ordering = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => return Err(not_comparable(left, sign)),
    };
    Ok(Value::Bool(ordering.is_some_and(holds)))
}

fn matching(left: &Value, operator: Operator, right: &Value) -> Result<Value, String> {
    let sign = match operator {
        Operator::Match => "=~",
        _ => "!~",
    };
    let Value::Text(text) = left else {
        return Err(not_comparable(left, sign));
    };
    let found = match right {
        Value::Pattern(pattern) => pattern.is_match(text),
        Value::Text(pattern) => crate::pattern::compile(pattern)
            .map_err(|error| format!("Unable to compile regexp pattern '{pattern}': {error}"))?
            .is_match(text),
        _ => return Err(not_comparable(right, sign)),
    };
    Ok(Value::Bool(found == (operator == Operator::Match)))
}

fn arithmetic(left: &Value, operator: Operator, right: &Value) -> Result<Value, String> {
    use Operator as O;
    let sign = match operator {
        O::Minus => "-",
        O::Multiply => "*",
        O::Divide => "/",
        O::Modulus => "%",
        O::Exponent => "**",
        O::BitAnd => "&",
        O::BitOr => "|",
        O::BitXor => "^",
        O::ShiftLeft => "<<",
        _ => ">>",
    };
    let number = |value: &Value| match value {
        Value::Number(n) => Ok(*n),
        _ => Err(not_a_number(value, sign)),
    };
    let (a, b) = (number(left)?, number(right)?);
    // What is below zero becomes a large number, as it does in Go on the usual machines.
    let unsigned = |n: f64| if n < 0.0 { n as i64 as u64 } else { n as u64 };
    let shift = |by: f64| u32::try_from(unsigned(by)).unwrap_or(u32::MAX);
    Ok(Value::Number(match operator {
        O::Minus => a - b,
        O::Multiply => a * b,
        O::Divide => a / b,
        O::Modulus => a % b,
        O::Exponent => a.powf(b),
        O::BitAnd => (a as i64 & b as i64) as f64,
        O::BitOr => (a as i64 | b as i64) as f64,
        O::BitXor => (a as i64 ^ b as i64) as f64,
        O::ShiftLeft => unsigned(a).checked_shl(shift(b)).unwrap_or(0) as f64,
        _ => unsigned(a).checked_shr(shift(b)).unwrap_or(0) as f64,
    }))
}
