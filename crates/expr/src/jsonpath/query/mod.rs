//! The dialect of Argo's expression function `jsonpath(text, path)`, that of the Go library
//! evilmonkeyinc/jsonpath: `$.a[0].b`, `$..name`, `$[?(@.price > 10)]`, `$[(@.length-1)]`.

mod parse;
mod script;

use crate::expr::budget::{Failure, Tools};
use crate::value::Value;
use script::Script;

type Outcome = Result<Value, Failure>;

/// A step of a path.
#[derive(Debug)]
enum Token {
    Key(String),
    Length,
    Index(i64),
    Wildcard,
    Recursive,
    Union(Vec<Element>),
    Range {
        from: Option<Element>,
        to: Option<Element>,
        step: Option<Element>,
    },
    Filter(Script),
    Script(Script),
}

/// An element of a union, or a bound of a range.
#[derive(Debug)]
enum Element {
    Key(String),
    Index(i64),
    Script(Script),
}

/// What a path leads to.
pub(crate) fn query(tools: &Tools<'_>, path: &str, document: &Value) -> Outcome {
    let tokens = parse::path(path)?;
    let search = Search {
        tools,
        root: document,
    };
    search.follow(document, &tokens)
}

struct Search<'a> {
    tools: &'a Tools<'a>,
    root: &'a Value,
}

fn missing<T>(what: impl std::fmt::Display, value: &Value) -> Result<T, Failure> {
    Err(Failure::Message(format!(
        "{what} is not in a value of type {}",
        value.go_type()
    )))
}

