//! What can be told of an expression's types before it is evaluated. expr-lang refuses what does not
//! fit where both sides are known, also in parts that would not be reached. Argo: the library's
//! `checker/checker.go` and the `Validate` functions of its `builtin/builtin.go`.
//!
//! One pass over the arena, in which children stand before their parents. Variables below a map, as
//! nearly all of Argo's are, have no known type.

mod calls;
mod iterations;
mod operators;
mod types;

use super::ast::{Arena, Node, NodeId, Pointer, unchecked};
use crate::error::{ExprError, ExprErrorKind};
use crate::value::Value;

use operators::mismatch;
pub(in crate::expr) use types::Kind;
use types::{ANY, BOOL, INT, STRING, Type, UNKNOWN};

/// A fault, and the node that it is about.
type Fault = (NodeId, String);
type Checked = Result<Type, Fault>;

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
    let first_parts = first_parts(arena);
    let unchecked = unchecked(arena);
    for (id, node) in arena.iter() {
        if unchecked[id.0 as usize] {
            checker.types.push(match node {
                Node::Constant(value) => Type::of(Kind::of(value)),
                _ => UNKNOWN,
            });
            continue;
        }
        let checked = match (node, variable_of(arena, node)) {
            (_, Some(name)) => Ok(Type::of(variable(name))),
            (node, None) => checker.check(id, node),
        };
        let checked = checked.and_then(|found| {
            checker.types.push(found);
            match first_parts[id.0 as usize] {
                Some(whole) => checker.check_first_part(whole),
                None => Ok(()),
            }
        });
        if let Err((at, message)) = checked {
            let (offset, length) = arena.place(at);
            let error = ExprError::new(ExprErrorKind::Evaluation, message, offset, length);
            return Some((id, error));
        }
    }
    None
}

/// The variable that a node is: `name`, `$env.name`.
fn variable_of<'a>(arena: &'a Arena, node: &'a Node) -> Option<&'a str> {
    match node {
        Node::Name(name) => Some(name),
        Node::Member { base, key, .. } if matches!(arena.get(*base), Node::Environment) => {
            match arena.get(*key) {
                Node::Constant(Value::String(name)) => Some(name),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Of each node that is looked at before the other parts of what it belongs to: what that is.
fn first_parts(arena: &Arena) -> Vec<Option<NodeId>> {
    let mut first_parts = vec![None; arena.len()];
    for (id, node) in arena.iter() {
        if let Node::Conditional {
            condition: part, ..
        }
        | Node::Iterate { list: part, .. }
        | Node::CallName { callee: part, .. } = node
        {
            first_parts[part.0 as usize] = Some(id);
        }
    }
    first_parts
}

struct Checker<'a> {
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
            Node::Pointer { pointer, list } => match pointer {
                Pointer::Index => INT,
                Pointer::Accumulator => UNKNOWN,
                Pointer::Item => match self.type_of(*list).kind {
                    Kind::List | Kind::Bytes => Type::of(self.type_of(*list).element),
                    _ => UNKNOWN,
                },
            },
            Node::Local { value, .. } => self.type_of(*value),
            Node::Name(_) | Node::Environment | Node::CallName { .. } | Node::Refused { .. } => {
                UNKNOWN
            }
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
                | Kind::Zone
                | Kind::Version => UNKNOWN,
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
            Node::Conditional { yes, no, .. } => {
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

    /// What is wrong with the part of a node that is looked at before its other parts.
    fn check_first_part(&self, id: NodeId) -> Result<(), Fault> {
        match self.arena.get(id) {
            Node::Conditional { condition, .. } => {
                let found = self.type_of(*condition);
                if !found.is(Kind::Bool) && !found.is_any() {
                    let message = format!("non-bool expression (type {found}) used as condition");
                    return Err((*condition, message));
                }
            }
            Node::Iterate {
                iteration, list, ..
            } => {
                let found = self.type_of(*list);
                if !found.is_any() && !found.is_list() {
                    let name = iteration.name();
                    let message = format!("builtin {name} takes only array (got {found})");
                    return Err((*list, message));
                }
            }
            Node::CallName { callee, .. } => {
                let found = self.type_of(*callee);
                return match (self.arena.get(*callee), found.kind) {
                    (Node::Environment, _) => {
                        Err((*callee, format!("{} is not callable", Type::of(Kind::Map))))
                    }
                    (_, Kind::Any | Kind::Unknown) => Ok(()),
                    (_, Kind::Nil) => {
                        let name = self.text(*callee);
                        let message = format!("{name} is nil; cannot call nil as function");
                        Err((*callee, message))
                    }
                    _ => Err((*callee, format!("{found} is not callable"))),
                };
            }
            _ => {}
        }
        Ok(())
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
            (Kind::Time | Kind::Duration | Kind::Zone | Kind::Version, Some(_)) => Ok(ANY),
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
}
