//! What can be told of an expression's types before it is evaluated. expr-lang refuses what does not
//! fit where both sides are known, also in parts that would not be reached. Argo: the library's
//! `checker/checker.go` and the `Validate` functions of its `builtin/builtin.go`.
//!
//! One pass over the arena, in which children stand before their parents. Variables below a map, as
//! nearly all of Argo's are, and the elements that predicates see have no known type.

mod calls;

use super::ast::{Arena, BinaryOperator, Iteration, Node, NodeId, Pointer, UnaryOperator};
use crate::error::{ExprError, ExprErrorKind};
use crate::value::Value;

/// A type, without what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Go's `any`.
    Any,
    /// Something of which nothing is known.
    Unknown,
    Nil,
    Bool,
    Int,
    Float,
    String,
    Bytes,
    List,
    Map,
    /// `map[interface {}]interface {}`, and what `groupBy` gives.
    Mixed,
    Time,
    Duration,
    Zone,
}

impl Kind {
    fn is_any(self) -> bool {
        matches!(self, Self::Any | Self::Unknown)
    }

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::String(_) => Self::String,
            Value::Bytes(_) => Self::Bytes,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
            Value::Duration(_) => Self::Duration,
            Value::Time(_) => Self::Time,
            Value::Zone(_) => Self::Zone,
        }
    }
}

/// A type; of a list, with the kind of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) kind: Kind,
    element: Kind,
    /// A list that Go knows as `[]string`.
    strings: bool,
}

impl Type {
    pub(super) const fn of(kind: Kind) -> Self {
        Self {
            kind,
            element: Kind::Any,
            strings: false,
        }
    }

    pub(super) const fn list(element: Kind) -> Self {
        Self {
            kind: Kind::List,
            element,
            strings: false,
        }
    }

    const STRINGS: Self = Self {
        kind: Kind::List,
        element: Kind::String,
        strings: true,
    };

    fn is(self, kind: Kind) -> bool {
        self.kind == kind
    }

    fn is_any(self) -> bool {
        self.kind.is_any()
    }

    fn is_number(self) -> bool {
        matches!(self.kind, Kind::Int | Kind::Float)
    }

    fn is_list(self) -> bool {
        matches!(self.kind, Kind::List | Kind::Bytes)
    }

    /// Whether a value of this type may stand where one of the other is wanted.
    fn fits(self, wanted: Self) -> bool {
        match (self.kind, wanted.kind) {
            (Kind::Unknown, _) | (_, Kind::Unknown) => false,
            (_, Kind::Any) => !self.is(Kind::Nil),
            (Kind::Nil, wanted) => {
                matches!(wanted, Kind::List | Kind::Map | Kind::Bytes | Kind::Mixed)
            }
            (Kind::List, Kind::List) => self.strings == wanted.strings,
            (own, wanted) => own == wanted,
        }
    }

    /// Whether it and another can be compared with `==`.
    fn is_comparable(self, other: Self) -> bool {
        let free = |kind: Kind| kind.is_any() || kind == Kind::Nil;
        free(self.kind)
            || free(other.kind)
            || self.is_number() && other.is_number()
            || self.is_list() && other.is_list()
            || self.fits(other)
    }
}

/// As Go prints the type.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::Any => "interface {}",
            Kind::Nil | Kind::Unknown => "unknown",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float64",
            Kind::String => "string",
            Kind::Bytes => "[]uint8",
            Kind::List if self.strings => "[]string",
            Kind::List => "[]interface {}",
            Kind::Map => "map[string]interface {}",
            Kind::Mixed => "map[interface {}]interface {}",
            Kind::Time => "time.Time",
            Kind::Duration => "time.Duration",
            Kind::Zone => "*time.Location",
        })
    }
}

/// A fault, and the node that it is about.
pub(super) type Fault = (NodeId, String);
pub(super) type Checked = Result<Type, Fault>;

