//! Which variables an expression reads.

use super::ast::{Arena, BinaryOperator, Node, NodeId, unchecked};
use super::functions::{Function, OF_ARGO};
use crate::value::Value;

/// The variables of an expression; see [`Program`](super::Program).
#[derive(Clone, Debug, Default)]
pub(super) struct References {
    /// The roots of the variables, and the first node of each.
    pub(super) roots: Vec<(String, NodeId)>,
    /// What `let` declares, what it is given, and the declaration.
    pub(super) declared: Vec<(String, NodeId, NodeId)>,
    pub(super) paths: Vec<String>,
    pub(super) required: Vec<String>,
    /// The longest of them, and a node of each.
    pub(super) required_ends: Vec<(String, NodeId)>,
    /// Whether a variable's root is used as it is, without going on to what is below it.
    pub(super) whole: bool,
}

pub(super) fn of(arena: &Arena) -> References {
    let mut references = References::default();
    references.note_roots(arena);
    let (paths, goes_on) = paths(arena);
    references.whole = arena.iter().any(|(id, node)| {
        let is_root = match node {
            Node::Name(root) => !OF_ARGO.contains(&&**root),
            Node::Member { base, .. } => matches!(arena.get(*base), Node::Environment),
            _ => false,
        };
        is_root && !goes_on[id.0 as usize]
    });
    references.note_required(arena, &paths);
    for (path, goes_on) in paths.into_iter().zip(goes_on) {
        match path {
            Some(path) if !goes_on && !references.paths.contains(&path) => {
                references.paths.push(path);
            }
            _ => {}
        }
    }
    references
}

impl References {
    /// The roots of the variables, and what is declared.
    fn note_roots(&mut self, arena: &Arena) {
        let unchecked = unchecked(arena);
        for (id, node) in arena.iter() {
            let root = match node {
                Node::Name(root) if !OF_ARGO.contains(&&**root) => root,
                Node::Member {
                    base,
                    key,
                    optional: false,
                } if matches!(arena.get(*base), Node::Environment) => match arena.get(*key) {
                    Node::Constant(Value::String(key)) => key,
                    _ => continue,
                },
                Node::Let { name, value, .. } => {
                    self.declared.push((name.to_string(), *value, id));
                    continue;
                }
                _ => continue,
            };
            let known = self.roots.iter().any(|(known, _)| **known == **root);
            if !unchecked[id.0 as usize] && !known {
                self.roots.push((root.to_string(), id));
            }
        }
    }

    /// The paths without which it is not evaluated.
    fn note_required(&mut self, arena: &Arena, paths: &[Option<String>]) {
        let (plain, guarded) = (plain_paths(arena), guarded(arena));
        let is_required = |id: NodeId| plain[id.0 as usize] && !guarded[id.0 as usize];
        let mut ends: Vec<bool> = vec![true; arena.len()];
        for (id, node) in arena.iter() {
            if let Node::Member { base, .. } = node
                && is_required(id)
            {
                ends[base.0 as usize] = false;
            }
        }
        for (id, node) in arena.iter() {
            let at = id.0 as usize;
            let path = match (node, &paths[at]) {
                // To Argo a function that sprig doesn't have is a variable that is missing.
                (Node::Refused { name, .. }, _) if Function::of_sprig(name).is_none() => {
                    format!("sprig.{name}")
                }
                (_, Some(path)) if is_required(id) => path.clone(),
                _ => continue,
            };
            if ends[at] && !self.required_ends.iter().any(|(end, _)| *end == path) {
                self.required_ends.push((path.clone(), id));
            }
            if !self.required.contains(&path) {
                self.required.push(path);
            }
        }
    }
}

/// The path that each node is, if it is one, and whether another goes on from it.
fn paths(arena: &Arena) -> (Vec<Option<String>>, Vec<bool>) {
    let mut paths: Vec<Option<String>> = Vec::with_capacity(arena.len());
    let mut goes_on = vec![false; arena.len()];
    for (_, node) in arena.iter() {
        let path = match node {
            Node::Name(root) if !OF_ARGO.contains(&&**root) => Some(root.to_string()),
            Node::Chain(inner) => {
                goes_on[inner.0 as usize] = true;
                paths[inner.0 as usize].clone()
            }
            Node::Member { base, key, .. } => match (arena.get(*key), arena.get(*base)) {
                (Node::Constant(Value::String(key)), Node::Environment) => Some(key.to_string()),
                (Node::Constant(Value::String(key)), _) => {
                    let base = base.0 as usize;
                    goes_on[base] |= paths[base].is_some();
                    paths[base].as_ref().map(|path| format!("{path}.{key}"))
                }
                _ => None,
            },
            _ => None,
        };
        paths.push(path);
    }
    (paths, goes_on)
}

/// The nodes that are a variable, or members of one by known keys and without `?.`.
fn plain_paths(arena: &Arena) -> Vec<bool> {
    let mut plain: Vec<bool> = Vec::with_capacity(arena.len());
    for (_, node) in arena.iter() {
        plain.push(match node {
            Node::Name(_) => true,
            Node::Member {
                base,
                key,
                optional: false,
            } => {
                plain[base.0 as usize]
                    && matches!(arena.get(*key), Node::Constant(Value::String(_)))
            }
            _ => false,
        });
    }
    plain
}

/// The members that `??` or `?.` guards, as Argo 4.1 tells them.
fn guarded(arena: &Arena) -> Vec<bool> {
    let mut guarded = vec![false; arena.len()];
    for (_, node) in arena.iter() {
        match node {
            Node::Binary {
                operator: BinaryOperator::Coalesce,
                left,
                ..
            } => {
                let mut open = vec![*left];
                while let Some(id) = open.pop() {
                    if matches!(arena.get(id), Node::Member { .. }) {
                        // What is below a guarded member was guarded with it.
                        if std::mem::replace(&mut guarded[id.0 as usize], true) {
                            continue;
                        }
                    }
                    arena.children(id, |child| open.push(child));
                }
            }
            Node::Member {
                base,
                optional: true,
                ..
            } if matches!(arena.get(*base), Node::Member { .. }) => {
                guarded[base.0 as usize] = true;
            }
            _ => {}
        }
    }
    guarded
}
