//! From byte offsets to lines and columns.

use std::sync::{Arc, OnceLock};

use crate::Span;

/// Where the lines of a text begin; worked out when the first place is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<OnceLock<Vec<u32>>>);

impl Lines {
    pub fn span(&self, text: &str, start: u32, end: u32) -> Span {
        let starts = self.0.get_or_init(|| {
            let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0)
                .chain(breaks.map(|(at, _)| at as u32 + 1))
                .collect()
        });
        let line = starts.partition_point(|first| *first <= start);
        let first = starts[line - 1] as usize;
        let before = text.get(first..start as usize).unwrap_or_default();
        // A byte-order mark takes no column.
        let column = before.trim_start_matches('\u{feff}').chars().count() as u32 + 1;
        Span {
            start,
            end: end.max(start),
            line: line as u32,
            column,
        }
    }
}
