//! The scripts in filters and subscripts of `jsonpath()`: `@.price > 10 && @.name =~ 'a.*'`.

use super::{Search, Token, is_true, parse};
use crate::expr::budget::{Failure, Tools};
use crate::json::go_text;
use crate::value::Value;

/// How deep scripts and the parentheses in them may nest.
const MAX_DEPTH: usize = 32;

/// A script.
#[derive(Debug)]
pub(super) enum Script {
    Constant(Value),
    /// `@…` or `$…`.
    Path {
        from_root: bool,
        tokens: Vec<Token>,
    },
    Not(Box<Script>),
    /// Operators of one rank, from left to right.
    Chain {
        first: Box<Script>,
        rest: Vec<(&'static str, Script)>,
    },
}

/// The operators of each rank, weakest first; longer ones before those that they begin with.
const RANKS: [&[&str]; 6] = [
    &["||"],
    &["&&"],
    &["==", "!=", "<=", ">=", "=~", "<", ">", "not in", "in"],
    &["+", "-"],
    &["*", "/", "%"],
    &["**"],
];

/// Reads a script.
pub(super) fn parse(text: &str, depth: usize) -> Result<Script, Failure> {
    let mut parser = Parser {
        text,
        rest: text,
        depth,
    };
    let script = parser.rank(0)?;
    if parser.rest.trim().is_empty() {
        return Ok(script);
    }
    parser.unexpected()
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn unexpected<T>(&self) -> Result<T, Failure> {
        Err(Failure::Message(format!(
            "invalid expression {:?} at {:?}",
            self.text, self.rest
        )))
    }

    fn rank(&mut self, rank: usize) -> Result<Script, Failure> {
        let Some(operators) = RANKS.get(rank) else {
            return self.operand();
        };
        let first = self.rank(rank + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator(operators) {
            rest.push((operator, self.rank(rank + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Script::Chain {
            first: Box::new(first),
            rest,
        })
    }

    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let text = self.rest.trim_start();
        let found = operators.iter().find(|operator| {
            text.strip_prefix(**operator)
                .is_some_and(|after| match **operator {
                    "*" => !after.starts_with('*'),
                    "in" | "not in" => !after.starts_with(is_word),
                    _ => true,
                })
        })?;
        self.rest = &text[found.len()..];
        Some(found)
    }

    fn operand(&mut self) -> Result<Script, Failure> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the expression nests too deep".into());
        }
        let script = self.operand_inside();
        self.depth -= 1;
        script
    }

    fn operand_inside(&mut self) -> Result<Script, Failure> {
        self.rest = self.rest.trim_start();
        let rest = self.rest;
        match rest.chars().next() {
            None => self.unexpected(),
            Some('!') => {
                self.rest = &rest[1..];
                Ok(Script::Not(Box::new(self.operand()?)))
            }
            Some('(') => {
                self.rest = &rest[1..];
                let inner = self.rank(0)?;
                self.rest = self.rest.trim_start();
                match self.rest.strip_prefix(')') {
                    Some(after) => self.rest = after,
                    None => return self.unexpected(),
                }
                Ok(inner)
            }
            Some(start @ ('@' | '$')) => {
                let length = 1 + path_length(&rest[1..]);
                self.rest = &rest[length..];
                Ok(Script::Path {
                    from_root: start == '$',
                    tokens: parse::steps(&rest[1..length], self.depth)?,
                })
            }
            Some('\'' | '"') => {
                let length = quoted_length(rest);
                let Some(text) = rest.get(..length).and_then(parse::unquoted) else {
                    return self.unexpected();
                };
                self.rest = &rest[length..];
                Ok(Script::Constant(Value::from(text)))
            }
            Some('[' | '{') => {
                // Texts in a list may stand in single quotes, which JSON doesn't have.
                let json = rest.replace('\'', "\"");
                let mut values = serde_json::Deserializer::from_str(&json).into_iter();
                let Some(Ok(json)) = values.next() else {
                    return self.unexpected();
                };
                self.rest = &rest[values.byte_offset()..];
                Ok(Script::Constant(Value::from_json(&json)?))
            }
            Some(c) => {
                let signed = usize::from(c == '-');
                let length = signed
                    + rest[signed..]
                        .find(|c| !is_word(c) && c != '.')
                        .unwrap_or(rest.len() - signed);
                let word = &rest[..length];
                if word.is_empty() {
                    return self.unexpected();
                }
                self.rest = &rest[length..];
                Ok(Script::Constant(match word {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" | "nil" => Value::Nil,
                    _ => match (word.parse(), word.parse()) {
                        (Ok(n), _) => Value::Int(n),
                        (_, Ok(f)) => Value::Float(f),
                        _ => Value::from(word),
                    },
                }))
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn quoted_length(text: &str) -> usize {
    let quote = text.chars().next();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if !escaped && Some(c) == quote {
            return at + 1;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

/// How far a path within a script goes: names, points, and whatever stands in brackets.
fn path_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c == '[' {
            let mut open = 0_usize;
            let mut end = text.len();
            let mut inner = at;
            while let Some(c) = text[inner..].chars().next() {
                inner += match c {
                    '\'' | '"' => quoted_length(&text[inner..]),
                    _ => c.len_utf8(),
                };
                match c {
                    '[' => open += 1,
                    ']' => open -= 1,
                    _ => {}
                }
                if open == 0 {
                    end = inner;
                    break;
                }
            }
            at = end;
        } else if is_word(c) || c == '.' || (c == '*' && text[..at].ends_with('.')) {
            at += c.len_utf8();
        } else {
            break;
        }
    }
    at
}

impl Script {
    /// Its value at an element. The parser has limited its depth.
    pub(super) fn evaluate(&self, search: &Search<'_>, current: &Value) -> Result<Value, Failure> {
        match self {
            Script::Constant(value) => Ok(value.clone()),
            Script::Path { from_root, tokens } => {
                let start = if *from_root { search.root } else { current };
                search.follow(start, tokens)
            }
            Script::Not(inner) => Ok(Value::Bool(!is_true(&inner.evaluate(search, current)?))),
            Script::Chain { first, rest } => {
                let mut value = first.evaluate(search, current)?;
                for (operator, right) in rest {
                    search.tools.work(1)?;
                    let right = right.evaluate(search, current)?;
                    value = apply(search.tools, operator, &value, &right)?;
                }
                Ok(value)
            }
        }
    }
}

fn apply(tools: &Tools<'_>, operator: &str, left: &Value, right: &Value) -> Result<Value, Failure> {
    let weight = left.weight().saturating_add(right.weight());
    tools.look_at(usize::try_from(weight).unwrap_or(usize::MAX))?;
    let numbers = || match (number(left), number(right)) {
        (Some(a), Some(b)) => Ok((a, b)),
        _ => Err(Failure::Message(format!("{operator} expects numbers"))),
    };
    Ok(match operator {
        "||" => Value::Bool(is_true(left) || is_true(right)),
        "&&" => Value::Bool(is_true(left) && is_true(right)),
        "==" => Value::Bool(same(left, right)),
        "!=" => Value::Bool(!same(left, right)),
        "in" | "not in" => {
            let Value::List(list) = right else {
                return Err("in expects a list".into());
            };
            let found = list.items().iter().any(|item| same(left, item));
            Value::Bool(found == (operator == "in"))
        }
        "=~" => {
            let pattern = tools.pattern(&go_text(right))?;
            Value::Bool(pattern.is_match(&go_text(left)))
        }
        _ => {
            let (a, b) = numbers()?;
            match operator {
                "<" => Value::Bool(a < b),
                "<=" => Value::Bool(a <= b),
                ">" => Value::Bool(a > b),
                ">=" => Value::Bool(a >= b),
                "+" => Value::Float(a + b),
                "-" => Value::Float(a - b),
                "*" => Value::Float(a * b),
                "/" => Value::Float(a / b),
                "%" => Value::Float(a % b),
                _ => Value::Float(a.powf(b)),
            }
        }
    })
}

/// Numbers compare as numbers, also where one is written as text; all else as text.
fn same(left: &Value, right: &Value) -> bool {
    match (number(left), number(right)) {
        (Some(a), Some(b)) => a == b,
        _ => go_text(left) == go_text(right),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(f) => Some(*f),
        Value::String(text) => text.parse().ok().filter(|f: &f64| f.is_finite()),
        _ => None,
    }
}
