//! What is wrong with a text, within bounds.

use std::collections::BTreeMap;

use super::build::Fault;

/// How many faults of one kind are told of.
pub(crate) const MAX_OF_A_KIND: usize = 100;

/// The faults of a text, at most [`MAX_OF_A_KIND`] of each kind.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    counts: BTreeMap<&'static str, usize>,
}

impl Faults {
    /// Notes a fault, and keeps it if there are not too many of its kind.
    pub fn push(&mut self, fault: Fault) {
        let count = self.counts.entry(fault.code).or_default();
        *count += 1;
        if *count <= MAX_OF_A_KIND {
            self.list.push(fault);
        }
    }

    /// The faults that were kept; the last of each kind says how many more there are.
    pub fn finish(mut self) -> Vec<Fault> {
        for (code, count) in self.counts {
            if count > MAX_OF_A_KIND
                && let Some(last) = self.list.iter_mut().rfind(|fault| fault.code == code)
            {
                last.message.push_str(&more(count - MAX_OF_A_KIND));
            }
        }
        self.list
    }
}

/// Says how many faults are not told of.
pub(crate) fn more(count: usize) -> String {
    format!(" (and {count} more faults of this kind)")
}