const BOOL: Type = Type::of(Kind::Bool);
const INT: Type = Type::of(Kind::Int);
const FLOAT: Type = Type::of(Kind::Float);
const STRING: Type = Type::of(Kind::String);
const ANY: Type = Type::of(Kind::Any);
const UNKNOWN: Type = Type::of(Kind::Unknown);

/// The first fault of an expression; `variable` tells the type of a variable that is used as a
/// whole.
pub(super) fn fault(
    source: &str,
    arena: &Arena,
    variable: impl Fn(&str) -> Kind,
) -> Option<(NodeId, ExprError)> {
    let mut checker = Checker {
        source,
        arena,
        types: Vec::with_capacity(arena.len()),
    };
    for (id, node) in arena.iter() {
        let checked = match node {
            Node::Name(name) => Ok(Type::of(variable(name))),
            _ => checker.check(id, node),
        };
        match checked {
            Ok(found) => checker.types.push(found),
            Err((at, message)) => {
                let (offset, length) = arena.place(at);
                let error = ExprError::new(ExprErrorKind::Evaluation, message, offset, length);
                return Some((id, error));
            }
        }
    }
    None
}

pub(super) struct Checker<'a> {
    source: &'a str,
    arena: &'a Arena,
    types: Vec<Type>,
}

impl Checker<'_> {
    fn type_of(&self, id: NodeId) -> Type {
        self.types.get(id.0 as usize).copied().unwrap_or(ANY)
    }

    fn check(&self, id: NodeId, node: &Node) -> Checked {
        Ok(match node {
            Node::Constant(value) => Type::of(Kind::of(value)),
            Node::Pointer(Pointer::Index) => INT,
            Node::Name(_)
            | Node::Environment
            | Node::Local(_)
            | Node::Pointer(_)
            | Node::CallName { .. } => UNKNOWN,
            Node::Unary { operator, operand } => return self.unary(id, *operator, *operand),
            Node::Binary {
                operator,
                left,
                right,
            } => return self.binary(id, *operator, *left, *right),
            Node::MatchesPattern { text, .. } => match self.type_of(*text).kind {
                Kind::Any | Kind::Unknown | Kind::String | Kind::Bytes => BOOL,
                _ => return Err(mismatch(id, "matches", self.type_of(*text), STRING)),
            },
            Node::Chain(inner) => self.type_of(*inner),
            Node::Member { base, key, .. } => return self.member(id, *base, *key),
            Node::Slice { base, from, to } => return self.slice(id, *base, [*from, *to]),
            Node::Call {
                function,
                arguments,
            } => return self.call(id, function, arguments),
            Node::Method { base, name, .. } => match self.type_of(*base).kind {
                Kind::Any
                | Kind::Unknown
                | Kind::Map
                | Kind::Mixed
                | Kind::Time
                | Kind::Duration
                | Kind::Zone => UNKNOWN,
                Kind::Nil => return Err((id, format!("type nil has no field {name}"))),
                _ => {
                    let found = self.type_of(*base);
                    return Err((id, format!("type {found} has no method {name}")));
                }
            },
            Node::Iterate {
                iteration,
                list,
                predicate,
                extra,
            } => return self.iterate(*iteration, *list, *predicate, *extra),
            Node::Conditional { condition, yes, no } => {
                let found = self.type_of(*condition);
                if !found.is(Kind::Bool) && !found.is_any() {
                    let message = format!("non-bool expression (type {found}) used as condition");
                    return Err((*condition, message));
                }
                let (yes, no) = (self.type_of(*yes), self.type_of(*no));
                match (yes.kind, no.kind) {
                    (Kind::Nil, _) => no,
                    (_, Kind::Nil) => yes,
                    (Kind::List, Kind::List) if yes.element != no.element => Type::list(Kind::Any),
                    _ if yes.fits(no) => yes,
                    _ => UNKNOWN,
                }
            }
            Node::Let { body, .. } => self.type_of(*body),
            Node::Sequence(nodes) => nodes.last().map_or(UNKNOWN, |last| self.type_of(*last)),
            Node::List(nodes) => {
                let mut kinds = nodes.iter().map(|node| self.type_of(*node).kind);
                let first = kinds.next().unwrap_or(Kind::Unknown);
                match kinds.all(|kind| kind == first) {
                    true => Type::list(first),
                    false => Type::list(Kind::Any),
                }
            }
            Node::Map(_) => Type::of(Kind::Map),
        })
    }

    fn unary(&self, id: NodeId, operator: UnaryOperator, operand: NodeId) -> Checked {
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

    fn binary(&self, id: NodeId, operator: BinaryOperator, left: NodeId, right: NodeId) -> Checked {
        use BinaryOperator as B;
        use Kind as K;
        let (l, r) = (self.type_of(left), self.type_of(right));
        // One side is not known, and the other one of these.
        let maybe = |kinds: &[Kind]| {
            l.is_any() && (r.is_any() || kinds.contains(&r.kind))
                || r.is_any() && kinds.contains(&l.kind)
        };
        let both = |kind| l.is(kind) && r.is(kind);
        let pair = |one, other| l.is(one) && r.is(other);
        let numbers = l.is_number() && r.is_number();
        let promoted = if l.is(K::Float) || r.is(K::Float) {
            FLOAT
        } else {
            INT
        };
        let number = [K::Int, K::Float];
        let found = match operator {
            B::Equal | B::NotEqual => l.is_comparable(r).then_some(BOOL),
            B::Or | B::And => (both(K::Bool) || maybe(&[K::Bool])).then_some(BOOL),
            B::Less | B::Greater | B::LessOrEqual | B::GreaterOrEqual => (numbers
                || both(K::String)
                || both(K::Time)
                || both(K::Duration)
                || maybe(&[K::Int, K::Float, K::String, K::Time, K::Duration]))
            .then_some(BOOL),
            B::Subtract if numbers => Some(promoted),
            B::Subtract if both(K::Time) || both(K::Duration) => Some(Type::of(K::Duration)),
            B::Subtract if pair(K::Time, K::Duration) => Some(Type::of(K::Time)),
            B::Subtract => maybe(&[K::Int, K::Float, K::Time, K::Duration]).then_some(UNKNOWN),
            B::Multiply if numbers => Some(promoted),
            B::Multiply
                if both(K::Duration)
                    || l.is_number() && r.is(K::Duration)
                    || l.is(K::Duration) && r.is_number() =>
            {
                Some(Type::of(K::Duration))
            }
            B::Multiply => maybe(&[K::Int, K::Float, K::Duration]).then_some(UNKNOWN),
            B::Divide | B::Power => (numbers || maybe(&number)).then_some(FLOAT),
            B::Modulo => (both(K::Int) || maybe(&[K::Int])).then_some(INT),
            B::Add if numbers => Some(promoted),
            B::Add if both(K::String) => Some(STRING),
            B::Add if both(K::Duration) => Some(Type::of(K::Duration)),
            B::Add if pair(K::Time, K::Duration) || pair(K::Duration, K::Time) => {
                Some(Type::of(K::Time))
            }
            B::Add => {
                maybe(&[K::Int, K::Float, K::String, K::Time, K::Duration]).then_some(UNKNOWN)
            }
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

    /// What stands where a node is: an operator as it was written.
    fn text(&self, id: NodeId) -> &str {
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

    fn member(&self, id: NodeId, base: NodeId, key: NodeId) -> Checked {
        let (found, of_key) = (self.type_of(base), self.type_of(key));
        let name = match self.arena.get(key) {
            Node::Constant(Value::String(name)) => Some(name),
            _ => None,
        };
        match (found.kind, name) {
            (Kind::Any | Kind::Unknown, _) => Ok(UNKNOWN),
            (Kind::Mixed, _) => Ok(ANY),
            (Kind::Nil, Some(name)) => Err((id, format!("type nil has no field {name}"))),
            (Kind::Map, _) if of_key.is(Kind::String) || of_key.is_any() => Ok(ANY),
            (Kind::Map, _) => {
                let message = format!("cannot use {of_key} to get an element from {found}");
                Err((key, message))
            }
            (Kind::List | Kind::Bytes, _) => match of_key.kind {
                Kind::Int | Kind::Any | Kind::Unknown => Ok(Type::of(found.element)),
                _ => {
                    let message = format!(
                        "array elements can only be selected using an integer (got {of_key})"
                    );
                    Err((key, message))
                }
            },
            // Methods that are taken and not called.
            (Kind::Time | Kind::Duration | Kind::Zone, Some(_)) => Ok(ANY),
            (_, Some(name)) => Err((id, format!("type {found} has no field {name}"))),
            (_, None) => Err((id, format!("type {found}[{of_key}] is undefined"))),
        }
    }

    fn slice(&self, id: NodeId, base: NodeId, ends: [Option<NodeId>; 2]) -> Checked {
        let found = self.type_of(base);
        match found.kind {
            Kind::Any | Kind::Unknown => return Ok(UNKNOWN),
            Kind::String | Kind::List | Kind::Bytes => {}
            _ => return Err((id, format!("cannot slice {found}"))),
        }
        for end in ends.into_iter().flatten() {
            let of_end = self.type_of(end);
            if !of_end.is(Kind::Int) && !of_end.is_any() {
                return Err((end, format!("non-integer slice index {of_end}")));
            }
        }
        Ok(found)
    }

    fn iterate(
        &self,
        iteration: Iteration,
        list: NodeId,
        predicate: Option<NodeId>,
        extra: Option<NodeId>,
    ) -> Checked {
        use Iteration as I;
        let found = self.type_of(list);
        if !found.is_any() && !found.is_list() {
            let name = iteration.name();
            return Err((
                list,
                format!("builtin {name} takes only array (got {found})"),
            ));
        }
        let of_predicate = predicate.map(|predicate| self.type_of(predicate));
        let wants_truth = !matches!(
            iteration,
            I::Map | I::Sum | I::GroupBy | I::SortBy | I::Reduce
        );
        if let (Some(predicate), Some(gives), true) = (predicate, of_predicate, wants_truth) {
            match gives.kind {
                Kind::Bool | Kind::Any | Kind::Unknown => {}
                Kind::Nil => {
                    let message = "predicate should has one input and one output param";
                    return Err((predicate, message.to_owned()));
                }
                _ => {
                    let message = format!("predicate should return boolean (got {gives})");
                    return Err((predicate, message));
                }
            }
        }
        if let (I::SortBy, Some(order)) = (iteration, extra) {
            let gives = self.type_of(order);
            if !gives.is(Kind::String) && !gives.is_any() {
                let message = format!("sortBy order argument must be a string (got {gives})");
                return Err((order, message));
            }
        }
        Ok(match iteration {
            I::All | I::None | I::Any | I::One => BOOL,
            I::Filter => Type::list(found.element),
            I::Map => Type::list(of_predicate.map_or(Kind::Unknown, |gives| gives.kind)),
            I::Count | I::FindIndex | I::FindLastIndex => INT,
            I::Sum | I::Find | I::FindLast
                if found.is_any() && of_predicate.is_none_or(|_| iteration != I::Sum) =>
            {
                UNKNOWN
            }
            I::Sum => of_predicate.unwrap_or(Type::of(found.element)),
            I::Find | I::FindLast => Type::of(found.element),
            I::GroupBy => Type::of(Kind::Mixed),
            I::SortBy => found,
            I::Reduce => of_predicate.unwrap_or(UNKNOWN),
        })
    }
}

fn mismatch(id: NodeId, sign: &str, left: Type, right: Type) -> Fault {
    let message = format!("invalid operation: {sign} (mismatched types {left} and {right})");
    (id, message)
}
