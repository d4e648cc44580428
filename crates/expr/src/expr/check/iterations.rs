//! What the functions that take a predicate take and give.

use super::types::{BOOL, INT, Kind, Type, UNKNOWN};
use super::{Checked, Checker};
use crate::expr::ast::{Iteration, NodeId};

impl Checker<'_> {
    pub(super) fn iterate(
        &self,
        iteration: Iteration,
        list: NodeId,
        predicate: Option<NodeId>,
        extra: Option<NodeId>,
    ) -> Checked {
        use Iteration as I;
        let found = self.type_of(list);
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
