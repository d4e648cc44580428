//! What a step or task loops over.

use std::sync::Arc;

use serde_json::Value;

use super::Text;
use crate::item::Item;

/// `withItems`, `withParam` or `withSequence`.
#[derive(Clone, Debug, PartialEq)]
pub enum LoopPlan {
    /// `withItems` without tags.
    Items(Arc<[Item]>),
    /// `withItems` with tags in some strings.
    TaggedItems(Arc<[Value]>),
    /// `withParam`: a JSON list.
    Param(Text),
    /// `withSequence`.
    Sequence {
        /// The first number; 0 if not given.
        start: Option<Text>,
        /// The last number.
        end: Option<Text>,
        /// How many numbers, instead of `end`.
        count: Option<Text>,
        /// A printf format for each.
        format: Text,
    },
}