impl Search<'_> {
    fn follow(&self, current: &Value, tokens: &[Token]) -> Outcome {
        self.tools.work(1)?;
        let Some((token, next)) = tokens.split_first() else {
            return Ok(current.clone());
        };
        match token {
            Token::Key(key) => match current {
                Value::Map(map) => match map.get(key) {
                    Some(value) => self.follow(value, next),
                    None => Err(Failure::Message(format!("key '{key}' not found"))),
                },
                _ => missing(format_args!("key '{key}'"), current),
            },
            Token::Length => {
                let length = match current {
                    Value::Map(map) => match map.get("length") {
                        Some(value) => return self.follow(value, next),
                        None => map.len(),
                    },
                    Value::List(list) => list.items().len(),
                    Value::String(text) => text.len(),
                    _ => return missing("length", current),
                };
                let length = Value::Int(i64::try_from(length).unwrap_or(i64::MAX));
                self.follow(&length, next)
            }
            Token::Index(index) => {
                let items = items(current)?;
                match place(*index, items.len()) {
                    Some(at) => self.follow(&items[at], next),
                    None => Err("index out of range".into()),
                }
            }
            Token::Wildcard => self.each(&children(current, "wildcard")?, next),
            Token::Recursive => {
                let mut found = Vec::new();
                self.descend(current, next, &mut found)?;
                Ok(Value::list(found)?)
            }
            Token::Union(elements) => self.selected(&self.union(current, elements)?, next),
            Token::Range { from, to, step } => {
                self.selected(&self.range(current, [from, to, step])?, next)
            }
            Token::Filter(script) => self.selected(&self.filtered(current, script)?, next),
            Token::Script(script) => {
                let value = script.evaluate(self, current)?;
                let token = match value {
                    Value::String(key) => Token::Key(key.to_string()),
                    Value::Int(index) => Token::Index(index),
                    Value::Float(f) if f.trunc() == f => Token::Index(f as i64),
                    other => return missing("the result of a script", &other),
                };
                let found = self.follow(current, std::slice::from_ref(&token))?;
                self.follow(&found, next)
            }
        }
    }

    /// The elements of a list `[from:to:step]`.
    fn range(
        &self,
        current: &Value,
        [from, to, step]: [&Option<Element>; 3],
    ) -> Result<Vec<Value>, Failure> {
        let items = items(current)?;
        let bound = |element: &Option<Element>, default: i64| match element {
            Some(element) => self.number(current, element),
            None => Ok(default),
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let clamp = |n: i64| if n < 0 { n.saturating_add(length) } else { n };
        let from = clamp(bound(from, 0)?).clamp(0, length);
        let to = clamp(bound(to, length)?).clamp(0, length);
        let step = bound(step, 1)?;
        if step == 0 {
            return Err("index out of range".into());
        }
        let range = from.unsigned_abs() as usize..to.max(from).unsigned_abs() as usize;
        let by = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(match step > 0 {
            true => items[range].iter().step_by(by).cloned().collect(),
            false => items[range].iter().rev().step_by(by).cloned().collect(),
        })
    }

    /// The children of which a script says yes. Those that it can't be asked of are left out.
    fn filtered(&self, current: &Value, script: &Script) -> Result<Vec<Value>, Failure> {
        let mut chosen = Vec::new();
        for child in children(current, "filter")? {
            match script.evaluate(self, &child) {
                Ok(value) if is_true(&value) => chosen.push(child),
                Err(Failure::Budget(message)) => return Err(Failure::Budget(message)),
                Ok(_) | Err(Failure::Message(_)) => {}
            }
        }
        Ok(chosen)
    }

    /// A selection as a whole if it ends there or is indexed, else the rest of the path in each.
    fn selected(&self, values: &[Value], next: &[Token]) -> Outcome {
        match next.first() {
            None | Some(Token::Index(_)) => self.follow(&Value::list(values.to_vec())?, next),
            Some(_) => self.each(values, next),
        }
    }

    /// The rest of the path in each value; those that don't have it are left out.
    fn each(&self, values: &[Value], next: &[Token]) -> Outcome {
        let mut found = Vec::new();
        for value in values {
            match self.follow(value, next) {
                Ok(Value::Nil) if !next.is_empty() => {}
                Ok(value) => found.push(value),
                Err(Failure::Message(_)) => {}
                Err(budget) => return Err(budget),
            }
        }
        Ok(Value::list(found)?)
    }

    fn descend(
        &self,
        current: &Value,
        next: &[Token],
        found: &mut Vec<Value>,
    ) -> Result<(), Failure> {
        self.tools.work(1)?;
        match self.follow(current, next) {
            Ok(Value::List(list)) => {
                self.tools.grow_by(list.items().len(), size_of::<Value>())?;
                found.extend_from_slice(list.items());
            }
            Ok(Value::Nil) | Err(Failure::Message(_)) => {}
            Ok(value) => found.push(value),
            Err(budget) => return Err(budget),
        }
        match current {
            Value::Map(map) => {
                for value in map.entries().values() {
                    self.descend(value, next, found)?;
                }
            }
            Value::List(list) => {
                for value in list.items() {
                    self.descend(value, next, found)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn union(&self, current: &Value, elements: &[Element]) -> Result<Vec<Value>, Failure> {
        let mut chosen = Vec::new();
        for element in elements {
            let key = match element {
                Element::Key(key) => Value::from(key.as_str()),
                Element::Index(index) => Value::Int(*index),
                Element::Script(script) => script.evaluate(self, current)?,
            };
            match (current, key) {
                (Value::Map(map), Value::String(key)) => chosen.extend(map.get(&key).cloned()),
                (Value::List(list), Value::Int(index)) => {
                    let at = place(index, list.items().len());
                    chosen.extend(at.map(|at| list.items()[at].clone()));
                }
                _ => return missing("a union", current),
            }
        }
        Ok(chosen)
    }

    fn number(&self, current: &Value, element: &Element) -> Result<i64, Failure> {
        match element {
            Element::Index(index) => Ok(*index),
            Element::Script(script) => match script.evaluate(self, current)? {
                Value::Int(n) => Ok(n),
                Value::Float(f) if f.trunc() == f => Ok(f as i64),
                other => missing("a bound of a range", &other),
            },
            Element::Key(key) => Err(Failure::Message(format!("'{key}' is no number"))),
        }
    }
}

fn items(value: &Value) -> Result<&[Value], Failure> {
    match value {
        Value::List(list) => Ok(list.items()),
        _ => missing("an index", value),
    }
}

fn place(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add_unsigned(length as u64)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|at| *at < length)
}

fn children(value: &Value, what: &str) -> Result<Vec<Value>, Failure> {
    match value {
        Value::List(list) => Ok(list.items().to_vec()),
        Value::Map(map) => Ok(map.entries().values().cloned().collect()),
        _ => missing(what, value),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Nil => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Float(f) => *f != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::List(list) => !list.items().is_empty(),
        Value::Map(map) => !map.is_empty(),
        _ => true,
    }
}
