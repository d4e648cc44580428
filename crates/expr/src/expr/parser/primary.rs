//! Reading what stands between operators: literals, names, calls, lists, maps, and what follows
//! them in `.` and `[ ]`.

use std::sync::Arc;

use super::{Parsed, Parser, iteration};
use crate::expr::ast::{Iteration, Node, NodeId, Pointer, UnaryOperator};
use crate::expr::functions::Function;
use crate::expr::lexer::{Kind, Token};
use crate::value::Value;

impl<'a> Parser<'a> {
    pub(super) fn primary(&mut self) -> Parsed {
        let token = self.current.clone();
        let unary = match self.sign() {
            Some("not" | "!") => Some((UnaryOperator::Not, 50)),
            Some("-") => Some((UnaryOperator::Minus, 90)),
            Some("+") => Some((UnaryOperator::Plus, 90)),
            _ => None,
        };
        if let Some((operator, level)) = unary {
            self.advance()?;
            let operand = self.expression(level)?;
            let node = self.add(Node::Unary { operator, operand }, &token)?;
            return self.postfix(node);
        }
        match self.sign() {
            Some("(") => {
                self.advance()?;
                let inner = self.sequence()?;
                self.expect(")")?;
                self.postfix(inner)
            }
            Some("#" | ".") if !self.predicates.is_empty() => {
                let node = self.pointer()?;
                self.postfix(node)
            }
            Some("::") => {
                self.advance()?;
                let name = self.advance()?;
                let Kind::Identifier(function) = name.kind else {
                    self.current = name;
                    return Err(self.unexpected());
                };
                let node = self.call(function, &name, None)?;
                self.postfix(node)
            }
            Some("[") => {
                let node = self.list()?;
                self.postfix(node)
            }
            Some("{") => {
                let node = self.map()?;
                self.postfix(node)
            }
            Some(_) => Err(self.unexpected()),
            None => self.literal_or_name(),
        }
    }

    fn pointer(&mut self) -> Parsed {
        let token = self.current.clone();
        let mut pointer = Pointer::Item;
        if self.take("#")?
            && let Kind::Identifier(name) = self.current.kind
        {
            pointer = match name {
                "index" => Pointer::Index,
                "acc" => Pointer::Accumulator,
                _ => {
                    return Err(self.error(
                        format!("unknown pointer #{name}"),
                        token.offset,
                        token.length + name.len(),
                    ));
                }
            };
            self.advance()?;
        }
        let Some(list) = self.predicates.last().copied() else {
            return Err(self.unexpected());
        };
        self.add(Node::Pointer { pointer, list }, &token)
    }

    fn literal_or_name(&mut self) -> Parsed {
        if self.current.kind == Kind::End {
            return Err(self.unexpected());
        }
        let token = self.advance()?;
        let node = match &token.kind {
            Kind::Identifier("true") => return self.add(Node::Constant(true.into()), &token),
            Kind::Identifier("false") => return self.add(Node::Constant(false.into()), &token),
            Kind::Identifier("nil") => return self.add(Node::Constant(Value::Nil), &token),
            Kind::Identifier(name) if self.at("(") => self.call(name, &token, None)?,
            Kind::Identifier(name) => self.name(name, &token)?,
            Kind::Number(digits) => {
                // expr-lang has gone on when it finds what is wrong with a number.
                let number = number(digits).map_err(|message| self.error_here(message))?;
                // expr-lang takes no postfix after a number.
                return self.add(Node::Constant(number), &token);
            }
            Kind::String(text) => self.add(Node::Constant(Value::from(&**text)), &token)?,
            Kind::Bytes(bytes) => {
                let bytes = Value::Bytes(Arc::from(bytes.as_slice()));
                self.add(Node::Constant(bytes), &token)?
            }
            Kind::Sign(_) | Kind::End => {
                self.current = token;
                return Err(self.unexpected());
            }
        };
        self.postfix(node)
    }

    fn name(&mut self, name: &str, token: &Token<'_>) -> Parsed {
        let known = self.locals.iter().rposition(|(local, _)| *local == name);
        let node = match known {
            Some(slot) => Node::Local {
                slot,
                value: self.locals[slot].1,
            },
            None if name == "$env" => Node::Environment,
            None => Node::Name(Arc::from(name)),
        };
        self.add(node, token)
    }

