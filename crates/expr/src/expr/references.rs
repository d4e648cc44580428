//! Which variables an expression reads.

use super::ast::{Arena, BinaryOperator, Node, NodeId, unchecked};
use super::functions::OF_ARGO;
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
    pub(super) required_ends: Vec<String>,
    /// Whether a variable's root is used as it is, without going on to what is below it.
    pub(super) whole: bool,
}

pub(super) fn of(arena: &Arena) -> References {
    let mut references = References::default();
    let guarded = guarded(arena);
    let mut paths: Vec<Option<String>> = Vec::new();
    let mut goes_on = vec![false; arena.len()];
    let unchecked = unchecked(arena);
    for (id, node) in arena.iter() {
        let is_checked = !unchecked[id.0 as usize];
        if let Node::Let { name, value, .. } = node {
            references.declared.push((name.to_string(), *value, id));
        }
        let path = match node {
            Node::Name(root) if OF_ARGO.contains(&&**root) => None,
            Node::Name(root) => {
                let known = references.roots.iter().any(|(known, _)| **known == **root);
                if is_checked && !known {
                    references.roots.push((root.to_string(), id));
                }
                Some(root.to_string())
            }
            Node::Chain(inner) => {
                goes_on[inner.0 as usize] = true;
                paths[inner.0 as usize].clone()
            }
            Node::Member {
                base,
                key,
                optional,
            } => match arena.get(*key) {
                Node::Constant(Value::String(key)) => {
                    let at_environment = matches!(arena.get(*base), Node::Environment);
                    let known = references.roots.iter().any(|(root, _)| **root == **key);
                    if at_environment && is_checked && !optional && !known {
                        references.roots.push((key.to_string(), id));
                    }
                    match &paths[base.0 as usize] {
                        Some(path) => {
                            goes_on[base.0 as usize] = true;
                            Some(format!("{path}.{key}"))
                        }
                        None if at_environment => Some(key.to_string()),
                        None => None,
                    }
                }
                _ => None,
            },
            _ => None,
        };
        paths.push(path);
    }
    references.whole = arena.iter().any(|(id, node)| {
        let is_root = match node {
            Node::Name(root) => !OF_ARGO.contains(&&**root),
            Node::Member { base, .. } => matches!(arena.get(*base), Node::Environment),
            _ => false,
        };
        is_root && !goes_on[id.0 as usize]
    });
    let plain = plain_paths(arena);
    let mut ends: Vec<bool> = vec![true; arena.len()];
    for (id, node) in arena.iter() {
        if let Node::Member { base, .. } = node
            && plain[id.0 as usize]
            && !guarded[id.0 as usize]
        {
            ends[base.0 as usize] = false;
        }
    }
    for (at, path) in paths.into_iter().enumerate() {
        let Some(path) = path else { continue };
        if plain[at] && !guarded[at] {
            if ends[at] && !references.required_ends.contains(&path) {
                references.required_ends.push(path.clone());
            }
            if !references.required.contains(&path) {
                references.required.push(path.clone());
            }
        }
        if !goes_on[at] && !references.paths.contains(&path) {
            references.paths.push(path);
        }
    }
    references
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
