//! Following a path in kubectl's dialect through a document.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::parse::{Node, Operator, Piece, Slice};
use crate::error::JsonPathError;

/// How many values a path may visit.
const MAX_STEPS: usize = 2_000_000;

type Values<'a> = Vec<Cow<'a, Value>>;
type Found<T> = Result<T, JsonPathError>;

/// The values of each piece.
pub(super) fn find<'a>(pieces: &[Piece], document: &'a Value) -> Found<Vec<Values<'a>>> {
    let mut finder = Finder { steps: 0 };
    let mut results = Vec::new();
    finder.pieces(pieces, Cow::Borrowed(document), &mut results)?;
    Ok(results)
}

fn error<T>(message: impl Into<String>) -> Found<T> {
    Err(JsonPathError {
        message: message.into(),
        offset: 0,
    })
}

struct Finder {
    steps: usize,
}

impl Finder {
    fn work(&mut self, steps: usize) -> Found<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS {
            return error("the path visits too many values");
        }
        Ok(())
    }

    fn pieces<'a>(
        &mut self,
        pieces: &[Piece],
        root: Cow<'a, Value>,
        results: &mut Vec<Values<'a>>,
    ) -> Found<()> {
        for piece in pieces {
            self.work(1)?;
            match piece {
                Piece::Text(text) => {
                    results.push(vec![Cow::Owned(Value::String(text.clone()))]);
                }
                Piece::Action(nodes) => results.push(self.nodes(nodes, vec![root.clone()])?),
                Piece::Range { list, body } => {
                    for value in self.nodes(list, vec![root.clone()])? {
                        self.pieces(body, value, results)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn nodes<'a>(&mut self, nodes: &[Node], mut values: Values<'a>) -> Found<Values<'a>> {
        for node in nodes {
            self.work(values.len() + 1)?;
            values = self.node(node, values)?;
        }
        Ok(values)
    }

    fn node<'a>(&mut self, node: &Node, values: Values<'a>) -> Found<Values<'a>> {
        let constant = |value: Value| -> Values<'a> {
            values.iter().map(|_| Cow::Owned(value.clone())).collect()
        };
        Ok(match node {
            Node::Text(text) => vec![Cow::Owned(Value::String(text.clone()))],
            Node::Int(n) => constant((*n).into()),
            Node::Float(f) => constant((*f).into()),
            Node::Bool(b) => constant((*b).into()),
            Node::Range | Node::End => values,
            Node::Field(name) => values
                .into_iter()
                .filter_map(|value| field(value, name))
                .collect(),
            Node::Slice(slice) => {
                let mut found = Vec::new();
                for value in values {
                    self.slice(slice, value, &mut found)?;
                }
                found
            }
            Node::Wildcard => {
                let mut found = Vec::new();
                for value in values {
                    let children = children(value);
                    self.work(children.len())?;
                    found.extend(children);
                }
                found
            }
            Node::Recursive => self.descend(values)?,
            Node::Union(paths) => {
                let mut found = Vec::new();
                for path in paths {
                    found.extend(self.nodes(path, values.clone())?);
                }
                found
            }
            Node::Filter {
                left,
                right,
                operator,
            } => self.filter(values, left, right, *operator)?,
        })
    }

    fn slice<'a>(
        &mut self,
        slice: &Slice,
        value: Cow<'a, Value>,
        found: &mut Values<'a>,
    ) -> Found<()> {
        let length = match &*value {
            Value::Null => return Ok(()),
            Value::Array(items) => i64::try_from(items.len()).unwrap_or(i64::MAX),
            other => return error(format!("{} is not array or slice", kind(other))),
        };
        let mut from = slice.from.unwrap_or(0);
        if from < 0 {
            from = from.saturating_add(length);
        }
        let mut to = slice.to.unwrap_or(length);
        if to < 0 || (to == 0 && slice.is_index) {
            to = to.saturating_add(length);
        }
        if from == to {
            return Ok(());
        }
        let bound = |index: i64, holds: bool| match holds {
            true => Ok(()),
            false => error(format!(
                "array index out of bounds: index {index}, length {length}"
            )),
        };
        bound(from, (0..length).contains(&from))?;
        bound(to - 1, (0..=length).contains(&to))?;
        if from > to {
            return error(format!(
                "starting index {from} is greater than ending index {to}"
            ));
        }
        let step = match slice.step {
            Some(step) if step <= 0 => return error("step must be > 0"),
            Some(step) => usize::try_from(step).unwrap_or(usize::MAX),
            None => 1,
        };
        let children = children(value);
        self.work(children.len())?;
        let (skip, take) = (
            from.unsigned_abs() as usize,
            (to - from).unsigned_abs() as usize,
        );
        found.extend(children.into_iter().skip(skip).take(take).step_by(step));
        Ok(())
    }

    /// The values, and all that is in them, however deep, that holds something itself.
    fn descend<'a>(&mut self, values: Values<'a>) -> Found<Values<'a>> {
        let mut found = Vec::new();
        let mut open: Values<'a> = values;
        open.reverse();
        while let Some(value) = open.pop() {
            let holds_text = matches!(&*value, Value::String(text) if !text.is_empty());
            let children = children(value.clone());
            self.work(children.len() + 1)?;
            if !children.is_empty() || holds_text {
                found.push(value);
            }
            open.extend(children.into_iter().rev());
        }
        Ok(found)
    }

    fn filter<'a>(
        &mut self,
        values: Values<'a>,
        left: &[Node],
        right: &[Node],
        operator: Operator,
    ) -> Found<Values<'a>> {
        let mut found = Vec::new();
        for value in values {
            if !value.is_array() {
                return error(format!(
                    "{} is not array or slice and cannot be filtered",
                    kind(&value)
                ));
            }
            for item in children(value) {
                self.work(1)?;
                let lefts = self.nodes(left, vec![item.clone()]);
                if operator == Operator::Exists {
                    if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                        found.push(item);
                    }
                    continue;
                }
                let Some(a) = only_one(lefts?)? else { continue };
                let rights = self.nodes(right, vec![item.clone()])?;
                let Some(b) = only_one(rights)? else { continue };
                if compare(&a, &b, operator)? {
                    found.push(item);
                }
            }
        }
        Ok(found)
    }
}

