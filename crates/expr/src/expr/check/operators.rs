//! What operators take and give.

use super::types::{BOOL, FLOAT, INT, Kind, STRING, Type, UNKNOWN};
use super::{Checked, Checker, Fault};
use crate::expr::ast::{BinaryOperator, Node, NodeId, UnaryOperator};
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn unary(&self, id: NodeId, operator: UnaryOperator, operand: NodeId) -> Checked {
        let found = self.type_of(operand);
        let (fits, result) = match operator {
            UnaryOperator::Not => (found.is(Kind::Bool), BOOL),
            UnaryOperator::Minus | UnaryOperator::Plus if found.is_any() => (true, UNKNOWN),
            UnaryOperator::Minus | UnaryOperator::Plus => (found.is_number(), found),
        };
        if fits || found.is_any() {
            return Ok(result);
        }
        let sign = self.text(id);
        let message = format!("invalid operation: {sign} (mismatched type {found})");
        Err((id, message))
    }

    pub(super) fn binary(
        &self,
        id: NodeId,
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
    ) -> Checked {
        use BinaryOperator as B;
        use Kind as K;
        let (l, r) = (self.type_of(left), self.type_of(right));
        let maybe = |kinds: &[Kind]| may_be(l, r, kinds);
        let both = |kind| l.is(kind) && r.is(kind);
        let numbers = l.is_number() && r.is_number();
        let found = match operator {
            B::Equal | B::NotEqual => l.is_comparable(r).then_some(BOOL),
            B::Or | B::And => (both(K::Bool) || maybe(&[K::Bool])).then_some(BOOL),
            B::Less | B::Greater | B::LessOrEqual | B::GreaterOrEqual => (numbers
                || both(K::String)
                || both(K::Time)
                || both(K::Duration)
                || maybe(&[K::Int, K::Float, K::String, K::Time, K::Duration]))
            .then_some(BOOL),
            B::Add | B::Subtract | B::Multiply => arithmetic(operator, l, r),
            B::Divide | B::Power => (numbers || maybe(&[K::Int, K::Float])).then_some(FLOAT),
            B::Modulo
                if self.is_zero(right) && matches!(self.arena.get(left), Node::Constant(_)) =>
            {
                return Err((id, "integer divide by zero".to_owned()));
            }
            B::Modulo => (both(K::Int) || maybe(&[K::Int])).then_some(INT),
            B::In => return self.is_in(id, l, r),
            B::Matches => ((l.is(K::String) || l.is(K::Bytes)) && r.is(K::String)
                || maybe(&[K::String]))
            .then_some(BOOL),
            B::Contains | B::StartsWith | B::EndsWith => {
                (both(K::String) || maybe(&[K::String])).then_some(BOOL)
            }
            B::Range => (both(K::Int) || maybe(&[K::Int])).then_some(Type::list(K::Int)),
            B::Coalesce => Some(match (l.kind, r.kind) {
                (K::Nil, _) => r,
                (_, K::Nil) => l,
                _ if r.fits(l) => l,
                _ => UNKNOWN,
            }),
        };
        found.ok_or_else(|| mismatch(id, self.text(id), l, r))
    }

    fn is_zero(&self, id: NodeId) -> bool {
        matches!(self.arena.get(id), Node::Constant(Value::Int(0)))
    }

    /// What stands where a node is: an operator as it was written.
    pub(super) fn text(&self, id: NodeId) -> &str {
        let (offset, length) = self.arena.place(id);
        self.source.get(offset..offset + length).unwrap_or_default()
    }

    fn is_in(&self, id: NodeId, l: Type, r: Type) -> Checked {
        let among = |wanted: Type, what: &str| {
            Err((id, format!("cannot use {l} as type {wanted} in {what}")))
        };
        match r.kind {
            Kind::Map if l.is_any() || l.is(Kind::String) => Ok(BOOL),
            Kind::Map => among(STRING, "map key"),
            Kind::Mixed => Ok(BOOL),
            Kind::List if l.is_comparable(Type::of(r.element)) => Ok(BOOL),
            Kind::List => among(Type::of(r.element), "array"),
            Kind::Any | Kind::Unknown => Ok(BOOL),
            Kind::String if l.is_any() => Ok(BOOL),
            // A time is a struct, which a text or what is not known may be a field of.
            Kind::Time if l.is_any() || l.is(Kind::String) => Ok(BOOL),
            _ => Err(mismatch(id, "in", l, r)),
        }
    }
}

/// Whether one side is not known, and the other one of these or not known either.
fn may_be(l: Type, r: Type, kinds: &[Kind]) -> bool {
    l.is_any() && (r.is_any() || kinds.contains(&r.kind)) || r.is_any() && kinds.contains(&l.kind)
}

/// What `+`, `-` and `*` give, if they can be applied.
fn arithmetic(operator: BinaryOperator, l: Type, r: Type) -> Option<Type> {
    use Kind as K;
    if l.is_number() && r.is_number() {
        let is_float = l.is(K::Float) || r.is(K::Float);
        return Some(if is_float { FLOAT } else { INT });
    }
    let known = match (operator, l.kind, r.kind) {
        (_, K::Duration, K::Duration) => Some(K::Duration),
        (BinaryOperator::Add, K::String, K::String) => Some(K::String),
        (BinaryOperator::Add, K::Time, K::Duration) => Some(K::Time),
        (BinaryOperator::Add, K::Duration, K::Time) => Some(K::Time),
        (BinaryOperator::Subtract, K::Time, K::Time) => Some(K::Duration),
        (BinaryOperator::Subtract, K::Time, K::Duration) => Some(K::Time),
        (BinaryOperator::Multiply, K::Duration, _) if r.is_number() => Some(K::Duration),
        (BinaryOperator::Multiply, _, K::Duration) if l.is_number() => Some(K::Duration),
        _ => None,
    };
    let possible: &[Kind] = match operator {
        BinaryOperator::Add => &[K::Int, K::Float, K::String, K::Time, K::Duration],
        BinaryOperator::Subtract => &[K::Int, K::Float, K::Time, K::Duration],
        _ => &[K::Int, K::Float, K::Duration],
    };
    let unknown = || may_be(l, r, possible).then_some(UNKNOWN);
    known.map(Type::of).or_else(unknown)
}

pub(super) fn mismatch(id: NodeId, sign: &str, left: Type, right: Type) -> Fault {
    let message = format!("invalid operation: {sign} (mismatched types {left} and {right})");
    (id, message)
}
