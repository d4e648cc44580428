//! Reading an expression: a Pratt parser with the precedences of expr-lang.

mod primary;

use std::sync::Arc;

use super::ast::{Arena, BinaryOperator, Iteration, Node, NodeId, UnaryOperator};
use super::functions::{Function, OF_ARGO};
use super::lexer::{Kind, Token, next_token};
use crate::error::{ExprError, ExprErrorKind};
use crate::pattern;
use crate::value::Value;

/// How long an expression may be, in bytes.
const MAX_LENGTH: usize = 1 << 20;
/// How many nodes it may have: expr-lang's own limit.
const MAX_NODES: usize = 10_000;
/// How deep it may nest. The parser and the evaluator recurse this deep, in any thread.
const MAX_DEPTH: u16 = 96;

/// How much the patterns in it may take together, as [`pattern::cost`] counts.
const MAX_PATTERN_COST: u64 = 1_000_000;

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<(Arena, NodeId), ExprError> {
    if text.len() > MAX_LENGTH {
        return Err(ExprError::new(
            ExprErrorKind::Budget,
            "the expression is longer than 1 MiB",
            MAX_LENGTH,
            text.len() - MAX_LENGTH,
        ));
    }
    let current = next_token(text, 0)?;
    let mut parser = Parser {
        text,
        current,
        arena: Arena::default(),
        depths: Vec::new(),
        nesting: 0,
        pattern_cost: 0,
        predicates: Vec::new(),
        locals: Vec::new(),
    };
    let root = parser.sequence()?;
    if parser.current.kind != Kind::End {
        return Err(parser.unexpected());
    }
    Ok((parser.arena, root))
}

struct Parser<'a> {
    text: &'a str,
    current: Token<'a>,
    arena: Arena,
    /// How deep the tree below each node is.
    depths: Vec<u16>,
    nesting: u16,
    pattern_cost: u64,
    /// The lists of the predicates that are being read, the innermost last.
    predicates: Vec<NodeId>,
    /// The variables of `let` that are visible, and what each was given.
    locals: Vec<(&'a str, NodeId)>,
}

type Parsed<T = NodeId> = Result<T, ExprError>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Associativity {
    Left,
    Right,
}

fn binary(sign: &str) -> Option<(BinaryOperator, u16, Associativity)> {
    use Associativity::{Left, Right};
    use BinaryOperator as B;
    Some(match sign {
        "or" | "||" => (B::Or, 10, Left),
        "and" | "&&" => (B::And, 15, Left),
        "==" => (B::Equal, 20, Left),
        "!=" => (B::NotEqual, 20, Left),
        "<" => (B::Less, 20, Left),
        ">" => (B::Greater, 20, Left),
        "<=" => (B::LessOrEqual, 20, Left),
        ">=" => (B::GreaterOrEqual, 20, Left),
        "in" => (B::In, 20, Left),
        "matches" => (B::Matches, 20, Left),
        "contains" => (B::Contains, 20, Left),
        "startsWith" => (B::StartsWith, 20, Left),
        "endsWith" => (B::EndsWith, 20, Left),
        ".." => (B::Range, 25, Left),
        "+" => (B::Add, 30, Left),
        "-" => (B::Subtract, 30, Left),
        "*" => (B::Multiply, 60, Left),
        "/" => (B::Divide, 60, Left),
        "%" => (B::Modulo, 60, Left),
        "**" | "^" => (B::Power, 100, Right),
        "??" => (B::Coalesce, 500, Left),
        _ => return None,
    })
}

fn is_ordering(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Less
            | BinaryOperator::Greater
            | BinaryOperator::LessOrEqual
            | BinaryOperator::GreaterOrEqual
    )
}

