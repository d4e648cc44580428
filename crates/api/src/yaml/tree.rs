//! The values of one document, packed: every node knows the bytes it was written with.

use crate::typed::Meant;
use crate::{FieldPath, Segment};

/// Where a text stands: in the source, or in the tree's own buffer when it had to be unescaped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text {
    pub start: u32,
    pub len: u32,
    pub owned: bool,
}

/// What a node holds. A container's children follow it at once, each with all its own children;
/// `size` counts the container and everything in it, so that it can be stepped over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(Text),
    /// Keys and values in turn; `count` pairs.
    Map {
        count: u32,
        size: u32,
    },
    List {
        count: u32,
        size: u32,
    },
    /// Stands for another node, an earlier one.
    Alias(u32),
    /// The key of a pair that is not part of its map: a merge, or one that a later pair replaces.
    Hidden,
}

/// A value and the bytes it was written with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub start: u32,
    pub end: u32,
    pub value: Value,
}

/// The nodes of one document in the order they were written; the root is the first.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
    pub strings: String,
}

impl Tree {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        matches!(
            self.nodes.first().map(|node| node.value),
            None | Some(Value::Null)
        )
    }

    /// The node itself, or the one that it stands for.
    pub fn resolve(&self, mut id: u32) -> u32 {
        while let Value::Alias(target) = self.nodes[id as usize].value {
            id = target;
        }
        id
    }

    /// What a node holds, once aliases are followed.
    pub fn value(&self, id: u32) -> Value {
        self.nodes[self.resolve(id) as usize].value
    }

    /// The node after this one and everything in it.
    pub fn after(&self, id: u32) -> u32 {
        match self.nodes[id as usize].value {
            Value::Map { size, .. } | Value::List { size, .. } => id + size,
            _ => id + 1,
        }
    }

    pub fn text<'a>(&'a self, source: &'a str, text: Text) -> &'a str {
        let range = text.start as usize..(text.start + text.len) as usize;
        if text.owned {
            &self.strings[range]
        } else {
            &source[range]
        }
    }

    /// The text of a key or a string; nothing for all else.
    pub fn as_str<'a>(&'a self, source: &'a str, id: u32) -> Option<&'a str> {
        match self.value(id) {
            Value::Text(text) => Some(self.text(source, text)),
            _ => None,
        }
    }

    /// The pairs of a map as (key, value), without the hidden ones.
    pub fn pairs(&self, id: u32) -> Pairs<'_> {
        let id = self.resolve(id);
        let (next, end) = match self.nodes[id as usize].value {
            Value::Map { size, .. } => (id + 1, id + size),
            _ => (id, id),
        };
        Pairs {
            tree: self,
            next,
            end,
        }
    }

    /// The elements of a list.
    pub fn items(&self, id: u32) -> Items<'_> {
        let id = self.resolve(id);
        let (next, end) = match self.nodes[id as usize].value {
            Value::List { size, .. } => (id + 1, id + size),
            _ => (id, id),
        };
        Items {
            tree: self,
            next,
            end,
        }
    }

    /// The value under a key of a map, with the key.
    pub fn get(&self, source: &str, id: u32, name: &str) -> Option<(u32, u32)> {
        self.pairs(id)
            .find(|(key, _)| self.as_str(source, *key) == Some(name))
    }

    /// The way from one node down to another; a key counts as its value.
    /// It costs a walk along the containers above, so it is for faults only.
    pub fn path(&self, source: &str, root: u32, target: u32) -> FieldPath {
        let mut path = FieldPath::root();
        let mut at = self.resolve(root);
        'down: while at != target {
            for (key, value) in self.pairs(at) {
                if target == key || (value <= target && target < self.after(value)) {
                    path.push_field(self.as_str(source, key).unwrap_or_default().to_owned());
                    if target == key || target == value {
                        break 'down;
                    }
                    at = value;
                    continue 'down;
                }
            }
            for (index, item) in self.items(at).enumerate() {
                if item <= target && target < self.after(item) {
                    path.push_index(index);
                    at = item;
                    continue 'down;
                }
            }
            break;
        }
        path
    }

    /// The node at a path, or its nearest ancestor that exists, with the key it stands under.
    pub fn find(
        &self,
        source: &str,
        root: u32,
        path: &FieldPath,
        meant: &[Meant],
    ) -> (Option<u32>, u32) {
        let (mut key, mut at) = (None, root);
        let misspelt = |at, name: &str| {
            let mut keys = meant.iter().filter(|meant| meant.name == name);
            keys.find_map(|meant| self.pairs(at).find(|(key, _)| *key == meant.key))
        };
        for segment in path.segments() {
            let found = match segment {
                Segment::Field(name) => self
                    .get(source, at, name)
                    .or_else(|| misspelt(at, name))
                    .map(|(key, value)| (Some(key), value)),
                Segment::Index(index) => self.items(at).nth(*index).map(|item| (None, item)),
            };
            match found {
                Some(next) => (key, at) = next,
                None => break,
            }
        }
        (key, at)
    }
}

/// See [`Tree::pairs`].
pub(crate) struct Pairs<'a> {
    tree: &'a Tree,
    next: u32,
    end: u32,
}

impl Iterator for Pairs<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        while self.next < self.end {
            let key = self.next;
            let value = key + 1;
            self.next = self.tree.after(value);
            if self.tree.nodes[key as usize].value != Value::Hidden {
                return Some((key, value));
            }
        }
        None
    }
}

/// See [`Tree::items`].
pub(crate) struct Items<'a> {
    tree: &'a Tree,
    next: u32,
    end: u32,
}

impl Iterator for Items<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let item = self.next;
        if item >= self.end {
            return None;
        }
        self.next = self.tree.after(item);
        Some(item)
    }
}