fn only_one(values: Values<'_>) -> Found<Option<Cow<'_, Value>>> {
    if values.len() > 1 {
        return error("can only compare one element at a time");
    }
    Ok(values.into_iter().next())
}

fn field<'a>(value: Cow<'a, Value>, name: &str) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(Value::Object(entries)) => entries.get(name).map(Cow::Borrowed),
        Cow::Owned(Value::Object(mut entries)) => entries.remove(name).map(Cow::Owned),
        _ => None,
    }
}

fn children(value: Cow<'_, Value>) -> Values<'_> {
    match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Object(entries)) => entries.values().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        Cow::Owned(Value::Object(entries)) => {
            entries.into_iter().map(|(_, v)| Cow::Owned(v)).collect()
        }
        _ => Vec::new(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn compare(left: &Value, right: &Value, operator: Operator) -> Found<bool> {
    let ordering = match (left, right) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64().partial_cmp(&b.as_f64()),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b))
            if matches!(operator, Operator::Equal | Operator::NotEqual) =>
        {
            Some(a.cmp(b))
        }
        _ => return error("incompatible types for comparison"),
    };
    let holds: fn(Ordering) -> bool = match operator {
        Operator::Less => Ordering::is_lt,
        Operator::Greater => Ordering::is_gt,
        Operator::LessOrEqual => Ordering::is_le,
        Operator::GreaterOrEqual => Ordering::is_ge,
        Operator::NotEqual => Ordering::is_ne,
        Operator::Equal | Operator::Exists => Ordering::is_eq,
    };
    Ok(ordering.is_some_and(holds))
}
