//! The tree of a condition. Govaluate's planner is followed in what it does with tokens that
//! don't belong: what follows a complete condition is ignored, and within parentheses one such
//! token stands for the closing one.

use regex::Regex;

use super::lexer::{Kind, Token};

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 100;

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Separate,
    If,
    Else,
    Coalesce,
    Or,
    And,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Match,
    NoMatch,
    In,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Plus,
    Minus,
    Multiply,
    Divide,
    Modulus,
    Exponent,
}

/// A node of the tree.
#[derive(Debug)]
pub(super) enum Stage {
    Number(f64),
    Bool(bool),
    Text(String),
    Pattern(Regex),
    Variable(String),
    Accessor {
        root: String,
        argument: Option<Box<Stage>>,
    },
    /// `-`, `!` or `~`, and the value after it, which is missing in `(-)`.
    Prefix {
        sign: char,
        operand: Option<Box<Stage>>,
    },
    /// `()`.
    Empty,
    /// A run of operators of one rank, applied from left to right.
    Chain {
        first: Option<Box<Stage>>,
        rest: Vec<(Operator, Option<Stage>)>,
    },
}

/// The tree of these tokens.
pub(super) fn plan(tokens: &[Token]) -> Result<Option<Stage>, String> {
    let mut planner = Planner {
        tokens,
        index: 0,
        depth: 0,
    };
    planner.level(0)
}

struct Planner<'a> {
    tokens: &'a [Token],
    index: usize,
    depth: usize,
}

/// The ranks, weakest first.
const LEVELS: usize = 10;

fn operator(level: usize, kind: &Kind) -> Option<Operator> {
    use Operator as O;
    Some(match (level, kind) {
        (0, Kind::Separator) => O::Separate,
        (1, Kind::Ternary(sign)) => match &**sign {
            "?" => O::If,
            ":" => O::Else,
            _ => O::Coalesce,
        },
        (2, Kind::Logical(sign)) if sign == "||" => O::Or,
        (3, Kind::Logical(sign)) if sign == "&&" => O::And,
        (4, Kind::Comparator(sign)) => match &**sign {
            "==" => O::Equal,
            "!=" => O::NotEqual,
            ">" => O::Greater,
            "<" => O::Less,
            ">=" => O::GreaterOrEqual,
            "<=" => O::LessOrEqual,
            "=~" => O::Match,
            "!~" => O::NoMatch,
            _ => O::In,
        },
        (level, Kind::Modifier(sign)) => match (level, &**sign) {
            (5, "&") => O::BitAnd,
            (5, "|") => O::BitOr,
            (5, "^") => O::BitXor,
            (6, "<<") => O::ShiftLeft,
            (6, ">>") => O::ShiftRight,
            (7, "+") => O::Plus,
            (7, "-") => O::Minus,
            (8, "*") => O::Multiply,
            (8, "/") => O::Divide,
            (8, "%") => O::Modulus,
            (9, "**") => O::Exponent,
            _ => return None,
        },
        _ => return None,
    })
}

impl Planner<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.index).map(|token| &token.kind)
    }

    fn level(&mut self, level: usize) -> Result<Option<Stage>, String> {
        if level == LEVELS {
            return self.value();
        }
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.peek().and_then(|kind| operator(level, kind)) {
            self.index += 1;
            rest.push((operator, self.level(level + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Some(Stage::Chain {
            first: first.map(Box::new),
            rest,
        }))
    }

    fn value(&mut self) -> Result<Option<Stage>, String> {
        let Some(kind) = self.peek().cloned() else {
            return Ok(None);
        };
        self.index += 1;
        Ok(Some(match kind {
            Kind::Open => {
                let inner = self.nested(|planner| planner.level(0))?;
                self.index += 1;
                inner.unwrap_or(Stage::Empty)
            }
            Kind::Close => {
                self.index -= 1;
                return Ok(None);
            }
            Kind::Number(n) => Stage::Number(n),
            Kind::Bool(b) => Stage::Bool(b),
            Kind::Text(text) => Stage::Text(text),
            Kind::Pattern(pattern) => Stage::Pattern(pattern),
            Kind::Time(time) => Stage::Number(time.timestamp().as_second() as f64),
            Kind::Variable(name) => Stage::Variable(name),
            Kind::Accessor(path) => {
                let argument = if matches!(self.peek(), Some(Kind::Open)) {
                    self.nested(|planner| planner.level(0))?.map(Box::new)
                } else {
                    None
                };
                Stage::Accessor {
                    root: path.into_iter().next().unwrap_or_default(),
                    argument,
                }
            }
            Kind::Prefix(sign) => {
                let operand = self.nested(Self::value)?.map(Box::new);
                Stage::Prefix {
                    sign: sign.chars().next().unwrap_or('-'),
                    operand,
                }
            }
            Kind::Separator
            | Kind::Comparator(_)
            | Kind::Logical(_)
            | Kind::Modifier(_)
            | Kind::Ternary(_) => {
                return Err(format!(
                    "Unable to plan token kind: '{}', value: '{}'",
                    kind.name(),
                    kind.value()
                ));
            }
        }))
    }

    fn nested<T>(
        &mut self,
        plan: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} levels"));
        }
        let result = plan(self);
        self.depth -= 1;
        result
    }
}
