//! The tree of an expression, in an arena: nodes refer to each other by index, children stand
//! before their parents, and dropping it is dropping a list.

use std::sync::Arc;

use regex::Regex;

use super::functions::Function;
use crate::value::Value;

/// The index of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(pub(crate) u32);

/// What a `#` in a predicate means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointer {
    /// `#`: the element.
    Item,
    /// `#index`: its index.
    Index,
    /// `#acc`: what `reduce` has so far.
    Accumulator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Not,
    Minus,
    Plus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    In,
    Matches,
    Contains,
    StartsWith,
    EndsWith,
    Range,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Coalesce,
}

/// The functions that take a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Iteration {
    All,
    None,
    Any,
    One,
    Filter,
    Map,
    Count,
    Sum,
    Find,
    FindIndex,
    FindLast,
    FindLastIndex,
    GroupBy,
    SortBy,
    Reduce,
}

impl Iteration {
    pub(crate) const ALL: [Self; 15] = [
        Self::All,
        Self::None,
        Self::Any,
        Self::One,
        Self::Filter,
        Self::Map,
        Self::Count,
        Self::Sum,
        Self::Find,
        Self::FindIndex,
        Self::FindLast,
        Self::FindLastIndex,
        Self::GroupBy,
        Self::SortBy,
        Self::Reduce,
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
            Self::Any => "any",
            Self::One => "one",
            Self::Filter => "filter",
            Self::Map => "map",
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Find => "find",
            Self::FindIndex => "findIndex",
            Self::FindLast => "findLast",
            Self::FindLastIndex => "findLastIndex",
            Self::GroupBy => "groupBy",
            Self::SortBy => "sortBy",
            Self::Reduce => "reduce",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(Value),
    /// A variable of the scope.
    Name(Arc<str>),
    /// `$env`: the scope as a map.
    Environment,
    /// A variable of a `let`, by its place among those that are visible, and what it was given.
    Local {
        slot: usize,
        value: NodeId,
    },
    /// A `#`, and the list whose elements it means.
    Pointer {
        pointer: Pointer,
        list: NodeId,
    },
    Unary {
        operator: UnaryOperator,
        operand: NodeId,
    },
    Binary {
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
    },
    /// `matches` with a pattern that is known beforehand.
    MatchesPattern {
        text: NodeId,
        pattern: Box<Regex>,
    },
    Member {
        base: NodeId,
        key: NodeId,
        optional: bool,
    },
    /// Around a run of members with a `?.` in it, which becomes nil as a whole.
    Chain(NodeId),
    Slice {
        base: NodeId,
        from: Option<NodeId>,
        to: Option<NodeId>,
    },
    /// A call of a function that is known by name.
    Call {
        function: Function,
        arguments: Vec<NodeId>,
    },
    /// A call of a function of sprig's that is known to fail, and how it does.
    Refused {
        name: Arc<str>,
        arguments: Vec<NodeId>,
        message: Arc<str>,
    },
    /// A call of a method of a value: `now().Unix()`.
    Method {
        base: NodeId,
        name: Arc<str>,
        optional: bool,
        arguments: Vec<NodeId>,
    },
    /// A call of something that is no function.
    CallName {
        callee: NodeId,
        arguments: Vec<NodeId>,
    },
    Iterate {
        iteration: Iteration,
        list: NodeId,
        predicate: Option<NodeId>,
        extra: Option<NodeId>,
    },
    Conditional {
        condition: NodeId,
        yes: NodeId,
        no: NodeId,
    },
    Let {
        slot: usize,
        name: Arc<str>,
        value: NodeId,
        body: NodeId,
    },
    Sequence(Vec<NodeId>),
    List(Vec<NodeId>),
    Map(Vec<(NodeId, NodeId)>),
}

/// All nodes of an expression, with the place in the text that each is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arena {
    nodes: Vec<Node>,
    places: Vec<(u32, u32)>,
}

impl Arena {
    pub(crate) fn push(&mut self, node: Node, offset: usize, length: usize) -> NodeId {
        let id = NodeId(as_u32(self.nodes.len()));
        self.nodes.push(node);
        self.places.push((as_u32(offset), as_u32(length)));
        id
    }

    pub(crate) fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The offset and the length of the text that the node is about.
    pub(crate) fn place(&self, id: NodeId) -> (usize, usize) {
        let (offset, length) = self.places[id.0 as usize];
        (offset as usize, length as usize)
    }

    /// All nodes, children before parents.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0u32..).map(NodeId).zip(&self.nodes)
    }

    /// Calls `found` with each child of a node.
    pub(crate) fn children(&self, id: NodeId, mut found: impl FnMut(NodeId)) {
        match self.get(id) {
            Node::Constant(_)
            | Node::Name(_)
            | Node::Environment
            | Node::Local { .. }
            | Node::Pointer { .. } => {}
            Node::Unary { operand, .. } => found(*operand),
            Node::Binary { left, right, .. } => {
                found(*left);
                found(*right);
            }
            Node::MatchesPattern { text, .. } => found(*text),
            Node::Member { base, key, .. } => {
                found(*base);
                found(*key);
            }
            Node::Chain(inner) => found(*inner),
            Node::Slice { base, from, to } => {
                found(*base);
                from.iter().chain(to).copied().for_each(found);
            }
            Node::Call { arguments, .. } | Node::Refused { arguments, .. } => {
                arguments.iter().copied().for_each(found);
            }
            Node::Method {
                base, arguments, ..
            } => {
                found(*base);
                arguments.iter().copied().for_each(found);
            }
            Node::CallName { callee, arguments } => {
                found(*callee);
                arguments.iter().copied().for_each(found);
            }
            Node::Iterate {
                list,
                predicate,
                extra,
                ..
            } => {
                found(*list);
                predicate.iter().chain(extra).copied().for_each(found);
            }
            Node::Conditional { condition, yes, no } => {
                found(*condition);
                found(*yes);
                found(*no);
            }
            Node::Let { value, body, .. } => {
                found(*value);
                found(*body);
            }
            Node::Sequence(nodes) | Node::List(nodes) => nodes.iter().copied().for_each(found),
            Node::Map(pairs) => {
                for (key, value) in pairs {
                    found(*key);
                    found(*value);
                }
            }
        }
    }
}

/// The nodes that expr-lang does not check before it evaluates: the arguments of functions of which it
/// knows no type, as sprig's are, and what `$env` is asked for.
pub(crate) fn unchecked(arena: &Arena) -> Vec<bool> {
    let mut unchecked = vec![false; arena.len()];
    // Parents stand behind their children.
    for at in (0..arena.len()).rev() {
        let id = NodeId(as_u32(at));
        if unchecked[at] {
            arena.children(id, |child| unchecked[child.0 as usize] = true);
            continue;
        }
        match arena.get(id) {
            Node::Call {
                function,
                arguments,
            } if function.is_of_sprig() => {
                arguments
                    .iter()
                    .for_each(|id| unchecked[id.0 as usize] = true);
            }
            Node::Refused { arguments, .. } => {
                arguments
                    .iter()
                    .for_each(|id| unchecked[id.0 as usize] = true);
            }
            Node::Member { base, key, .. } if matches!(arena.get(*base), Node::Environment) => {
                unchecked[key.0 as usize] = true;
            }
            _ => {}
        }
    }
    unchecked
}

fn as_u32(n: usize) -> u32 {
    u32::try_from(n).expect("the length of an expression is limited far below this")
}