fn may_be_negated(sign: &str) -> bool {
    matches!(
        sign,
        "in" | "matches" | "contains" | "startsWith" | "endsWith"
    )
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Parsed<Token<'a>> {
        let next = next_token(self.text, self.current.offset + self.current.length)?;
        Ok(std::mem::replace(&mut self.current, next))
    }

    fn sign(&self) -> Option<&'a str> {
        match self.current.kind {
            Kind::Sign(sign) => Some(sign),
            _ => None,
        }
    }

    fn at(&self, sign: &str) -> bool {
        self.sign() == Some(sign)
    }

    fn take(&mut self, sign: &str) -> Parsed<bool> {
        let found = self.at(sign);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.take(sign)? {
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn unexpected(&self) -> ExprError {
        self.error_here(format!("unexpected token {}", self.current.kind))
    }

    /// An error at the current token.
    fn error_here(&self, message: impl Into<String>) -> ExprError {
        self.error(message, self.here(), self.current.length)
    }

    /// Where the current token is; the end of the text is where its last character stands.
    fn here(&self) -> usize {
        match self.current.kind {
            Kind::End => self.text.char_indices().next_back().map_or(0, |(at, _)| at),
            _ => self.current.offset,
        }
    }

    fn error(&self, message: impl Into<String>, offset: usize, length: usize) -> ExprError {
        ExprError::new(ExprErrorKind::Syntax, message, offset, length)
    }

    fn add(&mut self, node: Node, token: &Token<'_>) -> Parsed {
        self.add_at(node, token.offset, token.length)
    }

    fn add_at(&mut self, node: Node, offset: usize, length: usize) -> Parsed {
        if self.arena.len() >= MAX_NODES {
            return Err(ExprError::new(
                ExprErrorKind::Budget,
                format!("the expression has more than {MAX_NODES} parts"),
                offset,
                length,
            ));
        }
        // The evaluator walks down the left of operators and of members in a loop, so these don't
        // make the tree deeper.
        let spine = match &node {
            Node::Binary { left, .. } if matches!(self.arena.get(*left), Node::Binary { .. }) => {
                Some(*left)
            }
            Node::Member { base, .. } if matches!(self.arena.get(*base), Node::Member { .. }) => {
                Some(*base)
            }
            _ => None,
        };
        let id = self.arena.push(node, offset, length);
        let mut depth = 0;
        let depths = &self.depths;
        self.arena.children(id, |child| {
            let below = depths[child.0 as usize];
            depth = depth.max(if Some(child) == spine {
                below
            } else {
                below + 1
            });
        });
        self.depths.push(depth);
        if depth > MAX_DEPTH {
            return Err(too_deep(offset, length));
        }
        Ok(id)
    }

    fn sequence(&mut self) -> Parsed {
        let start = self.current.clone();
        let first = self.expression(0)?;
        if !self.at(";") {
            return Ok(first);
        }
        let mut nodes = vec![first];
        while self.take(";")? {
            if self.current.kind == Kind::End {
                break;
            }
            nodes.push(self.expression(0)?);
        }
        if nodes.len() == 1 {
            return Ok(first);
        }
        self.add(Node::Sequence(nodes), &start)
    }

    fn expression(&mut self, precedence: u16) -> Parsed {
        self.nesting += 1;
        if self.nesting > MAX_DEPTH {
            return Err(too_deep(self.current.offset, self.current.length));
        }
        let result = match self.sign() {
            Some("let") if precedence == 0 => self.declaration(),
            Some("if") if precedence == 0 => self.if_else(),
            _ => self.operators(precedence),
        };
        self.nesting -= 1;
        result
    }

    fn operators(&mut self, precedence: u16) -> Parsed {
        let mut left = self.primary()?;
        let mut after_coalesce = false;
        while let Some(mut sign) = self.sign() {
            if sign == "|" {
                if precedence > 0 {
                    break;
                }
                left = self.piped(left)?;
                after_coalesce = false;
                continue;
            }
            let negated = (sign == "not").then(|| self.current.clone());
            if negated.is_some() {
                sign = self.negated_sign()?;
            }
            let Some((operator, level, associativity)) = binary(sign) else {
                break;
            };
            if level < precedence {
                break;
            }
            if negated.is_some() {
                self.advance()?;
            }
            let token = self.advance()?;
            if after_coalesce && operator != BinaryOperator::Coalesce {
                let message = format!(
                    "Operator ({sign}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses."
                );
                return Err(self.error(message, token.offset, token.length));
            }
            after_coalesce = operator == BinaryOperator::Coalesce;
            if is_ordering(operator) {
                left = self.ordering(left, operator, &token, level)?;
                continue;
            }
            let right = self.expression(match associativity {
                Associativity::Left => level + 1,
                Associativity::Right => level,
            })?;
            left = self.binary_node(operator, left, right, &token)?;
            if let Some(not) = negated {
                left = self.add(
                    Node::Unary {
                        operator: UnaryOperator::Not,
                        operand: left,
                    },
                    &not,
                )?;
            }
        }
        if precedence == 0 {
            left = self.conditional(left)?;
        }
        Ok(left)
    }

    /// The operator behind a `not`.
    fn negated_sign(&mut self) -> Parsed<&'a str> {
        let following = next_token(self.text, self.current.offset + self.current.length)?;
        match following.kind {
            Kind::Sign(next) if may_be_negated(next) => Ok(next),
            _ => {
                self.advance()?;
                Err(self.unexpected())
            }
        }
    }

    /// The call behind a `|`, whose first argument stands before it.
    fn piped(&mut self, first: NodeId) -> Parsed {
        self.advance()?;
        let name = self.advance()?;
        let Kind::Identifier(function) = name.kind else {
            self.current = name;
            return Err(self.unexpected());
        };
        self.call(function, &name, Some(first))
    }

    fn binary_node(
        &mut self,
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
        token: &Token<'_>,
    ) -> Parsed {
        if operator == BinaryOperator::Matches
            && let Node::Constant(Value::String(text)) = self.arena.get(right)
        {
            self.pattern_cost += pattern::cost(text);
            if self.pattern_cost > MAX_PATTERN_COST {
                return Err(ExprError::new(
                    ExprErrorKind::Budget,
                    "the expression has too many large patterns",
                    token.offset,
                    token.length,
                ));
            }
            let pattern = pattern::compile(text)
                .map_err(|message| self.error(message, token.offset, token.length))?;
            return self.add(
                Node::MatchesPattern {
                    text: left,
                    pattern: Box::new(pattern),
                },
                token,
            );
        }
        self.add(
            Node::Binary {
                operator,
                left,
                right,
            },
            token,
        )
    }

    /// `a < b < c` means `a < b && b < c`.
    fn ordering(
        &mut self,
        mut left: NodeId,
        mut operator: BinaryOperator,
        token: &Token<'a>,
        level: u16,
    ) -> Parsed {
        let mut token = token.clone();
        let mut all = None;
        loop {
            let right = self.expression(level + 1)?;
            let comparison = self.binary_node(operator, left, right, &token)?;
            all = Some(match all {
                None => comparison,
                Some(all) => self.binary_node(BinaryOperator::And, all, comparison, &token)?,
            });
            left = right;
            match self.sign().and_then(binary) {
                Some((next, ..)) if is_ordering(next) => {
                    operator = next;
                    token = self.advance()?;
                }
                _ => return Ok(all.unwrap_or(comparison)),
            }
        }
    }

    fn declaration(&mut self) -> Parsed {
        self.advance()?;
        let token = self.advance()?;
        let Kind::Identifier(name) = token.kind else {
            self.current = token;
            return Err(self.unexpected());
        };
        if self.locals.iter().any(|(local, _)| *local == name) {
            return Err(self.error(
                format!("cannot redeclare variable {name}"),
                token.offset,
                token.length,
            ));
        }
        if OF_ARGO.contains(&name) {
            let message = format!("cannot redeclare {name}");
            return Err(self.error(message, token.offset, token.length));
        }
        if Function::builtin(name).is_some() || iteration(name).is_some() {
            return Err(self.error(
                format!("cannot redeclare builtin {name}"),
                token.offset,
                token.length,
            ));
        }
        self.expect("=")?;
        let value = self.expression(0)?;
        self.expect(";")?;
        let slot = self.locals.len();
        self.locals.push((name, value));
        let body = self.sequence();
        self.locals.truncate(slot);
        self.add(
            Node::Let {
                slot,
                name: Arc::from(name),
                value,
                body: body?,
            },
            &token,
        )
    }

    fn if_else(&mut self) -> Parsed {
        let token = self.advance()?;
        let condition = self.expression(0)?;
        let yes = self.block()?;
        self.expect("else")?;
        let no = if self.at("if") {
            self.expression(0)?
        } else {
            self.block()?
        };
        self.add(Node::Conditional { condition, yes, no }, &token)
    }

    fn block(&mut self) -> Parsed {
        self.expect("{")?;
        let body = self.sequence()?;
        self.expect("}")?;
        Ok(body)
    }

    fn conditional(&mut self, mut node: NodeId) -> Parsed {
        while self.at("?") {
            self.advance()?;
            let (yes, no) = if self.take(":")? {
                (node, self.expression(0)?)
            } else {
                let yes = self.expression(0)?;
                self.expect(":")?;
                (yes, self.expression(0)?)
            };
            // expr-lang places it where it ends.
            let (offset, length) = (self.here(), self.current.length);
            let conditional = Node::Conditional {
                condition: node,
                yes,
                no,
            };
            node = self.add_at(conditional, offset, length)?;
        }
        Ok(node)
    }
}

fn too_deep(offset: usize, length: usize) -> ExprError {
    ExprError::new(
        ExprErrorKind::Budget,
        format!("the expression nests deeper than {MAX_DEPTH} levels"),
        offset,
        length,
    )
}

pub(super) fn iteration(name: &str) -> Option<Iteration> {
    let mut all = Iteration::ALL.into_iter();
    all.find(|iteration| iteration.name() == name)
}