    /// A call by name, after the name; `piped` is what stands before a `|`.
    pub(super) fn call(&mut self, name: &str, token: &Token<'a>, piped: Option<NodeId>) -> Parsed {
        if let Some(iteration) = iteration(name) {
            return self.iterate(iteration, token, piped);
        }
        if let Some(function) = Function::builtin(name).or_else(|| Function::of_argo(name)) {
            let arguments = self.arguments(piped)?;
            function
                .check(arguments.len())
                .map_err(|message| self.error(message, token.offset, token.length))?;
            return self.add(
                Node::Call {
                    function,
                    arguments,
                },
                token,
            );
        }
        let callee = self.name(name, token)?;
        let arguments = self.arguments(piped)?;
        self.add(Node::CallName { callee, arguments }, token)
    }

    fn arguments(&mut self, piped: Option<NodeId>) -> Parsed<Vec<NodeId>> {
        let mut arguments: Vec<NodeId> = piped.into_iter().collect();
        self.expect("(")?;
        while !self.at(")") {
            arguments.push(self.expression(0)?);
            if !self.take(",")? {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn iterate(
        &mut self,
        iteration: Iteration,
        token: &Token<'_>,
        piped: Option<NodeId>,
    ) -> Parsed {
        self.expect("(")?;
        let least = match iteration {
            Iteration::SortBy | Iteration::Reduce => 3,
            _ => 2,
        } - usize::from(piped.is_some());
        let too_few =
            |parser: &Self| parser.error_here(format!("expected at least {least} arguments"));
        let list = match piped {
            Some(list) => list,
            None if self.at(")") => return Err(too_few(self)),
            None => {
                let list = self.expression(0)?;
                if !self.at(")") {
                    self.expect(",")?;
                }
                list
            }
        };
        let optional = matches!(iteration, Iteration::Count | Iteration::Sum);
        let predicate = if !self.at(")") {
            Some(self.predicate(list)?)
        } else if optional {
            None
        } else {
            return Err(too_few(self));
        };
        let mut extra = None;
        if self.take(",")?
            && !self.at(")")
            && matches!(iteration, Iteration::SortBy | Iteration::Reduce)
        {
            extra = Some(self.expression(0)?);
            self.take(",")?;
        }
        self.expect(")")?;
        self.add(
            Node::Iterate {
                iteration,
                list,
                predicate,
                extra,
            },
            token,
        )
    }

    fn predicate(&mut self, list: NodeId) -> Parsed {
        self.predicates.push(list);
        let node = if self.at("{") {
            self.block()?
        } else {
            let node = self.expression(0)?;
            if self.at(";") {
                return Err(self.error_here("wrap predicate with brackets { and }"));
            }
            node
        };
        self.predicates.pop();
        Ok(node)
    }

    fn list(&mut self) -> Parsed {
        let token = self.advance()?;
        let mut items = Vec::new();
        while !self.at("]") {
            items.push(self.expression(0)?);
            if !self.take(",")? {
                break;
            }
        }
        self.expect("]")?;
        self.add(Node::List(items), &token)
    }

    fn map(&mut self) -> Parsed {
        let token = self.advance()?;
        let mut pairs = Vec::new();
        while !self.at("}") {
            let key_token = self.current.clone();
            let key = match &key_token.kind {
                Kind::Identifier(text) | Kind::Number(text) => Some(Value::from(*text)),
                Kind::String(text) => Some(Value::from(&**text)),
                _ => None,
            };
            let key = match key {
                Some(key) => {
                    self.advance()?;
                    self.add(Node::Constant(key), &key_token)?
                }
                None if self.at("(") => self.expression(0)?,
                None if self.at(",") && !pairs.is_empty() => return Err(self.unexpected()),
                None => {
                    return Err(self.error_here(format!(
                        "a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses (unexpected token {})",
                        key_token.kind
                    )));
                }
            };
            self.expect(":")?;
            pairs.push((key, self.expression(0)?));
            if !self.take(",")? {
                break;
            }
        }
        self.expect("}")?;
        self.add(Node::Map(pairs), &token)
    }

    fn postfix(&mut self, mut node: NodeId) -> Parsed {
        loop {
            let optional = self.at("?.");
            if optional || self.at(".") {
                self.advance()?;
                if optional && self.at("[") {
                    node = self.bracket(node, true)?;
                    continue;
                }
                node = self.member(node, optional)?;
            } else if self.at("[") {
                node = self.bracket(node, false)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn member(&mut self, mut base: NodeId, optional: bool) -> Parsed {
        let token = self.advance()?;
        let name = match token.kind {
            Kind::Identifier(name) => name,
            Kind::Sign(word) if word.starts_with(char::is_alphabetic) => word,
            Kind::End => return Err(self.error_here("unexpected end of expression")),
            // expr-lang has gone on when it finds that.
            _ => return Err(self.error_here("expected name")),
        };
        let chained = if let Node::Chain(inner) = self.arena.get(base) {
            base = *inner;
            true
        } else {
            false
        };
        let node = if !self.at("(") {
            let key = self.add(Node::Constant(Value::from(name)), &token)?;
            Node::Member {
                base,
                key,
                optional,
            }
        } else if matches!(self.arena.get(base), Node::Name(root) if **root == *"sprig") {
            sprig_call(name, self.arguments(None)?)
        } else {
            Node::Method {
                base,
                name: Arc::from(name),
                optional,
                arguments: self.arguments(None)?,
            }
        };
        let node = self.add(node, &token)?;
        if chained || optional {
            return self.add(Node::Chain(node), &token);
        }
        Ok(node)
    }

    fn bracket(&mut self, base: NodeId, optional: bool) -> Parsed {
        let token = self.advance()?;
        let from = if self.at(":") {
            None
        } else {
            Some(self.expression(0)?)
        };
        let node = if self.take(":")? {
            let to = if self.at("]") {
                None
            } else {
                Some(self.expression(0)?)
            };
            self.add(Node::Slice { base, from, to }, &token)?
        } else {
            let Some(key) = from else {
                return Err(self.unexpected());
            };
            let node = self.add(
                Node::Member {
                    base,
                    key,
                    optional,
                },
                &token,
            )?;
            if optional {
                self.add(Node::Chain(node), &token)?
            } else {
                node
            }
        };
        self.expect("]")?;
        Ok(node)
    }
}

/// A call of a function of sprig's. expr-lang finds when it evaluates that there is none, or that it
/// takes other arguments.
fn sprig_call(name: &str, arguments: Vec<NodeId>) -> Node {
    let function = Function::of_sprig(name)
        .ok_or_else(|| "invalid operation: cannot call nil".to_owned())
        .and_then(|function| function.check(arguments.len()).map(|()| function));
    match function {
        Ok(function) => Node::Call {
            function,
            arguments,
        },
        Err(message) => Node::Refused {
            name: Arc::from(name),
            arguments,
            message: Arc::from(message),
        },
    }
}

fn number(digits: &str) -> Result<Value, String> {
    let digits = digits.replace('_', "");
    let lower = digits.to_lowercase();
    let integer = |rest: &str, radix: u32, kind: &str| {
        i64::from_str_radix(rest, radix)
            .map(Value::Int)
            .map_err(|error| {
                let why = match error.kind() {
                    std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                        "value out of range"
                    }
                    _ => "invalid syntax",
                };
                format!("invalid {kind} literal: strconv.ParseInt: parsing {digits:?}: {why}")
            })
    };
    if let Some(rest) = lower.strip_prefix("0x") {
        integer(rest, 16, "hex")
    } else if lower.contains(['.', 'e']) {
        let parsed: Option<f64> = lower.parse().ok();
        match parsed {
            Some(number) if number.is_finite() => Ok(Value::Float(number)),
            other => {
                let why = match other {
                    Some(_) => "value out of range",
                    None => "invalid syntax",
                };
                Err(format!(
                    "invalid float literal: strconv.ParseFloat: parsing {digits:?}: {why}"
                ))
            }
        }
    } else if let Some(rest) = lower.strip_prefix("0b") {
        integer(rest, 2, "binary")
    } else if let Some(rest) = lower.strip_prefix("0o") {
        integer(rest, 8, "octal")
    } else {
        integer(&lower, 10, "integer")
    }
}
