//! What a map's keys do to each other: merge keys (`<<`), and keys given twice.

use std::collections::HashMap;

use super::build::{Builder, Fault};
use super::tree::Value;

/// From here on a map's keys are compared by hash.
const SMALL_MAP: usize = 12;

impl Builder<'_> {
    /// Adds what the merge keys of a map, the last one written, bring in. A key that comes in
    /// several ways is a fault, as it is to Argo; where that is let pass, a key of the map's own
    /// wins over a merged one, and the first of several merged maps over the later ones.
    pub(super) fn merge(&mut self, map: u32) -> Result<(), Fault> {
        let mut sources = Vec::new();
        let mut own: HashMap<String, Option<u32>> = HashMap::new();
        let end = self.tree.nodes.len() as u32;
        let mut key = map + 1;
        while key < end {
            let value = key + 1;
            if self.tree.nodes[key as usize].value == Value::Hidden {
                self.merged_maps(value, &mut sources)?;
            } else if let Some(name) = self.tree.as_str(self.source, key) {
                own.insert(name.to_owned(), Some(key));
            }
            key = self.tree.after(value);
        }
        for from in sources {
            let pairs: Vec<(u32, u32)> = self.tree.pairs(from).collect();
            for (key, value) in pairs {
                let name = self
                    .tree
                    .as_str(self.source, key)
                    .unwrap_or_default()
                    .to_owned();
                if let Some(known) = own.get(&name) {
                    self.note_override(known.unwrap_or(from), &name);
                    continue;
                }
                own.insert(name, None);
                let (start, end) = (
                    self.tree.nodes[from as usize].start,
                    self.tree.nodes[from as usize].end,
                );
                for target in [key, value] {
                    let target = self.tree.resolve(target);
                    self.push(start as usize, end as usize, Value::Alias(target))?;
                }
            }
        }
        Ok(())
    }

    fn note_override(&mut self, place: u32, name: &str) {
        let node = self.tree.nodes[place as usize];
        let text = format!("key \"{name}\" already set in map: it is merged in (<<) as well");
        let fault = Fault::error(
            "duplicate-key",
            node.start as usize,
            node.end as usize,
            text,
        );
        let help = "leave the key out here or in the merged map";
        self.faults.push(fault.with_help(help));
    }

    fn merged_maps(&self, value: u32, sources: &mut Vec<u32>) -> Result<(), Fault> {
        let node = self.tree.nodes[value as usize];
        let refusal = || {
            let text = "a merge key (<<) takes a map or a list of maps";
            Fault::error("yaml-syntax", node.start as usize, node.end as usize, text)
        };
        match self.tree.value(value) {
            Value::Map { .. } => sources.push(value),
            Value::List { .. } => {
                for item in self.tree.items(value) {
                    match self.tree.value(item) {
                        Value::Map { .. } => sources.push(item),
                        _ => return Err(refusal()),
                    }
                }
            }
            _ => return Err(refusal()),
        }
        Ok(())
    }

    /// Notes keys that a map, the last one written, has twice. The last one counts, as in Go.
    pub(super) fn hide_duplicates(&mut self, map: u32) {
        let mut duplicates = Vec::new();
        let mut seen: Vec<(u32, &str)> = Vec::with_capacity(SMALL_MAP);
        let mut index: HashMap<&str, u32> = HashMap::new();
        let end = self.tree.nodes.len() as u32;
        let mut key = map + 1;
        while key < end {
            let name = match self.tree.nodes[key as usize].value {
                Value::Hidden => None,
                _ => self.tree.as_str(self.source, key),
            };
            if let Some(name) = name {
                let earlier = if index.is_empty() {
                    let found = seen.iter().position(|(_, other)| *other == name);
                    found.map(|at| seen.swap_remove(at).0)
                } else {
                    index.insert(name, key)
                };
                duplicates.extend(earlier.map(|earlier| (earlier, key)));
                if index.is_empty() {
                    seen.push((key, name));
                    if seen.len() == SMALL_MAP {
                        index = seen.iter().map(|(key, name)| (*name, *key)).collect();
                    }
                }
            }
            key = self.tree.after(key + 1);
        }
        for (earlier, later) in duplicates {
            let node = self.tree.nodes[later as usize];
            let name = self.tree.as_str(self.source, later).unwrap_or_default();
            let text = format!("key \"{name}\" already set in map");
            let fault = Fault::error(
                "duplicate-key",
                node.start as usize,
                node.end as usize,
                text,
            );
            self.faults.push(fault.with_help("keep one of the two"));
            self.tree.nodes[earlier as usize].value = Value::Hidden;
        }
    }
}
